/* test_probe_dns_odd.c: the dns kind against name servers that answer as somebody else,
 * with garbage, too much, too slowly and not at all; and what an attempt leaves behind. */
#include <errno.h>
#include <sched.h>
#include <sys/wait.h>

#include "collectors/table.h"
#include "tests/unit/name_server.h"

enum {
	SHORT_MS = 1000,  /* long enough for a busy machine: a stall of ours is told as such */
	EARLY_US = 20000, /* a timer goes by when the loop's turn began */
};

static const struct reply good = { .n = 1, RECORDS(SAME "\0\1" IN "\0\4\xc0\0\2\1") };

/* --- not ours ----------------------------------------------------------------- */

static void send_changed(const struct name_query *q, size_t at, unsigned char mask)
{
	unsigned char bytes[2048];
	size_t len = build(q, &good, bytes);

	bytes[at] ^= mask;
	name_send(q, bytes, len);
}

/* Each of these would be a good answer to somebody else, or is none. */
static void send_foreign(const struct name_query *q)
{
	unsigned char bytes[2048];
	size_t len = build(q, &good, bytes);
	int other = socket(AF_INET, SOCK_DGRAM, 0);

	send_changed(q, 0, 1);    /* another id */
	send_changed(q, 2, 0x80); /* a query */
	send_changed(q, 2, 0x08); /* another opcode */
	send_changed(q, 5, 1);    /* no question, and no error */
	send_changed(q, 5, 3);    /* two questions */
	send_changed(q, 13, 1);   /* another name */
	send_changed(q, 24, 2);   /* another type */
	name_send(q, "", 0);
	name_send(q, bytes, 11);
	name_send(q, bytes, 20);
	/* from another port, so not from whom was asked */
	sendto(other, bytes, len, 0, (const struct sockaddr *)&q->from, sizeof(q->from));
	close(other);
}

static void send_foreign_first(const struct name_query *q)
{
	send_foreign(q);
	answer(q);
}

/* 0x20: the question comes back in other letters. */
static void send_shouted(const struct name_query *q)
{
	send_changed(q, 13, 0x20);
}

static void test_foreign(void **state ATTR_UNUSED)
{
	struct name_server s = { .udp = send_foreign, .arg = &good };
	struct kind_case k;
	struct target t;

	kind_init_at(&k, &probe_dns, "dns://{address}", "/x.example?type=A");
	k.conf.timeout = SHORT_MS;
	t = name_ask(&s, &k);
	kind_reason(&t, PROBE_ANSWER_TIMEOUT, "foreign");
	assert_in_range(t.last_us, 1000 * SHORT_MS - EARLY_US, 5000000);
	k.conf.timeout = 10000;
	s.udp = send_foreign_first;
	assert_int_equal(kind_set(&k, "expect_answer", "192.0.2.1"), 0);
	t = name_ask(&s, &k);
	kind_reason(&t, PROBE_OK, "foreign, then ours");
	s.udp = send_shouted;
	t = name_ask(&s, &k);
	kind_reason(&t, PROBE_OK, "shouted");
	kind_fini(&k);
}

/* A server that understands nothing sends its header and no question. */
static void send_header(const struct name_query *q)
{
	unsigned char bytes[12] = { q->bytes[0], q->bytes[1], 0x80, 1 };

	name_send(q, bytes, sizeof(bytes));
}

static void test_header_only(void **state ATTR_UNUSED)
{
	struct name_server s = { .udp = send_header };
	struct kind_case k;
	struct target t;

	kind_init_at(&k, &probe_dns, "dns://{address}", "/x.example");
	t = name_ask(&s, &k);
	kind_reason(&t, PROBE_ANSWER_STATUS, "header");
	assert_int_equal(t.last_status, 1);
	kind_fini(&k);
}

/* --- cut, long, slow ---------------------------------------------------------- */

static void send_cut(const struct name_query *q)
{
	static const struct reply cut = { .flags = 2 };
	unsigned char bytes[2048];

	name_send(q, bytes, build(q, &cut, bytes));
}

/* n records of the asked address, and last the one that is asked for. */
static void send_many(const struct name_query *q, unsigned int n)
{
	static const char one[] = SAME "\0\1" IN "\0\4\xc0\0\2\2";
	unsigned char *bytes = malloc(65536);
	size_t len;
	unsigned int i;

	assert_non_null(bytes);
	len = build(q, &good, bytes);
	for (i = 1; i < n; i++) {
		memcpy(bytes + len, one, sizeof(one) - 1);
		len += sizeof(one) - 1;
	}
	bytes[6] = (unsigned char)(n >> 8);
	bytes[7] = (unsigned char)n;
	name_send(q, bytes, len);
	free(bytes);
}

