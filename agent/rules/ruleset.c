/* ruleset.c: from the [rule] sections to slots. A rule is about whole services, so its
 * slots stand in runs, one run a matched service, in the order of the layout's
 * realservers: from a realserver to its slot is one addition. */
#include "agent/rules/ruleset.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/action.h"
#include "agent/base/rows.h"
#include "agent/holds/hold.h"
#include "agent/model/reload.h"

static void actions_of(struct ruleset_rule *r)
{
	uint32_t i;

	r->effect = EFFECT_NONE;
	for (i = 0; i < r->conf->n_actions; i++) {
		const struct rule_action *a = &r->conf->actions[i];

		if (a->action->kind == ACTION_HOLD && a->effect < r->effect)
			r->effect = a->effect;
		r->fallback |= a->action->kind == ACTION_FALLBACK;
	}
}

static int match(struct ruleset *set, struct ruleset_rule *r)
{
	const struct layout *l = set->layout;
	uint32_t s, i;

	r->first = malloc((l->n_services + 1) * sizeof(*r->first));
	if (!r->first)
		return -ENOMEM;
	for (s = 0; s < l->n_services; s++) {
		const struct layout_service *svc = &l->services[s];
		bool meant = r->conf->enforce != ENFORCE_OFF && svc->conf->enabled &&
			     rule_conf_service(r->conf, svc->conf);

		r->first[s] = meant ? r->n_slots : LAYOUT_NONE;
		r->n_slots += meant ? svc->n_realservers : 0;
	}
	r->slots = calloc(r->n_slots + 1, sizeof(*r->slots));
	if (r->fallback)
		r->services = calloc(l->n_services + 1, sizeof(*r->services));
	if (!r->slots || (r->fallback && !r->services))
		return -ENOMEM;
	for (i = 0; i < l->n_realservers; i++) {
		const struct layout_realserver *rs = &l->realservers[i];
		uint32_t first = r->first[rs->service];

		if (first == LAYOUT_NONE)
			continue;
		first += i - l->services[rs->service].first_realserver;
		r->slots[first].value = NAN;
		r->slots[first].matched =
			rs->conf->enabled &&
			rule_conf_matches(r->conf, l->services[rs->service].conf, rs->conf);
	}
	return 0;
}

/* What has to be gathered for it, beside verdicts. */
static void note_need(struct ruleset *set, const struct expr_need *need)
{
	const struct signal *signal = &signal_table[need->signal];
	bool verdict = need->signal == SIGNAL_PROBE_UP || need->signal == SIGNAL_PROBE_UNKNOWN;

	set->needs_kernel |= signal->origin == SIGNAL_FROM_KERNEL;
	set->needs_attempts |= signal->origin == SIGNAL_FROM_PROBES && !verdict;
	set->needs_weights |= need->peers || (signal->origin == SIGNAL_FROM_DECISIONS &&
					      signal->scope == SIGNAL_OF_REALSERVER);
}

static int compile(struct ruleset *set, struct ruleset_rule *r, struct buf *why)
{
	const struct expr_need *needs;
	unsigned int column;
	size_t n, i;
	uint32_t s;
	int e = r->conf->alert ? 0 : expr_compile(r->conf->expr, why, &column, &r->expr);

	if (e || r->conf->alert)
		return e;
	needs = expr_needs(r->expr, &n);
	r->verdict = true;
	for (i = 0; i < n; i++) {
		set->needs[needs[i].signal] = true;
		note_need(set, &needs[i]);
		r->verdict &= needs[i].signal == SIGNAL_PROBE_UP && !needs[i].window_ms &&
			      !needs[i].peers;
	}
	for (s = 0; s < set->layout->n_services && !r->verdict; s++) {
		set->sampled[s] |= r->first[s] != LAYOUT_NONE;
		set->any_sampled |= r->first[s] != LAYOUT_NONE;
	}
	return 0;
}

