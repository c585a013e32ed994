/* reconcile.c: read, match, work out the difference, write. A pass is a chain of
 * steps, each of which ends in a callback on the loop:
 *
 *   dump (kernel thread) → match (work queue) → on the first reading: caps, and the
 *   agent decides → diff (work queue) → batches (kernel thread), one after another
 *
 * A scrape's reading ends after the match. Weights that change meanwhile do not wait
 * for the chain: reconcile_service() gathers them and they overtake it. What a pass
 * writes is judged again when its turn comes, against what is wanted by then. */
#include "agent/sync/reconcile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/loop.h"
#include "agent/sync/batch.h"
#include "agent/sync/owned.h"
#include "agent/sync/pass.h"
#include "agent/sync/writes.h"

enum {
	RETRY_MS = 1000,    /* the kernel could not be read, or refused a write */
	LEAVING_MS = 2000,  /* something drains: look again soon … */
	LEAVING_SHARE = 10, /* … but spend at most a tenth of the time on it */
};

struct reconcile {
	struct reconcile_env env;
	struct state *state;
	struct owned owned;
	struct writes writes;
	struct loop_timer *timer;
	struct pass *pass;      /* the chain under way, or NULL */
	struct batch *gathered; /* urgent writes, until the flush */
	struct diff_policy gone;
	struct diff_leaving *leaving;
	uint32_t n_leaving;
	int64_t interval_ms, read_us, retry_ms;
	bool caps_due; /* the next complete reading is the first of its layout */
	bool due;      /* a full pass is asked for */
	bool retry;    /* and soon, for something was refused */
	bool again;    /* a reading was asked for that started after the one under way */
	struct reconcile_stats stats;
};

static void begin(struct reconcile *r);

/* --- when ---------------------------------------------------------------- */

static int64_t next_ms(const struct reconcile *r)
{
	int64_t ms = r->interval_ms;
	int64_t soon = r->read_us * LEAVING_SHARE / 1000;

	if (soon < LEAVING_MS)
		soon = LEAVING_MS;
	if (r->n_leaving && soon < ms)
		ms = soon;
	if (r->stats.kernel_error && RETRY_MS < ms)
		ms = RETRY_MS;
	if (r->retry && r->retry_ms < ms)
		ms = r->retry_ms;
	return ms;
}

static void on_timer(void *arg)
{
	struct reconcile *r = arg;

	r->due = true;
	begin(r);
}

/* The chain is over; `pass` is freed. */
static void end(struct reconcile *r)
{
	pass_free(r->pass);
	r->pass = NULL;
	if (r->again) {
		r->again = false;
		begin(r);
		return;
	}
	loop_timer_start(r->timer, r->due ? 0 : next_ms(r));
}

/* --- the chain ----------------------------------------------------------- */

static void on_batch(void *arg, struct batch *b)
{
	struct reconcile *r = arg;

	(void)b;
	if (!pass_send(r->pass, r->state, &r->writes))
		end(r);
}

static void take_in_diff(struct reconcile *r)
{
	struct pass *p = r->pass;

	r->stats.drift += pass_take_in(p, r->state);
	free(r->leaving);
	r->leaving = p->diff.leaving;
	r->n_leaving = p->diff.n_leaving;
	p->diff.leaving = NULL;
	r->stats.passes++;
	r->stats.last_pass_wall_ms = clock_wall_ms();
	/* What the kernel never takes (a scheduler that it lacks) costs it less and less:
	 * each such write has it look for a module. */
	if (!r->retry)
		r->retry_ms = RETRY_MS;
	else if (r->retry_ms < r->interval_ms)
		r->retry_ms *= 2;
	r->retry = false;
	p->on_batch = on_batch;
	p->arg = r;
	if (!pass_send(p, r->state, &r->writes))
		end(r);
}

static void on_diffed(void *arg)
{
	struct reconcile *r = arg;

	if (r->pass->layout != r->state->layout || r->pass->error) {
		/* Reloaded meanwhile, or no memory: what was worked out is void. */
		if (r->pass->error)
			log_event(LOG_ERROR, "no difference worked out, retrying",
				  LOG_ERR(r->pass->error));
		r->due = true;
		end(r);
		return;
	}
	take_in_diff(r);
}

static void work_diff(void *arg)
{
	struct reconcile *r = arg;

	pass_diff(r->pass);
}

/* Which foreign rows are ours all the same: asked here, on the loop. */
static int begin_diff(struct reconcile *r)
{
	struct pass *p = r->pass;
	const struct reading *rd = p->reading;
	uint32_t i;
	int e;

	e = pass_prepare(p, r->state, r->leaving, r->n_leaving, &r->gone, clock_mono_ms());
	if (e)
		return e;
	for (i = 0; i < rd->table.n_services; i++)
		p->owned[i] = owned_has(&r->owned, &rd->table.services[i].key);
	return loop_work(r->env.loop, "diff", work_diff, on_diffed, r);
}

