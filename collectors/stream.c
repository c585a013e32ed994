/* stream.c: one non-blocking connection, given up by reset, so that probing leaves no
 * TIME_WAIT behind. Not by libcurl: it costs three times as much. Nothing is allocated
 * before there is something to say or to read, and what is read is bounded by its kind.
 * The deadline is the scheduler's. */
#include "collectors/stream.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/base/clock.h"
#include "agent/base/loop.h"
#include "collectors/probe_socket.h"

enum { PIECE = 4096, TEXT_MAX = 200 };

/* --- ends ------------------------------------------------------------------------- */

static void release(struct stream *s)
{
	loop_io_free(s->io);
	if (s->fd != -1)
		close(s->fd);
	buf_fini(&s->in);
	buf_fini(&s->out);
}

static void end(struct stream *s, const struct probe_report *verdict)
{
	struct probe_report report = *verdict;
	struct buf text = s->text, in = s->in; /* the report's, and the run ends with it */

	report.connect_us = s->connect_us;
	report.first_byte_us = s->first_byte_us;
	report.said = in.data;
	report.said_len = in.len;
	s->in = BUF_INIT;
	release(s);
	probe_done(s->run, &report);
	buf_fini(&text);
	buf_fini(&in);
}

static void end_because(struct stream *s, enum probe_reason reason, int os_errno)
{
	end(s, &(struct probe_report){ .reason = reason, .os_errno = os_errno });
}

const char *stream_text(struct stream *s, const char *bytes, size_t len)
{
	size_t i;

	buf_reset(&s->text);
	for (i = 0; i < len && i < TEXT_MAX; i++)
		buf_putc(&s->text, bytes[i] >= ' ' && bytes[i] < 0x7f ? bytes[i] : ' ');
	return buf_ok(&s->text) ? buf_str(&s->text) : NULL;
}

/* --- talking ---------------------------------------------------------------------- */

/* The verdict stands: nothing that happens on the way out changes it. */
static void leave(struct stream *s, int error)
{
	if (!error && s->out.len) /* it waits for room: on_event() comes back */
		error = loop_io_set(s->io, LOOP_WRITE);
	else if (!error && s->shutting && shutdown(s->fd, SHUT_WR) == -1)
		error = errno;
	else if (!error)
		error = loop_io_set(s->io, LOOP_READ);
	if (error)
		end(s, &s->verdict);
}

/* Sends what it can; 0 or an errno. A server that has given up is heard out: what it said
 * before says more. */
static int flush(struct stream *s)
{
	ssize_t n;

	if (!s->out.len)
		return 0;
	n = send(s->fd, s->out.data, s->out.len, MSG_NOSIGNAL);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n == -1 && errno != EPIPE && errno != ECONNRESET)
		return errno;
	if (n == -1)
		n = (ssize_t)s->out.len;
	s->out.len -= (size_t)n;
	memmove(s->out.data, s->out.data + n, s->out.len);
	return 0;
}

/* After each step: says what there is to say, and waits for the next event. */
static void go_on(struct stream *s)
{
	int error = buf_ok(&s->out) ? flush(s) : ENOMEM;

	if (s->leaving) {
		leave(s, error);
		return;
	}
	if (!error)
		error = -loop_io_set(s->io, s->out.len ? LOOP_READ | LOOP_WRITE : LOOP_READ);
	if (error)
		end_because(s, probe_reason_of_connect(error, false), error);
}

static void judge(struct stream *s, bool eof)
{
	bool last = eof || s->in.len >= s->max;

	switch (s->talk->judge(s, last, &s->verdict)) {
	case STREAM_END:
		end(s, &s->verdict);
		return;
	case STREAM_LEAVE:
		s->shutting = true;
		s->leaving = true;
		break;
	case STREAM_QUIT:
		s->leaving = true;
		break;
	case STREAM_MORE:
		if (last) {
			end_because(s, eof ? PROBE_CONNECT_RESET : PROBE_ANSWER_MALFORMED, 0);
			return;
		}
		break;
	}
	go_on(s);
}

/* One piece an event: others have their turn as well. */
static void hear(struct stream *s)
{
	size_t room = s->max - s->in.len;
	ssize_t n;

	room = room < PIECE ? room : PIECE;
	if (!buf_reserve(&s->in, room)) {
		end_because(s, PROBE_LOCAL_RESOURCES, ENOMEM);
		return;
	}
	n = recv(s->fd, s->in.data + s->in.len, room, 0);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == -1) {
		end_because(s, probe_reason_of_connect(errno, false), errno);
		return;
	}
	if (n && !s->first_byte_us)
		s->first_byte_us = clock_mono_us() - s->begin_us - s->connect_us;
	s->in.len += (size_t)n;
	judge(s, !n);
}

/* Until the server has closed too, whatever else it says. */
static void hear_out(struct stream *s)
{
	char rest[PIECE];
	ssize_t n = recv(s->fd, rest, sizeof(rest), 0);

	if (!n || (n == -1 && errno != EAGAIN && errno != EINTR))
		end(s, &s->verdict);
}

/* --- connecting ------------------------------------------------------------------- */

static bool wants(const struct stream *s)
{
	return !s->talk->wants || s->talk->wants(s->run);
}

static void on_connected(struct stream *s)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error) {
		end_because(s, probe_reason_of_connect(error, false), error);
		return;
	}
	s->connect_us = clock_mono_us() - s->begin_us;
	if (!wants(s)) {
		end_because(s, PROBE_OK, 0);
		return;
	}
	s->talk->begin(s);
	go_on(s);
}

static void on_event(void *arg, int events)
{
	struct stream *s = ((struct probe_run *)arg)->state;

	if (!s->connect_us)
		on_connected(s);
	else if (s->out.len && (events & LOOP_WRITE))
		go_on(s);
	else if (s->leaving)
		hear_out(s);
	else
		hear(s);
}

/* Opens and connects; 0 = done or under way, else errno. */
static int begin(struct stream *s)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&s->run->addr, &ss);
	int fd = probe_socket(s->run, SOCK_STREAM, 0);

	if (fd < 0)
		return -fd;
	s->fd = fd;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (connect(fd, (struct sockaddr *)&ss, len) == -1 && errno != EINPROGRESS)
		return errno;
	return -loop_io_new(s->run->loop, s->talk->name, fd, LOOP_WRITE, on_event, s->run, &s->io);
}

void stream_start(struct probe_run *run, const struct stream_talk *talk)
{
	struct stream *s = run->state;
	int error;

	s->run = run;
	s->talk = talk;
	s->fd = -1;
	s->begin_us = clock_mono_us();
	if (!run->addr.port) {
		end_because(s, PROBE_LOCAL_CONFIG, 0);
		return;
	}
	error = begin(s);
	if (error)
		end_because(s, probe_reason_of_connect(error, true), error);
}

void stream_cancel(struct probe_run *run)
{
	struct stream *s = run->state;

	release(s);
	buf_fini(&s->text);
}

/* A reload may have taken the questions away meanwhile. */
void stream_expire(struct probe_run *run)
{
	struct stream *s = run->state;

	if (s->leaving)
		end(s, &s->verdict);
	else if (!s->connect_us)
		end_because(s, PROBE_CONNECT_TIMEOUT, 0);
	else
		end_because(s, wants(s) ? PROBE_ANSWER_TIMEOUT : PROBE_OK, 0);
}
