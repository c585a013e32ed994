/* reconcile.c: read, match, work out the difference, write. A pass is a chain of
 * steps, each of which ends in a callback on the loop:
 *
 *   dump (kernel thread) → match (work queue) → on the first reading: caps, and the
 *   agent decides → diff (work queue) → batches (kernel thread), one after another
 *
 * A scrape's reading ends after the match. What is shown is made of each reading once it
 * is matched; of the first of all when its pass is over, for there the writes come first:
 * nobody is served before. Weights that change meanwhile do not wait for the chain:
 * reconcile_service() gathers them and they overtake it. What a pass writes is judged
 * again when its turn comes, against what is wanted by then. */
#include "agent/sync/reconcile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/loop.h"
#include "agent/ipvs/ipvs.h"
#include "agent/sync/batch.h"
#include "agent/sync/foreign.h"
#include "agent/sync/owned.h"
#include "agent/sync/pace.h"
#include "agent/sync/pass.h"
#include "agent/sync/writes.h"

struct reconcile {
	struct reconcile_env env;
	struct state *state;
	struct owned owned;
	struct writes writes;
	struct foreign foreign;
	struct loop_timer *timer;
	struct pass *pass;      /* the chain under way, or NULL */
	struct batch *gathered; /* urgent writes, until the flush */
	struct diff_policy gone;
	struct diff_leaving *leaving;
	uint32_t n_leaving;
	int64_t interval_ms, read_us;
	int64_t pass_at_ms; /* when the next full pass is due; readings do not move it */
	int64_t backoff_ms; /* while something is refused */
	uint32_t turns;     /* of the loop that the first difference waits for at most */
	bool caps_due;      /* the next complete reading is the first of its layout */
	bool due;           /* a full pass is asked for */
	bool retry;         /* and soon, for something was refused */
	bool skipped;       /* and soon, for something was not looked at */
	bool again;         /* a reading was asked for that started after the one under way */
	bool removing;      /* the end: nothing is written any more */
	struct reconcile_stats stats;
};

static void begin(struct reconcile *r);

/* --- when ---------------------------------------------------------------- */

static struct pace_input pace_of(const struct reconcile *r)
{
	return (struct pace_input){ .interval_ms = r->interval_ms,
				    .backoff_ms = r->backoff_ms,
				    .read_ms = r->read_us / 1000,
				    .error = r->stats.kernel_error,
				    .leaving = r->n_leaving > 0,
				    .retry = r->retry,
				    .skipped = r->skipped };
}

static void arm(struct reconcile *r)
{
	int64_t left = r->pass_at_ms - clock_mono_ms();

	if (!r->removing)
		loop_timer_start(r->timer, left > 0 ? left : 0);
}

static void on_timer(void *arg)
{
	struct reconcile *r = arg;

	r->due = true;
	reconcile_go_on(r);
	begin(r);
}

/* Hands the pass's reading on, once. */
static void tell_reading(struct reconcile *r)
{
	struct pass *p = r->pass;

	if (p->told || !p->matched)
		return;
	p->told = true;
	r->env.reading(r->env.arg, reading_ref(p->reading));
}

/* The chain is over; `pass` is freed. */
static void end(struct reconcile *r)
{
	tell_reading(r);
	pass_free(r->pass);
	r->pass = NULL;
	if (r->again || r->due) {
		r->again = false;
		begin(r);
	} else {
		arm(r);
	}
}

/* It was a full pass, done or failed. */
static void end_full(struct reconcile *r)
{
	const struct pace_input pace = pace_of(r);

	r->pass_at_ms = clock_mono_ms() + pace_next_ms(&pace);
	end(r);
}

/* --- the chain ----------------------------------------------------------- */

static void send_next(struct reconcile *r)
{
	bool more = r->removing ? r->pass->under_way : pass_send(r->pass, r->state, &r->writes);

	if (!more)
		end_full(r);
}

static void on_batch(void *arg, struct batch *b)
{
	struct reconcile *r = arg;

	pass_sent(r->pass, b);
	send_next(r);
}

static void take_in_diff(struct reconcile *r)
{
	const struct pace_input pace = pace_of(r);
	struct pass *p = r->pass;

	pass_take_in(p, r->state);
	foreign_judge(&r->foreign, p);
	free(r->leaving);
	r->leaving = p->diff.leaving;
	r->n_leaving = p->diff.n_leaving;
	p->diff.leaving = NULL;
	r->stats.passes++;
	r->stats.last_pass_wall_ms = clock_wall_ms();
	r->backoff_ms = pace_backoff_ms(&pace);
	r->retry = false;
	r->skipped = p->diff.skipped;
	p->on_batch = on_batch;
	p->arg = r;
	send_next(r);
}

