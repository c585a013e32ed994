/* share.h: PURE: the document in which a director tells a peer all that it holds, as JSON
 * (ipvs-agent-api(7)), to and from values. It is whole or it is not told: what is not in
 * it counts as ended. */
#ifndef HOLDS_SHARE_H
#define HOLDS_SHARE_H

#include "agent/holds/merge.h"

enum {
	SHARE_VERSION = 1,
	SHARE_HOLDS_MAX = 5000,
	SHARE_BYTES_MAX = 8 * 1024 * 1024,
	SHARE_TAG_MAX = 64,
	SHARE_HOLDER_MAX = 128, /* bytes, with whatever directors it came through */
};

struct share {
	char node[SEEN_NODE_LEN + 1];
	char *tag;            /* of what it says: see `unchanged` */
	bool unchanged;       /* it says what it said under that tag: no more is in it */
	int64_t now_wall_ms;  /* its clock */
	struct seen_set seen; /* "" never */
	struct hold **holds;  /* each with an origin and a number */
	size_t n;
};
void share_fini(struct share *s);
/* That, for merge(). */
struct merge_side share_side(const struct share *s);

/* Appends. -E2BIG: there are more holds than a peer would take; -EMSGSIZE and -EINVAL: one
 * cannot be told; -ENOMEM. */
int share_write(const struct merge_side *side, const char *tag, int64_t now_wall_ms,
		struct buf *out);
/* … that nothing has changed since `tag`. */
int share_write_unchanged(const char *node, const char *tag, int64_t now_wall_ms, struct buf *out);

/* Members that are unknown are left alone. -EINVAL, -EPROTONOSUPPORT (another version):
 * `why` says what; -ENOMEM. */
int share_read(const char *text, size_t len, struct buf *why, struct share *ret_share);

#endif
