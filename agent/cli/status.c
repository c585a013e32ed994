/* status.c: ipvs-agent status [SERVICE]. */
#include <errno.h>

#include "agent/cli/client.h"
#include "agent/cli/show.h"

/* One service is answered as itself, all of them as a list: the same table. */
static int render(const json_t *json, const struct text_style *style, struct buf *out)
{
	json_t *list;
	int r;

	if (json_object_get(json, "services"))
		return render_status(json, style, out);
	list = json_pack("{s:[O]}", "services", (json_t *)(uintptr_t)json);
	if (!list)
		return -ENOMEM;
	r = render_status(list, style, out);
	json_decref(list);
	return r;
}

int cmd_status(const struct cli_args *args)
{
	struct buf path = BUF_INIT;
	int r;

	buf_puts(&path, "/api/v1/services");
	if (args->n_rest > 0) {
		buf_putc(&path, '/');
		client_put_encoded(&path, args->rest[0]);
	}
	r = show(args, buf_str(&path), render);
	buf_fini(&path);
	return r;
}
