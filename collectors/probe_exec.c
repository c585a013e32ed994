/* probe_exec.c: a program of the user's judges the realserver, by its exit status as
 * monitoring plugins have it: 0 good, 1 warning, 2 bad; 3 and the others are its own
 * trouble, and so is an end by a signal: unknown. One that is not done when the deadline
 * comes is killed; whether it hung by itself or on its server, only the user can tell.
 * base/child runs it; here is how many at once. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/base/child.h"
#include "agent/base/clock.h"
#include "agent/base/loop.h"
#include "agent/probe.h"
#include "collectors/probe_path.h"
#include "collectors/probe_turn.h"
#include "collectors/table.h"
#include "conf/key.h"

enum {
	MAX_AT_ONCE = 1000,
	MAX_CHILDREN = 2 * MAX_AT_ONCE, /* those which are killed hold a place until they go */
	MAX_OUTPUT = 4096,
	GRACE_MS = 500, /* from SIGTERM to SIGKILL; less than what the scheduler gives us */
	MAX_LINE = 200,
};

enum plugin_status { PLUGIN_OK = 0, PLUGIN_WARNING, PLUGIN_CRITICAL };

struct exec_conf {
	struct conf_strings args, env;
	int warning, overrun; /* enum probe_reason */
	bool dynamic;
	uint32_t at_once;
};

struct exec_commons {
	struct children *children;
	struct turns turns;
};

struct exec_run {
	struct child *child;
	struct loop_timer *timer; /* while it waits for its turn */
	struct turn turn;
	int64_t begin_ms, waited_ms;
};

/* --- ends --------------------------------------------------------------------- */

static void end(struct probe_run *run, const struct probe_report *report)
{
	struct exec_commons *c = run->commons;
	struct exec_run *x = run->state;

	loop_timer_free(x->timer);
	turn_give(&c->turns, &x->turn);
	probe_done(run, report);
}

static void fail(struct probe_run *run, enum probe_reason reason, int os_errno, const char *text)
{
	end(run, &(struct probe_report){ .reason = reason, .os_errno = os_errno, .text = text });
}

/* What an exit status says. */
static enum probe_reason judge(const struct exec_conf *c, int status)
{
	switch (status) {
	case PLUGIN_OK:
		return PROBE_OK;
	case PLUGIN_WARNING:
		return (enum probe_reason)c->warning;
	case PLUGIN_CRITICAL:
		return PROBE_EXEC_FAILED;
	default:
		return PROBE_LOCAL_ERROR;
	}
}

/* One that had to wait for a good part of its time did not get what it was promised. */
static enum probe_reason overrun(const struct probe_run *run)
{
	const struct exec_conf *c = run->conf->head.part_conf;
	const struct exec_run *x = run->state;

	return 4 * x->waited_ms > run->timeout_ms ? PROBE_LOCAL_RESOURCES
						  : (enum probe_reason)c->overrun;
}

static void put_first_line(struct buf *text, const char *output)
{
	size_t len = strcspn(output, "\r\n");

	if (len)
		buf_printf(text, ": %.*s", (int)(len < MAX_LINE ? len : MAX_LINE), output);
}

static void on_end(void *arg, const struct child_result *r)
{
	struct probe_run *run = arg;
	const struct exec_conf *c = run->conf->head.part_conf;
	struct probe_report report = { 0 };
	struct buf text = BUF_INIT;
	struct probe_advice advice;
	const char *name;

	if (r->end == CHILD_DEADLINE) {
		report.reason = overrun(run);
		buf_puts(&text, "killed at the deadline");
	} else if (r->end == CHILD_SIGNALED) {
		report.reason = PROBE_LOCAL_ERROR;
		name = sigabbrev_np(r->code);
		buf_printf(&text, "ended by signal %d (%s)", r->code, name ? name : "?");
	} else {
		report.reason = judge(c, r->code);
		report.status = r->code;
		buf_printf(&text, "exit status %d", r->code);
	}
	put_first_line(&text, buf_str(&r->output));
	if (c->dynamic && report.reason == PROBE_OK) {
		advice = probe_share_advice(buf_str(&r->output));
		report.advice = &advice;
	}
	report.text = buf_str(&text);
	end(run, &report);
	buf_fini(&text);
}

/* --- what is run -------------------------------------------------------------- */

static void strings_free(char **list)
{
	size_t i;

	for (i = 0; list && list[i]; i++)
		free(list[i]);
	free((void *)list);
}

