/* test_notify.c: what systemd would receive, over a path and an abstract name. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/base/attr.h"
#include "agent/base/clock.h"
#include "agent/base/notify.h"

static int listen_on(const struct sockaddr_un *un, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)un, len), 0);
	return fd;
}

static void assert_received(int fd, const char *expected)
{
	char text[256];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	assert_true(n >= 0);
	text[n] = '\0';
	assert_string_equal(text, expected);
}

static void clear_env(void)
{
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

static void test_nobody(void **state)
{
	struct notify *n = (struct notify *)1;

	(void)state;
	clear_env();
	assert_int_equal(notify_open(&n), 0);
	assert_null(n);
	assert_int_equal(notify_send(n, "READY=1"), 0);
	assert_int_equal(notify_reloading(n), 0);
	assert_int_equal(notify_watchdog_ms(n), 0);
	notify_free(n);
}

static void test_path(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/test-notify-XXXXXX", text[256];
	struct notify *n;
	long long usec;
	int64_t before;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/socket", dir);
	fd = listen_on(&un, sizeof(un));
	setenv("NOTIFY_SOCKET", un.sun_path, 1);
	assert_int_equal(notify_open(&n), 0);
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_int_equal(notify_send(n, "READY=1\nSTATUS=%d services", 3), 0);
	assert_received(fd, "READY=1\nSTATUS=3 services");
	before = clock_mono_us();
	assert_int_equal(notify_reloading(n), 0);
	memset(text, 0, sizeof(text));
	assert_true(recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT) > 0);
	assert_int_equal(sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%lld", &usec), 1);
	assert_true(usec >= before && usec <= clock_mono_us());
	/* Who went away is told of, and nothing blocks or dies. */
	close(fd);
	assert_int_equal(notify_send(n, "WATCHDOG=1"), -ECONNREFUSED);
	unlink(un.sun_path);
	assert_int_equal(notify_send(n, "WATCHDOG=1"), -ENOENT);
	rmdir(dir);
	notify_free(n);
}

static void test_abstract(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char name[64];
	struct notify *n;
	int fd;

	(void)state;
	snprintf(name, sizeof(name), "@ipvs-agent-test-%d", (int)getpid());
	memcpy(un.sun_path + 1, name + 1, strlen(name) - 1);
	fd = listen_on(&un, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name)));
	setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(notify_open(&n), 0);
	assert_int_equal(notify_send(n, "STOPPING=1"), 0);
	assert_received(fd, "STOPPING=1");
	notify_free(n);
	close(fd);
}

static void test_watchdog(void **state)
{
	static const struct {
		const char *usec, *pid;
		int64_t ms;
	} cases[] = {
		{ "30000000", NULL, 15000 },
		{ "30000000", "self", 15000 },
		{ "30000000", "1", 0 },
		{ "30000000", "", 0 },
		{ "30s", NULL, 0 },
		{ "-1", NULL, 0 },
		{ "1", NULL, 1 },
		{ "18446744073709551615", NULL, 43200000 },
		{ NULL, NULL, 0 },
	};
	char pid[32];
	struct notify *n;

	(void)state;
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	for (size_t i = 0; i < countof(cases); i++) {
		clear_env();
		setenv("NOTIFY_SOCKET", "/run/nobody", 1);
		if (cases[i].usec)
			setenv("WATCHDOG_USEC", cases[i].usec, 1);
		if (cases[i].pid)
			setenv("WATCHDOG_PID", strcmp(cases[i].pid, "self") ? cases[i].pid : pid,
			       1);
		assert_int_equal(notify_open(&n), 0);
		assert_int_equal(notify_watchdog_ms(n), cases[i].ms);
		assert_null(getenv("WATCHDOG_USEC"));
		assert_null(getenv("WATCHDOG_PID"));
		notify_free(n);
	}
}

static void test_wrong_socket(void **state)
{
	char longer[300];
	const char *const wrong[] = { "", "/", "@", "relative", "vsock:2:1", longer };
	struct notify *n = NULL;

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	for (size_t i = 0; i < countof(wrong); i++) {
		setenv("NOTIFY_SOCKET", wrong[i], 1);
		assert_int_equal(notify_open(&n), -EINVAL);
		assert_null(n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody),       cmocka_unit_test(test_path),
		cmocka_unit_test(test_abstract),     cmocka_unit_test(test_watchdog),
		cmocka_unit_test(test_wrong_socket),
	};

	return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
