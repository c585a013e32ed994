/* test_rule_conf.c: rules and receivers as values: what is built in, whom a rule is
 * about, what its actions ask. What is said of mistakes is pinned in
 * tests/golden/config. */
#include "agent/rules/rule_conf.h"

#include <errno.h>
#include <unistd.h>

#include "actions/table.h"
#include "agent/action.h"
#include "agent/holds/hold.h"
#include "agent/model/service_conf.h"
#include "agent/rules/notify_conf.h"
#include "agent/sections.h"
#include "agent/settings.h"
#include "conf/print.h"
#include "tests/unit/fake_probes.h"
#include "tests/unit/t.h"

#define SITE                                                                                       \
	"[service web]\naddress = tcp://10.0.0.1:80\nrealserver = a1 10.0.0.2\n"                   \
	"realserver = b1 10.0.0.3\nprobe = t\n[service web-2]\naddress = tcp://10.0.0.9:80\n"      \
	"realserver = a1 10.0.0.2\nbackup = s 10.0.0.4\non_panic = backup\nprobe = t\n"            \
	"[probe t]\nurl = tcp://\n"

static struct config *load_any(const char *text)
{
	char path[] = "/tmp/rule-XXXXXX";
	int fd = mkstemp(path);
	struct config *c;

	assert_true(fd != -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(agent_config_load(path, &c), 0);
	unlink(path);
	return c;
}

static struct config *load(const char *text)
{
	struct config *c = load_any(text);
	struct buf problems = BUF_INIT;

