/* explain.c: why a weight is what it is, as JSON for whoever asks. It prints the
 * steps that the decision itself took, and computes nothing of its own. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/parse.h"
#include "agent/ipvs/ipvs.h"
#include "agent/rules/engine.h"
#include "agent/rules/rule_conf.h"
#include "agent/sync/desired.h"

static const char *service_name(const struct agent *a, uint32_t realserver)
{
	const struct layout *l = a->state->layout;

	return l->services[l->realservers[realserver].service].conf->head.name;
}

/* --- which ------------------------------------------------------------------ */

/* Without a port any of its ports is meant. */
static bool is_address(const struct addr *a, const struct addr *meant)
{
	return a->family == meant->family && !memcmp(a->bytes, meant->bytes, sizeof(a->bytes)) &&
	       (!meant->port || a->port == meant->port);
}

/* Its own address, or one at which it serves: there its port is known, too. */
static bool has_address(const struct layout *l, uint32_t realserver, const struct addr *meant)
{
	const struct layout_realserver *r = &l->realservers[realserver];
	uint32_t i;

	for (i = 0; i < r->conf->n_addr; i++)
		if (is_address(&r->conf->addr[i], meant))
			return true;
	for (i = r->first_dest_link; i < r->first_dest_link + r->n_dest_links; i++) {
		struct addr a = layout_dest_addr(l, l->dest_links[i]);

		if (is_address(&a, meant))
			return true;
	}
	return false;
}

/* What a target is read as, once: SERVICE/REALSERVER, SERVICE, a realserver's name, or
 * its address. */
struct meant {
	const char *name; /* of a realserver, or of either */
	bool both;        /* the service was named too: then only its own are asked */
	bool is_address;
	struct addr addr;
	uint32_t first, end; /* the realservers that may be meant */
};

static struct meant meant_by(const struct layout *l, const char *target)
{
	const char *slash = strchr(target, '/');
	struct meant m = { .name = slash ? slash + 1 : target, .end = l->n_realservers };
	struct buf service = BUF_INIT;
	uint32_t id;

	m.both = slash;
	m.is_address = !slash && !addr_parse(target, &m.addr);
	if (!slash)
		return m;
	buf_put(&service, target, (size_t)(slash - target));
	id = layout_find_service(l, buf_str(&service));
	buf_fini(&service);
	m.end = 0;
	if (id != LAYOUT_NONE) {
		m.first = l->services[id].first_realserver;
		m.end = m.first + l->services[id].n_realservers;
	}
	return m;
}

static bool is_meant(const struct agent *a, uint32_t realserver, const struct meant *m)
{
	const struct layout *l = a->state->layout;

	if (!strcmp(l->realservers[realserver].conf->name, m->name))
		return true;
	if (m->both)
		return false;
	return !strcmp(service_name(a, realserver), m->name) ||
	       (m->is_address && has_address(l, realserver, &m->addr));
}

/* Why nothing was found: names the realserver or service that was probably meant. */
static void suggest(const struct agent *a, const char *target, struct buf *out)
{
	const struct layout *l = a->state->layout;
	const char *slash = strchr(target, '/'), *near;
	size_t n = 0, room = (size_t)l->n_services + l->n_realservers;
	const char **names = calloc(room + 1, sizeof(*names));
	uint32_t i;

	if (layout_find_service(l, target) != LAYOUT_NONE) {
		buf_printf(out, "service %s has no realserver", target);
		free(names);
		return;
	}
	buf_printf(out, "no service or realserver '%s'", target);
	if (!names)
		return;
	for (i = 0; i < l->n_services && !slash; i++)
		names[n++] = l->services[i].conf->head.name;
	for (i = 0; i < l->n_realservers; i++)
		names[n++] = l->realservers[i].conf->name;
	near = nearest_name(slash ? slash + 1 : target, names, n);
	if (near && slash)
		buf_printf(out, "; did you mean realserver '%s'?", near);
	else if (near)
		buf_printf(out, "; did you mean '%s'?", near);
	free(names);
}

/* --- what -------------------------------------------------------------------- */

static void since(struct buf *out, int64_t wall_ms)
{
	buf_puts(out, "since ");
	clock_format_wall(out, wall_ms);
	buf_puts(out, " (");
	format_duration(out, (clock_wall_ms() - wall_ms) / 1000 * 1000);
	buf_putc(out, ')');
}

