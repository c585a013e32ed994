/* freeze.c: ipvs-agent freeze and thaw: {"frozen":HOLD}, {"frozen":null,"lifted":[HOLD…]}. */
#include <errno.h>

#include "agent/cli/client.h"
#include "agent/cli/operator.h"
#include "agent/cli/render_hold.h"
#include "agent/cli/show.h"

static const char PATH[] = "/api/v1/freeze";

int render_freeze(const json_t *json, const struct text_style *style, struct buf *out)
{
	const json_t *frozen = json_object_get(json, "frozen");
	const json_t *lifted = json_object_get(json, "lifted"), *hold;
	size_t i;

	if (!frozen)
		return -EBADMSG;
	json_array_foreach (lifted, i, hold) {
		buf_puts(out, "thawed: ");
		text_put(out, render_text(hold, "holder"));
		buf_puts(out, "'s freeze, ");
		render_hold_times(hold, style, out);
		buf_putc(out, '\n');
	}
	render_frozen(frozen, style, out);
	if (json_is_object(frozen))
		buf_puts(out, "undo: ipvs-agent thaw\n");
	else if (json_array_size(lifted) == 0)
		buf_puts(out, "nothing was frozen\n");
	return buf_ok(out) ? 0 : -ENOMEM;
}

int cmd_freeze(const struct cli_args *args)
{
	json_t *answer;
	int r = operator_ask(args, PATH, NULL, NULL, NULL, &answer);

	if (r != CLI_OK)
		return r;
	r = show_json(args, answer, render_freeze);
	json_decref(answer);
	return r;
}

int cmd_thaw(const struct cli_args *args)
{
	return show(args, &(struct client_question){ .method = "DELETE", .path = PATH },
		    render_freeze);
}
