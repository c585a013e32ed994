/* test_explain.c: whom a target of `explain` means, and what is said of one that means
 * nobody. */
#include <jansson.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/loop.h"
#include "agent/explain.h"
#include "agent/holds/place.h"
#include "agent/model/compare.h"
#include "agent/probe.h"
#include "agent/rules/engine.h"
#include "tests/unit/model_fixture.h"

static const char ini[] = "[service web]\naddress = tcp://10.1.2.15:80\n"
			  "address = tcp://[fd00::15]:80\nforward = masq\n"
			  "realserver = a 10.1.2.21\nrealserver = b 10.1.2.21:8080\n"
			  "realserver = c 10.1.2.23 [fd00::23]\n"
			  "[service mail]\naddress = tcp://10.1.2.15:25\nforward = masq\n"
			  "realserver = a 10.1.2.21\nrealserver = out 10.1.2.29 enabled=no\n"
			  "[service twice]\naddress = tcp://10.1.2.16:80\n"
			  "probe = ping, page\nrealserver = a 10.1.2.31\n"
			  "[probe ping]\nurl = tcp://\n[probe page]\nurl = http://x/\n"
			  "[service same]\naddress = tcp://10.1.2.17:80\nprobe = page\n"
			  "realserver = x 10.1.2.41\nrealserver = y 10.1.2.42\n"
			  "realserver = z 10.1.2.43\n"
			  "[service empty]\naddress = fwmark://7\n";

struct rig {
	struct agent a;
};

static void nothing(void *arg, const char *service, const char *realserver)
{
	(void)arg;
	(void)service;
	(void)realserver;
}

static void open_rig_of(struct rig *r, const char *text)
{
	struct buf why = BUF_INIT;
	struct agent_rules rules;

	*r = (struct rig){ 0 };
	r->a.state = make_state(text);
	assert_int_equal(loop_new(&r->a.loop), 0);
	assert_int_equal(holds_new(&r->a.holds), 0);
	assert_int_equal(placer_new(r->a.loop, NULL, r->a.holds, nothing, r, &r->a.placer), 0);
	assert_int_equal(agent_rules_new(&r->a), 0);
	assert_int_equal(
		agent_rules_prepare(r->a.state->layout->conf, r->a.state->layout, &why, &rules), 0);
	agent_rules_put(&r->a, r->a.state, &rules);
}

static void open_rig(struct rig *r)
{
	open_rig_of(r, ini);
}

static void close_rig(struct rig *r)
{
	engine_free(r->a.engine);
	decider_fini(&r->a.decider);
	placer_free(r->a.placer);
	holds_free(r->a.holds);
	loop_free(r->a.loop);
	state_free(r->a.state);
}

/* "web/a mail/a", as it is answered; or the message for one that is not found. */
static void meant(const struct rig *r, const char *target, struct buf *out)
{
	struct buf text = BUF_INIT;
	enum command_status status = explain_target(&r->a, target, &text);
	json_t *root, *one;
	size_t i;

	buf_reset(out);
	if (status != COMMAND_OK) {
		assert_int_equal(status, COMMAND_NOT_FOUND);
		buf_puts(out, buf_str(&text));
	} else {
		root = json_loads(buf_str(&text), 0, NULL);
		assert_non_null(root);
		json_array_foreach (json_object_get(root, "targets"), i, one)
			buf_printf(out, "%s%s/%s", i ? " " : "",
				   json_string_value(json_object_get(one, "service")),
				   json_string_value(json_object_get(one, "realserver")));
		json_decref(root);
	}
	buf_fini(&text);
}

struct meaning {
	const char *target, *want;
};

static void they_mean(const struct meaning *cases, size_t n)
{
	struct buf got = BUF_INIT;
	struct rig r;
	size_t i;

	open_rig(&r);
	for (i = 0; i < n; i++) {
		meant(&r, cases[i].target, &got);
		assert_string_equal(buf_str(&got), cases[i].want);
	}
	buf_fini(&got);
	close_rig(&r);
}