/* The windows of all rules, each for the services that its rule is about. */
static int make_samples(struct ruleset *set, const struct ruleset_conf *conf, struct buf *why)
{
	const struct layout *l = set->layout;
	uint32_t n_services = l->n_services, n_needs = 0, i, s;
	uint32_t *service_of = calloc(l->n_realservers + 1, sizeof(*service_of));
	uint32_t *first = calloc(2 * (size_t)n_services + 1, sizeof(*first));
	bool *matched = calloc((size_t)set->n_rules * n_services + 1, sizeof(*matched));
	struct samples_need *needs = NULL;
	struct samples_shape shape = { .service_of = service_of,
				       .first_realserver = first,
				       .n_of = first ? first + n_services : NULL,
				       .n_services = n_services,
				       .n_realservers = l->n_realservers };
	size_t n, j;
	int e = -ENOMEM;

	for (i = 0; i < set->n_rules; i++) {
		if (!set->rules[i].expr)
			continue;
		(void)expr_needs(set->rules[i].expr, &n);
		n_needs += (uint32_t)n;
	}
	needs = calloc(n_needs + 1, sizeof(*needs));
	if (!service_of || !first || !matched || !needs)
		goto out;
	for (i = 0; i < l->n_realservers; i++)
		service_of[i] = l->realservers[i].service;
	for (s = 0; s < n_services; s++) {
		first[s] = l->services[s].first_realserver;
		first[n_services + s] = l->services[s].n_realservers;
	}
	n_needs = 0;
	for (i = 0; i < set->n_rules; i++) {
		const struct expr_need *own;
		bool *services = matched + (size_t)i * n_services;

		if (!set->rules[i].expr)
			continue;
		own = expr_needs(set->rules[i].expr, &n);
		for (s = 0; s < n_services; s++)
			services[s] = set->rules[i].first[s] != LAYOUT_NONE;
		for (j = 0; j < n; j++)
			needs[n_needs++] = (struct samples_need){ .signal = own[j].signal,
								  .window_ms = own[j].window_ms,
								  .peers = own[j].peers,
								  .services = services };
	}
	e = samples_new(&shape, needs, n_needs, conf->sample_interval, conf->window_memory, why,
			&set->samples);
out:
	free(needs);
	free(matched);
	free(first);
	free(service_of);
	return e;
}

static int make_limits(struct ruleset *set, const struct ruleset_conf *conf)
{
	struct brake_conf brake = brake_defaults;
	uint32_t n = set->layout->n_services;
	int e;

	set->awaits = calloc(n + 1, sizeof(*set->awaits));
	set->awaiting = calloc(n + 1, sizeof(*set->awaiting));
	if (!set->awaits || !set->awaiting)
		return -ENOMEM;
	e = due_init(&set->due, n);
	if (!e && conf->rate_n)
		e = rate_new(conf->rate_n, conf->rate_ms, &set->rate);
	brake.targets = conf->correlated_targets;
	brake.share = conf->correlated_share;
	if (!e && conf->correlated_targets)
		e = brake_new(&brake, set->layout->n_targets, BRAKE_INTERFACES, &set->brake);
	return e;
}

int ruleset_new(struct layout *l, const struct ruleset_conf *conf, struct buf *why,
		struct ruleset **ret_set)
{
	struct ruleset *set = calloc(1, sizeof(*set));
	uint32_t i;
	int e = -ENOMEM;

	if (!set)
		return -ENOMEM;
	set->layout = layout_ref(l);
	set->rules = calloc(conf->n_rules + 1, sizeof(*set->rules));
	set->flaps = rows_new(l->n_realservers, sizeof(*set->flaps));
	set->service_flaps = calloc(l->n_services + 1, sizeof(*set->service_flaps));
	set->sampled = calloc(l->n_services + 1, sizeof(*set->sampled));
	set->noted_ms = calloc(l->n_services + 1, sizeof(*set->noted_ms));
	if (!set->rules || !set->flaps || !set->service_flaps || !set->sampled || !set->noted_ms)
		goto out;
	for (i = 0; i < conf->n_rules; i++) {
		struct ruleset_rule *r = &set->rules[set->n_rules++];

		r->conf = conf->rules[i];
		r->exempt = !r->conf->alert && !strcmp(r->conf->head.name, rule_probe_down);
		actions_of(r);
		e = match(set, r);
		if (!e)
			e = compile(set, r, why);
		if (e)
			goto out;
	}
	e = make_samples(set, conf, why);
	if (!e)
		e = make_limits(set, conf);
	if (e)
		goto out;
	*ret_set = set;
	return 0;
out:
	ruleset_free(set);
	return e;
}

