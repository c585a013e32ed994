/* test_probe_icmp.c: the icmp kind in a network namespace of its own: the kernel's replies,
 * none, and those of a host that lies; without privileges; and the packets by themselves. */
#include <sys/stat.h>
#include <sys/wait.h>

#include "collectors/icmp_packet.h"
#include "collectors/table.h"
#include "tests/unit/icmp_rig.h"

enum {
	SHORT_MS = 1000, /* long enough for a busy machine: a stall of ours is told as such */
	MANY = 2000,
};

static struct target ping(const char *address, int64_t timeout_ms)
{
	struct kind_case k;
	struct target t;
	struct addr to;

	assert_int_equal(addr_parse(address, &to), 0);
	kind_init(&k, &probe_icmp, "icmp://{address}");
	k.conf.timeout = timeout_ms;
	t = kind_probe(&k, &to);
	kind_fini(&k);
	return t;
}

/* --- a host as it should be --------------------------------------------------- */

static void test_answers(void **state ATTR_UNUSED)
{
	static const char *const sizes[] = { "8", "9", "56", "1473", "20000", "65000" };
	struct kind_case k;
	struct target t;
	struct addr to;
	size_t i, j;

	for (i = 0; i < 2 * countof(sizes); i++) {
		j = i / countof(sizes);
		assert_int_equal(addr_parse(j ? "[::1]:443" : "127.0.0.1:80", &to), 0);
		kind_init(&k, &probe_icmp, "icmp://{address}");
		assert_int_equal(kind_set(&k, "size", sizes[i % countof(sizes)]), 0);
		assert_int_equal(kind_set(&k, "ttl", "1"), 0);
		t = kind_probe(&k, &to);
		kind_fini(&k);
		if (j && (t.last_errno == EAFNOSUPPORT || t.last_errno == EADDRNOTAVAIL))
			skip(); /* no IPv6 here */
		kind_reason(&t, PROBE_OK, sizes[i % countof(sizes)]);
		assert_true(t.first_byte_us > 0 && t.first_byte_us <= t.last_us);
	}
}

static void test_silence(void **state ATTR_UNUSED)
{
	struct target t;

	kernel_answers(false);
	t = ping("127.0.0.1", SHORT_MS);
	kernel_answers(true);
	kind_reason(&t, PROBE_ANSWER_TIMEOUT, "silence");
	assert_int_equal(t.health.verdict, VERDICT_DOWN);
	assert_true(t.last_us >= 1000 * SHORT_MS);
}

static void test_dont_fragment(void **state ATTR_UNUSED)
{
	struct kind_case k;
	struct target t;
	struct addr to;

	assert_int_equal(addr_parse("127.0.0.1", &to), 0);
	kind_init(&k, &probe_icmp, "icmp://{address}");
	assert_int_equal(kind_set(&k, "size", "2000"), 0);
	lo_set(SIOCSIFMTU, 1500);
	t = kind_probe(&k, &to);
	kind_reason(&t, PROBE_OK, "cut into two");
	assert_int_equal(kind_set(&k, "dont_fragment", "on"), 0);
	t = kind_probe(&k, &to);
	kind_reason(&t, PROBE_LOCAL_CONFIG, "too long for the interface");
	assert_int_equal(t.last_errno, EMSGSIZE);
	assert_int_equal(kind_set(&k, "size", "1472"), 0);
	t = kind_probe(&k, &to);
	kind_reason(&t, PROBE_OK, "just so long");
	lo_set(SIOCSIFMTU, 65536);
	kind_fini(&k);
}

/* --- a host that lies --------------------------------------------------------- */

/* The reply as it should be, then changed at one byte; its checksum is right. */
static void reply(const struct icmp_query *q, size_t at, unsigned char mask, size_t len)
{
	static unsigned char bytes[65536];

	memcpy(bytes, q->ip + q->header, q->len - q->header);
	bytes[0] = 0;
	bytes[at] ^= mask;
	icmp_sum(bytes, len);
	icmp_send_from(1, bytes, len);
}

static size_t icmp_len(const struct icmp_query *q)
{
	return q->len - q->header;
}

/* An error that quotes `len` bytes of the request, the one at `at` changed. */
static void quote(const struct icmp_query *q, unsigned char type, size_t len, size_t at,
		  unsigned char mask)
{
	unsigned char bytes[1024] = { type, 1 };

	memcpy(bytes + 8, q->ip, len);
	bytes[8 + at] ^= mask;
	icmp_sum(bytes, 8 + len);
	icmp_send_from(9, bytes, 8 + len);
}

static void send_good(const struct icmp_query *q)
{
	reply(q, 0, 0, icmp_len(q));
}

