/* wait.c: drain --wait. Signals are not handled but waited for: a look at the agent, then
 * a second in sigtimedwait(). So Ctrl-C is seen at once, and there is nothing global.
 *
 * An agent that restarts keeps its drains: that it does not answer for a while is told,
 * and asked again. */
#include "agent/cli/wait.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/base/clock.h"
#include "agent/base/parse.h"
#include "agent/cli/signals.h"
#include "agent/cli/text.h"

enum {
	LOOK_MS = 1000,
	LINE_MS = 5000,      /* where lines are not rewritten in place */
	LOOK_TIMEOUT = 5000, /* of one question */
	AWAY_MS = 120000,    /* for so long the agent may be away */
	GRACE_MS = 10000,    /* behind the time at which it is late, for the agent to say so */
	SILENT_MS = 300000,  /* and nobody may have figures, unless --timeout says otherwise */
};

struct waiting {
	const struct cli_args *args;
	const json_t *placed;
	struct client client;
	struct text_style style;     /* of stderr */
	bool rewrite;                /* the line, on a terminal */
	bool shown;                  /* there is one */
	struct buf last;             /* that was printed last */
	int64_t printed_ms, away_ms; /* 0 = never, it is here */
	int64_t silent_until_ms;
};

void wait_put_undo(const struct cli_args *args, struct buf *out)
{
	buf_puts(out, "ipvs-agent undrain ");
	text_put(out, args->rest[0]);
	if (args->holder) {
		buf_puts(out, " --holder ");
		text_put(out, args->holder);
	}
}

static void clear_line(struct waiting *w)
{
	if (w->rewrite && w->shown)
		fputs("\r\033[K", stderr);
	w->shown = false;
}

/* On a terminal in place of the one before it; else every few seconds, and at once where
 * it is `urgent` and differs. */
static void show_line(struct waiting *w, const struct buf *line, bool urgent)
{
	int64_t now = clock_mono_ms();
	struct buf cut = BUF_INIT;

	if (!buf_ok(line))
		return;
	if (w->rewrite) {
		clear_line(w);
		text_put_cut(&cut, buf_str(line), w->style.width ? w->style.width - 1 : 79);
		fputs(buf_str(&cut), stderr);
		w->shown = true;
	} else if (!w->printed_ms || now - w->printed_ms >= LINE_MS ||
		   (urgent && strcmp(buf_str(line), buf_str(&w->last)) != 0)) {
		fprintf(stderr, "%s\n", buf_str(line));
		buf_reset(&w->last);
		buf_puts(&w->last, buf_str(line));
		w->printed_ms = now;
	}
	fflush(stderr);
	buf_fini(&cut);
}

/* The agent does not answer: CLI_OK = ask again. */
static int away(struct waiting *w, const struct buf *why)
{
	struct buf line = BUF_INIT;
	int64_t now = clock_mono_ms();

	w->away_ms = w->away_ms ? w->away_ms : now;
	if (now - w->away_ms < AWAY_MS) {
		/* The first line of it: on a terminal there is one. */
		buf_printf(&line, "asking again: %.*s", (int)strcspn(buf_str(why), "\n"),
			   buf_str(why));
		show_line(w, &line, true);
		buf_fini(&line);
		return CLI_OK;
	}
	clear_line(w);
	fprintf(stderr, "ipvs-agent: %s\n  the drain stands in the ledger all the same\n",
		buf_str(why));
	return CLI_ERROR;
}

/* The agent says when it is late; one that cannot read the kernel may never do. */
static bool overdue(const struct waiting *w, const struct drain_sum *sum)
{
	if (sum->silent > 0)
		return clock_mono_ms() > w->silent_until_ms;
	return sum->deadline_wall_ms && w->style.now_wall_ms > sum->deadline_wall_ms + GRACE_MS;
}

/* One look. CLI_OK with *ret_end and, where it is the end, the holds. */
static int look(struct waiting *w, enum drain_end *ret_end, json_t **ret_holds)
{
	struct buf path = BUF_INIT, why = BUF_INIT, line = BUF_INIT;
	json_t *answer = NULL, *holds;
	struct drain_sum sum;
	int r;

	buf_puts(&path, "/api/v1/holds?target=");
	client_put_encoded(&path, w->args->rest[0]);
	/* Without an answer it says why. */
	(void)client_call_json(
		&w->client,
		&(struct client_question){ .path = buf_str(&path), .timeout_ms = LOOK_TIMEOUT },
		&why, &answer);
	holds = json_object_get(answer, "holds");
	*ret_end = DRAIN_GOES_ON;
	if (!holds) {
		r = away(w, &why);
		goto out;
	}
	r = CLI_OK;
	w->away_ms = 0;
	w->style.now_wall_ms = clock_wall_ms();
	drain_sum(w->placed, holds, &sum);
	*ret_end = drain_sum_end(&sum);
	if (*ret_end == DRAIN_GOES_ON && overdue(w, &sum))
		*ret_end = DRAIN_LATE;
	if (*ret_end == DRAIN_GOES_ON) {
		drain_sum_put(&sum, &w->style, w->args->rest[0], &line);
		show_line(w, &line, false);
	} else {
		*ret_holds = json_incref(holds);
	}
out:
	json_decref(answer);
	buf_fini(&path);
	buf_fini(&why);
	buf_fini(&line);
	return r;
}

/* Who asked is told what stands, then the signal does what it would have done: a script's
 * shell sees that. */
static void die_of(struct waiting *w, int signo, const sigset_t *before)
{
	struct buf undo = BUF_INIT;

	clear_line(w);
	wait_put_undo(w->args, &undo);
	fprintf(stderr, "%sno longer waiting; %s goes on being drained\n  undo: %s\n",
		w->rewrite ? "\n" : "", w->args->rest[0], buf_str(&undo));
	buf_fini(&undo);
	client_close(&w->client);
	buf_fini(&w->last);
	signals_die(signo, before);
}

int wait_drained(const struct cli_args *args, const json_t *placed, enum drain_end *ret_end,
		 json_t **ret_holds)
{
	const struct timespec second = { .tv_sec = LOOK_MS / 1000 };
	struct waiting w = { .args = args,
			     .placed = placed,
			     .style = text_style_of(STDERR_FILENO),
			     .rewrite = isatty(STDERR_FILENO) };
	int64_t silent_ms = SILENT_MS;
	sigset_t signals, before;
	int r = client_open(args, &w.client), signo = -1;

	if (r != CLI_OK)
		return r;
	if (args->timeout)
		(void)parse_duration(args->timeout, &silent_ms);
	w.silent_until_ms = clock_mono_ms() + silent_ms;
	signals_block(false, &signals, &before);
	while (r == CLI_OK && signo == -1) {
		r = look(&w, ret_end, ret_holds);
		if (r != CLI_OK || *ret_end != DRAIN_GOES_ON)
			break;
		do
			signo = sigtimedwait(&signals, NULL, &second);
		while (signo == -1 && errno == EINTR);
	}
	if (signo > 0)
		die_of(&w, signo, &before);
	clear_line(&w);
	sigprocmask(SIG_SETMASK, &before, NULL);
	client_close(&w.client);
	buf_fini(&w.last);
	return signo > 0 ? CLI_ERROR : r;
}
