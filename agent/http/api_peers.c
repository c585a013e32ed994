/* api_peers.c: what this director holds, for its peers alone, and how those are. */
#include <stdlib.h>
#include <string.h>

#include "agent/http/routes.h"
#include "agent/http/wait.h"

enum { TAG_MAX = 64 };

/* ?known= is the tag of what was told before; any other is nobody's. */
void http_peer(struct http_request *r)
{
	struct command cmd = { .kind = COMMAND_PEER };
	const char *known = http_query(r, "known");

	if (known && strlen(known) <= TAG_MAX) {
		cmd.target = strdup(known);
		if (!cmd.target) {
			http_error(r, 500, "out of memory");
			return;
		}
	}
	http_pass_command(r, &cmd, 200);
}

void http_peers(struct http_request *r)
{
	struct command cmd = { .kind = COMMAND_PEERS };

	http_pass_command(r, &cmd, 200);
}