static void finds_whom_it_means(void **state ATTR_UNUSED)
{
	static const struct meaning cases[] = {
		{ "web/a", "web/a" },
		{ "a", "web/a mail/a twice/a" },
		{ "mail", "mail/a mail/out" },
		{ "10.1.2.21", "web/a web/b mail/a" },
		{ "10.1.2.21:8080", "web/b" },
		{ "10.1.2.21:80", "web/a" },
		{ "10.1.2.21:25", "mail/a" },
		{ "10.1.2.21:9", "no service or realserver '10.1.2.21:9'" },
		{ "[fd00::23]:80", "web/c" },
		{ "fd00::23", "web/c" },
		{ "10.1.2.29", "mail/out" },
		{ "mail/", "mail/a mail/out" },
		{ "/a", "web/a mail/a twice/a" },
		{ "/mail", "no service or realserver '/mail'" },
	};

	they_mean(cases, countof(cases));
}

static void says_why_there_is_nobody(void **state ATTR_UNUSED)
{
	static const struct meaning cases[] = {
		{ "empty", "service empty has no realserver" },
		{ "emty", "no service or realserver 'emty'; did you mean 'empty'?" },
		{ "web/d", "no service or realserver 'web/d'; did you mean realserver 'a'?" },
	};

	they_mean(cases, countof(cases));
}

