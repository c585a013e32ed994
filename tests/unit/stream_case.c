/* stream_case.c: the server of a script, and what is the same for all kinds that talk. */
#include "tests/unit/stream_case.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

enum { FLOOD_BYTES = 10 << 20, DRIP_MS = 10 };

/* --- the server --------------------------------------------------------------- */

static bool say(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static void drip(int fd, const char *bytes, size_t len)
{
	struct pollfd gone = { .fd = fd }; /* by reset: an end in good order is none of it */
	size_t i;

	for (i = 0; i < len && say(fd, bytes + i, 1); i++)
		if (poll(&gone, 1, DRIP_MS) > 0)
			return;
}

static void flood(struct stream_server *s, int fd, const char *bytes, size_t len)
{
	while (s->flooded < FLOOD_BYTES && say(fd, bytes, len))
		s->flooded += len;
}

/* Up to `len` bytes more. */
static void hear(struct stream_server *s, int fd, size_t len)
{
	char piece[256];
	ssize_t n = 1;

	while (len && n > 0) {
		n = recv(fd, piece, len < sizeof(piece) ? len : sizeof(piece), 0);
		if (n <= 0) {
			s->end = n ? errno : 0;
			return;
		}
		buf_put(&s->heard, piece, (size_t)n);
		len -= (size_t)n;
	}
}

static void reset(int fd)
{
	const struct linger hard = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
}

static void play(struct wire_server *w, int fd)
{
	struct stream_server *s = (struct stream_server *)w;
	const struct stream_step *step = s->script;
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	for (; step->bytes; step++) {
		size_t len = step->len ? step->len : strlen(step->bytes);

		if (step->op == SAY)
			say(fd, step->bytes, len);
		else if (step->op == DRIP)
			drip(fd, step->bytes, len);
		else if (step->op == FLOOD)
			flood(s, fd, step->bytes, len);
		else if (step->op == RESET)
			reset(fd);
		else
			hear(s, fd, step->op == STAY ? SIZE_MAX : len);
	}
}

void stream_server_start(struct stream_server *s, const struct stream_step *script)
{
	*s = (struct stream_server){ .script = script, .end = -1 };
	wire_start(&s->wire, play, NULL, 0);
}

void stream_server_stop(struct stream_server *s)
{
	wire_stop(&s->wire);
}

/* --- the probe ---------------------------------------------------------------- */

struct target stream_case_talk(struct kind_case *k, const struct stream_step *script,
			       struct stream_server *ret_server)
{
	struct stream_server own = { 0 }, *s = ret_server ? ret_server : &own;
	struct target t;

	stream_server_start(s, script);
	t = kind_probe(k, &s->wire.addr);
	stream_server_stop(s);
	if (!ret_server)
		buf_fini(&s->heard);
	return t;
}

static void check_no_descriptors(struct kind_case *k, const struct stream_step *up)
{
	struct stream_server s;
	struct probe_case c;
	struct rlimit before;
	struct target t;

	case_init(&c, false);
	stream_server_start(&s, up);
	case_no_descriptors(&before);
	t = case_probe(&c, &k->conf, &s.wire.addr, 1);
	case_descriptors(&before);
	assert_int_equal(t.health.reason, PROBE_LOCAL_RESOURCES);
	assert_int_equal(t.last_errno, EMFILE);
	assert_int_equal(t.health.verdict, VERDICT_NONE);
	t = case_probe(&c, &k->conf, &s.wire.addr, 1);
	assert_int_equal(t.health.reason, PROBE_OK);
	case_fini(&c);
	stream_server_stop(&s);
	buf_fini(&s.heard);
}

void stream_case_no_answers(struct kind_case *k, const struct stream_step *up)
{
	static const struct stream_step silence[] = { { STAY, "", 0 }, END_OF_SCRIPT };
	static const struct stream_step gone[] = { { RESET, "", 0 }, END_OF_SCRIPT };
	static const struct stream_step closed[] = { END_OF_SCRIPT };
	struct addr to;
	int fd = case_listen(-1, &to), fds[4], i;
	struct target t = kind_probe(k, &to);

	assert_int_equal(t.health.reason, PROBE_CONNECT_REFUSED);
	close(fd);
	assert_int_equal(stream_case_talk(k, closed, NULL).health.reason, PROBE_CONNECT_RESET);
	assert_int_equal(stream_case_talk(k, gone, NULL).health.reason, PROBE_CONNECT_RESET);
	check_no_descriptors(k, up);
	/* Long enough for a busy machine: a stall of our own would be told as such. */
	k->conf.timeout = 1000;
	t = stream_case_talk(k, silence, NULL);
	assert_int_equal(t.health.reason, PROBE_ANSWER_TIMEOUT);
	assert_true(t.connect_us > 0 && t.last_us >= 1000000);
	fd = case_listen(0, &to);
	case_fill(&to, fds);
	t = kind_probe(k, &to);
	assert_int_equal(t.health.reason, PROBE_CONNECT_TIMEOUT);
	for (i = 0; i < 4; i++)
		close(fds[i]);
	close(fd);
	k->conf.timeout = 10000;
	to.port = 0;
	assert_int_equal(kind_probe(k, &to).health.reason, PROBE_LOCAL_CONFIG);
}

void stream_case_flood(struct kind_case *k, const char *bytes, size_t len)
{
	const struct stream_step script[] = { { FLOOD, bytes, len }, END_OF_SCRIPT };
	struct stream_server s;

	assert_int_equal(stream_case_talk(k, script, &s).health.reason, PROBE_ANSWER_MALFORMED);
	assert_true(s.flooded < 10 << 20);
	buf_fini(&s.heard);
}

void stream_case_endless(struct kind_case *k, const struct stream_step *script)
{
	struct target t;

	k->conf.timeout = 1000;
	t = stream_case_talk(k, script, NULL);
	assert_int_equal(t.health.reason, PROBE_ANSWER_TIMEOUT);
	assert_true(t.last_us >= 1000000 && t.last_us < 5000000);
}
