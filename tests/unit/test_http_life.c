/* test_http_life.c: listeners: unix sockets and their files, reloads that keep,
 * add and drop, limits that keep the operator's door open. */
#include "tests/unit/http_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const char reload_line[] = "POST /-/reload HTTP/1.0\r\n\r\n";

/* The configuration listens there too; returns the path, malloc'd, which the
 * configuration borrows. */
static char *add_unix(struct world *w, const char *name)
{
	struct listen_conf *l = &w->listens[w->conf.n_listens++];

	l->unix_path = path_in(w, name);
	l->text = l->unix_path;
	return (char *)(uintptr_t)l->unix_path;
}

static char *ask_unix(const struct world *w, const char *path, const char *text)
{
	return ask_on(client_connect(w, path), text, strlen(text));
}

static int try_new(struct world *w, struct buf *why)
{
	struct http_env env = world_env(w);
	struct http_server *s = NULL;
	int r = http_new(&w->conf, &env, why, &s);

	http_free(s);
	return r;
}

static void test_unix(void **state)
{
	struct world *w = *state;
	char *path = add_unix(w, "a.sock"), *answer;
	struct stat st;

	world_serve(w);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0660);
	answer = ask_unix(w, path, reload_line);
	assert_int_equal(status_of(answer), 200);
	free(answer);
	http_free(w->server);
	w->server = NULL;
	assert_int_equal(lstat(path, &st), -1);
	free(path);
}

