/* hold.c: all holds, found by id and by realserver. The second is asked for every
 * realserver in every pass, so it is a look-up by service, then by realserver, and
 * allocates nothing: a look-up that could fail for want of memory would read as "no
 * hold" and put a drained server back into traffic. */
#include "agent/holds/hold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM            1
/* The element that could not be added is left out of the table; `oom` says so. */
#define uthash_nonfatal_oom(element) (oom = true)
#include <uthash.h>

#include "agent/holds/effect.h"

const char *const hold_class_names[HOLD_N_CLASSES] = {
	[HOLD_RULE] = "rule",
	[HOLD_AGENT] = "agent",
	[HOLD_ALERT] = "alert",
	[HOLD_OPERATOR] = "operator",
};

/* By id. The id is a copy of its own, so that a hold can take the place of one with
 * the same id without touching the table. */
struct holds_entry {
	char *id;
	struct hold *hold;
	UT_hash_handle hh;
};

struct holds_realserver {
	char *name;
	struct hold *first; /* by next, in order of placement */
	UT_hash_handle hh;
};

struct holds_service {
	char *name;
	struct holds_realserver *realservers;
	UT_hash_handle hh;
};

struct holds {
	struct holds_entry *entries;
	struct holds_service *services;
};

int holds_new(struct holds **ret_holds)
{
	struct holds *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	*ret_holds = h;
	return 0;
}

static void entry_free(struct holds_entry *e)
{
	if (!e)
		return;
	free(e->id);
	free(e);
}

static void realserver_free(struct holds_realserver *r)
{
	if (!r)
		return;
	free(r->name);
	free(r);
}

static void service_free(struct holds_service *s)
{
	if (!s)
		return;
	free(s->name);
	free(s);
}

static void free_realservers(struct holds_service *s)
{
	struct holds_realserver *r, *next;

	HASH_ITER (hh, s->realservers, r, next) {
		HASH_DEL(s->realservers, r);
		realserver_free(r);
	}
}

void holds_free(struct holds *h)
{
	struct holds_entry *e, *next_e;
	struct holds_service *s = NULL, *next_s;

	if (!h)
		return;
	HASH_ITER (hh, h->entries, e, next_e) {
		HASH_DEL(h->entries, e);
		hold_free(e->hold);
		entry_free(e);
	}
	HASH_ITER (hh, h->services, s, next_s) {
		free_realservers(s);
		HASH_DEL(h->services, s);
		service_free(s);
	}
	free(h);
}

static struct holds_service *find_service(const struct holds *h, const char *name)
{
	struct holds_service *s;

	HASH_FIND_STR(h->services, name, s);
	return s;
}

static struct holds_realserver *find_in(const struct holds_service *s, const char *name)
{
	struct holds_realserver *r = NULL;

	if (s)
		HASH_FIND_STR(s->realservers, name, r);
	return r;
}

static struct holds_realserver *find_realserver(const struct holds *h, const char *service,
						const char *name)
{
	return find_in(find_service(h, service), name);
}

static struct holds_entry *find_entry(const struct holds *h, const char *id)
{
	struct holds_entry *e;

	HASH_FIND_STR(h->entries, id, e);
	return e;
}

/* Takes the realserver's row away once nothing holds it, and its service's after. */
static void drop_if_empty(struct holds *h, const char *service, const char *realserver)
{
	struct holds_service *s = find_service(h, service);
	struct holds_realserver *r = find_realserver(h, service, realserver);

	if (r && !r->first) {
		HASH_DEL(s->realservers, r);
		realserver_free(r);
	}
	if (s && !s->realservers) {
		HASH_DEL(h->services, s);
		service_free(s);
	}
}

static struct holds_service *add_service(struct holds *h, const char *name)
{
	struct holds_service *s = find_service(h, name);
	bool oom = false;

	if (s)
		return s;
	s = calloc(1, sizeof(*s));
	if (s)
		s->name = strdup(name);
	if (!s || !s->name) {
		service_free(s);
		return NULL;
	}
	HASH_ADD_KEYPTR(hh, h->services, s->name, strlen(s->name), s);
	if (oom) {
		service_free(s);
		return NULL;
	}
	return s;
}

static struct holds_realserver *add_realserver(struct holds_service *s, const char *name)
{
	struct holds_realserver *r;
	bool oom = false;

	HASH_FIND_STR(s->realservers, name, r);
	if (r)
		return r;
	r = calloc(1, sizeof(*r));
	if (r)
		r->name = strdup(name);
	if (!r || !r->name) {
		realserver_free(r);
		return NULL;
	}
	HASH_ADD_KEYPTR(hh, s->realservers, r->name, strlen(r->name), r);
	if (oom) {
		realserver_free(r);
		return NULL;
	}
	return r;
}

