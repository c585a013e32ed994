/* test_reconcile_lanes.c: private services come, are put right and go by the reconciler,
 * and no attempt begins without its own. */
#include <errno.h>

#include "agent/base/ways.h"
#include "agent/lanes.h"
#include "tests/unit/reconcile_rig.h"

#define VIP   "tcp://127.0.0.9:80"
#define WEB   "[service web]\naddress = " VIP "\nforward = masq\n"
#define TWO   "realserver = web1 127.0.0.2\nrealserver = web2 127.0.0.3:8080\n"
#define ASKED "probe = by\n" TWO "[probe by]\nurl = tcp://\nvia = forward\n"

static const struct lane *lane_of(const struct rig *r, const char *target)
{
	const struct layout *l = r->a.state->layout;

	return l->targets[l->links[l->realservers[id_of(l, target)].first_link]].lane;
}

static bool in_kernel(struct rig *r, const struct lane *lane)
{
	struct ipvs_service s;
	struct ipvs_dest d;

	return fake_kernel_service(r->kernel, &lane->key, &s) && !strcmp(s.scheduler, "rr") &&
	       fake_kernel_dest(r->kernel, &lane->key, &lane->dest.addr, &d) && d.weight == 1 &&
	       d.forward == lane->dest.forward;
}

static bool ready(const struct rig *r, const struct lane *lane)
{
	return r->a.state->lanes[lane - r->a.state->layout->lanes].ready;
}

static void open_asked(struct rig *r)
{
	rig_open(r, WEB ASKED, fake_kernel_new());
	rig_start(r, FAST_MS);
	rig_passes(r, 2);
}

static void close_rig(struct rig *r)
{
	rig_close(r);
	fake_kernel_free(r->kernel);
}

static void test_made(void **state)
{
	struct rig r;

	(void)state;
	open_asked(&r);
	assert_int_equal(r.a.state->layout->n_lanes, 2);
	assert_true(in_kernel(&r, lane_of(&r, "web/web1")));
	assert_true(in_kernel(&r, lane_of(&r, "web/web2")));
	assert_true(ready(&r, lane_of(&r, "web/web1")));
	/* The VIP's port becomes the realserver's, as for clients. */
	assert_int_equal(lane_of(&r, "web/web1")->dest.addr.port, 0);
	assert_int_equal(lane_of(&r, "web/web2")->dest.addr.port, 8080);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_NEW_SERVICE), 3);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_N_OPS), 3 + 4);
	rig_passes(&r, 3);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_N_OPS), 3 + 4);
	close_rig(&r);
}

/* Whatever somebody does to one: put right, and nobody is told of drift. */
static void test_put_right(void **state)
{
	struct ipvs_dest other = { .addr = addr_of("127.0.0.77"), .weight = 1 }, d;
	struct ipvs_service s;
	const struct lane *lane;
	struct rig r;

	(void)state;
	open_asked(&r);
	lane = lane_of(&r, "web/web1");
	lane_kernel(lane, &s);
	assert_int_equal(fake_kernel_write(r.kernel, IPVS_DEL_SERVICE, &s, NULL), 0);
	rig_passes(&r, 2);
	assert_true(in_kernel(&r, lane));
	assert_int_equal(fake_kernel_write(r.kernel, IPVS_NEW_DEST, &s, &other), 0);
	rig_passes(&r, 2);
	assert_false(fake_kernel_dest(r.kernel, &lane->key, &other.addr, &d));
	d = lane->dest;
	d.weight = 0;
	assert_int_equal(fake_kernel_write(r.kernel, IPVS_SET_DEST, &s, &d), 0);
	snprintf(s.scheduler, sizeof(s.scheduler), "wlc");
	assert_int_equal(fake_kernel_write(r.kernel, IPVS_SET_SERVICE, &s, NULL), 0);
	rig_passes(&r, 2);
	assert_true(in_kernel(&r, lane));
	assert_true(ready(&r, lane));
	assert_int_equal(r.stats.drift, 0);
	close_rig(&r);
}

static bool in_place(struct rig *r)
{
	return ready(r, &r->a.state->layout->lanes[0]) && ready(r, &r->a.state->layout->lanes[1]);
}

static bool was_refused(struct rig *r)
{
	return r->a.state->lanes[0].error == -EPERM && quiet(r);
}

/* Refused: not ready, and tried again. */
static void test_refused(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, WEB ASKED, fake_kernel_new());
	fake_kernel_fail(r.kernel, IPVS_NEW_SERVICE, 2, 1, -EPERM);
	rig_start(&r, NEVER_MS);
	rig_run(&r, was_refused);
	assert_false(ready(&r, &r.a.state->layout->lanes[0]));
	assert_true(ready(&r, &r.a.state->layout->lanes[1]));
	rig_run(&r, in_place);
	assert_int_equal(r.a.state->lanes[0].error, 0);
	close_rig(&r);
}

