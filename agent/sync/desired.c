/* desired.c: the least effect over all active holds, with the exceptions that the
 * design names and no others: an operator replaces the weight or admits, a backup waits, panic
 * suspends rules' holds (never an operator's or an alert's, nor what a realserver asks for
 * itself: panic doubts our probes, and that was none of theirs), and what was never seen up
 * is not raised. */
#include "agent/sync/desired.h"

#include <string.h>

#include "agent/holds/effect.h"

static void step(struct desired *d, enum desired_why why, int32_t weight, const struct hold *hold)
{
	d->weight = weight;
	if (d->n_steps < DESIRED_MAX_STEPS)
		d->steps[d->n_steps++] =
			(struct desired_step){ .why = why, .weight = weight, .hold = hold };
}

/* Fail open: with nobody up, what rules took out serves as well as any. */
static bool suspended(const struct desired_input *in, const struct hold *h)
{
	return in->panic && in->on_panic == PANIC_KEEP && h->hold_class == HOLD_RULE;
}

/* A restart changes nothing: in panic the kernel has what the file says, held or not. */
static bool waits(const struct desired_input *in, const struct hold *h)
{
	return in->undecided && h->restored && h->hold_class == HOLD_RULE;
}

/* Where an operator admits it, neither rules nor what it says of itself are heard. */
static bool ignored(const struct hold *admit, const struct hold *h)
{
	return admit && (h->hold_class == HOLD_RULE || h->hold_class == HOLD_AGENT);
}

static void apply_holds(struct desired *d, const struct desired_input *in)
{
	const struct hold *admit = hold_last(in->holds, HOLD_ADMITS), *h;

	if (admit)
		step(d, WHY_ADMIT, d->weight, admit);
	for (h = in->holds; h; h = h->next) {
		int32_t weight;

		if (!h->active || h->waiting || hold_kind(h->effect) != HOLD_LOWERS ||
		    ignored(admit, h))
			continue;
		weight = hold_weight(h->effect, d->base);
		if (suspended(in, h))
			step(d, WHY_PANIC, d->weight, h);
		else if (waits(in, h))
			step(d, WHY_WAITING, d->weight, h);
		else
			step(d, WHY_HOLD, weight < d->weight ? weight : d->weight, h);
	}
}

/* Before all else: what holds ask for are shares of it. */
static void apply_replaced(struct desired *d, const struct desired_input *in)
{
	const struct hold *h = hold_last(in->holds, HOLD_REPLACES);

	d->base = in->conf->weight;
	step(d, WHY_CONFIGURED, (int32_t)d->base, NULL);
	if (!h || !in->conf->enabled)
		return;
	d->base = hold_replaced(h, d->base);
	step(d, WHY_REPLACED, (int32_t)d->base, h);
}

/* In a panic that keeps what there is nobody comes gently. */
static void apply_ramp(struct desired *d, const struct desired_input *in)
{
	int32_t weight;

	if (!in->ramp || d->weight <= 0 || (in->panic && in->on_panic == PANIC_KEEP))
		return;
	weight = ramp_weight(in->ramp, d->weight, in->now_ms);
	if (weight < d->weight)
		step(d, WHY_RAMP, weight, NULL);
}

void desired_realserver(const struct desired_input *in, struct desired *ret_desired)
{
	struct desired *d = ret_desired;
	bool serves = (in->up && in->panic && in->on_panic == PANIC_BACKUP) ||
		      ((in->up || in->unjudged) && in->fallback) || in->undecided;

	d->n_steps = 0;
	apply_replaced(d, in);
	if (!in->conf->enabled) {
		step(d, WHY_DISABLED, WANT_OUT, NULL);
		d->full = d->weight;
		return;
	}
	/* One that has no verdict yet, and may be serving since before the start, is left
	 * what the kernel has: its cap sees to that. */
	if (in->conf->backup)
		step(d, serves ? WHY_BACKUP : WHY_STANDBY, serves ? d->weight : 0, NULL);
	apply_holds(d, in);
	d->full = d->weight;
	apply_ramp(d, in);
}

bool desired_held(const struct desired *d)
{
	unsigned int i;

	for (i = 0; i < d->n_steps; i++)
		if (d->steps[i].why == WHY_HOLD && d->steps[i].hold->effect <= HOLD_ZERO)
			return d->weight <= 0;
	return false;
}

bool desired_fallback(const struct hold *holds)
{
	for (; holds; holds = holds->next)
		if (holds->active && holds->effect == HOLD_FALLBACK)
			return true;
	return false;
}

/* One that waits, and had the realserver taken out of the kernel; NULL = none. */
static const struct hold *waiting_absent(const struct desired *d)
{
	unsigned int i;

	for (i = 0; i < d->n_steps; i++)
		if (d->steps[i].why == WHY_WAITING && d->steps[i].hold->effect == HOLD_ABSENT)
			return d->steps[i].hold;
	return NULL;
}

/* An operator knows better than probes; but a backup waits all the same, and before its
 * first verdict only its cap says what it did. */
static bool trusted(const struct desired_input *in)
{
	return !in->conf->backup && hold_last(in->holds, HOLD_ADMITS);
}

void desired_cap(struct desired *d, const struct desired_input *in, bool proven, int32_t cap)
{
	const struct hold *absent = waiting_absent(d);

	if (proven || d->weight < 0 || trusted(in))
		return;
	/* It stays out, for weight 0 would refuse clients where the scheduler hashes. */
	if (absent && cap < 0) {
		step(d, WHY_HOLD, WANT_ABSENT, absent);
		return;
	}
	cap = cap < 0 ? 0 : cap;
	if (d->weight <= cap)
		return;
	/* In panic the file's weights are what is asked for. */
	if (in->panic && in->on_panic == PANIC_KEEP)
		return;
	step(d, WHY_UNPROVEN, cap, NULL);
}

void desired_verdicts(const struct layout *l, const struct state *s, uint32_t service, bool heeded,
		      struct desired_verdicts *ret_verdicts)
{
	const struct layout_service *svc = &l->services[service];
	struct desired_verdicts v = { { 0 }, false };
	uint32_t i;

	for (i = svc->first_realserver; i < svc->first_realserver + svc->n_realservers; i++) {
		const struct realserver_conf *c = l->realservers[i].conf;
		enum verdict verdict = (enum verdict)(heeded ? s->realservers[i].heeded
							     : s->realservers[i].verdict);

		if (!c->enabled || !c->weight)
			continue;
		if (c->backup)
			v.backup_up |= verdict == VERDICT_UP;
		else
			v.n[verdict]++;
	}
	*ret_verdicts = v;
}

bool desired_panic(const struct desired_verdicts *v)
{
	return v->n[VERDICT_DOWN] && !v->n[VERDICT_UP] && !v->n[VERDICT_NONE];
}

bool desired_undecided(const struct desired_verdicts *v)
{
	return v->n[VERDICT_NONE] && !v->n[VERDICT_UP];
}
