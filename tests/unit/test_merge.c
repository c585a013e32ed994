/* test_merge.c: directors that place, renew and lift holds while they are parted, tell each
 * other late, in any order and not to the end, and start anew in between: they come to the
 * same, and nothing that was lifted returns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/holds/replay.h"
#include "agent/holds/share.h"

enum { NODES = 3, DOTS = 400 };

/* --- by hand ------------------------------------------------------------------------- */

#define A "aaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbb"

static void test_seen(void **state)
{
	struct seen_set s = { 0 }, copy;
	char name[SEEN_NODE_LEN + 1];
	int i;

	(void)state;
	assert_int_equal(seen_get(&s, A), 0);
	assert_int_equal(seen_raise(&s, A, 7), 0);
	assert_int_equal(seen_raise(&s, A, 3), 0);
	assert_int_equal(seen_raise(&s, "", 4), 0);
	assert_int_equal(seen_get(&s, A), 7);
	assert_int_equal(seen_top(&s), 7);
	assert_int_equal(seen_copy(&s, &copy), 0);
	seen_lower(&s, A, 9);
	seen_lower(&s, A, 2);
	assert_int_equal(seen_get(&s, A), 2);
	assert_int_equal(seen_get(&copy, A), 7);
	for (i = 2; i < SEEN_NODES_MAX; i++) {
		snprintf(name, sizeof(name), "%016x", (unsigned int)i);
		assert_int_equal(seen_raise(&s, name, 1), 0);
	}
	assert_int_equal(seen_raise(&s, B, 1), -E2BIG);
	assert_true(seen_node_ok(A));
	assert_false(seen_node_ok("aaaa"));
	assert_false(seen_node_ok("AAAAAAAAAAAAAAAA"));
	seen_fini(&s);
	seen_fini(&copy);
}

/* What one side has, and how far it has seen both; number 0 = it has not. */
struct sides {
	struct {
		uint64_t number;
		uint32_t revision;
		uint64_t seen_a, seen_b;
	} ours, theirs;
	const char *origin;
	int kind; /* -1 = nothing is done */
};

static void test_cases(void **state)
{
	/* We are A, they are B. */
	static const struct sides cases[] = {
		{ { 0, 0, 0, 0 }, { 1, 0, 0, 1 }, B, MERGE_TAKE },
		{ { 0, 0, 0, 1 }, { 1, 0, 0, 1 }, B, -1 },        /* lifted here */
		{ { 1, 0, 0, 1 }, { 0, 0, 0, 1 }, B, MERGE_END }, /* lifted there */
		{ { 1, 0, 0, 1 }, { 1, 0, 0, 1 }, B, -1 },        /* known */
		{ { 1, 0, 0, 1 }, { 1, 1, 0, 1 }, B, MERGE_RENEW },
		{ { 1, 2, 0, 1 }, { 1, 1, 0, 1 }, B, -1 },        /* an older copy */
		{ { 2, 0, 2, 0 }, { 0, 0, 1, 0 }, A, -1 },        /* not told yet */
		{ { 2, 0, 2, 0 }, { 0, 0, 2, 0 }, A, MERGE_END }, /* lifted there */
		{ { 0, 0, 2, 0 }, { 2, 0, 2, 0 }, A, -1 },        /* lifted here */
		{ { 2, 0, 2, 0 }, { 2, 5, 2, 0 }, A, -1 },        /* nobody renews ours */
	};
	size_t i;

	(void)state;
	for (i = 0; i < countof(cases); i++) {
		const struct sides *c = &cases[i];
		struct hold ours = { .origin = (char *)(uintptr_t)(strcmp(c->origin, A) ? B : ""),
				     .number = c->ours.number,
				     .revision = c->ours.revision };
		struct hold theirs = { .origin = (char *)(uintptr_t)c->origin,
				       .number = c->theirs.number,
				       .revision = c->theirs.revision };
		const struct hold *o = &ours, *t = &theirs;
		struct seen_set seen = { 0 }, told = { 0 };
		struct merge_side us = { A, &seen, &o, c->ours.number > 0 };
		struct merge_side them = { B, &told, &t, c->theirs.number > 0 };
		struct merge m;

		assert_int_equal(seen_raise(&seen, "", c->ours.seen_a), 0);
		assert_int_equal(seen_raise(&seen, B, c->ours.seen_b), 0);
		assert_int_equal(seen_raise(&told, A, c->theirs.seen_a), 0);
		assert_int_equal(seen_raise(&told, B, c->theirs.seen_b), 0);
		assert_int_equal(merge(&us, &them, &m), 0);
		assert_int_equal(m.n, c->kind >= 0);
		if (m.n)
			assert_int_equal(m.steps[0].kind, c->kind);
		assert_int_equal(seen_get(&m.seen, ""), c->ours.seen_a);
		merge_fini(&m);
		seen_fini(&seen);
		seen_fini(&told);
	}
}

