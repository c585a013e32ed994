/* replay.h: what the records of a ledger add up to: the holds that stand and the
 * services that are owned, and facts. The same code reads a file, follows what is appended to
 * it, and writes it anew. */
#ifndef HOLDS_REPLAY_H
#define HOLDS_REPLAY_H

#include "agent/holds/ledger.h"
#include "agent/holds/record.h"
#include "agent/holds/seen.h"

struct replay_owned;
struct replay_fact;

struct replay {
	struct holds *holds;
	struct replay_owned *owned;
	struct replay_fact *facts;
	char node[SEEN_NODE_LEN + 1]; /* "" = nothing is shared with peers */
	struct seen_set seen;
};

/* What the bytes of a file were. */
struct replay_end {
	size_t good;   /* bytes up to the end of the last good record */
	uint64_t next; /* sequence of the record that would follow */
	bool torn;     /* the last record is cut off and was left out */
	bool damaged;  /* anything else is wrong: `why` says where and what */
};

int replay_init(struct replay *p);
void replay_fini(struct replay *p);

/* Takes what the record owns. *ret_old (may be NULL) is the hold that a place
 * replaced, or that a lift ended, then the caller's; NULL where there was none.
 * -EEXIST for another hold's id, -ENOMEM: nothing changed, the record is whole. */
int replay_apply(struct replay *p, struct record *r, struct hold **ret_old);

/* Reads a whole file. 0 also for a damaged one: then nothing of it stands.
 * -EPROTONOSUPPORT (why says it) or -ENOMEM. */
int replay_read(struct replay *p, const char *data, size_t len, struct buf *why,
		struct replay_end *ret_end);

/* Appends the shortest file that adds up to the same. -ENOMEM. */
int replay_write(const struct replay *p, struct buf *out, uint64_t *ret_next);

/* Copies. -ENOMEM. */
int replay_to_state(const struct replay *p, struct ledger_state *ret_state);

#endif
