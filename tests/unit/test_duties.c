/* test_duties.c: addresses and sync daemons: what is ours, what is to be done, and that what
 * somebody else made is never undone; and the patience before an address goes or comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/base/attr.h"
#include "agent/duties_internal.h"
#include "agent/sync/duties.h"

/* --- names -------------------------------------------------------------------------- */

static void test_names(void **state ATTR_UNUSED)
{
	static const char *const good[] = {
		"vip eth0 10.1.2.3", "vip lo fd00::1", "link vip0", "sync master", "sync backup",
	};
	static const char *const bad[] = {
		"",
		"role",
		"vip",
		"vip ",
		"vip eth0",
		"vip eth0 ",
		"vip eth0 10.1.2",
		"vip eth0 10.1.2.3:80",
		"vip eth0  10.1.2.3",
		"vip  10.1.2.3",
		"vip interface-of-sixteen 10.1.2.3",
		"link ",
		"link a b",
		"sync ",
		"sync both",
		"sync masters",
	};
	struct duty_own own;

	for (size_t i = 0; i < countof(good); i++) {
		struct buf text = BUF_INIT;

		assert_true(duty_own_parse(good[i], &own));
		duty_own_format(&own, &text);
		assert_string_equal(buf_str(&text), good[i]);
		buf_fini(&text);
	}
	for (size_t i = 0; i < countof(bad); i++)
		if (duty_own_parse(bad[i], &own))
			fail_msg("'%s' was read", bad[i]);
}

/* --- the difference ------------------------------------------------------------------- */

/* Interfaces by letter: l lo, e eth0; v is vip0, which is there where `links` has it. */
struct world {
	struct route_link links[4];
	struct route_addr addrs[8];
	struct duty_want wants[8];
	struct duty_found found[8];
	struct duty_owns owns;
	struct duty_seen seen;
	struct daemon wanted[DAEMON_N];
	size_t n_wants;
};

static struct addr address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static void link_there(struct world *w, const char *name)
{
	struct route_link *l = &w->links[w->seen.routes.n_links++];

	l->index = (int)w->seen.routes.n_links;
	snprintf(l->name, sizeof(l->name), "%s", name);
	w->seen.routes.links = w->links;
}

static void addr_there(struct world *w, const char *link, const char *text, uint8_t prefix)
{
	w->addrs[w->seen.routes.n_addrs++] = (struct route_addr){
		.addr = address(text),
		.index = route_find_link(&w->seen.routes, link)->index,
		.prefix = prefix,
	};
	w->seen.routes.addrs = w->addrs;
}

static void want(struct world *w, const char *link, const char *text, enum duty_wish wish,
		 bool dummy)
{
	struct duty_want *to = &w->wants[w->n_wants++];

	*to = (struct duty_want){ .addr = address(text), .wish = (uint8_t)wish, .dummy = dummy };
	to->why = wish == DUTY_OUT ? DUTY_STANDBY : wish == DUTY_AS_IS ? DUTY_SETTLING : DUTY_FINE;
	snprintf(to->interface, sizeof(to->interface), "%s", link);
}

static void ours(struct world *w, const char *text)
{
	struct duty_own own;

	assert_true(duty_own_parse(text, &own));
	assert_int_equal(duty_owns_add(&w->owns, &own), 0);
}

/* "+vip eth0 10.1.2.3;-link vip0;?…": what is to be done. */
static void does(struct world *w, const char *wanted)
{
	static const char signs[] = "+-?";
	struct buf text = BUF_INIT;
	struct duty_ops ops;

	assert_int_equal(
		duty_diff(w->wants, w->n_wants, w->wanted, &w->seen, &w->owns, w->found, &ops), 0);
	for (size_t i = 0; i < ops.n; i++) {
		buf_printf(&text, "%s%c", i ? ";" : "", signs[ops.rows[i].kind]);
		duty_own_format(&ops.rows[i].what, &text);
	}
	assert_string_equal(buf_str(&text), wanted);
	buf_fini(&text);
	free(ops.rows);
}

static void world_fini(struct world *w)
{
	free(w->owns.rows);
}

