/* pass.c: commands whose reply is the answer: the loop's JSON, or its error with the
 * status that says what kind it is. */
#include <string.h>

#include "agent/http/wait.h"

/* An attempt takes as long as its timeout allows. */
enum { PASS_MS = 10 * 1000, PROBE_MS = 70 * 1000 };

static const unsigned int statuses[] = {
	[COMMAND_INVALID] = 400,     [COMMAND_NOT_FOUND] = 404, [COMMAND_REFUSED] = 409,
	[COMMAND_CONFLICT] = 409,    [COMMAND_FAILED] = 500,    [COMMAND_STOPPING] = 503,
	[COMMAND_UNAVAILABLE] = 503,
};

static void answer(struct http_request *r, unsigned int status)
{
	struct http_result *result = http_wait_result(r);
	const char *text = buf_str(&result->text);

	if (result->outcome == HTTP_WAIT_TIMEOUT)
		http_error(r, 504, "the loop did not answer in time%s",
			   r->by ? "; it may do this yet" : "");
	else if (result->outcome == HTTP_WAIT_STOPPING || result->status == COMMAND_STOPPING)
		http_error(r, 503, "the agent is stopping");
	else if (result->status == COMMAND_OK)
		http_answer(r, status, "application/json", &result->text);
	else
		http_error_guard(r, statuses[result->status], result->guard,
				 *text ? text : "it could not be done");
}

static void after_ok(struct http_request *r)
{
	answer(r, 200);
}

static void after_created(struct http_request *r)
{
	answer(r, 201);
}

void http_pass_command(struct http_request *r, struct command *cmd, unsigned int status)
{
	int64_t ms = cmd->kind == COMMAND_PROBE ? PROBE_MS : PASS_MS;

	http_command(r, cmd, ms, status == 201 ? after_created : after_ok);
}
