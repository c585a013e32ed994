/* test_probe_agent.c: the agent kind against servers that say what they should, and all
 * that they should not. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>

#include "collectors/advice_line.h"
#include "collectors/table.h"
#include "tests/unit/probe_case.h"

/* --- a server, in a thread of its own ---------------------------------------------- */

enum how {
	CLOSE = 0, /* sends, and closes */
	WAIT,      /* sends, and waits for the other end to close */
	RESET,     /* sends, and resets */
	DRIP,      /* sends one byte after the other, for as long as it can */
	FLOOD,     /* sends the same again up to 10 MB, for as long as it can */
};

struct server {
	int listener;
	struct addr addr;
	enum how how;
	const char *says;
	bool awaits_line; /* before it says anything */
	char heard[256];
	_Atomic bool has_heard;
	size_t sent;
	pthread_t thread;
};

static void await_end(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char bytes[256];

	while (poll(&p, 1, 10000) == 1 && read(fd, bytes, sizeof(bytes)) > 0)
		;
}

static void hear(struct server *s, int fd)
{
	size_t n = 0;

	while (n < sizeof(s->heard) - 1 && read(fd, &s->heard[n], 1) == 1 && s->heard[n++] != '\n')
		;
	s->has_heard = true;
}

static void drip(struct server *s, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (send(fd, s->says, 1, MSG_NOSIGNAL) == 1 && poll(&p, 1, 5) == 0)
		s->sent++;
}

static void flood(struct server *s, int fd)
{
	size_t len = strlen(s->says);
	ssize_t n;

	while (s->sent < 10 << 20 && (n = send(fd, s->says, len, MSG_NOSIGNAL)) > 0)
		s->sent += (size_t)n;
}

static void *serve(void *arg)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	struct server *s = arg;
	int fd = accept(s->listener, NULL, NULL);

	if (fd == -1)
		return NULL;
	if (s->awaits_line)
		hear(s, fd);
	if (s->how == DRIP)
		drip(s, fd);
	else if (s->how == FLOOD)
		flood(s, fd);
	else if (send(fd, s->says, strlen(s->says), MSG_NOSIGNAL) > 0)
		s->sent = strlen(s->says);
	if (s->how == WAIT)
		await_end(fd);
	if (s->how == RESET)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	return NULL;
}

