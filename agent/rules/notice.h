/* notice.h: PURE: one thing that is told to the outside, as JSON for a webhook and a
 * program's standard input, and as a program's environment. One table names the
 * fields; ipvs-agent-notify(7) explains each of them. */
#ifndef RULES_NOTICE_H
#define RULES_NOTICE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order of the bits of [notify] events: bit = 1 << kind. */
enum notice_kind {
	NOTICE_HOLD = 0, /* a rule placed a hold */
	NOTICE_RELEASE,  /* a rule's hold ended */
	NOTICE_REFUSED,  /* a guard refused a rule's hold */
	NOTICE_PANIC,    /* no realserver of a service is up, or one is again */
	NOTICE_FREEZE,   /* an operator froze the agent, or thawed it */
	NOTICE_DRAIN,    /* how far a drain is has changed */
	NOTICE_N_KINDS,
};
extern const char *const notice_kind_names[NOTICE_N_KINDS]; /* "hold", … */

enum { NOTICE_NO_EFFECT = INT_MIN, NOTICE_NO_WEIGHT = -1 };

/* NULL, NOTICE_NO_EFFECT and NOTICE_NO_WEIGHT stand where a field does not apply;
 * NOTICE_INIT sets them all. All is borrowed. */
struct notice {
	enum notice_kind kind;
	bool active;  /* false: a release; the end of panic, of freeze; not drained */
	bool dry_run; /* nothing was done: the rule's enforce = dry-run */
	int64_t wall_ms;
	const char *id, *host; /* notifier_tell() sets them */
	const char *rule, *service, *realserver;
	const char *address;                                    /* the realserver's */
	int effect;                                             /* of the hold (holds/hold.h) */
	int64_t configured_weight, weight_before, weight_after; /* below 0 = absent */
	const char *guard;                                      /* that refused */
	const char *drain;                                      /* the state of a drain, … */
	const char *holder;                                     /* … and whose it is */
	const char *reason;                                     /* for people */
};

#define NOTICE_INIT                                                                                \
	((struct notice){ .effect = NOTICE_NO_EFFECT,                                              \
			  .configured_weight = NOTICE_NO_WEIGHT,                                   \
			  .weight_before = NOTICE_NO_WEIGHT,                                       \
			  .weight_after = NOTICE_NO_WEIGHT })

enum { NOTICE_VERSION = 1 }; /* of the payload: grows when a field changes its meaning */

enum notice_type {
	NOTICE_TEXT = 0, /* string or null */
	NOTICE_WEIGHT,   /* integer or null */
	NOTICE_BOOL,
	NOTICE_TIME, /* RFC 3339 in UTC, with milliseconds */
	NOTICE_EFFECT,
	NOTICE_EVENT,
	NOTICE_CONSTANT, /* the version */
};

/* In the environment "configured_weight" is IPVS_AGENT_CONFIGURED_WEIGHT, with "" for
 * null. */
struct notice_field {
	const char *name;
	enum notice_type type;
	size_t offset;
};
extern const struct notice_field notice_fields[];
extern const size_t notice_n_fields;

struct notice_text {
	char *json;
	size_t json_len;
	char **env; /* NULL-terminated; with PATH and LANG */
};

/* What is no UTF-8 becomes '?', texts are cut at 1,024 bytes. -ENOMEM. */
int notice_render(const struct notice *n, struct notice_text *ret_text);
void notice_text_fini(struct notice_text *t);

#endif