static void describe_hold(const struct hold *h, struct buf *why, struct buf *text)
{
	buf_printf(why, "%s %s", hold_class_names[h->hold_class], h->holder);
	since(text, h->since_wall_ms);
	if (h->until_wall_ms) {
		buf_puts(text, ", until ");
		clock_format_wall(text, h->until_wall_ms);
	}
	buf_printf(text, ": %s", h->reason);
}

static void describe(const struct realserver_conf *c, const char *file,
		     const struct desired_step *s, struct buf *why, struct buf *text)
{
	switch (s->why) {
	case WHY_CONFIGURED:
		buf_puts(why, "configured");
		buf_printf(text, "%s:%u", file, c->line);
		break;
	case WHY_DISABLED:
		buf_puts(why, "disabled");
		buf_printf(text, "enabled = no, %s:%u", file, c->line);
		break;
	case WHY_STANDBY:
		buf_puts(why, "backup");
		buf_puts(text, "waits until no realserver is up");
		break;
	case WHY_BACKUP:
		buf_puts(why, "backup");
		buf_puts(text, "serves, for no realserver is up");
		break;
	case WHY_PANIC:
		buf_puts(why, "panic");
		buf_printf(text, "no realserver is up: the hold of %s %s is suspended",
			   hold_class_names[s->hold->hold_class], s->hold->holder);
		break;
	case WHY_WAITING:
		buf_puts(why, "waiting");
		buf_printf(text,
			   "the hold of %s %s is from before the start: it waits until it is "
			   "known whether anybody is up",
			   hold_class_names[s->hold->hold_class], s->hold->holder);
		break;
	case WHY_UNPROVEN:
		buf_puts(why, "unproven");
		buf_puts(text, "no good probe yet: not above what the kernel had");
		break;
	case WHY_RAMP:
		buf_puts(why, "slow start");
		buf_puts(text, "comes back in steps");
		break;
	case WHY_HOLD:
		describe_hold(s->hold, why, text);
		break;
	}
}

static json_t *weight_json(int32_t weight)
{
	return weight < 0 ? json_null() : json_integer(weight);
}

static json_t *steps_json(const struct realserver_conf *c, const char *file,
			  const struct desired *d)
{
	json_t *steps = json_array();
	unsigned int i;

	for (i = 0; i < d->n_steps; i++) {
		struct buf why = BUF_INIT, text = BUF_INIT;

		describe(c, file, &d->steps[i], &why, &text);
		json_array_append_new(steps, json_pack("{s:o, s:s, s:s}", "weight",
						       weight_json(d->steps[i].weight), "why",
						       buf_str(&why), "text", buf_str(&text)));
		buf_fini(&why);
		buf_fini(&text);
	}
	return steps;
}

/* Adds a text to a list that does not have it yet. */
static void add_once(json_t *list, const char *text)
{
	json_t *known;
	size_t i;

	json_array_foreach (list, i, known) {
		if (!strcmp(json_string_value(known), text))
			return;
	}
	json_array_append_new(list, json_string(text));
}

/* Where it serves, and what the kernel was last seen to have there, VIP by VIP. */
static void put_kernel(const struct agent *a, uint32_t realserver, json_t *o)
{
	const struct state *s = a->state;
	const struct layout_realserver *l = &s->layout->realservers[realserver];
	json_t *addresses = json_array(), *vips = json_array(), *kernel = json_object();
	int64_t written = 0;
	int32_t seen = SEEN_UNKNOWN;
	uint32_t i;

	for (i = l->first_dest_link; i < l->first_dest_link + l->n_dest_links; i++) {
		uint32_t dest = s->layout->dest_links[i];
		const struct layout_vip *v = &s->layout->vips[s->layout->dests[dest].vip];
		struct addr at = layout_dest_addr(s->layout, dest);
		struct buf text = BUF_INIT;

		addr_format(&text, &at);
		add_once(addresses, buf_str(&text));
		json_array_append_new(
			vips,
			json_pack("{s:s, s:s, s:o}", "address",
				  s->layout->services[v->service].conf->addresses[v->address].text,
				  "realserver", buf_str(&text), "kernel_weight",
				  weight_json(s->dests[dest].seen)));
		buf_fini(&text);
		if (s->dests[dest].seen > seen)
			seen = s->dests[dest].seen;
		if (s->dests[dest].written_wall_ms > written)
			written = s->dests[dest].written_wall_ms;
	}
	json_object_set_new(kernel, "weight", weight_json(seen));
	if (written) {
		struct buf text = BUF_INIT;

		clock_format_wall(&text, written);
		json_object_set_new(kernel, "written", json_string(buf_str(&text)));
		buf_fini(&text);
	}
	json_object_set_new(o, "addresses", addresses);
	json_object_set_new(o, "vips", vips);
	json_object_set_new(o, "kernel", kernel);
}

