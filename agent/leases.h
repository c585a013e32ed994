/* leases.h: what alerts come to: holds that last as long as their alert does, or until
 * nobody has repeated it for the rule's ttl. A request is read and resolved to realservers
 * by whoever has the time; what follows from it is judged on the loop, alert by alert. */
#ifndef AGENT_LEASES_H
#define AGENT_LEASES_H

#include "agent/holds/alert.h"
#include "agent/holds/hold.h"
#include "agent/model/layout.h"

struct rule_conf;

enum {
	/* So long after it was resolved a copy of an alert is a late one: a peer of
	 * Alertmanager's cluster waits 15 s before it sends what it takes to be unsent. */
	LEASE_LATE_MS = 30000,
	LEASE_SKEW_MS = 3600000,   /* that clocks may differ by */
	LEASE_RENEW_MS = 60000,    /* an end that moves by less is not recorded anew */
	LEASE_MEMORY_MS = 3600000, /* so long the last episode of an alert is remembered */
	LEASE_MEMORY_MAX = 10000,  /* … of so many alerts */
};

/* An alert of a request, and whom it is about. */
struct lease_alert {
	const struct alert *alert;
	uint32_t first, n; /* of the request's matches */
	bool known;        /* some rule goes by its name */
	enum alert_outcome outcome;
	struct buf why; /* of ignored and refused */
};

struct lease_match {
	const struct rule_conf *rule;
	uint32_t realserver;
};

struct lease_request {
	struct layout *layout; /* that its matches are of; a reference */
	struct alerts *alerts;
	struct lease_alert *list; /* alerts->n of them */
	struct lease_match *matches;
	uint32_t n_matches, room, n_new;
};

/* From the body of a request. From every thread. -EINVAL, -E2BIG: `why` says what;
 * -ENOMEM. */
int lease_request_new(const char *text, size_t len, struct layout *l, struct buf *why,
		      struct lease_request **ret_request);
void lease_request_free(struct lease_request *rq);
/* The same for another layout, from an alert on: what those were matched to is forgotten.
 * -ENOMEM. */
int lease_request_match(struct lease_request *rq, struct layout *l, uint32_t first);
/* What came of it, as JSON: {"recorded":n,…}. -ENOMEM. */
int lease_request_answer(const struct lease_request *rq, struct buf *out);

/* What is remembered of alerts. */
struct leases;
int leases_new(struct leases **ret_leases);
void leases_free(struct leases *ls);
/* An alert's hold was placed, or ended. */
void leases_note(struct leases *ls, const struct hold *h, bool ended, int64_t now_wall_ms);

/* What is to be done: a hold like that is to be placed (or renewed), or one lifted. */
struct lease_do {
	void (*place)(void *arg, const struct hold *like);
	void (*lift)(void *arg, const char *id);
	void *arg;
};

/* Judges one alert of a request, whose layout must be the one in force, and has done what
 * follows; its outcome is in rq->list then. While `frozen` what acts goes on acting, with
 * an end that has passed. */
void leases_judge(struct leases *ls, struct lease_request *rq, uint32_t alert,
		  const struct holds *holds, bool frozen, int64_t now_wall_ms,
		  const struct lease_do *todo);

#endif
