/* test_fetch.c: what probes do not use of fetch, and ends under way. */
#include <errno.h>
#include <sys/un.h>

#include "tests/unit/web_server.h"

#define OK_HELLO "HTTP/1.1 200 OK\r\nX-Test: a\r\nContent-Length: 5\r\n\r\nhello"
#define NAME     "www.test.example"

struct world {
	struct loop *loop;
	struct fetch_multi *m;
	struct fetch *f[8];
	int calls, expected;
	bool in_start, called_in_start;
	struct fetch_request req;
	enum fetch_error error;
	int status;
	char body[64], text[128];
	struct buf seen;
	bool truncated;
	int os_errno;
};

static void world_init(struct world *w, struct web_server *server)
{
	*w = (struct world){ .expected = 1 };
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(loop_new(&w->loop), 0);
	assert_int_equal(fetch_multi_new(w->loop, &w->m), 0);
	w->req = (struct fetch_request){
		.url = "http://" NAME "/", .timeout_ms = 10000, .max_body = 60, .to = &server->addr
	};
}

static void world_fini(struct world *w)
{
	fetch_multi_free(w->m);
	loop_free(w->loop);
}

static void on_result(void *arg, const struct fetch_result *r)
{
	struct world *w = arg;

	w->called_in_start |= w->in_start;
	w->error = r->error;
	w->os_errno = r->os_errno;
	w->status = r->status;
	w->truncated = r->truncated;
	snprintf(w->body, sizeof(w->body), "%s", r->body.len ? r->body.data : "");
	snprintf(w->text, sizeof(w->text), "%s", r->text);
	if (++w->calls == w->expected)
		loop_stop(w->loop);
}

static int start(struct world *w, fetch_fn *fn, struct fetch **ret_fetch)
{
	int r;

	w->in_start = true;
	r = fetch_start(w->m, &w->req, fn, w, ret_fetch);
	w->in_start = false;
	return r;
}

static void fetch_one(struct world *w)
{
	assert_int_equal(start(w, on_result, &w->f[0]), 0);
	w->calls = 0;
	loop_run(w->loop);
	assert_false(w->called_in_start);
}

static void see(void *arg, const char *bytes, size_t len)
{
	struct world *w = arg;

	buf_put(&w->seen, bytes, len);
}

static void fetch_seen(struct world *w, const char *seen, const char *kept)
{
	buf_reset(&w->seen);
	fetch_one(w);
	assert_int_equal(w->error, FETCH_OK);
	assert_string_equal(buf_str(&w->seen), seen);
	assert_string_equal(w->body, kept);
}

/* Who looks at the body as it comes sees what would be kept; it is kept where it is not to
 * be discarded. Nothing of that sticks to the handle. */
static void test_body_is_seen(void **state ATTR_UNUSED)
{
	struct web_server server = { 0 };
	struct fetch_request plain;
	struct world w;

	web_start(&server, OK_HELLO, NULL);
	world_init(&w, &server);
	plain = w.req;
	w.req.see = see;
	w.req.data_arg = &w;
	fetch_seen(&w, "hello", "hello");
	w.req.discard = true;
	fetch_seen(&w, "hello", "");
	assert_false(w.truncated);
	w.req.max_body = 4;
	fetch_seen(&w, "hell", "");
	assert_true(w.truncated);
	w.req = plain;
	fetch_seen(&w, "", "hello");
	buf_fini(&w.seen);
	web_stop(&server);
	world_fini(&w);
}

static void test_body_and_post(void **state ATTR_UNUSED)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	struct web_server server = { 0 };
	struct world w;

	web_start(&server, OK_HELLO, NULL);
	world_init(&w, &server);
	fetch_one(&w);
	assert_int_equal(w.error, FETCH_OK);
	assert_string_equal(w.body, "hello");
	assert_string_equal(w.text, "");
	w.req.max_body = 4;
	fetch_one(&w);
	assert_int_equal(w.error, FETCH_OK);
	assert_string_equal(w.body, "hell");
	assert_true(w.truncated);
	w.req.method = "POST";
	w.req.body = "{\"a\":1}";
	w.req.body_len = 7;
	w.req.headers = headers;
	fetch_one(&w);
	assert_non_null(strstr(server.request, "POST / HTTP/1.1\r\n"));
	assert_non_null(strstr(server.request, "Content-Length: 7\r\n"));
	assert_non_null(strstr(server.request, "Content-Type: application/json\r\n"));
	assert_null(strstr(server.request, "Expect:"));
	/* nothing of it sticks to the handle, which is used again */
	w.req = (struct fetch_request){ .url = "http://" NAME "/",
					.to = &server.addr,
					.timeout_ms = 10000 };
	fetch_one(&w);
	assert_non_null(strstr(server.request, "GET / HTTP/1.1\r\n"));
	assert_null(strstr(server.request, "Content-"));
	web_stop(&server);
	world_fini(&w);
}

