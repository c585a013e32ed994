/* engine_rig.h: a world with everything up, and what tests of the engine ask of it. */
#ifndef TESTS_ENGINE_RIG_H
#define TESTS_ENGINE_RIG_H

#include "agent/rules/engine.h"
#include "agent/rules/rule_conf.h"
#include "agent/world.h"
#include "tests/unit/model_fixture.h"

#define PROBE "[probe p]\nurl = http://x/\n"
#define HEAD  "[service web]\naddress = tcp://10.1.2.15:80\nprobe = p\n"
#define BUSY  "[rule busy]\nexpr = active_connections > 50\n"
#define THREE "realserver = a 10.1.2.21\nrealserver = b 10.1.2.22\nrealserver = c 10.1.2.23\n"

struct rig {
	struct world *w;
	struct moment now;
	uint64_t told[DECISION_N_KINDS];
};

static ATTR_UNUSED void on_decision(void *arg, const struct decision *d)
{
	struct rig *r = arg;

	r->told[d->kind]++;
}

/* Decides at `ms` after the beginning. */
static ATTR_UNUSED void decide_at(struct rig *r, int64_t ms)
{
	r->now = (struct moment){ .mono_ms = 1000 + ms, .wall_ms = 1700000000000 + ms };
	r->w->now = r->now;
	world_sampled(r->w);
	world_step(r->w, &r->now);
}

static ATTR_UNUSED void settle(struct rig *r)
{
	decide_at(r, r->now.mono_ms - 1000);
}

static ATTR_UNUSED void open_rig(struct rig *r, const char *ini)
{
	struct config *c = load_conf(ini);
	struct buf why = BUF_INIT;
	uint32_t i;

	*r = (struct rig){ .now = { .mono_ms = 1000, .wall_ms = 1700000000000 } };
	if (world_new(c, &r->now, &why, &r->w) || !r->w) {
		fail_msg("%s", buf_str(&why));
		abort(); /* fail_msg() does not return, which the analyser cannot see */
	}
	config_unref(c);
	r->w->tell = on_decision;
	r->w->arg = r;
	for (i = 0; i < r->w->state->layout->n_realservers; i++)
		world_verdict(r->w, i, VERDICT_UP, PROBE_OK);
	settle(r);
}

static ATTR_UNUSED void close_rig(struct rig *r)
{
	world_free(r->w);
}

static ATTR_UNUSED void set(struct rig *r, const char *target, enum verdict v,
			    enum probe_reason why, int64_t ms)
{
	r->now.mono_ms = 1000 + ms;
	r->w->now = r->now;
	world_verdict(r->w, id_of(r->w->state->layout, target), v, why);
}

static ATTR_UNUSED bool held(const struct rig *r, const char *target)
{
	const struct layout *l = r->w->state->layout;
	const struct layout_realserver *rs = &l->realservers[id_of(l, target)];
	const struct hold *h =
		holds_of(r->w->holds, l->services[rs->service].conf->head.name, rs->conf->name);

	return h && h->hold_class == HOLD_RULE && h->active;
}

static ATTR_UNUSED int32_t want(const struct rig *r, const char *target)
{
	const struct layout *l = r->w->state->layout;

	return r->w->state->dests[l->dest_links[l->realservers[id_of(l, target)].first_dest_link]]
		.want;
}

static ATTR_UNUSED const struct ruleset_rule *rule(const struct rig *r, const char *name)
{
	const struct ruleset *set = engine_rules(r->w->engine);
	uint32_t i;

	for (i = 0; i < set->n_rules; i++)
		if (!strcmp(set->rules[i].conf->head.name, name))
			return &set->rules[i];
	fail_msg("no rule %s", name);
	return NULL;
}

static ATTR_UNUSED const struct rule_slot *slot(const struct rig *r, const char *name,
						const char *target)
{
	return ruleset_slot(engine_rules(r->w->engine), rule(r, name),
			    id_of(r->w->state->layout, target));
}

/* The connections of a realserver, from that time on. */
static ATTR_UNUSED void busy(struct rig *r, const char *target, double connections, int64_t ms)
{
	r->now.mono_ms = 1000 + ms;
	r->w->now = r->now;
	world_sample(r->w, SIGNAL_ACTIVE_CONNECTIONS, id_of(r->w->state->layout, target),
		     connections);
	decide_at(r, ms);
}

/* The same all the while, sampled every two seconds. */
static ATTR_UNUSED void busy_until(struct rig *r, const char *target, double connections,
				   int64_t ms, int64_t until_ms)
{
	for (; ms < until_ms; ms += 2000)
		busy(r, target, connections, ms);
	busy(r, target, connections, until_ms);
}

static ATTR_UNUSED void falls(struct rig *r, const char *target, int64_t ms)
{
	set(r, target, VERDICT_DOWN, PROBE_CONNECT_REFUSED, ms);
	decide_at(r, ms);
}

static ATTR_UNUSED void rises(struct rig *r, const char *target, int64_t ms)
{
	set(r, target, VERDICT_UP, PROBE_OK, ms);
	decide_at(r, ms);
}

static ATTR_UNUSED void reload(struct rig *r, const char *ini)
{
	struct config *c = load_conf(ini);
	struct buf why = BUF_INIT;

	assert_int_equal(world_reload(r->w, c, &why), 0);
	config_unref(c);
	settle(r);
}

static ATTR_UNUSED enum rule_state state_of(const struct rig *r, const char *name,
					    const char *target)
{
	return (enum rule_state)slot(r, name, target)->run.state;
}

static ATTR_UNUSED uint64_t refused(const struct rig *r, const char *name, enum guard guard)
{
	return rule(r, name)->refused[guard];
}

#endif
