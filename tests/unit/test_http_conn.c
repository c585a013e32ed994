/* test_http_conn.c: who must go where there are too many connections. */
#include "tests/unit/t.h"

#include <sys/socket.h>
#include <unistd.h>

#include "agent/http/conn.h"
#include "agent/http/internal.h"

enum { NOW_MS = 100000 };

/* One connection too many, whose other end is kept open. */
struct crowd {
	struct http_server server;
	struct http_daemon daemon;
	struct http_conn conns[2];
	int ends[2];
};

static void crowd_init(struct crowd *c, const struct http_conn *first,
		       const struct http_conn *second)
{
	*c = (struct crowd){ .daemon = { .max_connections = 1, .crowded = true },
			     .conns = { *first, *second } };
	c->daemon.server = &c->server;
	c->server.conns = &c->conns[0];
	c->conns[0].next = &c->conns[1];
	for (size_t i = 0; i < 2; i++) {
		int pair[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		c->conns[i].daemon = &c->daemon;
		c->conns[i].fd = pair[0];
		c->ends[i] = pair[1];
	}
}

static void crowd_fini(struct crowd *c)
{
	for (size_t i = 0; i < 2; i++) {
		close(c->conns[i].fd);
		close(c->ends[i]);
	}
}

/* What has sent something that was not read yet is not idle, however long it waited: a
 * flood that keeps the thread busy must not push out who means it. */
static void test_unread(void **state ATTR_UNUSED)
{
	static const struct {
		bool sent;
		int64_t idle_ms, body_ms;
		int cut; /* -1 = nobody yet */
	} cases[] = {
		{ false, 0, 5000, 0 },   { true, 0, 5000, 1 },   { true, 999, 1000, 1 },
		{ true, 3000, 2000, 0 }, { true, 999, 500, -1 },
	};

	for (size_t i = 0; i < countof(cases); i++) {
		const struct http_conn idle = { .phase = HTTP_PHASE_IDLE,
						.since_ms = NOW_MS - cases[i].idle_ms };
		const struct http_conn body = { .phase = HTTP_PHASE_BODY,
						.since_ms = NOW_MS - cases[i].body_ms };
		struct crowd c;

		crowd_init(&c, &idle, &body);
		if (cases[i].sent)
			assert_int_equal(send(c.ends[0], "G", 1, 0), 1);
		(void)http_conn_relieve(&c.server, NOW_MS);
		assert_int_equal(c.conns[0].cut, cases[i].cut == 0);
		assert_int_equal(c.conns[1].cut, cases[i].cut == 1);
		/* Asked again, or content. */
		assert_int_equal(c.daemon.crowded, cases[i].cut == -1);
		crowd_fini(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unread),
	};

	return cmocka_run_group_tests_name("http conn", tests, NULL, NULL);
}
