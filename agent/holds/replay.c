/* replay.c: the ledger's arithmetic, without a file or a thread in it, so that every
 * way a file can be cut or damaged is tried in memory. */
#include "agent/holds/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM            1
#define uthash_nonfatal_oom(element) (oom = true)
#include <uthash.h>

struct replay_owned {
	struct ipvs_key key;
	UT_hash_handle hh;
};

struct replay_fact {
	struct ledger_fact fact;
	UT_hash_handle hh;
};

int replay_init(struct replay *p)
{
	*p = (struct replay){ 0 };
	return holds_new(&p->holds);
}

static void disown_all(struct replay *p)
{
	struct replay_owned *o, *next;

	HASH_ITER (hh, p->owned, o, next) {
		HASH_DEL(p->owned, o);
		free(o);
	}
}

static void fact_free(struct replay_fact *f)
{
	free(f->fact.name);
	free(f->fact.value);
	free(f);
}

static void forget_facts(struct replay *p)
{
	struct replay_fact *f, *next;

	HASH_ITER (hh, p->facts, f, next) {
		HASH_DEL(p->facts, f);
		fact_free(f);
	}
}

void replay_fini(struct replay *p)
{
	disown_all(p);
	forget_facts(p);
	seen_fini(&p->seen);
	holds_free(p->holds);
	*p = (struct replay){ 0 };
}

static struct replay_owned *find_owned(const struct replay *p, const struct ipvs_key *key)
{
	struct replay_owned *o;

	HASH_FIND(hh, p->owned, key, sizeof(*key), o);
	return o;
}

static int own(struct replay *p, const struct ipvs_key *key)
{
	struct replay_owned *o = find_owned(p, key);
	bool oom = false;

	if (o)
		return 0;
	o = calloc(1, sizeof(*o));
	if (!o)
		return -ENOMEM;
	o->key = *key;
	HASH_ADD(hh, p->owned, key, sizeof(o->key), o);
	if (oom) {
		free(o);
		return -ENOMEM;
	}
	return 0;
}

static void disown(struct replay *p, const struct ipvs_key *key)
{
	struct replay_owned *o = find_owned(p, key);

	if (!o)
		return;
	HASH_DEL(p->owned, o);
	free(o);
}

/* Takes the name and the value; on failure they are the record's still. */
static int learn(struct replay *p, struct record *r)
{
	struct replay_fact *f, *now;
	bool oom = false;

	HASH_FIND_STR(p->facts, r->id, f);
	if (!*r->value) {
		if (f) {
			HASH_DEL(p->facts, f);
			fact_free(f);
		}
		return 0;
	}
	if (f) {
		free(f->fact.value);
		f->fact.value = r->value;
		r->value = NULL;
		return 0;
	}
	now = calloc(1, sizeof(*now));
	if (!now)
		return -ENOMEM;
	now->fact = (struct ledger_fact){ r->id, r->value };
	HASH_ADD_KEYPTR(hh, p->facts, now->fact.name, strlen(now->fact.name), now);
	if (oom) {
		free(now);
		return -ENOMEM;
	}
	r->id = r->value = NULL;
	return 0;
}

/* A node's holds are placed in the order of their numbers, and its peers' are taken in
 * that order: with one all before it are known. */
static int place(struct replay *p, struct record *r, struct hold **ret_old)
{
	const struct hold *same = holds_same(p->holds, r->hold), *h = r->hold;
	struct hold *old = same ? hold_new(same) : NULL;
	uint64_t before = h->number ? seen_get(&p->seen, h->origin) : 0;
	int error = h->number ? seen_raise(&p->seen, h->origin, h->number) : 0;

	if (same && !old)
		error = -ENOMEM;
	if (error == 0)
		error = holds_place(p->holds, r->hold, NULL);
	if (error != 0) {
		if (h->number)
			seen_lower(&p->seen, h->origin, before);
		hold_free(old);
		return error;
	}
	r->hold = NULL;
	*ret_old = old;
	return 0;
}

