/* test_outcome.c: a target of many turns for all of them at once, and is told of them in
 * turns: work is counted here, not time. */
#include "agent/base/clock.h"
#include "agent/base/ways.h"
#include "agent/holds/journal.h"
#include "agent/model/compare.h"
#include "agent/note.h"
#include "agent/rules/brake.h"
#include "tests/unit/in_dir.h"

#include "agent/agent.h"
#include "tests/unit/engine_rig.h"

enum { SERVICES = 50, PER_TURN = 7 };

struct many {
	struct rig r;
	struct agent a;
	uint32_t host; /* the target that all services have in common */
	unsigned int asked;
};

static struct many *of(void *arg)
{
	return (struct many *)(void *)((char *)arg - offsetof(struct many, a));
}

static bool enough(void *arg)
{
	return ++of(arg)->asked % PER_TURN == 0;
}

static void open_many(struct many *m)
{
	struct buf ini = BUF_INIT;
	const struct layout *l;
	int i;

	buf_puts(&ini, "[probe p]\nurl = tcp://:22\n[defaults]\nprobe = p\n");
	for (i = 0; i < SERVICES; i++)
		buf_printf(&ini,
			   "[service s%d]\naddress = tcp://10.1.2.%d:80\n"
			   "realserver = a 127.1.3.1\nrealserver = b 127.1.3.%d\n",
			   i, i + 1, i + 2);
	*m = (struct many){ 0 };
	open_rig(&m->r, buf_str(&ini));
	buf_fini(&ini);
	m->a.state = m->r.w->state;
	m->a.engine = m->r.w->engine;
	l = m->a.state->layout;
	m->host = l->links[l->realservers[0].first_link];
	assert_int_equal(l->targets[m->host + 1].first_user - l->targets[m->host].first_user,
			 SERVICES);
	assert_int_equal(ways_new(BRAKE_INTERFACES, &m->a.ways), 0);
	assert_int_equal(journal_new(".", 1 << 20, &m->a.journal), 0);
	assert_int_equal(m->a.state->n_dirty, 0);
}

static void close_many(struct many *m)
{
	assert_null(m->a.outcomes.first);
	journal_free(m->a.journal);
	ways_free(m->a.ways);
	close_rig(&m->r);
	(void)unlink("journal"); /* not there where nothing was written */
}

static void outcome(struct many *m, uint32_t target, enum verdict verdict)
{
	struct health *h = &m->a.state->targets[target].health;
	bool changed = h->verdict != verdict;

	h->verdict = (uint8_t)verdict;
	h->success = verdict == VERDICT_UP;
	h->reason = h->success ? PROBE_OK : PROBE_CONNECT_REFUSED;
	target_set_text(&m->a.state->targets[target], h->success ? NULL : "Host is blocked");
	agent_on_outcome(&m->a, target, changed,
			 &(struct probe_report){ .reason = (enum probe_reason)h->reason });
}

/* The journal, once it is closed; another one is begun. To be freed. */
static char *journal(struct many *m)
{
	char *text = calloc(1, 1 << 20);
	FILE *f;

	assert_non_null(text);
	journal_free(m->a.journal);
	f = fopen("journal", "re");
	if (f) {
		assert_true(fread(text, 1, (1 << 20) - 1, f) < (1 << 20) - 1);
		fclose(f);
		assert_int_equal(unlink("journal"), 0);
	}
	assert_int_equal(journal_new(".", 1 << 20, &m->a.journal), 0);
	return text;
}

static unsigned int count(const char *text, const char *what)
{
	unsigned int n = 0;

	for (text = strstr(text, what); text; text = strstr(text + 1, what))
		n++;
	return n;
}

static unsigned int told(struct many *m, const char *what)
{
	char *text = journal(m);
	unsigned int n = count(text, what);

	free(text);
	return n;
}

