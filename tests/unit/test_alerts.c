/* test_alerts.c: a case is a file: a configuration, then requests of Alertmanager with
 * the moments at which they come, then what is answered and what is held. In a world of
 * its own: the same code decides, and time is what the file says. */
#include "agent/leases.h"

#include <errno.h>

#include "agent/base/clock.h"
#include "agent/base/parse.h"
#include "agent/holds/effect.h"
#include "agent/rules/rule_conf.h"
#include "agent/world.h"
#include "tests/unit/golden.h"
#include "tests/unit/golden_cases.h"
#include "tests/unit/model_fixture.h"

struct play {
	struct world *w;
	struct leases *leases;
	struct moment now;
	unsigned int ids, placed;
	struct buf out;
};

static void put_hold(void *arg, const struct hold *h)
{
	struct play *p = arg;

	buf_printf(&p->out, "  hold %s/%s %s %s", h->service, h->realserver,
		   hold_class_names[h->hold_class], h->holder);
	if (h->rule && *h->rule)
		buf_printf(&p->out, " by %s", h->rule);
	buf_puts(&p->out, h->waiting ? ", waits for " : ", ");
	hold_format(&p->out, h);
	if (h->until_wall_ms) {
		buf_puts(&p->out, ", for ");
		format_duration(&p->out, h->until_wall_ms - p->now.wall_ms);
	}
	buf_printf(&p->out, " (%s)\n", h->reason);
}

static void put_weights(struct play *p)
{
	const struct layout *l = p->w->state->layout;
	uint32_t i;

	for (i = 0; i < l->n_realservers; i++) {
		const struct layout_realserver *r = &l->realservers[i];
		int32_t weight = p->w->state->realservers[i].weight;

		if (weight != (int32_t)r->conf->weight)
			buf_printf(&p->out, "  weight %s/%s %d\n",
				   l->services[r->service].conf->head.name, r->conf->name,
				   (int)weight);
	}
}

static void put_decision(void *arg, const struct decision *d)
{
	struct play *p = arg;
	const struct layout *l = d->state->layout;

	if (d->kind != DECISION_HOLD && d->kind != DECISION_RELEASE && d->kind != DECISION_REFUSAL)
		return;
	buf_printf(&p->out, "  %s %s/%s by %s%s%s\n",
		   d->kind == DECISION_HOLD      ? "holds"
		   : d->kind == DECISION_RELEASE ? "releases"
						 : "refuses",
		   l->services[d->service].conf->head.name,
		   l->realservers[d->realserver].conf->name, d->rule->head.name,
		   d->kind == DECISION_REFUSAL ? ": " : "",
		   d->kind == DECISION_REFUSAL ? guard_names[d->guard] : "");
}

/* --- what the ledger does for the agent ------------------------------------------------ */

static void place(void *arg, const struct hold *like)
{
	struct play *p = arg;
	struct hold h = *like;
	const struct hold *old = holds_same(p->w->holds, like);
	char id[16];

	snprintf(id, sizeof(id), "a%u", p->ids++);
	h.id = id;
	h.since_wall_ms = p->now.wall_ms;
	if (old && old->effect == like->effect && old->starts_wall_ms == like->starts_wall_ms)
		h.id = old->id;
	p->placed++;
	assert_int_equal(world_hold(p->w, &h), 0);
	leases_note(p->leases, holds_same(p->w->holds, like), false, p->now.wall_ms);
}

static void lift(void *arg, const char *id)
{
	struct play *p = arg;
	const struct hold *h = holds_find(p->w->holds, id);
	struct hold *copy = h ? hold_new(h) : NULL;

	assert_non_null(copy);
	world_lift(p->w, copy);
	leases_note(p->leases, copy, true, p->now.wall_ms);
	hold_free(copy);
}

struct over {
	const struct play *p;
	char id[16];
};

static void find_over(void *arg, const struct hold *h)
{
	struct over *o = arg;

	if (h->until_wall_ms && h->until_wall_ms <= o->p->now.wall_ms)
		snprintf(o->id, sizeof(o->id), "%s", h->id);
}

