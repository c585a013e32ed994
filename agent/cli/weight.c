/* weight.c: ipvs-agent weight TARGET N|N%|reset. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/parse.h"
#include "agent/cli/client.h"
#include "agent/cli/operator.h"
#include "agent/cli/show.h"

enum { WEIGHT_MAX = 65535 }; /* of the agent's configuration, too */

/* CLI_OK with the value as the API takes it: 50 or "50%". */
static int read_weight(const char *text, json_t **ret_value)
{
	size_t len = strlen(text);
	bool share = len > 0 && text[len - 1] == '%';
	char *digits = strndup(text, share ? len - 1 : len);
	uint64_t n;
	int r = CLI_USAGE;

	if (!digits)
		return CLI_ERROR;
	if (parse_u64(digits, &n) != 0 || n > WEIGHT_MAX) {
		fprintf(stderr,
			"ipvs-agent: '%s' is no weight; write 1 to %d, a share as 50%%, or "
			"'reset'\n",
			text, WEIGHT_MAX);
	} else if (n == 0) {
		fputs("ipvs-agent: to take it out, use 'ipvs-agent drain': it says when its "
		      "connections are gone\n",
		      stderr);
	} else {
		*ret_value = share ? json_string(text) : json_integer((json_int_t)n);
		r = *ret_value ? CLI_OK : CLI_ERROR;
	}
	free(digits);
	return r;
}

int cmd_weight(const struct cli_args *args)
{
	json_t *answer, *value;
	int r;

	if (strcmp(args->rest[1], "reset") == 0) {
		r = operator_lift(args, args->rest[0], "weight", &answer);
		return r == CLI_OK ? operator_tell_lifted(args, answer) : r;
	}
	r = read_weight(args->rest[1], &value);
	if (r == CLI_OK)
		r = operator_ask(args, "/api/v1/holds", args->rest[0], "replace", value, &answer);
	if (r != CLI_OK)
		return r;
	r = show_json(args, answer, render_placed);
	json_decref(answer);
	return r;
}
