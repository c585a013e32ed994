/* hands.c: operators' orders that place holds. An operator is answered when his hold is
 * on disk, and is told no rather than half a yes: where one of several holds cannot be
 * recorded, those that could are ended again. */
#include "agent/hands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/holds/effect.h"
#include "agent/holds/place.h"
#include "agent/rules/guard.h"
#include "agent/rules/order.h"

static const int64_t ADMIT_MS = INT64_C(3600) * 1000, ADMIT_MOST_MS = INT64_C(7) * 86400 * 1000;

struct hands_order;

/* One hold on its way. */
struct placing {
	struct hands_order *order;
	char *id;   /* once it stands */
	bool fresh; /* nothing alike stood there before */
};

struct hands_order {
	struct hands *hands;
	struct command cmd;
	command_fn *fn;
	void *arg;
	struct placing *placings;
	uint32_t n, n_left; /* of those asked for; how many were not answered yet */
	int error;
	json_t *overrode;
	struct buf slugs; /* of the guards that force overrode */
	struct hands_order *next;
};

struct hands {
	struct agent *agent;
	struct hands_order *first, **last;
	bool running;   /* the first is under way */
	bool beginning; /* one after the other: not one within the other */
};

static void order_free(struct hands_order *o)
{
	uint32_t i;

	for (i = 0; o->placings && i < o->n; i++)
		free(o->placings[i].id);
	free(o->placings);
	json_decref(o->overrode);
	buf_fini(&o->slugs);
	command_fini(&o->cmd);
	free(o);
}

static void next_order(struct hands *h);

/* Answers the first order, and begins the next. */
static void answer(struct hands_order *o, enum command_status status, const char *guard,
		   struct buf *text)
{
	struct hands *h = o->hands;
	struct command_reply reply = { .status = status, .guard = guard, .text = *text };

	*text = BUF_INIT;
	hands_note(h->agent, &o->cmd,
		   status == COMMAND_OK ? "done"
		   : guard              ? guard
					: buf_str(&reply.text),
		   o->slugs.len ? buf_str(&o->slugs) : NULL);
	o->fn(o->arg, &reply);
	buf_fini(&reply.text);
	h->first = o->next;
	if (!h->first)
		h->last = &h->first;
	h->running = false;
	order_free(o);
	next_order(h);
}

static void answer_words(struct hands_order *o, enum command_status status, const char *words)
{
	struct buf text = BUF_INIT;

	buf_puts(&text, words);
	answer(o, status, NULL, &text);
}

/* --- guards -------------------------------------------------------------------- */

static void note_overrode(struct hands_order *o, int guard, const char *service, struct buf *text)
{
	json_array_append_new(o->overrode, json_pack("{s:s, s:s, s:s}", "guard", guard_names[guard],
						     "service", service, "message", buf_str(text)));
	if (o->slugs.len)
		buf_puts(&o->slugs, " ");
	buf_puts(&o->slugs, guard_names[guard]);
}

/* Judges what is asked of one service; the first guard that refuses it, unless forced. */
static int judge_service(struct hands_order *o, const struct order *order, struct buf *out)
{
	const struct agent *a = o->hands->agent;
	struct guard_input in;
	unsigned int refused = order_judge(a->state, a->holds, order, &in);
	int guard, first = GUARD_ADMIT;

	for (guard = GUARD_ADMIT + 1; guard < N_GUARDS; guard++) {
		struct buf text = BUF_INIT;

		if (!(refused & 1u << guard))
			continue;
		order_describe(a->state, order, guard, &in, &text);
		if (o->cmd.force) {
			note_overrode(o, guard,
				      a->state->layout->services[order->service].conf->head.name,
				      &text);
		} else {
			buf_printf(out, "%s%s", out->len ? "; " : "", buf_str(&text));
			first = first ? first : guard;
		}
		buf_fini(&text);
	}
	return first;
}

/* All of them as one decision: GUARD_ADMIT, or the first that refuses it; `out` says why. */
static int judge(struct hands_order *o, const struct targets *t, struct buf *out)
{
	const struct layout *l = o->hands->agent->state->layout;
	uint32_t i, end;
	int first = GUARD_ADMIT, guard;

	for (i = 0; i < t->n; i = end) {
		struct order order = { .service = l->realservers[t->ids[i]].service,
				       .realservers = t->ids + i,
				       .effect = o->cmd.effect,
				       .weight = o->cmd.weight };

		for (end = i; end < t->n && l->realservers[t->ids[end]].service == order.service;
		     end++)
			;
		order.n = end - i;
		guard = judge_service(o, &order, out);
		first = first ? first : guard;
	}
	if (first)
		buf_puts(out, "; --force does it all the same");
	return first;
}