static void expire(struct play *p)
{
	struct over o = { .p = p };

	do {
		o.id[0] = '\0';
		holds_each(p->w->holds, find_over, &o);
		if (o.id[0])
			lift(p, o.id);
	} while (o.id[0]);
}

/* --- a case ------------------------------------------------------------------------------ */

static void request(struct play *p, const char *body)
{
	const struct lease_do todo = { .place = place, .lift = lift, .arg = p };
	struct layout *l = p->w->state->layout;
	struct lease_request *rq = NULL;
	struct buf why = BUF_INIT;
	uint32_t i;

	if (lease_request_new(body, strlen(body), l, &why, &rq)) {
		buf_printf(&p->out, "  no request: %s\n", buf_str(&why));
		buf_fini(&why);
		return;
	}
	for (i = 0; i < rq->alerts->n; i++)
		leases_judge(p->leases, rq, i, p->w->holds, false, p->now.wall_ms, &todo);
	buf_puts(&p->out, "  ");
	assert_int_equal(lease_request_answer(rq, &p->out), 0);
	buf_printf(&p->out, "\n  recorded %u\n", p->placed);
	p->placed = 0;
	lease_request_free(rq);
}

/* "=== TIME", then a body or none, up to the next. */
static void take_step(struct play *p, char *text)
{
	char *body = strchr(text, '\n');
	int64_t wall_ms;

	if (body)
		*body++ = '\0';
	assert_int_equal(alert_time(text, &wall_ms), 0);
	p->now.mono_ms += wall_ms - p->now.wall_ms;
	p->now.wall_ms = wall_ms;
	p->w->now = p->now;
	buf_printf(&p->out, "%s\n", text);
	expire(p);
	if (body && strchr(body, '{'))
		request(p, body);
	world_step(p->w, &p->now);
	holds_each(p->w->holds, put_hold, p);
	put_weights(p);
}

static void begin(struct play *p, const char *ini, int64_t wall_ms)
{
	struct config *c = load_conf(ini);
	struct buf why = BUF_INIT;
	uint32_t i;

	p->now = (struct moment){ .mono_ms = 1000, .wall_ms = wall_ms - 1000 };
	if (world_new(c, &p->now, &why, &p->w))
		fail_msg("%s", buf_str(&why));
	config_unref(c);
	assert_int_equal(leases_new(&p->leases), 0);
	for (i = 0; i < p->w->state->layout->n_realservers; i++)
		world_verdict(p->w, i, VERDICT_UP, PROBE_OK);
	world_step(p->w, &p->now);
	p->w->tell = put_decision;
	p->w->arg = p;
}

static void one_case(void **state)
{
	const char *path = *state;
	struct buf file = BUF_INIT, all = BUF_INIT;
	struct play p = { 0 };
	char *step, *next, *end;
	int64_t wall_ms;
	bool same;

	golden_read(path, &file);
	end = strstr(buf_str(&file), "\n---\n");
	step = strstr(buf_str(&file), "\n=== ");
	assert_true(end && step && step < end);
	end[1] = '\0';
	buf_puts(&all, buf_str(&file));
	buf_puts(&all, "---\n");
	*step = '\0';
	step += strlen("\n=== ");
	next = strndup(step, strcspn(step, "\n"));
	assert_int_equal(alert_time(next, &wall_ms), 0);
	free(next);
	begin(&p, buf_str(&file), wall_ms);
	for (; step; step = next) {
		next = strstr(step, "\n=== ");
		if (next) {
			*next = '\0';
			next += strlen("\n=== ");
		}
		take_step(&p, step);
	}
	buf_puts(&all, buf_str(&p.out));
	same = golden_same(path, &all);
	world_free(p.w);
	leases_free(p.leases);
	buf_fini(&p.out);
	buf_fini(&all);
	buf_fini(&file);
	assert_true(same);
}

int main(void)
{
	return golden_cases("tests/golden/alerts/*.txt", "alerts", one_case);
}
