/* cppcheck.h: macros of the libraries, as simple as cppcheck understands them;
 * their headers are not read. Never compiled. */
#ifndef LINT_CPPCHECK_H
#define LINT_CPPCHECK_H

/* clang-format off */

void *lint_find(const void *head, ...);

#define HASH_ITER(hh, head, el, tmp) \
	for ((el) = (head), (tmp) = lint_find(el); (el); (el) = (tmp), (tmp) = lint_find(el))
#define HASH_FIND(hh, head, key, len, out) ((out) = lint_find(head, key, len))
#define HASH_FIND_STR(head, key, out) ((out) = lint_find(head, key))
#define HASH_FIND_INT(head, key, out) ((out) = lint_find(head, key))
#define HASH_FIND_PTR(head, key, out) ((out) = lint_find(head, key))
#define HASH_FIND_BYHASHVALUE(hh, head, key, len, hash, out) ((out) = lint_find(head, key, len))
#define LL_FOREACH(head, el) \
	for ((el) = (head); (el); (el) = (el)->next)
#define DL_FOREACH(head, el) \
	for ((el) = (head); (el); (el) = (el)->next)
#define DL_FOREACH_SAFE(head, el, tmp) \
	for ((el) = (head); (el) && ((tmp) = (el)->next, 1); (el) = (tmp))
#define json_object_foreach(object, key, value) \
	for ((key) = lint_find(object); (key) && ((value) = lint_find(key)); (key) = lint_find(key))
#define json_array_foreach(array, i, value) for ((i) = 0; ((value) = lint_find(array, i)); (i)++)
#define nla_for_each_attr(pos, head, len, rem) \
	for ((pos) = (head), (rem) = (len); (rem) > 0; (pos) = lint_find(pos), (rem)--)
#define nla_for_each_nested(pos, nla, rem) \
	for ((pos) = lint_find(nla), (rem) = 1; (rem) > 0; (pos) = lint_find(pos), (rem)--)
#define LIST_HEAD(name, type) struct name { struct type *lh_first; }
#define TAILQ_HEAD(name, type) struct name { struct type *tqh_first, **tqh_last; }

#endif
