/* lifted.c: what is told when holds end: which did, which remain, and what becomes of the
 * weight now.
 *
 * {"lifted":[HOLD…],"remaining":[HOLD…]}; how it returns says explain.
 */
#include <errno.h>
#include <string.h>

#include "agent/cli/client.h"
#include "agent/cli/operator.h"
#include "agent/cli/render_hold.h"
#include "agent/cli/show.h"

/* "web/web2: operator alice's drain (since …): deploy". */
static void put_hold(const json_t *hold, const struct text_style *style, struct buf *out)
{
	struct buf line = BUF_INIT;

	render_hold_target(hold, &line);
	buf_puts(&line, ": ");
	render_hold_name(hold, &line);
	buf_puts(&line, ", ");
	render_hold_times(hold, style, &line);
	if (*render_text(hold, "reason"))
		buf_printf(&line, ": %s", render_text(hold, "reason"));
	text_put(out, buf_str(&line));
	buf_putc(out, '\n');
	if (!buf_ok(&line))
		out->failed = true;
	buf_fini(&line);
}

/* Who may end it, and how. */
static void put_hint(const json_t *hold, struct buf *out)
{
	const json_t *effect = json_object_get(hold, "effect");
	struct buf text = BUF_INIT;

	if (strcmp(render_text(hold, "class"), "rule") == 0 ||
	    strcmp(render_text(hold, "class"), "agent") == 0)
		return;
	buf_puts(&text, "ipvs-agent undrain ");
	if (json_is_integer(effect) && strcmp(render_text(hold, "class"), "operator") == 0) {
		render_hold_target(hold, &text);
		buf_printf(&text, " --holder %s", render_text(hold, "holder"));
	} else {
		buf_puts(&text, render_text(hold, "id"));
	}
	buf_puts(out, "         to end it: ");
	text_put(out, buf_str(&text));
	buf_putc(out, '\n');
	if (!buf_ok(&text))
		out->failed = true;
	buf_fini(&text);
}

int render_lifted(const json_t *json, const struct text_style *style, struct buf *out)
{
	const json_t *lifted = json_object_get(json, "lifted"), *hold;
	const json_t *remaining = json_object_get(json, "remaining");
	size_t i;

	if (!json_is_array(lifted))
		return -EBADMSG;
	if (json_array_size(lifted) == 0)
		buf_puts(out, "nothing of yours was there to end\n");
	json_array_foreach (lifted, i, hold) {
		text_put_colour(out, style, TEXT_GREEN, "ended");
		buf_puts(out, "    ");
		put_hold(hold, style, out);
	}
	json_array_foreach (remaining, i, hold) {
		text_put_colour(out, style, TEXT_YELLOW, "remains");
		buf_puts(out, "  ");
		put_hold(hold, style, out);
		put_hint(hold, out);
	}
	return buf_ok(out) ? 0 : -ENOMEM;
}

/* "web/web2  weight 100: in steps over 30s", from what explain says. */
int render_returns(const json_t *json, const struct text_style *style, struct buf *out)
{
	const json_t *targets = json_object_get(json, "targets"), *target;
	struct buf line = BUF_INIT;
	size_t i;

	(void)style;
	if (!json_is_array(targets))
		return -EBADMSG;
	json_array_foreach (targets, i, target) {
		const json_t *weight = json_object_get(target, "weight");

		buf_printf(&line, "now      %s/%s: ", render_text(target, "service"),
			   render_text(target, "realserver"));
		if (json_is_integer(weight))
			buf_printf(&line, "weight %lld of %lld",
				   (long long)json_integer_value(weight),
				   (long long)render_int(target, "configured", 0));
		else
			buf_puts(&line, "absent");
		if (*render_text(target, "returns"))
			buf_printf(&line, "; returns: %s", render_text(target, "returns"));
		text_put(out, buf_str(&line));
		buf_putc(out, '\n');
		buf_reset(&line);
	}
	buf_fini(&line);
	return buf_ok(out) ? 0 : -ENOMEM;
}

/* Of each realserver that was lifted, as far as the agent tells: it is no error where
 * it does not. */
static int tell_returns(const struct cli_args *args, const json_t *hold)
{
	struct buf path = BUF_INIT, target = BUF_INIT, why = BUF_INIT;
	struct client client;
	json_t *json;
	int r = client_open(args, &client);

	if (r != CLI_OK)
		return r;
	render_hold_target(hold, &target);
	buf_puts(&path, "/api/v1/explain?target=");
	client_put_encoded(&path, buf_str(&target));
	if (client_call_json(&client, &(struct client_question){ .path = buf_str(&path) }, &why,
			     &json) == 0) {
		r = show_json(args, json, render_returns);
		json_decref(json);
	}
	client_close(&client);
	buf_fini(&path);
	buf_fini(&target);
	buf_fini(&why);
	return r;
}

int operator_tell_lifted(const struct cli_args *args, json_t *answer)
{
	const json_t *hold;
	size_t i;
	int r = show_json(args, answer, render_lifted);

	json_array_foreach (json_object_get(answer, "lifted"), i, hold) {
		if (r == CLI_OK && !args->json)
			r = tell_returns(args, hold);
	}
	/* Who wanted it back in traffic shall not think that it is. */
	if (r == CLI_OK && json_array_size(json_object_get(answer, "lifted")) == 0)
		r = CLI_ERROR;
	json_decref(answer);
	return r;
}
