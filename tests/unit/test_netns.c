/* test_netns.c: names of network namespaces; what cannot be entered is told and changes
 * nothing; and where it may be done: who entered one is there with all threads that come
 * after, and gets sockets of where he came from. */
#include "tests/unit/t.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/base/attr.h"
#include "agent/base/netns.h"

static void test_names(void **state ATTR_UNUSED)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "blue", NULL },
		{ "a.b-c_d e", NULL },
		{ "/proc/1/ns/net", NULL },
		{ "", "is empty" },
		{ "/", "is a directory" },
		{ ".", "is no name of a namespace" },
		{ "..", "is no name of a namespace" },
		{ "a/b", "is neither a name (as in 'ip netns list') nor an absolute path" },
		{ "../../etc/passwd",
		  "is neither a name (as in 'ip netns list') nor an absolute path" },
	};
	size_t i;

	for (i = 0; i < countof(cases); i++) {
		struct buf why = BUF_INIT;

		assert_int_equal(netns_name_ok(cases[i].text, &why), !cases[i].why);
		assert_string_equal(buf_str(&why), cases[i].why ? cases[i].why : "");
		assert_int_equal(netns_name_ok(cases[i].text, NULL), !cases[i].why);
		buf_fini(&why);
	}
}

static void test_long_name(void **state ATTR_UNUSED)
{
	struct buf why = BUF_INIT;
	char name[300];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_false(netns_name_ok(name, &why));
	assert_string_equal(buf_str(&why), "is longer than a name can be");
	buf_fini(&why);
}

static void fails(const char *name, int error, const char *word)
{
	struct netns_home *home = (struct netns_home *)&home;
	struct buf why = BUF_INIT;

	assert_int_equal(netns_enter(name, &why, &home), error);
	assert_ptr_equal(home, (struct netns_home *)&home);
	if (!strstr(buf_str(&why), word))
		fail_msg("'%s' says nothing of '%s'", buf_str(&why), word);
	buf_fini(&why);
}

static void test_not_there(void **state ATTR_UNUSED)
{
	fails("no-such-namespace", -ENOENT, "ip netns add no-such-namespace");
	fails("/no/such/file", -ENOENT, "/no/such/file: No such file");
}

/* With the capability it is no namespace, without it nobody looks. */
static void test_not_one(void **state ATTR_UNUSED)
{
	struct netns_home *home;
	struct buf why = BUF_INIT;
	int e = netns_enter("/dev/null", &why, &home);

	assert_true(e == -EINVAL || e == -EPERM);
	assert_non_null(
		strstr(buf_str(&why), e == -EINVAL ? "no network namespace" : "CAP_SYS_ADMIN"));
	buf_fini(&why);
}

static void test_without_home(void **state ATTR_UNUSED)
{
	int fd = netns_home_socket(NULL, AF_INET, SOCK_STREAM);

	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(fd);
	assert_int_equal(netns_home_socket(NULL, AF_MAX + 1, SOCK_STREAM), -EAFNOSUPPORT);
	netns_home_free(NULL);
}

/* --- for real, in processes of their own ------------------------------------------------ */

enum { HERE_OK = 0 };

/* The port on which a socket listens: nobody has it in another namespace. */
static int listen_on(int fd, unsigned short *ret_port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);

	if (bind(fd, (struct sockaddr *)&sin, len) || listen(fd, 1) ||
	    getsockname(fd, (struct sockaddr *)&sin, &len))
		return -1;
	*ret_port = ntohs(sin.sin_port);
	return 0;
}

static ino_t ns_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_ino;
}

static void *thread_ns(void *arg)
{
	*(ino_t *)arg = ns_of("/proc/thread-self/ns/net");
	return NULL;
}

/* What is to be so; the first line that is not. */
#define WANT(x)                                                                                    \
	do {                                                                                       \
		if (!(x))                                                                          \
			return __LINE__;                                                           \
	} while (0)

static int look_around(const char *path, struct netns_home *home, ino_t before)
{
	ino_t there = ns_of(path), seen = 0;
	unsigned short port;
	pthread_t thread;
	int fd;

	WANT(there != before);
	WANT(ns_of("/proc/self/ns/net") == there);
	WANT(!pthread_create(&thread, NULL, thread_ns, &seen));
	WANT(!pthread_join(thread, NULL));
	WANT(seen == there);
	/* Its loopback is down: what can be bound is of the namespace before. */
	fd = netns_home_socket(home, AF_INET, SOCK_STREAM);
	WANT(fd >= 0);
	WANT(!listen_on(fd, &port));
	close(fd);
	WANT(netns_home_socket(home, AF_MAX + 1, SOCK_STREAM) == -EAFNOSUPPORT);
	fd = netns_home_socket(home, AF_INET6, SOCK_STREAM);
	WANT(fd >= 0 || fd == -EAFNOSUPPORT);
	if (fd >= 0)
		close(fd);
	return HERE_OK;
}

/* Goes to the namespace of process `there`. */
static int go(pid_t there)
{
	ino_t before = ns_of("/proc/self/ns/net");
	struct buf why = BUF_INIT;
	struct netns_home *home;
	char path[64];
	int line;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)there);
	if (netns_enter(path, &why, &home)) {
		printf("# %s\n", buf_str(&why));
		buf_fini(&why);
		return 1;
	}
	line = look_around(path, home, before);
	if (line)
		printf("# %s:%d\n", __FILE__, line);
	netns_home_free(home);
	return line ? 1 : HERE_OK;
}

/* A process in a namespace of its own, until its pipe is closed. */
static pid_t start_other(int ends[2], bool *ret_may)
{
	char c = 'y';
	int ready[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(ends[1]);
		if (unshare(CLONE_NEWNET))
			c = 'n';
		(void)!write(ready[1], &c, 1);
		(void)!read(ends[0], &c, 1);
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	*ret_may = c == 'y';
	return pid;
}

static void test_enter(void **state ATTR_UNUSED)
{
	int ends[2], status = -1;
	pid_t other, pid;
	bool may;

	other = start_other(ends, &may);
	if (may) {
		fflush(stdout);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			_exit(go(other));
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	close(ends[1]);
	close(ends[0]);
	assert_int_equal(waitpid(other, NULL, 0), other);
	if (!may)
		skip();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), HERE_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),        cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_not_there),    cmocka_unit_test(test_not_one),
		cmocka_unit_test(test_without_home), cmocka_unit_test(test_enter),
	};

	return cmocka_run_group_tests_name("netns", tests, NULL, NULL);
}