static const char *text_at(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

/* Each probe says for itself what it found; together they say when it comes back. */
static void says_what_each_probe_found(void **state ATTR_UNUSED)
{
	struct buf text = BUF_INIT;
	struct target *targets;
	struct rig r;
	json_t *root, *one, *probes;

	open_rig(&r);
	targets = r.a.state->targets;
	targets[0].attempts = targets[1].attempts = 3;
	health_take(&targets[0].health, PROBE_OK, 1, 1, 1);
	health_take(&targets[1].health, PROBE_ANSWER_STATUS, 2, 1, 1);
	health_take(&targets[1].health, PROBE_LOCAL_ROUTE, 2, 1, 1);
	target_set_text(&targets[1], "Host 'd' is blocked");
	state_judge(r.a.state, id_of(r.a.state->layout, "twice/a"), 1);
	assert_int_equal(explain_target(&r.a, "twice/a", &text), COMMAND_OK);
	root = json_loads(buf_str(&text), 0, NULL);
	one = json_array_get(json_object_get(root, "targets"), 0);
	probes = json_object_get(one, "probes");
	assert_int_equal(json_array_size(probes), 2);
	assert_string_equal(text_at(json_array_get(probes, 0), "probe"), "ping");
	assert_string_equal(text_at(json_array_get(probes, 0), "verdict"), "up");
	assert_string_equal(text_at(json_array_get(probes, 0), "last"), "passed");
	assert_string_equal(text_at(json_array_get(probes, 1), "probe"), "page");
	assert_string_equal(text_at(json_array_get(probes, 1), "verdict"), "down");
	assert_string_equal(text_at(json_array_get(probes, 1), "last"),
			    "no route or source address here");
	assert_null(json_object_get(json_array_get(probes, 0), "text"));
	assert_string_equal(text_at(json_array_get(probes, 1), "text"), "Host 'd' is blocked");
	assert_string_equal(text_at(one, "returns"), "after 2 good probes");
	json_decref(root);
	buf_fini(&text);
	close_rig(&r);
}

/* What stands in a step's text, or a note, but for times. */
static bool told(const struct rig *r, const char *target, const char *what)
{
	struct buf text = BUF_INIT;
	bool is;

	assert_int_equal(explain_target(&r->a, target, &text), COMMAND_OK);
	is = strstr(buf_str(&text), what) != NULL;
	if (!is)
		print_message("%s\n", buf_str(&text));
	buf_fini(&text);
	return is;
}

static void says(struct rig *r, const char *target, uint32_t share, const char *text)
{
	static const struct moment now = { 1000, 1700000000000 };
	const struct layout *l = r->a.state->layout;
	const struct probe_advice advice = { .has_share = true, .share = share };
	const struct probe_report report = { .advice = &advice };
	uint32_t word = l->links[l->realservers[id_of(l, target)].first_link];

	assert_true(advice_take(&r->a.state->targets[word].advice, &report, true));
	engine_wish(r->a.engine, r->a.state, word, text, true, &now);
}

static void says_what_it_asks_for_itself(void **state ATTR_UNUSED)
{
	static const char advised[] = "[service web]\naddress = tcp://10.1.2.15:80\n"
				      "initial = up\nmin_available = 2\nprobe = word\n"
				      "realserver = a 10.1.2.21\nrealserver = b 10.1.2.22\n"
				      "[probe word]\nurl = agent://:99\n";
	struct health *h;
	struct rig r;

	open_rig_of(&r, advised);
	r.a.state->dests[0].want = r.a.state->dests[1].want = 100;
	h = &r.a.state->targets[0].health;
	says(&r, "web/a", 50, "busy");
	assert_true(told(&r, "web/a", "\"why\":\"agent word\""));
	assert_true(told(&r, "web/a", ": it says 50% (busy)\""));
	assert_true(told(&r, "web/a", "\"notes\":[]"));
	says(&r, "web/b", 0, "");
	assert_true(told(&r, "web/b",
			 "by probe word it says 0%, but guard min_available refuses "
			 "that"));
	health_take(h, PROBE_OK, 1, 1, 1);
	assert_true(told(&r, "web/a", "\"notes\":[]"));
	health_take(h, PROBE_ADVICE_TIMEOUT, 1, 1, 2);
	assert_true(told(&r, "web/a", "probe word hears nothing of it now: its last word stands"));
	r.a.state->realservers[0].proven = false;
	h->verdict = VERDICT_NONE;
	assert_true(told(&r, "web/a", "probe word has heard no word of it yet"));
	close_rig(&r);
}

/* Which of them could not tell, and why. */
static void says_what_is_unknown(void **state ATTR_UNUSED)
{
	struct buf text = BUF_INIT;
	struct target *t;
	struct rig r;
	uint32_t id;

	open_rig(&r);
	id = id_of(r.a.state->layout, "twice/a");
	end_probes(r.a.state, id, VERDICT_UP, PROBE_OK, 0);
	t = &r.a.state->targets[r.a.state->layout
					->links[r.a.state->layout->realservers[id].first_link]];
	t->health.unknown = true;
	t->health.reason = PROBE_LOCAL_CANARY;
	state_judge(r.a.state, id, 0);
	assert_int_equal(explain_target(&r.a, "twice/a", &text), COMMAND_OK);
	assert_non_null(strstr(buf_str(&text),
			       "a probe could not tell (ping: no answer, and none of its "
			       "interface's canaries answers): the fault was on this side"));
	buf_fini(&text);
	close_rig(&r);
}

/* How its answers compare with those of the others. */
static void says_who_is_stale(void **state ATTR_UNUSED)
{
	struct buf text = BUF_INIT;
	struct probe_conf *page;
	const struct layout *l;
	uint32_t first, i;
	json_t *root, *notes;
	struct rig r;

	open_rig(&r);
	l = r.a.state->layout;
	first = l->realservers[id_of(l, "same/x")].first_link;
	page = (struct probe_conf *)(uintptr_t)l->targets[l->links[first]].conf;
	page->compares = true;
	assert_int_equal(compare_new(l, &r.a.state->compare), 0);
	for (i = 0; i < 3; i++)
		compare_note(r.a.state->compare, l->links[first + i],
			     i ? 0x1111111111111111u : 0x2222222222222222u, false, clock_mono_ms());
	assert_int_equal(explain_target(&r.a, "same/x", &text), COMMAND_OK);
	root = json_loads(buf_str(&text), 0, NULL);
	notes = json_object_get(json_array_get(json_object_get(root, "targets"), 0), "notes");
	assert_string_equal(json_string_value(json_array_get(notes, 0)),
			    "probe page: digest 222222222222, differs from 2 of 3");
	json_decref(root);
	buf_fini(&text);
	close_rig(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_whom_it_means),
		cmocka_unit_test(says_why_there_is_nobody),
		cmocka_unit_test(says_what_each_probe_found),
		cmocka_unit_test(says_what_it_asks_for_itself),
		cmocka_unit_test(says_what_is_unknown),
		cmocka_unit_test(says_who_is_stale),
	};

	return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
