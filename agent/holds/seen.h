/* seen.h: PURE: how far the holds of each node are known. A node numbers what it shares
 * (1, 2, …): that so much of it is known here, and that one of a lower number is not in
 * the table, says that it has ended. So no list of what was lifted is kept, however long a
 * peer is away. */
#ifndef HOLDS_SEEN_H
#define HOLDS_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SEEN_NODE_LEN = 16,  /* hexadecimal digits */
	SEEN_NODES_MAX = 64, /* nodes that were ever heard of; one more is -E2BIG */
};
#define SEEN_NUMBER_MAX (INT64_C(1) << 52)

struct seen {
	char node[SEEN_NODE_LEN + 1]; /* "" = ourselves */
	uint64_t number;
};
/* Zeroes = nothing is known of anybody. */
struct seen_set {
	struct seen *list;
	size_t n;
};
void seen_fini(struct seen_set *s);

/* Of a node; 0 = nothing. */
uint64_t seen_get(const struct seen_set *s, const char *node);
/* The highest of anybody. */
uint64_t seen_top(const struct seen_set *s);
/* To at least that number. -ENOMEM, -E2BIG. */
int seen_raise(struct seen_set *s, const char *node, uint64_t number);
/* Takes a raise back. */
void seen_lower(struct seen_set *s, const char *node, uint64_t number);
/* -ENOMEM: *ret_copy is untouched. */
int seen_copy(const struct seen_set *s, struct seen_set *ret_copy);

bool seen_node_ok(const char *node);

#endif
