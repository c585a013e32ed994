/* version.c: ipvs-agent version. */
#include "agent/cli/cli.h"

int cmd_version(const struct cli_args *args)
{
	struct buf text = BUF_INIT;
	int r;

	if (args->json)
		buf_puts(&text, "{\"version\":\"" VERSION "\",\"revision\":\"" REVISION "\"}\n");
	else
		buf_puts(&text, "ipvs-agent " VERSION " (" REVISION ")\n");
	r = cli_print(&text);
	buf_fini(&text);
	return r;
}
