/* owned.c: a set of service keys. */
#include "agent/sync/owned.h"

#include <errno.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM        1
#define uthash_nonfatal_oom(elt) ((elt)->oom = true)
#include <uthash.h>

struct owned_entry {
	struct ipvs_key key;
	bool oom;
	UT_hash_handle hh;
};

static struct owned_entry *find(const struct owned *o, const struct ipvs_key *key)
{
	struct owned_entry *e;

	HASH_FIND(hh, o->table, key, sizeof(*key), e);
	return e;
}

void owned_fini(struct owned *o)
{
	struct owned_entry *e, *next;

	HASH_ITER (hh, o->table, e, next) {
		HASH_DEL(o->table, e);
		free(e);
	}
}

bool owned_has(const struct owned *o, const struct ipvs_key *key)
{
	return find(o, key) != NULL;
}

int owned_add(struct owned *o, const struct ipvs_key *key)
{
	struct owned_entry *e;

	if (find(o, key))
		return 0;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->key = *key;
	HASH_ADD(hh, o->table, key, sizeof(e->key), e);
	if (e->oom) {
		free(e);
		return -ENOMEM;
	}
	return 1;
}

bool owned_remove(struct owned *o, const struct ipvs_key *key)
{
	struct owned_entry *e = find(o, key);

	if (!e)
		return false;
	HASH_DEL(o->table, e);
	free(e);
	return true;
}

size_t owned_count(const struct owned *o)
{
	return HASH_COUNT(o->table);
}

void owned_each(const struct owned *o, void (*fn)(void *arg, const struct ipvs_key *key), void *arg)
{
	struct owned_entry *e, *next;

	HASH_ITER (hh, o->table, e, next)
		fn(arg, &e->key);
}