/* What a crash left goes; what only has such a mark is somebody's. */
static void test_left_behind(void **state)
{
	struct ipvs_service left = { .key = key_of("fwmark://7"), .netmask = UINT32_MAX },
			    theirs = left;
	struct ipvs_dest d = { .addr = addr_of("127.0.0.2"), .weight = 1 };
	struct rig r;

	(void)state;
	left.key.fwmark = LANE_FIRST_MARK + 5;
	memcpy(left.scheduler, "rr", 3);
	theirs.key.fwmark = LANE_FIRST_MARK + 6;
	memcpy(theirs.scheduler, "wlc", 4);
	rig_open(&r, WEB TWO, fake_kernel_new());
	assert_int_equal(fake_kernel_write(r.kernel, IPVS_NEW_SERVICE, &left, NULL), 0);
	assert_int_equal(fake_kernel_write(r.kernel, IPVS_NEW_DEST, &left, &d), 0);
	assert_int_equal(fake_kernel_write(r.kernel, IPVS_NEW_SERVICE, &theirs, NULL), 0);
	rig_start(&r, FAST_MS);
	rig_passes(&r, 2);
	assert_false(fake_kernel_service(r.kernel, &left.key, &left));
	assert_true(fake_kernel_service(r.kernel, &theirs.key, &theirs));
	close_rig(&r);
}

/* A reload that changes nothing of them leaves them ready at once; one without such a
 * probe deletes them. */
static void test_reload(void **state)
{
	struct lane was;
	uint64_t writes;
	struct rig r;

	(void)state;
	open_asked(&r);
	was = *lane_of(&r, "web/web1");
	writes = fake_kernel_writes(r.kernel, IPVS_N_OPS);
	rig_reload(&r, WEB "ramp = 5s\n" ASKED, FAST_MS);
	assert_true(lane_same(lane_of(&r, "web/web1"), &was));
	assert_true(ready(&r, lane_of(&r, "web/web1")));
	rig_passes(&r, 2);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_N_OPS), writes);
	rig_reload(&r, WEB TWO, FAST_MS);
	rig_passes(&r, 2);
	assert_false(in_kernel(&r, &was));
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_DEL_SERVICE), 2);
	close_rig(&r);
}

static void on_removed(void *arg)
{
	((struct rig *)arg)->removed = true;
}

static bool removed(struct rig *r)
{
	return r->removed && quiet(r);
}

/* A clean stop: they alone go. */
static void test_stop(void **state)
{
	struct ipvs_key vip = key_of(VIP);
	struct ipvs_service s;
	struct lane was;
	struct rig r;

	(void)state;
	open_asked(&r);
	was = *lane_of(&r, "web/web2");
	assert_int_equal(reconcile_remove(r.a.reconcile, true, on_removed, &r), 0);
	rig_run(&r, removed);
	assert_false(in_kernel(&r, &was));
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_DEL_SERVICE), 2);
	assert_true(fake_kernel_service(r.kernel, &vip, &s));
	close_rig(&r);
}

/* --- by which way ---------------------------------------------------------------- */

static enum probe_reason ask(struct rig *r, struct way_out *ret_way)
{
	*ret_way = (struct way_out){ 0 };
	return agent_lane_way(&r->a, 0, ret_way);
}

static void test_way(void **state)
{
	struct way_out way;
	struct rig r;

	(void)state;
	rig_open(&r, WEB ASKED, fake_kernel_new());
	r.a.conf = r.a.state->layout->conf;
	assert_int_equal(ways_new(4, &r.a.ways), 0);
	rig_start(&r, FAST_MS);
	assert_int_equal(ask(&r, &way), SCHED_LATER); /* not there yet */
	rig_passes(&r, 2);
	assert_int_equal(ask(&r, &way), PROBE_OK);
	assert_int_equal(way.mark, lane_of(&r, "web/web1")->key.fwmark);
	assert_true(addr_is_loopback(&way.source));
	way = (struct way_out){ .source = addr_of("127.0.0.9") }; /* would ask itself */
	assert_int_equal(agent_lane_way(&r.a, 0, &way), PROBE_LOCAL_ROUTE);
	r.a.state->lanes[0].ready = r.a.state->lanes[1].ready = false;
	r.a.state->lanes[0].error = r.a.state->lanes[1].error = -EPERM;
	assert_int_equal(ask(&r, &way), PROBE_LOCAL_FORWARD);
	ways_free(r.a.ways);
	close_rig(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made),    cmocka_unit_test(test_put_right),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_left_behind),
		cmocka_unit_test(test_reload),  cmocka_unit_test(test_stop),
		cmocka_unit_test(test_way),
	};

	return cmocka_run_group_tests_name("reconcile, lanes", tests, NULL, NULL);
}