static void on_diffed(void *arg)
{
	struct reconcile *r = arg;

	if (r->pass->layout != r->state->layout) {
		r->due = true; /* reloaded meanwhile: what was worked out is void */
		end(r);
	} else if (r->pass->error) {
		log_event(LOG_ERROR, "no difference worked out, retrying", LOG_ERR(r->pass->error));
		r->retry = true;
		end_full(r);
	} else {
		take_in_diff(r);
	}
}

static void work_diff(void *arg)
{
	struct reconcile *r = arg;

	pass_diff(r->pass);
}

static int begin_diff(struct reconcile *r)
{
	struct pass *p = r->pass;
	int e;

	e = pass_prepare(p, r->state, r->leaving, r->n_leaving, &r->gone, clock_mono_ms());
	if (e)
		return e;
	pass_own(p, &r->owned);
	return loop_work(r->env.loop, "diff", work_diff, on_diffed, r);
}

/* After the first reading of a layout all is decided again; where that takes several
 * turns of the loop, the difference waits for the last. */
static void await_decided(void *arg)
{
	struct reconcile *r = arg;
	struct pass *p = r->pass;
	int e = 0;

	if (!p)
		return;
	if (p->layout != r->state->layout || r->removing) {
		r->due |= !r->removing;
		end(r);
		return;
	}
	/* A turn decides one at least, in their order: by then each has been. */
	if (r->caps_due && r->state->n_dirty && r->turns) {
		r->turns--;
		e = loop_post(r->env.loop, "decided", await_decided, r);
		if (!e)
			return;
	}
	/* It does not get less any more, for others make more of it. */
	if (r->caps_due && r->state->n_dirty)
		r->env.decide(r->env.arg);
	r->caps_due = false;
	if (!e)
		e = begin_diff(r);
	if (e) {
		r->retry = true;
		end_full(r);
	}
}

/* A complete reading of the layout in force, for a full pass. */
static void act(struct reconcile *r)
{
	struct pass *p = r->pass;

	if (r->caps_due && !r->stats.kernel_known)
		foreign_first(&r->foreign, p, &r->owned);
	writes_own_found(&r->writes, p->reading);
	if (r->caps_due) {
		pass_set_caps(p, r->state);
		r->stats.kernel_known = true;
		/* Decided again before the difference: the caps are known now. */
		r->env.first(r->env.arg);
		r->turns = p->layout->n_services;
	}
	await_decided(r);
}

static void on_matched(void *arg)
{
	struct reconcile *r = arg;
	struct pass *p = r->pass;
	bool due = r->due;
	int e = p->error;

	p->matched = !e;
	if (r->stats.kernel_known)
		tell_reading(r);
	r->due = p->layout != r->state->layout;
	if (r->due || !due || r->removing) {
		end(r);
	} else if (e || !ipvs_table_may_act(&p->reading->table)) {
		r->retry |= e != 0;
		end_full(r);
	} else {
		act(r);
	}
}

static void work_match(void *arg)
{
	struct reconcile *r = arg;

	r->pass->error = reading_match(r->pass->reading);
}

static void take_dump(struct reconcile *r, struct ipvs_table *table)
{
	struct pass *p = r->pass;
	int e;

	e = reading_new(p->layout, table, &p->reading);
	if (!e)
		e = loop_work(r->env.loop, "match", work_match, on_matched, r);
	if (e) {
		r->due = false;
		r->retry = true;
		end_full(r);
	}
}

static void on_dump(void *arg, struct ipvs_table *table)
{
	struct reconcile *r = arg;
	int before = r->stats.kernel_error;

	r->stats.kernel_error = ipvs_table_may_act(table) ? 0 : table->error ? table->error : -EIO;
	if (r->stats.kernel_error != before)
		pass_tell_error(r->stats.kernel_error);
	r->read_us = table->taken_us;
	if (r->pass->ahead)
		pass_keep(r->pass, table);
	else
		take_dump(r, table);
}

static void begin(struct reconcile *r)
{
	int e;

	if (r->pass || !r->state || r->removing)
		return;
	loop_timer_stop(r->timer);
	/* Readings that follow each other closely must not keep the timer from coming. */
	r->due |= clock_mono_ms() >= r->pass_at_ms;
	e = pass_new(r->state->layout, &r->pass);
	if (!e)
		e = ipvs_port_dump(r->env.port, on_dump, r);
	if (!e)
		return;
	log_event(LOG_ERROR, "no reading of the kernel, retrying", LOG_ERR(e));
	pass_free(r->pass);
	r->pass = NULL;
	r->pass_at_ms = clock_mono_ms() + PACE_RETRY_MS;
	arm(r);
}

/* --- outside -------------------------------------------------------------- */

static void on_refused(void *arg)
{
	struct reconcile *r = arg;
	const struct pace_input pace = pace_of(r);
	int64_t at_ms = clock_mono_ms() + pace_refused_ms(&pace);

	r->retry = true;
	if (at_ms < r->pass_at_ms)
		r->pass_at_ms = at_ms;
	if (!r->pass)
		arm(r);
}