/* The text that was written, as the list's next; the buffer is empty again. */
static bool push(char **list, size_t *n, struct buf *text)
{
	list[*n] = buf_ok(text) && text->len ? buf_take(text) : NULL;
	if (!list[*n]) {
		list[*n] = buf_ok(text) ? strdup("") : NULL;
		buf_fini(text);
	}
	return list[(*n)++] != NULL;
}

/* The program and its arguments; NULL = no memory. */
static char **make_argv(const struct probe_run *run)
{
	const struct exec_conf *c = run->conf->head.part_conf;
	char **argv = calloc(c->args.n + 2, sizeof(*argv));
	struct buf text = BUF_INIT;
	size_t n = 0, i;
	bool ok = argv != NULL;

	if (ok) {
		probe_path(&text, run->conf, &run->addr);
		ok = push(argv, &n, &text);
	}
	for (i = 0; ok && i < c->args.n; i++) {
		probe_expand(&text, c->args.items[i], &run->addr);
		ok = push(argv, &n, &text);
	}
	if (ok)
		return argv;
	strings_free(argv);
	return NULL;
}

/* Whether the section sets the variable of that assignment itself: of two with one name some
 * programs take the first and some the last. */
static bool overrides(const struct exec_conf *c, const char *assignment)
{
	size_t len = strcspn(assignment, "=") + 1, i;

	for (i = 0; i < c->env.n; i++)
		if (!strncmp(c->env.items[i], assignment, len))
			return true;
	return false;
}

static char **make_env(const struct probe_run *run)
{
	static const char *const ours[] = {
		"IPVS_ADDRESS={address}",
		"IPVS_PORT={port}",
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LANG=C.UTF-8",
		"IPVS_PROBE=", /* and its name */
	};
	const struct exec_conf *c = run->conf->head.part_conf;
	char **env = calloc(c->env.n + countof(ours) + 1, sizeof(*env));
	struct buf text = BUF_INIT;
	size_t n = 0, i;
	bool ok = env != NULL;

	for (i = 0; ok && i < c->env.n; i++) {
		probe_expand(&text, c->env.items[i], &run->addr);
		ok = push(env, &n, &text);
	}
	for (i = 0; ok && i < countof(ours); i++) {
		if (overrides(c, ours[i]))
			continue;
		probe_expand(&text, ours[i], &run->addr);
		if (i + 1 == countof(ours))
			buf_puts(&text, run->conf->head.name);
		ok = push(env, &n, &text);
	}
	if (ok)
		return env;
	strings_free(env);
	return NULL;
}

/* --- an attempt --------------------------------------------------------------- */

static int start_child(struct probe_run *run, int64_t left_ms, bool *ret_ours)
{
	struct exec_commons *c = run->commons;
	struct exec_run *x = run->state;
	char **argv = make_argv(run), **env = make_env(run);
	const struct child_request req = { .argv = (const char *const *)argv,
					   .env = (const char *const *)env,
					   .timeout_ms = left_ms,
					   .grace_ms = GRACE_MS,
					   .max_output = MAX_OUTPUT };
	int r = -ENOMEM;

	*ret_ours = true;
	if (argv && env)
		r = child_start(c->children, &req, on_end, run, &x->child, ret_ours);
	strings_free(argv);
	strings_free(env);
	return r;
}

static void on_late(void *arg)
{
	fail(arg, PROBE_LOCAL_RESOURCES, 0, "waited for its turn behind other programs");
}

static void on_turn(void *arg)
{
	struct probe_run *run = arg;
	struct exec_run *x = run->state;
	struct buf text = BUF_INIT;
	bool ours;
	int r;

	x->waited_ms = clock_mono_ms() - x->begin_ms;
	if (x->waited_ms >= run->timeout_ms) {
		on_late(run);
		return;
	}
	loop_timer_stop(x->timer);
	r = start_child(run, run->timeout_ms - x->waited_ms, &ours);
	if (!r)
		return;
	buf_printf(&text, "cannot start: %s", strerrordesc_np(-r));
	fail(run, ours ? PROBE_LOCAL_RESOURCES : PROBE_LOCAL_CONFIG, -r, buf_str(&text));
	buf_fini(&text);
}