/* … and then gently, where that is asked for. */
static void describe_ramp(const struct agent *a, uint32_t realserver, bool waits, struct buf *out)
{
	const struct layout *l = a->state->layout;
	const struct service_conf *c = l->services[l->realservers[realserver].service].conf;
	const struct decided *d = &a->decider.decided[realserver];
	int64_t left = d->ramp.begin_ms + d->ramp.length_ms - clock_mono_ms();

	if (!ramp_over(&d->ramp, clock_mono_ms()) && left > 0) {
		buf_puts(out, waits ? ", then" : "");
		buf_puts(out, waits ? " in steps for " : "in steps for ");
		format_duration(out, left / 1000 * 1000);
	} else if (d->held && c->ramp && scheduler_ramps(c->scheduler) != RAMP_NONE) {
		buf_puts(out, waits ? ", then in steps over " : "in steps over ");
		format_duration(out, c->ramp);
	}
}

/* When it comes back, from its probes. */
static void describe_return(const struct agent *a, uint32_t realserver, struct buf *out)
{
	const struct state *s = a->state;
	const struct layout_realserver *l = &s->layout->realservers[realserver];
	uint32_t i, need = 0;

	for (i = l->first_link; i < l->first_link + l->n_links; i++) {
		const struct target *t = &s->targets[s->layout->links[i]];
		uint32_t rise = s->layout->targets[s->layout->links[i]].conf->rise, left;

		if (t->health.verdict == VERDICT_UP)
			continue;
		left = t->health.verdict == VERDICT_NONE && !t->health.cautious ? 1 : rise;
		left = t->health.passes < left ? left - t->health.passes : 1;
		need = left > need ? left : need;
	}
	if (need)
		buf_printf(out, "after %u good probe%s", need, need == 1 ? "" : "s");
	describe_ramp(a, realserver, need > 0, out);
}

static json_t *probes_json(const struct state *s, uint32_t realserver)
{
	const struct layout_realserver *l = &s->layout->realservers[realserver];
	json_t *probes = json_array();
	uint32_t i;

	for (i = l->first_link; i < l->first_link + l->n_links; i++) {
		const struct layout_target *lt = &s->layout->targets[s->layout->links[i]];
		const struct target *t = &s->targets[s->layout->links[i]];
		struct buf addr = BUF_INIT;

		addr_format(&addr, &lt->addr);
		json_array_append_new(
			probes, json_pack("{s:s, s:s, s:s, s:s, s:b, s:i, s:i, s:f}", "probe",
					  lt->conf->head.name, "address", buf_str(&addr), "verdict",
					  verdict_name(t->health.verdict), "last",
					  t->attempts ? probe_reasons[t->health.reason].sentence
						      : "not probed yet",
					  "unknown", t->health.unknown, "failures",
					  (int)t->health.failures, "passes", (int)t->health.passes,
					  "seconds", (double)t->last_us / 1e6));
		buf_fini(&addr);
	}
	return probes;
}

/* What a rule is about to do there, or is kept from doing; nothing where it rests. */
static void describe_rule(const struct agent *a, const struct ruleset_rule *rule,
			  const struct rule_slot *slot, uint32_t realserver, struct buf *out)
{
	const char *name = rule->conf->head.name;
	struct buf why = BUF_INIT;

	engine_describe(a->state, rule, slot, realserver, &why);
	if (slot->run.frozen && slot->run.state != RULE_INACTIVE)
		buf_printf(out, "rule %s has no data: it stays %s, and nothing changes for it",
			   name, rule_state_names[slot->run.state]);
	else if (slot->run.state == RULE_PENDING)
		buf_printf(out, "rule %s is pending (%s)", name, buf_str(&why));
	else if (eval_asks(&slot->run) && slot->refused)
		buf_printf(out, "rule %s fires (%s), but guard %s refuses its hold", name,
			   buf_str(&why), guard_names[slot->refused]);
	else if (slot->run.state == RULE_RECOVERING)
		buf_printf(out, "rule %s is recovering: its hold ends when keep_firing_for is over",
			   name);
	else if (slot->resolved_ms && slot->delayed)
		buf_printf(out, "rule %s is over, but guard %s delays the end of its hold", name,
			   guard_names[slot->delayed]);
	buf_fini(&why);
}