static int stale_socket(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(un.sun_path, path, sizeof(un.sun_path) - 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	return fd;
}

static void test_unix_file(void **state)
{
	struct world *w = *state;
	char *path = add_unix(w, "b.sock"), *name;
	struct buf why = BUF_INIT, want = BUF_INIT;
	struct stat st;
	int fd;

	/* dead: replaced */
	close(stale_socket(path));
	assert_int_equal(try_new(w, &why), 0);
	/* alive: left alone */
	fd = stale_socket(path);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(try_new(w, &why), -EADDRINUSE);
	buf_printf(&want, "cannot listen on %s: Address already in use", path);
	assert_string_equal(buf_str(&why), buf_str(&want));
	assert_int_equal(lstat(path, &st), 0);
	close(fd);
	unlink(path);
	/* something else: left alone */
	name = file_with(w, "b.sock", "precious");
	buf_reset(&why);
	assert_int_equal(try_new(w, &why), -ENOTSOCK);
	assert_int_equal(lstat(name, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	free(name);
	unlink(path);
	/* put there by somebody else while we ran: left alone */
	world_serve(w);
	unlink(path);
	fd = stale_socket(path);
	http_free(w->server);
	w->server = NULL;
	assert_int_equal(lstat(path, &st), 0);
	close(fd);
	buf_fini(&why);
	buf_fini(&want);
	free(path);
}

static void test_taken_port(void **state)
{
	struct world *w = *state;
	struct buf why = BUF_INIT;

	world_serve(w);
	assert_int_equal(try_new(w, &why), -EADDRINUSE);
	assert_string_equal(buf_str(&why),
			    "cannot listen on 127.0.0.1:test: Address already in use");
	buf_fini(&why);
}

/* --- reload ------------------------------------------------------------------------ */

static void test_reload(void **state)
{
	struct world *w = *state;
	char *first = add_unix(w, "one.sock"), *second, *answer;
	struct buf why = BUF_INIT, bad = BUF_INIT;
	struct stat before, after;
	int keep;

	world_serve(w);
	assert_int_equal(lstat(first, &before), 0);
	/* a connection that lives through it all */
	keep = client_connect(w, first);
	/* what fails changes nothing, though the other listener was already open */
	w->listens[1].unix_path = w->listens[1].text = "/nonexistent/dir/x.sock";
	assert_int_equal(http_reload(w->server, &w->conf, &why), -ENOENT);
	assert_string_equal(buf_str(&why), "cannot listen on /nonexistent/dir/x.sock: "
					   "No such file or directory");
	assert_int_equal(lstat(first, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	/* one more: those that stay are the same */
	w->listens[1].unix_path = w->listens[1].text = first;
	second = add_unix(w, "two.sock");
	assert_int_equal(http_reload(w->server, &w->conf, &bad), 0);
	assert_int_equal(lstat(first, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	answer = ask_unix(w, second, "GET /-/ready HTTP/1.0\r\n\r\n");
	assert_int_equal(status_of(answer), 200);
	free(answer);
	answer = ask_on(keep, "GET /-/ready HTTP/1.0\r\n\r\n", 25);
	assert_int_equal(status_of(answer), 200);
	free(answer);
	/* other limits: the same socket, another daemon */
	w->conf.max_connections = 50;
	assert_int_equal(http_reload(w->server, &w->conf, &bad), 0);
	answer = ask(w, "GET /-/ready", NULL);
	assert_int_equal(status_of(answer), 200);
	free(answer);
	/* one only */
	w->listens[0] = w->listens[2];
	w->conf.n_listens = 1;
	assert_int_equal(http_reload(w->server, &w->conf, &bad), 0);
	assert_int_equal(client_connect(w, NULL), -1);
	assert_int_equal(lstat(first, &after), -1);
	answer = ask_unix(w, second, "GET /-/ready HTTP/1.0\r\n\r\n");
	assert_int_equal(status_of(answer), 200);
	free(answer);
	assert_string_equal(buf_str(&bad), "");
	buf_fini(&why);
	buf_fini(&bad);
	free(first);
	free(second);
}

static void drop_tcp(struct world *w)
{
	struct buf why = BUF_INIT;

	w->listens[0] = w->listens[1];
	w->conf.n_listens = 1;
	if (http_reload(w->server, &w->conf, &why) < 0)
		w->reload_status = COMMAND_FAILED;
	buf_fini(&why);
}

/* The request that asks for the reload comes over the listener that it drops. */
static void test_reload_over_dropped(void **state)
{
	struct world *w = *state;
	char *path = add_unix(w, "a.sock"), *answer;

	w->conf.loopback_writes = true;
	w->on_reload = drop_tcp;
	world_serve(w);
	answer = ask(w, "POST /-/reload", NULL);
	assert_int_equal(status_of(answer), 200);
	free(answer);
	assert_int_equal(client_connect(w, NULL), -1);
	free(path);
}

/* --- limits ------------------------------------------------------------------------- */

/* A TCP listener full of idle connections: the unix socket answers. */
static void test_flooded(void **state)
{
	struct world *w = *state;
	char *path = add_unix(w, "a.sock"), *answer;
	int fds[40];

	w->conf.max_connections = 20;
	world_serve(w);
	for (size_t i = 0; i < countof(fds); i++)
		fds[i] = client_connect(w, NULL);
	answer = ask_unix(w, path, reload_line);
	assert_int_equal(status_of(answer), 200);
	free(answer);
	for (size_t i = 0; i < countof(fds); i++)
		if (fds[i] != -1)
			close(fds[i]);
	/* Until those are taken out, this address has too many. */
	for (int status = 0, tries = 0; status != 200; tries++) {
		assert_true(tries < 10000);
		answer = ask(w, "GET /-/ready", NULL);
		status = status_of(answer);
		free(answer);
	}
	free(path);
}

static void test_ipv6(void **state)
{
	struct world *w = *state;
	struct buf why = BUF_INIT;
	char *answer;

	/* ":PORT": IPv4 reaches it too, with IPv6 in the kernel or without. */
	w->listens[0].text = ":test";
	w->listens[0].addr = (struct addr){ .family = AF_INET6, .port = w->port };
	w->conf.loopback_writes = true;
	world_serve(w);
	answer = ask(w, "POST /-/reload", NULL); /* ::ffff:127.0.0.1 is loopback */
	assert_int_equal(status_of(answer), 200);
	free(answer);
	buf_fini(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_unix),   CASE(test_unix_file),           CASE(test_taken_port),
		CASE(test_reload), CASE(test_reload_over_dropped), CASE(test_flooded),
		CASE(test_ipv6),
	};

	return cmocka_run_group_tests_name("http life", tests, NULL, NULL);
}
