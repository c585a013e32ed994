/* peers_settle.c: what operators asked for on either side while the two were parted, within
 * the guards as one (rules/parted.h). What is refused stays in the list, on both sides the
 * same, and acts as soon as the guard lets it. */
#include "agent/peers_internal.h"

#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/holds/effect.h"
#include "agent/holds/place.h"
#include "agent/note.h"
#include "agent/rules/parted.h"

enum { YOUNG_MS = 10000 };

/* LAYOUT_NONE: the configuration does not name it, and nothing follows from it. */
static uint32_t parted_of(const struct peers *p, const struct hold *h, struct parted *ret_parted)
{
	const struct agent *a = p->agent;
	uint32_t id = layout_find(a->state->layout, h->service, h->realserver);

	if (id != LAYOUT_NONE)
		*ret_parted =
			(struct parted){ .layout = a->state->layout,
					 .holds = a->holds,
					 .node = p->node,
					 .service = a->state->layout->realservers[id].service };
	return id;
}

enum guard peers_judge(const struct peers *p, const struct hold *h)
{
	struct parted parted;

	if (!parted_judged(h) || parted_of(p, h, &parted) == LAYOUT_NONE)
		return GUARD_ADMIT;
	return parted_judge(&parted, h, false);
}

int peers_refused(const struct hold *h)
{
	return h->hold_class == HOLD_OPERATOR && h->waiting ? h->refused : GUARD_ADMIT;
}

/* --- telling ---------------------------------------------------------------------------- */

void peers_tell_refused(struct peers *p, const struct hold *h, enum guard guard)
{
	struct journal_line *l = note_begin(p->agent, JOURNAL_ORDER);
	struct buf target = BUF_INIT;

	p->refused[guard]++;
	p->waits = p->unsettled = true;
	log_event(LOG_WARN,
		  "hold refused: with what another director's operator holds it is too much",
		  LOG_STR("service", h->service), LOG_STR("realserver", h->realserver),
		  LOG_STR("class", hold_class_names[h->hold_class]), LOG_STR("holder", h->holder),
		  LOG_STR("guard", guard_names[guard]));
	if (!l)
		return;
	buf_printf(&target, "%s/%s", h->service, h->realserver);
	journal_line_text(l, "order", h->effect <= HOLD_ZERO ? "drain" : "weight");
	journal_line_text(l, "target", buf_str(&target));
	journal_line_text(l, "by", "");
	journal_line_text(l, "holder", h->holder);
	journal_line_text(l, "reason", "another director's operator was first");
	journal_line_text(l, "outcome", guard_names[guard]);
	journal_end(p->agent->journal, l);
	buf_fini(&target);
}

static void tell_admitted(const struct hold *h)
{
	log_event(LOG_INFO, "hold acts: the guard that refused it does no more",
		  LOG_STR("service", h->service), LOG_STR("realserver", h->realserver),
		  LOG_STR("class", hold_class_names[h->hold_class]), LOG_STR("holder", h->holder));
}

/* --- in order --------------------------------------------------------------------------- */

struct picked {
	const struct hold **list;
	size_t n, room;
	const char *service; /* NULL = of all */
	bool waiting;
};

static void pick(void *arg, const struct hold *h)
{
	struct picked *l = arg;

	if (parted_judged(h) && h->waiting == l->waiting && l->n < l->room &&
	    (!l->service || !strcmp(l->service, h->service)))
		l->list[l->n++] = h;
}

static int in_order(const void *a, const void *b, void *node)
{
	return merge_order(*(const struct hold *const *)a, *(const struct hold *const *)b, node);
}

static bool pick_all(const struct peers *p, struct picked *l)
{
	l->room = holds_count(p->agent->holds);
	l->list = calloc(l->room + 1, sizeof(*l->list));
	if (!l->list)
		return false;
	holds_each(p->agent->holds, pick, l);
	if (l->n)
		qsort_r(l->list, l->n, sizeof(*l->list), in_order, (char *)(uintptr_t)p->node);
	return true;
}

static void set_refused(const struct peers *p, const struct hold *h, enum guard guard)
{
	struct hold *standing = holds_find(p->agent->holds, h->id);

	if (standing)
		standing->refused = (uint8_t)guard;
}

static void refuse(struct peers *p, const struct hold *h, enum guard guard)
{
	set_refused(p, h, guard);
	if (!placer_act(p->agent->placer, h->id, false))
		peers_tell_refused(p, h, guard);
}

/* A loser that nobody can be told of for want of memory acts on: the next change tries. */
void peers_displace(struct peers *p, const struct hold *first)
{
	struct picked l = { .service = first->service };
	struct parted parted;
	enum guard guard;
	size_t i;

	if (first->hold_class != HOLD_OPERATOR || hold_kind(first->effect) != HOLD_LOWERS ||
	    parted_of(p, first, &parted) == LAYOUT_NONE || !pick_all(p, &l))
		return;
	for (i = 0; i < l.n; i++) {
		if (merge_order(l.list[i], first, p->node) <= 0 ||
		    layout_find_realserver(parted.layout, parted.service, l.list[i]->realserver) ==
			    LAYOUT_NONE)
			continue;
		guard = parted_judge(&parted, l.list[i], false);
		if (guard != GUARD_ADMIT)
			refuse(p, l.list[i], guard);
	}
	free(l.list);
}

static bool beside_a_peers(const struct picked *l, const char *service)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (*l->list[i]->origin && !strcmp(l->list[i]->service, service))
			return true;
	return false;
}

/* An order takes as long as the disk, and so does what comes from a peer: neither was judged
 * beside the other. What stood before is not judged again. */
void peers_judge_own(struct peers *p)
{
	int64_t young = clock_wall_ms() - YOUNG_MS;
	uint64_t judged = p->judged;
	struct picked l = { .service = NULL };
	enum guard guard;
	size_t i;

	p->judged = seen_get(&p->seen, "");
	if (!pick_all(p, &l))
		return;
	for (i = 0; i < l.n; i++) {
		if (*l.list[i]->origin || l.list[i]->number <= judged ||
		    l.list[i]->since_wall_ms < young || l.list[i]->waiting ||
		    !beside_a_peers(&l, l.list[i]->service))
			continue;
		guard = peers_judge(p, l.list[i]);
		if (guard != GUARD_ADMIT)
			refuse(p, l.list[i], guard);
		else
			peers_displace(p, l.list[i]);
	}
	free(l.list);
}

void peers_settle(struct peers *p)
{
	struct picked l = { .waiting = true };
	struct parted parted;
	enum guard guard;
	size_t i;

	if (!pick_all(p, &l))
		return;
	p->waits = l.n > 0;
	for (i = 0; i < l.n; i++) {
		guard = GUARD_ADMIT;
		if (parted_of(p, l.list[i], &parted) != LAYOUT_NONE)
			guard = parted_judge(&parted, l.list[i], true);
		set_refused(p, l.list[i], guard);
		if (guard == GUARD_ADMIT && !placer_act(p->agent->placer, l.list[i]->id, true))
			tell_admitted(l.list[i]);
	}
	free(l.list);
}