static void test_turns(void **state)
{
	struct many m;
	uint32_t left = SERVICES, i;

	(void)state;
	open_many(&m);
	outcome(&m, m.host, VERDICT_DOWN);
	/* It is so for all of them, and told of none. */
	assert_int_equal(m.a.state->n_dirty, SERVICES);
	for (i = 0; i < SERVICES; i++)
		assert_int_equal(m.a.state->realservers[2 * i].verdict, VERDICT_DOWN);
	assert_int_equal(told(&m, "\n"), 0);
	for (; left > PER_TURN; left -= PER_TURN) {
		assert_false(outcome_tell(&m.a, enough));
		assert_int_equal(told(&m, "\"text\":\"Host is blocked\""), PER_TURN);
	}
	assert_true(outcome_tell(&m.a, enough));
	assert_int_equal(told(&m, "\"verdict\":\"down\""), left);
	assert_true(outcome_tell(&m.a, enough));
	assert_int_equal(told(&m, "\n"), 0);
	close_many(&m);
}

/* What happens in between is told after it, as what it was then. */
static void test_order(void **state)
{
	static const char *const words[] = { "\"verdict\":\"down\"", "\"brake\":", "\"127.1.3.2:22",
					     "\"verdict\":\"up\"", "\"what\":\"stop\"" };
	struct decision brake = { .kind = DECISION_BRAKE,
				  .at = { 1, 1 },
				  .service = LAYOUT_NONE,
				  .realserver = LAYOUT_NONE,
				  .on = true,
				  .reason = "" };
	struct many m;
	const char *at;
	char *text;
	size_t i;

	(void)state;
	open_many(&m);
	brake.state = m.a.state;
	outcome(&m, m.host, VERDICT_DOWN);
	assert_false(outcome_tell(&m.a, enough));
	agent_on_decision(&m.a, &brake);
	outcome(&m, m.a.state->layout->links[m.a.state->layout->realservers[1].first_link],
		VERDICT_DOWN);
	outcome(&m, m.host, VERDICT_UP);
	assert_false(outcome_tell(&m.a, enough));
	note_stop(&m.a); /* lets all be told */
	text = journal(&m);
	assert_int_equal(count(text, "\n"), 2 * SERVICES + 3);
	assert_int_equal(count(text, "\"verdict\":\"down\""), SERVICES + 1);
	assert_int_equal(count(text, "\"text\":\"Host is blocked\""), SERVICES + 1);
	for (i = 0, at = text; i < countof(words); i++) {
		at = strstr(at, words[i]);
		assert_non_null(at);
	}
	assert_int_equal(count(at, "\n"), 1); /* the end is the end */
	assert_null(strstr(strstr(text, words[3]), words[0]));
	assert_int_equal(count(strstr(text, words[1]), words[0]), 1);
	free(text);
	/* Nothing waits: then it is told at once. */
	agent_on_decision(&m.a, &brake);
	assert_int_equal(told(&m, words[1]), 1);
	close_many(&m);
}

/* Who cannot tell is told of too, though no verdict changes. */
static void test_unknown(void **state)
{
	struct many m;
	struct health *h;

	(void)state;
	open_many(&m);
	h = &m.a.state->targets[m.host].health;
	h->unknown = true;
	outcome(&m, m.host, VERDICT_UP);
	assert_int_equal(m.a.state->n_dirty, 0);
	h->unknown = false;
	outcome(&m, m.host, VERDICT_UP);
	assert_true(outcome_tell(&m.a, NULL));
	assert_int_equal(told(&m, "\n"), 2 * SERVICES);
	outcome(&m, m.host, VERDICT_UP);
	assert_null(m.a.outcomes.first);
	close_many(&m);
}

/* What was answered goes where answers are compared, for all whose target it is. */
static void test_digest(void **state)
{
	const struct probe_report reports[] = { { .digest = 7 }, { .too_long = true } };
	const struct layout_target *host;
	struct compared d;
	struct many m;
	size_t i;

	(void)state;
	open_many(&m);
	host = &m.a.state->layout->targets[m.host];
	((struct probe_conf *)(uintptr_t)host->conf)->compares = true;
	assert_int_equal(compare_new(m.a.state->layout, &m.a.state->compare), 0);
	for (i = 0; i < countof(reports); i++) {
		agent_on_outcome(&m.a, m.host, false, &reports[i]);
		assert_true(compare_probe(m.a.state->compare, id_of(m.a.state->layout, "s7/a"),
					  host->conf, clock_mono_ms(), &d));
		assert_int_equal(d.digest, reports[i].digest);
		assert_int_equal(d.too_long, reports[i].too_long);
	}
	close_many(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_digest),
	};

	return cmocka_run_group_tests_name("outcome", tests, set_up, tear_down);
}
