/* explain.c: why a weight is what it is, as JSON for whoever asks. It prints the
 * steps that the decision itself took, and computes nothing of its own. */
#include "agent/explain.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/parse.h"
#include "agent/drains.h"
#include "agent/ipvs/ipvs.h"
#include "agent/model/compare.h"
#include "agent/rules/engine.h"
#include "agent/rules/rule_conf.h"
#include "agent/sync/desired.h"
#include "agent/targets.h"

static const char *service_name(const struct agent *a, uint32_t realserver)
{
	const struct layout *l = a->state->layout;

	return l->services[l->realservers[realserver].service].conf->head.name;
}

/* --- what -------------------------------------------------------------------- */

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

		explain_step(c, file, &d->steps[i], &why, &text);
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

		/* Who has never spoken matters only to one that was never up. */
		if (t->health.verdict == VERDICT_UP ||
		    (s->layout->targets[s->layout->links[i]].conf->advises &&
		     s->realservers[realserver].proven))
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
		const char *text = target_text(t);
		struct buf addr = BUF_INIT;

		addr_format(&addr, &lt->addr);
		json_array_append_new(
			probes, json_pack("{s:s, s:s, s:s, s:s, s:b, s:i, s:i, s:f, s:s*}", "probe",
					  lt->conf->head.name, "address", buf_str(&addr), "verdict",
					  verdict_name(t->health.verdict), "last",
					  t->attempts ? probe_reasons[t->health.reason].sentence
						      : "not probed yet",
					  "unknown", t->health.unknown, "failures",
					  (int)t->health.failures, "passes", (int)t->health.passes,
					  "seconds", (double)t->last_us / 1e6, "text", text));
		buf_fini(&addr);
	}
	return probes;
}

/* How far those are who drain it. */
static void note_drains(const struct agent *a, uint32_t realserver, json_t *notes)
{
	static const char *const words[DRAIN_N_STATES] = { "under way", "done", "stalled", "late" };
	const char *name = a->state->layout->realservers[realserver].conf->name;
	const struct hold *h;

	for (h = holds_of(a->holds, service_name(a, realserver), name); h; h = h->next) {
		const struct drain *d = drains_find(a->drains, h);
		struct buf why = BUF_INIT;

		if (!d)
			continue;
		drain_why(d, clock_mono_ms(), &why);
		json_array_append_new(notes,
				      json_sprintf("the drain of %s %s is %s: %s",
						   hold_class_names[h->hold_class], h->holder,
						   words[d->state], buf_str(&why)));
		buf_fini(&why);
	}
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

/* Takes the text, if there is one. */
static void add_note(json_t *notes, struct buf *text)
{
	if (text->len)
		json_array_append_new(notes, json_string(buf_str(text)));
	buf_reset(text);
}

/* Which probes could not tell, and why. */
static void explain_unknown(const struct state *s, uint32_t realserver, struct buf *text)
{
	const struct layout_realserver *r = &s->layout->realservers[realserver];
	const char *before = " (";
	uint32_t i;

	buf_puts(text, "a probe could not tell");
	for (i = r->first_link; i < r->first_link + r->n_links; i++) {
		uint32_t target = s->layout->links[i];
		const struct health *h = &s->targets[target].health;

		if (!h->unknown)
			continue;
		buf_printf(text, "%s%s: %s", before, s->layout->targets[target].conf->head.name,
			   probe_reasons[h->reason].sentence);
		before = "; ";
	}
	buf_puts(text, *before == ';' ? ")" : "");
	buf_puts(text, ": the fault was on this side, nothing is changed for it");
}

/* What its answers are beside those of the others. */
static void note_compared(const struct agent *a, uint32_t realserver, json_t *notes)
{
	const struct layout *l = a->state->layout;
	const struct layout_realserver *r = &l->realservers[realserver];
	const struct probe_conf *last = NULL;
	struct buf text = BUF_INIT;
	uint32_t i;

	compare_service(a->state->compare, r->service, clock_mono_ms());
	for (i = r->first_link; i < r->first_link + r->n_links; i++) {
		const struct probe_conf *probe = l->targets[l->links[i]].conf;

		/* they stand probe by probe */
		if (probe != last)
			explain_compared(a, realserver, probe, &text);
		add_note(notes, &text);
		last = probe;
	}
	buf_fini(&text);
}

static json_t *notes_json(const struct agent *a, uint32_t realserver)
{
	const struct realserver_state *r = &a->state->realservers[realserver];
	const struct layout_realserver *l = &a->state->layout->realservers[realserver];
	const struct ruleset *set = engine_rules(a->engine);
	json_t *notes = json_array();
	struct buf text = BUF_INIT;
	const struct hold *h;
	uint32_t i;

	explain_freeze(a, &text);
	add_note(notes, &text);
	for (i = 0; i < set->n_rules; i++) {
		explain_rule(a, &set->rules[i], realserver, &text);
		add_note(notes, &text);
	}
	for (h = holds_of(a->holds, service_name(a, realserver), l->conf->name); h; h = h->next) {
		explain_waiting(a, h, realserver, &text);
		add_note(notes, &text);
	}
	for (i = l->first_link; i < l->first_link + l->n_links; i++) {
		explain_advice(a, realserver, a->state->layout->links[i], &text);
		add_note(notes, &text);
	}
	if (r->unknown)
		explain_unknown(a->state, realserver, &text);
	add_note(notes, &text);
	note_compared(a, realserver, notes);
	note_drains(a, realserver, notes);
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
	json_t *root, *targets;
	struct targets meant;
	char *text;
	uint32_t i;
	int e = targets_find(a->state->layout, target, out, &meant);

	if (e)
		return e == -ENOENT ? COMMAND_NOT_FOUND : COMMAND_FAILED;
	targets = json_array();
	for (i = 0; i < meant.n; i++)
		json_array_append_new(targets, realserver_json(a, meant.ids[i]));
	targets_fini(&meant);
	root = json_pack("{s:o}", "targets", targets);
	text = root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
	json_decref(root);
	if (!text)
		return COMMAND_FAILED;
	buf_puts(out, text);
	free(text);
	return COMMAND_OK;
}