static void exec_start(struct probe_run *run)
{
	const struct exec_conf *conf = run->conf->head.part_conf;
	struct exec_commons *c = run->commons;
	struct exec_run *x = run->state;
	int r = loop_timer_new(run->loop, "probe_exec wait", on_late, run, &x->timer);

	if (r) {
		fail(run, PROBE_LOCAL_RESOURCES, -r, NULL);
		return;
	}
	x->begin_ms = clock_mono_ms();
	loop_timer_start(x->timer, run->timeout_ms);
	turn_ask(&c->turns, &x->turn, conf->at_once, on_turn, run);
}

static void exec_cancel(struct probe_run *run)
{
	struct exec_commons *c = run->commons;
	struct exec_run *x = run->state;

	loop_timer_free(x->timer);
	child_cancel(x->child);
	turn_give(&c->turns, &x->turn);
}

/* --- what all share ----------------------------------------------------------- */

static int exec_commons_new(struct loop *loop, void **ret_commons)
{
	struct exec_commons *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	turns_init(&c->turns);
	r = children_new(loop, MAX_CHILDREN, &c->children);
	if (r)
		free(c);
	else
		*ret_commons = c;
	return r;
}

static void exec_commons_free(void *commons)
{
	struct exec_commons *c = commons;

	children_free(c->children);
	free(c);
}

/* --- keys --------------------------------------------------------------------- */

static int exec_finish(struct probe_conf *conf, struct arena *arena ATTR_UNUSED, struct buf *why)
{
	const struct exec_conf *c = conf->head.part_conf;
	int r = probe_path_check(conf, why);
	const char *equal;
	size_t i;

	for (i = 0; !r && i < c->env.n; i++) {
		equal = strchr(c->env.items[i], '=');
		if (equal && equal != c->env.items[i])
			continue;
		buf_printf(why, "env: '%s' is not NAME=VALUE", c->env.items[i]);
		r = -EINVAL;
	}
	return r;
}

static const struct conf_enum warnings[] = { { "ok", PROBE_OK },
					     { "failed", PROBE_EXEC_FAILED },
					     { .name = NULL } };

static const struct conf_enum overruns[] = { { "unknown", PROBE_ANSWER_SILENCE },
					     { "failed", PROBE_ANSWER_TIMEOUT },
					     { .name = NULL } };

/* clang-format off */
static const struct conf_key keys[] = {
	{ .name = "arg", .type = &conf_strings_type, .offset = offsetof(struct exec_conf, args),
	  .flags = CONF_LIST,
	  .help = "One argument of the program, as it is: there is no shell. {address} and {port} "
		  "stand for the realserver's own." },
	{ .name = "at_once", .type = &conf_u32, .offset = offsetof(struct exec_conf, at_once),
	  .def = "16", .min = 1, .max = MAX_AT_ONCE,
	  .help = "Begins while fewer programs of probes run, or else waits, within its timeout." },
	{ .name = "dynamic", .type = &conf_bool, .offset = offsetof(struct exec_conf, dynamic),
	  .def = "off",
	  .help = "Whether the output may begin with a share of the weight, such as 75%." },
	{ .name = "env", .type = &conf_strings_type, .offset = offsetof(struct exec_conf, env),
	  .flags = CONF_LIST,
	  .help = "NAME=VALUE for the program's environment, beside PATH, IPVS_ADDRESS, IPVS_PORT "
		  "and IPVS_PROBE." },
	{ .name = "overrun", .type = &conf_enum_type, .offset = offsetof(struct exec_conf, overrun),
	  .def = "unknown", .extra = overruns,
	  .help = "unknown | failed: what it says that the program has not ended within the "
		  "timeout; it is killed." },
	{ .name = "warning", .type = &conf_enum_type, .offset = offsetof(struct exec_conf, warning),
	  .def = "ok", .extra = warnings,
	  .help = "ok | failed: what exit status 1 is; 0 is good, 2 is bad, others are unknown." },
};
/* clang-format on */

static const struct probe_scheme schemes[] = {
	{ .name = "exec", .path = true },
	{ .name = NULL },
};

const struct probe_type probe_exec = {
	.name = "exec",
	.schemes = schemes,
	.help = "Runs a program that judges the realserver by its exit status.",
	.part = { .name = "exec",
		  .keys = keys,
		  .n_keys = countof(keys),
		  .size = sizeof(struct exec_conf) },
	.run_size = sizeof(struct exec_run),
	.finish = exec_finish,
	.commons_new = exec_commons_new,
	.commons_free = exec_commons_free,
	.start = exec_start,
	.cancel = exec_cancel,
};