static void start(struct server *s, enum how how, const char *says)
{
	s->how = how;
	s->says = says;
	s->listener = case_listen(8, &s->addr);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void stop(struct server *s)
{
	pthread_join(s->thread, NULL);
	close(s->listener);
}

/* --- an attempt ---------------------------------------------------------------------- */

static struct {
	bool any;
	struct probe_advice advice;
	enum probe_claim claim;
	char text[2048];
} seen;

static void look(const struct probe_report *report)
{
	seen.any = report->advice != NULL;
	if (report->advice)
		seen.advice = *report->advice;
	seen.claim = report->claim;
	snprintf(seen.text, sizeof(seen.text), "%s", report->text ? report->text : "");
}

/* As the kind's own struct begins. */
struct part {
	const char *send;
};

static struct probe_conf conf_of(struct part *part, int64_t timeout)
{
	return (struct probe_conf){ .head = { .name = "word", .part_conf = part },
				    .url = "agent://{address}",
				    .type = &probe_agent,
				    .advises = true,
				    .interval = 3600000,
				    .timeout = timeout,
				    .rise = 1,
				    .fall = 1 };
}

static struct target probe_once(const struct addr *to, const char *send_first, int64_t timeout)
{
	struct part part = { send_first };
	struct probe_conf conf = conf_of(&part, timeout);
	struct probe_case c;
	struct target t;

	memset(&seen, 0, sizeof(seen));
	case_init(&c, false);
	c.look = look;
	t = case_probe(&c, &conf, to, 1);
	case_fini(&c);
	return t;
}

/* No verdict against it, whatever the reason is, and nothing is said. */
static void nothing_said(const struct target *t, enum probe_reason reason)
{
	assert_int_equal(t->health.reason, reason);
	assert_int_equal(t->health.verdict, VERDICT_NONE);
	assert_true(t->health.unknown);
	assert_int_equal(t->health.failures, 0);
	assert_false(seen.any);
	assert_int_equal(seen.claim, PROBE_CLAIM_NONE);
}

static void test_says(void **state ATTR_UNUSED)
{
	static const struct {
		const char *answer, *text;
		enum how how;
		enum probe_claim claim;
		enum probe_admin admin;
		int share;
	} cases[] = {
		{ "up\n", "", CLOSE, PROBE_CLAIM_UP, 0, -1 },
		{ "75% # busy\r\n", "busy", CLOSE, 0, 0, 75 },
		{ "drain\rdown\n", "", CLOSE, 0, PROBE_ADMIN_DRAIN, -1 }, /* the first line only */
		{ "maint,up moo\n", "unknown word 'moo'", WAIT, PROBE_CLAIM_UP, PROBE_ADMIN_MAINT,
		  -1 },
		{ "ready # a\x07z foo\nrest", "a?z foo", WAIT, 0, PROBE_ADMIN_READY, -1 },
		{ "fail x # y\n", "y; unknown word 'x'", CLOSE, PROBE_CLAIM_DOWN, 0, -1 },
	};
	size_t i;

	for (i = 0; i < countof(cases); i++) {
		struct server s = { 0 };
		struct target t;

		start(&s, cases[i].how, cases[i].answer);
		t = probe_once(&s.addr, NULL, 10000);
		stop(&s);
		assert_int_equal(t.health.reason, PROBE_OK);
		assert_int_equal(t.health.verdict, VERDICT_UP);
		assert_true(seen.any);
		assert_int_equal(seen.claim, cases[i].claim);
		assert_int_equal(seen.advice.admin, cases[i].admin);
		assert_int_equal(seen.advice.has_share, cases[i].share >= 0);
		if (seen.advice.has_share)
			assert_int_equal(seen.advice.share, cases[i].share);
		assert_string_equal(seen.text, cases[i].text);
		assert_true(t.connect_us > 0 && t.first_byte_us >= t.connect_us);
	}
}

/* It is sent as a line, and only then there is an answer. */
static void test_send(void **state ATTR_UNUSED)
{
	struct server s = { .awaits_line = true };

	start(&s, CLOSE, "10%\n");
	assert_int_equal(probe_once(&s.addr, "how are you?", 10000).health.reason, PROBE_OK);
	stop(&s);
	assert_string_equal(s.heard, "how are you?\n");
	assert_int_equal(seen.advice.share, 10);
}

static void test_refused(void **state ATTR_UNUSED)
{
	struct addr to;
	int fd = case_listen(-1, &to);
	struct target t = probe_once(&to, NULL, 10000);

	nothing_said(&t, PROBE_ADVICE_UNREACHED);
	assert_int_equal(t.last_errno, ECONNREFUSED);
	close(fd);
}

static void test_black_hole(void **state ATTR_UNUSED)
{
	struct addr to;
	int l = case_listen(0, &to), fds[4], i;
	struct target t;

	case_fill(&to, fds);
	t = probe_once(&to, NULL, 100);
	nothing_said(&t, PROBE_ADVICE_TIMEOUT);
	for (i = 0; i < 4; i++)
		close(fds[i]);
	close(l);
}

/* Lines that are none: no end, no word, more than there is room for. */
static void test_malformed(void **state ATTR_UNUSED)
{
	static const struct {
		const char *answer;
		enum how how;
	} cases[] = {
		{ "down", CLOSE }, /* cut short: it may have been "down-for-maintenance" */
		{ "HTTP/1.1 400 Bad Request\r\n\r\n", CLOSE },
		{ "\r\n", CLOSE },
		{ "\x80\x81\xff\x01\n", WAIT },
		{ "# up\n", WAIT },
		{ "up up up up up up up up up up up up up up up up ", FLOOD },
	};
	size_t i;

	for (i = 0; i < countof(cases); i++) {
		struct server s = { 0 };
		struct target t;

		start(&s, cases[i].how, cases[i].answer);
		t = probe_once(&s.addr, NULL, 10000);
		stop(&s);
		nothing_said(&t, PROBE_ADVICE_MALFORMED);
		if (cases[i].how == FLOOD)
			assert_true(s.sent < 10 << 20); /* we did not stay for it */
	}
}

/* The longest line that is one, and the shortest that is none. */
static void test_length(void **state ATTR_UNUSED)
{
	char line[ADVICE_LINE_MAX + 2];
	size_t len;

	for (len = ADVICE_LINE_MAX - 1; len <= ADVICE_LINE_MAX; len++) {
		struct server s = { 0 };
		struct target t;

		snprintf(line, sizeof(line), "down%*s\n", (int)len - 4, "");
		start(&s, WAIT, line);
		t = probe_once(&s.addr, NULL, 10000);
		stop(&s);
		if (len < ADVICE_LINE_MAX)
			assert_int_equal(seen.claim, PROBE_CLAIM_DOWN);
		else
			nothing_said(&t, PROBE_ADVICE_MALFORMED);
	}
}

static void test_reset(void **state ATTR_UNUSED)
{
	struct server s = { 0 };
	struct target t;

	start(&s, RESET, "dow");
	t = probe_once(&s.addr, NULL, 10000);
	stop(&s);
	nothing_said(&t, PROBE_ADVICE_UNREACHED);
	assert_int_equal(t.last_errno, ECONNRESET);
}

static void test_silence(void **state ATTR_UNUSED)
{
	struct server s = { 0 };
	struct target t;

	start(&s, WAIT, "");
	t = probe_once(&s.addr, NULL, 100);
	stop(&s);
	nothing_said(&t, PROBE_ADVICE_TIMEOUT);
}

/* One deadline, however busy it is. */
static void test_drip(void **state ATTR_UNUSED)
{
	struct server s = { 0 };
	struct target t;

	start(&s, DRIP, "u");
	t = probe_once(&s.addr, NULL, 200);
	stop(&s);
	nothing_said(&t, PROBE_ADVICE_TIMEOUT);
	assert_true(t.last_us >= 200000);
	assert_true(s.sent > 1);
}

static void test_no_port(void **state ATTR_UNUSED)
{
	struct target t;
	struct addr to;

	assert_int_equal(addr_parse("127.0.0.1", &to), 0);
	t = probe_once(&to, NULL, 1000);
	nothing_said(&t, PROBE_LOCAL_CONFIG);
}

static void test_no_descriptors(void **state ATTR_UNUSED)
{
	struct part part = { NULL };
	struct probe_conf conf = conf_of(&part, 10000);
	struct server s = { 0 };
	struct probe_case c;
	struct rlimit before;
	struct target t;
	struct addr to;

	memset(&seen, 0, sizeof(seen));
	case_init(&c, false);
	c.look = look;
	assert_int_equal(addr_parse("127.0.0.1:9", &to), 0);
	case_no_descriptors(&before);
	t = case_probe(&c, &conf, &to, 1);
	case_descriptors(&before);
	nothing_said(&t, PROBE_LOCAL_RESOURCES);
	assert_int_equal(t.last_errno, EMFILE);
	start(&s, CLOSE, "up\n"); /* whose accept() wants one, too */
	t = case_probe(&c, &conf, &s.addr, 1);
	assert_int_equal(t.health.reason, PROBE_OK);
	case_fini(&c);
	stop(&s);
}

static void stop_loop(void *arg)
{
	loop_stop(arg);
}

/* Nor does the end of it all while one is under way leave anything behind. */
static void test_leaves_nothing(void **state ATTR_UNUSED)
{
	static const uint32_t from[1] = { SCHED_NEW };
	struct part part = { "hello" };
	struct probe_conf conf = conf_of(&part, 10000);
	struct server s = { .awaits_line = true };
	struct layout_target asked = { .conf = &conf };
	struct target t[2];
	struct probe_case c;
	struct addr closed;
	int before = dup(0), after, fd;

	close(before);
	memset(t, 0, sizeof(t));
	fd = case_listen(-1, &closed);
	start(&s, WAIT, "u");
	case_init(&c, false);
	asked.addr = s.addr;
	assert_int_equal(sched_replace(c.sched, &asked, t, 1, from, &(struct sched_limits){ 2 }),
			 0);
	/* Some time later, when it has begun, it is cancelled for another. */
	while (!s.has_heard) {
		struct loop_timer *timer;

		assert_int_equal(loop_timer_new(c.loop, "stop", stop_loop, c.loop, &timer), 0);
		loop_timer_start(timer, 20);
		loop_run(c.loop);
		loop_timer_free(timer);
	}
	(void)case_probe(&c, &conf, &closed, 1);
	case_fini(&c);
	stop(&s);
	close(fd);
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_says),           cmocka_unit_test(test_send),
		cmocka_unit_test(test_refused),        cmocka_unit_test(test_black_hole),
		cmocka_unit_test(test_malformed),      cmocka_unit_test(test_length),
		cmocka_unit_test(test_reset),          cmocka_unit_test(test_silence),
		cmocka_unit_test(test_drip),           cmocka_unit_test(test_no_port),
		cmocka_unit_test(test_no_descriptors), cmocka_unit_test(test_leaves_nothing),
	};

	return cmocka_run_group_tests_name("probe_agent", tests, NULL, NULL);
}
