/* manage.c: the management endpoints: healthy, ready, reload. */
#include <stdlib.h>
#include <string.h>

#include "agent/http/internal.h"
#include "agent/http/routes.h"
#include "agent/http/wait.h"
#include "agent/model/view.h"

/* The status that a command's answer has over HTTP. */
static const unsigned int statuses[] = {
	[COMMAND_OK] = 200,      [COMMAND_INVALID] = 400, [COMMAND_NOT_FOUND] = 404,
	[COMMAND_REFUSED] = 400, [COMMAND_FAILED] = 500,  [COMMAND_STOPPING] = 503,
};

static const char ready[] = "ipvs-agent is ready.\n";

static void after_turn(struct http_request *r)
{
	const struct http_result *result = http_wait_result(r);

	if (result->outcome == HTTP_WAIT_TIMEOUT)
		http_error(r, 503, "the loop has not answered for %lld ms",
			   (long long)r->server->limits.loop_ms);
	else if (result->outcome == HTTP_WAIT_STOPPING || result->status == COMMAND_STOPPING)
		http_error(r, 503, "the agent is stopping");
	else if (result->status != COMMAND_OK)
		http_error(r, 500, "out of memory");
	else
		http_answer_text(r, 200, "ipvs-agent is healthy.\n");
}

void http_healthy(struct http_request *r)
{
	http_ask_loop(r, r->server->limits.loop_ms, after_turn);
}

static void after_view(struct http_request *r, struct view *v)
{
	struct buf why = BUF_INIT;

	if (v && v->generation > 0 && v->agent.kernel_ok)
		http_answer_text(r, 200, ready);
	else if (!v || v->generation == 0)
		http_error(r, 503, "not ready: nothing has been read yet");
	else if (view_trouble(v, 0, &why))
		http_error(r, 503, "not ready: %s", buf_str(&why));
	buf_fini(&why);
	view_unref(v);
}

/* A kernel that cannot be read for once does not take readiness back. */
void http_ready(struct http_request *r)
{
	const struct agent_door *door = &r->server->env.door;

	if (door->was_read(door->agent))
		http_answer_text(r, 200, ready);
	else
		http_with_view(r, HTTP_ANY_AGE, after_view);
}

/* Warnings first: what counts is what is read last. */
static void answer_reloaded(struct http_request *r, const char *warnings)
{
	struct buf text = BUF_INIT;

	buf_puts(&text, warnings);
	buf_puts(&text, "configuration reloaded\n");
	if (buf_ok(&text))
		http_answer_text(r, 200, buf_str(&text));
	else
		http_error(r, 500, "out of memory");
	buf_fini(&text);
}

static void after_reload(struct http_request *r)
{
	struct http_result *result = http_wait_result(r);
	const char *text = buf_str(&result->text);

	if (result->outcome == HTTP_WAIT_TIMEOUT)
		http_error(r, 504, "the reload is still under way");
	else if (result->outcome == HTTP_WAIT_STOPPING)
		http_error(r, 503, "the agent is stopping");
	else if (result->status == COMMAND_OK)
		answer_reloaded(r, text);
	else
		http_error(r, statuses[result->status], "%s", *text ? text : "the reload failed");
}

void http_post_reload(struct http_request *r)
{
	struct command cmd = { .kind = COMMAND_RELOAD };

	http_command(r, &cmd, r->server->limits.reload_ms, after_reload);
}