static void test_comes(void **state ATTR_UNUSED)
{
	struct world w = { .n_wants = 0 };

	link_there(&w, "lo");
	want(&w, "lo", "10.1.2.3", DUTY_IN, false);
	want(&w, "vip0", "10.1.2.4", DUTY_IN, true);
	want(&w, "vip0", "fd00::4", DUTY_IN, true);
	want(&w, "eth7", "10.1.2.5", DUTY_IN, false);
	want(&w, "lo", "10.1.2.6", DUTY_AS_IS, false);
	want(&w, "lo", "10.1.2.7", DUTY_OUT, false);
	/* A dummy is made once, before its addresses. */
	does(&w, "+vip lo 10.1.2.3;+link vip0;+vip vip0 10.1.2.4;+vip vip0 fd00::4");
	assert_int_equal(w.found[0].reason, DUTY_REFUSED);
	assert_int_equal(w.found[3].reason, DUTY_NO_INTERFACE);
	assert_int_equal(w.found[4].reason, DUTY_SETTLING);
	assert_int_equal(w.found[5].reason, DUTY_STANDBY);
	addr_there(&w, "lo", "10.1.2.3", 32);
	/* Another prefix is another address. */
	link_there(&w, "vip0");
	addr_there(&w, "vip0", "10.1.2.4", 24);
	does(&w, "+vip vip0 10.1.2.4;+vip vip0 fd00::4");
	assert_true(w.found[0].present);
	assert_int_equal(w.found[0].reason, DUTY_FINE);
	world_fini(&w);
}

static void test_only_ours_goes(void **state ATTR_UNUSED)
{
	struct world w = { .n_wants = 0 };

	link_there(&w, "lo");
	link_there(&w, "eth0");
	addr_there(&w, "lo", "10.1.2.3", 32);
	addr_there(&w, "lo", "10.1.2.4", 32);
	addr_there(&w, "eth0", "10.1.2.3", 32);
	want(&w, "lo", "10.1.2.3", DUTY_OUT, false);
	want(&w, "lo", "10.1.2.4", DUTY_OUT, false);
	ours(&w, "vip lo 10.1.2.4");
	ours(&w, "vip lo 10.1.2.9");
	ours(&w, "vip eth0 10.1.2.3");
	does(&w, "-vip lo 10.1.2.4;?vip lo 10.1.2.9;-vip eth0 10.1.2.3");
	assert_int_equal(w.found[0].reason, DUTY_FOREIGN);
	assert_true(w.found[1].ours);
	/* What is not known stays, whosoever it is. */
	w.wants[1].wish = DUTY_AS_IS;
	does(&w, "?vip lo 10.1.2.9;-vip eth0 10.1.2.3");
	world_fini(&w);
}

static void test_dummy_goes_last(void **state ATTR_UNUSED)
{
	struct world w = { .n_wants = 0 };

	link_there(&w, "vip0");
	addr_there(&w, "vip0", "10.1.2.3", 32);
	addr_there(&w, "vip0", "fe80::1", 64);
	ours(&w, "link vip0");
	ours(&w, "vip vip0 10.1.2.3");
	does(&w, "-vip vip0 10.1.2.3;-link vip0");
	/* An address of somebody else keeps it. */
	addr_there(&w, "vip0", "10.9.9.9", 32);
	does(&w, "-vip vip0 10.1.2.3");
	/* As does a VIP of the file, there or not. */
	w.seen.routes.n_addrs = 2;
	want(&w, "vip0", "10.1.2.3", DUTY_OUT, true);
	does(&w, "-vip vip0 10.1.2.3");
	world_fini(&w);
}

static void test_daemons(void **state ATTR_UNUSED)
{
	struct world w = { .n_wants = 0 };
	struct daemon *master = &w.seen.daemons[DAEMON_MASTER];
	const struct daemon one = { .there = true, .interface = "eth0", .sync_id = 7 };

	w.wanted[DAEMON_MASTER] = one;
	does(&w, ""); /* not known what runs */
	w.seen.daemons_known = true;
	does(&w, "+sync master");
	*master = one;
	master->port = 8848;
	master->max_len = 1472;
	does(&w, "");
	master->sync_id = 8;
	does(&w, ""); /* somebody else's */
	ours(&w, "sync master");
	does(&w, "-sync master;+sync master");
	w.wanted[DAEMON_MASTER].there = false;
	does(&w, "-sync master");
	master->there = false;
	does(&w, "?sync master");
	world_fini(&w);
}

