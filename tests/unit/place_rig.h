/* place_rig.h: a placer with a ledger that answers when the test says so. Its functions
 * stand here in place of the real one's. */
#ifndef PLACE_RIG_H
#define PLACE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/base/clock.h"
#include "agent/base/loop.h"
#include "agent/holds/ledger.h"
#include "agent/holds/place.h"

enum { MAX = 64 };

/* What was asked of it. */
struct ledger {
	ledger_fn *fn[MAX];
	void *arg[MAX];
	char *id[MAX];
	unsigned int placed, lifted;
	int refuse; /* what asking ends with */
};

int ledger_place(struct ledger *l, const struct hold *hold, ledger_fn *fn, void *arg)
{
	if (l->refuse)
		return l->refuse;
	assert_true(l->placed < MAX);
	l->id[l->placed] = strdup(hold->id);
	l->fn[l->placed] = fn;
	l->arg[l->placed++] = arg;
	return 0;
}

int ledger_lift(struct ledger *l, const char *id, ledger_fn *fn, void *arg)
{
	(void)id;
	(void)fn;
	(void)arg;
	l->lifted++;
	return l->refuse;
}

struct rig {
	struct loop *loop;
	struct ledger ledger;
	struct holds *holds;
	struct placer *placer;
	unsigned int told;
};

static ATTR_UNUSED void on_change(void *arg, const char *service, const char *realserver)
{
	struct rig *r = arg;

	assert_string_equal(service, "web");
	assert_string_equal(realserver, "a");
	r->told++;
	loop_stop(r->loop);
}

static ATTR_UNUSED int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_int_equal(loop_new(&r->loop), 0);
	assert_int_equal(holds_new(&r->holds), 0);
	assert_int_equal(placer_new(r->loop, &r->ledger, r->holds, on_change, r, &r->placer), 0);
	*state = r;
	return 0;
}

static ATTR_UNUSED int teardown(void **state)
{
	struct rig *r = *state;
	unsigned int i;

	placer_free(r->placer);
	holds_free(r->holds);
	loop_free(r->loop);
	for (i = 0; i < r->ledger.placed; i++)
		free(r->ledger.id[i]);
	free(r);
	return 0;
}

static ATTR_UNUSED struct hold *only(const struct rig *r)
{
	struct hold *h = holds_of(r->holds, "web", "a");

	assert_non_null(h);
	assert_null(h->next);
	return h;
}

static ATTR_UNUSED void answer(struct rig *r, unsigned int i, int error)
{
	r->ledger.fn[i](r->ledger.arg[i], error);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
