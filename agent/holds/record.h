/* record.h: one line of the ledger: "CRC32 SEQUENCE {json}\n". The checksum covers
 * all that follows it, so any flipped bit is seen; the sequence shows what is
 * missing, doubled or out of place. Line 0 is the header, which names the format. */
#ifndef HOLDS_RECORD_H
#define HOLDS_RECORD_H

#include "agent/holds/hold.h"
#include "agent/ipvs/ipvs.h"

enum {
	/* Of the file; a higher one is a newer agent's. 1: before operators could freeze,
	 * admit and replace; 2: before there were facts. They lack what is for it, and are
	 * read as they are. */
	RECORD_FORMAT = 3,
	RECORD_MAX = 64 * 1024, /* bytes of a line, newline included */
};

enum record_type {
	RECORD_PLACE = 0,
	RECORD_LIFT,
	RECORD_OWN,
	RECORD_DISOWN,
	RECORD_FACT,
	RECORD_NODE, /* who we are to peers */
	RECORD_SEEN, /* so far a node's holds are known (holds/seen.h) */
	RECORD_N_TYPES,
};

struct record {
	enum record_type type;
	struct hold *hold;   /* place; owned */
	char *id;            /* lift: the hold's; a fact's name; node, seen: the node's; owned */
	char *value;         /* of a fact, "" = it ends; owned */
	uint64_t number;     /* seen */
	struct ipvs_key key; /* own, disown */
};

/* Frees what it owns and zeroes it. */
void record_fini(struct record *r);

/* Append a whole line. -EMSGSIZE for a name of over 256 bytes, -EINVAL for what
 * reading would refuse, -ENOMEM; on failure `out` is as it was. A reason is cut at 8 KB;
 * text that is not UTF-8 is written with '?'. */
int record_put_header(struct buf *out);
int record_put_place(struct buf *out, uint64_t sequence, const struct hold *hold);
int record_put_lift(struct buf *out, uint64_t sequence, const char *id);
int record_put_own(struct buf *out, uint64_t sequence, const struct ipvs_key *key);
int record_put_fact(struct buf *out, uint64_t sequence, const char *name, const char *value);
int record_put(struct buf *out, uint64_t sequence, const struct record *r);

/* Read a line without its newline. -EBADMSG: damaged, `why` says how; -EPROTONOSUPPORT:
 * whole, but a newer agent's; -ENOMEM. */
int record_read_header(const char *line, size_t len, struct buf *why);
int record_read(const char *line, size_t len, uint64_t sequence, struct buf *why,
		struct record *ret_record);

#endif
