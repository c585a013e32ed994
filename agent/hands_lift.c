/* hands_lift.c: operators' orders that end holds, and the list of them. An operator ends
 * what stands in his name; what others hold is named, with how to end that too. */
#include "agent/hands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/drains.h"
#include "agent/explain.h"
#include "agent/holds/effect.h"
#include "agent/holds/hold_json.h"
#include "agent/holds/place.h"
#include "agent/note.h"
#include "agent/peers.h"
#include "agent/rules/engine.h"

const char *hands_holder(const struct command *cmd)
{
	if (cmd->holder && *cmd->holder)
		return cmd->holder;
	return cmd->who && *cmd->who ? cmd->who : "unknown";
}

json_t *hands_json(const struct agent *a, const struct hold *h)
{
	json_t *o = h ? hold_json(h) : json_null();
	json_t *drain = h ? drains_json(a->drains, h) : NULL;
	enum guard guard = GUARD_ADMIT;

	if (h)
		peers_put_shared(a->peers, h, o);
	if (drain)
		json_object_set_new(o, "drain", drain);
	if (h && h->waiting)
		guard = explain_refused(a, h,
					layout_find(a->state->layout, h->service, h->realserver));
	if (guard != GUARD_ADMIT)
		json_object_set_new(o, "refused_by", json_string(guard_names[guard]));
	return o;
}

enum command_status hands_text(json_t *root, struct buf *out)
{
	char *text = root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;

	json_decref(root);
	if (!text)
		return COMMAND_FAILED;
	buf_puts(out, text);
	free(text);
	return COMMAND_OK;
}

static const char *order_name(const struct command *cmd)
{
	switch (cmd->kind) {
	case COMMAND_LIFT:
		return "lift";
	case COMMAND_FREEZE:
		return "freeze";
	case COMMAND_THAW:
		return "thaw";
	default:
		break;
	}
	return cmd->effect == HOLD_ADMIT ? "admit" : cmd->effect == HOLD_ZERO ? "drain" : "weight";
}

void hands_note(struct agent *a, const struct command *cmd, const char *outcome,
		const char *overrode)
{
	struct journal_line *l = note_begin(a, JOURNAL_ORDER);

	if (!l)
		return;
	journal_line_text(l, "order", order_name(cmd));
	journal_line_text(l, "target", cmd->target ? cmd->target : cmd->id ? cmd->id : "*");
	journal_line_text(l, "by", cmd->who ? cmd->who : "");
	journal_line_text(l, "holder", hands_holder(cmd));
	if (cmd->reason && *cmd->reason)
		journal_line_text(l, "reason", cmd->reason);
	if (cmd->ttl_ms)
		journal_line_int(l, "ttl_ms", cmd->ttl_ms);
	journal_line_text(l, "outcome", outcome);
	journal_line_text(l, "overrode", overrode);
	journal_end(a->journal, l);
}

enum command_status hands_targets(const struct agent *a, const char *target, struct buf *out,
				  struct targets *ret_targets)
{
	struct targets t;
	int e = targets_find(a->state->layout, target, out, &t);

	if (e)
		return e == -ENOENT ? COMMAND_NOT_FOUND : COMMAND_FAILED;
	if (t.ambiguous) {
		targets_fini(&t);
		targets_describe_both(target, out);
		return COMMAND_CONFLICT;
	}
	*ret_targets = t;
	return COMMAND_OK;
}

/* --- who is meant ---------------------------------------------------------------- */

/* Some of the holds, in two lists: what is asked for, and what else is there. */
struct picked {
	const struct agent *agent;
	const struct command *cmd;
	struct targets targets; /* of the configuration; may be none */
	json_t *mine, *others;
	char **ids; /* of mine */
	size_t n_ids;
	bool failed;
};

/* What left the file is still known by its names. */
static bool is_named(const struct hold *h, const char *target)
{
	const char *slash = strchr(target, '/');
	size_t len = slash ? (size_t)(slash - target) : 0;

	if (!slash)
		return !strcmp(h->service, target) || !strcmp(h->realserver, target);
	return (!len || (!strncmp(h->service, target, len) && !h->service[len])) &&
	       (!slash[1] || !strcmp(h->realserver, slash + 1));
}

