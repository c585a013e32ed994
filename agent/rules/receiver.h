/* receiver.h: inside of the notifier: one receiver with its queue. For notifier.c alone. */
#ifndef RULES_RECEIVER_H
#define RULES_RECEIVER_H

#include "agent/rules/notifier.h"

struct children;
struct item;
struct loop_timer;
struct notify_conf;

/* A notice as text, shared by all whom it is told. */
struct payload {
	unsigned int refs;
	enum notice_kind kind;
	char *subject; /* "web/web1": its order is kept */
	struct notice_text text;
};

/* NULL is fine. */
void payload_unref(struct payload *p);

/* What all receivers share. */
struct receiver_env {
	struct loop *loop;
	struct fetch_multi *fetches;
	struct children *children;
	int64_t backoff_ms;         /* before the second attempt */
	uint64_t random;            /* never 0 */
	bool stopping;              /* no attempt is repeated */
	void (*on_idle)(void *arg); /* a receiver has nothing more to do; never frees one */
	void *arg;
};

struct receiver {
	struct receiver *next;
	struct receiver_env *env;
	const struct action *action;
	char *name;                     /* the section's; "" = there is none */
	const struct notify_conf *conf; /* NULL = there is none */
	struct item *first, **last;     /* waiting */
	struct item *running;
	struct loop_timer *timer; /* of the pause */
	bool paused, pumping;
	struct notifier_row row;
};

/* -ENOMEM. */
int receiver_new(struct receiver_env *env, const struct action *action, const char *name,
		 const struct notify_conf *conf, struct receiver **ret_receiver);
/* Drops all. */
void receiver_free(struct receiver *r);

/* Queues it, or drops it where the queue is full or its section does not ask for it. */
void receiver_tell(struct receiver *r, struct payload *p, const char *argument);
/* Puts a reload's section in the place of the old one. */
void receiver_conf(struct receiver *r, const struct notify_conf *conf);
/* Ends a pause. */
void receiver_flush(struct receiver *r);
/* Cancels what is under way, drops what waits, counts both. */
void receiver_drop_all(struct receiver *r);

static inline bool receiver_idle(const struct receiver *r)
{
	return !r->first && !r->running;
}

#endif