static void send_500(const struct name_query *q)
{
	send_many(q, 500);
}

static void send_4000(const struct name_query *q)
{
	send_many(q, 4000);
}

static void test_cut(void **state ATTR_UNUSED)
{
	struct name_server s = { .udp = send_cut, .tcp = send_4000 };
	struct kind_case k;
	struct target t;

	kind_init_at(&k, &probe_dns, "dns://{address}", "/x.example?type=A");
	assert_int_equal(kind_set(&k, "expect_answer", "192.0.2.2"), 0);
	t = name_ask(&s, &k);
	kind_reason(&t, PROBE_OK, "cut");
	assert_int_equal(s.n_udp, 1);
	assert_int_equal(s.n_tcp, 1);
	s.udp = send_500; /* longer than is read over UDP: as if cut */
	t = name_ask(&s, &k);
	kind_reason(&t, PROBE_OK, "long");
	assert_int_equal(s.n_tcp, 2);
	s.tcp = NULL; /* one deadline for both */
	k.conf.timeout = SHORT_MS;
	t = name_ask(&s, &k);
	kind_reason(&t, PROBE_ANSWER_TIMEOUT, "cut, then silence");
	assert_in_range(t.last_us, 1000 * SHORT_MS - EARLY_US, 5000000);
	k.conf.timeout = 10000;
	s.no_tcp = true;
	t = name_ask(&s, &k);
	kind_reason(&t, PROBE_CONNECT_REFUSED, "cut, and no TCP");
	kind_fini(&k);
}

/* Names that grow by each other: 64 KB that would be gigabytes. */
static void send_bomb(const struct name_query *q)
{
	unsigned char *bytes = calloc(1, 65536);
	size_t len, at, n = 0;

	assert_non_null(bytes);
	len = build(q, &good, bytes) - good.len;
	/* a record whose data are labels up to the end, and then pointers into them */
	memcpy(bytes + len, "\0\0\5" IN "\x80\0", 11);
	at = len + 11;
	for (len = at; len < at + 0x8000 - 64; len += 64)
		bytes[len] = 63;
	bytes[len] = 0;
	len = at + 0x8000;
	for (; len < 65000; len += 14, n++) {
		memcpy(bytes + len, SAME "\0\5" IN "\0\2", 12);
		bytes[len + 12] = (unsigned char)(0xc0 | at >> 8);
		bytes[len + 13] = (unsigned char)at;
	}
	bytes[6] = (unsigned char)((n + 1) >> 8);
	bytes[7] = (unsigned char)(n + 1);
	name_send(q, bytes, len);
	free(bytes);
}

