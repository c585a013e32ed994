/* simulate_run.c: one test: a director in memory, whose probes and kernel figures are
 * the test's series. Time goes from one thing that happens to the next: a value of the
 * series, a hold, an `at`, and whatever the rules themselves wait for, so that `for`,
 * ramps and delays come at their exact times. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/holds/hold.h"
#include "agent/rules/engine.h"
#include "agent/sections.h"
#include "agent/settings.h"
#include "agent/simulate_internal.h"

#define WALL_EPOCH_MS INT64_C(946684800000) /* 2000-01-01: any that is always the same */
enum { WAKES_MAX = 4000000 };

int sim_say(struct sim_result *r, enum sim_status status, unsigned int line, const char *fmt, ...)
{
	struct sim_message *grown = reallocarray(r->messages, r->n_messages + 1, sizeof(*grown));
	struct buf text = BUF_INIT;
	va_list ap;

	if (!grown)
		return -ENOMEM;
	r->messages = grown;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	grown[r->n_messages] = (struct sim_message){ line, buf_take(&text) };
	if (!grown[r->n_messages].text)
		return -ENOMEM;
	r->n_messages++;
	if (status > r->status)
		r->status = status;
	return 0;
}

/* All that is wrong is told; what went wrong first is kept, unless memory is out. */
static int worse(int now, int before)
{
	return now == -ENOMEM || !before ? now : before;
}

/* --- making ready ------------------------------------------------------------------------- */

/* Where the rules stand: beside the file of tests, unless they say otherwise. */
static char *rules_path(const struct sim_conf *t)
{
	const char *slash = strrchr(t->head.file, '/');
	struct buf path = BUF_INIT;

	if (slash && t->rules[0] != '/')
		buf_put(&path, t->head.file, (size_t)(slash + 1 - t->head.file));
	buf_puts(&path, t->rules);
	return buf_take(&path);
}

static int refuse_rules(struct sim_run *r)
{
	unsigned int line = conf_key_line(r->conf, r->test, "rules");
	struct buf text = BUF_INIT;
	int e;

	config_format_problems(r->conf, &text);
	e = buf_ok(&text) ? sim_say(r->result, SIM_ERROR, line, "%s is not usable:\n%s",
				    r->test->rules, buf_str(&text))
			  : -ENOMEM;
	buf_fini(&text);
	return e ? e : -EINVAL;
}

/* The configuration is this test's alone, so its interval may be the test's. */
static int load_rules(struct sim_run *r)
{
	struct agent_conf *agent;
	char *path = rules_path(r->test);
	int e = path ? agent_config_load(path, &r->conf) : -ENOMEM;

	free(path);
	if (e)
		return e;
	if (config_errors(r->conf))
		return refuse_rules(r);
	agent = config_section(r->conf, &agent_section);
	if (r->test->interval)
		agent->sample_interval = r->test->interval;
	r->interval = agent->sample_interval;
	return 0;
}

static void on_decision(void *arg, const struct decision *d)
{
	sim_observe(arg, d);
}

static struct moment moment_of(int64_t ms)
{
	return (struct moment){ .mono_ms = SIM_EPOCH_MS + ms, .wall_ms = WALL_EPOCH_MS + ms };
}

static int make_world(struct sim_run *r)
{
	struct moment begin = moment_of(0);
	struct buf why = BUF_INIT;
	int e = world_new(r->conf, &begin, &why, &r->world);

	if (e && e != -ENOMEM)
		e = sim_say(r->result, SIM_ERROR, r->test->head.line, "%s: %s", r->test->rules,
			    why.len ? buf_str(&why) : strerrordesc_np(-e))
			    ?: -EINVAL;
	buf_fini(&why);
	if (e)
		return e;
	r->world->tell = on_decision;
	r->world->arg = r;
	return 0;
}