/* Somebody else's hand, where it is left alone. */
static void note_left(const struct agent *a, uint32_t realserver, json_t *notes)
{
	static const char *const texts[] = {
		[LEFT_ASKED] = "to become an operator's hold as soon as it can be recorded",
		[LEFT_REPORTED] = "only reported (drift = report)",
		[LEFT_STOPPED] = "another writer, put right three times: left alone for 10 minutes",
	};
	const struct state *s = a->state;
	const struct layout_realserver *l = &s->layout->realservers[realserver];
	uint32_t i;

	for (i = l->first_dest_link; i < l->first_dest_link + l->n_dest_links; i++) {
		uint32_t dest = s->layout->dest_links[i], vip = s->layout->dests[dest].vip;
		const struct dest_state *d = &s->dests[dest];
		struct buf key = BUF_INIT;

		ipvs_key_format(&key, &s->layout->vips[vip].key);
		if (s->vips[vip].left)
			json_array_append_new(
				notes, json_sprintf("somebody else changed the service %s: %s",
						    buf_str(&key), texts[s->vips[vip].left]));
		if (d->left && d->left_found < 0)
			json_array_append_new(notes,
					      json_sprintf("somebody else removed it from %s: %s",
							   buf_str(&key), texts[d->left]));
		else if (d->left)
			json_array_append_new(
				notes,
				json_sprintf("somebody else changed it at %s (weight %d): %s",
					     buf_str(&key), (int)d->left_found, texts[d->left]));
		buf_fini(&key);
	}
}

static json_t *notes_json(const struct agent *a, uint32_t realserver)
{
	const struct realserver_state *r = &a->state->realservers[realserver];
	const struct layout_realserver *l = &a->state->layout->realservers[realserver];
	const struct ruleset *set = engine_rules(a->engine);
	json_t *notes = json_array();
	struct buf text = BUF_INIT;
	uint32_t i;

	for (i = 0; i < set->n_rules; i++) {
		const struct rule_slot *slot = ruleset_slot(set, &set->rules[i], realserver);

		buf_reset(&text);
		if (slot)
			describe_rule(a, &set->rules[i], slot, realserver, &text);
		if (text.len)
			json_array_append_new(notes, json_string(buf_str(&text)));
	}
	if (r->unknown)
		json_array_append_new(notes, json_string("a probe could not tell: the fault was on "
							 "this side, nothing is changed for it"));
	note_left(a, realserver, notes);
	if (!l->n_links && l->conf->enabled)
		json_array_append_new(notes, json_string("it has no probe: taken to be up"));
	buf_fini(&text);
	return notes;
}

static json_t *realserver_json(const struct agent *a, uint32_t realserver)
{
	const struct layout_realserver *l = &a->state->layout->realservers[realserver];
	const struct service_conf *s = a->state->layout->services[l->service].conf;
	const struct realserver_conf *c = l->conf;
	json_t *o = json_object();
	struct buf text = BUF_INIT;
	struct desired_input in;
	struct desired d;

	decide_desired(&a->decider, realserver, clock_mono_ms(), &in, &d);
	json_object_set_new(o, "service", json_string(service_name(a, realserver)));
	json_object_set_new(o, "realserver", json_string(c->name));
	put_kernel(a, realserver, o);
	json_object_set_new(o, "weight", weight_json(d.weight));
	json_object_set_new(o, "configured", json_integer(c->weight));
	json_object_set_new(o, "steps", steps_json(c, s->head.file ? s->head.file : "", &d));
	describe_return(a, realserver, &text);
	json_object_set_new(o, "returns", json_string(buf_str(&text)));
	json_object_set_new(o, "probes", probes_json(a->state, realserver));
	json_object_set_new(o, "notes", notes_json(a, realserver));
	buf_fini(&text);
	return o;
}

enum command_status explain_target(const struct agent *a, const char *target, struct buf *out)
{
	const struct layout *l = a->state->layout;
	const struct meant meant = meant_by(l, target);
	json_t *root, *targets = json_array();
	char *text;
	uint32_t i;

	for (i = meant.first; i < meant.end; i++)
		if (is_meant(a, i, &meant))
			json_array_append_new(targets, realserver_json(a, i));
	if (!json_array_size(targets)) {
		json_decref(targets);
		suggest(a, target, out);
		return COMMAND_NOT_FOUND;
	}
	root = json_pack("{s:o}", "targets", targets);
	text = root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
	json_decref(root);
	if (!text)
		return COMMAND_FAILED;
	buf_puts(out, text);
	free(text);
	return COMMAND_OK;
}