int replay_apply(struct replay *p, struct record *r, struct hold **ret_old)
{
	struct hold *old = NULL;
	int error = 0;

	switch (r->type) {
	case RECORD_PLACE:
		error = place(p, r, &old);
		break;
	case RECORD_LIFT:
		/* One that is not there was replaced, or never recorded: its end is fine. */
		old = holds_take(p->holds, r->id);
		break;
	case RECORD_OWN:
		error = own(p, &r->key);
		break;
	case RECORD_FACT:
		error = learn(p, r);
		break;
	case RECORD_NODE:
		strncpy(p->node, r->id, SEEN_NODE_LEN);
		break;
	case RECORD_SEEN:
		error = seen_raise(&p->seen, r->id, r->number);
		break;
	default:
		disown(p, &r->key);
		break;
	}
	if (error != 0)
		return error;
	if (ret_old)
		*ret_old = old;
	else
		hold_free(old);
	return 0;
}

/* --- reading a file ---------------------------------------------------------- */

/* A header that was cut off: the bytes are the beginning of the one we write. */
static int header_torn(const char *data, size_t len, bool *ret_torn)
{
	struct buf header = BUF_INIT;
	int r = record_put_header(&header);

	if (r == 0)
		*ret_torn = len < header.len && memcmp(header.data, data, len) == 0;
	buf_fini(&header);
	return r;
}

/* One whole line. */
static int read_line(struct replay *p, const char *line, size_t len, uint64_t sequence,
		     struct buf *why)
{
	struct record rec;
	int r;

	if (sequence == 0)
		return record_read_header(line, len, why);
	r = record_read(line, len, sequence, why, &rec);
	if (r != 0)
		return r;
	r = replay_apply(p, &rec, NULL);
	if (r == -EEXIST) {
		buf_puts(why, "places a hold whose id another one has");
		r = -EBADMSG;
	}
	if (r == -E2BIG) {
		buf_puts(why, "names more nodes than there may be");
		r = -EBADMSG;
	}
	record_fini(&rec);
	return r;
}

/* Whether the tail is a whole record behind which another byte stands than the newline:
 * what was cut off cannot look so, a flipped newline does. */
static int newline_lost(const char *tail, size_t len, uint64_t sequence, bool *ret_lost)
{
	struct record rec = { 0 };
	struct buf why = BUF_INIT;
	int r = record_read(tail, len - 1, sequence, &why, &rec);

	record_fini(&rec);
	buf_fini(&why);
	if (r == -ENOMEM)
		return r;
	*ret_lost = r != -EBADMSG;
	return 0;
}

/* What follows the last newline. Returns 0, -EBADMSG with a reason, or -ENOMEM. */
static int read_tail(const char *tail, size_t len, struct replay_end *end, struct buf *why)
{
	bool torn = len < RECORD_MAX, lost = false;
	int r;

	if (end->next == 0)
		r = header_torn(tail, len, &torn);
	else
		r = newline_lost(tail, len, end->next, &lost);
	if (r != 0)
		return r;
	end->torn = torn && !lost;
	if (end->torn)
		return 0;
	if (lost)
		buf_puts(why, "does not end where its record does");
	else if (end->next == 0)
		buf_puts(why, "is not a ledger's header");
	else
		buf_puts(why, "is longer than any record");
	return -EBADMSG;
}

/* Nothing of a damaged file stands: which of its records are right nobody can say, and
 * a part of them is a state that never was. */
static int forget(struct replay *p)
{
	struct replay empty;
	int r = replay_init(&empty);

	if (r != 0)
		return r;
	replay_fini(p);
	*p = empty;
	return 0;
}

int replay_read(struct replay *p, const char *data, size_t len, struct buf *why,
		struct replay_end *ret_end)
{
	struct replay_end end = { 0 };
	struct buf reason = BUF_INIT;
	const char *newline;
	int r = 0;

	/* A machine that lost power may leave zeros where the last record should be. */
	while (len > 0 && data[len - 1] == '\0') {
		end.torn = true;
		len--;
	}
	if (len == 0 && end.torn) {
		buf_puts(&reason, "holds nothing but zeros");
		r = -EBADMSG;
	}
	while (r == 0 && end.good < len) {
		newline = memchr(data + end.good, '\n', len - end.good);
		if (!newline) {
			r = read_tail(data + end.good, len - end.good, &end, &reason);
			break;
		}
		r = read_line(p, data + end.good, (size_t)(newline - data) - end.good, end.next,
			      &reason);
		if (r == 0) {
			end.good = (size_t)(newline - data) + 1;
			end.next++;
		}
	}
	if (r == -EBADMSG || r == -EPROTONOSUPPORT)
		buf_printf(why, "line %" PRIu64 " %s", end.next + 1, buf_str(&reason));
	buf_fini(&reason);
	if (r == -EBADMSG) {
		end.damaged = true;
		r = forget(p);
	}
	if (r == 0)
		*ret_end = end;
	return r;
}

