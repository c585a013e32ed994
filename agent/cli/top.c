/* top.c: ipvs-agent top [SERVICE]: asks, compares with what came before, shows, waits for
 * a key. No library draws: a screen is text with colours, as status prints it. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/base/clock.h"
#include "agent/base/parse.h"
#include "agent/cli/client.h"
#include "agent/cli/render_top.h"
#include "agent/cli/signals.h"
#include "agent/cli/terminal.h"

enum {
	INTERVAL_MS = 2000,
	INTERVAL_MIN = 200,
	ASK_MS = 5000,
	KEY_ESCAPE = 27,
	KEY_BACKSPACE = 127,
};

struct top {
	const struct cli_args *args;
	struct client client;
	struct top_view view;
	struct text_style style;
	struct top_reading *reading; /* the last good one; NULL = none yet */
	struct buf message, filter;
};

/* --- asking ---------------------------------------------------------------------- */

static json_t *ask(struct top *t)
{
	struct buf path = BUF_INIT, quiet = BUF_INIT;
	json_t *services = NULL, *holds = NULL;

	buf_puts(&path, "/api/v1/services");
	if (t->args->n_rest > 0) {
		buf_putc(&path, '/');
		client_put_encoded(&path, t->args->rest[0]);
	}
	/* Of the middle of the interval at worst: each question gets a reading of its own. */
	buf_printf(&path, "?max_age=%lldms", (long long)t->view.interval_ms / 2);
	if (client_call_json(
		    &t->client,
		    &(struct client_question){ .path = buf_str(&path), .timeout_ms = ASK_MS },
		    &t->message, &services) == 0 &&
	    client_call_json(
		    &t->client,
		    &(struct client_question){ .path = "/api/v1/holds", .timeout_ms = ASK_MS },
		    &quiet, &holds) == 0)
		json_object_update_missing_new(services, holds);
	buf_fini(&path);
	buf_fini(&quiet);
	return services;
}

/* A reading more; where there is none, the message says why, and the old one stands. */
static void look(struct top *t)
{
	struct top_reading *r;
	json_t *json;

	buf_reset(&t->message);
	json = ask(t);
	if (!json)
		return;
	r = top_reading_new(json);
	json_decref(json);
	if (!r) {
		buf_puts(&t->message,
			 "the answer is not one that this version (" VERSION ") understands");
		return;
	}
	top_reading_compare(r, t->reading);
	top_reading_free(t->reading);
	t->reading = r;
}

/* --- live ------------------------------------------------------------------------ */

static bool draw(struct top *t, struct terminal *term)
{
	struct buf screen = BUF_INIT;
	bool ok;

	terminal_size(term, &t->style.width, &t->view.height);
	t->style.now_wall_ms = clock_wall_ms();
	t->view.message = buf_str(&t->message);
	t->view.filter = buf_str(&t->filter);
	ok = render_top(t->reading, &t->view, &t->style, &screen) &&
	     terminal_show(term, &screen) == 0;
	buf_fini(&screen);
	return ok;
}

static void type_filter(struct top *t, int key)
{
	if (key == '\n' || key == '\r') {
		t->view.typing = false;
	} else if (key == KEY_ESCAPE) {
		t->view.typing = false;
		buf_reset(&t->filter);
	} else if (key == KEY_BACKSPACE || key == '\b') {
		if (t->filter.len > 0)
			t->filter.data[--t->filter.len] = '\0';
	} else if (key > ' ' && key < KEY_BACKSPACE) {
		buf_putc(&t->filter, (char)key);
	}
}

/* False = quit. */
static bool press(struct top *t, int key)
{
	if (t->view.typing) {
		type_filter(t, key);
		return true;
	}
	if (key == '/') {
		t->view.typing = true;
		buf_reset(&t->filter);
	}
	for (int i = 0; i < TOP_N_KEYS; i++) {
		if (key != top_key_names[i][0])
			continue;
		t->view.reverse = t->view.key == (enum top_key)i && !t->view.reverse;
		t->view.key = (enum top_key)i;
	}
	return key != 'q';
}