/* What the file names is ours from the moment it is seen. */
static void own_found(struct reconcile *r, const struct reading *rd)
{
	uint32_t i;

	for (i = 0; i < rd->table.n_services; i++)
		if (rd->match.vip_of_service[i] != MATCH_NONE)
			writes_own(&r->writes, &rd->table.services[i].key);
}

static void tell_kernel_state(struct reconcile *r, int error)
{
	if (error == r->stats.kernel_error)
		return;
	if (error == -EPERM)
		log_event(LOG_WARN, "no CAP_NET_ADMIN: showing what /proc says, managing nothing");
	else if (error == -ENOPROTOOPT)
		log_event(LOG_WARN, "the kernel has no ip_vs, waiting for it",
			  LOG_STR("try", "modprobe ip_vs"));
	else if (error)
		log_event(LOG_WARN, "the kernel's IPVS table cannot be read, retrying",
			  LOG_ERR(error));
	else
		log_event(LOG_INFO, "the kernel's IPVS table can be read again");
	r->stats.kernel_error = error;
}

static void on_matched(void *arg)
{
	struct reconcile *r = arg;
	struct pass *p = r->pass;
	bool first = r->caps_due;
	int e = p->error;

	if (!e)
		r->env.reading(r->env.arg, reading_ref(p->reading));
	if (p->layout != r->state->layout) {
		r->due = true;
		end(r);
		return;
	}
	if (e || !p->reading->table.complete || !r->due) {
		/* The timer asks again. */
		r->due = false;
		end(r);
		return;
	}
	r->due = false;
	own_found(r, p->reading);
	if (first) {
		r->caps_due = false;
		pass_set_caps(p, r->state);
		r->stats.kernel_known = true;
		/* Decided again before the difference: the caps are known now. */
		r->env.first(r->env.arg);
	}
	e = begin_diff(r);
	if (e) {
		r->due = true;
		r->retry = true;
		end(r);
	}
}

static void work_match(void *arg)
{
	struct reconcile *r = arg;

	r->pass->error = reading_match(r->pass->reading);
}

static void on_dump(void *arg, struct ipvs_table *table)
{
	struct reconcile *r = arg;
	struct pass *p = r->pass;
	int e;

	tell_kernel_state(r, table->complete ? 0 : table->error ? table->error : -EIO);
	r->read_us = table->taken_us;
	e = reading_new(p->layout, table, &p->reading);
	if (!e)
		e = loop_work(r->env.loop, "match", work_match, on_matched, r);
	if (e) {
		r->retry = true;
		end(r);
	}
}

static void begin(struct reconcile *r)
{
	int e;

	if (r->pass || !r->state)
		return;
	loop_timer_stop(r->timer);
	e = pass_new(r->state->layout, &r->pass);
	if (!e)
		e = ipvs_port_dump(r->env.port, on_dump, r);
	if (!e)
		return;
	log_event(LOG_ERROR, "no reading of the kernel, retrying", LOG_ERR(e));
	pass_free(r->pass);
	r->pass = NULL;
	loop_timer_start(r->timer, RETRY_MS);
}

/* --- outside -------------------------------------------------------------- */

static void on_refused(void *arg)
{
	struct reconcile *r = arg;

	r->retry = true;
	if (!r->pass) {
		r->due = true;
		loop_timer_start(r->timer, r->retry_ms);
	}
}

int reconcile_new(const struct reconcile_env *env, struct reconcile **ret_reconcile)
{
	struct reconcile *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return -ENOMEM;
	r->env = *env;
	r->retry_ms = RETRY_MS;
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
	r->interval_ms = interval_ms;
	r->gone = *gone;
	r->due = true;
	r->caps_due = true;
	begin(r);
}

void reconcile_read(struct reconcile *r)
{
	/* One whose dump has not come back yet is young enough. */
	if (!r->pass)
		begin(r);
	else if (r->pass->reading)
		r->again = true;
}

void reconcile_service(struct reconcile *r, uint32_t service)
{
	const struct layout_service *s = &r->state->layout->services[service];
	uint32_t v, d;

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

int reconcile_remove_all(struct reconcile *r, void (*fn)(void *arg), void *arg)
{
	return writes_remove_all(&r->writes, fn, arg);
}

void reconcile_stats(const struct reconcile *r, struct reconcile_stats *ret_stats)
{
	*ret_stats = r->stats;
	ret_stats->writes = r->writes.stats;
	ret_stats->busy = r->pass != NULL || r->writes.under_way > 0;
}
