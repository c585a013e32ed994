/* test_note.c: what of a decision stands in the journal, and how often. */
#include "agent/agent.h"
#include "agent/holds/journal.h"
#include "agent/note.h"
#include "agent/rules/decision.h"
#include "agent/rules/rule_conf.h"
#include "tests/unit/in_dir.h"
#include "tests/unit/model_fixture.h"

enum { SERVICES = 50 };

/* One host behind as many services, probed once for all of them. */
static struct state *one_host(void)
{
	struct buf ini = BUF_INIT;
	struct state *s;
	int i;

	buf_puts(&ini, "[probe p]\nurl = tcp://:22\n[defaults]\nprobe = p\n");
	for (i = 0; i < SERVICES; i++)
		buf_printf(&ini,
			   "[service s%d]\naddress = tcp://10.1.2.%d:80\n"
			   "realserver = a 10.1.3.1\nrealserver = b 10.1.3.%d\n",
			   i, i + 1, i + 2);
	s = make_state(buf_str(&ini));
	buf_fini(&ini);
	return s;
}

/* How many lines the journal has, once it is closed. */
static unsigned int lines(struct agent *a)
{
	FILE *f;
	unsigned int n = 0;
	int c;

	journal_free(a->journal);
	f = fopen("journal", "re");
	assert_non_null(f);
	while ((c = getc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	assert_int_equal(unlink("journal"), 0);
	assert_int_equal(journal_new(".", 1 << 20, &a->journal), 0);
	return n;
}

/* A hold tells of its own realserver's probes, not of all that share them. */
static void test_a_host(void **state)
{
	struct moment now = { .mono_ms = 1000, .wall_ms = 1700000000000 };
	struct agent a = { .state = one_host() };
	struct decision d = { .kind = DECISION_HOLD, .at = now, .state = a.state, .reason = "" };
	struct rule_conf rule = { .head = { .name = "probe-down" } };
	uint32_t target = a.state->layout->links[a.state->layout->realservers[0].first_link];

	(void)state;
	assert_int_equal(journal_new(".", 1 << 20, &a.journal), 0);
	assert_int_equal(a.state->layout->targets[target + 1].first_user -
				 a.state->layout->targets[target].first_user,
			 SERVICES);
	a.state->targets[target].health.verdict = VERDICT_DOWN;
	a.state->targets[target].health.reason = PROBE_CONNECT_REFUSED;
	d.rule = &rule;
	note_decision(&a, &d);
	assert_int_equal(lines(&a), 2); /* its verdict, and the hold */
	journal_free(a.journal);
	state_free(a.state);
	(void)unlink("journal"); /* not there where nothing was written */
}

/* What the first reading found is the cap by then, and not yet what is seen: a replay begins
 * with it. Who was not there has no line. */
static void test_first_weights(void **state)
{
	struct agent a = { .state = one_host() };
	uint32_t i;

	(void)state;
	assert_int_equal(journal_new(".", 1 << 20, &a.journal), 0);
	for (i = 0; i < a.state->layout->n_dests; i++)
		a.state->dests[i].cap = i % 2 ? 50 : CAP_ABSENT;
	state_dirty_all(a.state);
	note_weights(&a);
	assert_int_equal(lines(&a), SERVICES);
	journal_free(a.journal);
	state_free(a.state);
	(void)unlink("journal");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_host),
		cmocka_unit_test(test_first_weights),
	};

	return cmocka_run_group_tests_name("note", tests, set_up, tear_down);
}
