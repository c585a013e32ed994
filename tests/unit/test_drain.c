/* test_drain.c: when a drain is done, stalled or late, by what the kernel says of it. */
#include "tests/unit/t.h"

#include <math.h>

#include "agent/base/attr.h"
#include "agent/holds/drain.h"

enum { T0 = 1000000, WALL = 500000000, DEADLINE = 300000 };

struct fixture {
	struct drain d;
	int64_t ms; /* since T0 */
};

static void begin(struct fixture *f)
{
	drain_begin(&f->d, WALL, WALL + DEADLINE);
	f->ms = 0;
}

/* A look a second later than the last. */
static bool look(struct fixture *f, struct drain_look l)
{
	bool changed = drain_look(&f->d, &l, T0 + f->ms, WALL + f->ms);

	f->ms += 1000;
	return changed;
}

static struct drain_look counts(uint32_t active, uint32_t inactive)
{
	return (struct drain_look){ .there = true, .active = active, .inactive = inactive };
}

static void assert_why(const struct fixture *f, const char *want)
{
	struct buf why = BUF_INIT;

	drain_why(&f->d, T0 + f->ms - 1000, &why);
	assert_string_equal(buf_str(&why), want);
	buf_fini(&why);
}

static void test_tcp_by_list(void **state ATTR_UNUSED)
{
	struct fixture f;
	struct drain_look l;

	begin(&f);
	assert_false(look(&f, counts(4, 10)));
	assert_int_equal(f.d.begun_with, 14);
	assert_why(&f, "4 active connections");
	assert_false(look(&f, counts(1, 13)));
	assert_why(&f, "1 active connection");
	/* A half closed one is inactive to the counters, and still cut by a stop. */
	l = counts(0, 14);
	l.listed = true;
	l.open = 2;
	l.open_ms = 45000;
	assert_false(look(&f, l));
	assert_int_equal(f.d.state, DRAIN_DRAINING);
	assert_why(&f, "2 connections are half closed");
	assert_int_equal(drain_eta_ms(&f.d, T0 + f.ms), 45000);
	l.open = 0;
	assert_true(look(&f, l));
	assert_int_equal(f.d.state, DRAIN_DRAINED);
	assert_why(&f, "14 connections are over, and kept by the kernel for a while");
	assert_int_equal(drain_eta_ms(&f.d, T0 + f.ms), 0);
	/* It stays that, and counts no further. */
	assert_false(look(&f, counts(0, 0)));
	assert_why(&f, "no connection is left");
	assert_int_equal(drain_elapsed_ms(&f.d, WALL + f.ms + 50000), 3000);
}

static void test_tcp_without_list(void **state ATTR_UNUSED)
{
	struct fixture f;
	struct drain_look l = counts(0, 9);
	int i;

	begin(&f);
	assert_false(look(&f, counts(3, 6)));
	/* tcp_fin's grace counts from when nothing was active any more. */
	l.fin_ms = 60000;
	for (i = 0; i < 60; i++)
		assert_false(look(&f, l));
	assert_why(&f,
		   "9 connections are closing, or over already: the kernel does not tell which");
	assert_int_equal(drain_eta_ms(&f.d, T0 + f.ms - 1000), 1000);
	assert_true(look(&f, l));
	assert_int_equal(f.d.state, DRAIN_DRAINED);

	/* Not while they grow: somebody still comes. */
	begin(&f);
	for (i = 0; i < 130; i++) {
		l.inactive++;
		assert_false(look(&f, l));
	}
	for (i = 1; i < DRAIN_STEADY; i++)
		assert_false(look(&f, l));
	assert_true(look(&f, l));

	/* Not known: the usual two minutes. */
	begin(&f);
	l.fin_ms = 0;
	for (i = 0; i < 120; i++)
		assert_false(look(&f, l));
	assert_true(look(&f, l));

	/* None at all needs no grace. */
	begin(&f);
	assert_true(look(&f, counts(0, 0)));
}

/* One that is active in between begins the grace anew. */
static void test_grace_begins_anew(void **state ATTR_UNUSED)
{
	struct fixture f;
	int i;

	begin(&f);
	for (i = 0; i < 100; i++)
		assert_false(look(&f, counts(0, 5)));
	assert_false(look(&f, counts(1, 4)));
	for (i = 0; i < 120; i++)
		assert_false(look(&f, counts(0, 5)));
	assert_true(look(&f, counts(0, 5)));
}