	config_format_problems(c, &problems);
	if (problems.len)
		fail_msg("%s", buf_str(&problems));
	buf_fini(&problems);
	return c;
}

static const struct rule_conf *rule(const struct config *c, const char *name)
{
	const struct rule_conf *r = config_named(c, &rule_section, name);

	assert_non_null(r);
	return r;
}

static bool matches(const struct config *c, const struct rule_conf *r, const char *service,
		    size_t realserver)
{
	const struct service_conf *s = config_named(c, &service_section, service);

	assert_non_null(s);
	assert_true(realserver < s->n_realservers);
	return rule_conf_matches(r, s, &s->realservers[realserver]);
}

static void probe_down_is_built_in(void **state ATTR_UNUSED)
{
	struct config *c = load(SITE "[rule slow]\nexpr = weight > 1\naction = remove\n");
	const struct rule_conf *r;
	size_t n;
	void *const *rules = rules_all(c, &n);

	assert_int_equal(n, 2);
	r = rules[0];
	assert_string_equal(r->head.name, "probe-down");
	assert_int_equal(r->head.line, 0);
	assert_string_equal(r->expr, "probe_up == 0");
	assert_int_equal(r->n_actions, 1);
	assert_string_equal(r->actions[0].action->name, "quiesce");
	assert_int_equal(r->actions[0].effect, HOLD_ZERO);
	assert_int_equal(r->enforce, ENFORCE_ON);
	assert_int_equal(r->for_ms + r->keep_ms + r->cooldown, 0);
	assert_int_equal(r->ramp, RULE_RAMP_OF_SERVICE);
	assert_true(matches(c, r, "web", 0));
	assert_true(matches(c, r, "web-2", 1));
	assert_string_equal(((const struct rule_conf *)rules[1])->head.name, "slow");
	config_unref(c);
}

static void a_section_replaces_probe_down(void **state ATTR_UNUSED)
{
	struct config *c = load(SITE "[rule probe-down]\nexpr = probe_up == 0\nfor = 5s\n"
				     "action = remove\nenforce = dry-run\n");
	const struct rule_conf *r = rule(c, rule_probe_down);
	size_t n;

	rules_all(c, &n);
	assert_int_equal(n, 1);
	assert_true(r->head.line > 0);
	assert_int_equal(r->for_ms, 5000);
	assert_int_equal(r->enforce, ENFORCE_DRY_RUN);
	assert_int_equal(rule_conf_hold(r)->effect, HOLD_ABSENT);
	config_unref(c);
}

static void values(void **state ATTR_UNUSED)
{
	struct config *c =
		load(SITE "[rule r]\nservice = web\nrealserver = a*, b?\nexpr = weight > 1\n"
			  "for = 30s\nkeep_firing_for = 1m\ncooldown = 5m\nramp = 10s\n"
			  "enforce = dry-run\n"
			  "action =  exec   /bin/tell  a  b\naction = remove\n");
	const struct rule_conf *r = rule(c, "r");

	assert_string_equal(r->expr, "weight > 1");
	assert_int_equal(r->for_ms, 30000);
	assert_int_equal(r->keep_ms, 60000);
	assert_int_equal(r->cooldown, 300000);
	assert_int_equal(r->ramp, 10000);
	assert_int_equal(r->services.n, 1);
	assert_int_equal(r->realservers.n, 2);
	assert_string_equal(r->realservers.items[1], "b?");
	assert_int_equal(r->realserver_lines[1], r->head.line + 2);
	assert_int_equal(r->n_actions, 2);
	assert_string_equal(r->actions[0].argument, "/bin/tell  a  b");
	assert_int_equal(r->actions[0].action->kind, ACTION_TELL);
	assert_int_equal(r->actions[0].effect, 0);
	assert_int_equal(r->actions[1].effect, HOLD_ABSENT);
	assert_ptr_equal(rule_conf_hold(r), &r->actions[1]);
	config_unref(c);
}

static void whom_it_is_about(void **state ATTR_UNUSED)
{
	struct config *c = load(
		SITE
		"[rule all]\nexpr = weight > 1\naction = quiesce\n"
		"[rule one]\nservice = web\nexpr = weight > 1\naction = quiesce\n"
		"[rule some]\nservice = web-[1-3]\nrealserver = [!b]*\nexpr = weight > 1\n"
		"action = quiesce\n"
		"[rule two]\nservice = web*\nservice = none\nrealserver = a? b*\n"
		"expr = weight > 1\naction = quiesce\n[service none]\naddress = udp://10.0.0.7:53\n"
		"realserver = n 10.0.0.8\nprobe = t\n");

	assert_true(matches(c, rule(c, "all"), "web", 0));
	assert_true(matches(c, rule(c, "all"), "none", 0));
	assert_true(matches(c, rule(c, "one"), "web", 1));
	assert_false(matches(c, rule(c, "one"), "web-2", 0)); /* a name is not a beginning */
	assert_true(matches(c, rule(c, "some"), "web-2", 0));
	assert_true(matches(c, rule(c, "some"), "web-2", 1));
	assert_false(matches(c, rule(c, "some"), "web", 0));
	assert_true(matches(c, rule(c, "two"), "web", 0));
	assert_true(matches(c, rule(c, "two"), "web", 1));
	assert_false(matches(c, rule(c, "two"), "web-2", 1));
	assert_false(matches(c, rule(c, "two"), "none", 0));
	config_unref(c);
}

static void patterns(void **state ATTR_UNUSED)
{
	static const char *const fine[] = { "a", "*", "a*b", "[a-z]", "[!a]", "[]]", "[!]]", "a]" };
	static const char *const wrong[] = { "[",    "a[",  "[]",  "[!]", "[^",
					     "[a][", "a b", "a/b", "a\\" };
	size_t i;

	for (i = 0; i < countof(fine); i++)
		if (rule_pattern_wrong(fine[i]))
			fail_msg("%s: %s", fine[i], rule_pattern_wrong(fine[i]));
	for (i = 0; i < countof(wrong); i++)
		if (!rule_pattern_wrong(wrong[i]))
			fail_msg("%s is taken", wrong[i]);
	assert_false(rule_pattern_is("web-1.x"));
	assert_true(rule_pattern_is("web-?"));
	assert_true(rule_pattern_matches("[!]]", "x"));
	assert_false(rule_pattern_matches("[!]]", "]"));
}

/* --- expressions -------------------------------------------------------------------- */

static void a_wrong_expression_names_its_column(void **state ATTR_UNUSED)
{
	struct config *c = load_any(SITE "[rule r]\nexpr = probe_up == on\naction = quiesce\n");
	const struct conf_problem *p;
	size_t n;

	p = config_problems(c, &n);
	assert_int_equal(n, 1);
	assert_int_equal(p->severity, CONF_ERROR);
	assert_int_equal(p->line, rule(c, "r")->head.line + 1);
	assert_memory_equal(p->text, "expr: column 13: ", strlen("expr: column 13: "));
	assert_true(rule(c, "r")->head.bad);
	config_unref(c);
}

static void what_an_expression_reads(void **state ATTR_UNUSED)
{
	struct config *c = load(SITE "[rule p]\nexpr = weight > 0 and probe_up == 0\n"
				     "action = quiesce\n"
				     "[rule k]\nexpr = active_connections > 9\naction = quiesce\n");

	assert_true(rule(c, "p")->reads_probes);
	assert_false(rule(c, "k")->reads_probes);
	assert_true(rule(c, rule_probe_down)->reads_probes);
	config_unref(c);
}

/* --- actions ------------------------------------------------------------------------ */

static const struct action *action(const char *name)
{
	size_t i;

	for (i = 0; action_table[i]; i++)
		if (!strcmp(action_table[i]->name, name))
			return action_table[i];
	fail_msg("no action %s", name);
	return NULL;
}

static void effects(void **state ATTR_UNUSED)
{
	static const struct {
		const char *name, *argument;
		enum action_kind kind;
		int result, effect;
	} cases[] = {
		{ "quiesce", "", ACTION_HOLD, 0, HOLD_ZERO },
		{ "quiesce", "x", ACTION_HOLD, -EINVAL, 0 },
		{ "remove", "", ACTION_HOLD, 0, HOLD_ABSENT },
		{ "remove", "x", ACTION_HOLD, -EINVAL, 0 },
		{ "reweight", "1%", ACTION_HOLD, 0, 1 },
		{ "reweight", "99%", ACTION_HOLD, 0, 99 },
		{ "reweight", "100%", ACTION_HOLD, -EINVAL, 0 },
		{ "reweight", "0%", ACTION_HOLD, -EINVAL, 0 },
		{ "reweight", "4294967346%", ACTION_HOLD, -EINVAL, 0 },
		{ "reweight", "", ACTION_HOLD, -EINVAL, 0 },
		{ "fallback", "", ACTION_FALLBACK, 0, HOLD_FALLBACK },
		{ "fallback", "x", ACTION_FALLBACK, -EINVAL, 0 },
		{ "notify", "ops", ACTION_TELL, 0, 0 },
		{ "notify", "", ACTION_TELL, -EINVAL, 0 },
		{ "notify", "..", ACTION_TELL, -EINVAL, 0 },
		{ "exec", "/bin/true", ACTION_TELL, 0, 0 },
		{ "exec", "bin/true", ACTION_TELL, -EINVAL, 0 },
		{ "exec", "/", ACTION_TELL, -EINVAL, 0 },
	};
	size_t i;

	for (i = 0; i < countof(cases); i++) {
		const struct action *a = action(cases[i].name);
		struct buf why = BUF_INIT;
		int effect = 4711;

		assert_int_equal(a->kind, cases[i].kind);
		assert_int_equal(a->effect(cases[i].argument, &why, &effect), cases[i].result);
		assert_int_equal(effect, cases[i].result ? 4711 : cases[i].effect);
		assert_int_equal(why.len > 0, cases[i].result != 0);
		buf_fini(&why);
	}
}

/* --- receivers and the agent's keys ------------------------------------------------- */

static void receivers(void **state ATTR_UNUSED)
{
	struct config *c = load("[notify a]\nurl = http://127.0.0.1:9000/hook\n"
				"[notify b]\nurl = https://[2001:db8::1]/\nevents = freeze, hold\n"
				"retries = 0\nmax_queue = 1\ntimeout = 1m\n"
				"bearer_token_file = /t\nca_file = /c\n" SITE
				"[rule r]\nexpr = probe_up == 0\naction = notify a\n"
				"action = notify b\n");
	const struct notify_conf *a = config_named(c, &notify_section, "a");
	const struct notify_conf *b = config_named(c, &notify_section, "b");

	assert_string_equal(a->url, "http://127.0.0.1:9000/hook");
	assert_int_equal(a->timeout, 5000);
	assert_int_equal(a->retries, 5);
	assert_int_equal(a->events, NOTIFY_ALL);
	assert_int_equal(a->max_queue, 1000);
	assert_null(a->bearer_token_file);
	assert_null(a->ca_file);
	assert_int_equal(b->timeout, 60000);
	assert_int_equal(b->retries, 0);
	assert_int_equal(b->events, NOTIFY_FREEZE | NOTIFY_HOLD);
	assert_int_equal(b->max_queue, 1);
	assert_string_equal(b->bearer_token_file, "/t");
	config_unref(c);
}

static void keys_of_agent_and_service(void **state ATTR_UNUSED)
{
	struct config *c = load(SITE);
	const struct agent_conf *a = config_section(c, &agent_section);
	const struct service_conf *s = config_named(c, &service_section, "web");

	assert_int_equal(a->sample_interval, 2000);
	assert_int_equal(a->window_memory, 64 << 20);
	assert_int_equal(a->rate.n, 10);
	assert_int_equal(a->rate.per_ms, 60000);
	assert_int_equal(a->correlated_targets, 5);
	assert_int_equal(a->correlated_share, 50);
	assert_int_equal(s->max_held, 100);
	assert_false(s->domain_guard);
	assert_int_equal(s->flap_max, 600000);
	assert_int_equal(s->ramp, 0);
	config_unref(c);
	c = load("[defaults]\nmax_held = 30%\nflap_max = 0s\nramp = 90s\n" SITE);
	s = config_named(c, &service_section, "web-2");
	assert_int_equal(s->max_held, 30);
	assert_int_equal(s->flap_max, 0);
	assert_int_equal(s->ramp, 90000);
	config_unref(c);
}

static void what_is_printed_loads_the_same(void **state ATTR_UNUSED)
{
	struct config *c =
		load(SITE "[notify ops]\nurl = https://h/\n[rule r]\nservice = web web-*\n"
			  "realserver = a*\nexpr = weight > 1\naction = reweight 50%\n"
			  "action = notify ops\naction = exec /bin/tell a  b\ncooldown = 5s\n");
	struct buf first = BUF_INIT, again = BUF_INIT;

	config_print(c, &first);
	config_unref(c);
	assert_non_null(strstr(buf_str(&first), "\n[rule probe-down]\nexpr = probe_up == 0\n"));
	assert_non_null(strstr(buf_str(&first), "\n[rule r]\nservice = web\nservice = web-*\n"));
	assert_non_null(strstr(buf_str(&first), "\naction = exec /bin/tell a  b\n"));
	/* keys that do nothing are given now, and warned of */
	c = load_any(buf_str(&first));
	assert_int_equal(config_errors(c), 0);
	config_print(c, &again);
	config_unref(c);
	/* probe-down stands in the file now, where it was printed: first */
	assert_string_equal(buf_str(&again), buf_str(&first));
	buf_fini(&first);
	buf_fini(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probe_down_is_built_in),
		cmocka_unit_test(a_section_replaces_probe_down),
		cmocka_unit_test(values),
		cmocka_unit_test(whom_it_is_about),
		cmocka_unit_test(patterns),
		cmocka_unit_test(a_wrong_expression_names_its_column),
		cmocka_unit_test(what_an_expression_reads),
		cmocka_unit_test(effects),
		cmocka_unit_test(receivers),
		cmocka_unit_test(keys_of_agent_and_service),
		cmocka_unit_test(what_is_printed_loads_the_same),
	};

	return cmocka_run_group_tests_name("rule_conf", tests, NULL, NULL);
}
