/* show.c: what those share who show an answer of the API: the JSON as it came, or as
 * text. */
#include "agent/cli/show.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "agent/base/clock.h"
#include "agent/cli/client.h"

int show_json(const struct cli_args *args, const json_t *json, show_fn *render)
{
	struct text_style style = text_style_of(STDOUT_FILENO);
	struct buf out = BUF_INIT;
	int r = 0;

	style.now_wall_ms = clock_wall_ms();
	if (args->json)
		text_put_json(&out, json);
	else
		r = render(json, &style, &out);
	if (r == 0) {
		r = cli_print(&out);
	} else {
		fprintf(stderr, "ipvs-agent: %s\n",
			r == -ENOMEM ? "out of memory"
				     : "the answer is not one that this version (" VERSION
				       ") understands; was the agent restarted after the upgrade?");
		r = CLI_ERROR;
	}
	buf_fini(&out);
	return r;
}

int show(const struct cli_args *args, const struct client_question *q, show_fn *render)
{
	json_t *json;
	int r = client_ask_json(args, q, &json);

	if (r != CLI_OK)
		return r;
	r = show_json(args, json, render);
	json_decref(json);
	return r;
}

int show_path(const struct cli_args *args, const char *path, show_fn *render)
{
	return show(args, &(struct client_question){ .path = path }, render);
}
