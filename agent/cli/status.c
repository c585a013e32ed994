/* status.c: ipvs-agent status [SERVICE]. The API tells of services here and of holds
 * there; people want to see them side by side. */
#include <errno.h>
#include <stdio.h>

#include "agent/cli/client.h"
#include "agent/cli/show.h"
#include "agent/cli/status_rows.h"

/* As the list of all services is, also where one was asked for. */
static json_t *as_list(json_t *services)
{
	return json_object_get(services, "services") ? json_incref(services)
						     : json_pack("{s:[O]}", "services", services);
}

/* The same with what the holds say put in, where they can be had. */
static json_t *with_holds(const struct client *client, json_t *services)
{
	json_t *all = as_list(services), *holds = NULL;
	struct buf why = BUF_INIT;

	if (all && client_call_json(client, &(struct client_question){ .path = "/api/v1/holds" },
				    &why, &holds) == 0)
		json_object_update_new(all, holds);
	buf_fini(&why);
	return all;
}

static int tell(const struct cli_args *args, const struct client *client, json_t *services)
{
	json_t *all = args->json ? json_incref(services) : with_holds(client, services);
	int r;

	if (!all) {
		fputs("ipvs-agent: out of memory\n", stderr);
		return CLI_ERROR;
	}
	r = show_json(args, all, render_status);
	json_decref(all);
	return r;
}

int cmd_status(const struct cli_args *args)
{
	struct client_answer answer = { 0 };
	struct buf path = BUF_INIT, why = BUF_INIT;
	struct client client;
	json_t *services = NULL;
	int r = client_open(args, &client);

	if (r != CLI_OK)
		return r;
	buf_puts(&path, "/api/v1/services");
	if (args->n_rest > 0) {
		buf_putc(&path, '/');
		client_put_encoded(&path, args->rest[0]);
	}
	/* What was ordered a moment ago shall be seen: a reading of now. */
	buf_puts(&path, "?max_age=0");
	if (client_call(&client, &(struct client_question){ .path = buf_str(&path) }, &why,
			&answer) == 0) {
		r = client_json(args, &answer, &services);
	} else {
		fprintf(stderr, "ipvs-agent: %s\n", buf_str(&why));
		r = CLI_ERROR;
	}
	if (r == CLI_OK) {
		r = tell(args, &client, services);
		json_decref(services);
	}
	client_close(&client);
	buf_fini(&path);
	buf_fini(&why);
	return r;
}
