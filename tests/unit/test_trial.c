/* test_trial.c: attempts that somebody asked for: what is told of them, what they change,
 * and whom they are refused to. */
#include <jansson.h>

#include "agent/agent.h"
#include "agent/base/loop.h"
#include "agent/base/ways.h"
#include "agent/probes/sched.h"
#include "agent/trial.h"
#include "tests/unit/model_fixture.h"

static const char ini[] =
	"[service web]\naddress = tcp://10.1.2.15:80\nprobe = ping, page\n"
	"realserver = a 10.1.2.21\nrealserver = b 10.1.2.22 probe=ping\n"
	"[service mail]\naddress = tcp://10.1.2.16:80\nprobe = ping\nrealserver = m 10.1.2.21\n"
	"realserver = none 10.1.2.29 enabled=no\n"
	"[service many]\naddress = tcp://10.1.2.17:80\nprobe = ping\n"
	"realserver = a01 10.1.3.1\nrealserver = a02 10.1.3.2\nrealserver = a03 10.1.3.3\n"
	"realserver = a04 10.1.3.4\nrealserver = a05 10.1.3.5\nrealserver = a06 10.1.3.6\n"
	"realserver = a07 10.1.3.7\nrealserver = a08 10.1.3.8\nrealserver = a09 10.1.3.9\n"
	"realserver = a10 10.1.3.10\nrealserver = a11 10.1.3.11\nrealserver = a12 10.1.3.12\n"
	"realserver = a13 10.1.3.13\nrealserver = a14 10.1.3.14\nrealserver = a15 10.1.3.15\n"
	"realserver = a16 10.1.3.16\nrealserver = a17 10.1.3.17\n"
	"[service dark]\naddress = tcp://10.1.2.18:80\nrealserver = d 10.1.4.1\n"
	"[probe ping]\nurl = tcp://\nfall = 1\nsource = 127.0.0.2\ninterface = lo\n"
	"[probe page]\nurl = http://x/\n";

/* --- kinds, and a world ----------------------------------------------------------- */

static struct {
	struct probe_report report;
	uint32_t starts, cancels;
	bool silent, shown;
} kind;

static void fake_start(struct probe_run *run)
{
	kind.starts++;
	kind.shown = run->shown;
	if (!kind.silent)
		probe_done(run, &kind.report);
}

static void fake_cancel(struct probe_run *run ATTR_UNUSED)
{
	kind.cancels++;
}

static const struct probe_type fake = { .name = "fake",
					.on_timeout = PROBE_CONNECT_TIMEOUT,
					.start = fake_start,
					.cancel = fake_cancel };

struct world {
	struct agent a;
	uint32_t outcomes, changes, replies;
	enum command_status status;
	json_t *json;
	struct buf text;
};

static void on_outcome(void *arg, uint32_t target ATTR_UNUSED, bool changed,
		       const struct probe_report *report ATTR_UNUSED)
{
	struct world *w = arg;

	w->outcomes++;
	w->changes += changed;
}

/* Nothing is planned before the loop runs, which it never does here. */
static void open_world(struct world *w)
{
	static const struct sched_limits limits = { .max_running = 1 };
	const struct layout *l;
	uint32_t *from, i;

	*w = (struct world){ 0 };
	memset(&kind, 0, sizeof(kind));
	w->a.state = make_state(ini);
	l = w->a.state->layout;
	for (i = 0; i < l->n_targets; i++)
		((struct probe_conf *)(uintptr_t)l->targets[i].conf)->type = &fake;
	from = calloc(l->n_targets + 1ul, sizeof(*from));
	assert_non_null(from);
	memset(from, 0xff, l->n_targets * sizeof(*from));
	assert_int_equal(loop_new(&w->a.loop), 0);
	assert_int_equal(sched_new(w->a.loop, NULL, &limits, on_outcome, w, &w->a.sched), 0);
	assert_int_equal(sched_replace(w->a.sched, l->targets, w->a.state->targets, l->n_targets,
				       from, &limits),
			 0);
	assert_int_equal(trials_new(&w->a, &w->a.trials), 0);
	assert_int_equal(ways_new(4, &w->a.ways), 0);
	free(from);
}

static void close_world(struct world *w)
{
	sched_free(w->a.sched);
	trials_free(w->a.trials);
	ways_free(w->a.ways);
	json_decref(w->json);
	buf_fini(&w->text);
	loop_free(w->a.loop);
	state_free(w->a.state);
}

