/* shape.h: what the readers of keepalived.conf and ldirectord.cf share: values of theirs in
 * the form that our keys take. */
#ifndef IMPORT_SHAPE_H
#define IMPORT_SHAPE_H

#include "agent/base/buf.h"
#include "agent/import/import.h"

/* A whole decimal number of at most `max`, nothing else. */
bool shape_number(const char *text, uint64_t max, uint64_t *ret_n);

/* `key = duration`, moved within the bounds that the key has, which is noted; `what` is what the
 * source calls it. */
void shape_duration(struct import *im, struct import_part *p, struct import_at at, const char *key,
		    int64_t ms, int64_t min_ms, int64_t max_ms, const char *what);
/* The three of a probe: interval (100ms to 24h), timeout (10ms to 1h), and how many failures in
 * a row (1 to 1000) take a realserver down; one success brings it back. */
void shape_probe(struct import *im, struct import_part *p, struct import_at at, int64_t interval_ms,
		 int64_t timeout_ms, uint64_t fall);

/* Appends a path for a URL: with a '/' before it, and what no URL holds as %NN. `query`: what
 * follows a '?' stays; else that is part of the path, too. */
void shape_path(struct buf *out, const char *path, bool query);

/* Whether it may be the host of a URL, the key `host` or `helo`. */
bool shape_host_ok(const char *host);
/* Whether it can be a realserver's address at all. */
bool shape_serves(const struct addr *a);

/* Appends bytes as the key `send` takes them. */
void shape_bytes(struct buf *out, const char *bytes, size_t len);

/* `expect_regex = PATTERN`, or a note where PCRE2 does not take it. */
void shape_regex(struct import *im, struct import_part *p, struct import_at at, const char *pattern,
		 const char *what);

/* The scheduler's flags (IPVS_SVC_SCHED1 …) among `words`, with blanks or commas between them.
 * What is none, or another scheduler's, is dropped and noted. */
uint32_t shape_flags(struct import *im, struct import_part *service, struct import_at at,
		     const char *scheduler, const char *words);

#endif