static int by_id(const void *key, const void *row)
{
	uint32_t a = *(const uint32_t *)key, b = *(const uint32_t *)row;

	return (a > b) - (a < b);
}

static bool is_at(const struct picked *p, const struct hold *h)
{
	uint32_t id;

	if (!p->cmd->target)
		return true;
	id = layout_find(p->agent->state->layout, h->service, h->realserver);
	if (id == LAYOUT_NONE)
		return is_named(h, p->cmd->target);
	return p->targets.n &&
	       bsearch(&id, p->targets.ids, p->targets.n, sizeof(id), by_id) != NULL;
}

static bool is_of_kind(const struct hold *h, const char *only)
{
	enum hold_kind kind = hold_kind(h->effect);
	bool zero = kind == HOLD_LOWERS && h->effect <= HOLD_ZERO;

	if (kind == HOLD_FREEZES || kind == HOLD_SHOWS_BACKUPS)
		return false;
	if (!only)
		return true;
	if (!strcmp(only, "drain"))
		return zero;
	return !strcmp(only, "admit") ? kind == HOLD_ADMITS : kind != HOLD_ADMITS && !zero;
}

static bool is_mine(const struct command *cmd, const struct hold *h)
{
	return h->hold_class == HOLD_OPERATOR && is_of_kind(h, cmd->only) &&
	       (cmd->all || peers_same_holder(h, hands_holder(cmd)));
}

static void take_id(struct picked *p, const struct hold *h)
{
	char **grown = reallocarray(p->ids, p->n_ids + 1, sizeof(*grown));

	if (grown)
		p->ids = grown;
	if (grown && (grown[p->n_ids] = strdup(h->id)))
		p->n_ids++;
	else
		p->failed = true;
}

static void sort_target(void *arg, const struct hold *h)
{
	struct picked *p = arg;

	if (!is_at(p, h))
		return;
	if (is_mine(p->cmd, h)) {
		take_id(p, h);
		p->failed |= json_array_append_new(p->mine, hands_json(p->agent, h)) != 0;
	} else if (hold_kind(h->effect) != HOLD_FREEZES) {
		p->failed |= json_array_append_new(p->others, hands_json(p->agent, h)) != 0;
	}
}

/* Of the same realserver, when one is named by its id. */
static void sort_id(void *arg, const struct hold *h)
{
	struct picked *p = arg;
	const struct hold *one = holds_find(p->agent->holds, p->cmd->id);

	if (h == one) {
		take_id(p, h);
		p->failed |= json_array_append_new(p->mine, hands_json(p->agent, h)) != 0;
	} else if (!strcmp(h->service, one->service) && !strcmp(h->realserver, one->realserver)) {
		p->failed |= json_array_append_new(p->others, hands_json(p->agent, h)) != 0;
	}
}

static void sort_freeze(void *arg, const struct hold *h)
{
	struct picked *p = arg;

	if (hold_kind(h->effect) != HOLD_FREEZES ||
	    (!p->cmd->all && strcmp(h->holder, hands_holder(p->cmd)) != 0))
		return;
	take_id(p, h);
	p->failed |= json_array_append_new(p->mine, hands_json(p->agent, h)) != 0;
}

static void picked_begin(struct picked *p, const struct agent *a, const struct command *cmd)
{
	*p = (struct picked){
		.agent = a, .cmd = cmd, .mine = json_array(), .others = json_array()
	};
	p->failed = !p->mine || !p->others;
}

static void picked_fini(struct picked *p)
{
	size_t i;

	for (i = 0; i < p->n_ids; i++)
		free(p->ids[i]);
	free(p->ids);
	json_decref(p->mine);
	json_decref(p->others);
	targets_fini(&p->targets);
}

/* --- lift ------------------------------------------------------------------------ */

static void lift_all(struct agent *a, const struct picked *p)
{
	size_t i;

	for (i = 0; i < p->n_ids; i++)
		placer_lift(a->placer, p->ids[i]);
}

static enum command_status lift(struct agent *a, struct picked *p, struct buf *out)
{
	if (p->failed)
		return COMMAND_FAILED;
	lift_all(a, p);
	return hands_text(json_pack("{s:O, s:O}", "lifted", p->mine, "remaining", p->others), out);
}