static void test_weight_first(void **state ATTR_UNUSED)
{
	struct fixture f;
	struct drain_look l = counts(0, 0);

	begin(&f);
	assert_why(&(struct fixture){ .d = { .waits = DRAIN_FOR_LOOK } },
		   "the kernel was not asked yet");
	l.weight = 100;
	assert_false(look(&f, l));
	assert_int_equal(f.d.state, DRAIN_DRAINING);
	assert_why(&f, "the kernel still has weight 100 there");
	l.weight = 0;
	assert_true(look(&f, l));
	/* What is not there at all has no connections to wait for. */
	begin(&f);
	assert_true(look(&f, (struct drain_look){ .weight = 7, .active = 5 }));
	assert_why(&f, "it is not in the kernel's table");
	/* Who left the file may still have connections: nobody can tell that he has none. */
	begin(&f);
	assert_false(look(&f, (struct drain_look){ .unnamed = true }));
	assert_why(&f, "the configuration does not name it: its connections are not counted");
	f.ms = DEADLINE;
	assert_true(look(&f, (struct drain_look){ .unnamed = true }));
	assert_int_equal(f.d.state, DRAIN_LATE);
}

static void test_udp(void **state ATTR_UNUSED)
{
	struct fixture f;
	struct drain_look l = counts(0, 3);
	int i;

	/* By the list: whether a packet came lately. */
	begin(&f);
	l.udp = 3;
	l.listed = true;
	l.talking = 1;
	assert_false(look(&f, l));
	assert_why(&f, "1 UDP client goes on sending");
	assert_int_equal(drain_eta_ms(&f.d, T0 + f.ms), -1);
	l.talking = 0;
	assert_true(look(&f, l));

	/* Without it: whether the counters move. */
	begin(&f);
	l.listed = false;
	for (i = 0; i < 20; i++) {
		l.packets += 5;
		assert_false(look(&f, l));
	}
	for (i = 1; i < DRAIN_QUIET_MS / 1000; i++)
		assert_false(look(&f, l));
	assert_why(&f, "3 UDP clients go on sending");
	assert_true(look(&f, l));

	/* Counters that stand still tell nothing. */
	begin(&f);
	l.packets = 0;
	for (i = 0; i < DRAIN_QUIET_MS / 1000 + 5; i++)
		assert_false(look(&f, l));

	/* Clients that never stop: the deadline ends the wait, and says so. */
	begin(&f);
	l.listed = true;
	l.talking = 2;
	for (i = 0; i < DRAIN_STALL_MS / 1000; i++)
		assert_false(look(&f, l));
	assert_true(look(&f, l));
	assert_int_equal(f.d.state, DRAIN_STALLED);
	f.ms = DEADLINE;
	assert_true(look(&f, l));
	assert_int_equal(f.d.state, DRAIN_LATE);
}

static void test_sticky(void **state ATTR_UNUSED)
{
	struct fixture f;
	struct drain_look l = counts(1, 0);

	begin(&f);
	l.persistent = 2;
	l.sticky_ms = 300000;
	assert_false(look(&f, l));
	assert_why(&f, "1 active connection; sticky: clients come back for up to 5m");
	l.active = 0;
	l.sticky_ms = 89500;
	assert_false(look(&f, l));
	assert_int_equal(f.d.state, DRAIN_DRAINING);
	assert_why(&f, "sticky: clients come back for up to 1m30s");
	assert_int_equal(drain_eta_ms(&f.d, T0 + f.ms), 89500);
	/* expire_quiescent_template = 1: they are harmless. */
	l.sticky_ms = 0;
	assert_true(look(&f, l));
	/* Or gone. */
	begin(&f);
	l.sticky_ms = 300000;
	l.persistent = 0;
	assert_true(look(&f, l));
}

/* A drained one gets connections again, of sticky clients; a stall begins anew then. */
static void test_back_to_draining(void **state ATTR_UNUSED)
{
	struct fixture f;
	int i;

	begin(&f);
	assert_true(look(&f, counts(0, 0)));
	f.ms += 100000;
	assert_true(look(&f, counts(2, 0)));
	assert_int_equal(f.d.state, DRAIN_DRAINING);
	assert_int_equal(drain_elapsed_ms(&f.d, WALL + f.ms), f.ms);
	for (i = 1; i < DRAIN_STALL_MS / 1000; i++)
		assert_false(look(&f, counts(2, 0)));
	assert_true(look(&f, counts(2, 0)));
	assert_int_equal(f.d.state, DRAIN_STALLED);
	assert_why(&f, "2 active connections, not one fewer for 30s");
	/* One fewer, and it moves again. */
	assert_true(look(&f, counts(1, 1)));
	assert_int_equal(f.d.state, DRAIN_DRAINING);
}

