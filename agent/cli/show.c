/* show.c: what status and explain share: ask, then print the API's JSON as it came, or
 * as text. */
#include "agent/cli/show.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/cli/client.h"

static int as_json(const json_t *json, struct buf *out)
{
	char *text = json_dumps(json, JSON_INDENT(2));

	if (!text)
		return -ENOMEM;
	buf_printf(out, "%s\n", text);
	free(text);
	return 0;
}

int show(const struct cli_args *args, const char *path, show_fn *render)
{
	struct text_style style = text_style_of(STDOUT_FILENO);
	struct client_answer answer = { 0 };
	struct buf out = BUF_INIT;
	json_t *json;
	int r = client_get(args, path, &answer);

	if (r != CLI_OK)
		return r;
	json = json_loadb(buf_str(&answer.body), answer.body.len, 0, NULL);
	buf_fini(&answer.body);
	if (!json)
		r = -ENOMEM;
	else
		r = args->json ? as_json(json, &out) : render(json, &style, &out);
	json_decref(json);
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
