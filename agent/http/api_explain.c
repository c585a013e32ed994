/* api_explain.c: GET /api/v1/explain?target=…: asked of the loop, which knows every
 * hold and every reason; the answer is its JSON. */
#include <stdlib.h>
#include <string.h>

#include "agent/http/ask.h"
#include "agent/http/routes.h"
#include "agent/http/wait.h"

void http_explain(struct http_request *r)
{
	const char *target = http_query(r, "target");
	struct command cmd = { .kind = COMMAND_EXPLAIN };
	struct buf why = BUF_INIT;

	if (!target || !*target)
		http_error(r, 400, "target: is missing: ?target=SERVICE/REALSERVER");
	else if (ask_target(target, &cmd.target, &why) < 0)
		http_error(r, 400, "%s", buf_str(&why));
	else
		http_pass_command(r, &cmd, 200);
	buf_fini(&why);
}
