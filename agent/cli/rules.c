/* rules.c: ipvs-agent rules. */
#include "agent/cli/client.h"
#include "agent/cli/show.h"

int cmd_rules(const struct cli_args *args)
{
	return show_path(args, "/api/v1/rules", render_rules);
}
