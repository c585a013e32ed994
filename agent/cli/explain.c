/* explain.c: ipvs-agent explain TARGET. The reasons are the agent's own, made where the
 * weights are made (sync/desired): nothing is computed here. For the shape of the answer
 * see render_explain.c. */
#include "agent/cli/client.h"
#include "agent/cli/show.h"

int cmd_explain(const struct cli_args *args)
{
	struct buf path = BUF_INIT;
	int r;

	buf_puts(&path, "/api/v1/explain?target=");
	client_put_encoded(&path, args->rest[0]);
	r = show_path(args, buf_str(&path), render_explain);
	buf_fini(&path);
	return r;
}
