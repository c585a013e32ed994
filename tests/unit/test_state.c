/* test_state.c: the verdicts of several probes become that of a realserver, and what many
 * realservers have in common is probed once for all of them. */
#include "agent/base/loop.h"
#include "agent/probes/sched.h"
#include "tests/unit/model_fixture.h"

/* --- several probes ------------------------------------------------------------- */

/* Both must be up: n none, u up, d down; a capital where the last outcome was unknown. */
static void test_together(void **state)
{
	static const struct {
		const char *probes;
		char verdict;
		bool unknown;
	} rows[] = {
		{ "uu", 'u', false }, { "ud", 'd', false }, { "du", 'd', false },
		{ "dd", 'd', false }, { "nu", 'n', false }, { "un", 'n', false },
		{ "nd", 'd', false }, { "dn", 'd', false }, { "nn", 'n', false },
		{ "uU", 'u', true }, /* unknown changes nothing … */
		{ "Ud", 'd', true }, /* … and hides nothing */
		{ "Du", 'd', true },  { "Nu", 'n', true },
	};
	struct state *s = make_state("[service web]\naddress = tcp://10.1.2.15:80\nprobe = a, b\n"
				     "realserver = one 10.1.2.21\n"
				     "[probe a]\nurl = tcp://\n[probe b]\nurl = http://x/\n");
	size_t i, k;

	(void)state;
	assert_int_equal(s->layout->n_targets, 2);
	for (i = 0; i < countof(rows); i++) {
		for (k = 0; k < 2; k++) {
			struct health *h = &s->targets[k].health;
			char c = rows[i].probes[k];

			h->unknown = c < 'a';
			h->verdict = (c | 32) == 'u'   ? VERDICT_UP
				     : (c | 32) == 'd' ? VERDICT_DOWN
						       : VERDICT_NONE;
		}
		state_judge(s, 0, 1);
		assert_int_equal(verdict_name(s->realservers[0].verdict)[0], rows[i].verdict);
		assert_int_equal(s->realservers[0].unknown, rows[i].unknown);
	}
	state_free(s);
}

/* A realserver's own probes take the place of the service's. */
static void test_own(void **state)
{
	struct state *s = make_state("[service web]\naddress = tcp://10.1.2.15:80\nprobe = a\n"
				     "realserver = one 10.1.2.21\n"
				     "realserver = two 10.1.2.22 probe=b,c\n"
				     "[probe a]\nurl = tcp://\n[probe b]\nurl = tcp://:22\n"
				     "[probe c]\nurl = http://x/\n");

	(void)state;
	assert_int_equal(s->layout->n_links, 3);
	s->targets[s->layout->links[s->layout->realservers[0].first_link]].health.verdict =
		VERDICT_DOWN;
	end_probes(s, 1, VERDICT_UP, PROBE_OK, 1);
	state_judge(s, 0, 1);
	assert_int_equal(s->realservers[0].verdict, VERDICT_DOWN);
	assert_int_equal(s->realservers[1].verdict, VERDICT_UP);
	state_free(s);
}

/* --- in common ------------------------------------------------------------------- */

enum { SERVICES = 10000, SHARED = 100, PER_SERVICE = 10 };

static uint32_t starts[SHARED];

static void counted_start(struct probe_run *run)
{
	assert_in_range(run->addr.bytes[3], 1, SHARED);
	starts[run->addr.bytes[3] - 1]++;
	probe_done(run, &(struct probe_report){ .reason = PROBE_CONNECT_REFUSED });
}

static void never_cancelled(struct probe_run *run ATTR_UNUSED)
{
	fail();
}

static const struct probe_type counted = { .name = "counted",
					   .start = counted_start,
					   .cancel = never_cancelled };

struct shared {
	struct loop *loop;
	struct state *s;
	uint32_t outcomes;
};

static void on_outcome(void *arg, uint32_t target, bool changed ATTR_UNUSED,
		       const struct probe_report *report ATTR_UNUSED)
{
	struct shared *w = arg;
	const struct layout_target *lt = &w->s->layout->targets[target];
	uint32_t i;

	for (i = lt[0].first_user; i < lt[1].first_user; i++)
		state_judge(w->s, w->s->layout->users[i], 1);
	if (++w->outcomes == SHARED)
		loop_stop(w->loop);
}

static void shared_ini(struct buf *ini)
{
	unsigned int i, k;

	buf_puts(ini, "[probe p]\nurl = tcp://:80\nfall = 1\ninterval = 1h\n");
	for (i = 0; i < SERVICES; i++) {
		buf_printf(ini, "[service s%u]\naddress = tcp://10.1.%u.%u:80\nprobe = p\n", i,
			   i / 250, i % 250 + 1);
		for (k = 0; k < PER_SERVICE; k++)
			buf_printf(ini, "realserver = r%u 10.2.0.%u\n", k,
				   (i * PER_SERVICE + k) % SHARED + 1);
	}
}

/* 10,000 services of 10 realservers each, on 100 machines: 100 probes, each of which is
 * begun once, and speaks for 1,000. */
static void test_shared(void **state)
{
	const struct sched_limits limits = { .max_running = 1000 };
	struct buf ini = BUF_INIT;
	struct shared w = { 0 };
	struct sched *sched;
	uint32_t from[SHARED], i;
	struct probe_conf *conf;

	(void)state;
	shared_ini(&ini);
	w.s = make_state(buf_str(&ini));
	buf_fini(&ini);
	assert_int_equal(w.s->layout->n_links, SERVICES * PER_SERVICE);
	assert_int_equal(w.s->layout->n_targets, SHARED);
	conf = (struct probe_conf *)(uintptr_t)w.s->layout->targets[0].conf;
	conf->type = &counted;
	memset(from, 0xff, sizeof(from));
	assert_int_equal(loop_new(&w.loop), 0);
	assert_int_equal(sched_new(w.loop, NULL, &limits, on_outcome, &w, &sched), 0);
	assert_int_equal(
		sched_replace(sched, w.s->layout->targets, w.s->targets, SHARED, from, &limits), 0);
	loop_run(w.loop);
	for (i = 0; i < SHARED; i++)
		assert_int_equal(starts[i], 1);
	for (i = 0; i < SERVICES * PER_SERVICE; i++)
		assert_int_equal(w.s->realservers[i].verdict, VERDICT_DOWN);
	sched_free(sched);
	loop_free(w.loop);
	state_free(w.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_together),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_shared),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