static void on_reply(void *arg, struct command_reply *reply)
{
	struct world *w = arg;

	w->replies++;
	w->status = reply->status;
	json_decref(w->json);
	w->json = json_loads(buf_str(&reply->text), 0, NULL);
	buf_reset(&w->text);
	buf_puts(&w->text, buf_str(&reply->text));
}

static void ask(struct world *w, const char *target, const char *probe, bool count)
{
	struct command cmd = { .kind = COMMAND_PROBE,
			       .target = strdup(target),
			       .only = probe ? strdup(probe) : NULL,
			       .count = count };

	trials_run(w->a.trials, &cmd, on_reply, w);
	command_fini(&cmd);
}

static const json_t *attempt(const struct world *w, size_t i)
{
	return json_array_get(json_object_get(w->json, "attempts"), i);
}

static const char *text_of(const struct world *w, size_t i, const char *key)
{
	const char *text = json_string_value(json_object_get(attempt(w, i), key));

	return text ? text : "";
}

/* --- what is told ------------------------------------------------------------------ */

static void test_told(void **state)
{
	static char much[65536];
	struct world w;

	(void)state;
	memset(much, 'x', sizeof(much));
	open_world(&w);
	kind.report = (struct probe_report){ .reason = PROBE_ANSWER_STATUS,
					     .status = 503,
					     .connect_us = 1500,
					     .tls_not_after = 1700000000,
					     .said = "HTTP/1.1 503 No\r\n\r\n\xc3\xa4\xc3",
					     .said_len = 22 };
	ask(&w, "web/b", NULL, false);
	assert_int_equal(w.replies, 1);
	assert_int_equal(w.status, COMMAND_OK);
	assert_true(kind.shown);
	assert_string_equal(text_of(&w, 0, "probe"), "ping");
	assert_string_equal(text_of(&w, 0, "address"), "10.1.2.22:80");
	assert_string_equal(text_of(&w, 0, "source"), "127.0.0.2");
	assert_string_equal(text_of(&w, 0, "interface"), "lo");
	assert_string_equal(text_of(&w, 0, "outcome"), "failed");
	assert_string_equal(text_of(&w, 0, "reason"), "answer-status");
	assert_int_equal(json_integer_value(json_object_get(attempt(&w, 0), "status")), 503);
	assert_non_null(json_object_get(attempt(&w, 0), "connect_seconds"));
	assert_null(json_object_get(attempt(&w, 0), "tls_seconds"));
	assert_string_equal(text_of(&w, 0, "tls_expiry"), "2023-11-14T22:13:20.000Z");
	/* Cut in the midst of a character. */
	assert_string_equal(text_of(&w, 0, "answer"), "HTTP/1.1 503 No\r\n\r\n\xc3\xa4");
	kind.report.said = "\xff\xfe\x1b[2J";
	kind.report.said_len = 6;
	ask(&w, "web/b", NULL, false);
	assert_string_equal(text_of(&w, 0, "answer"), "???[2J");
	kind.report.said = "a\0b";
	kind.report.said_len = 3;
	ask(&w, "web/b", NULL, false);
	assert_string_equal(text_of(&w, 0, "answer"), "a?b");
	kind.report.said = much;
	kind.report.said_len = sizeof(much);
	ask(&w, "web/b", NULL, false);
	assert_int_equal(strlen(text_of(&w, 0, "answer")), 4096);
	close_world(&w);
}

/* All of a realserver's, one of them, and what several share once. */
static void test_which(void **state)
{
	struct world w;
	struct buf both = BUF_INIT;

	(void)state;
	open_world(&w);
	ask(&w, "web/a", NULL, false);
	assert_int_equal(json_array_size(json_object_get(w.json, "attempts")), 2);
	ask(&w, "web/a", "page", false);
	assert_int_equal(json_array_size(json_object_get(w.json, "attempts")), 1);
	assert_string_equal(text_of(&w, 0, "probe"), "page");
	kind.starts = 0;
	ask(&w, "10.1.2.21", "ping", false);
	assert_int_equal(kind.starts, 1);
	assert_int_equal(json_integer_value(json_object_get(attempt(&w, 0), "shared_by")), 2);
	buf_printf(&both, "%s %s",
		   json_string_value(
			   json_array_get(json_object_get(attempt(&w, 0), "realservers"), 0)),
		   json_string_value(
			   json_array_get(json_object_get(attempt(&w, 0), "realservers"), 1)));
	assert_string_equal(buf_str(&both), "web/a mail/m");
	buf_fini(&both);
	close_world(&w);
}