static void send_foreign(const struct icmp_query *q)
{
	unsigned char bytes[64];
	size_t len = icmp_len(q);

	reply(q, 4, 1, len);    /* another id */
	reply(q, 7, 1, len);    /* another sequence number */
	reply(q, 6, 0x80, len); /* one beyond all */
	reply(q, 8, 1, len);    /* another cookie */
	reply(q, 0, 13, len);   /* another type */
	reply(q, 0, 0, 12);     /* no room for a cookie */
	reply(q, 0, 0, 8);
	reply(q, 0, 0, 5);
	memcpy(bytes, q->ip + q->header, sizeof(bytes));
	bytes[0] = 0;
	icmp_sum(bytes, sizeof(bytes));
	icmp_send_from(9, bytes, sizeof(bytes)); /* from elsewhere */
	bytes[2] ^= 1;
	icmp_send_from(1, bytes, sizeof(bytes)); /* a wrong checksum */
	quote(q, 3, 28, 24, 1);                  /* an error about another id */
	quote(q, 3, 28, 19, 1);                  /* … about another host */
	quote(q, 3, 28, 9, 7);                   /* … about UDP */
	quote(q, 3, 28, 20, 8);                  /* … about a reply */
	quote(q, 3, 36, 30, 1);                  /* … with another cookie */
	quote(q, 3, 27, 0, 0);                   /* … that quotes too little */
	quote(q, 3, 28, 0, 0x0f);                /* … a header that is longer than all */
	quote(q, 5, 28, 0, 0);                   /* a redirect */
}

static void send_foreign_first(const struct icmp_query *q)
{
	send_foreign(q);
	send_good(q);
}

static void send_twice(const struct icmp_query *q)
{
	send_good(q);
	send_good(q);
}

static void send_damaged(const struct icmp_query *q)
{
	reply(q, 40, 1, icmp_len(q));
}

static void send_shorter(const struct icmp_query *q)
{
	reply(q, 0, 0, icmp_len(q) - 1);
}

static void send_unreachable(const struct icmp_query *q)
{
	quote(q, 3, 28, 0, 0);
}

static void send_expired(const struct icmp_query *q)
{
	quote(q, 11, 60, 0, 0);
}

/* 10 MB of replies to somebody else, and long ones with our number. */
static void send_flood(const struct icmp_query *q)
{
	static unsigned char bytes[60000];
	int i;

	memcpy(bytes, q->ip + q->header, icmp_len(q));
	bytes[0] = 0;
	for (i = 0; i < 180; i++) {
		bytes[8] ^= 1; /* every second one has our cookie: too long all the same */
		bytes[5] ^= (unsigned char)(i & 1);
		icmp_sum(bytes, sizeof(bytes));
		icmp_send_from(9, bytes, sizeof(bytes));
	}
}

static const struct host_case {
	const char *name;
	icmp_fn *fn;
	enum probe_reason reason;
} hosts[] = {
	{ "good", send_good, PROBE_OK },
	{ "twice", send_twice, PROBE_OK },
	{ "foreign", send_foreign, PROBE_ANSWER_TIMEOUT },
	{ "foreign, then good", send_foreign_first, PROBE_OK },
	{ "damaged", send_damaged, PROBE_ANSWER_MALFORMED },
	{ "shorter", send_shorter, PROBE_ANSWER_MALFORMED },
	{ "unreachable", send_unreachable, PROBE_CONNECT_UNREACHABLE },
	{ "expired", send_expired, PROBE_CONNECT_UNREACHABLE },
	{ "flood", send_flood, PROBE_ANSWER_TIMEOUT },
};

static void test_hosts(void **state ATTR_UNUSED)
{
	struct icmp_host h = { 0 };
	struct target t;
	size_t i;

	for (i = 0; i < countof(hosts); i++) {
		h.fn = hosts[i].fn;
		icmp_host_start(&h);
		t = ping("127.0.0.1", hosts[i].reason == PROBE_ANSWER_TIMEOUT ? SHORT_MS : 10000);
		icmp_host_stop(&h);
		kind_reason(&t, hosts[i].reason, hosts[i].name);
	}
}

/* --- ours --------------------------------------------------------------------- */

static void test_no_route(void **state ATTR_UNUSED)
{
	struct target t = ping("192.0.2.1", 10000);

	kind_reason(&t, PROBE_LOCAL_ROUTE, "no route");
	assert_int_equal(t.last_errno, ENETUNREACH);
	assert_int_equal(t.health.verdict, VERDICT_NONE);
}