/* They know more of us than there is: nothing follows from it. */
static void test_older(void **state)
{
	struct seen_set seen = { 0 }, told = { 0 };
	struct merge_side us = { .node = A, .seen = &seen }, them = { .node = B, .seen = &told };
	struct merge m;

	(void)state;
	assert_int_equal(seen_raise(&seen, "", 4), 0);
	assert_int_equal(seen_raise(&told, A, 5), 0);
	assert_int_equal(merge(&us, &them, &m), -ESTALE);
	seen_fini(&seen);
	seen_fini(&told);
}

/* --- the model ----------------------------------------------------------------------- */

/* A director: what its ledger adds up to, and the ledger's bytes. */
struct node {
	char name[SEEN_NODE_LEN + 1];
	struct replay replay;
	struct buf log;
	uint64_t next;
	unsigned int serial;
	bool seen_gone[NODES][DOTS]; /* was here, and is not any more */
	struct buf late;             /* a document on its way to it */
	int late_from;
};

struct model {
	struct node nodes[NODES];
	int n;
	bool lifted[NODES][DOTS], placed[NODES][DOTS];
	uint64_t random;
};

static unsigned int chance(struct model *m, unsigned int n)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return (unsigned int)(m->random % n);
}

static void commit(struct node *n, struct record *r)
{
	assert_int_equal(record_put(&n->log, n->next, r), 0);
	n->next++;
	assert_int_equal(replay_apply(&n->replay, r, NULL), 0);
	record_fini(r);
}

static void node_init(struct node *n, int i)
{
	struct record r = { .type = RECORD_NODE };

	snprintf(n->name, sizeof(n->name), "%016x", (unsigned int)(i + 10));
	assert_int_equal(replay_init(&n->replay), 0);
	assert_int_equal(record_put_header(&n->log), 0);
	n->next = 1;
	n->late_from = -1;
	r.id = strdup(n->name);
	commit(n, &r);
}

/* From its bytes, as they are or written anew. */
static void restart(struct node *n, bool compact)
{
	struct buf why = BUF_INIT;
	struct replay_end end;

	if (compact) {
		buf_reset(&n->log);
		assert_int_equal(replay_write(&n->replay, &n->log, &n->next), 0);
	}
	replay_fini(&n->replay);
	assert_int_equal(replay_init(&n->replay), 0);
	assert_int_equal(replay_read(&n->replay, n->log.data, n->log.len, &why, &end), 0);
	assert_false(end.damaged);
	assert_int_equal(end.next, n->next);
	assert_string_equal(n->replay.node, n->name);
	buf_fini(&why);
}

struct list {
	const struct hold *holds[NODES * DOTS];
	size_t n;
};

static void list_one(void *arg, const struct hold *h)
{
	struct list *l = arg;

	l->holds[l->n++] = h;
}

static const struct list *list_of(const struct node *n)
{
	static struct list lists[2];
	static int turn;
	struct list *l = &lists[turn ^= 1];

	l->n = 0;
	holds_each(n->replay.holds, list_one, l);
	return l;
}

