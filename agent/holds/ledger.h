/* ledger.h: what outlives the process: holds, and the list of what we manage in
 * the kernel. One append and one fdatasync a request, on a thread of its own;
 * survives kill -9 at any byte. */
#ifndef HOLDS_LEDGER_H
#define HOLDS_LEDGER_H

#include "agent/holds/hold.h"
#include "agent/ipvs/ipvs.h"

struct loop;
struct ledger;

/* What the file said at opening. */
struct ledger_state {
	struct hold **holds; /* taken over by the caller, each by setting it to NULL */
	size_t n_holds;
	struct ipvs_key *owned; /* services that we created or took over */
	size_t n_owned;
	bool damaged;    /* the file was not whole: it was set aside as … */
	char *set_aside; /* … this path; NULL = it was whole */
};
void ledger_state_fini(struct ledger_state *s);

/* Reads state_dir/ledger (a missing one is an empty one; a record cut off at the
 * very end is forgotten, any other damage sets the whole file aside), compacts it
 * by atomic replacement, locks it against a second agent (-EBUSY), and starts the
 * thread. `why` gets the sentence of a failure. */
int ledger_open(const char *state_dir, struct loop *loop, struct buf *why,
		struct ledger_state *ret_state, struct ledger **ret_ledger);
/* Reads only; for plan. Nothing is locked, created or set aside. */
int ledger_read(const char *state_dir, struct buf *why, struct ledger_state *ret_state);
/* Writes what waits, closes, joins. NULL is fine. */
void ledger_free(struct ledger *l);

/* Called on the loop once the record is on disk (0) or could not be written. */
typedef void ledger_fn(void *arg, int error);

/* Each copies what it needs; fn may be NULL. -ENOMEM: fn is not called. */
int ledger_place(struct ledger *l, const struct hold *hold, ledger_fn *fn, void *arg);
int ledger_lift(struct ledger *l, const char *id, ledger_fn *fn, void *arg);
int ledger_own(struct ledger *l, const struct ipvs_key *key, ledger_fn *fn, void *arg);
int ledger_disown(struct ledger *l, const struct ipvs_key *key, ledger_fn *fn, void *arg);

/* False while the last write failed; the thread retries every 5 s and then writes
 * the whole state anew. */
bool ledger_writable(const struct ledger *l);

#endif