static int bind_verdicts(struct sim_run *r, const struct sim_series *s, uint32_t realserver)
{
	const struct layout *l = r->world->state->layout;
	const struct layout_realserver *rs = &l->realservers[realserver];
	uint32_t i;

	if (!rs->n_links)
		return sim_say(r->result, SIM_ERROR, s->at.line, "%s: %s/%s has no probe",
			       r->test->rules, s->target.service, s->target.realserver)
			       ?: -EINVAL;
	for (i = rs->first_link; i < rs->first_link + rs->n_links; i++)
		r->driven[l->links[i]] = true;
	return 0;
}

static int bind_series(struct sim_run *r, const struct sim_series *s, uint32_t *ret_id)
{
	uint32_t service, realserver;
	int e = sim_find(r, &s->target, s->at.line, &service, &realserver);

	if (e)
		return e;
	*ret_id = s->target.realserver ? realserver : service;
	if (s->signal == SIGNAL_PROBE_UP)
		return bind_verdicts(r, s, realserver);
	if (!engine_rules(r->world->engine)->needs[s->signal])
		return sim_say(r->result, SIM_ERROR, s->at.line, "%s: no rule reads %s",
			       r->test->rules, signal_table[s->signal].name)
			       ?: -EINVAL;
	return world_give(r->world, s->signal, *ret_id);
}

static int bind_all_series(struct sim_run *r)
{
	const struct sim_series *s = r->test->series.items;
	size_t i;
	int e = 0;

	r->series_ids = calloc(r->test->series.n + 1, sizeof(*r->series_ids));
	r->driven = calloc(r->world->state->layout->n_targets + 1, sizeof(*r->driven));
	if (!r->series_ids || !r->driven)
		return -ENOMEM;
	for (i = 0; e != -ENOMEM && i < r->test->series.n; i++)
		e = worse(bind_series(r, &s[i], &r->series_ids[i]), e);
	return e;
}

