/* exec.c: starts a program, by its path: no shell, no search. It gets the facts as
 * environment variables, the JSON on its standard input, and 30 seconds. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "actions/said.h"
#include "actions/table.h"
#include "agent/base/child.h"
#include "agent/tell.h"

enum {
	TIMEOUT_MS = 30 * 1000,
	GRACE_MS = 2000,
	MAX_OUTPUT = 4096,
	AT_ONCE = 16,
};

static const char blanks[] = " \t";

struct exec_run {
	struct child *child;
};

static int exec_effect(const char *argument, struct buf *why, int *ret_effect)
{
	size_t len = strcspn(argument, blanks);

	if (!len) {
		buf_puts(why, "exec needs a program, as in 'exec /usr/local/bin/tell ops'");
		return -EINVAL;
	}
	if (argument[0] != '/' || argument[len - 1] == '/') {
		buf_printf(why, "exec takes the absolute path of a program, not '%.*s'", (int)len,
			   argument);
		return -EINVAL;
	}
	*ret_effect = 0;
	return 0;
}

/* --- one attempt -------------------------------------------------------------- */

static void report(struct tell_run *run, enum tell_outcome outcome, struct buf *text)
{
	const struct tell_report r = { .outcome = outcome, .text = buf_str(text) };

	tell_done(run, &r);
	buf_fini(text);
}

static void on_end(void *arg, const struct child_result *r)
{
	enum tell_outcome outcome = TELL_FAILED;
	struct buf text = BUF_INIT;
	const char *name;

	if (r->end == CHILD_DEADLINE) {
		buf_printf(&text, "killed after %d s", TIMEOUT_MS / 1000);
	} else if (r->end == CHILD_SIGNALED) {
		name = sigabbrev_np(r->code);
		buf_printf(&text, "ended by signal %d (%s)", r->code, name ? name : "?");
	} else if (r->code) {
		buf_printf(&text, "exit status %d", r->code);
	} else {
		outcome = TELL_SENT;
	}
	said_first_line(&text, buf_str(&r->output));
	report(arg, outcome, &text);
}

/* The words of `argument`; they point into *ret_copy. */
static const char **split(const char *argument, char **ret_copy)
{
	char *copy = strdup(argument), *at, *word;
	const char **argv;
	size_t n = 0;

	if (!copy)
		return NULL;
	/* at most every second byte begins a word */
	argv = calloc(strlen(copy) / 2 + 2, sizeof(*argv));
	if (!argv) {
		free(copy);
		return NULL;
	}
	for (word = strtok_r(copy, blanks, &at); word; word = strtok_r(NULL, blanks, &at))
		argv[n++] = word;
	*ret_copy = copy;
	return argv;
}

static void exec_start(struct tell_run *run)
{
	struct exec_run *x = run->state;
	struct child_request req = { .env = run->env,
				     .input = run->body,
				     .input_len = run->body_len,
				     .timeout_ms = TIMEOUT_MS,
				     .grace_ms = GRACE_MS,
				     .max_output = MAX_OUTPUT };
	struct buf text = BUF_INIT;
	bool ours = true;
	char *copy = NULL;
	int r = -ENOMEM;

	req.argv = split(run->argument, &copy);
	if (req.argv)
		r = child_start(run->children, &req, on_end, run, &x->child, &ours);
	free((void *)req.argv);
	free(copy);
	if (!r)
		return;
	buf_printf(&text, "cannot start: %s", strerrordesc_np(-r));
	report(run, ours ? TELL_AGAIN : TELL_FAILED, &text);
}

static void exec_cancel(struct tell_run *run)
{
	struct exec_run *x = run->state;

	child_cancel(x->child);
}

static const struct teller teller = {
	.run_size = sizeof(struct exec_run),
	.at_once = AT_ONCE,
	.start = exec_start,
	.cancel = exec_cancel,
};

const struct action action_exec = {
	.name = "exec",
	.usage = "exec /PATH [ARGUMENT…]",
	.help = "starts a program, without a shell",
	.kind = ACTION_TELL,
	.effect = exec_effect,
	.teller = &teller,
};
