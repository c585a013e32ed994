/* undrain.c: ipvs-agent undrain TARGET|ID. An ID is found among the holds that there are:
 * it is of another shape than names are wont to be, but nothing forbids such a name. */
#include <stdio.h>
#include <string.h>

#include "agent/cli/client.h"
#include "agent/cli/operator.h"
#include "agent/cli/render.h"

/* CLI_OK: *ret_is says whether a hold has that id. */
static int is_id(const struct cli_args *args, const char *text, bool *ret_is)
{
	const json_t *hold;
	json_t *answer;
	bool is = false;
	size_t i;
	int r;

	*ret_is = false;
	if (!*text || text[strspn(text, "0123456789abcdefghijklmnopqrstuvwxyz-")])
		return CLI_OK;
	r = client_ask_json(args, &(struct client_question){ .path = "/api/v1/holds" }, &answer);
	if (r != CLI_OK)
		return r;
	json_array_foreach (json_object_get(answer, "holds"), i, hold)
		is = is || strcmp(render_text(hold, "id"), text) == 0;
	json_decref(answer);
	*ret_is = is;
	return CLI_OK;
}

static int lift_id(const struct cli_args *args, const char *id, json_t **ret_answer)
{
	struct buf path = BUF_INIT;
	int r;

	buf_puts(&path, "/api/v1/holds/");
	client_put_encoded(&path, id);
	r = client_ask_json(args,
			    &(struct client_question){ .method = "DELETE", .path = buf_str(&path) },
			    ret_answer);
	buf_fini(&path);
	return r;
}

int cmd_undrain(const struct cli_args *args)
{
	const char *target = args->rest[0];
	json_t *answer;
	bool by_id;
	int r = is_id(args, target, &by_id);

	if (r != CLI_OK)
		return r;
	r = by_id ? lift_id(args, target, &answer) : operator_lift(args, target, "drain", &answer);
	return r == CLI_OK ? operator_tell_lifted(args, answer) : r;
}
