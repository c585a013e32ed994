/* expr.h: PURE: the condition of a rule, parsed and typed once, judged often.
 *
 *   condition  or, and, not; ( )             three-valued: false and no data = false,
 *                                            true or no data = true, else no data
 *   comparison < <= > >= == !=               of two numbers; no data where one has none
 *   number     + - * / ( ), 1 0.5 1e6        division by 0, overflow = no data
 *              SIGNAL                        the newest value (model/signal.h)
 *              rate(COUNTER[30s])            per second      } defined in samples.h;
 *              avg_over_time(SIGNAL[30s]),   min_, max_      } windows from 1s to 1d
 *              changes(SIGNAL[30s])                          }
 *              peers_median(SIGNAL), peers_avg(SIGNAL)       over the other realservers
 *
 * Binding, loosest first: or, and, not, comparisons (which do not chain), + -, * /,
 * unary -. The whole must be a condition and name a signal. */
#ifndef RULES_EXPR_H
#define RULES_EXPR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"
#include "agent/model/signal.h"
#include "agent/rules/truth.h"

enum {
	EXPR_LENGTH_MAX = 1000, /* characters */
	EXPR_DEPTH_MAX = 16,    /* parentheses, not and unary - inside each other */
	EXPR_WINDOW_MIN_MS = 1000,
	EXPR_WINDOW_MAX_MS = 24 * 3600 * 1000,
};

struct expr;
struct samples;

/* -EINVAL: `why` has a sentence that says what to do, *ret_column where, from 1.
 * -ENOMEM. */
int expr_compile(const char *text, struct buf *why, unsigned int *ret_column,
		 struct expr **ret_expr);
/* NULL is fine. */
void expr_free(struct expr *e);

/* What samples must hold for it: a row for each signal, with its longest window. */
struct expr_need {
	enum signal_id signal;
	int64_t window_ms;   /* 0 = the newest value only */
	int64_t shortest_ms; /* its shortest window: rate() and changes() never have data
			      * in one that is shorter than the interval of samples */
	bool peers;
};
const struct expr_need *expr_needs(const struct expr *e, size_t *ret_n);

/* Never allocates. *ret_value (may be NULL) is the left side of the comparison that
 * decided, for people: of those that have the whole's truth the first; NAN where it
 * had no data. */
enum truth expr_eval(const struct expr *e, struct samples *s, uint32_t realserver, int64_t now_ms,
		     double *ret_value);

#endif
