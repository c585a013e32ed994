/* lease_request.c: a request of Alertmanager, from its bytes to the realservers that it is
 * about, and to its answer. Nothing here looks at what is held. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "agent/leases.h"
#include "agent/rules/alert_target.h"
#include "agent/rules/rule_conf.h"

static int add_match(struct lease_request *rq, const struct rule_conf *rule, uint32_t realserver)
{
	uint32_t room = rq->room ? 2 * rq->room : 16;
	struct lease_match *grown;

	if (rq->n_matches == rq->room) {
		grown = reallocarray(rq->matches, room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		rq->matches = grown;
		rq->room = room;
	}
	rq->matches[rq->n_matches++] = (struct lease_match){ rule, realserver };
	return 0;
}

static void say(struct lease_alert *a, enum alert_outcome outcome, const char *text)
{
	if (outcome > a->outcome)
		a->outcome = outcome;
	buf_printf(&a->why, "%s%s", a->why.len ? "; " : "", text);
}

/* By one rule that goes by its name. */
static int match_rule(struct lease_request *rq, struct lease_alert *a, struct alert_index *ix,
		      const struct rule_conf *rule)
{
	uint32_t ids[ALERT_REALSERVERS_MAX], n = 0, i;
	struct buf why = BUF_INIT;
	int e = alert_target(ix, rule, a->alert, &why, ids, &n);

	if (e == -EINVAL)
		say(a, ALERT_REFUSED, buf_str(&why));
	else if (e == -ENOENT)
		say(a, ALERT_IGNORED, buf_str(&why));
	buf_fini(&why);
	if (e == -ENOMEM)
		return e;
	for (i = 0; i < n; i++)
		if (add_match(rq, rule, ids[i]))
			return -ENOMEM;
	return 0;
}

static int match_alert(struct lease_request *rq, struct lease_alert *a, struct alert_index *ix)
{
	size_t n, i;
	void *const *rules = rules_all(rq->layout->conf, &n);
	int e = 0;

	a->first = rq->n_matches;
	if (a->alert->wrong) {
		say(a, ALERT_REFUSED, a->alert->wrong);
		return 0;
	}
	for (i = 0; i < n && !e; i++) {
		const struct rule_conf *rule = rules[i];

		if (!rule->alert || strcmp(rule->alert, a->alert->name) != 0)
			continue;
		a->known = true;
		if (rule->enforce == ENFORCE_OFF)
			say(a, ALERT_IGNORED, "its rule is off");
		else if (!a->alert->resolved)
			e = match_rule(rq, a, ix, rule);
	}
	if (!e && !a->known)
		say(a, ALERT_IGNORED, "no rule goes by that alert");
	a->n = rq->n_matches - a->first;
	/* One rule knows whom it means: that is enough. */
	if (a->n)
		a->outcome = ALERT_RECORDED;
	return e;
}

int lease_request_match(struct lease_request *rq, struct layout *l, uint32_t first)
{
	struct alert_index ix = { .layout = l };
	struct layout *old = rq->layout;
	uint32_t i;
	int e = 0;

	rq->layout = layout_ref(l);
	layout_unref(old);
	rq->n_matches = 0;
	for (i = first; i < rq->alerts->n && !e; i++) {
		buf_fini(&rq->list[i].why);
		rq->list[i] = (struct lease_alert){ .alert = &rq->alerts->list[i] };
		e = match_alert(rq, &rq->list[i], &ix);
	}
	alert_index_fini(&ix);
	return e;
}

int lease_request_new(const char *text, size_t len, struct layout *l, struct buf *why,
		      struct lease_request **ret_request)
{
	struct lease_request *rq = calloc(1, sizeof(*rq));
	int e;

	if (!rq)
		return -ENOMEM;
	e = alerts_parse(text, len, why, &rq->alerts);
	if (!e)
		rq->list = calloc(rq->alerts->n + 1ul, sizeof(*rq->list));
	if (!e && !rq->list)
		e = -ENOMEM;
	if (!e)
		e = lease_request_match(rq, l, 0);
	if (e) {
		lease_request_free(rq);
		return e;
	}
	*ret_request = rq;
	return 0;
}

void lease_request_free(struct lease_request *rq)
{
	uint32_t i;

	if (!rq)
		return;
	for (i = 0; rq->list && i < rq->alerts->n; i++)
		buf_fini(&rq->list[i].why);
	free(rq->list);
	free(rq->matches);
	alerts_free(rq->alerts);
	layout_unref(rq->layout);
	free(rq);
}

/* --- the answer ------------------------------------------------------------------------ */

static json_t *listed(const struct lease_request *rq, enum alert_outcome outcome)
{
	json_t *list = json_array();
	uint32_t i;

	for (i = 0; i < rq->alerts->n; i++) {
		const struct lease_alert *a = &rq->list[i];

		if (a->outcome == outcome)
			json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "fingerprint",
							      a->alert->fingerprint, "alert",
							      a->alert->name, "message",
							      buf_str(&a->why)));
	}
	return list;
}

static json_int_t count(const struct lease_request *rq, enum alert_outcome outcome)
{
	json_int_t n = 0;
	uint32_t i;

	for (i = 0; i < rq->alerts->n; i++)
		n += rq->list[i].outcome == outcome;
	return n;
}

int lease_request_answer(const struct lease_request *rq, struct buf *out)
{
	json_t *o = json_pack("{s:I, s:I, s:o, s:o}", "recorded", count(rq, ALERT_RECORDED),
			      "resolved", count(rq, ALERT_RESOLVED), "ignored",
			      listed(rq, ALERT_IGNORED), "refused", listed(rq, ALERT_REFUSED));
	char *text;

	if (o && rq->alerts->truncated) {
		json_object_set_new(o, "truncated",
				    json_integer((json_int_t)rq->alerts->truncated));
		json_object_set_new(o, "message",
				    json_string("alerts are missing (max_alerts): what is missing "
						"releases nothing, and holds nothing"));
	}
	text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	if (text)
		buf_puts(out, text);
	free(text);
	return text && buf_ok(out) ? 0 : -ENOMEM;
}
