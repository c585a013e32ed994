/* test_ledger.c: the ledger's thread: answers come once, on the loop, in order; a disk
 * that refuses is told and got over. */
#include <pthread.h>
#include <sched.h>

#include "agent/base/loop.h"
#include "tests/unit/ledger_dir.h"

struct run {
	struct loop *loop;
	struct ledger *ledger;
	pthread_t thread;
	unsigned int expected, n;
	int errors[64];
	unsigned int order[64];
};

struct call {
	struct run *run;
	unsigned int number;
};

static void on_done(void *arg, int error)
{
	struct call *c = arg;
	struct run *run = c->run;

	assert_true(pthread_equal(pthread_self(), run->thread));
	assert_true(run->n < 64);
	run->order[run->n] = c->number;
	run->errors[run->n++] = error;
	if (run->n == run->expected)
		loop_stop(run->loop);
}

static void open_ledger(struct place *p, struct run *run, struct ledger_state *ret_state)
{
	*run = (struct run){ .thread = pthread_self() };
	buf_reset(&p->why);
	assert_int_equal(loop_new(&run->loop), 0);
	assert_int_equal(ledger_open(p->dir, run->loop, &p->why, ret_state, &run->ledger), 0);
}

static void close_ledger(struct run *run)
{
	ledger_free(run->ledger);
	loop_free(run->loop);
}

/* Sends a change through the ledger's own door. */
static void ask(struct run *run, struct ledger_change *c, struct call *call)
{
	int r = -EINVAL;

	if (c->record.type == RECORD_PLACE)
		r = ledger_place(run->ledger, c->record.hold, on_done, call);
	else if (c->record.type == RECORD_LIFT)
		r = ledger_lift(run->ledger, c->record.id, on_done, call);
	else if (c->record.type == RECORD_OWN)
		r = ledger_own(run->ledger, &c->record.key, on_done, call);
	else
		r = ledger_disown(run->ledger, &c->record.key, on_done, call);
	assert_int_equal(r, 0);
	ledger_change_fini(c);
	free(c);
}

static void test_answers(void **state)
{
	struct place *p = *state;
	struct buf said = BUF_INIT;
	struct ledger_state s;
	struct run run;
	struct call calls[6];

	open_ledger(p, &run, &s);
	ledger_state_fini(&s);
	assert_true(ledger_writable(run.ledger));
	for (unsigned int i = 0; i < 6; i++)
		calls[i] = (struct call){ &run, i };
	run.expected = 6;
	ask(&run, own(RECORD_OWN, "10.1.2.15:80", 0), &calls[0]);
	ask(&run, place("a", HOLD_OPERATOR, "web1", 0), &calls[1]);
	ask(&run, place("a", HOLD_OPERATOR, "web2", 0), &calls[2]);
	ask(&run, own(RECORD_OWN, NULL, 7), &calls[3]);
	ask(&run, place("b", HOLD_RULE, "web2", 0), &calls[4]);
	ask(&run, own(RECORD_DISOWN, NULL, 7), &calls[5]);
	loop_run(run.loop);
	assert_int_equal(run.n, 6);
	for (unsigned int i = 0; i < 6; i++) {
		assert_int_equal(run.order[i], i);
		assert_int_equal(run.errors[i], i == 2 ? -EEXIST : 0);
	}
	/* On disk before it was acknowledged. */
	describe_file(p, &said);
	assert_int_equal(strncmp(buf_str(&said), "a operator web/web1", 19), 0);
	assert_non_null(strstr(buf_str(&said), "b rule web/web2"));
	assert_non_null(strstr(buf_str(&said), "own 6 0 2 10.1.2.15:80\n"));
	assert_null(strstr(buf_str(&said), "own 0 7"));
	close_ledger(&run);
	buf_fini(&said);
}

