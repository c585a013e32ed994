/* sse.h: PURE: server-sent events, as they come in pieces. */
#ifndef CLI_SSE_H
#define CLI_SSE_H

#include "agent/base/buf.h"

/* False ends it. */
typedef bool sse_fn(void *arg, const char *event, const char *data);

struct sse {
	sse_fn *fn;
	void *arg;
	struct buf line, event, data; /* under way */
};

void sse_fini(struct sse *s);
/* Takes some bytes; fn is called at the end of each event that has data. False when fn was,
 * or memory is out, or a line has no end (over 1 MB). */
bool sse_feed(struct sse *s, const char *bytes, size_t len);

#endif
