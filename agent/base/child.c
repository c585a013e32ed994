/* child.c: children by clone(), watched by a pidfd. libuv's uv_spawn() would do but
 * for three things that we want: it leaves to close-on-exec what a library may have
 * forgotten, it has no place to give up capabilities, and it copies the page tables of
 * the whole agent for each child. So the child borrows our memory until it executes
 * (CLONE_VM | CLONE_VFORK, as posix_spawn() does), which also tells at once whether
 * exec() went well.
 *
 * In that time it may call nothing but the kernel: it shares our memory, and errno.
 *
 * No capability: permitted is emptied (ambient goes with it) and no_new_privs set
 * before exec(), so that even root's program gets none.
 *
 * The group is killed before its leader is reaped: until then its number is its own. */
#include "agent/base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/base/clock.h"
#include "agent/base/loop.h"

enum {
	STACK_BYTES = 64 * 1024,
	READ_BYTES = 4096,
	READ_TURN = 16 * READ_BYTES, /* then others get their turn */
	READ_LAST = 1024 * 1024,     /* of what a dead one left in the pipe, at most */
	FREE_WAIT_MS = 1000,
	KERNEL_SIGNALS = 64,
	KERNEL_SIGSET_BYTES = 8,
};

struct children {
	struct loop *loop;
	struct child *first;
	unsigned int n, max;
};

struct child {
	struct children *all;
	struct child *prev, *next;
	child_fn *fn; /* NULL: cancelled */
	void *arg;
	pid_t pid;
	int pidfd, output_fd;
	struct loop_io *exit_io, *output_io;
	struct loop_timer *timer;
	int64_t grace_ms, began_ms;
	size_t max_output;
	bool late; /* the deadline has passed */
	struct child_result result;
};

/* --- in the child, until exec() ---------------------------------------------- */

struct launch {
	const struct child_request *req;
	int input_fd, output_fd; /* above 2 */
	bool executing;          /* all but the program's own part went well */
	int error;               /* the child's errno, which ended it */
};

/* The kernel's own struct sigaction, all zero: SIG_DFL. Its size and that of a signal
 * set are the kernel's, not the C library's. */
static void default_signals(void)
{
	static const unsigned char zero[64];
	long s;

	for (s = 1; s <= KERNEL_SIGNALS; s++)
		if (s != SIGKILL && s != SIGSTOP)
			syscall(SYS_rt_sigaction, s, zero, NULL, (long)KERNEL_SIGSET_BYTES);
	syscall(SYS_rt_sigprocmask, (long)SIG_SETMASK, zero, NULL, (long)KERNEL_SIGSET_BYTES);
}

static bool no_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	return syscall(SYS_capset, &head, none) == 0 &&
	       syscall(SYS_prctl, (long)PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == 0;
}

static int in_child(void *arg)
{
	struct launch *l = arg;
	static const char *const no_env[] = { NULL };

	if (syscall(SYS_setsid) != -1 && syscall(SYS_chdir, "/") == 0 &&
	    syscall(SYS_dup3, (long)l->input_fd, 0L, 0L) != -1 &&
	    syscall(SYS_dup3, (long)l->output_fd, 1L, 0L) != -1 &&
	    syscall(SYS_dup3, (long)l->output_fd, 2L, 0L) != -1 &&
	    syscall(SYS_close_range, 3UL, ~0UL >> 32, 0UL) == 0 &&
	    syscall(SYS_prctl, (long)PR_SET_PDEATHSIG, (long)SIGKILL, 0L, 0L, 0L) == 0 &&
	    no_capabilities()) {
		default_signals();
		l->executing = true;
		syscall(SYS_execve, l->req->argv[0], l->req->argv,
			l->req->env ? l->req->env : no_env);
	}
	l->error = errno;
	return 127;
}

/* Every signal is blocked for the while: no handler of ours may run in the child. */
static int launch(struct launch *l, pid_t *ret_pid, int *ret_pidfd)
{
	char *stack = malloc(STACK_BYTES);
	sigset_t all, before;
	int r, pidfd = -1;
	uintptr_t top;

	if (!stack)
		return -ENOMEM;
	top = ((uintptr_t)stack + STACK_BYTES) & ~(uintptr_t)63;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = clone(in_child, (void *)top, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, l, &pidfd);
	if (r == -1)
		r = -errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	free(stack);
	if (r < 0)
		return r;
	*ret_pid = r;
	*ret_pidfd = pidfd;
	return 0;
}

/* --- descriptors -------------------------------------------------------------- */

