/* holds.c: ipvs-agent holds [TARGET] [--class CLASS]. */
#include "agent/cli/client.h"
#include "agent/cli/show.h"

int cmd_holds(const struct cli_args *args)
{
	struct buf path = BUF_INIT;
	const char *before = "?";
	int r;

	buf_puts(&path, "/api/v1/holds");
	if (args->n_rest > 0) {
		buf_printf(&path, "%starget=", before);
		client_put_encoded(&path, args->rest[0]);
		before = "&";
	}
	if (args->of_class) {
		buf_printf(&path, "%sclass=", before);
		client_put_encoded(&path, args->of_class);
	}
	r = show_path(args, buf_str(&path), render_holds);
	buf_fini(&path);
	return r;
}