static void test_daemon_fits(void **state ATTR_UNUSED)
{
	struct daemon is = { .there = true,
			     .interface = "eth0",
			     .sync_id = 1,
			     .group = address("224.0.0.81"),
			     .port = 8848,
			     .max_len = 1472,
			     .ttl = 1 };
	struct daemon wanted = { .there = true, .interface = "eth0", .sync_id = 1 };

	assert_true(daemon_fits(&wanted, &is));
	wanted.max_len = 9000; /* the kernel cut it */
	assert_true(daemon_fits(&wanted, &is));
	wanted.max_len = 1000;
	assert_false(daemon_fits(&wanted, &is));
	wanted.max_len = 100; /* and lifts this one */
	is.max_len = 548;
	assert_true(daemon_fits(&wanted, &is));
	wanted.group = address("224.0.0.82");
	assert_false(daemon_fits(&wanted, &is));
	wanted.group = is.group;
	wanted.ttl = 2;
	assert_false(daemon_fits(&wanted, &is));
}

/* --- the role ----------------------------------------------------------------------------- */

static void test_role(void **state ATTR_UNUSED)
{
	static const struct {
		const char *fact;
		enum view_role role;
	} cases[] = {
		{ "master 1700000000000 b-1", ROLE_MASTER },
		{ "backup 1700000000000 b-1", ROLE_BACKUP },
		{ "fault 0 b-1", ROLE_FAULT },
		{ "master 1700000000000 b-2", ROLE_UNKNOWN }, /* booted since */
		{ "master 1700000000000 ", ROLE_UNKNOWN },
		{ "master 1700000000000", ROLE_UNKNOWN },
		{ "master b-1", ROLE_UNKNOWN },
		{ "master x b-1", ROLE_UNKNOWN },
		{ "master 123456789012345678901234567890 b-1", ROLE_UNKNOWN },
		{ "masters 1 b-1", ROLE_UNKNOWN },
		{ "", ROLE_UNKNOWN },
	};

	for (size_t i = 0; i < countof(cases); i++) {
		struct duties d = { .boot = "b-1" };
		struct buf text = BUF_INIT;

		duties_read_role(&d, cases[i].fact);
		if (d.role != cases[i].role)
			fail_msg("'%s' is %s", cases[i].fact, view_role_names[d.role]);
		duties_put_role(&d, &text);
		if (d.role)
			assert_string_equal(buf_str(&text), cases[i].fact);
		buf_fini(&text);
	}
}

/* --- patience ---------------------------------------------------------------------------- */

/* Every 100 ms: + can serve, - cannot, ? not known; and what is wished: I in, O out, . as it
 * is. Withdrawn after 200 ms, back after 300 ms. */
static void test_patience(void **state ATTR_UNUSED)
{
	static const struct {
		const char *now, *wish;
	} cases[] = {
		{ "?+", ".I" },
		{ "?-----", "...OOO" },
		{ "+-+-+-+", "IIIIIII" },
		{ "+---", "IIIO" },
		{ "+---++++", "IIIOOOOI" },
		{ "+---++-++++", "IIIOOOOOOOI" },
		{ "+--?--", "IIIIII" },
		{ "+---??+???", "IIIOOOOOOO" },
	};

	for (size_t i = 0; i < countof(cases); i++) {
		struct duty_steady s = { .known = false };
		char got[32] = "";
		int64_t wait_ms;

		for (size_t k = 0; cases[i].now[k]; k++) {
			char c = cases[i].now[k];
			enum duty_wish wish = duty_steady(&s, c == '?' ? -1 : c == '+',
							  (int64_t)k * 100 + 5, 200, 300, &wait_ms);

			got[k] = "OI."[wish];
			if (s.turning)
				assert_in_range(wait_ms, 1, 300);
			else
				assert_int_equal(wait_ms, -1);
		}
		assert_string_equal(got, cases[i].wish);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),          cmocka_unit_test(test_comes),
		cmocka_unit_test(test_only_ours_goes), cmocka_unit_test(test_dummy_goes_last),
		cmocka_unit_test(test_daemons),        cmocka_unit_test(test_daemon_fits),
		cmocka_unit_test(test_patience),       cmocka_unit_test(test_role),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
