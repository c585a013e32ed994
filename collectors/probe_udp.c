/* probe_udp.c: is a UDP port there, and does it answer as it should? One datagram from a
 * connected socket, so that the kernel hands over what ICMP says of it. Silence says
 * nothing by itself: a service that never answers and one that is gone behind a firewall
 * are silent alike. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/base/clock.h"
#include "agent/base/loop.h"
#include "collectors/expect.h"
#include "collectors/probe_socket.h"
#include "collectors/table.h"

struct udp_conf {
	struct expect_bytes send;
	struct expect expect;
	int silence; /* enum probe_reason */
};

struct udp_run {
	int fd;
	struct loop_io *io;
	int64_t begin_us;
};

static const struct udp_conf *conf_of(const struct probe_run *run)
{
	return run->conf->head.part_conf;
}

static void release(struct udp_run *u)
{
	loop_io_free(u->io);
	if (u->fd != -1)
		close(u->fd);
}

static void end(struct probe_run *run, const struct probe_report *report)
{
	release(run->state);
	probe_done(run, report);
}

static void end_because(struct probe_run *run, enum probe_reason reason, int os_errno)
{
	end(run, &(struct probe_report){ .reason = reason, .os_errno = os_errno });
}

/* The first datagram is the answer; a longer one is judged by its begin. */
static void judge(struct probe_run *run, const char *bytes, size_t len)
{
	const struct expect *e = &conf_of(run)->expect;
	const struct udp_run *u = run->state;
	uint32_t steps = regex_steps(len);
	struct probe_report report = expect_report(expect_match(e, bytes, len, &steps));

	report.first_byte_us = clock_mono_us() - u->begin_us;
	report.said = bytes;
	report.said_len = len;
	end(run, &report);
}

/* Takes what has come; false = nothing has. */
static bool hear(struct probe_run *run)
{
	struct udp_run *u = run->state;
	struct buf answer = BUF_INIT;
	bool room = buf_reserve(&answer, conf_of(run)->expect.max_answer);
	ssize_t n = room ? recv(u->fd, answer.data, conf_of(run)->expect.max_answer, 0) : -1;
	bool heard = true;

	if (!room)
		end_because(run, PROBE_LOCAL_RESOURCES, ENOMEM);
	else if (n >= 0)
		judge(run, answer.data, (size_t)n);
	else if (errno == EAGAIN || errno == EINTR)
		heard = false;
	else
		end_because(run, probe_reason_of_connect(errno, false), errno);
	buf_fini(&answer);
	return heard;
}

static void on_readable(void *arg, int events ATTR_UNUSED)
{
	hear(arg);
}

/* Opens, connects and sends; 0 or an errno. */
static int begin(struct probe_run *run)
{
	const struct expect_bytes *text = &conf_of(run)->send;
	struct udp_run *u = run->state;
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&run->addr, &ss);
	int fd = probe_socket(run, SOCK_DGRAM, 0);

	if (fd < 0)
		return -fd;
	u->fd = fd;
	if (connect(fd, (struct sockaddr *)&ss, len) == -1 ||
	    send(fd, text->len ? text->data : "", text->len, MSG_NOSIGNAL) == -1)
		return errno;
	return -loop_io_new(run->loop, "probe_udp", fd, LOOP_READ, on_readable, run, &u->io);
}

static void udp_start(struct probe_run *run)
{
	struct udp_run *u = run->state;
	int error;

	u->fd = -1;
	u->begin_us = clock_mono_us();
	if (!run->addr.port) {
		end_because(run, PROBE_LOCAL_CONFIG, 0);
		return;
	}
	error = begin(run);
	if (error)
		end_because(run, probe_reason_of_connect(error, true), error);
}

/* What came in the very last moment counts: where silence passes, it is the only word. */
static void udp_expire(struct probe_run *run)
{
	if (!hear(run))
		end_because(run, (enum probe_reason)conf_of(run)->silence, 0);
}

static void udp_cancel(struct probe_run *run)
{
	release(run->state);
}

static const struct conf_enum silences[] = {
	{ "unknown", PROBE_ANSWER_SILENCE },
	{ "ok", PROBE_OK },
	{ "failed", PROBE_ANSWER_TIMEOUT },
	{ NULL, 0 },
};

/* clang-format off */
static const struct conf_key keys[] = {
	EXPECT_KEYS(udp_conf, expect),
	{ .name = "send", .type = &expect_bytes_type, .offset = offsetof(struct udp_conf, send),
	  .max = EXPECT_SEND_MAX,
	  .help = "What the datagram holds, with \\r \\n \\t \\\\ \\xNN; without it the "
		  "datagram is empty." },
	{ .name = "silence", .type = &conf_enum_type,
	  .offset = offsetof(struct udp_conf, silence),
	  .extra = silences, .def = "unknown",
	  .help = "unknown | ok | failed: what no answer within the timeout says; ICMP's port "
		  "unreachable is a refusal in any case." },
};
/* clang-format on */

static const struct probe_scheme schemes[] = {
	{ .name = "udp", .needs_port = true, .datagrams = true },
	{ .name = NULL },
};

const struct probe_type probe_udp = {
	.name = "udp",
	.schemes = schemes,
	.help = "Sends a datagram and judges the answer, or its absence.",
	.part = { .name = "udp",
		  .keys = keys,
		  .n_keys = countof(keys),
		  .size = sizeof(struct udp_conf) },
	.run_size = sizeof(struct udp_run),
	.start = udp_start,
	.expire = udp_expire,
	.cancel = udp_cancel,
};
