/* journal.c: ipvs-agent journal [TARGET] [--limit N] [--follow]. */
#include "agent/cli/journal.h"

#include <stdio.h>

#include "agent/base/parse.h"
#include "agent/cli/client.h"
#include "agent/cli/show.h"

enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 10000 };

void journal_put_path(const struct cli_args *args, unsigned int limit, struct buf *out)
{
	buf_printf(out, "/api/v1/journal?limit=%u", limit);
	if (args->n_rest > 0) {
		buf_puts(out, "&target=");
		client_put_encoded(out, args->rest[0]);
	}
}

int cmd_journal(const struct cli_args *args)
{
	uint64_t limit = LIMIT_DEFAULT;
	struct buf path = BUF_INIT;
	int r;

	if (args->limit &&
	    (parse_u64(args->limit, &limit) != 0 || limit == 0 || limit > LIMIT_MAX)) {
		fprintf(stderr, "ipvs-agent: --limit: 1 to %d lines\n", LIMIT_MAX);
		return CLI_USAGE;
	}
	if (args->follow)
		return journal_follow(args, (unsigned int)limit);
	journal_put_path(args, (unsigned int)limit, &path);
	r = show_path(args, buf_str(&path), render_journal);
	buf_fini(&path);
	return r;
}