void ruleset_free(struct ruleset *r)
{
	uint32_t i;

	if (!r)
		return;
	for (i = 0; i < r->n_rules; i++) {
		expr_free(r->rules[i].expr);
		free(r->rules[i].first);
		free(r->rules[i].slots);
		free(r->rules[i].services);
	}
	samples_free(r->samples);
	brake_free(r->brake);
	rate_free(r->rate);
	due_fini(&r->due);
	free(r->awaits);
	free(r->awaiting);
	free(r->rules);
	free(r->flaps);
	free(r->service_flaps);
	free(r->sampled);
	free(r->noted_ms);
	layout_unref(r->layout);
	free(r);
}

struct ruleset_rule *ruleset_named(const struct ruleset *r, const char *name)
{
	uint32_t i;

	for (i = 0; i < r->n_rules; i++)
		if (!strcmp(r->rules[i].conf->head.name, name))
			return &r->rules[i];
	return NULL;
}

struct rule_slot *ruleset_slot(const struct ruleset *r, const struct ruleset_rule *rule,
			       uint32_t realserver)
{
	uint32_t service = r->layout->realservers[realserver].service;
	struct rule_slot *slot;

	if (rule->first[service] == LAYOUT_NONE)
		return NULL;
	slot = &rule->slots[rule->first[service] + realserver -
			    r->layout->services[service].first_realserver];
	return slot->matched ? slot : NULL;
}

/* --- over a reload ---------------------------------------------------------------- */

static void carry_slots(const struct layout_service *svc, struct rule_slot *slots,
			const struct layout_service *old_svc, const struct rule_slot *old,
			const struct reload_map *map)
{
	uint32_t i, was;

	for (i = 0; i < svc->n_realservers; i++) {
		was = map->realservers[svc->first_realserver + i];
		if (was == LAYOUT_NONE || !slots[i].matched)
			continue;
		was -= old_svc->first_realserver;
		if (old[was].matched)
			slots[i] = old[was];
	}
}

static void carry_rule(struct ruleset *to, struct ruleset_rule *r, const struct ruleset *from,
		       const struct ruleset_rule *old, const struct reload_map *map)
{
	uint32_t i, was;

	for (i = 0; i < to->layout->n_services; i++) {
		was = map->services[i];
		if (was == LAYOUT_NONE)
			continue;
		if (r->services && old->services)
			r->services[i] = old->services[was];
		if (r->first[i] != LAYOUT_NONE && old->first[was] != LAYOUT_NONE &&
		    !r->conf->alert == !old->conf->alert)
			carry_slots(&to->layout->services[i], &r->slots[r->first[i]],
				    &from->layout->services[was], &old->slots[old->first[was]],
				    map);
	}
	r->detected = old->detected;
	r->enforced = old->enforced;
	memcpy(r->refused, old->refused, sizeof(r->refused));
}

void ruleset_carry(struct ruleset *to, const struct ruleset *from, const struct reload_map *map)
{
	const struct layout *now = to->layout;
	uint32_t i, j;

	for (i = 0; i < now->n_services; i++)
		if (map->services[i] != LAYOUT_NONE)
			to->service_flaps[i] = from->service_flaps[map->services[i]];
	for (i = 0; i < now->n_realservers; i++)
		if (map->realservers[i] != LAYOUT_NONE)
			to->flaps[i] = from->flaps[map->realservers[i]];
	for (i = 0; i < to->n_rules; i++)
		for (j = 0; j < from->n_rules; j++)
			if (!strcmp(to->rules[i].conf->head.name, from->rules[j].conf->head.name))
				carry_rule(to, &to->rules[i], from, &from->rules[j], map);
	samples_carry(to->samples, from->samples, map->realservers, map->services);
	if (to->rate && from->rate)
		rate_carry(to->rate, from->rate);
	/* What failed at once before the reload is no better known after it. */
	if (to->brake && from->brake)
		brake_carry(to->brake, from->brake, map->targets);
}