/* --- writing it anew --------------------------------------------------------- */

struct writing {
	struct buf *out;
	uint64_t next;
	int error;
};

static void write_hold(void *arg, const struct hold *hold)
{
	struct writing *w = arg;

	if (w->error == 0)
		w->error = record_put_place(w->out, w->next++, hold);
}

/* Before the holds, which raise nothing then. */
static void write_seen(const struct replay *p, struct writing *w)
{
	struct record r = { .type = RECORD_NODE, .id = (char *)(uintptr_t)p->node };
	size_t i;

	if (w->error == 0 && p->node[0])
		w->error = record_put(w->out, w->next++, &r);
	r.type = RECORD_SEEN;
	for (i = 0; w->error == 0 && i < p->seen.n; i++) {
		r.id = p->seen.list[i].node;
		r.number = p->seen.list[i].number;
		if (r.number)
			w->error = record_put(w->out, w->next++, &r);
	}
}

int replay_write(const struct replay *p, struct buf *out, uint64_t *ret_next)
{
	struct writing w = { .out = out, .next = 1 };

	w.error = record_put_header(out);
	write_seen(p, &w);
	holds_each(p->holds, write_hold, &w);
	for (const struct replay_owned *o = p->owned; w.error == 0 && o; o = o->hh.next)
		w.error = record_put_own(out, w.next++, &o->key);
	for (const struct replay_fact *f = p->facts; w.error == 0 && f; f = f->hh.next)
		w.error = record_put_fact(out, w.next++, f->fact.name, f->fact.value);
	if (w.error == 0)
		*ret_next = w.next;
	return w.error;
}

static void copy_hold(void *arg, const struct hold *hold)
{
	struct ledger_state *s = arg;

	s->holds[s->n_holds++] = hold_new(hold);
}

static bool copy_facts(const struct replay *p, struct ledger_state *s)
{
	s->facts = calloc(HASH_COUNT(p->facts) + 1, sizeof(*s->facts));
	for (const struct replay_fact *f = p->facts; s->facts && f; f = f->hh.next) {
		struct ledger_fact *to = &s->facts[s->n_facts++];

		to->name = strdup(f->fact.name);
		to->value = strdup(f->fact.value);
		if (!to->name || !to->value)
			return false;
	}
	return s->facts;
}

int replay_to_state(const struct replay *p, struct ledger_state *ret_state)
{
	struct ledger_state s = { 0 };
	size_t n_owned = HASH_COUNT(p->owned);

	/* One more than needed: calloc(0) may be NULL. */
	s.holds = calloc(holds_count(p->holds) + 1, sizeof(*s.holds));
	s.owned = calloc(n_owned + 1, sizeof(*s.owned));
	if (!s.holds || !s.owned || seen_copy(&p->seen, &s.seen))
		goto out;
	memcpy(s.node, p->node, sizeof(s.node));
	holds_each(p->holds, copy_hold, &s);
	for (size_t i = 0; i < s.n_holds; i++) {
		if (!s.holds[i])
			goto out;
		s.holds[i]->recorded = true;
	}
	for (const struct replay_owned *o = p->owned; o; o = o->hh.next)
		s.owned[s.n_owned++] = o->key;
	if (!copy_facts(p, &s))
		goto out;
	*ret_state = s;
	return 0;
out:
	ledger_state_fini(&s);
	return -ENOMEM;
}

void ledger_state_fini(struct ledger_state *s)
{
	for (size_t i = 0; s->holds && i < s->n_holds; i++)
		hold_free(s->holds[i]);
	free(s->holds);
	for (size_t i = 0; s->facts && i < s->n_facts; i++) {
		free(s->facts[i].name);
		free(s->facts[i].value);
	}
	free(s->facts);
	free(s->owned);
	seen_fini(&s->seen);
	free(s->damage);
	free(s->set_aside);
	*s = (struct ledger_state){ 0 };
}