static void test_no_descriptors(void **state ATTR_UNUSED)
{
	struct kind_case k;
	struct probe_case c;
	struct rlimit before;
	struct target t;
	struct addr to;

	assert_int_equal(addr_parse("127.0.0.1", &to), 0);
	kind_init(&k, &probe_icmp, "icmp://{address}");
	case_init(&c, false);
	case_no_descriptors(&before);
	t = case_probe(&c, &k.conf, &to, 1);
	kind_reason(&t, PROBE_LOCAL_RESOURCES, "no descriptor");
	assert_int_equal(t.last_errno, EMFILE);
	case_descriptors(&before);
	t = case_probe(&c, &k.conf, &to, 1);
	kind_reason(&t, PROBE_OK, "a descriptor");
	case_no_descriptors(&before); /* the socket is there already */
	t = case_probe(&c, &k.conf, &to, 1);
	case_descriptors(&before);
	kind_reason(&t, PROBE_OK, "no more descriptors");
	case_fini(&c);
	kind_fini(&k);
}

/* As nobody, and what the kernel then allows. */
static enum probe_reason ping_as_nobody(void)
{
	int status;
	pid_t pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		if (setgid(65534) == -1 || setuid(65534) == -1)
			_exit(77);
		_exit(ping("127.0.0.1", 10000).health.reason);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return (enum probe_reason)WEXITSTATUS(status);
}

static void test_unprivileged(void **state ATTR_UNUSED)
{
	enum probe_reason reason;

	write_file("/proc/sys/net/ipv4/ping_group_range", "1 0");
	reason = ping_as_nobody();
	if (reason == 77)
		skip();
	assert_int_equal(reason, PROBE_LOCAL_CONFIG);
	write_file("/proc/sys/net/ipv4/ping_group_range", "65534 65534");
	assert_int_equal(ping_as_nobody(), PROBE_OK);
}

/* --- life --------------------------------------------------------------------- */

static int raw_sockets(void)
{
	int fd, type, n = 0;
	socklen_t len;

	for (fd = 0; fd < 1000; fd++) {
		len = sizeof(type);
		n += !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) && type == SOCK_RAW;
	}
	return n;
}

/* Thousands share one socket, and each gets its own reply. */
static void test_many(void **state ATTR_UNUSED)
{
	const struct sched_limits limits = { .max_running = MANY };
	struct layout_target *asked = calloc(MANY, sizeof(*asked));
	struct target *targets = calloc(MANY, sizeof(*targets));
	uint32_t *from = malloc(MANY * sizeof(*from)), i;
	struct probe_case c;
	struct kind_case k;

	assert_true(asked && targets && from);
	memset(from, 0xff, MANY * sizeof(*from));
	kind_init(&k, &probe_icmp, "icmp://{address}");
	for (i = 0; i < MANY; i++) {
		asked[i].conf = &k.conf;
		assert_int_equal(addr_parse("127.0.0.1", &asked[i].addr), 0);
		asked[i].addr.bytes[2] = (uint8_t)(i >> 8);
		asked[i].addr.bytes[3] = (uint8_t)i | 1;
	}
	case_init(&c, false);
	assert_int_equal(sched_replace(c.sched, asked, targets, MANY, from, &limits), 0);
	c.stop_after = MANY;
	loop_run(c.loop);
	assert_int_equal(raw_sockets(), 1);
	for (i = 0; i < MANY; i++)
		kind_reason(&targets[i], PROBE_OK, "one of many");
	case_fini(&c);
	assert_int_equal(raw_sockets(), 0);
	for (i = 0; i < MANY; i++)
		target_fini(&targets[i]);
	free(asked);
	free(targets);
	free(from);
	kind_fini(&k);
}

/* The reply of an attempt that is gone goes to nobody, nor to the one that has its place. */
static void test_cancelled(void **state ATTR_UNUSED)
{
	const struct sched_limits limits = { 1 };
	static const uint32_t fresh[1] = { SCHED_NEW };
	struct layout_target asked = { 0 };
	struct target t = { 0 }, t2 = { 0 };
	struct sched_stats stats = { 0 };
	struct kind_case k;
	struct probe_case c;

	kernel_answers(false);
	kind_init(&k, &probe_icmp, "icmp://{address}");
	k.conf.timeout = SHORT_MS;
	k.conf.interval = 10;
	asked.conf = &k.conf;
	assert_int_equal(addr_parse("127.0.0.1", &asked.addr), 0);
	case_init(&c, false);
	assert_int_equal(sched_replace(c.sched, &asked, &t, 1, fresh, &limits), 0);
	c.stop_after = 1;
	loop_run(c.loop); /* the next one begins at once */
	kind_reason(&t, PROBE_ANSWER_TIMEOUT, "first");
	sched_stats(c.sched, &stats);
	kernel_answers(true);
	assert_int_equal(sched_replace(c.sched, &asked, &t2, 1, fresh, &limits), 0);
	c.stop_after = 2;
	loop_run(c.loop);
	kind_reason(&t2, PROBE_OK, "second");
	case_fini(&c);
	target_fini(&t);
	target_fini(&t2);
	kind_fini(&k);
}

