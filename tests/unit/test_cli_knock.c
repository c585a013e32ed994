/* test_cli_knock.c: what is said where the agent cannot be reached. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/cli/client.h"

static void knock(const char *path, int error, const char *words)
{
	struct buf why = BUF_INIT;

	assert_int_equal(client_knock(path, &why), error);
	assert_non_null(strstr(buf_str(&why), words));
	if (error == 0)
		assert_string_equal(buf_str(&why), "");
	buf_fini(&why);
}

/* As a user who is nobody, for whom permissions count. */
static void knock_as_nobody(const char *path, const char *words)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct buf why = BUF_INIT;
		int r;

		if (geteuid() == 0 && setresuid(65534, 65534, 65534) == -1)
			_exit(3);
		r = client_knock(path, &why);
		if (r != -EACCES || !strstr(buf_str(&why), words))
			print_error("%d: %s\n", r, buf_str(&why));
		r = r == -EACCES && strstr(buf_str(&why), words) ? 0 : 1;
		buf_fini(&why);
		_exit(r);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_knock(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/test-knock-XXXXXX", longer[300], words[200];
	struct stat st;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0755), 0);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/agent.sock", dir);
	snprintf(words, sizeof(words), "the agent does not run here: there is no %s\n",
		 un.sun_path);
	knock(un.sun_path, -ENOENT, words);
	knock(un.sun_path, -ENOENT, "systemctl start ipvs-agent");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(fd, 5), 0);
	knock(un.sun_path, 0, "");
	assert_int_equal(chmod(un.sun_path, 0), 0);
	assert_int_equal(stat(un.sun_path, &st), 0);
	snprintf(words, sizeof(words), "it is for user %u and group ", (unsigned int)st.st_uid);
	knock_as_nobody(un.sun_path, words);
	knock_as_nobody(un.sun_path, "(mode 0000); join that group, or use sudo");
	if (geteuid() == 0) {
		assert_int_equal(chmod(dir, 0700), 0);
		knock_as_nobody(un.sun_path, "a directory above it is not yours to enter");
	}
	chmod(un.sun_path, 0600);
	close(fd);
	knock(un.sun_path, -ECONNREFUSED, "nobody listens on");
	unlink(un.sun_path);
	rmdir(dir);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	knock(longer, -ENAMETOOLONG, "too long (over 107 bytes)");
	knock("/dev/null", -ECONNREFUSED, "nobody listens on /dev/null");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_knock) };

	return cmocka_run_group_tests_name("cli_knock", tests, NULL, NULL);
}
