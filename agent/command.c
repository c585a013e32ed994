/* command.c: requests of operators, from whatever thread to the loop and back. */
#include "agent/command.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/agent.h"
#include "agent/base/loop.h"
#include "agent/publish.h"

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

static void run(void *arg)
{
	struct posted *p = arg;
	struct buf text = BUF_INIT;
	enum command_status status;

	if (p->agent->stopping) {
		answer(p, COMMAND_STOPPING, NULL);
	} else if (p->cmd.kind == COMMAND_RELOAD) {
		agent_reload(p->agent, p->fn, p->arg);
	} else if (p->cmd.kind == COMMAND_ROUND) {
		publisher_round(p->agent->publisher, p->cmd.max_age_ms, p->fn, p->arg);
	} else {
		status = explain_target(p->agent, p->cmd.target ? p->cmd.target : "", &text);
		answer(p, status, &text);
	}
	buf_fini(&text);
	free(p->cmd.target);
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
		cmd->target = NULL;
	return e;
}

static struct view *view(void *agent)
{
	struct agent *a = agent;

	return publisher_view(a->publisher);
}

struct agent_door agent_door(struct agent *a)
{
	return (struct agent_door){ .agent = a, .post = post, .view = view };
}
