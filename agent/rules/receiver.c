/* receiver.c: one receiver's queue. It has a few attempts under way, and a pause after
 * one that is worth another. A receiver of webhooks has one under way, so its order is
 * that of the events; programs run side by side but for two of the same command about
 * the same realserver: a script never sees a release overtake its hold. */
#include "agent/rules/receiver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/action.h"
#include "agent/base/attr.h"
#include "agent/base/log.h"
#include "agent/base/loop.h"
#include "agent/tell.h"

enum {
	BACKOFF_DOUBLINGS = 6, /* a minute and a bit */
	WISH_MAX_MS = 5 * 60 * 1000,
	/* of receivers without a section */
	MAX_QUEUE = 256,
	RETRIES = 3,
};

struct item {
	struct item *next;
	struct receiver *receiver;
	struct payload *payload;
	char *argument;
	uint32_t attempts;
	struct tell_run run;
	max_align_t state[];
};

/* --- items -------------------------------------------------------------------- */

void payload_unref(struct payload *p)
{
	if (!p || --p->refs)
		return;
	notice_text_fini(&p->text);
	free(p->subject);
	free(p);
}

static void item_free(struct item *it)
{
	if (!it)
		return;
	payload_unref(it->payload);
	free(it->argument);
	free(it);
}

static struct item *item_new(struct receiver *r, struct payload *p, const char *argument)
{
	struct item *it = calloc(1, sizeof(*it) + r->action->teller->run_size);

	if (!it)
		return NULL;
	it->receiver = r;
	it->argument = strdup(argument);
	if (!it->argument) {
		free(it);
		return NULL;
	}
	it->payload = p;
	p->refs++;
	it->run = (struct tell_run){ .conf = r->conf,
				     .argument = it->argument,
				     .body = p->text.json,
				     .body_len = p->text.json_len,
				     .env = (const char *const *)p->text.env,
				     .fetches = r->env->fetches,
				     .children = r->env->children,
				     .state = it->state };
	return it;
}

static void wait_last(struct receiver *r, struct item *it)
{
	it->next = NULL;
	*r->last = it;
	r->last = &it->next;
	r->row.waiting++;
}

static void wait_first(struct receiver *r, struct item *it)
{
	it->next = r->first;
	if (!r->first)
		r->last = &it->next;
	r->first = it;
	r->row.waiting++;
}

static struct item *wait_take(struct receiver *r, struct item **at)
{
	struct item *it = *at;

	*at = it->next;
	if (!it->next)
		r->last = at;
	it->next = NULL;
	r->row.waiting--;
	return it;
}

/* Another program of the same command is under way about the same realserver. */
static bool must_wait(const struct receiver *r, const struct item *it)
{
	const struct item *other;

	for (other = r->running; other; other = other->next)
		if (!strcmp(other->payload->subject, it->payload->subject) &&
		    !strcmp(other->argument, it->argument))
			return true;
	return false;
}

static void log_item(enum log_level level, const char *msg, const struct item *it, const char *text)
{
	log_event(level, msg, LOG_STR("action", it->receiver->action->name),
		  LOG_STR("to", it->argument),
		  LOG_STR("event", notice_kind_names[it->payload->kind]),
		  LOG_STR("about", it->payload->subject), LOG_INT("attempts", it->attempts),
		  LOG_STR("reason", text ? text : ""));
}

/* --- receivers ---------------------------------------------------------------- */

static uint32_t max_queue(const struct receiver *r)
{
	return r->conf ? r->conf->max_queue : MAX_QUEUE;
}

static uint32_t max_retries(const struct receiver *r)
{
	return r->conf ? r->conf->retries : RETRIES;
}

/* One that ends within its start() comes back here through tell_done(), whose own
 * pump() then does nothing. */
static void pump(struct receiver *r)
{
	const struct teller *how = r->action->teller;
	struct item **at, *it;

	if (r->pumping)
		return;
	r->pumping = true;
	at = &r->first;
	while (*at && !r->paused && r->row.running < how->at_once) {
		if (must_wait(r, *at)) {
			at = &(*at)->next;
			continue;
		}
		it = wait_take(r, at);
		it->next = r->running;
		r->running = it;
		r->row.running++;
		it->attempts++;
		memset(it->state, 0, how->run_size);
		how->start(&it->run);
		at = &r->first; /* the queue may be another one now */
	}
	r->pumping = false;
	if (receiver_idle(r) && r->env->on_idle)
		r->env->on_idle(r->env->arg);
}

static void on_pause_over(void *arg)
{
	struct receiver *r = arg;

	r->paused = false;
	pump(r);
}

