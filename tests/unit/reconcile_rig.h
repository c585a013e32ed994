/* reconcile_rig.h: the reconciler on a real loop and a real port, with a fake kernel
 * behind them and the agent's own decisions before each sleep. Tests wait for what
 * they expect, never for a time. */
#ifndef TESTS_RECONCILE_RIG_H
#define TESTS_RECONCILE_RIG_H

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/loop.h"
#include "agent/holds/place.h"
#include "agent/model/reload.h"
#include "agent/rules/engine.h"
#include "agent/sync/reconcile.h"
#include "tests/unit/fake_kernel.h"
#include "tests/unit/kernel_text.h"

enum { FAST_MS = 20, NEVER_MS = 3600000, DEADLINE_MS = 30000 };

struct rig {
	struct agent a;
	struct fake_kernel *kernel;
	struct loop_timer *deadline;
	bool (*until)(struct rig *r);
	void (*take_reading)(struct publisher *p, struct reading *reading); /* NULL = nobody */
	uint64_t wanted;                                                    /* for until */
	unsigned int readings, firsts, complete;
	uint64_t written; /* when the last reading was told */
	bool read_first;  /* asks for a reading once the first is there */
	bool read_on;     /* asks for a reading at each reading */
	bool removed, late;
	bool later, never; /* after the first reading: decides in a turn to come, or not */
	int64_t first_ms;  /* … which takes the loop so long */
	struct reconcile_stats stats;
};

static void on_rig_deadline(void *arg)
{
	struct rig *r = arg;

	r->late = true;
	loop_stop(r->a.loop);
}

static void on_rig_sleep(void *arg)
{
	struct rig *r = arg;

	if (r->a.state && !r->never)
		agent_decide(&r->a);
	reconcile_stats(r->a.reconcile, &r->stats);
	if (r->until && r->until(r)) {
		r->until = NULL;
		loop_stop(r->a.loop);
	}
}

static void on_rig_reading(void *arg, struct reading *reading)
{
	struct rig *r = arg;

	r->readings++;
	r->written = fake_kernel_writes(r->kernel, IPVS_N_OPS);
	r->complete += reading->table.complete;
	if (r->take_reading)
		r->take_reading(r->a.publisher, reading);
	else
		reading_unref(reading);
	if (r->read_on)
		reconcile_read(r->a.reconcile);
}

static void on_rig_first(void *arg)
{
	struct rig *r = arg;
	int64_t begun_ms = clock_mono_ms();

	r->firsts++;
	while (clock_mono_ms() < begun_ms + r->first_ms)
		;
	if (r->read_first)
		reconcile_read(r->a.reconcile);
	state_dirty_all(r->a.state);
	if (!r->later && !r->never)
		agent_decide(&r->a);
}

static void on_rig_decide(void *arg)
{
	struct rig *r = arg;

	r->never = false;
	agent_decide(&r->a);
}

static void on_rig_hold(void *arg, const char *service, const char *realserver)
{
	struct rig *r = arg;

	(void)realserver;
	state_dirty(r->a.state, layout_find_service(r->a.state->layout, service));
}

static ATTR_UNUSED void rig_run(struct rig *r, bool (*until)(struct rig *r))
{
	r->until = until;
	r->late = false;
	loop_timer_start(r->deadline, DEADLINE_MS);
	loop_run(r->a.loop);
	loop_timer_stop(r->deadline);
	if (r->late)
		fail_msg("what was waited for did not happen");
}

/* A state from `ini`, everybody up; and a ledger in `dir`, if that is not NULL, so that
 * holds of operators can be recorded. */
static ATTR_UNUSED void rig_open_in(struct rig *r, const char *ini, struct fake_kernel *kernel,
				    const char *dir)
{
	struct ledger_state kept;
	struct buf why = BUF_INIT;
	struct agent_rules rules;

	*r = (struct rig){ .kernel = kernel };
	r->a.state = make_state(ini);
	all_up(r->a.state);
	assert_int_equal(loop_new(&r->a.loop), 0);
	assert_int_equal(holds_new(&r->a.holds), 0);
	assert_int_equal(ipvs_port_new(r->a.loop, fake_kernel_door(kernel), &r->a.port), 0);
	if (dir) {
		assert_int_equal(ledger_open(dir, r->a.loop, &why, &kept, &r->a.ledger), 0);
		ledger_state_fini(&kept);
		buf_fini(&why);
	}
	assert_int_equal(
		placer_new(r->a.loop, r->a.ledger, r->a.holds, on_rig_hold, r, &r->a.placer), 0);
	assert_int_equal(agent_rules_new(&r->a), 0);
	assert_int_equal(
		agent_rules_prepare(r->a.state->layout->conf, r->a.state->layout, &why, &rules), 0);
	agent_rules_put(&r->a, r->a.state, &rules);
	assert_int_equal(loop_timer_new(r->a.loop, "deadline", on_rig_deadline, r, &r->deadline),
			 0);
	loop_before_sleep(r->a.loop, "decide", on_rig_sleep, r);
}

static ATTR_UNUSED void rig_open(struct rig *r, const char *ini, struct fake_kernel *kernel)
{
	rig_open_in(r, ini, kernel, NULL);
}

