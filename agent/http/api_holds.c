/* api_holds.c: what operators and Alertmanager ask for: holds, freeze, alerts, attempts to
 * be made now; and what rules are doing. Read here, done on the loop, whose JSON is the
 * answer. */
#include <stdlib.h>
#include <string.h>

#include "agent/http/ask.h"
#include "agent/http/routes.h"
#include "agent/http/wait.h"

static const char *const classes[] = { "rule", "alert", "operator", NULL };
static const char *const kinds[] = { "drain", "weight", "admit", NULL };

enum { ID_MAX = 80 };

/* Who asks, and about what, for the loop and for the audit. A user's name that is no
 * holder's becomes one. */
static int introduce(struct http_request *r, struct command *cmd, struct buf *why)
{
	cmd->who = ask_as_holder(r->who ? r->who : "");
	if (cmd->target)
		r->about = strdup(cmd->target);
	if (cmd->who && (!cmd->target || r->about))
		return 0;
	buf_puts(why, "out of memory");
	return -1;
}

/* Posts the command where all of it could be read (error 0), or answers why not. */
static void post(struct http_request *r, struct command *cmd, unsigned int status, int error,
		 struct buf *why)
{
	if (error == 0 && r->route->write)
		error = introduce(r, cmd, why);
	if (error == 0) {
		http_pass_command(r, cmd, status);
	} else {
		http_error(r, strcmp(buf_str(why), "out of memory") == 0 ? 500 : 400, "%s",
			   buf_str(why));
		command_fini(cmd);
	}
	buf_fini(why);
}

/* What is misspelt would be left out: more would be ended than was meant. */
static int check_names(struct http_request *r, const char *const *known, struct buf *why)
{
	const char *other = http_query_other(r, known);

	if (!other)
		return 0;
	buf_puts(why, "unknown '");
	http_put_clean(why, other);
	buf_puts(why, "' in the query; there are");
	for (size_t i = 0; known[i]; i++)
		buf_printf(why, "%s %s", i == 0 ? "" : known[i + 1] ? "," : " and", known[i]);
	return -1;
}

/* The members that several queries have. */
static int read_query(struct http_request *r, const char *const *known, struct command *cmd,
		      struct buf *why)
{
	const char *target = http_query(r, "target"), *holder = http_query(r, "holder");
	int error = check_names(r, known, why);

	if (error == 0 && target)
		error = ask_target(target, &cmd->target, why);
	if (error == 0 && holder)
		error = ask_holder(holder, &cmd->holder, why);
	return error;
}

static int read_all(struct http_request *r, struct command *cmd, struct buf *why)
{
	const char *all = http_query(r, "all");

	return all ? ask_flag("all", all, &cmd->all, why) : 0;
}

void http_holds(struct http_request *r)
{
	static const char *const known[] = { "target", "class", "holder", NULL };
	struct command cmd = { .kind = COMMAND_HOLDS };
	const char *class = http_query(r, "class");
	struct buf why = BUF_INIT;
	int error = read_query(r, known, &cmd, &why);

	if (error == 0 && class)
		error = ask_word("class", class, classes, &cmd.only, &why);
	post(r, &cmd, 200, error, &why);
}

void http_hold(struct http_request *r)
{
	struct command cmd = { .kind = COMMAND_HOLD };
	struct buf why = BUF_INIT;
	int error = ask_hold(&r->body, &cmd, &why);

	post(r, &cmd, 201, error, &why);
}

void http_lift(struct http_request *r)
{
	static const char *const known[] = { "target", "holder", "kind", "all", NULL };
	struct command cmd = { .kind = COMMAND_LIFT };
	const char *kind = http_query(r, "kind");
	struct buf why = BUF_INIT;
	int error = read_query(r, known, &cmd, &why);

	if (error == 0 && !cmd.target) {
		buf_puts(&why, "target: is missing: ?target=SERVICE/REALSERVER, or "
			       "/api/v1/holds/ID");
		error = -1;
	}
	if (error == 0)
		error = read_all(r, &cmd, &why);
	if (error == 0 && kind)
		error = ask_word("kind", kind, kinds, &cmd.only, &why);
	post(r, &cmd, 200, error, &why);
}

void http_lift_id(struct http_request *r)
{
	const char *id = r->path + strlen(r->route->path);
	struct command cmd = { .kind = COMMAND_LIFT };
	size_t len = strlen(id);
	struct buf why = BUF_INIT;

	if (len > ID_MAX || strspn(id, "0123456789abcdefghijklmnopqrstuvwxyz-") != len) {
		http_error(r, 404, "no hold has such an id");
		return;
	}
	cmd.id = strdup(id);
	r->about = strdup(id);
	if (!cmd.id || !r->about)
		buf_puts(&why, "out of memory");
	post(r, &cmd, 200, why.len > 0 ? -1 : 0, &why);
}

void http_freeze(struct http_request *r)
{
	struct command cmd = { .kind = COMMAND_FREEZE };
	struct buf why = BUF_INIT;
	int error = ask_freeze(&r->body, &cmd, &why);

	post(r, &cmd, 200, error, &why);
}

void http_thaw(struct http_request *r)
{
	static const char *const known[] = { "holder", "all", NULL };
	struct command cmd = { .kind = COMMAND_THAW };
	struct buf why = BUF_INIT;
	int error = read_query(r, known, &cmd, &why);

	if (error == 0)
		error = read_all(r, &cmd, &why);
	post(r, &cmd, 200, error, &why);
}

/* Reads as an explanation does, but sends packets: who may not write may not have them
 * sent. */
void http_probe(struct http_request *r)
{
	struct command cmd = { .kind = COMMAND_PROBE };
	struct buf why = BUF_INIT;
	int error = ask_probe(&r->body, &cmd, &why);

	post(r, &cmd, 200, error, &why);
}

void http_role(struct http_request *r)
{
	struct command cmd = { .kind = COMMAND_ROLE };
	struct buf why = BUF_INIT;

	post(r, &cmd, 200, 0, &why);
}

void http_set_role(struct http_request *r)
{
	struct command cmd = { .kind = COMMAND_SET_ROLE };
	struct buf why = BUF_INIT;
	int error = ask_role(&r->body, &cmd, &why);

	if (error == 0)
		r->about = strdup(cmd.only); /* without memory the audit lacks it, and no more */
	post(r, &cmd, 200, error, &why);
}

void http_rules(struct http_request *r)
{
	struct command cmd = { .kind = COMMAND_RULES };
	struct buf why = BUF_INIT;

	post(r, &cmd, 200, 0, &why);
}

/* Its JSON is the loop's to read: what a group of alerts says is not one request but
 * many, and each gets its own answer. */
void http_alerts(struct http_request *r)
{
	struct command cmd = { .kind = COMMAND_ALERTS };
	struct buf why = BUF_INIT;
	int error = 0;

	if (r->body.len == 0) {
		buf_puts(&why, "there is no body: Alertmanager's webhook, version 4, is expected");
		error = -1;
	} else {
		cmd.body = r->body;
		r->body = BUF_INIT;
	}
	post(r, &cmd, 200, error, &why);
}