/* Until it is quit: 0, or the signal that ended it; -1 = the terminal is gone. */
static int live(struct top *t, struct terminal *term)
{
	int64_t next = clock_mono_ms() + t->view.interval_ms, left;
	enum terminal_event event;
	int key;

	while (draw(t, term)) {
		left = next - clock_mono_ms();
		event = left > 0 ? terminal_wait(term, left, &key) : TERMINAL_NOTHING;
		if (event == TERMINAL_END)
			return key > 0 ? key : -1;
		if (event == TERMINAL_KEY && !press(t, key))
			return 0;
		if (clock_mono_ms() >= next) {
			look(t);
			next = clock_mono_ms() + t->view.interval_ms;
		}
	}
	return -1;
}

static int run_live(struct top *t)
{
	struct terminal term;
	int signo, r = terminal_open(&term);

	if (r != 0) {
		fprintf(stderr, "ipvs-agent: cannot use the terminal: %s\n", strerror(-r));
		return CLI_ERROR;
	}
	signo = live(t, &term);
	terminal_close(&term);
	if (signo > 0)
		signals_die(signo, &term.signals_before);
	return signo == 0 ? CLI_OK : CLI_ERROR;
}

/* --- once ------------------------------------------------------------------------ */

static int print_once(struct top *t)
{
	struct buf out = BUF_INIT;
	json_t *json;
	int r;

	t->style.now_wall_ms = clock_wall_ms();
	t->view.filter = t->view.message = "";
	if (t->args->json) {
		json = render_top_json(t->reading, &t->view);
		if (json)
			text_put_json(&out, json);
		else
			out.failed = true;
		json_decref(json);
	} else if (!render_top(t->reading, &t->view, &t->style, &out)) {
		out.failed = true;
	}
	r = cli_print(&out);
	buf_fini(&out);
	return r;
}

static int run_once(struct top *t)
{
	const struct timespec between = { .tv_sec = t->view.interval_ms / 1000,
					  .tv_nsec = t->view.interval_ms % 1000 * 1000000 };

	nanosleep(&between, NULL);
	look(t);
	if (t->message.len == 0)
		return print_once(t);
	fprintf(stderr, "ipvs-agent: %s\n", buf_str(&t->message));
	return CLI_ERROR;
}

/* --- the command ----------------------------------------------------------------- */

/* CLI_USAGE where an option is wrong, which is said. */
static int read_options(struct top *t)
{
	const struct cli_args *args = t->args;

	t->view.interval_ms = INTERVAL_MS;
	if (args->interval && (parse_duration(args->interval, &t->view.interval_ms) != 0 ||
			       t->view.interval_ms < INTERVAL_MIN)) {
		fprintf(stderr, "ipvs-agent: --interval: a duration from %dms on, as 2s\n",
			INTERVAL_MIN);
		return CLI_USAGE;
	}
	for (int i = 0; args->sort && i < TOP_N_KEYS; i++) {
		if (strcmp(top_key_names[i], args->sort) == 0) {
			t->view.key = (enum top_key)i;
			return CLI_OK;
		}
	}
	if (!args->sort)
		return CLI_OK;
	fprintf(stderr,
		"ipvs-agent: --sort: connections, rate, latency, weight, name or state; "
		"not '%s'\n",
		args->sort);
	return CLI_USAGE;
}

int cmd_top(const struct cli_args *args)
{
	struct top t = { .args = args, .style = text_style_of(STDOUT_FILENO) };
	bool once = args->once || args->json || !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO);
	int r = read_options(&t);

	t.style.cut = true;
	if (r == CLI_OK)
		r = client_open(args, &t.client);
	if (r != CLI_OK)
		return r;
	/* What is wrong at the start ends it; later it is shown. */
	look(&t);
	if (!t.reading) {
		fprintf(stderr, "ipvs-agent: %s\n", buf_str(&t.message));
		r = CLI_ERROR;
	} else {
		r = once ? run_once(&t) : run_live(&t);
	}
	top_reading_free(t.reading);
	client_close(&t.client);
	buf_fini(&t.message);
	buf_fini(&t.filter);
	return r;
}
