/* peers_internal.h: what the files of the peers share. */
#ifndef AGENT_PEERS_INTERNAL_H
#define AGENT_PEERS_INTERNAL_H

#include "agent/holds/merge.h"
#include "agent/holds/share.h"
#include "agent/model/view_decisions.h"
#include "agent/peer_conf.h"
#include "agent/peers.h"
#include "agent/rules/guard.h"

struct fetch;
struct fetch_result;
struct loop_timer;

struct peer {
	struct peers *peers;
	const struct peer_conf *conf; /* the configuration's in force */
	char *name, *url;             /* url: asked last */
	struct loop_timer *timer;
	struct fetch *fetch;   /* under way */
	struct exchange *busy; /* what was answered, until it is done */
	char *tag;             /* of what was merged last; NULL = nothing was */
	char node[SEEN_NODE_LEN + 1];
	int64_t asked_wall_ms, asked_mono_ms;
	unsigned int in_a_row;               /* failures */
	bool known, up;                      /* known: it was told that it is up, or away */
	int64_t since_wall_ms, last_wall_ms; /* up or away; the last exchange, 0 = none */
	int64_t skew_ms;                     /* its clock before ours */
	bool skew_told;
	char *why; /* of the last failure; NULL = none */
	uint64_t exchanges, taken, ended, failures[PEER_N_FAILURES];
	struct peer *next;
};

/* What a peer answered: read on the work queue, then done hold by hold. */
struct exchange {
	struct peer *peer; /* NULL = it has gone meanwhile */
	struct peers *peers;
	struct buf body, why;
	struct share share;
	struct merge merge;
	int error;
	bool merging;
	size_t next;      /* step */
	int64_t shift_ms; /* of its clock to ours, where they differ by much */
	char *old;        /* the id of what a renewal by another name replaces */
	bool again;       /* all of it is to be told once more: something may be left */
};

struct peers {
	struct agent *agent;
	struct peer *first;
	struct exchange *merging; /* one at a time */
	char node[SEEN_NODE_LEN + 1];
	bool recorded, recording; /* the ledger has it; is about to */
	bool stopped, unsettled;
	bool waits; /* some operator's may wait for a guard */
	struct seen_set seen;
	uint64_t changes; /* of what we hold */
	uint64_t judged;  /* the number of the last of ours that was judged */
	uint32_t origin;  /* of this process: tags of the one before mean nothing */
	uint64_t refused[N_GUARDS];
};

/* Has who we are recorded, where it is not yet. */
void peers_introduce(struct peers *p);

/* --- peers_fetch.c --- */
void peer_ask(void *arg); /* a timer's */
/* The end of an exchange: PEER_N_FAILURES = a good one; `why` may be NULL. */
void peer_done(struct peer *p, enum peer_failure failure, const char *why);

/* --- peers_take.c --- */
/* Does what follows from an exchange that was read; then it is freed, and done. */
void exchange_merge(struct exchange *x);
void exchange_free(struct exchange *x);
/* All that is shared, in a list that the caller frees; NULL = memory is out. */
const struct hold **peers_holds(const struct peers *p, size_t *ret_n);

/* --- peers_settle.c --- */
/* A peer's that is to be placed: the guard that refuses it beside those before it. */
enum guard peers_judge(const struct peers *p, const struct hold *h);
/* One has come to act: those behind it in the order are judged anew. */
void peers_displace(struct peers *p, const struct hold *first);
void peers_settle(struct peers *p);
/* What was ordered here while a peer's was on its way is judged beside that. */
void peers_judge_own(struct peers *p);
/* Log, journal and figures: a guard refuses it; it acts after all. */
void peers_tell_refused(struct peers *p, const struct hold *h, enum guard guard);

#endif