/* Freeing writes what waits and calls back for it. */
static void test_free_answers(void **state)
{
	struct place *p = *state;
	struct ledger_state s;
	struct run run;
	struct call calls[40];
	char id[16];

	open_ledger(p, &run, &s);
	ledger_state_fini(&s);
	for (unsigned int i = 0; i < 40; i++) {
		calls[i] = (struct call){ &run, i };
		snprintf(id, sizeof(id), "h%u", i);
		ask(&run, place(id, HOLD_OPERATOR, id, 0), &calls[i]);
	}
	assert_int_equal(run.n, 0);
	ledger_free(run.ledger);
	assert_int_equal(run.n, 40);
	assert_int_equal(run.order[39], 39);
	/* A post that is still under way finds nothing more to do. */
	loop_drain(run.loop);
	assert_int_equal(run.n, 40);
	loop_free(run.loop);
	ledger_free(NULL);
	open_ledger(p, &run, &s);
	assert_int_equal(s.n_holds, 40);
	ledger_state_fini(&s);
	close_ledger(&run);
}

/* --- many at once --------------------------------------------------------------- */

enum { MANY = 300, AT_ONCE = 64 };

struct many {
	struct run run;
	unsigned int before, most;
};

static void on_one(void *arg, int error)
{
	struct many *m = arg;

	assert_int_equal(error, 0);
	if (++m->run.n == MANY)
		loop_stop(m->run.loop);
}

static void on_sleep(void *arg)
{
	struct many *m = arg;

	if (m->run.n - m->before > m->most)
		m->most = m->run.n - m->before;
	m->before = m->run.n;
}

/* Read while it is written, it may seem torn for a moment. */
static bool are_on_disk(struct place *p, size_t n)
{
	struct ledger_state s;
	bool are;

	if (ledger_read(p->dir, &p->why, &s))
		return false;
	are = s.n_owned == n;
	ledger_state_fini(&s);
	return are;
}

/* All are on disk when the loop comes for the first: it still does other things between
 * some of them and the next. */
static void test_turns(void **state)
{
	struct ipvs_key key = { .addr.family = AF_INET, .fwmark = 1 };
	struct many m = { .most = 0 };
	struct ledger_state s;

	open_ledger(*state, &m.run, &s);
	ledger_state_fini(&s);
	loop_before_sleep(m.run.loop, "test", on_sleep, &m);
	for (; key.fwmark <= MANY; key.fwmark++)
		assert_int_equal(ledger_own(m.run.ledger, &key, on_one, &m), 0);
	while (!are_on_disk(*state, MANY))
		sched_yield();
	loop_run(m.run.loop);
	on_sleep(&m);
	assert_int_equal(m.run.n, MANY);
	assert_in_range(m.most, 1, AT_ONCE);
	close_ledger(&m.run);
}

static void test_busy(void **state)
{
	struct place *p = *state;
	struct ledger_state s;
	struct ledger *second = NULL;
	struct run run;

	open_ledger(p, &run, &s);
	ledger_state_fini(&s);
	assert_int_equal(ledger_open(p->dir, run.loop, &p->why, &s, &second), -EBUSY);
	assert_null(second);
	assert_non_null(strstr(buf_str(&p->why), "another ipvs-agent is running"));
	close_ledger(&run);
}

static void test_refusing_disk(void **state)
{
	struct place *p = *state;
	struct buf said = BUF_INIT;
	struct ledger_state s;
	struct run run;
	struct call calls[2] = { { &run, 0 }, { &run, 1 } };
	struct rlimit old, full;

	signal(SIGXFSZ, SIG_IGN);
	open_ledger(p, &run, &s);
	ledger_state_fini(&s);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	full = (struct rlimit){ .rlim_cur = 40, .rlim_max = old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	run.expected = 2;
	ask(&run, place("a", HOLD_OPERATOR, "web1", 0), &calls[0]);
	ask(&run, place("b", HOLD_RULE, "web2", 0), &calls[1]);
	loop_run(run.loop);
	assert_int_equal(run.errors[0], -EFBIG);
	assert_int_equal(run.errors[1], -EFBIG);
	assert_false(ledger_writable(run.ledger));
	assert_int_equal(ledger_error(run.ledger), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	/* Room again: at the latest when it ends, what was kept in mind is written. */
	close_ledger(&run);
	describe_file(p, &said);
	assert_int_equal(strncmp(buf_str(&said), "b rule web/web2", 15), 0);
	assert_null(strstr(buf_str(&said), "web1"));
	buf_fini(&said);
	signal(SIGXFSZ, SIG_DFL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_answers), test(test_free_answers),  test(test_turns),
		test(test_busy),    test(test_refusing_disk),
	};

	return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
