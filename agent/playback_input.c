/* playback_input.c: what was recorded as told or seen, told again. Whatever a line says,
 * it does no more than what its kind can do in the agent. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/holds/hold.h"
#include "agent/playback_drive.h"
#include "agent/rules/engine.h"
#include "conf/config.h"

/* --- signals ------------------------------------------------------------------------------ */

/* Is it what a replay's own decisions say? */
static bool derived(enum signal_id signal)
{
	return signal_table[signal].origin == SIGNAL_FROM_DECISIONS && signal != SIGNAL_WEIGHT;
}

/* Verdicts are recorded without rules that read them, and the kernel obeys. */
static bool stands_in(enum signal_id signal)
{
	return signal == SIGNAL_PROBE_UP || signal == SIGNAL_PROBE_UNKNOWN ||
	       signal == SIGNAL_WEIGHT;
}

static uint32_t n_ids(const struct layout *l, enum signal_id signal)
{
	return signal_table[signal].scope == SIGNAL_OF_SERVICE ? l->n_services : l->n_realservers;
}

int playback_give(struct playback_drive *d)
{
	const struct layout *l = d->world->state->layout;
	const struct ruleset *set = engine_rules(d->world->engine);
	unsigned int i;
	uint32_t id;
	int e = 0;

	for (i = 0; i < N_SIGNALS; i++) {
		enum signal_id signal = (enum signal_id)i;

		if (!set->needs[i] || derived(signal))
			continue;
		for (id = 0; !e && id < n_ids(l, signal); id++)
			if (d->log.recorded[playback_value_id(l, signal, id)] || !stands_in(signal))
				e = world_give(d->world, signal, id);
	}
	return e;
}

void playback_find_unknown(struct playback_drive *d)
{
	const struct layout *l = d->world->state->layout;
	const struct ruleset *set = engine_rules(d->world->engine);
	struct buf *out = &d->r->unknown;
	unsigned int i;
	uint32_t id;

	buf_reset(out);
	for (i = 0; i < N_SIGNALS; i++) {
		enum signal_id signal = (enum signal_id)i;
		bool any = false;

		if (!set->needs[i] || derived(signal) || stands_in(signal))
			continue;
		for (id = 0; id < n_ids(l, signal); id++)
			any |= d->log.recorded[playback_value_id(l, signal, id)];
		if (!any)
			buf_printf(out, "%s%s", out->len ? " " : "", signal_table[i].name);
	}
}

/* --- kinds ---------------------------------------------------------------------------------- */

typedef int input_fn(struct playback_drive *d, const struct playback_line *line,
		     const struct journal_entry *e);

static int wild(struct playback_drive *d)
{
	d->r->figures.wild++;
	return 0;
}

static bool find_verdict(const char *name, enum verdict *ret_verdict)
{
	static const enum verdict all[] = { VERDICT_NONE, VERDICT_UP, VERDICT_DOWN };
	size_t i;

	for (i = 0; i < countof(all); i++) {
		if (!strcmp(verdict_name(all[i]), name)) {
			*ret_verdict = all[i];
			return true;
		}
	}
	return false;
}

static bool find_reason(const char *slug, enum probe_reason *ret_reason)
{
	unsigned int i;

	for (i = 0; i < PROBE_N_REASONS; i++) {
		if (!strcmp(probe_reasons[i].slug, slug)) {
			*ret_reason = (enum probe_reason)i;
			return true;
		}
	}
	return false;
}

static uint32_t find_target(const struct state *s, const struct playback_line *line,
			    const struct journal_entry *e)
{
	const struct layout_realserver *l = &s->layout->realservers[line->realserver];
	const char *probe = journal_text(e, "probe"), *address = journal_text(e, "address");
	struct buf text = BUF_INIT;
	uint32_t i, found = LAYOUT_NONE;

	for (i = l->first_link; found == LAYOUT_NONE && i < l->first_link + l->n_links; i++) {
		const struct layout_target *t = &s->layout->targets[s->layout->links[i]];

		buf_reset(&text);
		addr_format(&text, &t->addr);
		if (!strcmp(t->conf->head.name, probe) && !strcmp(buf_str(&text), address))
			found = s->layout->links[i];
	}
	buf_fini(&text);
	return found;
}

