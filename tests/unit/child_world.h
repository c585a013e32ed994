/* child_world.h: for tests: real children on a loop. */
#ifndef TESTS_CHILD_WORLD_H
#define TESTS_CHILD_WORLD_H

#include <errno.h>
#include <sys/wait.h>

#include "agent/base/attr.h"
#include "agent/base/child.h"
#include "agent/base/loop.h"
#include "tests/unit/t.h"

struct world {
	struct loop *loop;
	struct children *children;
	struct child *child;
	struct child_request req;
	const char *argv[8];
	int calls, expected;
	enum child_end end;
	int code;
	char output[8192];
	bool truncated;
	int64_t took_ms;
};

static inline void world_init(struct world *w, unsigned int max)
{
	*w = (struct world){ .expected = 1 };
	w->req = (struct child_request){
		.argv = w->argv, .timeout_ms = 30000, .grace_ms = 30000, .max_output = 8000
	};
	assert_int_equal(loop_new(&w->loop), 0);
	assert_int_equal(children_new(w->loop, max, &w->children), 0);
}

static inline void world_fini(struct world *w)
{
	children_free(w->children);
	loop_free(w->loop);
	/* no zombie is left, and no child at all */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static inline void on_end(void *arg, const struct child_result *r)
{
	struct world *w = arg;

	w->end = r->end;
	w->code = r->code;
	w->truncated = r->truncated;
	w->took_ms = r->took_ms;
	snprintf(w->output, sizeof(w->output), "%s", buf_str(&r->output));
	if (++w->calls == w->expected)
		loop_stop(w->loop);
}

static inline int start(struct world *w, bool *ret_ours)
{
	return child_start(w->children, &w->req, on_end, w, &w->child, ret_ours);
}

static inline void set_shell(struct world *w, const char *script)
{
	w->argv[0] = "/bin/sh";
	w->argv[1] = "-c";
	w->argv[2] = script;
	w->argv[3] = NULL;
}

static inline void run(struct world *w)
{
	w->calls = 0;
	assert_int_equal(start(w, NULL), 0);
	assert_int_equal(w->calls, 0);
	loop_run(w->loop);
	assert_int_equal(w->calls, 1);
	assert_int_equal(children_count(w->children), 0);
}

static inline void run_shell(struct world *w, const char *script)
{
	set_shell(w, script);
	run(w);
}

static inline void start_shell(struct world *w, const char *script)
{
	set_shell(w, script);
	assert_int_equal(start(w, NULL), 0);
}

#endif