static int add_entry(struct holds *h, struct hold *hold)
{
	struct holds_entry *e = calloc(1, sizeof(*e));
	bool oom = false;

	if (e)
		e->id = strdup(hold->id);
	if (!e || !e->id) {
		entry_free(e);
		return -ENOMEM;
	}
	e->hold = hold;
	HASH_ADD_KEYPTR(hh, h->entries, e->id, strlen(e->id), e);
	if (oom) {
		entry_free(e);
		return -ENOMEM;
	}
	return 0;
}

static void list_append(struct holds_realserver *r, struct hold *hold)
{
	struct hold **at = &r->first;

	while (*at)
		at = &(*at)->next;
	*at = hold;
	hold->next = NULL;
}

static void list_remove(struct holds_realserver *r, const struct hold *hold)
{
	struct hold **at = &r->first;

	while (*at && *at != hold)
		at = &(*at)->next;
	if (*at)
		*at = hold->next;
}

struct hold *holds_same(const struct holds *h, const struct hold *hold)
{
	struct hold *at = holds_of(h, hold->service, hold->realserver);

	while (at && !hold_alike(at, hold))
		at = at->next;
	return at;
}

/* Enters the id: into the replaced one's row when it is the same id, else into a new
 * row, and only then is the old one's taken away. */
static int enter_id(struct holds *h, struct hold *hold, const struct hold *old)
{
	struct holds_entry *e = find_entry(h, hold->id);
	int r;

	if (e) {
		e->hold = hold;
		return 0;
	}
	r = add_entry(h, hold);
	if (r != 0 || !old)
		return r;
	e = find_entry(h, old->id);
	HASH_DEL(h->entries, e);
	entry_free(e);
	return 0;
}

int holds_place(struct holds *h, struct hold *hold, bool *ret_same)
{
	const struct holds_entry *known = find_entry(h, hold->id);
	struct hold *old = holds_same(h, hold);
	struct holds_service *s;
	struct holds_realserver *r = NULL;

	if (known && known->hold != old)
		return -EEXIST;
	s = add_service(h, hold->service);
	if (s)
		r = add_realserver(s, hold->realserver);
	if (!r || enter_id(h, hold, old) != 0) {
		drop_if_empty(h, hold->service, hold->realserver);
		return -ENOMEM;
	}
	if (ret_same)
		*ret_same = old && hold_same_effect(old, hold);
	if (old)
		list_remove(r, old);
	list_append(r, hold);
	hold_free(old);
	return 0;
}

struct hold *holds_take(struct holds *h, const char *id)
{
	struct holds_entry *e = find_entry(h, id);
	struct hold *hold;

	if (!e)
		return NULL;
	hold = e->hold;
	HASH_DEL(h->entries, e);
	entry_free(e);
	list_remove(find_realserver(h, hold->service, hold->realserver), hold);
	drop_if_empty(h, hold->service, hold->realserver);
	hold->next = NULL;
	return hold;
}

struct hold *holds_find(const struct holds *h, const char *id)
{
	const struct holds_entry *e = find_entry(h, id);

	return e ? e->hold : NULL;
}

struct hold *holds_of(const struct holds *h, const char *service, const char *realserver)
{
	return holds_at(find_service(h, service), realserver);
}

const struct holds_service *holds_in(const struct holds *h, const char *service)
{
	return find_service(h, service);
}

struct hold *holds_at(const struct holds_service *s, const char *realserver)
{
	const struct holds_realserver *r = s ? find_in(s, realserver) : NULL;

	return r ? r->first : NULL;
}

void holds_each(const struct holds *h, void (*fn)(void *arg, const struct hold *hold), void *arg)
{
	const struct holds_entry *e;

	for (e = h->entries; e; e = e->hh.next)
		fn(arg, e->hold);
}

size_t holds_count(const struct holds *h)
{
	return HASH_COUNT(h->entries);
}

static char *copy(const char *s, bool *ok)
{
	char *c = strdup(s ? s : "");

	if (!c)
		*ok = false;
	return c;
}

struct hold *hold_new(const struct hold *like)
{
	struct hold *hold = malloc(sizeof(*hold));
	bool ok = true;

	if (!hold)
		return NULL;
	*hold = *like;
	hold->next = NULL;
	hold->id = copy(like->id, &ok);
	hold->service = copy(like->service, &ok);
	hold->realserver = copy(like->realserver, &ok);
	hold->holder = copy(like->holder, &ok);
	hold->rule = copy(like->rule, &ok);
	hold->reason = copy(like->reason, &ok);
	hold->origin = copy(like->origin, &ok);
	if (!ok) {
		hold_free(hold);
		return NULL;
	}
	return hold;
}

void hold_free(struct hold *hold)
{
	if (!hold)
		return;
	free(hold->id);
	free(hold->service);
	free(hold->realserver);
	free(hold->holder);
	free(hold->rule);
	free(hold->reason);
	free(hold->origin);
	free(hold);
}
