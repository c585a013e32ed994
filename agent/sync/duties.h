/* duties.h: PURE: what a director does beside its table: which addresses and which sync
 * daemons it should have, which it has, which of them are its own, and what is to be done. */
#ifndef SYNC_DUTIES_H
#define SYNC_DUTIES_H

#include "agent/base/buf.h"
#include "agent/ipvs/daemon.h"
#include "agent/ipvs/route.h"

enum duty_wish { DUTY_OUT = 0, DUTY_IN, DUTY_AS_IS };

/* Why an address is not there, or is left alone. */
enum duty_reason {
	DUTY_FINE = 0,
	DUTY_STANDBY,
	DUTY_UNAVAILABLE,
	DUTY_SETTLING,
	DUTY_NO_INTERFACE,
	DUTY_FOREIGN,
	DUTY_REFUSED,
	DUTY_N_REASONS,
};
struct duty_reason_row {
	const char *slug, *sentence;
};
extern const struct duty_reason_row duty_reasons[DUTY_N_REASONS];

struct duty_want {
	struct addr addr;
	char interface[IFNAMSIZ];
	bool dummy;
	uint8_t wish; /* enum duty_wish */
	uint8_t why;  /* enum duty_reason: of DUTY_OUT and DUTY_AS_IS */
};

/* How it stands with a want. */
struct duty_found {
	bool present, ours;
	uint8_t reason; /* enum duty_reason */
};

/* Something of ours in the kernel; its text is a fact's name in the ledger. */
struct duty_own {
	enum duty_kind { DUTY_ADDR = 0, DUTY_LINK, DUTY_DAEMON, DUTY_N_KINDS } kind;
	struct addr addr;         /* of DUTY_ADDR */
	char interface[IFNAMSIZ]; /* of DUTY_ADDR and DUTY_LINK */
	unsigned int state;       /* of DUTY_DAEMON */
};
/* "vip eth0 10.1.2.3", "link vip0", "sync master". False for another text. */
void duty_own_format(const struct duty_own *own, struct buf *out);
bool duty_own_parse(const char *text, struct duty_own *ret_own);
bool duty_own_same(const struct duty_own *a, const struct duty_own *b);

struct duty_owns {
	struct duty_own *rows;
	size_t n;
};
bool duty_owns_has(const struct duty_owns *o, const struct duty_own *own);
/* What is there already is fine. -ENOMEM. */
int duty_owns_add(struct duty_owns *o, const struct duty_own *own);
void duty_owns_remove(struct duty_owns *o, const struct duty_own *own);

/* What is to be done, in this order. */
struct duty_op {
	enum duty_op_kind { DUTY_MAKE = 0, DUTY_UNDO, DUTY_FORGET } kind; /* forget: it is gone */
	struct duty_own what;
	struct daemon daemon; /* of a daemon that is made */
	int result;
};
struct duty_ops {
	struct duty_op *rows;
	size_t n;
};

struct duty_seen {
	struct route_table routes;
	struct daemon daemons[DAEMON_N];
	bool daemons_known;
};

/* Works it out; found[i] is of wants[i]. What is not ours is never undone. -ENOMEM. */
int duty_diff(const struct duty_want *wants, size_t n, const struct daemon daemons[DAEMON_N],
	      const struct duty_seen *seen, const struct duty_owns *owns, struct duty_found *found,
	      struct duty_ops *ret_ops);

/* Whether it may be said of an address that it serves: with patience, so that it does not
 * come and go with each probe. */
struct duty_steady {
	bool known, serves; /* as it is acted upon */
	bool turning;       /* it is otherwise since: */
	int64_t since_ms;
};
/* `now`: 1 = something on it can serve, 0 = nothing can, below 0 = not known: then all stays.
 * *ret_wait_ms: when to ask again at the latest, or -1. */
enum duty_wish duty_steady(struct duty_steady *s, int now, int64_t now_ms,
			   int64_t withdraw_after_ms, int64_t return_after_ms,
			   int64_t *ret_wait_ms);

#endif