static void close_fd(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

/* The child's 0 to 2 are set by dup3(), which must not hit its own source. */
static int above_stdio(int *fd)
{
	int higher;

	if (*fd > STDERR_FILENO)
		return 0;
	higher = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (higher == -1)
		return -errno;
	close(*fd);
	*fd = higher;
	return 0;
}

/* A file in memory rather than a pipe: it takes any length at once, and a child that
 * does not read hurts nobody. */
static int write_input(int fd, const char *data, size_t len)
{
	ssize_t n;

	while (len) {
		n = write(fd, data, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		data += n;
		len -= (size_t)n;
	}
	return lseek(fd, 0, SEEK_SET) == -1 ? -errno : 0;
}

static int open_input(const struct child_request *req, int *ret_fd)
{
	int r = 0, fd = req->input ? memfd_create("input", MFD_CLOEXEC)
				   : open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return -errno;
	if (req->input)
		r = write_input(fd, req->input, req->input_len);
	if (!r)
		r = above_stdio(&fd);
	if (r)
		close(fd);
	else
		*ret_fd = fd;
	return r;
}

static int open_output(int *ret_ours, int *ret_childs)
{
	int r, fds[2];

	if (pipe2(fds, O_CLOEXEC) == -1)
		return -errno;
	r = above_stdio(&fds[1]);
	if (!r && fcntl(fds[0], F_SETFL, O_NONBLOCK) == -1)
		r = -errno;
	if (r) {
		close(fds[0]);
		close(fds[1]);
		return r;
	}
	*ret_ours = fds[0];
	*ret_childs = fds[1];
	return 0;
}

/* --- under way ---------------------------------------------------------------- */

static void keep_output(struct child *c, const char *bytes, size_t n)
{
	struct child_result *r = &c->result;
	size_t room = c->max_output - r->output.len;

	if (n > room)
		r->truncated = true;
	/* output for which memory is out counts as left out */
	if (room && buf_reserve(&r->output, n > room ? room : n))
		buf_put(&r->output, bytes, n > room ? room : n);
	else if (n)
		r->truncated = true;
}

static void end_output(struct child *c)
{
	loop_io_free(c->output_io);
	c->output_io = NULL;
	close_fd(&c->output_fd);
}

/* At most `most` bytes. */
static void read_output(struct child *c, size_t most)
{
	char bytes[READ_BYTES];
	size_t done = 0;
	ssize_t n;

	while (c->output_fd != -1 && done < most) {
		n = read(c->output_fd, bytes, sizeof(bytes));
		if (n > 0) {
			keep_output(c, bytes, (size_t)n);
			done += (size_t)n;
		} else if (n == -1 && errno == EINTR) {
			continue;
		} else if (n == -1 && errno == EAGAIN) {
			return;
		} else {
			end_output(c);
		}
	}
}

static void on_output(void *arg, int events ATTR_UNUSED)
{
	read_output(arg, READ_TURN);
}

static void on_timer(void *arg)
{
	struct child *c = arg;

	if (c->late) {
		kill(-c->pid, SIGKILL);
		return;
	}
	c->late = true;
	kill(-c->pid, SIGTERM);
	kill(-c->pid, SIGCONT); /* a stopped one would not hear it */
	loop_timer_start(c->timer, c->grace_ms);
}

static void child_free(struct child *c)
{
	struct children *cs = c->all;

	end_output(c);
	loop_io_free(c->exit_io);
	loop_timer_free(c->timer);
	close_fd(&c->pidfd);
	buf_fini(&c->result.output);
	if (c->prev)
		c->prev->next = c->next;
	else
		cs->first = c->next;
	if (c->next)
		c->next->prev = c->prev;
	free(c);
}

/* True when it was reaped, or is nobody's child any more. */
static bool reap(struct child *c, siginfo_t *info)
{
	*info = (siginfo_t){ 0 };
	if (waitid(P_PIDFD, (id_t)c->pidfd, info, WEXITED | WNOHANG) == -1)
		return errno != EINTR && errno != EAGAIN;
	return info->si_pid != 0;
}

static void set_end(struct child *c, const siginfo_t *info)
{
	c->result.took_ms = clock_mono_ms() - c->began_ms;
	if (c->late) {
		c->result.end = CHILD_DEADLINE;
		return;
	}
	c->result.end = info->si_code == CLD_EXITED ? CHILD_EXITED : CHILD_SIGNALED;
	c->result.code = info->si_status;
}

static void on_exit_of(void *arg, int events ATTR_UNUSED)
{
	struct child *c = arg;
	struct children *cs = c->all;
	siginfo_t info;

	kill(-c->pid, SIGKILL); /* what it left behind; itself it is a zombie */
	if (!reap(c, &info))
		return;
	loop_io_free(c->exit_io);
	c->exit_io = NULL;
	loop_timer_stop(c->timer);
	read_output(c, READ_LAST);
	set_end(c, &info);
	cs->n--;
	if (c->fn)
		c->fn(c->arg, &c->result);
	child_free(c);
}

void child_cancel(struct child *c)
{
	if (!c)
		return;
	c->fn = NULL;
	c->late = true;
	loop_timer_stop(c->timer);
	kill(-c->pid, SIGKILL);
}

/* --- start -------------------------------------------------------------------- */

/* What can fail comes before the child is there, but for its pidfd's watch. */
static int child_new(struct children *cs, const struct child_request *req, struct child **ret_child)
{
	struct child *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->all = cs;
	c->pidfd = c->output_fd = -1;
	c->grace_ms = req->grace_ms;
	c->max_output = req->max_output;
	r = loop_timer_new(cs->loop, "child deadline", on_timer, c, &c->timer);
	if (r) {
		free(c);
		return r;
	}
	c->next = cs->first;
	if (c->next)
		c->next->prev = c;
	cs->first = c;
	*ret_child = c;
	return 0;
}

/* A child that could not execute is a zombie now: CLONE_VFORK waited for its end. */
static int child_launch(struct child *c, struct launch *l)
{
	int r = launch(l, &c->pid, &c->pidfd);

	if (r)
		return r;
	if (!l->error)
		r = loop_io_new(c->all->loop, "child", c->pidfd, LOOP_READ, on_exit_of, c,
				&c->exit_io);
	if (!l->error && !r)
		return 0;
	kill(-c->pid, SIGKILL);
	while (waitid(P_PIDFD, (id_t)c->pidfd, &(siginfo_t){ 0 }, WEXITED) == -1 && errno == EINTR)
		;
	return r ? r : -l->error;
}

/* Whether it failed for a lack of ours, and not for what the program is. */
static bool is_ours(const struct launch *l, int r)
{
	return !l->executing || r == -EAGAIN || r == -ENOMEM || r == -EMFILE || r == -ENFILE;
}

int child_start(struct children *cs, const struct child_request *req, child_fn *fn, void *arg,
		struct child **ret_child, bool *ret_ours)
{
	struct launch l = { .req = req, .input_fd = -1, .output_fd = -1 };
	struct child *c = NULL;
	int r;

	r = cs->n < cs->max ? child_new(cs, req, &c) : -EBUSY;
	if (!r)
		r = open_input(req, &l.input_fd);
	if (!r)
		r = open_output(&c->output_fd, &l.output_fd);
	if (!r)
		r = loop_io_new(cs->loop, "child output", c->output_fd, LOOP_READ, on_output, c,
				&c->output_io);
	if (!r)
		r = child_launch(c, &l);
	close_fd(&l.input_fd);
	close_fd(&l.output_fd);
	if (r) {
		if (ret_ours)
			*ret_ours = is_ours(&l, r);
		if (c)
			child_free(c);
		return r;
	}
	c->fn = fn;
	c->arg = arg;
	c->began_ms = clock_mono_ms();
	cs->n++;
	loop_timer_start(c->timer, req->timeout_ms);
	*ret_child = c;
	return 0;
}

/* --- all of them -------------------------------------------------------------- */

int children_new(struct loop *loop, unsigned int max, struct children **ret_children)
{
	struct children *cs = calloc(1, sizeof(*cs));

	if (!cs)
		return -ENOMEM;
	cs->loop = loop;
	cs->max = max;
	*ret_children = cs;
	return 0;
}

unsigned int children_count(const struct children *cs)
{
	return cs->n;
}

/* A process in the kernel's hands may not die of SIGKILL for long: not our time. */
void children_free(struct children *cs)
{
	int64_t left, until = clock_mono_ms() + FREE_WAIT_MS;
	struct pollfd p = { .events = POLLIN };
	struct child *c, *next;
	siginfo_t info;

	if (!cs)
		return;
	for (c = cs->first; c; c = c->next)
		kill(-c->pid, SIGKILL);
	for (c = cs->first; c; c = next) {
		next = c->next;
		p.fd = c->pidfd;
		left = until - clock_mono_ms();
		while (!reap(c, &info) && left > 0) {
			(void)poll(&p, 1, (int)left);
			kill(-c->pid, SIGKILL);
			left = until - clock_mono_ms();
		}
		child_free(c);
	}
	free(cs);
}
