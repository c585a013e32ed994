/* command.h: typed requests of operators, run on the loop; http posts them. */
#ifndef AGENT_COMMAND_H
#define AGENT_COMMAND_H

#include "agent/base/buf.h"

struct view;

enum command_kind {
	COMMAND_RELOAD = 0, /* read the configuration again */
	COMMAND_ROUND,      /* a snapshot no older than max_age_ms */
	COMMAND_EXPLAIN,    /* target → JSON */
};

enum command_status {
	COMMAND_OK = 0,
	COMMAND_INVALID,   /* the request makes no sense: text says why */
	COMMAND_NOT_FOUND, /* no such target: text names the nearest */
	COMMAND_REFUSED,   /* a guard, or an errored configuration: text says which */
	COMMAND_FAILED,    /* our fault */
	COMMAND_STOPPING,
};

struct command {
	enum command_kind kind;
	char *target;       /* malloc'd; explain */
	int64_t max_age_ms; /* round */
};

struct command_reply {
	enum command_status status;
	struct buf text;   /* JSON of explain, or a message for people */
	struct view *view; /* of round: a reference for the receiver; else NULL */
};

/* fn is called once, on the loop thread; the reply is borrowed for the call (take
 * the text by buf_take(), the view by setting it to NULL). */
typedef void command_fn(void *arg, struct command_reply *reply);

/* What http needs of the agent; callable from every thread. */
struct agent_door {
	void *agent;
	/* Takes *cmd's strings over. -ENOMEM or -ESHUTDOWN: fn is not called, and the
	 * strings are the caller's still. */
	int (*post)(void *agent, struct command *cmd, command_fn *fn, void *arg);
	/* A reference on the latest snapshot; NULL before the first. */
	struct view *(*view)(void *agent);
};

#endif
