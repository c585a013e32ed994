/* test_probe_udp.c: the udp kind against sockets on loopback. */
#include <errno.h>
#include <poll.h>
#include <sys/wait.h>

#include "collectors/table.h"
#include "tests/unit/stream_case.h"

/* Answers one datagram with `n` times the answer in one datagram; NULL = not at all. */
struct udp_server {
	const char *answer;
	size_t n;
	struct addr addr;
	int fd, stop[2];
	pthread_t thread;
	char heard[64];
	ssize_t heard_len; /* -1 = nothing came */
};

static void *serve(void *arg)
{
	struct udp_server *s = arg;
	struct pollfd fds[2] = { { .fd = s->fd, .events = POLLIN },
				 { .fd = s->stop[0], .events = POLLHUP } };
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);
	struct buf answer = BUF_INIT;
	size_t i;

	poll(fds, 2, -1);
	if (!(fds[0].revents & POLLIN))
		return NULL;
	s->heard_len =
		recvfrom(s->fd, s->heard, sizeof(s->heard), 0, (struct sockaddr *)&from, &from_len);
	for (i = 0; i < s->n; i++)
		buf_puts(&answer, s->answer);
	if (s->answer && s->heard_len >= 0)
		sendto(s->fd, buf_str(&answer), answer.len, 0, (struct sockaddr *)&from, from_len);
	buf_fini(&answer);
	return NULL;
}

static int udp_socket(struct addr *ret_addr)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_not_equal(fd, -1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	assert_int_equal(addr_from_sockaddr((struct sockaddr *)&sin, ret_addr), 0);
	return fd;
}

