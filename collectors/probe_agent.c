/* probe_agent.c: what does a realserver say of itself? A line of its agent, as HAProxy
 * asks for it. It is advice: it becomes a hold, beside the verdicts of other probes, which
 * it never beats. Who does not answer says nothing, and what was said before stands. The
 * deadline is the scheduler's. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/base/attr.h"
#include "agent/base/clock.h"
#include "agent/base/loop.h"
#include "agent/probe.h"
#include "collectors/advice_line.h"
#include "collectors/probe_socket.h"
#include "collectors/table.h"
#include "conf/key.h"

struct agent_conf {
	const char *send; /* NULL = nothing */
};

struct agent_run {
	int fd;
	struct loop_io *io;
	int64_t begin_us, connect_us, first_byte_us;
	size_t sent, got;
	char *line; /* ADVICE_LINE_MAX + 1 bytes */
	bool connected;
};

static void release(struct agent_run *a)
{
	loop_io_free(a->io);
	if (a->fd != -1)
		close(a->fd);
	free(a->line);
}

/* --- the end ------------------------------------------------------------------ */

static void end(struct probe_run *run, struct probe_report *report)
{
	struct agent_run *a = run->state, kept = *a;

	report->connect_us = a->connect_us;
	report->first_byte_us = a->first_byte_us;
	/* The report's words stand in the line, and the run is gone behind probe_done(). */
	a->line = NULL;
	release(a);
	probe_done(run, report);
	free(kept.line);
}

static void fail(struct probe_run *run, enum probe_reason reason, int os_errno)
{
	end(run, &(struct probe_report){ .reason = reason, .os_errno = os_errno });
}

/* An error of ours stays ours; that nobody is there to advise is no failure. */
static void fail_connect(struct probe_run *run, int os_errno, bool at_once)
{
	enum probe_reason reason = probe_reason_of_connect(os_errno, at_once);

	if (reason == PROBE_CONNECT_TIMEOUT)
		reason = PROBE_ADVICE_TIMEOUT;
	else if (probe_reasons[reason].outcome == PROBE_FAILED)
		reason = PROBE_ADVICE_UNREACHED;
	fail(run, reason, os_errno);
}

static void heed(struct probe_run *run, size_t len)
{
	struct agent_run *a = run->state;
	struct probe_report report = { .reason = PROBE_OK };
	struct buf text = BUF_INIT;
	struct advice_line line;

	advice_line_read(a->line, len, &line);
	if (!line.n_known) {
		fail(run, PROBE_ADVICE_MALFORMED, 0);
		return;
	}
	buf_puts(&text, line.remark);
	if (*line.odd)
		buf_printf(&text, "%sunknown word '%s'", text.len ? "; " : "", line.odd);
	report.claim = line.claim;
	report.advice = &line.advice;
	report.text = buf_str(&text);
	end(run, &report);
	buf_fini(&text);
}

/* --- the talk ------------------------------------------------------------------- */

/* 0 = done, -EAGAIN = not yet, else why not. MSG_NOSIGNAL: a closed connection is no
 * signal. */
static int send_some(struct agent_run *a, const char *text)
{
	size_t len = strlen(text);
	ssize_t n = 0;

	/* As a line of its own. */
	while (a->sent <= len && n >= 0) {
		n = a->sent < len ? send(a->fd, text + a->sent, len - a->sent, MSG_NOSIGNAL)
				  : send(a->fd, "\n", 1, MSG_NOSIGNAL);
		a->sent += n > 0 ? (size_t)n : 0;
	}
	return n < 0 ? -errno : 0;
}

static void on_readable(struct probe_run *run)
{
	struct agent_run *a = run->state;
	ssize_t n = recv(a->fd, a->line + a->got, ADVICE_LINE_MAX - a->got, 0);
	size_t i;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		fail_connect(run, errno, false);
		return;
	}
	if (!a->got && n)
		a->first_byte_us = clock_mono_us() - a->begin_us;
	for (i = a->got; i < a->got + (size_t)n; i++) {
		if (a->line[i] != '\r' && a->line[i] != '\n')
			continue;
		heed(run, i);
		return;
	}
	a->got += (size_t)n;
	/* Incomplete: closed before the end of its line, or a line that has none. */
	if (!n || a->got == ADVICE_LINE_MAX)
		fail(run, PROBE_ADVICE_MALFORMED, 0);
}

/* Connected, or not. */
static bool take_connection(struct probe_run *run)
{
	struct agent_run *a = run->state;
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error) {
		fail_connect(run, error, false);
		return false;
	}
	a->connected = true;
	a->connect_us = clock_mono_us() - a->begin_us;
	return true;
}

static void on_event(void *arg, int events ATTR_UNUSED)
{
	struct probe_run *run = arg;
	const struct agent_conf *conf = run->conf->head.part_conf;
	struct agent_run *a = run->state;
	int error = 0;

	if (!a->connected) {
		if (!take_connection(run))
			return;
		if (loop_io_set(a->io, conf->send ? LOOP_WRITE : LOOP_READ)) {
			fail(run, PROBE_LOCAL_RESOURCES, ENOMEM);
			return;
		}
		if (!conf->send)
			return;
	}
	if (conf->send && a->sent <= strlen(conf->send)) {
		error = send_some(a, conf->send);
		if (!error && loop_io_set(a->io, LOOP_READ))
			error = -ENOMEM;
		if (error && error != -EAGAIN && error != -EINTR)
			fail_connect(run, -error, false);
		return;
	}
	on_readable(run);
}

/* Opens and connects; 0 = done or under way, else errno. Given up by reset, as all of our
 * connections are: no TIME_WAIT stays behind. */
static int begin(struct agent_run *a, const struct probe_run *run)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&run->addr, &ss);
	int fd = probe_socket(run, SOCK_STREAM, 0);

	if (fd < 0)
		return -fd;
	a->fd = fd;
	setsockopt(a->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	a->line = malloc(ADVICE_LINE_MAX + 1);
	if (!a->line)
		return ENOMEM;
	if (connect(a->fd, (struct sockaddr *)&ss, len) == -1 && errno != EINPROGRESS)
		return errno;
	return 0;
}

static void agent_start(struct probe_run *run)
{
	struct agent_run *a = run->state;
	int error;

	a->fd = -1;
	a->begin_us = clock_mono_us();
	if (!run->addr.port) {
		fail(run, PROBE_LOCAL_CONFIG, 0);
		return;
	}
	error = begin(a, run);
	if (!error)
		error = -loop_io_new(run->loop, "probe_agent", a->fd, LOOP_WRITE, on_event, run,
				     &a->io);
	if (error)
		fail_connect(run, error, true);
}

static void agent_cancel(struct probe_run *run)
{
	release(run->state);
}

/* clang-format off */
static const struct conf_key keys[] = {
	{ .name = "send", .type = &conf_string, .offset = offsetof(struct agent_conf, send),
	  .help = "A line that is sent before the answer is awaited." },
};
/* clang-format on */

static const struct probe_scheme schemes[] = {
	{ .name = "agent", .needs_port = true },
	{ .name = NULL },
};

const struct probe_type probe_agent = {
	.name = "agent",
	.schemes = schemes,
	.help = "Asks a realserver's agent what it says of itself, as HAProxy's agent check.",
	.part = { .name = "agent",
		  .keys = keys,
		  .n_keys = countof(keys),
		  .size = sizeof(struct agent_conf) },
	.run_size = sizeof(struct agent_run),
	.advises = true,
	.on_timeout = PROBE_ADVICE_TIMEOUT,
	.start = agent_start,
	.cancel = agent_cancel,
};