static void test_stall_is_no_fluctuation(void **state ATTR_UNUSED)
{
	struct fixture f;
	int i;

	/* Ten, more or less: none of the long ones ends. */
	begin(&f);
	for (i = 0; i < DRAIN_STALL_MS / 1000; i++)
		assert_false(look(&f, counts(10 + (uint32_t)(i % 3), 0)));
	assert_true(look(&f, counts(11, 0)));
	assert_int_equal(f.d.state, DRAIN_STALLED);
}

static void test_late(void **state ATTR_UNUSED)
{
	struct fixture f;

	begin(&f);
	assert_false(look(&f, counts(3, 0)));
	f.ms = DEADLINE - 1;
	(void)look(&f, counts(2, 0));
	assert_int_equal(f.d.state, DRAIN_DRAINING);
	f.ms = DEADLINE;
	assert_true(look(&f, counts(1, 0)));
	assert_int_equal(f.d.state, DRAIN_LATE);
	/* Late, but done in the end. */
	assert_true(look(&f, counts(0, 0)));
	assert_int_equal(f.d.state, DRAIN_DRAINED);
	/* A kernel that does not answer does not stop the clock; what was drained is. */
	f.ms = 10 * DEADLINE;
	assert_false(drain_blind(&f.d, WALL + f.ms));
	begin(&f);
	assert_false(drain_blind(&f.d, WALL + DEADLINE - 1));
	assert_true(drain_blind(&f.d, WALL + DEADLINE));
	assert_int_equal(f.d.state, DRAIN_LATE);
	assert_false(drain_blind(&f.d, WALL + DEADLINE + 1));
	/* Without a deadline it is never late. */
	drain_begin(&f.d, WALL, 0);
	f.ms = 10 * DEADLINE;
	assert_false(look(&f, counts(1, 0)));
	assert_int_equal(f.d.state, DRAIN_DRAINING);
}

static void test_rate(void **state ATTR_UNUSED)
{
	struct fixture f;
	uint32_t i;

	begin(&f);
	assert_true(isnan(drain_rate(&f.d)));
	for (i = 0; i < 3; i++)
		(void)look(&f, counts(100 - 2 * i, 0));
	assert_true(isnan(drain_rate(&f.d)));
	for (; i < 40; i++)
		(void)look(&f, counts(100 - 2 * i, 0));
	assert_true(fabs(drain_rate(&f.d) - 2) < 1e-9);
	assert_int_equal(drain_eta_ms(&f.d, T0 + f.ms), 11000);
	/* It forgets: all stand still for as long as it looks back. */
	for (i = 0; i < DRAIN_POLLS; i++)
		(void)look(&f, counts(22, 0));
	assert_true(drain_rate(&f.d) == 0);
	assert_int_equal(drain_eta_ms(&f.d, T0 + f.ms), -1);
}

/* Asked for anew with more time it is late no more, before anybody has looked again. */
static void test_more_time(void **state)
{
	struct drain d;

	(void)state;
	drain_begin(&d, 1000, 0);
	drain_until(&d, 3000, 1000);
	assert_true(drain_blind(&d, 3000));
	drain_until(&d, 3000, 3001);
	assert_int_equal(d.state, DRAIN_LATE);
	drain_until(&d, 9000, 3001);
	assert_int_equal(d.state, DRAIN_DRAINING);
	assert_int_equal(d.deadline_wall_ms, 9000);
	assert_true(drain_blind(&d, 9000));
	drain_until(&d, 0, 9001);
	assert_int_equal(d.state, DRAIN_DRAINING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_more_time),
		cmocka_unit_test(test_tcp_by_list),
		cmocka_unit_test(test_tcp_without_list),
		cmocka_unit_test(test_grace_begins_anew),
		cmocka_unit_test(test_weight_first),
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_sticky),
		cmocka_unit_test(test_back_to_draining),
		cmocka_unit_test(test_stall_is_no_fluctuation),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
