/* test_ipvs_nlsock.c: the conversation, with datagrams made here, and with nlctrl,
 * which every kernel has and everybody may ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/base/attr.h"
#include "agent/ipvs/attr.h"
#include "agent/ipvs/nlsock.h"

/* --- datagrams made here --------------------------------------------------------- */

struct datagram {
	uint32_t words[256];
	size_t len;
};

static void add(struct datagram *d, uint16_t type, uint16_t flags, uint32_t seq, const void *body,
		size_t len)
{
	struct nlmsghdr h = { .nlmsg_len = (uint32_t)(NLMSG_HDRLEN + len),
			      .nlmsg_type = type,
			      .nlmsg_flags = flags,
			      .nlmsg_seq = seq };
	char *at = (char *)d->words + d->len;

	assert_true(d->len + NLMSG_HDRLEN + len <= sizeof(d->words));
	memcpy(at, &h, sizeof(h));
	if (len)
		memcpy(at + NLMSG_HDRLEN, body, len);
	d->len += NLMSG_ALIGN(NLMSG_HDRLEN + len);
}

static void add_result(struct datagram *d, uint32_t seq, int result)
{
	add(d, NLMSG_ERROR, 0, seq, &result, sizeof(result));
}

struct contents {
	uint32_t n, refuse_at;
};

static int count(void *arg, const struct nlmsghdr *h)
{
	struct contents *c = arg;

	assert_true(h->nlmsg_type >= NLMSG_MIN_TYPE);
	return ++c->n == c->refuse_at ? -EBADMSG : 0;
}

static void test_feed_results(void **state)
{
	int results[3] = { 0 };
	struct talk t = { .seq = 100, .n = 3, .results = results };
	struct datagram d = { .len = 0 };

	(void)state;
	add_result(&d, 99, -EIO); /* of an earlier talk */
	add_result(&d, 101, -EEXIST);
	add_result(&d, 103, -EIO); /* of nobody */
	assert_int_equal(talk_feed(&t, d.words, d.len), 0);
	assert_false(t.finished);
	d.len = 0;
	add_result(&d, 102, 0);
	add_result(&d, 100, -EIO); /* after the end */
	assert_int_equal(talk_feed(&t, d.words, d.len), 0);
	assert_true(t.finished);
	assert_int_equal(t.error, 0);
	assert_int_equal(results[0], 0);
	assert_int_equal(results[1], -EEXIST);
	assert_int_equal(results[2], 0);
}

/* Sequence numbers go round. */
static void test_feed_wraps(void **state)
{
	int results[2] = { 0 };
	struct talk t = { .seq = UINT32_MAX, .n = 2, .results = results };
	struct datagram d = { .len = 0 };

	(void)state;
	add_result(&d, UINT32_MAX, -ENOENT);
	add_result(&d, 0, -ESRCH);
	assert_int_equal(talk_feed(&t, d.words, d.len), 0);
	assert_true(t.finished);
	assert_int_equal(results[0], -ENOENT);
	assert_int_equal(results[1], -ESRCH);
}

static void test_feed_dump(void **state)
{
	struct contents c = { 0 };
	int result = 0, done = -EAGAIN;
	struct talk t = { .seq = 7, .n = 1, .results = &result, .fn = count, .arg = &c };
	struct datagram d = { .len = 0 };

	(void)state;
	add(&d, 0x20, NLM_F_MULTI, 7, "body", 5);
	add(&d, NLMSG_NOOP, 0, 7, NULL, 0);
	add(&d, 0x20, NLM_F_MULTI, 6, "old", 4);
	add(&d, 0x20, NLM_F_MULTI | NLM_F_DUMP_INTR, 7, "body", 5);
	add(&d, NLMSG_DONE, NLM_F_MULTI, 7, &done, sizeof(done));
	assert_int_equal(talk_feed(&t, d.words, d.len), 0);
	assert_int_equal(c.n, 2);
	assert_true(t.finished);
	assert_true(t.interrupted);
	assert_int_equal(result, -EAGAIN);
}

/* fn refuses a row: no more rows, but the talk comes to its end. */
static void test_feed_refused(void **state)
{
	struct contents c = { .refuse_at = 2 };
	int result = 0;
	struct talk t = { .seq = 7, .n = 1, .results = &result, .fn = count, .arg = &c };
	struct datagram d = { .len = 0 };

	(void)state;
	for (int i = 0; i < 4; i++)
		add(&d, 0x20, NLM_F_MULTI, 7, NULL, 0);
	add(&d, NLMSG_DONE, NLM_F_MULTI, 7, NULL, 0);
	assert_int_equal(talk_feed(&t, d.words, d.len), 0);
	assert_int_equal(c.n, 2);
	assert_int_equal(t.error, -EBADMSG);
	assert_true(t.finished);
}

static void test_feed_hostile(void **state)
{
	static const uint32_t lengths[] = { 0, 1, 15, 17, 1000, UINT32_MAX };
	int result = 0, positive = 5;
	struct datagram d;
	struct talk t;

	(void)state;
	for (size_t i = 0; i < countof(lengths); i++) {
		t = (struct talk){ .seq = 1, .n = 1, .results = &result };
		d = (struct datagram){ .len = 16 };
		d.words[0] = lengths[i];
		assert_int_equal(talk_feed(&t, d.words, d.len), -EBADMSG);
		assert_int_equal(t.error, -EBADMSG);
		assert_false(t.finished);
	}
	for (size_t len = 1; len < NLMSG_HDRLEN; len++) {
		t = (struct talk){ .seq = 1, .n = 1, .results = &result };
		assert_int_equal(talk_feed(&t, d.words, len), -EBADMSG);
	}
	/* An error without its number, one that is none. */
	t = (struct talk){ .seq = 1, .n = 1, .results = &result };
	d.len = 0;
	add(&d, NLMSG_ERROR, 0, 1, NULL, 0);
	assert_int_equal(talk_feed(&t, d.words, d.len), 0);
	assert_int_equal(t.error, -EBADMSG);
	t = (struct talk){ .seq = 1, .n = 1, .results = &result };
	d.len = 0;
	add(&d, NLMSG_ERROR, 0, 1, &positive, sizeof(positive));
	assert_int_equal(talk_feed(&t, d.words, d.len), 0);
	assert_int_equal(t.error, -EBADMSG);
}