static void test_refused_and_malformed(void **state ATTR_UNUSED)
{
	struct web_server server = { 0 }, other = { 0 };
	struct world w;
	int fd = case_listen(-1, &server.addr);

	world_init(&w, &server);
	fetch_one(&w);
	assert_int_equal(w.error, FETCH_REFUSED);
	assert_int_equal(w.os_errno, ECONNREFUSED);
	assert_string_not_equal(w.text, "");
	/* which is not told of the next one */
	web_start(&other, OK_HELLO, NULL);
	w.req.to = &other.addr;
	fetch_one(&w);
	assert_int_equal(w.error, FETCH_OK);
	assert_int_equal(w.os_errno, 0);
	web_stop(&other);
	w.req.to = &server.addr;
	fetch_one(&w);
	assert_int_equal(w.error, FETCH_REFUSED);
	assert_string_not_equal(w.text, "");
	w.req.url = "http://a b/";
	fetch_one(&w);
	assert_int_equal(w.error, FETCH_LOCAL_CONFIG);
	w.req.url = "file:///etc/passwd";
	fetch_one(&w);
	assert_int_not_equal(w.error, FETCH_OK);
	world_fini(&w);
	close(fd);
}

/* An address that is not ours to send from. */
static void test_source(void **state ATTR_UNUSED)
{
	struct web_server server = { 0 };
	struct addr source;
	struct world w;

	web_start(&server, OK_HELLO, NULL);
	world_init(&w, &server);
	assert_int_equal(addr_parse("192.0.2.77", &source), 0);
	w.req.from.source = source;
	fetch_one(&w);
	assert_int_equal(w.error, FETCH_LOCAL);
	assert_int_equal(w.os_errno, ENODEV);
	assert_int_equal(addr_parse("127.0.0.9", &w.req.from.source), 0);
	fetch_one(&w);
	assert_int_equal(w.error, FETCH_OK);
	web_stop(&server);
	world_fini(&w);
}

static void test_server_name(void **state ATTR_UNUSED)
{
	struct web_server server = { 0 };
	struct web_cert cert;
	struct world w;

	web_cert_new(&cert, NAME);
	web_start(&server, OK_HELLO, cert.credentials);
	world_init(&w, &server);
	w.req.url = "https://vhost.example/p";
	w.req.server_name = NAME;
	w.req.ca_file = cert.path;
	fetch_one(&w);
	assert_int_equal(w.error, FETCH_OK);
	assert_string_equal(server.sni, NAME);
	assert_non_null(strstr(server.request, "\r\nHost: vhost.example\r\n"));
	w.req.server_name = NULL;
	fetch_one(&w);
	assert_int_equal(w.error, FETCH_TLS_VERIFY);
	web_stop(&server);
	web_cert_free(&cert);
	world_fini(&w);
}

static void never(void *arg ATTR_UNUSED, const struct fetch_result *r ATTR_UNUSED)
{
	fail();
}

/* Ends itself, all others, and starts one anew. */
static void cancel_all(void *arg, const struct fetch_result *r)
{
	struct world *w = arg;
	int i;

	for (i = 0; i < 8; i++)
		fetch_cancel(w->f[i]);
	fetch_cancel(NULL);
	assert_int_equal(r->error, FETCH_OK);
	assert_int_equal(start(w, on_result, &w->f[0]), 0);
}

static void test_cancel_within(void **state ATTR_UNUSED)
{
	struct web_server server = { 0 }, silent = { 0 };
	struct world w;
	int i;

	web_start(&server, OK_HELLO, NULL);
	web_start(&silent, NULL, NULL);
	world_init(&w, &server);
	assert_int_equal(start(&w, cancel_all, &w.f[0]), 0);
	w.req.to = &silent.addr;
	for (i = 1; i < 8; i++)
		assert_int_equal(start(&w, never, &w.f[i]), 0);
	w.req.to = &server.addr;
	loop_run(w.loop);
	assert_int_equal(w.calls, 1);
	assert_string_equal(w.body, "hello");
	/* and the end of all while some are under way */
	w.req.to = &silent.addr;
	for (i = 0; i < 8; i++)
		assert_int_equal(start(&w, never, &w.f[i]), 0);
	world_fini(&w);
	web_stop(&silent);
	web_stop(&server);
}

static void test_wait_unix(void **state ATTR_UNUSED)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct web_server server = { 0 };
	struct fetch_result r;
	struct fetch_request req = { .url = "http://localhost/x",
				     .timeout_ms = 10000,
				     .max_body = 100 };

	snprintf(sun.sun_path, sizeof(sun.sun_path), "/tmp/ipvs-agent-test-%d.sock", getpid());
	req.unix_path = sun.sun_path;
	assert_int_equal(fetch_wait(&req, &r), 0);
	assert_int_not_equal(r.error, FETCH_OK);
	assert_int_equal(r.os_errno, ENOENT);
	buf_fini(&r.body);
	buf_fini(&r.headers);
	server.answer = OK_HELLO;
	server.answer_len = strlen(OK_HELLO);
	server.listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(server.listener, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(server.listener, 4), 0);
	assert_int_equal(pthread_create(&server.thread, NULL, web_main, &server), 0);
	assert_int_equal(fetch_wait(&req, &r), 0);
	assert_int_equal(r.error, FETCH_OK);
	assert_int_equal(r.status, 200);
	assert_string_equal(buf_str(&r.body), "hello");
	assert_non_null(strstr(buf_str(&r.headers), "X-Test: a\r\n"));
	buf_fini(&r.body);
	buf_fini(&r.headers);
	web_stop(&server);
	unlink(sun.sun_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_body_is_seen),
		cmocka_unit_test(test_body_and_post),
		cmocka_unit_test(test_refused_and_malformed),
		cmocka_unit_test(test_source),
		cmocka_unit_test(test_server_name),
		cmocka_unit_test(test_cancel_within),
		cmocka_unit_test(test_wait_unix),
	};

	return cmocka_run_group_tests_name("fetch", tests, NULL, NULL);
}
