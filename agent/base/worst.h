/* worst.h: PURE: the worst value of the last 10 s, in ten buckets of a second. */
#ifndef BASE_WORST_H
#define BASE_WORST_H

#include <stdint.h>

enum { WORST_SECONDS = 10 };

struct worst {
	struct {
		int64_t second, max; /* all zero = empty */
	} bucket[WORST_SECONDS];
};

void worst_note(struct worst *w, int64_t now_ms, int64_t value);

/* The largest value noted from the second of `since_ms` on, and not before the last
 * 10 s; 0 = none. */
int64_t worst_since(const struct worst *w, int64_t now_ms, int64_t since_ms);

#endif
