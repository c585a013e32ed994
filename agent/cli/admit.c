/* admit.c: ipvs-agent admit TARGET: rules are ignored there for a while. */
#include <stdio.h>

#include "agent/cli/client.h"
#include "agent/cli/operator.h"
#include "agent/cli/show.h"

int cmd_admit(const struct cli_args *args)
{
	json_t *answer;
	int r;

	if (args->end) {
		r = operator_lift(args, args->rest[0], "admit", &answer);
		return r == CLI_OK ? operator_tell_lifted(args, answer) : r;
	}
	r = operator_ask(args, "/api/v1/holds", args->rest[0], "admit", json_true(), &answer);
	if (r != CLI_OK)
		return r;
	r = show_json(args, answer, render_placed);
	json_decref(answer);
	return r;
}
