/* ledger.h: what outlives the process: holds, and the list of what we manage in
 * the kernel. One append and one fdatasync a request, on a thread of its own;
 * survives kill -9 at any byte. */
#ifndef HOLDS_LEDGER_H
#define HOLDS_LEDGER_H

#include "agent/holds/hold.h"
#include "agent/holds/seen.h"
#include "agent/ipvs/ipvs.h"

struct loop;
struct ledger;

/* Something that is so until it is said otherwise: the role, an address that is ours. */
struct ledger_fact {
	char *name, *value; /* at most 256 bytes each */
};

/* What the file said at opening. */
struct ledger_state {
	struct hold **holds; /* taken over by the caller, each by setting it to NULL */
	size_t n_holds;
	struct ipvs_key *owned; /* services that we created or took over */
	size_t n_owned;
	struct ledger_fact *facts;
	size_t n_facts;
	char node[SEEN_NODE_LEN + 1]; /* who we are to peers; "" = nobody yet */
	struct seen_set seen;
	/* The file was not whole. Then nothing of it is trusted: no hold stands and nothing
	 * is owned, and there are no facts. The kernel still has the weights that the lost holds
	 * asked for. */
	bool damaged;
	char *damage;    /* "line 17 has a checksum that does not match" */
	char *set_aside; /* the path where it is kept; NULL = it was whole, or was only read */
};
void ledger_state_fini(struct ledger_state *s);

/* Creates state_dir (0750; not its parents), locks it against a second agent (-EBUSY),
 * reads state_dir/ledger (a missing one is an empty one; a record cut off at the very
 * end is forgotten; any other damage sets the whole file aside as
 * ledger.damaged-TIME; a newer agent's is refused with -EPROTONOSUPPORT), compacts it
 * by atomic replacement, and starts the thread. A disk that takes no writes is no
 * failure: ledger_writable() is false then. `why` gets the sentence of a failure. */
int ledger_open(const char *state_dir, struct loop *loop, struct buf *why,
		struct ledger_state *ret_state, struct ledger **ret_ledger);
/* Reads only; for plan. Nothing is locked, created or set aside. */
int ledger_read(const char *state_dir, struct buf *why, struct ledger_state *ret_state);
/* Writes what waits, joins, calls every fn that was not called yet, closes. On the loop
 * thread, or after the loop has ended. NULL is fine. */
void ledger_free(struct ledger *l);

/* Called once on the loop (or from within ledger_free()) when the record is on disk
 * (0), or could not be written (-ENOSPC, -EIO, …), or is refused for what it says
 * (-EEXIST: another hold has the id; -EMSGSIZE, -EINVAL). */
typedef void ledger_fn(void *arg, int error);

/* Each copies what it needs; fn may be NULL. -ENOMEM: fn is not called. Requests are
 * done in their order.
 * Where the disk refuses: the hold of an operator or an alert is forgotten, the caller
 * refuses it too. All else is true whether recorded or not (a rule's hold, an end, what
 * is in the kernel): it is kept in mind and is on disk once ledger_writable() is true
 * again, without another call. */
int ledger_place(struct ledger *l, const struct hold *hold, ledger_fn *fn, void *arg);
int ledger_lift(struct ledger *l, const char *id, ledger_fn *fn, void *arg);
int ledger_own(struct ledger *l, const struct ipvs_key *key, ledger_fn *fn, void *arg);
int ledger_disown(struct ledger *l, const struct ipvs_key *key, ledger_fn *fn, void *arg);
/* A value of "" ends the fact. */
int ledger_fact(struct ledger *l, const char *name, const char *value, ledger_fn *fn, void *arg);
int ledger_node(struct ledger *l, const char *node, ledger_fn *fn, void *arg);
int ledger_seen(struct ledger *l, const char *node, uint64_t number, ledger_fn *fn, void *arg);

/* False while the last write failed; the thread retries every 5 s and then writes
 * the whole state anew. */
bool ledger_writable(const struct ledger *l);

/* Why it is not (-ENOSPC, …); 0 = it is. */
int ledger_error(const struct ledger *l);

#endif