static void udp_start(struct udp_server *s, const char *answer, size_t n)
{
	*s = (struct udp_server){ .answer = answer, .n = n, .heard_len = -1 };
	s->fd = udp_socket(&s->addr);
	assert_int_equal(pipe(s->stop), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void udp_stop(struct udp_server *s)
{
	close(s->stop[1]);
	assert_int_equal(pthread_join(s->thread, NULL), 0);
	close(s->stop[0]);
	close(s->fd);
}

static struct target talk(struct kind_case *k, const char *answer, size_t n,
			  struct udp_server *ret_server)
{
	struct udp_server own = { 0 }, *s = ret_server ? ret_server : &own;
	struct target t;

	udp_start(s, answer, n);
	t = kind_probe(k, &s->addr);
	udp_stop(s);
	return t;
}

static void test_answers(void **state ATTR_UNUSED)
{
	static const struct {
		const char *key, *value, *answer;
		size_t n;
		enum probe_reason reason;
	} rows[] = {
		{ "send", "x", "hello", 1, PROBE_OK },
		{ "send", "x", "", 1, PROBE_OK }, /* an empty datagram is one */
		{ "expect", "ell", "hello", 1, PROBE_OK },
		{ "expect", "elo", "hello", 1, PROBE_ANSWER_BODY },
		{ "expect", "elo", "", 1, PROBE_ANSWER_BODY },
		{ "expect_regex", "^h.+o$", "hello", 1, PROBE_OK },
		{ "expect_regex", "^e", "hello", 1, PROBE_ANSWER_BODY },
		{ "expect_regex", "^(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", 1,
		  PROBE_LOCAL_CONFIG },
		/* the largest datagram there is, of which 4 KB are looked at */
		{ "expect", "hello", "0123456789", 6550, PROBE_ANSWER_BODY },
		{ "expect", "9012", "0123456789", 6550, PROBE_OK },
	};
	struct udp_server s;
	struct kind_case k;
	struct target t;
	size_t i;

	for (i = 0; i < countof(rows); i++) {
		kind_init(&k, &probe_udp, "udp://");
		assert_int_equal(kind_set(&k, rows[i].key, rows[i].value), 0);
		t = talk(&k, rows[i].answer, rows[i].n, &s);
		if (t.health.reason != rows[i].reason)
			print_error("answer %zu: %s\n", i, probe_reasons[t.health.reason].slug);
		assert_int_equal(t.health.reason, rows[i].reason);
		assert_true(t.first_byte_us > 0 && t.first_byte_us <= t.last_us);
		assert_int_equal(s.heard_len, strcmp(rows[i].key, "send") ? 0 : 1);
		kind_fini(&k);
	}
}

static void test_shown(void **state ATTR_UNUSED)
{
	struct buf said = BUF_INIT;
	struct udp_server s;
	struct kind_case k;

	kind_init(&k, &probe_udp, "udp://");
	udp_start(&s, "ab", 2);
	assert_int_equal(case_ask(&k.conf, &s.addr, &said).reason, PROBE_OK);
	udp_stop(&s);
	assert_string_equal(buf_str(&said), "abab");
	buf_fini(&said);
	kind_fini(&k);
}

static void test_sends(void **state ATTR_UNUSED)
{
	struct udp_server s;
	struct kind_case k;

	kind_init(&k, &probe_udp, "udp://");
	assert_int_equal(kind_set(&k, "send", "a\\x00\\r\\nb"), 0);
	assert_int_equal(talk(&k, "", 1, &s).health.reason, PROBE_OK);
	assert_int_equal(s.heard_len, 5);
	assert_memory_equal(s.heard, "a\0\r\nb", 5);
	kind_fini(&k);
}

/* What a server that says nothing is, is the operator's to say. */
static void test_silence(void **state ATTR_UNUSED)
{
	static const struct {
		const char *value; /* NULL = the default */
		enum probe_reason reason;
		enum verdict verdict;
	} rows[] = {
		{ NULL, PROBE_ANSWER_SILENCE, VERDICT_NONE },
		{ "ok", PROBE_OK, VERDICT_UP },
		{ "failed", PROBE_ANSWER_TIMEOUT, VERDICT_DOWN },
		{ "unknown", PROBE_ANSWER_SILENCE, VERDICT_NONE },
	};
	struct kind_case k;
	struct target t;
	size_t i;

	for (i = 0; i < countof(rows); i++) {
		kind_init(&k, &probe_udp, "udp://");
		if (rows[i].value)
			assert_int_equal(kind_set(&k, "silence", rows[i].value), 0);
		k.conf.timeout = 1000;
		t = talk(&k, NULL, 0, NULL);
		assert_int_equal(t.health.reason, rows[i].reason);
		assert_int_equal(t.health.verdict, rows[i].verdict);
		assert_true(t.last_us >= 1000000);
		kind_fini(&k);
	}
}

/* Nobody there: ICMP says so at once, and silence = ok does not hide it. */
static void test_refused(void **state ATTR_UNUSED)
{
	struct kind_case k;
	struct target t;
	struct addr to;

	close(udp_socket(&to));
	kind_init(&k, &probe_udp, "udp://");
	assert_int_equal(kind_set(&k, "silence", "ok"), 0);
	t = kind_probe(&k, &to);
	assert_int_equal(t.health.reason, PROBE_CONNECT_REFUSED);
	assert_int_equal(t.last_errno, ECONNREFUSED);
	assert_int_equal(t.health.verdict, VERDICT_DOWN);
	to.port = 0;
	assert_int_equal(kind_probe(&k, &to).health.reason, PROBE_LOCAL_CONFIG);
	kind_fini(&k);
}

/* Somebody else's datagram is no answer. */
static void test_stranger(void **state ATTR_UNUSED)
{
	struct addr to, stranger;
	int fd = udp_socket(&to), other = udp_socket(&stranger);
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	struct kind_case k;
	struct target t;
	pid_t pid;

	kind_init(&k, &probe_udp, "udp://");
	k.conf.timeout = 1000;
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		recvfrom(fd, (char[8]){ 0 }, 8, 0, (struct sockaddr *)&from, &len);
		sendto(other, "hello", 5, 0, (struct sockaddr *)&from, len);
		_exit(0);
	}
	t = kind_probe(&k, &to);
	assert_int_equal(t.health.reason, PROBE_ANSWER_SILENCE);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	kind_fini(&k);
	close(fd);
	close(other);
}

static void test_no_descriptors(void **state ATTR_UNUSED)
{
	struct probe_case c;
	struct rlimit before;
	struct kind_case k;
	struct target t;
	struct addr to;
	int fd = udp_socket(&to);

	kind_init(&k, &probe_udp, "udp://");
	assert_int_equal(kind_set(&k, "silence", "failed"), 0);
	case_init(&c, false);
	case_no_descriptors(&before);
	t = case_probe(&c, &k.conf, &to, 1);
	case_descriptors(&before);
	assert_int_equal(t.health.reason, PROBE_LOCAL_RESOURCES);
	assert_int_equal(t.last_errno, EMFILE);
	assert_int_equal(t.health.verdict, VERDICT_NONE);
	case_fini(&c);
	kind_fini(&k);
	close(fd);
}

static void test_keys(void **state ATTR_UNUSED)
{
	struct kind_case k;

	kind_init(&k, &probe_udp, "udp://");
	assert_string_equal(kind_get(&k, "silence", 0), "unknown");
	assert_int_equal(kind_set(&k, "silence", "passed"), -EINVAL);
	assert_int_equal(kind_set(&k, "silence", "failed"), 0);
	assert_string_equal(kind_get(&k, "silence", 0), "failed");
	kind_fini(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),  cmocka_unit_test(test_sends),
		cmocka_unit_test(test_silence),  cmocka_unit_test(test_refused),
		cmocka_unit_test(test_stranger), cmocka_unit_test(test_no_descriptors),
		cmocka_unit_test(test_keys),     cmocka_unit_test(test_shown),
	};

	return cmocka_run_group_tests_name("probe_udp", tests, NULL, NULL);
}
