/* role.c: ipvs-agent role [master|backup|fault]: GET and POST /api/v1/role.
 *
 * {"roles":true,"role":"master"|null,"since":…,"vips":[{"vip","address","interface",
 *   "wanted":bool,"present":bool|null,"reason":slug,"said"}],"sync":[{"state","interface",
 *   "ours":bool,"id","group","port","ttl","max_len"}]|null,"recorded":bool (of POST)}
 */
#include <errno.h>
#include <stdio.h>

#include "agent/cli/client.h"
#include "agent/cli/show.h"

static const char PATH[] = "/api/v1/role";

static void put_role(const json_t *json, struct buf *out)
{
	const char *since = render_text(json, "since");

	if (!json_is_true(json_object_get(json, "roles"))) {
		buf_puts(out, "role: none, it is alone (roles = off)\n");
		return;
	}
	buf_puts(out, "role: ");
	text_put(out, render_text(json, "role"));
	if (*since) {
		buf_puts(out, " since ");
		text_put(out, since);
	}
	if (json_is_false(json_object_get(json, "recorded")))
		buf_puts(out, " (NOT on disk: after a crash it would be the one before)");
	buf_putc(out, '\n');
}

/* "vip web  10.1.2.15  eth0  there", "… absent: waits for the role master". */
static void put_vip(const json_t *vip, const struct text_style *style, struct buf *out)
{
	bool wanted = json_is_true(json_object_get(vip, "wanted"));
	const json_t *present = json_object_get(vip, "present");
	const char *said = render_text(vip, "said");

	buf_puts(out, "vip ");
	text_put(out, render_text(vip, "vip"));
	buf_puts(out, "  ");
	text_put(out, render_text(vip, "address"));
	buf_puts(out, "  ");
	text_put(out, render_text(vip, "interface"));
	buf_puts(out, "  ");
	if (!json_is_boolean(present))
		buf_puts(out, "not looked for yet");
	else
		text_put_colour(out, style,
				wanted && !json_is_true(present) ? TEXT_RED : TEXT_PLAIN,
				json_is_true(present) ? "there" : "absent");
	if (*said) {
		buf_puts(out, ": ");
		text_put(out, said);
	}
	buf_putc(out, '\n');
}

static void put_daemon(const json_t *d, struct buf *out)
{
	buf_puts(out, "sync ");
	text_put(out, render_text(d, "state"));
	buf_puts(out, "  ");
	text_put(out, render_text(d, "interface"));
	buf_printf(out, "  id %lld%s\n", (long long)render_int(d, "id", 0),
		   json_is_true(json_object_get(d, "ours")) ? "" : "  (somebody else's)");
}

int render_role(const json_t *json, const struct text_style *style, struct buf *out)
{
	const json_t *vips = json_object_get(json, "vips"), *sync = json_object_get(json, "sync");
	const json_t *one;
	size_t i;

	if (!json_is_array(vips))
		return -EBADMSG;
	put_role(json, out);
	json_array_foreach (vips, i, one)
		put_vip(one, style, out);
	json_array_foreach (sync, i, one)
		put_daemon(one, out);
	return buf_ok(out) ? 0 : -ENOMEM;
}

int cmd_role(const struct cli_args *args)
{
	json_t *body;
	int r;

	if (args->n_rest == 0)
		return show_path(args, PATH, render_role);
	body = json_pack("{s:s}", "role", args->rest[0]);
	if (!body) {
		fputs("ipvs-agent: the role is no text\n", stderr);
		return CLI_USAGE;
	}
	r = show(args, &(struct client_question){ .method = "POST", .path = PATH, .body = body },
		 render_role);
	json_decref(body);
	return r;
}
