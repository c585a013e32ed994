/* test_trouble.c: what is wrong with the agent itself, as an operator is told it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/view_fixture.h"

/* All sentences, a line each. */
static void troubles(const struct view *v, struct buf *out)
{
	buf_reset(out);
	for (unsigned int i = 0; i < VIEW_N_TROUBLES; i++)
		if (view_trouble(v, i, out))
			buf_putc(out, '\n');
}

static void test_none(void **state)
{
	struct view v = view_fixture();
	struct buf out = BUF_INIT;

	(void)state;
	troubles(&v, &out);
	assert_string_equal(buf_str(&out), "");
	buf_fini(&out);
}

static void test_each(void **state)
{
	static const char *const words[VIEW_N_TROUBLES] = {
		"no ip_vs",
		"the last reload was refused",
		"the ledger cannot be written",
		"the ledger was damaged at the start: all holds are lost",
		"no canary answers behind eth0, eth1: ",
		"peer lb2 is away since 2001-09-09T01:46:40.000Z (connection refused): ",
		"standby: the role is backup; notify, exec and VIPs wait for the role master",
		("VIP web 10.1.2.15 is not on eth0: there is no such interface; "
		 "VIP any 2001:db8::15 is on vip0: somebody else put it there"),
	};
	struct view_canary cut[] = {
		{ "a", true, false, "eth0" },
		{ "b", true, true, NULL },
		{ "c", true, false, "eth0" },
		{ "d", true, false, "eth1" },
	};
	struct view_own_vip wrong[] = {
		{ .vip = "web",
		  .address = "10.1.2.15",
		  .interface = "eth0",
		  .sentence = "there is no such interface",
		  .known = true,
		  .wanted = true },
		{ .vip = "any",
		  .address = "2001:db8::15",
		  .interface = "vip0",
		  .sentence = "somebody else put it there",
		  .known = true,
		  .present = true,
		  .foreign = true },
	};
	struct view_peer away = { .name = "lb2",
				  .why = "connection refused",
				  .known = true,
				  .since_wall_ms = INT64_C(1000000000000) };
	struct buf out = BUF_INIT;

	(void)state;
	for (unsigned int i = 0; i < VIEW_N_TROUBLES; i++) {
		struct view v = view_fixture();
		struct view_duties duties = fixture_duties;

		v.agent.kernel_ok = i != 0;
		v.agent.kernel_error = i == 0 ? -ENOPROTOOPT : 0;
		v.agent.last_reload_ok = i != 1;
		v.agent.ledger_writable = i != 2;
		v.agent.ledger_damaged = i == 3;
		v.canaries = i == 4 ? cut : v.canaries;
		v.n_canaries = i == 4 ? countof(cut) : v.n_canaries;
		v.peers = i == 5 ? &away : v.peers;
		v.n_peers = i == 5 ? 1 : v.n_peers;
		v.duties = &duties;
		duties.role = i == 6 ? ROLE_BACKUP : ROLE_MASTER;
		if (i == 7)
			duties.vips = wrong;
		troubles(&v, &out);
		assert_non_null(strstr(buf_str(&out), words[i]));
		assert_ptr_equal(strchr(buf_str(&out), '\n'), buf_str(&out) + out.len - 1);
	}
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_each),
	};

	return cmocka_run_group_tests_name("trouble", tests, NULL, NULL);
}
