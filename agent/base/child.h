/* child.h: programs that run beside the loop: probes and notifications by script.
 * Never a shell; a session and process group of their own; a deadline for the whole
 * group; nothing of ours in their hands: no descriptor but 0 to 2, no environment but
 * what is given, no blocked or ignored signal, no capability. */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"

struct loop;
struct children;
struct child;

/* What to run; all of it is borrowed for child_start() only. */
struct child_request {
	const char *const *argv; /* NULL-terminated; argv[0] is an absolute path */
	const char *const *env;  /* "NAME=value", NULL-terminated; NULL = none */
	const char *input;       /* on its standard input, a file; NULL = /dev/null */
	size_t input_len;
	int64_t timeout_ms; /* then SIGTERM to the group … */
	int64_t grace_ms;   /* … and SIGKILL after that */
	size_t max_output;  /* of stdout and stderr together; more is read and left out */
};

enum child_end { CHILD_EXITED = 0, CHILD_SIGNALED, CHILD_DEADLINE };

struct child_result {
	enum child_end end;
	int code;          /* exit status, or the signal; of CHILD_DEADLINE 0 */
	struct buf output; /* NUL-terminated where there is any */
	bool truncated;
	int64_t took_ms;
};

typedef void child_fn(void *arg, const struct child_result *result);

/* At most `max` at once. Runs on the loop thread, which must outlive the children:
 * they die with it. */
int children_new(struct loop *loop, unsigned int max, struct children **ret_children);
/* Kills what is under way without calling back and reaps it, waiting a second at most
 * in all; before loop_free(), not from within a child_fn. NULL is fine. */
void children_free(struct children *cs);
/* How many hold a place: under way, or killed and not gone yet. */
unsigned int children_count(const struct children *cs);

/* Starts; fn(arg, result) comes once, on the loop, when the program itself has ended;
 * what it leaves in its process group is killed then. The result is borrowed.
 * -errno when it could not start, exec() included, which has happened when this
 * returns: -EBUSY when `max` run. *ret_ours (may be NULL; set on failure only) tells a
 * lack on our side (-EAGAIN, -EMFILE, …) from the program's fault (-ENOENT, -EACCES,
 * -ENOEXEC, …). */
int child_start(struct children *cs, const struct child_request *req, child_fn *fn, void *arg,
		struct child **ret_child, bool *ret_ours);
/* Kills the group at once; fn is not called. Its place is free when it is reaped. Not
 * from within its own child_fn. NULL is fine. */
void child_cancel(struct child *c);

#endif
