/* probe_tcp.c: does somebody take a TCP connection there? One non-blocking connect,
 * given up by reset, so that probing leaves no TIME_WAIT behind. Not by libcurl: it
 * costs three times as much. The deadline is the scheduler's. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/base/attr.h"
#include "agent/base/clock.h"
#include "agent/base/loop.h"
#include "agent/probe.h"
#include "collectors/table.h"

struct tcp_run {
	int fd;
	struct loop_io *io;
	int64_t begin_us;
};

static void release(struct tcp_run *t)
{
	loop_io_free(t->io);
	if (t->fd != -1)
		close(t->fd);
}

static void end(struct probe_run *run, enum probe_reason reason, int os_errno)
{
	struct tcp_run *t = run->state;
	struct probe_report report = { .reason = reason, .os_errno = os_errno };

	if (reason == PROBE_OK)
		report.connect_us = clock_mono_us() - t->begin_us;
	release(t);
	probe_done(run, &report);
}

static void on_connected(void *arg, int events ATTR_UNUSED)
{
	struct probe_run *run = arg;
	struct tcp_run *t = run->state;
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	end(run, error ? probe_reason_of_connect(error, false) : PROBE_OK, error);
}

/* Opens and connects; 0 = done or under way, else errno. */
static int begin(struct tcp_run *t, const struct addr *to)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(to, &ss);

	t->fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t->fd == -1)
		return errno;
	setsockopt(t->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (connect(t->fd, (struct sockaddr *)&ss, len) == -1 && errno != EINPROGRESS)
		return errno;
	return 0;
}

static void tcp_start(struct probe_run *run)
{
	struct tcp_run *t = run->state;
	int error;

	t->fd = -1;
	t->begin_us = clock_mono_us();
	if (!run->addr.port) {
		end(run, PROBE_LOCAL_CONFIG, 0);
		return;
	}
	error = begin(t, &run->addr);
	if (!error)
		error = -loop_io_new(run->loop, "probe_tcp", t->fd, LOOP_WRITE, on_connected, run,
				     &t->io);
	if (error)
		end(run, probe_reason_of_connect(error, true), error);
}

static void tcp_cancel(struct probe_run *run)
{
	release(run->state);
}

static const char *const schemes[] = { "tcp", NULL };

const struct probe_type probe_tcp = {
	.name = "tcp",
	.schemes = schemes,
	.help = "Connects to the realserver's port and gives the connection up.",
	.part = { .name = "tcp" },
	.run_size = sizeof(struct tcp_run),
	.on_timeout = PROBE_CONNECT_TIMEOUT,
	.start = tcp_start,
	.cancel = tcp_cancel,
};