/* --- placing ------------------------------------------------------------------- */

/* All or nothing. What stood there before in the same name stands as it does now. */
static void take_back(struct hands_order *o)
{
	struct agent *a = o->hands->agent;
	uint32_t i;

	for (i = 0; i < o->n && !a->stopping; i++)
		if (o->placings[i].id && o->placings[i].fresh)
			placer_lift(a->placer, o->placings[i].id);
}

static json_t *placed_json(const struct hands_order *o)
{
	const struct agent *a = o->hands->agent;
	json_t *list = json_array();
	uint32_t i;

	for (i = 0; i < o->n; i++) {
		const struct hold *h = holds_find(a->holds, o->placings[i].id);

		if (h)
			json_array_append_new(list, hands_json(a, h));
	}
	return list;
}

static void answer_placed(struct hands_order *o)
{
	json_t *list = placed_json(o), *first = json_array_get(list, 0), *root;
	struct buf text = BUF_INIT;
	enum command_status status;

	if (o->cmd.kind == COMMAND_FREEZE)
		root = json_pack("{s:O?}", "frozen", first);
	else
		root = json_pack("{s:O?, s:O?, s:O, s:O}", "id", json_object_get(first, "id"),
				 "hold", first, "holds", list, "overrode", o->overrode);
	json_decref(list);
	status = hands_text(root, &text);
	if (o->slugs.len)
		log_event(LOG_WARN, "an operator overrode guards",
			  LOG_STR("holder", hands_holder(&o->cmd)),
			  LOG_STR("target", o->cmd.target), LOG_STR("guards", buf_str(&o->slugs)));
	answer(o, status, NULL, &text);
}

static void finish(struct hands_order *o)
{
	struct buf text = BUF_INIT;

	if (!o->error) {
		answer_placed(o);
		return;
	}
	if (o->error == -ESHUTDOWN) {
		answer_words(o, COMMAND_STOPPING, "the agent is stopping");
		return;
	}
	take_back(o);
	if (o->error == -ECANCELED)
		buf_puts(&text, "it was lifted while it was being recorded");
	else
		buf_printf(&text, "it cannot be recorded, so nothing was changed: %s",
			   strerror(-o->error));
	answer(o, COMMAND_UNAVAILABLE, NULL, &text);
}

static void on_placed(void *arg, int error, const struct hold *hold)
{
	struct placing *p = arg;
	struct hands_order *o = p->order;

	if (!error)
		p->id = strdup(hold->id);
	if (!error && !p->id)
		error = -ENOMEM;
	o->error = o->error ? o->error : error;
	if (!--o->n_left)
		finish(o);
}

static int place_one(struct hands_order *o, const char *service, const char *realserver,
		     int64_t drain_ms, int64_t now)
{
	struct agent *a = o->hands->agent;
	struct placing *p = &o->placings[o->n];
	struct hold like = { .hold_class = HOLD_OPERATOR,
			     .service = (char *)(uintptr_t)service,
			     .realserver = (char *)(uintptr_t)realserver,
			     .holder = (char *)(uintptr_t)hands_holder(&o->cmd),
			     .effect = o->cmd.effect,
			     .weight =
				     hold_kind(o->cmd.effect) == HOLD_REPLACES ? o->cmd.weight : 0,
			     .reason = o->cmd.reason,
			     .until_wall_ms = o->cmd.ttl_ms ? now + o->cmd.ttl_ms : 0,
			     .drain_ms = o->cmd.effect == HOLD_ZERO ? drain_ms : 0,
			     .forced = o->cmd.force };
	int e;

	*p = (struct placing){ .order = o, .fresh = !holds_same(a->holds, &like) };
	e = placer_asked(a->placer, &like, now, on_placed, p);
	o->n += !e;
	o->n_left += !e;
	return e;
}

