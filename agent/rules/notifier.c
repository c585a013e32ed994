/* notifier.c: queues between rules, which must not wait, and receivers, which may. A
 * receiver is a [notify] section, or all programs of exec together (rules/receiver.c);
 * here is who is told what. */
#include "agent/rules/notifier.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>

#include "agent/action.h"
#include "agent/base/buf.h"
#include "agent/base/child.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/loop.h"
#include "agent/rules/notify_conf.h"
#include "agent/rules/receiver.h"
#include "agent/rules/rule_conf.h"

enum { BACKOFF_MS = 1000, MAX_CHILDREN = 16 };

struct notifier {
	struct notifier_params params;
	struct receiver_env env;
	struct receiver *receivers;
	struct utsname machine;
	int64_t origin_wall_ms;
	uint64_t told; /* notices: their ids */
	bool standby;
	struct loop_timer *stop_timer;
	void (*stop_fn)(void *arg);
	void *stop_arg;
};

/* --- notices as text ---------------------------------------------------------- */

static struct payload *payload_new(struct notifier *n, const struct notice *notice)
{
	struct notice full = *notice;
	struct payload *p = calloc(1, sizeof(*p));
	struct buf id = BUF_INIT, subject = BUF_INIT;

	if (!p)
		return NULL;
	p->refs = 1;
	p->kind = notice->kind;
	/* unique over restarts, so that a receiver knows a repetition */
	buf_printf(&id, "%llx-%llu", (unsigned long long)n->origin_wall_ms,
		   (unsigned long long)++n->told);
	full.id = buf_str(&id);
	full.host = n->params.host ? n->params.host : n->machine.nodename;
	buf_printf(&subject, "%s/%s", notice->service ? notice->service : "",
		   notice->realserver ? notice->realserver : "");
	p->subject = buf_take(&subject);
	if (!buf_ok(&id) || !p->subject || notice_render(&full, &p->text)) {
		payload_unref(p);
		p = NULL;
	}
	buf_fini(&id);
	return p;
}

/* --- receivers ---------------------------------------------------------------- */

static struct receiver *receiver_find(const struct notifier *n, const struct action *action,
				      const char *name)
{
	struct receiver *r;

	for (r = n->receivers; r; r = r->next)
		if (r->action == action && !strcmp(r->name, name))
			return r;
	return NULL;
}

static struct receiver *receiver_add(struct notifier *n, const struct action *action,
				     const char *name, const struct notify_conf *conf)
{
	struct receiver **end = &n->receivers, *r;

	if (receiver_new(&n->env, action, name, conf, &r))
		return NULL;
	while (*end)
		end = &(*end)->next;
	*end = r;
	return r;
}

static bool all_idle(const struct notifier *n)
{
	const struct receiver *r;

	for (r = n->receivers; r; r = r->next)
		if (!receiver_idle(r))
			return false;
	return true;
}

static void on_idle(void *arg)
{
	struct notifier *n = arg;

	if (n->env.stopping && all_idle(n))
		loop_timer_start(n->stop_timer, 0);
}

/* All is told, or the deadline of the stop has passed. */
static void on_stopped(void *arg)
{
	struct notifier *n = arg;
	void (*fn)(void *) = n->stop_fn;
	struct receiver *r;

	for (r = n->receivers; r; r = r->next)
		receiver_drop_all(r);
	n->stop_fn = NULL;
	if (fn)
		fn(n->stop_arg);
}

void notifier_standby(struct notifier *n, bool standby)
{
	if (n)
		n->standby = standby;
}

/* --- telling ------------------------------------------------------------------ */

static void tell_one(const struct notifier *n, struct receiver *r, struct payload *p,
		     const char *argument)
{
	if (!n->standby) {
		receiver_tell(r, p, argument);
		return;
	}
	r->row.standby++;
	log_event(LOG_INFO, "standby: left to the master to tell",
		  LOG_STR("action", r->action->name), LOG_STR("to", r->name));
}

