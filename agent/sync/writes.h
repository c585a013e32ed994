/* writes.h: sends batches to the kernel and takes their results into the state: what
 * was written, what was refused, what is ours now. */
#ifndef SYNC_WRITES_H
#define SYNC_WRITES_H

#include <sys/queue.h>

#include "agent/holds/ledger.h"
#include "agent/sync/batch.h"

struct owned;
struct removal;
struct sent;

/* Writes that the kernel took, and that it refused. */
struct write_stats {
	uint64_t done[IPVS_N_OPS], refused[IPVS_N_OPS];
};

LIST_HEAD(sent_list, sent);

struct writes {
	struct ipvs_port *port;
	struct ledger *ledger; /* may be NULL */
	struct owned *owned;
	struct state *state; /* the one in force */
	struct write_stats stats;
	void (*refused)(void *arg); /* the kernel refused something: look again soon */
	void *arg;
	uint32_t under_way;
	int64_t back_us;       /* when the last one came back (monotonic) */
	struct sent_list sent; /* those under way */
	struct removal *removal;
};

/* Takes the batch, whatever comes of it. done(done_arg, batch) comes on the loop
 * once the results are taken in, with the batch borrowed; not when -errno is
 * returned. */
int writes_send(struct writes *w, struct batch *b, bool urgent,
		void (*done)(void *arg, struct batch *b), void *done_arg);

/* Was anything written since then, or is it about to be? */
bool writes_since(const struct writes *w, int64_t since_us);

/* Does a destination need a write at once? Fills the item. What left the file is not
 * urgent: passes let it go. */
bool writes_dest_differs(const struct state *s, uint32_t dest, struct diff_item *ret_item);

/* Notes that a service is ours, or is no more, in the ledger too. */
void writes_own(struct writes *w, const struct ipvs_key *key);
void writes_disown(struct writes *w, const struct ipvs_key *key);
/* After a complete reading. What the file names is ours from the moment it is seen. What
 * it does not name, and somebody else has deleted, is ours no more: whoever makes it anew
 * may have it. */
void writes_own_found(struct writes *w, const struct reading *rd);

/* Deletes all that is ours, or our lanes alone; fn(arg) comes once it was tried. */
int writes_remove(struct writes *w, bool lanes_only, void (*fn)(void *arg), void *arg);

/* Frees what the port took and never handed back; the port must be gone. */
void writes_fini(struct writes *w);

#endif