/* Asks for all; what is on its way then is answered later. */
static void place(struct hands_order *o, const struct targets *t)
{
	const struct layout *l = o->hands->agent->state->layout;
	uint32_t n = o->cmd.kind == COMMAND_FREEZE ? 1 : t->n, i;
	int64_t now = clock_wall_ms();

	o->placings = calloc(n + 1ul, sizeof(*o->placings));
	if (!o->placings)
		o->error = -ENOMEM;
	for (i = 0; i < n && !o->error; i++) {
		const struct layout_realserver *r;
		const struct service_conf *s;

		if (o->cmd.kind == COMMAND_FREEZE) {
			o->error = place_one(o, HOLD_SERVICE, HOLD_SERVICE, 0, now);
			continue;
		}
		r = &l->realservers[t->ids[i]];
		s = l->services[r->service].conf;
		o->error = place_one(o, s->head.name, r->conf->name,
				     o->cmd.drain_ms ? o->cmd.drain_ms : s->drain_timeout, now);
	}
	if (!o->n_left)
		finish(o);
}

/* --- an order ------------------------------------------------------------------ */

/* What makes no sense is refused whoever let it through; "" = it does. */
static const char *check(struct command *cmd)
{
	if (cmd->kind == COMMAND_FREEZE) {
		cmd->effect = HOLD_FREEZE;
		return "";
	}
	if (!cmd->target || !*cmd->target)
		return "a target is missing: SERVICE/REALSERVER, SERVICE, a realserver's name or "
		       "its address";
	switch (hold_kind(cmd->effect)) {
	case HOLD_REPLACES:
		return cmd->weight ? "" : "a weight of 0 would cut nobody off gently: use drain";
	case HOLD_ADMITS:
		cmd->ttl_ms = cmd->ttl_ms ? cmd->ttl_ms : ADMIT_MS;
		return cmd->ttl_ms > ADMIT_MOST_MS ? "rules are ignored for 7 days at most" : "";
	case HOLD_LOWERS:
		return cmd->effect < HOLD_ZERO ? "an operator lowers a weight to 0 at least" : "";
	case HOLD_SHOWS_BACKUPS:
	case HOLD_FREEZES:
		break;
	}
	return "it is no effect on a realserver";
}

static void begin_hold(struct hands_order *o)
{
	const char *wrong = check(&o->cmd);
	struct buf text = BUF_INIT;
	struct targets t = { 0 };
	enum command_status status = COMMAND_OK;
	int guard = GUARD_ADMIT;

	if (*wrong) {
		answer_words(o, COMMAND_INVALID, wrong);
		return;
	}
	o->overrode = json_array();
	if (o->cmd.kind == COMMAND_HOLD)
		status = hands_targets(o->hands->agent, o->cmd.target, &text, &t);
	if (status == COMMAND_OK)
		guard = judge(o, &t, &text);
	if (status != COMMAND_OK || guard != GUARD_ADMIT)
		answer(o, status != COMMAND_OK ? status : COMMAND_CONFLICT,
		       guard ? guard_names[guard] : NULL, &text);
	else
		place(o, &t);
	buf_fini(&text);
	targets_fini(&t);
}

static void begin(struct hands_order *o)
{
	struct agent *a = o->hands->agent;
	struct buf text = BUF_INIT;
	enum command_status status = COMMAND_STOPPING;

	if (!a->stopping && o->cmd.kind != COMMAND_LIFT && o->cmd.kind != COMMAND_THAW) {
		begin_hold(o);
		return;
	}
	if (!a->stopping)
		status = o->cmd.kind == COMMAND_LIFT ? hands_lift(a, &o->cmd, &text)
						     : hands_thaw(a, &o->cmd, &text);
	answer(o, status, NULL, &text);
}

static void next_order(struct hands *h)
{
	if (h->beginning)
		return;
	h->beginning = true;
	while (h->first && !h->running) {
		h->running = true;
		begin(h->first);
	}
	h->beginning = false;
}

void hands_order(struct agent *a, struct command *cmd, command_fn *fn, void *arg)
{
	struct command_reply reply = { .status = COMMAND_FAILED };
	struct hands *h = a->hands;
	struct hands_order *o = calloc(1, sizeof(*o));

	if (!o) {
		fn(arg, &reply);
		return;
	}
	*o = (struct hands_order){ .hands = h, .cmd = *cmd, .fn = fn, .arg = arg };
	*cmd = (struct command){ .kind = cmd->kind };
	*h->last = o;
	h->last = &o->next;
	next_order(h);
}

int hands_new(struct agent *a, struct hands **ret_hands)
{
	struct hands *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	*h = (struct hands){ .agent = a, .last = &h->first };
	*ret_hands = h;
	return 0;
}

void hands_free(struct hands *h)
{
	struct hands_order *o;

	while (h && (o = h->first)) {
		struct command_reply reply = { .status = COMMAND_STOPPING };

		h->first = o->next;
		o->fn(o->arg, &reply);
		order_free(o);
	}
	free(h);
}
