/* decide.c: from verdicts and holds to weights. Everything that happened in one turn
 * of the loop is settled at once, before it sleeps: a storm of failed probes is one
 * decision a service. Holds that a rule places or ends make their service dirty
 * again, so it goes round until nothing is; only then it is written. */
#include <stdlib.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/rules/remedy.h"
#include "agent/sync/desired.h"
#include "agent/sync/reconcile.h"

enum { ROUNDS = 8 }; /* release, place, effect: three are needed; more is a fault */

static const char *service_name(const struct state *s, uint32_t service)
{
	return s->layout->services[service].conf->head.name;
}

static void judge_panic(struct state *s, uint32_t service)
{
	struct service_state *svc = &s->services[service];
	bool panic = desired_panic(s->layout, s, service);

	svc->backup_up = desired_backup_up(s->layout, s, service);
	svc->undecided = desired_undecided(s->layout, s, service);
	if (panic == svc->panic)
		return;
	svc->panic = panic;
	if (panic)
		log_event(LOG_WARN, "panic: no realserver of the service is up",
			  LOG_STR("service", service_name(s, service)));
	else
		log_event(LOG_INFO, "panic is over", LOG_STR("service", service_name(s, service)));
}

/* With nobody up, and no backup either, the file's realservers serve all the same. */
static enum on_panic on_panic(const struct state *s, uint32_t service)
{
	enum on_panic policy = s->layout->services[service].conf->on_panic;

	return policy == PANIC_BACKUP && !s->services[service].backup_up ? PANIC_KEEP : policy;
}

static void input_of(const struct agent *a, uint32_t realserver, struct desired_input *ret_in)
{
	const struct state *s = a->state;
	const struct layout_realserver *l = &s->layout->realservers[realserver];
	const struct layout_service *svc = &s->layout->services[l->service];

	*ret_in = (struct desired_input){
		.conf = l->conf,
		.holds = holds_of(a->holds, svc->conf->head.name, l->conf->name),
		.panic = s->services[l->service].panic,
		.on_panic = on_panic(s, l->service),
		.undecided =
			s->services[l->service].undecided && !s->realservers[realserver].proven,
		.up = s->realservers[realserver].verdict == VERDICT_UP,
	};
}

/* Before the first reading of a layout nothing is raised above what was seen last. */
static int32_t cap_of(const struct dest_state *d)
{
	if (d->cap != CAP_NONE)
		return d->cap;
	return d->seen > 0 ? d->seen : 0;
}

void agent_desired(const struct agent *a, uint32_t realserver, struct desired_input *ret_in,
		   struct desired *ret_desired)
{
	const struct state *s = a->state;
	const struct layout_realserver *l = &s->layout->realservers[realserver];
	int32_t cap = CAP_NONE;
	uint32_t i;

	for (i = l->first_dest_link; i < l->first_dest_link + l->n_dest_links; i++)
		if (cap_of(&s->dests[s->layout->dest_links[i]]) < cap)
			cap = cap_of(&s->dests[s->layout->dest_links[i]]);
	input_of(a, realserver, ret_in);
	desired_realserver(ret_in, ret_desired);
	desired_cap(ret_desired, ret_in, s->realservers[realserver].proven, cap);
}

void agent_want(const struct agent *a, uint32_t realserver)
{
	struct state *s = a->state;
	const struct layout_realserver *l = &s->layout->realservers[realserver];
	struct realserver_state *rs = &s->realservers[realserver];
	struct desired_input in;
	struct desired d;
	uint32_t i;

	input_of(a, realserver, &in);
	desired_realserver(&in, &d);
	rs->weight = d.weight;
	for (i = l->first_dest_link; i < l->first_dest_link + l->n_dest_links; i++) {
		struct dest_state *dest = &s->dests[s->layout->dest_links[i]];
		struct desired capped = d;

		desired_cap(&capped, &in, rs->proven, cap_of(dest));
		dest->want = capped.weight;
	}
}

/* Would it take a new connection somewhere? */
static bool available(const struct state *s, uint32_t realserver)
{
	const struct layout_realserver *l = &s->layout->realservers[realserver];
	uint32_t i;

	for (i = l->first_dest_link; i < l->first_dest_link + l->n_dest_links; i++)
		if (s->dests[s->layout->dest_links[i]].want > 0)
			return true;
	return false;
}

void agent_count(struct state *s, uint32_t service)
{
	const struct layout_service *svc = &s->layout->services[service];
	struct service_state *st = &s->services[service];
	uint32_t i;

	st->available = 0;
	st->configured = 0;
	for (i = svc->first_realserver; i < svc->first_realserver + svc->n_realservers; i++) {
		const struct realserver_conf *c = s->layout->realservers[i].conf;

		st->available += available(s, i);
		st->configured += c->enabled && c->weight && !c->backup;
	}
}

/* Panic can be told: what was held before the start counts as ever from now on. */
static void confirm_holds(const struct agent *a, uint32_t service)
{
	const struct layout_service *svc = &a->state->layout->services[service];
	struct hold *h;
	uint32_t i;

	for (i = svc->first_realserver; i < svc->first_realserver + svc->n_realservers; i++)
		for (h = holds_of(a->holds, svc->conf->head.name,
				  a->state->layout->realservers[i].conf->name);
		     h; h = h->next)
			h->restored = false;
}

static void decide_service(struct agent *a, uint32_t service)
{
	const struct layout_service *svc = &a->state->layout->services[service];
	struct reconcile_stats stats;
	uint32_t i;

	judge_panic(a->state, service);
	if (!a->state->services[service].undecided)
		confirm_holds(a, service);
	for (i = svc->first_realserver; i < svc->first_realserver + svc->n_realservers; i++)
		agent_want(a, i);
	reconcile_stats(a->reconcile, &stats);
	remedy_service(a->remedy, a->state, service, stats.kernel_known, clock_wall_ms());
	agent_count(a->state, service);
}

void agent_decide(struct agent *a)
{
	struct state *s = a->state;
	uint32_t *touched = NULL;
	uint32_t n_touched = 0, round, i;

	for (round = 0; s->n_dirty && round < ROUNDS; round++) {
		uint32_t n = s->n_dirty;
		uint32_t *now = malloc(n * sizeof(*now));
		uint32_t *grown = reallocarray(touched, n_touched + n, sizeof(*touched));

		if (grown)
			touched = grown;
		if (!now || !grown) {
			free(now);
			break; /* still dirty: the next turn tries again */
		}
		for (i = 0; i < n; i++) {
			now[i] = s->dirty[i];
			s->services[now[i]].dirty = false;
			touched[n_touched++] = now[i];
		}
		s->n_dirty = 0;
		for (i = 0; i < n; i++)
			decide_service(a, now[i]);
		free(now);
	}
	if (s->n_dirty && round == ROUNDS)
		log_event(LOG_ERROR, "decisions did not settle, going on in the next turn");
	for (i = 0; i < n_touched; i++)
		reconcile_service(a->reconcile, touched[i]);
	reconcile_flush(a->reconcile);
	free(touched);
}