/* --- nlctrl ------------------------------------------------------------------------- */

static int open_socket(void **state)
{
	struct nlsock *s = calloc(1, sizeof(*s));

	if (!s || nlsock_open(s, 5000, NLSOCK_DATAGRAM))
		return -1;
	*state = s;
	return 0;
}

static int close_socket(void **state)
{
	nlsock_close(*state);
	free(*state);
	return 0;
}

/* Asks for a family by its number; nobody has 0. */
static void ask_family(struct nlsock *s, uint16_t id, uint16_t flags)
{
	struct nlreq *q = nlsock_begin(s, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, flags);

	assert_non_null(q);
	nlreq_put(q, CTRL_ATTR_FAMILY_ID, &id, sizeof(id));
	assert_int_equal(nlsock_end(s), 0);
}

static int on_id(void *arg, const struct nlmsghdr *h)
{
	return attr_get_family_id(h, arg);
}

static void test_one_request(void **state)
{
	struct nlsock *s = *state;
	int result = 1;
	uint16_t id = 0;

	ask_family(s, GENL_ID_CTRL, NLM_F_ACK);
	assert_int_equal(nlsock_talk(s, &result, on_id, &id), 0);
	assert_int_equal(result, 0);
	assert_int_equal(id, GENL_ID_CTRL);
	assert_int_equal(nlsock_talk(s, &result, on_id, &id), 0); /* nothing to send */
}

/* Errors are answered, each to its request; success is silent but for the last. */
static void test_batch(void **state)
{
	struct nlsock *s = *state;
	int results[NLSOCK_BATCH];

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < NLSOCK_BATCH; i++)
			ask_family(s, i % 7 == round ? 0 : GENL_ID_CTRL,
				   i + 1 == NLSOCK_BATCH ? NLM_F_ACK : 0);
		assert_null(nlsock_begin(s, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0));
		assert_int_equal(nlsock_talk(s, results, NULL, NULL), 0);
		for (int i = 0; i < NLSOCK_BATCH; i++)
			assert_int_equal(results[i], i % 7 == round ? -ENOENT : 0);
	}
}

static void test_dump(void **state)
{
	struct contents first = { 0 }, second = { 0 };
	struct nlsock *s = *state;
	int result = 1;

	assert_non_null(nlsock_begin(s, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_DUMP));
	assert_int_equal(nlsock_end(s), 0);
	assert_int_equal(nlsock_talk(s, &result, count, &first), 0);
	assert_int_equal(result, 0);
	assert_true(first.n >= 1);
	assert_non_null(nlsock_begin(s, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_DUMP));
	assert_int_equal(nlsock_end(s), 0);
	assert_int_equal(nlsock_talk(s, &result, count, &second), 0);
	assert_int_equal(second.n, first.n);
}

/* Answers that found no room: what was carried out is unknown, and nothing is said to
 * have succeeded. */
static void test_lost_answers(void **state)
{
	struct nlsock *s = *state;
	int results[NLSOCK_BATCH], size = 1, unknown = 0;

	assert_int_equal(
		setsockopt(nl_socket_get_fd(s->sk), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	for (int i = 0; i < NLSOCK_BATCH; i++)
		ask_family(s, i < NLSOCK_BATCH / 2 ? 0 : GENL_ID_CTRL, NLM_F_ACK);
	assert_int_equal(nlsock_talk(s, results, NULL, NULL), -ENOBUFS);
	for (int i = 0; i < NLSOCK_BATCH; i++) {
		assert_true(results[i] == -ENOENT || results[i] == -ENOBUFS);
		unknown += results[i] == -ENOBUFS;
	}
	assert_true(unknown >= NLSOCK_BATCH / 2);
	/* Closed, for answers may be left in it; and it opens again. */
	assert_null(s->sk);
	assert_int_equal(nlsock_open(s, 5000, NLSOCK_DATAGRAM), 0);
	test_one_request(state);
}

/* A request that is never answered ends with the deadline. */
static void test_deadline(void **state)
{
	struct nlsock *s = *state;
	int results[2];

	nlsock_close(s);
	assert_int_equal(nlsock_open(s, 50, NLSOCK_DATAGRAM), 0);
	ask_family(s, 0, 0);
	ask_family(s, GENL_ID_CTRL, 0);
	assert_int_equal(nlsock_talk(s, results, NULL, NULL), -ETIMEDOUT);
	assert_int_equal(results[0], -ENOENT);
	assert_int_equal(results[1], -ETIMEDOUT);
	assert_null(s->sk);
}

#define on_socket(test) cmocka_unit_test_setup_teardown(test, open_socket, close_socket)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_feed_results),
		cmocka_unit_test(test_feed_wraps),
		cmocka_unit_test(test_feed_dump),
		cmocka_unit_test(test_feed_refused),
		cmocka_unit_test(test_feed_hostile),
		on_socket(test_one_request),
		on_socket(test_batch),
		on_socket(test_dump),
		on_socket(test_lost_answers),
		on_socket(test_deadline),
	};

	return cmocka_run_group_tests_name("ipvs_nlsock", tests, NULL, NULL);
}