/* What is seen changes nothing, unless it counts. */
static void test_counts(void **state)
{
	const struct target *t;
	struct world w;

	(void)state;
	open_world(&w);
	t = &w.a.state->targets[w.a.state->layout->links
					[w.a.state->layout
						 ->realservers[id_of(w.a.state->layout, "web/b")]
						 .first_link]];
	kind.report = (struct probe_report){ .reason = PROBE_CONNECT_REFUSED };
	ask(&w, "web/b", NULL, false);
	assert_int_equal(t->attempts, 0);
	assert_int_equal(t->health.verdict, VERDICT_NONE);
	assert_int_equal(w.outcomes, 0);
	ask(&w, "web/b", NULL, true);
	assert_int_equal(t->attempts, 1);
	assert_int_equal(t->health.verdict, VERDICT_DOWN);
	assert_int_equal(w.changes, 1);
	assert_string_equal(text_of(&w, 0, "before"), "none");
	assert_string_equal(text_of(&w, 0, "verdict"), "down");
	close_world(&w);
}

/* --- refused, and given up ------------------------------------------------------- */

static void test_refused(void **state)
{
	static const struct {
		const char *target, *probe;
		enum command_status status;
		const char *says;
	} rows[] = {
		{ "wbe/a", NULL, COMMAND_NOT_FOUND, "did you mean" },
		{ "web/a", "pong", COMMAND_NOT_FOUND,
		  "web/a has no probe 'pong'; did you mean 'ping'?" },
		{ "web/", "zzzzzzzz", COMMAND_NOT_FOUND,
		  "web/ has no probe 'zzzzzzzz'; it has ping page" },
		{ "mail/none", NULL, COMMAND_NOT_FOUND,
		  "mail/none is out of service: enabled = no" },
		{ "dark", NULL, COMMAND_NOT_FOUND, "dark has no probe" },
		{ "dark", "ping", COMMAND_NOT_FOUND, "dark has no probe" },
		{ "many", NULL, COMMAND_INVALID, "these are 17 attempts" },
	};
	struct world w;
	size_t i;

	(void)state;
	open_world(&w);
	for (i = 0; i < countof(rows); i++) {
		ask(&w, rows[i].target, rows[i].probe, false);
		assert_int_equal(w.status, rows[i].status);
		assert_non_null(strstr(buf_str(&w.text), rows[i].says));
	}
	assert_int_equal(kind.starts, 0);
	close_world(&w);
}

/* Sixty a minute, then it says how long to wait. */
static void test_rate(void **state)
{
	struct world w;
	int i;

	(void)state;
	open_world(&w);
	for (i = 0; i < 60; i++) {
		ask(&w, "web/b", NULL, false);
		assert_int_equal(w.status, COMMAND_OK);
	}
	ask(&w, "web/b", NULL, false);
	assert_int_equal(w.status, COMMAND_UNAVAILABLE);
	assert_non_null(strstr(buf_str(&w.text), "again in "));
	assert_int_equal(kind.starts, 60);
	close_world(&w);
}

/* Its target leaves: told at once, and the rest goes on. */
static void test_reload(void **state)
{
	static const struct sched_limits limits = { .max_running = 1 };
	struct world w;

	(void)state;
	open_world(&w);
	kind.silent = true;
	ask(&w, "web/b", NULL, false);
	assert_int_equal(w.replies, 0);
	assert_int_equal(sched_replace(w.a.sched, NULL, NULL, 0, NULL, &limits), 0);
	assert_int_equal(kind.cancels, 1);
	assert_int_equal(w.replies, 1);
	assert_int_equal(w.status, COMMAND_OK);
	assert_string_equal(text_of(&w, 0, "given_up"), "the configuration changed meanwhile");
	close_world(&w);
}

static void test_stop(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	kind.silent = true;
	ask(&w, "web/a", NULL, false);
	w.a.stopping = true;
	sched_free(w.a.sched);
	w.a.sched = NULL;
	assert_int_equal(kind.cancels, 2);
	assert_int_equal(w.replies, 1);
	assert_int_equal(w.status, COMMAND_STOPPING);
	close_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told),   cmocka_unit_test(test_which),
		cmocka_unit_test(test_counts), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_rate),   cmocka_unit_test(test_reload),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests_name("trial", tests, NULL, NULL);
}