static int by_time(const void *a, const void *b)
{
	const struct sim_step *x = a, *y = b;

	if (x->at->ms != y->at->ms)
		return x->at->ms < y->at->ms ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

static int bind_step(struct sim_run *r, struct sim_step *s)
{
	uint32_t i;
	int e = 0;

	s->checks = calloc(s->at->n, sizeof(*s->checks));
	if (!s->checks)
		return -ENOMEM;
	for (i = 0; e != -ENOMEM && i < s->at->n; i++)
		e = worse(sim_bind(r, &s->at->assertions[i], &s->checks[i]), e);
	r->result->assertions += s->at->n;
	return e;
}

static int bind_assertions(struct sim_run *r)
{
	const struct sim_assertion *nevers = r->test->nevers.items;
	const struct sim_at *ats = r->test->ats.items;
	size_t i;
	int e = 0;

	r->steps = calloc(r->test->ats.n + 1, sizeof(*r->steps));
	r->nevers = calloc(r->test->nevers.n + 1, sizeof(*r->nevers));
	if (!r->steps || !r->nevers)
		return -ENOMEM;
	for (i = 0; e != -ENOMEM && i < r->test->ats.n; i++) {
		r->steps[r->n_steps] = (struct sim_step){ .at = &ats[i] };
		e = worse(bind_step(r, &r->steps[r->n_steps++]), e);
	}
	for (i = 0; e != -ENOMEM && i < r->test->nevers.n; i++)
		e = worse(sim_bind(r, &nevers[i], &r->nevers[i]), e);
	r->result->assertions += (uint32_t)r->test->nevers.n;
	qsort(r->steps, r->n_steps, sizeof(*r->steps), by_time);
	return e;
}

/* Operators' holds, and behind them those of alerts. */
static size_t n_holds(const struct sim_run *r)
{
	return r->test->holds.n + r->test->alerts.n;
}

static const struct sim_hold *hold_at(const struct sim_run *r, size_t i)
{
	size_t n = r->test->holds.n;

	return i < n ? (const struct sim_hold *)r->test->holds.items + i
		     : (const struct sim_hold *)r->test->alerts.items + (i - n);
}

static int find_alert(struct sim_run *r, const struct sim_hold *h)
{
	const struct rule_conf *rule =
		h->rule ? config_named(r->conf, &rule_section, h->rule) : NULL;

	if (h->rule && !rule)
		return sim_say(r->result, SIM_ERROR, h->at.line, "%s: there is no rule '%s'",
			       h->at.text, h->rule)
			       ?: -EINVAL;
	if (rule && !rule->alert)
		return sim_say(r->result, SIM_ERROR, h->at.line, "%s: rule %s goes by no alert",
			       h->at.text, h->rule)
			       ?: -EINVAL;
	return 0;
}

static int bind_holds(struct sim_run *r)
{
	uint32_t service, realserver;
	size_t i;
	int e = 0;

	for (i = 0; e != -ENOMEM && i < n_holds(r); i++) {
		const struct sim_hold *h = hold_at(r, i);

		e = worse(find_alert(r, h), e);
		e = worse(sim_find(r, &h->target, h->at.line, &service, &realserver), e);
	}
	return e;
}

/* The test ends with the last thing that it speaks of. */
static int find_end(struct sim_run *r)
{
	const struct sim_series *s = r->test->series.items;
	int64_t end = r->n_steps ? r->steps[r->n_steps - 1].at->ms : 0, one;
	size_t i;

	for (i = 0; i < r->test->series.n; i++) {
		one = (int64_t)(s[i].values.n - 1) * r->interval;
		end = one > end ? one : end;
	}
	for (i = 0; i < n_holds(r); i++) {
		const struct sim_hold *h = hold_at(r, i);

		one = h->to_ms ? h->to_ms : h->from_ms;
		end = one > end ? one : end;
	}
	r->end_ms = end;
	if (end / r->interval < SIM_VALUES_MAX)
		return 0;
	return sim_say(r->result, SIM_ERROR, r->test->head.line, "it takes more than %d intervals",
		       SIM_VALUES_MAX)
		       ?: -EINVAL;
}

/* --- what happens -------------------------------------------------------------------------- */

static void feed_verdict(struct sim_run *r, uint32_t realserver, double up)
{
	if (isnan(up))
		world_unknown(r->world, realserver, PROBE_LOCAL_ERROR);
	else if (up != 0)
		world_verdict(r->world, realserver, VERDICT_UP, PROBE_OK);
	else
		world_verdict(r->world, realserver, VERDICT_DOWN, PROBE_CONNECT_REFUSED);
}

/* The values of this interval: every probe ends, every figure is read. */
static void feed_interval(struct sim_run *r)
{
	const struct sim_series *s = r->test->series.items;
	uint64_t place = (uint64_t)(r->now_ms / r->interval);
	uint32_t t;
	size_t i;

	for (t = 0; t < r->world->state->layout->n_targets; t++)
		if (!r->driven[t])
			world_target(r->world, t, VERDICT_UP, PROBE_OK);
	for (i = 0; i < r->test->series.n; i++) {
		double value = sim_values_at(&s[i].values, place);

		if (s[i].signal == SIGNAL_PROBE_UP)
			feed_verdict(r, r->series_ids[i], value);
		else
			world_sample(r->world, s[i].signal, r->series_ids[i], value);
	}
	world_sampled(r->world);
}

static int turn_hold(struct sim_run *r, const struct sim_hold *h, size_t nth, bool on)
{
	char name[40];
	struct hold like;

	snprintf(name, sizeof(name), "hold-%zu", nth);
	like = (struct hold){
		.id = name,
		.hold_class = HOLD_OPERATOR,
		.service = (char *)(uintptr_t)h->target.service,
		.realserver = (char *)(uintptr_t)h->target.realserver,
		.holder = name,
		.effect = h->effect,
		.reason = (char *)(uintptr_t)h->at.text,
		.since_wall_ms = WALL_EPOCH_MS + h->from_ms,
		.until_wall_ms = h->to_ms ? WALL_EPOCH_MS + h->to_ms : 0,
	};
	if (h->rule) {
		const struct rule_conf *rule = config_named(r->conf, &rule_section, h->rule);

		like.hold_class = HOLD_ALERT;
		like.rule = (char *)(uintptr_t)h->rule;
		like.effect = rule_conf_lease_effect(rule);
		like.reason = (char *)(uintptr_t)rule->says;
		like.starts_wall_ms = like.since_wall_ms;
		like.until_wall_ms = 0;
		like.waiting = true;
	}
	if (on)
		return world_hold(r->world, &like);
	world_lift(r->world, &like);
	return 0;
}

static int turn_holds(struct sim_run *r)
{
	size_t i;
	int e = 0;

	for (i = 0; i < n_holds(r); i++)
		if (hold_at(r, i)->to_ms && hold_at(r, i)->to_ms == r->now_ms)
			e = turn_hold(r, hold_at(r, i), i, false);
	for (i = 0; !e && i < n_holds(r); i++)
		if (hold_at(r, i)->from_ms == r->now_ms)
			e = turn_hold(r, hold_at(r, i), i, true);
	return e;
}

static void sooner(int64_t ms, int64_t now_ms, int64_t *next)
{
	if (ms > now_ms && ms < *next)
		*next = ms;
}

/* When something happens next, after now. */
static int64_t next_time(const struct sim_run *r)
{
	int64_t next = (r->now_ms / r->interval + 1) * r->interval;
	int64_t due = decide_next(&r->world->decider, r->world->now.mono_ms);
	size_t i;

	/* What was due already is looked at again as soon as it can be. */
	if (due != INT64_MAX)
		sooner(due - SIM_EPOCH_MS > r->now_ms ? due - SIM_EPOCH_MS : r->now_ms + 1,
		       r->now_ms, &next);
	for (i = 0; i < n_holds(r); i++) {
		sooner(hold_at(r, i)->from_ms, r->now_ms, &next);
		sooner(hold_at(r, i)->to_ms, r->now_ms, &next);
	}
	if (r->next_step < r->n_steps)
		sooner(r->steps[r->next_step].at->ms, r->now_ms, &next);
	return next;
}

static int step(struct sim_run *r, int64_t ms)
{
	struct moment now = moment_of(ms);
	int e;

	r->now_ms = ms;
	r->world->now = now;
	e = turn_holds(r);
	if (e)
		return e;
	if (ms % r->interval == 0)
		feed_interval(r);
	world_step(r->world, &now);
	return sim_judge(r);
}

static int go(struct sim_run *r)
{
	uint32_t wakes = 0;
	int64_t next;
	int e = step(r, 0);

	while (!e && (next = next_time(r)) <= r->end_ms) {
		e = step(r, next);
		if (++wakes == WAKES_MAX)
			return sim_say(r->result, SIM_ERROR, r->test->head.line,
				       "its rules do not come to rest: given up after %d steps",
				       WAKES_MAX);
	}
	return e;
}

static int run(struct sim_run *r)
{
	int e = load_rules(r), worst;

	if (!e)
		e = make_world(r);
	if (e)
		return e;
	/* All that is wrong at once. */
	worst = bind_all_series(r);
	if (worst != -ENOMEM)
		worst = worse(bind_assertions(r), worst);
	if (worst != -ENOMEM)
		worst = worse(bind_holds(r), worst);
	if (!worst)
		worst = find_end(r);
	if (!worst)
		worst = go(r);
	r->result->virtual_ms = r->now_ms;
	return worst;
}

int sim_run(const struct sim_conf *test, bool timeline, struct sim_result *ret_result)
{
	struct sim_run r = { .test = test, .result = ret_result, .timeline = timeline };
	size_t i;
	int e;

	ret_result->name = test->head.name;
	ret_result->line = test->head.line;
	e = run(&r);
	for (i = 0; i < r.n_steps; i++)
		free(r.steps[i].checks);
	free(r.steps);
	free(r.nevers);
	free(r.series_ids);
	free(r.driven);
	world_free(r.world);
	config_unref(r.conf);
	if (!buf_ok(&ret_result->timeline))
		return -ENOMEM;
	return e == -EINVAL ? 0 : e;
}