static enum command_status lift_id(struct agent *a, const struct command *cmd, struct picked *p,
				   struct buf *out)
{
	const struct hold *h = holds_find(a->holds, cmd->id);

	if (!h) {
		buf_printf(out, "no hold has the id '%s'", cmd->id);
		return COMMAND_NOT_FOUND;
	}
	if (h->hold_class == HOLD_RULE) {
		buf_printf(out,
			   "that is rule %s's: it would place it again; use admit %s/%s where "
			   "rules are to be ignored",
			   h->holder, h->service, h->realserver);
		return COMMAND_CONFLICT;
	}
	if (h->hold_class == HOLD_AGENT) {
		buf_printf(
			out,
			"that is what the realserver asks for itself (probe %s): it would say so "
			"again; use admit %s/%s where it is not to be heard",
			h->holder, h->service, h->realserver);
		return COMMAND_CONFLICT;
	}
	holds_each(a->holds, sort_id, p);
	return lift(a, p, out);
}

static enum command_status lift_target(struct agent *a, const struct command *cmd, struct picked *p,
				       struct buf *out)
{
	enum command_status status = hands_targets(a, cmd->target, out, &p->targets);

	if (status != COMMAND_OK && status != COMMAND_NOT_FOUND)
		return status;
	holds_each(a->holds, sort_target, p);
	if (p->n_ids || json_array_size(p->others)) {
		buf_reset(out);
		return lift(a, p, out);
	}
	if (status == COMMAND_OK)
		buf_printf(out, "nobody holds anything of %s", cmd->target);
	return COMMAND_NOT_FOUND;
}

enum command_status hands_lift(struct agent *a, const struct command *cmd, struct buf *out)
{
	enum command_status status = COMMAND_INVALID;
	struct picked p;

	picked_begin(&p, a, cmd);
	if (cmd->id)
		status = lift_id(a, cmd, &p, out);
	else if (cmd->target)
		status = lift_target(a, cmd, &p, out);
	else
		buf_puts(out, "a target or an id is missing");
	picked_fini(&p);
	return status;
}

enum command_status hands_thaw(struct agent *a, const struct command *cmd, struct buf *out)
{
	enum command_status status = COMMAND_FAILED;
	struct picked p;

	picked_begin(&p, a, cmd);
	holds_each(a->holds, sort_freeze, &p);
	if (!p.failed) {
		lift_all(a, &p);
		status = hands_text(json_pack("{s:o, s:O}", "frozen",
					      hands_json(a, holds_freeze(a->holds)), "lifted",
					      p.mine),
				    out);
	}
	picked_fini(&p);
	return status;
}

/* --- the list ---------------------------------------------------------------------- */

static void list_one(void *arg, const struct hold *h)
{
	struct picked *p = arg;
	const struct command *cmd = p->cmd;

	if (hold_kind(h->effect) == HOLD_FREEZES ||
	    (cmd->only && strcmp(cmd->only, hold_class_names[h->hold_class]) != 0) ||
	    (cmd->holder && strcmp(cmd->holder, h->holder) != 0) || !is_at(p, h))
		return;
	p->failed |= json_array_append_new(p->mine, hands_json(p->agent, h)) != 0;
}

enum command_status hands_list(const struct agent *a, const struct command *cmd, struct buf *out)
{
	enum command_status status = COMMAND_OK;
	struct picked p;
	int e = 0;

	picked_begin(&p, a, cmd);
	if (cmd->target)
		e = targets_find(a->state->layout, cmd->target, out, &p.targets);
	holds_each(a->holds, list_one, &p);
	if (p.failed || (e && e != -ENOENT)) {
		status = COMMAND_FAILED;
	} else if (e && !json_array_size(p.mine)) {
		status = COMMAND_NOT_FOUND;
	} else {
		buf_reset(out);
		status = hands_text(json_pack("{s:o, s:O}", "frozen",
					      hands_json(a, holds_freeze(a->holds)), "holds",
					      p.mine),
				    out);
	}
	picked_fini(&p);
	return status;
}