/* Begins to manage; passes by the timer every `interval_ms`. */
static ATTR_UNUSED void rig_start(struct rig *r, int64_t interval_ms)
{
	struct reconcile_env env = { .loop = r->a.loop,
				     .port = r->a.port,
				     .ledger = r->a.ledger,
				     .holds = r->a.holds,
				     .placer = r->a.placer,
				     .reading = on_rig_reading,
				     .first = on_rig_first,
				     .decide = on_rig_decide,
				     .arg = r };
	struct diff_policy gone = { REMOVE_DRAIN, 300000 };

	assert_int_equal(reconcile_new(&env, &r->a.reconcile), 0);
	reconcile_set_state(r->a.reconcile, r->a.state, interval_ms, &gone);
}

/* As the agent does it, in its order. */
static ATTR_UNUSED void rig_close(struct rig *r)
{
	ipvs_port_free(r->a.port);
	ledger_free(r->a.ledger);
	reconcile_free(r->a.reconcile);
	engine_free(r->a.engine);
	decider_fini(&r->a.decider);
	placer_free(r->a.placer);
	holds_free(r->a.holds);
	loop_timer_free(r->deadline);
	loop_free(r->a.loop);
	state_free(r->a.state);
}

/* Another configuration in force, as agent/reload.c does it. */
static ATTR_UNUSED void rig_reload(struct rig *r, const char *ini, int64_t interval_ms)
{
	struct diff_policy gone = { REMOVE_DRAIN, 300000 };
	struct state *old = r->a.state, *now = make_state(ini);
	struct buf why = BUF_INIT;
	struct agent_rules rules;
	struct reload_map *map;

	assert_int_equal(reload_map_new(old->layout, now->layout, &map), 0);
	reload_carry(old, now, map);
	all_up(now);
	assert_int_equal(agent_rules_prepare(now->layout->conf, now->layout, &why, &rules), 0);
	agent_rules_carry(&r->a.decider, map, &rules);
	r->a.state = now;
	agent_rules_put(&r->a, now, &rules);
	reconcile_set_state(r->a.reconcile, now, interval_ms, &gone);
	state_dirty_all(now);
	state_free(old);
	reload_map_free(map);
}

static ATTR_UNUSED void rig_hold(struct rig *r, const char *target, int effect)
{
	const struct layout *l = r->a.state->layout;
	uint32_t id = id_of(l, target), service = l->realservers[id].service;
	struct hold *h = hold_new(
		&(struct hold){ .id = (char *)(uintptr_t)target,
				.hold_class = HOLD_OPERATOR,
				.service = (char *)(uintptr_t)l->services[service].conf->head.name,
				.realserver = (char *)(uintptr_t)l->realservers[id].conf->name,
				.effect = effect,
				.active = true });

	assert_int_equal(holds_place(r->a.holds, h, NULL), 0);
	state_dirty(r->a.state, service);
}

static ATTR_UNUSED void rig_release(struct rig *r, const char *target)
{
	uint32_t id = id_of(r->a.state->layout, target);

	hold_free(holds_take(r->a.holds, target));
	state_dirty(r->a.state, r->a.state->layout->realservers[id].service);
}

/* The kernel as the configuration asks for it, made by somebody else. */
static ATTR_UNUSED void rig_fill(struct rig *r, uint32_t weight)
{
	const struct layout *l = r->a.state->layout;
	struct ipvs_service s;
	struct ipvs_dest d;
	uint32_t i;

	for (i = 0; i < l->n_vips; i++) {
		layout_kernel_service(l, i, &s);
		assert_int_equal(fake_kernel_write(r->kernel, IPVS_NEW_SERVICE, &s, NULL), 0);
	}
	for (i = 0; i < l->n_dests; i++) {
		layout_kernel_service(l, l->dests[i].vip, &s);
		layout_kernel_dest(l, i, weight, &d);
		assert_int_equal(fake_kernel_write(r->kernel, IPVS_NEW_DEST, &s, &d), 0);
	}
}

/* The weight of a destination; -1 = it is not there. */
static ATTR_UNUSED int weight_of(struct rig *r, const char *service, const char *dest)
{
	struct ipvs_key key = key_of(service);
	struct addr addr = addr_of(dest);
	struct ipvs_dest d;

	return fake_kernel_dest(r->kernel, &key, &addr, &d) ? (int)d.weight : -1;
}

/* Somebody else's hand: sets a weight, or adds (kind), or deletes. */
static ATTR_UNUSED void foreign(struct rig *r, enum ipvs_op_kind kind, const char *service,
				const char *dest, uint32_t weight)
{
	struct ipvs_service s = { .key = key_of(service), .scheduler = "wlc" };
	struct ipvs_dest d = { .forward = IPVS_ROUTE, .weight = weight };

	s.netmask = s.key.addr.family == AF_INET6 ? 128 : UINT32_MAX;
	if (dest)
		d.addr = addr_of(dest);
	assert_int_equal(fake_kernel_write(r->kernel, kind, &s, dest ? &d : NULL), 0);
}

/* --- what is waited for: passes, and quiet -------------------------------------- */

static bool quiet(const struct rig *r)
{
	return !r->stats.busy && !r->a.state->n_dirty;
}

static ATTR_UNUSED bool passed(struct rig *r)
{
	return r->stats.passes >= r->wanted && quiet(r);
}

static ATTR_UNUSED void rig_passes(struct rig *r, unsigned int more)
{
	r->wanted = r->stats.passes + more;
	rig_run(r, passed);
}

#endif