static uint32_t count_of(const struct journal_entry *e, const char *name)
{
	int64_t n = journal_int(e, name);

	return n < 0 ? 0 : n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

static int take_verdict(struct playback_drive *d, const struct playback_line *line,
			const struct journal_entry *e)
{
	struct state *s = d->world->state;
	const struct layout_target *lt;
	enum probe_reason reason;
	enum verdict verdict;
	struct target *t;
	uint32_t id, i;

	if (!find_verdict(journal_text(e, "verdict"), &verdict) ||
	    !find_reason(journal_text(e, "reason"), &reason) || line->realserver == LAYOUT_NONE)
		return wild(d);
	id = find_target(s, line, e);
	if (id == LAYOUT_NONE) {
		d->r->figures.strange++;
		return 0;
	}
	t = &s->targets[id];
	lt = &s->layout->targets[id];
	t->attempts++;
	t->last_status = (uint16_t)count_of(e, "status");
	t->health.verdict = (uint8_t)verdict;
	t->health.reason = (uint8_t)reason;
	t->health.unknown = journal_bool(e, "unknown");
	t->health.success = probe_reasons[reason].outcome == PROBE_PASSED;
	t->health.failures = count_of(e, "failures");
	t->health.passes = count_of(e, "passes");
	for (i = lt->first_user; i < lt[1].first_user; i++)
		if (state_judge(s, s->layout->users[i], d->now.mono_ms))
			state_dirty(s, s->layout->realservers[s->layout->users[i]].service);
	return 0;
}

/* The kernel's figures are as old as their reading; before the first there are none,
 * and what is said to be none then would be newer than that. */
static void put(struct playback_drive *d, enum signal_id signal, uint32_t id, double value,
		const struct journal_entry *e)
{
	int64_t now = d->now.mono_ms, at = now;

	if (signal_table[signal].origin == SIGNAL_FROM_KERNEL)
		at = journal_int(e, "at");
	if (at > 0)
		samples_put(engine_samples(d->world->engine), signal, id, at < now ? at : now,
			    value);
}

static int take_sample(struct playback_drive *d, const struct playback_line *line,
		       const struct journal_entry *e)
{
	bool whole = line->realserver == LAYOUT_NONE;
	enum signal_id signal;
	const char *name, *near;
	json_t *value;

	if (line->service == LAYOUT_NONE)
		return wild(d);
	json_object_foreach (json_object_get(e->object, "values"), name, value) {
		double number = json_is_number(value) ? json_number_value(value) : NAN;

		if (!signal_find(name, &signal, &near) ||
		    (signal_table[signal].scope == SIGNAL_OF_SERVICE) != whole) {
			(void)wild(d);
		} else if (line->kernel_weight && signal == SIGNAL_WEIGHT && !whole) {
			if (number >= 0 && number <= INT32_MAX)
				world_seen(d->world, line->realserver, (int32_t)number);
		} else if (!derived(signal)) {
			put(d, signal, whole ? line->service : line->realserver, number, e);
		}
	}
	return 0;
}

/* A hold as the line says; borrowed strings. False: there is no such hold. */
static bool hold_of(const struct journal_entry *e, struct hold *ret_hold)
{
	const char *class = journal_text(e, "class");
	int64_t effect = journal_int(e, "effect"), weight = journal_int(e, "weight");
	unsigned int i;

	*ret_hold = (struct hold){ .id = (char *)journal_text(e, "id"),
				   .service = (char *)journal_text(e, "service"),
				   .realserver = (char *)journal_text(e, "realserver"),
				   .holder = (char *)journal_text(e, "holder"),
				   .rule = (char *)journal_text(e, "rule"),
				   .reason = (char *)journal_text(e, "reason"),
				   .since_wall_ms = journal_int(e, "since"),
				   .until_wall_ms = journal_int(e, "until"),
				   .starts_wall_ms = journal_int(e, "starts"),
				   .drain_ms = journal_int(e, "drain"),
				   .waiting = journal_bool(e, "waiting") };
	for (i = 0; i < HOLD_N_CLASSES && strcmp(hold_class_names[i], class); i++)
		;
	if (i == HOLD_N_CLASSES || !*ret_hold->id || !*ret_hold->realserver ||
	    effect < HOLD_ABSENT || effect > HOLD_REPLACE_SHARE || weight < 0 ||
	    weight > UINT32_MAX)
		return false;
	ret_hold->hold_class = (enum hold_class)i;
	ret_hold->effect = (int)effect;
	ret_hold->weight = (uint32_t)weight;
	return true;
}

static int place(struct playback_drive *d, const struct hold *like)
{
	int e = world_hold(d->world, like);

	return e && e != -ENOMEM ? wild(d) : e;
}

static int take_restored(struct playback_drive *d, const struct playback_line *line,
			 const struct journal_entry *e)
{
	struct hold like;

	(void)line;
	if (!d->starting || !hold_of(e, &like))
		return wild(d);
	like.restored = true;
	d->restored = true;
	return place(d, &like);
}

static int take_asked(struct playback_drive *d, const struct playback_line *line,
		      const struct journal_entry *e)
{
	const struct hold *old;
	struct hold like;

	(void)line;
	if (!hold_of(e, &like) || like.hold_class == HOLD_RULE)
		return wild(d);
	/* Whether an alert acts is decided here. */
	old = holds_same(d->world->holds, &like);
	if (like.hold_class == HOLD_ALERT)
		like.waiting = !old || old->waiting;
	return place(d, &like);
}

static int take_ended(struct playback_drive *d, const struct playback_line *line,
		      const struct journal_entry *e)
{
	struct hold like;

	(void)line;
	if (!hold_of(e, &like) || like.hold_class == HOLD_RULE)
		return wild(d);
	world_lift(d->world, &like);
	return 0;
}

/* The file of another time is not there: its own is put in force again. */
static int take_config(struct playback_drive *d, const struct playback_line *line,
		       const struct journal_entry *e)
{
	char hash[24];
	int error;

	(void)line;
	snprintf(hash, sizeof(hash), "%016" PRIx64, config_hash(d->conf));
	d->r->figures.configs++;
	d->r->figures.changed += strcmp(hash, journal_text(e, "hash")) != 0;
	if (d->starting)
		return 0;
	error = world_reload(d->world, d->conf, d->why);
	return error ? error : playback_give(d);
}

static int take_kernel(struct playback_drive *d, const struct playback_line *line,
		       const struct journal_entry *e)
{
	(void)line;
	if (journal_bool(e, "complete"))
		world_kernel(d->world);
	return 0;
}

static int take_freeze(struct playback_drive *d, const struct playback_line *line,
		       const struct journal_entry *e)
{
	bool on = journal_bool(e, "on");

	(void)line;
	if (strcmp(journal_text(e, "brake"), "correlated") != 0) {
		d->r->figures.other++;
		return 0;
	}
	engine_force_brake(d->world->engine, d->world->state, on, &d->now);
	/* What it refused is asked again. */
	if (!on)
		state_dirty_all(d->world->state);
	return 0;
}

static int take_nothing(struct playback_drive *d, const struct playback_line *line,
			const struct journal_entry *e)
{
	(void)d;
	(void)line;
	(void)e;
	return 0;
}

static input_fn *const inputs[JOURNAL_N_KINDS] = {
	[JOURNAL_START] = take_nothing, [JOURNAL_STOP] = take_nothing,
	[JOURNAL_CONFIG] = take_config, [JOURNAL_RESTORED] = take_restored,
	[JOURNAL_KERNEL] = take_kernel, [JOURNAL_VERDICT] = take_verdict,
	[JOURNAL_SAMPLE] = take_sample, [JOURNAL_ASKED] = take_asked,
	[JOURNAL_ENDED] = take_ended,   [JOURNAL_FREEZE] = take_freeze,
};

int playback_input(struct playback_drive *d, const struct playback_line *line)
{
	struct journal_entry entry = { .text = line->text };
	json_error_t error;
	json_t *o;
	int e;

	if (!inputs[line->kind]) {
		d->r->figures.other += !playback_is_decision(line->kind);
		return 0;
	}
	if (line->strange)
		return 0;
	o = json_loads(line->text, JSON_REJECT_DUPLICATES, &error);
	if (!o)
		return -ENOMEM;
	entry.object = o;
	e = inputs[line->kind](d, line, &entry);
	json_decref(o);
	return e;
}
