/* advice_line.h: PURE: a line in which a server says how it is, in the words of HAProxy's
 * agent check: up down stopped fail, ready drain maint, 75% or weight:75, maxconn:N, in any
 * order and case, parted by blanks and commas; # begins a description. */
#ifndef COLLECTORS_ADVICE_LINE_H
#define COLLECTORS_ADVICE_LINE_H

#include <stddef.h>

#include "agent/probe.h"

enum { ADVICE_LINE_MAX = 1024 }; /* bytes: longer ones are none */

struct advice_line {
	struct probe_advice advice;
	enum probe_claim claim;
	size_t n_known;     /* words that mean something; 0 = it is no such line */
	const char *odd;    /* the first one that does not; "" = there is none */
	const char *remark; /* the description; "" = none */
};

/* Reads the `len` bytes of a line, without its end, and takes them apart: line[len] must be
 * writable too. What is found points into them. Of words of one kind the last one counts. */
void advice_line_read(char *line, size_t len, struct advice_line *ret_line);

#endif
