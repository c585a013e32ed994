/* drain_sum.h: PURE: how far a drain of one or many realservers has come, from the
 * API's holds. */
#ifndef CLI_DRAIN_SUM_H
#define CLI_DRAIN_SUM_H

#include "agent/cli/text.h"

struct drain_sum {
	size_t n, drained, late, stalled;
	size_t gone;   /* holds that are there no more: somebody ended them, or their time came */
	size_t silent; /* of which nobody counts connections (yet) */
	int64_t active, inactive, persistent;
	double elapsed, eta;      /* seconds: the longest; eta < 0 = nobody can say */
	double rate;              /* connections a second, all together; < 0 = nobody can say */
	int64_t deadline_wall_ms; /* the last; 0 = none */
	const json_t *worst;      /* a hold that is not drained; borrowed; NULL = none */
};

/* `placed` are the holds as they were asked for, `holds` all that there are now. */
void drain_sum(const json_t *placed, const json_t *holds, struct drain_sum *ret_sum);

enum drain_end {
	DRAIN_GOES_ON = 0,
	DRAIN_DRAINED, /* all of them */
	DRAIN_LATE,    /* one at least is not in time */
	DRAIN_ENDED,   /* one at least is no longer asked for */
};
enum drain_end drain_sum_end(const struct drain_sum *s);

/* Appends a line of progress, without newline: "draining web/web2 for 34s: 12 active, …". */
void drain_sum_put(const struct drain_sum *s, const struct text_style *style, const char *target,
		   struct buf *out);

#endif
