/* placed.c: what is told of what was asked for:
 * {"id","hold":HOLD,"holds":[HOLD…],"overrode":[{"guard","service","message"}…]} */
#include <errno.h>
#include <string.h>

#include "agent/cli/render.h"
#include "agent/cli/render_hold.h"

/* "web/web2  drain, since …, until …: deploy". */
static void put_hold(const json_t *hold, const struct text_style *style, struct buf *out)
{
	struct buf line = BUF_INIT, drain = BUF_INIT;

	render_hold_target(hold, &line);
	text_put_colour(out, style, TEXT_BOLD, buf_str(&line));
	buf_reset(&line);
	buf_puts(&line, "  ");
	render_hold_effect(hold, &line);
	buf_puts(&line, " ");
	render_hold_times(hold, style, &line);
	if (!json_is_string(json_object_get(hold, "until")))
		buf_puts(&line, " until it is ended");
	if (*render_text(hold, "reason"))
		buf_printf(&line, ": %s", render_text(hold, "reason"));
	render_drain(hold, style, &drain);
	if (drain.len > 0)
		buf_printf(&line, "; %s", buf_str(&drain));
	text_put(out, buf_str(&line));
	buf_putc(out, '\n');
	if (!buf_ok(&line) || !buf_ok(&drain))
		out->failed = true;
	buf_fini(&line);
	buf_fini(&drain);
}

void render_overrode(const json_t *json, const struct text_style *style, struct buf *out)
{
	const json_t *overrode = json_object_get(json, "overrode"), *o;
	struct buf line = BUF_INIT;
	size_t i;

	json_array_foreach (overrode, i, o) {
		buf_reset(&line);
		buf_printf(&line, "overrode guard %s of %s: %s", render_text(o, "guard"),
			   render_text(o, "service"), render_text(o, "message"));
		text_put_colour(out, style, TEXT_RED, buf_str(&line));
		buf_putc(out, '\n');
	}
	if (!buf_ok(&line))
		out->failed = true;
	buf_fini(&line);
}

int render_placed(const json_t *json, const struct text_style *style, struct buf *out)
{
	const json_t *holds = json_object_get(json, "holds"), *hold;
	size_t i;

	if (!json_is_array(holds))
		return -EBADMSG;
	json_array_foreach (holds, i, hold)
		put_hold(hold, style, out);
	render_overrode(json, style, out);
	return buf_ok(out) ? 0 : -ENOMEM;
}
