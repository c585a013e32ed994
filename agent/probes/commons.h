/* commons.h: what the attempts of each kind share, for the scheduler only. */
#ifndef PROBES_COMMONS_H
#define PROBES_COMMONS_H

struct loop;
struct probe_type;
struct commons;

/* The kind's, made when it is asked for the first time; *ret_shared is NULL for a kind
 * that has none. -errno: this time there is none. */
int commons_get(struct commons **list, const struct probe_type *type, struct loop *loop,
		void **ret_shared);
/* When no attempt is under way any more; makes the list NULL again. */
void commons_free(struct commons **list);

#endif