static int origin_of(const struct model *m, const struct node *n, const struct hold *h)
{
	int i;

	for (i = 0; i < m->n; i++)
		if (!strcmp(m->nodes[i].name, *h->origin ? h->origin : n->name))
			return i;
	fail();
	return 0;
}

static void place(struct node *n, const struct hold *like)
{
	struct record r = { .type = RECORD_PLACE, .hold = hold_new(like) };

	commit(n, &r);
}

static void do_place(struct model *m, int i)
{
	struct node *n = &m->nodes[i];
	char id[32], realserver[32];
	struct hold h = { .id = id,
			  .hold_class = HOLD_OPERATOR,
			  .service = (char *)(uintptr_t) "web",
			  .realserver = realserver,
			  .holder = (char *)(uintptr_t) "ann",
			  .number = seen_top(&n->replay.seen) + 1 };

	if (h.number >= DOTS)
		return;
	snprintf(id, sizeof(id), "o%u-%d", n->serial++, i);
	/* Some take the place of one that is alike: that one has ended. */
	snprintf(realserver, sizeof(realserver), "web%u", chance(m, 6));
	h.origin = (char *)(uintptr_t) "";
	if (holds_same(n->replay.holds, &h))
		m->lifted[i][holds_same(n->replay.holds, &h)->number] = true;
	m->placed[i][h.number] = true;
	place(n, &h);
}

static void do_renew(struct model *m, int i)
{
	struct node *n = &m->nodes[i];
	const struct list *l = list_of(n);
	struct hold again;
	size_t k;

	if (!l->n)
		return;
	k = chance(m, (unsigned int)l->n);
	if (*l->holds[k]->origin)
		return;
	again = *l->holds[k];
	again.revision++;
	again.until_wall_ms = again.revision;
	place(n, &again);
}

static void lift(struct node *n, const char *id)
{
	struct record r = { .type = RECORD_LIFT, .id = strdup(id) };

	commit(n, &r);
}

static void do_lift(struct model *m, int i)
{
	struct node *n = &m->nodes[i];
	const struct list *l = list_of(n);
	const struct hold *h;

	if (!l->n)
		return;
	h = l->holds[chance(m, (unsigned int)l->n)];
	m->lifted[origin_of(m, n, h)][h->number] = true;
	lift(n, h->id);
}

static void ask(struct model *m, int i, int from)
{
	struct node *of = &m->nodes[from];
	const struct list *l = list_of(of);
	struct merge_side side = { of->name, &of->replay.seen, l->holds, l->n };

	buf_reset(&m->nodes[i].late);
	assert_int_equal(share_write(&side, "1-1", 1, &m->nodes[i].late), 0);
	m->nodes[i].late_from = from;
}

/* As it is held by who takes it: by its own id, in the holder's name with its origin's. */
static void take(struct node *n, const struct hold *theirs, const struct hold *ours)
{
	struct hold like = *theirs;
	char id[32], holder[64];

	snprintf(id, sizeof(id), "o%u-%s", n->serial++, n->name + 14);
	snprintf(holder, sizeof(holder), "ann@%s", theirs->origin);
	like.id = ours ? ours->id : id;
	like.holder = holder;
	place(n, &like);
}

/* Hears what is on its way, up to some step of it. */
static void hear(struct model *m, int i, bool whole)
{
	struct node *n = &m->nodes[i];
	const struct list *l = list_of(n);
	struct merge_side ours = { n->name, &n->replay.seen, l->holds, l->n }, theirs;
	struct buf why = BUF_INIT;
	struct share s;
	struct merge mg;
	size_t k, stop;

	if (n->late_from < 0)
		return;
	assert_int_equal(share_read(n->late.data, n->late.len, &why, &s), 0);
	theirs = share_side(&s);
	assert_int_equal(merge(&ours, &theirs, &mg), 0);
	for (k = 0; k < mg.n; k++) {
		const struct hold *h = mg.steps[k].ours;

		if (mg.steps[k].kind != MERGE_END)
			continue;
		/* What ends was lifted somewhere. */
		assert_true(m->lifted[origin_of(m, n, h)][h->number]);
		lift(n, h->id);
	}
	stop = whole ? mg.n : chance(m, (unsigned int)mg.n + 1);
	for (k = 0; k < stop; k++)
		if (mg.steps[k].kind != MERGE_END)
			take(n, mg.steps[k].theirs, mg.steps[k].ours);
	for (k = 0; stop == mg.n && k < mg.seen.n; k++) {
		struct record r = { .type = RECORD_SEEN, .number = mg.seen.list[k].number };

		r.id = strdup(mg.seen.list[k].node);
		if (r.number && r.number > seen_get(&n->replay.seen, r.id))
			commit(n, &r);
		else
			record_fini(&r);
	}
	n->late_from = -1;
	merge_fini(&mg);
	share_fini(&s);
	buf_fini(&why);
}

