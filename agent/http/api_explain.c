/* api_explain.c: GET /api/v1/explain?target=…: asked of the loop, which knows every
 * hold and every reason; the answer is its JSON. */
#include <stdlib.h>
#include <string.h>

#include "agent/http/routes.h"
#include "agent/http/wait.h"

enum { EXPLAIN_MS = 10 * 1000, TARGET_MAX = 200 };

static const unsigned int statuses[] = {
	[COMMAND_OK] = 200,      [COMMAND_INVALID] = 400, [COMMAND_NOT_FOUND] = 404,
	[COMMAND_REFUSED] = 409, [COMMAND_FAILED] = 500,  [COMMAND_STOPPING] = 503,
};

static void after_explain(struct http_request *r)
{
	struct http_result *result = http_wait_result(r);
	const char *text = buf_str(&result->text);

	if (result->outcome == HTTP_WAIT_TIMEOUT)
		http_error(r, 504, "the loop did not answer in time");
	else if (result->outcome == HTTP_WAIT_STOPPING)
		http_error(r, 503, "the agent is stopping");
	else if (result->status == COMMAND_OK)
		http_answer(r, 200, "application/json", &result->text);
	else
		http_error(r, statuses[result->status], "%s",
			   *text ? text : "it could not be done");
}

void http_explain(struct http_request *r)
{
	const char *target = http_query(r, "target");
	struct command cmd = { .kind = COMMAND_EXPLAIN };

	if (!target || !*target || strlen(target) > TARGET_MAX) {
		http_error(r, 400, "?target=SERVICE/REALSERVER is missing or too long");
		return;
	}
	for (const char *c = target; *c; c++) {
		if (*c <= ' ' || *c > '~') {
			http_error(r, 400, "target: a name has no such characters");
			return;
		}
	}
	cmd.target = strdup(target);
	if (!cmd.target)
		http_error(r, 500, "out of memory");
	else
		http_command(r, &cmd, EXPLAIN_MS, after_explain);
}