static void tell_by(struct notifier *n, struct payload *p, const struct rule_action *by)
{
	const char *name = by->action->refers ? by->argument : "";
	struct receiver *r = receiver_find(n, by->action, name);

	if (!r && !by->action->refers)
		r = receiver_add(n, by->action, "", NULL);
	if (r)
		tell_one(n, r, p, by->argument);
}

void notifier_tell(struct notifier *n, const struct notice *notice, const struct rule_conf *rule)
{
	struct payload *p;
	struct receiver *r;
	uint32_t i;

	if (n->env.stopping)
		return;
	p = payload_new(n, notice);
	if (!p) {
		log_event(LOG_ERROR, "notification dropped", LOG_ERR(ENOMEM));
		return;
	}
	for (i = 0; rule && i < rule->n_actions; i++)
		if (rule->actions[i].action->teller)
			tell_by(n, p, &rule->actions[i]);
	for (r = rule ? NULL : n->receivers; r; r = r->next)
		if (r->conf)
			tell_one(n, r, p, r->name);
	payload_unref(p);
}

/* --- life --------------------------------------------------------------------- */

int notifier_new(const struct notifier_params *params, struct notifier **ret_notifier)
{
	struct notifier *n = calloc(1, sizeof(*n));
	int r;

	if (!n)
		return -ENOMEM;
	n->params = *params;
	n->env = (struct receiver_env){
		.loop = params->loop,
		.fetches = params->fetches,
		.backoff_ms = params->backoff_ms ? params->backoff_ms : BACKOFF_MS,
		.on_idle = on_idle,
		.arg = n,
	};
	n->origin_wall_ms = clock_wall_ms();
	uname(&n->machine);
	/* without chance the pauses are still right */
	if (getrandom(&n->env.random, sizeof(n->env.random), GRND_NONBLOCK) == -1 || !n->env.random)
		n->env.random = (uint64_t)n->origin_wall_ms | 1;
	r = children_new(params->loop, MAX_CHILDREN, &n->env.children);
	if (!r)
		r = loop_timer_new(params->loop, "notifier stop", on_stopped, n, &n->stop_timer);
	if (r)
		notifier_free(n);
	else
		*ret_notifier = n;
	return r;
}

void notifier_free(struct notifier *n)
{
	struct receiver *r;

	if (!n)
		return;
	while ((r = n->receivers)) {
		n->receivers = r->next;
		receiver_free(r);
	}
	children_free(n->env.children);
	loop_timer_free(n->stop_timer);
	free(n);
}

static const struct notify_conf *conf_of(void *const *confs, size_t n_confs, const char *name)
{
	size_t i;

	for (i = 0; i < n_confs; i++)
		if (!strcmp(((const struct notify_conf *)confs[i])->head.name, name))
			return confs[i];
	return NULL;
}

int notifier_reload(struct notifier *n, void *const *confs, size_t n_confs)
{
	const struct notify_conf *conf;
	struct receiver **at = &n->receivers, *r;
	size_t i;

	while ((r = *at)) {
		conf = r->conf ? conf_of(confs, n_confs, r->name) : NULL;
		if (r->conf && !conf) {
			*at = r->next;
			receiver_free(r);
			continue;
		}
		receiver_conf(r, conf);
		at = &r->next;
	}
	for (i = 0; i < n_confs; i++) {
		conf = confs[i];
		if (!receiver_find(n, n->params.notify, conf->head.name) &&
		    !receiver_add(n, n->params.notify, conf->head.name, conf))
			return -ENOMEM;
	}
	return 0;
}

void notifier_stop(struct notifier *n, int64_t deadline_ms, void (*fn)(void *arg), void *arg)
{
	struct receiver *r;

	n->env.stopping = true;
	n->stop_fn = fn;
	n->stop_arg = arg;
	loop_timer_start(n->stop_timer, all_idle(n) ? 0 : deadline_ms);
	for (r = n->receivers; r; r = r->next)
		receiver_flush(r);
}

bool notifier_row(const struct notifier *n, size_t i, struct notifier_row *ret_row)
{
	const struct receiver *r = n->receivers;

	while (r && i--)
		r = r->next;
	if (!r)
		return false;
	*ret_row = r->row;
	ret_row->action = r->action->name;
	ret_row->name = r->name;
	return true;
}
