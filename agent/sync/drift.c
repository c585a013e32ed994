/* drift.c: the table of policies, in code. A hold can only lower, so what somebody
 * raised is never adopted: it ends a hold that was adopted before, or is put right.
 * The memory is sparse: hardly anything is ever touched by others. */
#include "agent/sync/drift.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/holds/hold.h"

#define HASH_NONFATAL_OOM        1
#define uthash_nonfatal_oom(elt) ((elt)->oom = true)
#include <uthash.h>

int drift_effect(uint32_t found, uint32_t configured)
{
	int effect = 99;

	if (!found)
		return HOLD_ZERO;
	while (effect > 1 && hold_weight(effect, configured) > (int32_t)found)
		effect--;
	return effect;
}

/* Was it lowered, and is that to be kept? */
static bool takes_over(const struct drift_input *in)
{
	if (in->want < 0 || in->found < 0 || in->found >= in->want)
		return false;
	if (in->policy == DRIFT_ADOPT)
		return true;
	return in->policy == DRIFT_AUTO && !in->found;
}

/* A weight between nothing and the file's takes the place of the hold that was made of
 * a lower one. */
static bool replaces(const struct drift_input *in)
{
	return in->policy == DRIFT_ADOPT && in->adopted && in->want >= 0 && in->found > 0 &&
	       (uint32_t)in->found < in->configured;
}

enum drift_verdict drift_judge(const struct drift_input *in, int *ret_effect)
{
	if (in->policy == DRIFT_REPORT)
		return DRIFT_TELL;
	if (in->weight && (takes_over(in) || replaces(in))) {
		*ret_effect = drift_effect((uint32_t)in->found, in->configured);
		return DRIFT_TAKE_OVER;
	}
	if (in->weight && in->adopted && in->want >= 0 && in->found > in->want)
		return DRIFT_LET_GO;
	return in->stopped ? DRIFT_STOPPED : DRIFT_PUT_RIGHT;
}

/* --- the memory ------------------------------------------------------------- */

struct drift_entry {
	struct drift_object object;
	int64_t repaired_ms[DRIFT_REPAIRS]; /* the latest first */
	unsigned int n;
	int64_t stop_until_ms;
	bool oom;
	UT_hash_handle hh;
};

static struct drift_entry *find(const struct drift_memory *m, const struct drift_object *object)
{
	struct drift_entry *e;

	HASH_FIND(hh, m->table, object, sizeof(*object), e);
	return e;
}

static struct drift_entry *add(struct drift_memory *m, const struct drift_object *object)
{
	struct drift_entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->object = *object;
	HASH_ADD(hh, m->table, object, sizeof(e->object), e);
	if (e->oom) {
		free(e);
		return NULL;
	}
	return e;
}

/* The table and its entries go at once: taking them out one by one is no use here. */
void drift_fini(struct drift_memory *m)
{
	struct drift_entry *e = m->table, *next;

	HASH_CLEAR(hh, m->table);
	for (; e; e = next) {
		next = e->hh.next;
		free(e);
	}
}

bool drift_repaired(struct drift_memory *m, const struct drift_object *object, int64_t now_ms)
{
	struct drift_entry *e = find(m, object);

	if (!e)
		e = add(m, object);
	if (!e || (e->n && e->repaired_ms[0] == now_ms))
		return false;
	memmove(e->repaired_ms + 1, e->repaired_ms,
		sizeof(e->repaired_ms) - sizeof(e->repaired_ms[0]));
	e->repaired_ms[0] = now_ms;
	e->n += e->n < DRIFT_REPAIRS;
	if (e->n < DRIFT_REPAIRS || now_ms - e->repaired_ms[DRIFT_REPAIRS - 1] > DRIFT_WINDOW_MS)
		return false;
	e->stop_until_ms = now_ms + DRIFT_STOP_MS;
	e->n = 0; /* the next stop takes as many again */
	return true;
}

int64_t drift_stopped_until(const struct drift_memory *m, const struct drift_object *object,
			    int64_t now_ms)
{
	const struct drift_entry *e = find(m, object);

	return e && e->stop_until_ms > now_ms ? e->stop_until_ms : 0;
}

/* Counts for nothing any more. */
static bool is_old(const struct drift_entry *e, int64_t now_ms)
{
	return e->stop_until_ms <= now_ms &&
	       (!e->n || now_ms - e->repaired_ms[0] > DRIFT_WINDOW_MS);
}

/* Builds the table anew of what still counts. What finds no room is forgotten: then
 * it is put right more often than it should be, and that is all. */
static void forget_old(struct drift_memory *m, int64_t now_ms)
{
	struct drift_entry *e = m->table, *next;

	HASH_CLEAR(hh, m->table);
	for (; e; e = next) {
		bool old = is_old(e, now_ms);

		next = e->hh.next;
		e->oom = false;
		if (!old)
			HASH_ADD(hh, m->table, object, sizeof(e->object), e);
		if (old || e->oom)
			free(e);
	}
}

uint32_t drift_count_stopped(struct drift_memory *m, int64_t now_ms)
{
	const struct drift_entry *e;
	uint32_t n = 0;
	bool old = false;

	for (e = m->table; e; e = e->hh.next) {
		n += e->stop_until_ms > now_ms;
		old |= is_old(e, now_ms);
	}
	if (old)
		forget_old(m, now_ms);
	return n;
}
