/* duties_order.c: what is asked of duties: who is master now, and how it stands. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/duties_internal.h"
#include "agent/holds/ledger.h"
#include "agent/note.h"
#include "agent/rules/notifier.h"
#include "agent/sync/tend.h"

/* --- orders
 * ---------------------------------------------------------------------------------------- */

/* Who waits for the disk. */
struct asked {
	struct agent *agent;
	command_fn *fn;
	void *arg;
};

static void answer(struct agent *a, command_fn *fn, void *arg, int recorded)
{
	struct command_reply reply = { .status = COMMAND_FAILED };
	struct view *v = a->stopping ? NULL : view_new(a->conf, NULL);

	if (a->stopping)
		reply.status = COMMAND_STOPPING;
	else if (v && !duties_show(a->duties, v))
		reply.status =
			duties_json(v->duties, a->duties->since_wall_ms, recorded, &reply.text);
	view_unref(v);
	fn(arg, &reply);
	buf_fini(&reply.text);
}

static void on_recorded(void *arg, int error)
{
	struct asked *q = arg;

	if (error)
		log_event(LOG_ERROR,
			  "the role is not on disk: after a crash it would be the one "
			  "before",
			  LOG_ERR(error));
	answer(q->agent, q->fn, q->arg, !error);
	free(q);
}

static void note_order(struct agent *a, const struct command *cmd, const char *outcome)
{
	struct journal_line *l = note_begin(a, JOURNAL_ORDER);

	journal_line_text(l, "order", "role");
	journal_line_text(l, "target", cmd->only);
	journal_line_text(l, "by", cmd->who);
	journal_line_text(l, "reason", cmd->reason);
	journal_line_text(l, "outcome", outcome);
	journal_end(a->journal, l);
}

static void become(struct duties *d, enum view_role role, const char *who)
{
	if (d->role == role && d->since_wall_ms)
		return;
	log_event(LOG_INFO, "the role changes", LOG_STR("from", view_role_names[d->role]),
		  LOG_STR("to", view_role_names[role]), LOG_STR("by", who ? who : ""));
	d->role = role;
	d->since_wall_ms = clock_wall_ms();
	notifier_standby(d->agent->notifier, !duties_is_master(d));
	duties_decide(d, true);
}

static void refuse(struct agent *a, const struct command *cmd, command_fn *fn, void *arg,
		   enum command_status status, const char *why)
{
	struct command_reply reply = { .status = status };

	note_order(a, cmd, why);
	buf_puts(&reply.text, why);
	fn(arg, &reply);
	buf_fini(&reply.text);
}

void duties_order(struct agent *a, struct command *cmd, command_fn *fn, void *arg)
{
	struct duties *d = a->duties;
	struct asked *q = malloc(sizeof(*q));
	struct buf value = BUF_INIT;
	enum view_role role;
	int e = q ? 0 : -ENOMEM;

	if (!d->roles) {
		refuse(a, cmd, fn, arg, COMMAND_CONFLICT,
		       "there is no pair to have a role in: [agent] roles = off");
		goto out;
	}
	if (!cmd->only || !duties_find_role(cmd->only, strlen(cmd->only), &role) || !role) {
		refuse(a, cmd, fn, arg, COMMAND_INVALID, "role: is not master, backup or fault");
		goto out;
	}
	become(d, role, cmd->who);
	note_order(a, cmd, "done");
	duties_put_role(d, &value);
	if (!e && !buf_ok(&value))
		e = -ENOMEM;
	if (!e) {
		*q = (struct asked){ .agent = a, .fn = fn, .arg = arg };
		e = ledger_fact(a->ledger, ROLE_FACT, buf_str(&value), on_recorded, q);
	}
	if (e)
		answer(a, fn, arg, 0);
	else
		q = NULL;
out:
	free(q);
	buf_fini(&value);
	command_fini(cmd);
}

enum command_status duties_list(const struct agent *a, const struct command *cmd ATTR_UNUSED,
				struct buf *out)
{
	struct view *v = view_new(a->conf, NULL);
	enum command_status status = COMMAND_FAILED;

	if (v && !duties_show(a->duties, v))
		status = duties_json(v->duties, a->duties->since_wall_ms, -1, out);
	view_unref(v);
	return status;
}

/* --- showing
 * ----------------------------------------------------------------------------------------- */

static void show_place(const struct duties *d, uint32_t i, struct view_own_vip *to)
{
	const struct place *p = &d->places.rows[i];
	const struct duty_found *f = tend_found(d->tend, i);
	const struct duty_reason_row *why = &duty_reasons[f ? f->reason : p->why];

	*to = (struct view_own_vip){ .vip = p->conf->head.name,
				     .address = p->conf->addresses[p->address].text,
				     .interface = p->conf->interface,
				     .slug = why->slug,
				     .sentence = why->sentence,
				     .known = f,
				     .wanted = p->wish == DUTY_IN,
				     .present = f && f->present,
				     .foreign = f && f->reason == DUTY_FOREIGN };
}

int duties_show(const struct duties *d, struct view *v)
{
	struct view_duties *to = arena_alloc(&v->arena, sizeof(*to));
	const struct daemon *daemons;
	uint32_t i;

	if (!to)
		return -ENOMEM;
	*to = (struct view_duties){ .roles = d->roles, .role = d->role, .n_vips = d->places.n };
	to->vips = arena_alloc(&v->arena, (to->n_vips + 1) * sizeof(*to->vips));
	if (!to->vips)
		return -ENOMEM;
	for (i = 0; i < to->n_vips; i++)
		show_place(d, i, &to->vips[i]);
	daemons = tend_daemons(d->tend);
	to->daemons_known = daemons;
	if (daemons)
		memcpy(to->daemons, daemons, sizeof(to->daemons));
	for (i = 0; i < DAEMON_N; i++)
		to->daemons_ours[i] = tend_owns_daemon(d->tend, i);
	tend_counts(d->tend, &to->writes[0], &to->writes[1]);
	v->duties = to;
	return 0;
}
