/* drain.c: ipvs-agent drain TARGET [--wait]. The drain is a hold at 0; when it is done
 * says the agent, which counts connections. */
#include <errno.h>
#include <stdio.h>

#include "agent/base/clock.h"
#include "agent/cli/operator.h"
#include "agent/cli/render_hold.h"
#include "agent/cli/show.h"
#include "agent/cli/wait.h"

static int out_of_memory(void)
{
	fputs("ipvs-agent: out of memory\n", stderr);
	return CLI_ERROR;
}

static int print_undo(const struct cli_args *args)
{
	struct buf out = BUF_INIT;
	int r;

	buf_puts(&out, "undo: ");
	wait_put_undo(args, &out);
	buf_putc(&out, '\n');
	r = cli_print(&out);
	buf_fini(&out);
	return r;
}

static const struct {
	const char *word; /* of JSON */
	int code;
} ends[] = {
	[DRAIN_DRAINED] = { "drained", CLI_OK },
	[DRAIN_LATE] = { "late", CLI_CHANGES },
	[DRAIN_ENDED] = { "ended", CLI_ERROR },
};

/* The answer that was given to the request, with the holds as they are now. */
static int print_json(const json_t *placed, enum drain_end end, json_t *holds)
{
	json_t *o = json_copy((json_t *)(uintptr_t)placed);
	struct buf out = BUF_INIT;
	int r;

	if (!o || json_object_set_new(o, "state", json_string(ends[end].word)) != 0 ||
	    json_object_set(o, "holds", holds) != 0) {
		json_decref(o);
		return out_of_memory();
	}
	text_put_json(&out, o);
	json_decref(o);
	r = cli_print(&out);
	buf_fini(&out);
	return r;
}

/* "not drained in time: web/web2: 3 active; it stays at weight 0". */
static int print_end(const struct cli_args *args, const json_t *placed, enum drain_end end,
		     const json_t *holds)
{
	struct text_style style = text_style_of(1);
	struct buf out = BUF_INIT, figures = BUF_INIT;
	struct drain_sum sum;
	int r;

	style.now_wall_ms = clock_wall_ms();
	drain_sum(json_object_get(placed, "holds"), holds, &sum);
	if (end == DRAIN_DRAINED) {
		text_put_colour(&out, &style, TEXT_GREEN, "drained");
		buf_puts(&out, ": ");
		text_put(&out, args->rest[0]);
		buf_puts(&out, " can be stopped; it stays out\n");
	} else if (end == DRAIN_LATE) {
		text_put_colour(&out, &style, TEXT_RED, "not drained in time");
		buf_puts(&out, ": ");
		render_hold_target(sum.worst, &figures);
		if (json_object_get(sum.worst, "drain")) {
			buf_puts(&figures, ": ");
			render_drain(sum.worst, &style, &figures);
		} else {
			buf_puts(&figures, " has connections that the agent cannot count");
		}
		text_put(&out, buf_str(&figures));
		buf_puts(&out, "; it stays out and goes on draining\n");
	} else {
		text_put_colour(&out, &style, TEXT_RED, "ended");
		buf_puts(&out, ": the drain of ");
		text_put(&out, args->rest[0]);
		buf_puts(&out, " was lifted, or its time has passed: it gets connections again\n");
	}
	r = cli_print(&out);
	buf_fini(&out);
	buf_fini(&figures);
	return r == CLI_OK && end != DRAIN_ENDED ? print_undo(args) : r;
}

static int wait_for(const struct cli_args *args, const json_t *placed)
{
	enum drain_end end = DRAIN_GOES_ON;
	json_t *holds = NULL;
	int r = wait_drained(args, json_object_get(placed, "holds"), &end, &holds);

	if (r == CLI_OK)
		r = args->json ? print_json(placed, end, holds)
			       : print_end(args, placed, end, holds);
	json_decref(holds);
	return r == CLI_OK ? ends[end].code : r;
}

int cmd_drain(const struct cli_args *args)
{
	json_t *answer;
	int r = operator_ask(args, "/api/v1/holds", args->rest[0], "weight", json_integer(0),
			     &answer);

	if (r != CLI_OK)
		return r;
	if (!args->json || !args->wait)
		r = show_json(args, answer, render_placed);
	if (r == CLI_OK && args->wait)
		r = wait_for(args, answer);
	else if (r == CLI_OK && !args->json)
		r = print_undo(args);
	json_decref(answer);
	return r;
}
