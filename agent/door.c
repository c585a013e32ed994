/* door.c: requests of operators, from whatever thread to the loop and back. */
#include <errno.h>
#include <stdlib.h>

#include "agent/agent.h"
#include "agent/base/loop.h"
#include "agent/duties.h"
#include "agent/explain.h"
#include "agent/hands.h"
#include "agent/intake.h"
#include "agent/peers.h"
#include "agent/publish.h"
#include "agent/trial.h"

struct posted {
	struct agent *agent;
	struct command cmd;
	command_fn *fn;
	void *arg;
};

static void answer(const struct posted *p, enum command_status status, struct buf *text)
{
	struct command_reply reply = { .status = status };

	if (text) {
		reply.text = *text;
		*text = BUF_INIT;
	}
	p->fn(p->arg, &reply);
	buf_fini(&reply.text);
}

static enum command_status explain(const struct agent *a, const struct command *cmd,
				   struct buf *out)
{
	return explain_target(a, cmd->target ? cmd->target : "", out);
}

/* What only looks. */
static enum command_status (*const lists[])(const struct agent *a, const struct command *cmd,
					    struct buf *out) = {
	[COMMAND_EXPLAIN] = explain,  [COMMAND_HOLDS] = hands_list, [COMMAND_RULES] = rules_list,
	[COMMAND_ROLE] = duties_list, [COMMAND_PEER] = peers_share, [COMMAND_PEERS] = peers_list,
};

static void run(void *arg)
{
	struct posted *p = arg;
	unsigned int kind = p->cmd.kind;
	struct buf text = BUF_INIT;
	enum command_status status;

	if (p->agent->stopping) {
		answer(p, COMMAND_STOPPING, NULL);
	} else if (kind == COMMAND_RELOAD) {
		agent_reload(p->agent, p->fn, p->arg);
	} else if (kind == COMMAND_ROUND) {
		publisher_round(p->agent->publisher, p->cmd.max_age_ms, p->fn, p->arg);
	} else if (kind < countof(lists) && lists[kind]) {
		status = lists[kind](p->agent, &p->cmd, &text);
		answer(p, status, &text);
	} else if (kind == COMMAND_PROBE) {
		trials_run(p->agent->trials, &p->cmd, p->fn, p->arg);
	} else if (kind == COMMAND_SET_ROLE) {
		duties_order(p->agent, &p->cmd, p->fn, p->arg);
	} else if (kind == COMMAND_ALERTS) {
		intake_take(p->agent->intake, &p->cmd, p->fn, p->arg);
	} else {
		hands_order(p->agent, &p->cmd, p->fn, p->arg);
	}
	buf_fini(&text);
	command_fini(&p->cmd);
	free(p);
}

static int post(void *agent, struct command *cmd, command_fn *fn, void *arg)
{
	struct agent *a = agent;
	struct posted *p = malloc(sizeof(*p));
	int e = -ENOMEM;

	if (p) {
		*p = (struct posted){ .agent = a, .cmd = *cmd, .fn = fn, .arg = arg };
		e = loop_post(a->loop, "command", run, p);
	}
	if (e)
		free(p);
	else
		*cmd = (struct command){ .kind = cmd->kind };
	return e;
}

static struct view *view(void *agent)
{
	struct agent *a = agent;

	return publisher_view(a->publisher);
}

static bool was_read(void *agent)
{
	struct agent *a = agent;

	return publisher_was_read(a->publisher);
}

struct agent_door agent_door(struct agent *a)
{
	return (struct agent_door){ .agent = a, .post = post, .view = view, .was_read = was_read };
}