/* Nothing that was here and went is here again. */
static void look(struct model *m, int i)
{
	static bool here[NODES][DOTS];
	static bool was[NODES][NODES][DOTS];
	const struct node *n = &m->nodes[i];
	const struct list *l = list_of(n);
	size_t k;
	int o, d;

	memset(here, 0, sizeof(here));
	for (k = 0; k < l->n; k++) {
		o = origin_of(m, n, l->holds[k]);
		here[o][l->holds[k]->number] = true;
		assert_false(n->seen_gone[o][l->holds[k]->number]);
	}
	for (o = 0; o < m->n; o++)
		for (d = 0; d < DOTS; d++) {
			if (was[i][o][d] && !here[o][d])
				m->nodes[i].seen_gone[o][d] = true;
			was[i][o][d] = here[o][d];
		}
}

static void step(struct model *m)
{
	int i = (int)chance(m, (unsigned int)m->n);
	int other = (i + 1 + (int)chance(m, (unsigned int)m->n - 1)) % m->n;

	switch (chance(m, 8)) {
	case 0:
	case 1:
		do_place(m, i);
		break;
	case 2:
		do_renew(m, i);
		break;
	case 3:
		do_lift(m, i);
		break;
	case 4:
	case 5:
		ask(m, i, other);
		break;
	case 6:
		hear(m, i, chance(m, 3) != 0);
		break;
	default:
		restart(&m->nodes[i], chance(m, 2));
	}
	look(m, i);
}

static void heal(struct model *m)
{
	int round, i, k;

	for (round = 0; round < 3; round++)
		for (i = 0; i < m->n; i++)
			for (k = 0; k < m->n; k++) {
				if (i == k)
					continue;
				ask(m, i, k);
				hear(m, i, true);
				look(m, i);
			}
}

static void check_same(struct model *m)
{
	int i, o, d;
	size_t k;

	for (i = 0; i < m->n; i++) {
		const struct list *l = list_of(&m->nodes[i]);
		size_t wanted = 0;

		for (o = 0; o < m->n; o++)
			for (d = 0; d < DOTS; d++)
				wanted += m->placed[o][d] && !m->lifted[o][d];
		assert_int_equal(l->n, wanted);
		for (k = 0; k < l->n; k++) {
			o = origin_of(m, &m->nodes[i], l->holds[k]);
			assert_false(m->lifted[o][l->holds[k]->number]);
		}
	}
}

static void run(int n_nodes, uint64_t seed)
{
	static struct model m;
	int i;

	memset(&m, 0, sizeof(m));
	m.n = n_nodes;
	m.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	for (i = 0; i < m.n; i++) {
		node_init(&m.nodes[i], i);
		look(&m, i);
		memset(m.nodes[i].seen_gone, 0, sizeof(m.nodes[i].seen_gone));
	}
	for (i = 0; i < 300; i++)
		step(&m);
	heal(&m);
	check_same(&m);
	for (i = 0; i < m.n; i++) {
		replay_fini(&m.nodes[i].replay);
		buf_fini(&m.nodes[i].log);
		buf_fini(&m.nodes[i].late);
	}
}

static void test_model(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 150; seed++)
		run(2 + (int)(seed % 2), seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seen),
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_older),
		cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests_name("merge", tests, NULL, NULL);
}
