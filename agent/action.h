/* action.h: the door for what may be asked when a rule fires. Actions ask: they say
 * which effect a hold shall have, or tell somebody, and never touch the kernel. */
#ifndef AGENT_ACTION_H
#define AGENT_ACTION_H

#include "agent/base/buf.h"

enum action_kind {
	ACTION_HOLD = 0, /* a hold on the realserver */
	ACTION_FALLBACK, /* a state of the whole service: a hold on its realserver "*" */
	ACTION_TELL,     /* asks nothing of the kernel: tells people, or starts a program */
};

struct teller;

struct action {
	const char *name;  /* the first word of `action = …` */
	const char *usage; /* name and argument, for messages: "reweight N%" */
	const char *help;
	enum action_kind kind;
	/* From the words behind the name, "" where there are none; -EINVAL with a reason.
	 * The effect of the hold to place (holds/hold.h); of ACTION_TELL 0, for it only
	 * says whether the words are in order. */
	int (*effect)(const char *argument, struct buf *why, int *ret_effect);
	/* The type of section that the argument is the name of, "notify"; NULL = none. */
	const char *refers;
	const struct teller *teller; /* of ACTION_TELL: how it tells (agent/tell.h) */
};

#endif
