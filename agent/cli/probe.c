/* probe.c: ipvs-agent probe TARGET [PROBE]. The attempts are the agent's own: what is seen
 * here is what its verdict is made of. For the shape of the answer see render_probe.c. */
#include <stdio.h>
#include <string.h>

#include "agent/cli/client.h"
#include "agent/cli/render.h"
#include "agent/cli/show.h"

enum { WAIT_MS = 75 * 1000 };

static bool all_passed(const json_t *answer)
{
	const json_t *attempt;
	size_t i;

	json_array_foreach (json_object_get(answer, "attempts"), i, attempt)
		if (strcmp(render_text(attempt, "outcome"), "passed") != 0)
			return false;
	return true;
}

int cmd_probe(const struct cli_args *args)
{
	json_t *request = json_pack("{s:s, s:b}", "target", args->rest[0], "count", args->count);
	json_t *answer;
	int r;

	if (!request || (args->n_rest > 1 &&
			 json_object_set_new(request, "probe", json_string(args->rest[1])) != 0)) {
		fputs("ipvs-agent: TARGET and PROBE are names\n", stderr);
		json_decref(request);
		return CLI_USAGE;
	}
	r = client_ask_json(args,
			    &(struct client_question){ .method = "POST",
						       .path = "/api/v1/probe",
						       .body = request,
						       .timeout_ms = WAIT_MS },
			    &answer);
	json_decref(request);
	if (r != CLI_OK)
		return r;
	r = show_json(args, answer, render_probe);
	if (r == CLI_OK && !all_passed(answer))
		r = CLI_CHANGES;
	json_decref(answer);
	return r;
}