int reconcile_new(const struct reconcile_env *env, struct reconcile **ret_reconcile)
{
	struct reconcile *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return -ENOMEM;
	r->env = *env;
	r->foreign = (struct foreign){ .holds = env->holds, .placer = env->placer };
	r->backoff_ms = PACE_RETRY_MS;
	r->writes = (struct writes){
		.port = env->port,
		.ledger = env->ledger,
		.owned = &r->owned,
		.refused = on_refused,
		.arg = r,
	};
	e = loop_timer_new(env->loop, "reconcile", on_timer, r, &r->timer);
	if (e) {
		free(r);
		return e;
	}
	*ret_reconcile = r;
	return 0;
}

void reconcile_free(struct reconcile *r)
{
	if (!r)
		return;
	pass_free(r->pass);
	batch_free(r->gathered);
	writes_fini(&r->writes);
	foreign_fini(&r->foreign);
	free(r->leaving);
	owned_fini(&r->owned);
	loop_timer_free(r->timer);
	free(r);
}

int reconcile_own(struct reconcile *r, const struct ipvs_key *key)
{
	int e = owned_add(&r->owned, key);

	return e < 0 ? e : 0;
}

void reconcile_set_state(struct reconcile *r, struct state *state, int64_t interval_ms,
			 const struct diff_policy *gone)
{
	/* Made for another layout: what it says is decided and gathered anew. */
	batch_free(r->gathered);
	r->gathered = NULL;
	r->state = state;
	r->writes.state = state;
	r->foreign.state = state;
	r->interval_ms = interval_ms;
	r->gone = *gone;
	r->caps_due = true;
	if (r->pass && !r->pass->reading && !writes_since(&r->writes, r->pass->begun_us))
		pass_serve(r->pass, state->layout);
	reconcile_go_on(r);
	r->due = true;
	begin(r);
}

void reconcile_ahead(struct reconcile *r, int64_t wait_ms)
{
	if (r->pass || r->removing)
		return;
	begin(r);
	if (!r->pass)
		return;
	r->pass->ahead = true;
	loop_timer_start(r->timer, wait_ms);
}

void reconcile_go_on(struct reconcile *r)
{
	struct ipvs_table table;

	if (!r->pass || !r->pass->ahead)
		return;
	loop_timer_stop(r->timer);
	if (pass_go_on(r->pass, &table))
		take_dump(r, &table);
}

void reconcile_read(struct reconcile *r)
{
	/* One whose dump has not come back yet is young enough. */
	if (!r->pass)
		begin(r);
	else if (r->pass->reading)
		r->again = true;
	/* Somebody waits, but for no file; and will have it at once. */
	reconcile_go_on(r);
	if (r->pass)
		tell_reading(r);
}

void reconcile_service(struct reconcile *r, uint32_t service)
{
	const struct layout_service *s = &r->state->layout->services[service];
	uint32_t v, d;

	/* What the first pass of a layout will write is not sent ahead of it: that would
	 * only spoil its reading. */
	if (r->removing || (r->caps_due && !r->stats.kernel_error))
		return;
	for (v = s->first_vip; v < s->first_vip + s->n_vips; v++) {
		const struct layout_vip *vip = &r->state->layout->vips[v];

		for (d = vip->first_dest; d < vip->first_dest + vip->n_dests; d++) {
			struct diff_item item;

			if (!writes_dest_differs(r->state, d, &item))
				continue;
			if (!r->gathered && batch_new(r->state->layout, &r->gathered))
				return; /* the next pass finds it */
			if (batch_add(r->gathered, &item, NULL))
				return;
			r->state->dests[d].busy = true;
		}
	}
}

void reconcile_flush(struct reconcile *r)
{
	struct batch *b = r->gathered;

	r->gathered = NULL;
	if (b)
		writes_send(&r->writes, b, true, NULL, NULL);
}

int reconcile_remove(struct reconcile *r, bool lanes_only, void (*fn)(void *arg), void *arg)
{
	int e = writes_remove(&r->writes, lanes_only, fn, arg);

	/* What a pass under way has not sent yet stays unsent: it would bring back what
	 * was removed. */
	r->removing = !e;
	if (!e)
		loop_timer_stop(r->timer);
	return e;
}

void reconcile_stats(const struct reconcile *r, struct reconcile_stats *ret_stats)
{
	*ret_stats = r->stats;
	ret_stats->writes = r->writes.stats;
	ret_stats->drift = r->foreign.drift;
	ret_stats->drift_adopted = r->foreign.adopted;
	ret_stats->drift_stopped = r->foreign.stopped;
	ret_stats->busy = r->pass != NULL || r->writes.under_way > 0;
}
