/* targets.c: ipvs-agent targets [services]: what a TARGET may be, a line each. Hidden: the
 * completions of the shells ask for it at each Tab. */
#include <string.h>

#include "agent/cli/client.h"
#include "agent/cli/render.h"

/* A Tab shall not wait for what nobody reads. */
enum { TARGETS_MAX = 5000, TIMEOUT_MS = 3000 };

static void put_services(const json_t *services, bool realservers, struct buf *out)
{
	const json_t *service, *rs;
	size_t lines = 0, i, k;

	json_array_foreach (services, i, service) {
		const char *name = render_text(service, "name");

		if (lines++ < TARGETS_MAX)
			buf_printf(out, "%s\n", name);
		json_array_foreach (json_object_get(service, "realservers"), k, rs) {
			if (realservers && lines++ < TARGETS_MAX)
				buf_printf(out, "%s/%s\n", name, render_text(rs, "name"));
		}
	}
}

/* Each name once, wherever it serves. */
static void put_names(const json_t *services, struct buf *out)
{
	const json_t *service, *rs;
	json_t *names = json_object(), *value;
	const char *name;
	size_t i, k;

	json_array_foreach (services, i, service) {
		json_array_foreach (json_object_get(service, "realservers"), k, rs) {
			if (json_object_size(names) < TARGETS_MAX)
				json_object_set_new(names, render_text(rs, "name"), json_null());
		}
	}
	json_object_foreach (names, name, value)
		buf_printf(out, "%s\n", name);
	json_decref(names);
}

int cmd_targets(const struct cli_args *args)
{
	bool only_services = args->n_rest > 0 && strcmp(args->rest[0], "services") == 0;
	const json_t *services;
	struct buf out = BUF_INIT;
	json_t *answer;
	int r = client_ask_json(
		args,
		&(struct client_question){ .path = "/api/v1/services", .timeout_ms = TIMEOUT_MS },
		&answer);

	if (r != CLI_OK)
		return r;
	services = json_object_get(answer, "services");
	put_services(services, !only_services, &out);
	if (!only_services)
		put_names(services, &out);
	r = cli_print(&out);
	json_decref(answer);
	buf_fini(&out);
	return r;
}