static void test_keys(void **state ATTR_UNUSED)
{
	struct kind_case k;

	kind_init(&k, &probe_icmp, "icmp://{address}");
	assert_int_equal(kind_set(&k, "size", "7"), -EINVAL);
	assert_int_equal(kind_set(&k, "size", "65001"), -EINVAL);
	assert_int_equal(kind_set(&k, "ttl", "0"), -EINVAL);
	assert_int_equal(kind_set(&k, "ttl", "256"), -EINVAL);
	assert_int_equal(kind_finish(&k), 0);
	k.conf.port = 80;
	assert_int_equal(kind_finish(&k), -EINVAL);
	assert_non_null(strstr(buf_str(&k.why), "no ports"));
	kind_fini(&k);
}

/* --- packets ------------------------------------------------------------------ */

/* Each packet's beginnings, in memory of just that size: ASan watches. */
static void test_short_packets(void **state ATTR_UNUSED)
{
	static const int families[] = { AF_INET, AF_INET6 };
	const struct icmp_echo e = { 7, 9, 11 };
	struct icmp_seen seen;
	struct buf b = BUF_INIT;
	size_t len, i;
	unsigned int type;
	char *copy;

	for (i = 0; i < 2; i++) {
		buf_reset(&b);
		icmp_request(families[i], &e, 56, &b);
		assert_int_equal(b.len, 64);
		for (len = 0; len <= b.len; len++)
			for (type = 0; type < 256; type++) {
				copy = malloc(len ? len : 1);
				assert_non_null(copy);
				memcpy(copy, b.data, len);
				if (len)
					copy[0] = (char)type;
				icmp_read(families[i], false, copy, len, &seen);
				assert_true(len >= 8 || seen.said == ICMP_NOTHING);
				icmp_read(AF_INET, true, copy, len, &seen);
				assert_int_equal(seen.said, ICMP_NOTHING);
				free(copy);
			}
		icmp_read(families[i], false, b.data, b.len, &seen);
		assert_int_equal(seen.said, ICMP_NOTHING); /* a request */
		b.data[0] = (char)(i ? 129 : 0);
		icmp_read(families[i], false, b.data, b.len, &seen);
		assert_int_equal(seen.said, ICMP_REPLY);
		assert_int_equal(seen.echo.id, 7);
		assert_int_equal(seen.echo.seq, 9);
		assert_int_equal(seen.echo.cookie, 11);
		assert_true(seen.whole && seen.has_cookie);
		assert_int_equal(seen.size, 56);
	}
	buf_fini(&b);
}

/* What the filter leaves out never arrives. */
static void test_filter(void **state ATTR_UNUSED)
{
	static const struct {
		unsigned char type, id;
		bool passes;
	} cases[] = { { 0, 7, true }, { 0, 8, false }, { 8, 7, false }, { 13, 7, false } };
	unsigned char packet[64], got[256];
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	size_t i;

	kernel_answers(false);
	assert_int_equal(icmp_filter(fd, AF_INET, 7), 0);
	for (i = 0; i < countof(cases); i++) {
		memset(packet, 0, sizeof(packet));
		packet[0] = cases[i].type;
		packet[5] = cases[i].id;
		icmp_sum(packet, sizeof(packet));
		icmp_send_from(1, packet, sizeof(packet)); /* arrives before it returns */
		assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT) > 0, cases[i].passes);
	}
	kernel_answers(true);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),       cmocka_unit_test(test_silence),
		cmocka_unit_test(test_dont_fragment), cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_no_route),      cmocka_unit_test(test_no_descriptors),
		cmocka_unit_test(test_unprivileged),  cmocka_unit_test(test_many),
		cmocka_unit_test(test_cancelled),     cmocka_unit_test(test_keys),
		cmocka_unit_test(test_short_packets), cmocka_unit_test(test_filter),
	};
	const struct CMUnitTest plain[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_short_packets),
	};

	if (!rig_enter()) /* no namespace, no lying host */
		return cmocka_run_group_tests_name("probe_icmp", plain, NULL, NULL);
	return cmocka_run_group_tests_name("probe_icmp", tests, NULL, NULL);
}
