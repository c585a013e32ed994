/* command.h: typed requests of operators, run on the loop; http posts them. */
#ifndef AGENT_COMMAND_H
#define AGENT_COMMAND_H

#include "agent/base/buf.h"

struct view;

enum command_kind {
	COMMAND_RELOAD = 0, /* read the configuration again */
	COMMAND_ROUND,      /* a snapshot no older than max_age_ms */
	COMMAND_EXPLAIN,    /* target → JSON */
	COMMAND_HOLD,       /* places an operator's holds on a target → JSON of them */
	COMMAND_LIFT,       /* ends an operator's or an alert's holds → JSON of them */
	COMMAND_HOLDS,      /* → JSON of all that are in force or wait */
	COMMAND_FREEZE,     /* no rule and no alert changes anything → JSON */
	COMMAND_THAW,       /* … any more → JSON */
	COMMAND_RULES,      /* → JSON of rules and what they are doing */
	COMMAND_PROBE,      /* attempts, now → JSON of how they ended */
	COMMAND_ROLE,       /* → JSON of the role, the VIPs and the sync daemons */
	COMMAND_SET_ROLE,   /* only: master, backup or fault → the same */
	COMMAND_ALERTS,     /* Alertmanager's webhook, v4: body → JSON of what was recorded */
	COMMAND_PEER,       /* → JSON of what is held, for a peer; target = its tag, or NULL */
	COMMAND_PEERS,      /* → JSON of the peers */
};

enum command_status {
	COMMAND_OK = 0,
	COMMAND_INVALID,     /* the request makes no sense: text says why */
	COMMAND_NOT_FOUND,   /* no such target: text names the nearest */
	COMMAND_REFUSED,     /* an errored configuration: text says which */
	COMMAND_CONFLICT,    /* a guard refuses it, reply.guard names it; or it is ambiguous */
	COMMAND_UNAVAILABLE, /* it cannot be recorded now: ask again */
	COMMAND_FAILED,      /* our fault */
	COMMAND_STOPPING,
};

#define COMMAND_MAX_AGE INT64_C(-1) /* … as [metrics] max_age says */

/* Strings are malloc'd; NULL = not given. */
struct command {
	enum command_kind kind;
	char *target;       /* explain, hold, lift, probe */
	int64_t max_age_ms; /* round; or … */
	char *who;          /* who asks, as he was authenticated: for the log and the journal */
	char *holder;       /* hold, lift, freeze: in whose name; NULL = who */
	char *reason;       /* hold, freeze */
	char *id;           /* lift: that one */
	/* lift: drain, weight or admit; holds: of that class; probe: its name; set role: which */
	char *only;
	int effect;       /* hold: as in holds/hold.h */
	uint32_t weight;  /* … of HOLD_REPLACE and HOLD_REPLACE_SHARE */
	int64_t ttl_ms;   /* hold, freeze: its end from now on; 0 = none */
	int64_t drain_ms; /* hold at 0: when it is late; 0 = the service's drain_timeout */
	bool force;       /* hold: whatever the guards say */
	bool all;         /* lift: of whatever operator */
	bool count;       /* probe: towards rise and fall */
	struct buf body;  /* alerts; taken over as the strings are */
};

/* Frees what it owns and zeroes it. */
void command_fini(struct command *cmd);

struct command_reply {
	enum command_status status;
	struct buf text;   /* JSON of explain, or a message for people */
	struct view *view; /* of round: a reference for the receiver; else NULL */
	const char *guard; /* of a conflict: the slug of the guard; NULL = none */
};

/* fn is called once, on the loop thread; the reply is borrowed for the call (take
 * the text by buf_take(), the view by setting it to NULL). */
typedef void command_fn(void *arg, struct command_reply *reply);

/* What http needs of the agent; callable from every thread. */
struct agent_door {
	void *agent;
	/* Takes over what *cmd owns. -ENOMEM or -ESHUTDOWN: fn is not called, and it is the
	 * caller's still. */
	int (*post)(void *agent, struct command *cmd, command_fn *fn, void *arg);
	/* A reference on the latest snapshot; NULL = there is none, for nobody has asked
	 * for one of late: see COMMAND_ROUND. */
	struct view *(*view)(void *agent);
	/* Has the kernel's table been read, at least once? */
	bool (*was_read)(void *agent);
};

#endif
