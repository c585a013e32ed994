/* reload.c: ipvs-agent reload: the running agent reads its configuration again, and
 * all that is wrong with it is printed here. */
#include "agent/cli/client.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { RELOAD_TIMEOUT_MS = 120000 }; /* 100,000 realservers take seconds to read */

static int print_json(bool ok, const char *message)
{
	json_t *o = ok ? json_pack("{s:b,s:s}", "reloaded", 1, "message", message)
		       : json_pack("{s:b,s:{s:s,s:s}}", "reloaded", 0, "error", "code", "refused",
				   "message", message);
	char *text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;
	struct buf out = BUF_INIT;
	int r;

	if (text)
		buf_printf(&out, "%s\n", text);
	else
		out.failed = true;
	r = cli_print(&out);
	free(text);
	json_decref(o);
	buf_fini(&out);
	return r != CLI_OK || ok ? r : CLI_ERROR;
}

int cmd_reload(const struct cli_args *args)
{
	struct client_answer answer = { 0 };
	struct buf message = BUF_INIT;
	bool ok;
	int r = client_ask(args,
			   &(struct client_question){ .method = "POST",
						      .path = "/-/reload",
						      .timeout_ms = RELOAD_TIMEOUT_MS },
			   &answer);

	if (r != CLI_OK)
		return r;
	ok = answer.status >= 200 && answer.status < 300;
	client_format_error(&message, &answer);
	if (ok && answer.body.len == 0) {
		buf_reset(&message);
		buf_puts(&message, "reloaded");
	}
	if (args->json) {
		r = print_json(ok, buf_str(&message));
	} else if (ok) {
		buf_putc(&message, '\n');
		r = cli_print(&message);
	} else {
		fprintf(stderr,
			"%s\nipvs-agent: not reloaded: the old configuration stays in force\n",
			buf_str(&message));
		r = CLI_ERROR;
	}
	buf_fini(&message);
	buf_fini(&answer.body);
	return r;
}