static void send_garbage(const struct name_query *q)
{
	static const char text[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	char flood[4096];
	int i;

	memset(flood, 'x', sizeof(flood));
	(void)!send(q->fd, text, sizeof(text) - 1, MSG_NOSIGNAL);
	for (i = 0; i < 2560 && send(q->fd, flood, sizeof(flood), MSG_NOSIGNAL) > 0; i++)
		; /* 10 MB */
}

static void send_half_and_reset(const struct name_query *q)
{
	const struct linger reset = { .l_onoff = 1 };
	unsigned char bytes[2048];
	size_t len = build(q, &good, bytes);
	unsigned char prefix[2] = { 0, (unsigned char)len };

	(void)!send(q->fd, prefix, 2, MSG_NOSIGNAL);
	(void)!send(q->fd, bytes, len / 2, MSG_NOSIGNAL);
	setsockopt(q->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

static void send_half(const struct name_query *q)
{
	(void)!send(q->fd, "\0\x40\0", 3, MSG_NOSIGNAL);
}

static void send_nothing(const struct name_query *q ATTR_UNUSED)
{
}

/* A byte each 20 ms of a message that is whole after 20 s. */
static void send_drip(const struct name_query *q)
{
	unsigned char byte[2] = { 4, 0 };

	while (name_wait(q->server, -1, 0, 20) && send(q->fd, byte, 1, MSG_NOSIGNAL) == 1)
		;
}

static const struct stream_case {
	const char *name;
	name_fn *fn;
	int64_t timeout;
	enum probe_reason reason;
} streams[] = {
	{ "bomb", send_bomb, 10000, PROBE_ANSWER_MALFORMED },
	{ "garbage", send_garbage, 10000, PROBE_ANSWER_MALFORMED },
	{ "foreign", send_foreign, 10000, PROBE_ANSWER_MALFORMED },
	{ "reset", send_half_and_reset, 10000, PROBE_CONNECT_RESET },
	{ "half", send_half, 10000, PROBE_CONNECT_RESET },
	{ "closed", send_nothing, 10000, PROBE_CONNECT_RESET },
	{ "drip", send_drip, SHORT_MS, PROBE_ANSWER_TIMEOUT },
	{ "silence", NULL, SHORT_MS, PROBE_ANSWER_TIMEOUT },
};

static void test_streams(void **state ATTR_UNUSED)
{
	struct name_server s = { 0 };
	struct kind_case k;
	struct target t;
	size_t i;

	kind_init_at(&k, &probe_dns, "dns://{address}", "/x.example?type=CNAME");
	assert_int_equal(kind_set(&k, "transport", "tcp"), 0);
	for (i = 0; i < countof(streams); i++) {
		s.tcp = streams[i].fn;
		k.conf.timeout = streams[i].timeout;
		t = name_ask(&s, &k);
		kind_reason(&t, streams[i].reason, streams[i].name);
		if (streams[i].reason == PROBE_ANSWER_TIMEOUT)
			assert_in_range(t.last_us, 1000 * streams[i].timeout - EARLY_US, 5000000);
		assert_int_equal(t.health.verdict, VERDICT_DOWN);
	}
	kind_fini(&k);
}

/* Garbage over UDP is nobody's answer. */
static void send_datagrams(const struct name_query *q)
{
	char bytes[60000];
	int i;

	memset(bytes, 'x', sizeof(bytes));
	for (i = 0; i < 200; i++) /* 12 MB */
		name_send(q, bytes, sizeof(bytes));
}

static void test_udp_flood(void **state ATTR_UNUSED)
{
	struct name_server s = { .udp = send_datagrams };
	struct kind_case k;
	struct target t;

	kind_init_at(&k, &probe_dns, "dns://{address}", "/x.example");
	k.conf.timeout = SHORT_MS;
	t = name_ask(&s, &k);
	kind_reason(&t, PROBE_ANSWER_TIMEOUT, "flood");
	s.udp = NULL;
	t = name_ask(&s, &k);
	kind_reason(&t, PROBE_ANSWER_TIMEOUT, "silence");
	kind_fini(&k);
}

/* --- no answer ---------------------------------------------------------------- */

static void test_refused(void **state ATTR_UNUSED)
{
	struct kind_case k;
	struct target t;
	struct addr to;
	int fd = case_listen(-1, &to);

	kind_init_at(&k, &probe_dns, "dns://{address}", "/x.example");
	t = kind_probe(&k, &to); /* nobody has bound its UDP port */
	kind_reason(&t, PROBE_CONNECT_REFUSED, "udp");
	assert_int_equal(t.last_errno, ECONNREFUSED);
	assert_int_equal(kind_set(&k, "transport", "tcp"), 0);
	t = kind_probe(&k, &to);
	kind_reason(&t, PROBE_CONNECT_REFUSED, "tcp");
	assert_int_equal(t.health.verdict, VERDICT_DOWN);
	kind_fini(&k);
	close(fd);
}

static void test_black_hole(void **state ATTR_UNUSED)
{
	struct kind_case k;
	struct addr to;
	int l = case_listen(0, &to), fds[4], i;
	struct target t;

	case_fill(&to, fds);
	kind_init_at(&k, &probe_dns, "dns://{address}", "/x.example");
	assert_int_equal(kind_set(&k, "transport", "tcp"), 0);
	k.conf.timeout = SHORT_MS;
	t = kind_probe(&k, &to);
	kind_reason(&t, PROBE_CONNECT_TIMEOUT, "hole");
	kind_fini(&k);
	for (i = 0; i < 4; i++)
		close(fds[i]);
	close(l);
}

static void test_no_descriptors(void **state ATTR_UNUSED)
{
	static const char *const transports[] = { "udp", "tcp" };
	struct name_server s = { .udp = answer, .tcp = answer, .arg = &good };
	struct probe_case c;
	struct kind_case k;
	struct rlimit before;
	struct target t;
	size_t i;

	for (i = 0; i < 2; i++) {
		kind_init_at(&k, &probe_dns, "dns://{address}", "/x.example?type=A");
		assert_int_equal(kind_set(&k, "transport", transports[i]), 0);
		assert_int_equal(kind_finish(&k), 0);
		name_start(&s);
		case_init(&c, false);
		case_no_descriptors(&before);
		t = case_probe(&c, &k.conf, &s.addr, 1);
		case_descriptors(&before);
		kind_reason(&t, PROBE_LOCAL_RESOURCES, transports[i]);
		assert_int_equal(t.last_errno, EMFILE);
		assert_int_equal(t.health.verdict, VERDICT_NONE);
		t = case_probe(&c, &k.conf, &s.addr, 1);
		kind_reason(&t, PROBE_OK, transports[i]);
		case_fini(&c);
		name_stop(&s);
		kind_fini(&k);
	}
}

/* In a network namespace of its own there is no route to anywhere. */
static void test_no_route(void **state ATTR_UNUSED)
{
	struct kind_case k;
	pid_t pid = fork();
	struct target t;
	struct addr to;
	int status;

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1 && unshare(CLONE_NEWNET) == -1)
			_exit(77);
		addr_parse("192.0.2.1:53", &to);
		kind_init_at(&k, &probe_dns, "dns://{address}", "");
		t = kind_probe(&k, &to);
		kind_fini(&k);
		_exit(t.health.reason == PROBE_LOCAL_ROUTE && t.last_errno == ENETUNREACH ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

/* --- life --------------------------------------------------------------------- */

/* The next one that is free. */
static void descriptors(int *ret_next)
{
	*ret_next = dup(0);
	close(*ret_next);
}

static void stop(void *arg)
{
	loop_stop(arg);
}

/* Until an attempt is under way. */
static void run_until_running(struct probe_case *c)
{
	struct sched_stats stats = { 0 };
	struct loop_timer *timer;

	assert_int_equal(loop_timer_new(c->loop, "stop", stop, c->loop, &timer), 0);
	while (!stats.running) {
		loop_timer_start(timer, 20);
		loop_run(c->loop);
		sched_stats(c->sched, &stats);
	}
	loop_timer_free(timer);
}

/* A hundred attempts leave no descriptor behind, nor does the end of it all while one is
 * under way. One whose section is replaced, and freed, goes on with its question. */
static void test_leaves_nothing(void **state ATTR_UNUSED)
{
	static const uint32_t fresh[1] = { SCHED_NEW }, kept[1] = { 0 };
	const struct sched_limits limits = { 1 };
	struct name_server s = { .udp = send_cut, .tcp = answer, .arg = &good }, hole = { 0 };
	struct layout_target was = { 0 }, is = { 0 };
	struct target t = { 0 }, t2 = { 0 };
	struct kind_case k, other;
	struct probe_case c;
	int before, after;

	name_start(&s);
	name_start(&hole);
	kind_init_at(&k, &probe_dns, "dns://{address}", "/x.example?type=A");
	kind_init_at(&other, &probe_dns, "dns://{address}", "/");
	assert_int_equal(kind_finish(&k), 0);
	assert_int_equal(kind_finish(&other), 0);
	descriptors(&before);
	k.conf.interval = 10;
	case_init(&c, false);
	t = case_probe(&c, &k.conf, &s.addr, 100);
	kind_reason(&t, PROBE_OK, "the hundredth");
	k.conf.timeout = SHORT_MS;
	t = (struct target){ 0 };
	was = (struct layout_target){ .addr = hole.addr, .conf = &k.conf };
	is = (struct layout_target){ .addr = hole.addr, .conf = &other.conf };
	assert_int_equal(sched_replace(c.sched, &was, &t, 1, fresh, &limits), 0);
	run_until_running(&c);
	assert_int_equal(sched_replace(c.sched, &is, &t2, 1, kept, &limits), 0);
	kind_fini(&k);
	c.stop_after = c.outcomes + 1;
	loop_run(c.loop);
	kind_reason(&t2, PROBE_ANSWER_TIMEOUT, "hole");
	target_fini(&t2);
	assert_int_equal(sched_replace(c.sched, &is, &t2, 1, fresh, &limits), 0);
	run_until_running(&c);
	case_fini(&c);
	descriptors(&after);
	assert_int_equal(after, before);
	target_fini(&t2);
	kind_fini(&other);
	name_stop(&hole);
	name_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_foreign),    cmocka_unit_test(test_header_only),
		cmocka_unit_test(test_cut),        cmocka_unit_test(test_streams),
		cmocka_unit_test(test_udp_flood),  cmocka_unit_test(test_refused),
		cmocka_unit_test(test_black_hole), cmocka_unit_test(test_no_descriptors),
		cmocka_unit_test(test_no_route),   cmocka_unit_test(test_leaves_nothing),
	};

	return cmocka_run_group_tests_name("probe_dns_odd", tests, NULL, NULL);
}