void receiver_drop_all(struct receiver *r)
{
	uint64_t before = r->row.dropped;
	struct item *it;

	while ((it = r->running)) {
		r->action->teller->cancel(&it->run);
		r->running = it->next;
		r->row.running--;
		r->row.dropped++;
		item_free(it);
	}
	while (r->first) {
		item_free(wait_take(r, &r->first));
		r->row.dropped++;
	}
	if (r->row.dropped != before)
		log_event(LOG_WARN, "notifications dropped", LOG_STR("action", r->action->name),
			  LOG_STR("to", r->name), LOG_INT("count", r->row.dropped - before));
}

void receiver_free(struct receiver *r)
{
	receiver_drop_all(r);
	loop_timer_free(r->timer);
	free(r->name);
	free(r);
}

int receiver_new(struct receiver_env *env, const struct action *action, const char *name,
		 const struct notify_conf *conf, struct receiver **ret_receiver)
{
	struct receiver *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->last = &r->first;
	r->env = env;
	r->action = action;
	r->conf = conf;
	r->name = strdup(name);
	if (!r->name || loop_timer_new(env->loop, "notifier", on_pause_over, r, &r->timer)) {
		free(r->name);
		free(r);
		return -ENOMEM;
	}
	*ret_receiver = r;
	return 0;
}

/* --- the end of an attempt ---------------------------------------------------- */

/* xorshift: enough to keep many directors from knocking in step. */
static uint64_t next_random(struct receiver_env *env)
{
	env->random ^= env->random << 13;
	env->random ^= env->random >> 7;
	env->random ^= env->random << 17;
	return env->random;
}

/* Half of it is certain, half is chance. */
static int64_t pause_ms(struct receiver *r, const struct item *it, int64_t wish_ms)
{
	uint32_t doublings = it->attempts - 1;
	int64_t pause = r->env->backoff_ms
			<< (doublings < BACKOFF_DOUBLINGS ? doublings : BACKOFF_DOUBLINGS);

	pause = pause / 2 + (int64_t)(next_random(r->env) % (uint64_t)(pause / 2 + 1));
	if (wish_ms > WISH_MAX_MS)
		wish_ms = WISH_MAX_MS;
	return pause > wish_ms ? pause : wish_ms;
}

static void unlink_running(struct receiver *r, struct item *it)
{
	struct item **at = &r->running;

	while (*at != it)
		at = &(*at)->next;
	*at = it->next;
	r->row.running--;
}

static void settle(struct receiver *r, struct item *it, const struct tell_report *report)
{
	if (report->outcome == TELL_AGAIN && it->attempts <= max_retries(r) && !r->env->stopping) {
		r->row.retried++;
		log_item(it->attempts == 1 ? LOG_INFO : LOG_DEBUG, "notification delayed", it,
			 report->text);
		wait_first(r, it);
		r->paused = true;
		loop_timer_start(r->timer, pause_ms(r, it, report->after_ms));
		return;
	}
	if (report->outcome == TELL_SENT) {
		r->row.sent++;
		log_item(report->text && *report->text ? LOG_INFO : LOG_DEBUG, "notification sent",
			 it, report->text);
	} else {
		r->row.failed++;
		log_item(LOG_WARN, "notification failed", it, report->text);
	}
	item_free(it);
}

void tell_done(struct tell_run *run, const struct tell_report *report)
{
	struct item *it = container_of(run, struct item, run);
	struct receiver *r = it->receiver;

	unlink_running(r, it);
	settle(r, it, report);
	pump(r);
}

/* --- what the notifier asks ---------------------------------------------------- */

void receiver_tell(struct receiver *r, struct payload *p, const char *argument)
{
	struct item *it;

	if (r->conf && !(r->conf->events & (1u << p->kind)))
		return;
	it = r->row.waiting < max_queue(r) ? item_new(r, p, argument) : NULL;
	if (!it) {
		r->row.dropped++;
		log_event(LOG_WARN, "notification dropped", LOG_STR("action", r->action->name),
			  LOG_STR("to", argument), LOG_STR("event", notice_kind_names[p->kind]),
			  LOG_STR("about", p->subject), LOG_INT("waiting", r->row.waiting));
		return;
	}
	wait_last(r, it);
	pump(r);
}

void receiver_conf(struct receiver *r, const struct notify_conf *conf)
{
	struct item *it;

	r->conf = conf;
	for (it = r->first; it; it = it->next)
		it->run.conf = conf;
	for (it = r->running; it; it = it->next)
		it->run.conf = conf;
}

void receiver_flush(struct receiver *r)
{
	loop_timer_stop(r->timer);
	r->paused = false;
	pump(r);
}
