/* cli_agent.c: see cli_agent.h. */
#include "tests/unit/cli_agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/t.h"

/* --- the agent ------------------------------------------------------------------- */

static struct fake_answer *answer_to(struct fake_agent *a, const char *asked)
{
	struct fake_answer *found = NULL;

	for (struct fake_answer *f = a->answers; f->asked; f++) {
		if (strncmp(f->asked, asked, strlen(f->asked)) != 0)
			continue;
		found = f;
		if (!f->given)
			break;
	}
	if (found)
		found->given = true;
	return found;
}

/* The whole request: head, and as much as Content-Length says. */
static bool read_request(int fd, struct buf *out, const char **ret_body)
{
	char chunk[4096];
	const char *end, *length;
	size_t want = SIZE_MAX;
	ssize_t n;

	while (out->len < want) {
		n = read(fd, chunk, sizeof(chunk));
		if (n <= 0)
			return false;
		buf_put(out, chunk, (size_t)n);
		end = strstr(buf_str(out), "\r\n\r\n");
		if (!end)
			continue;
		length = strcasestr(buf_str(out), "\r\nContent-Length:");
		want = (size_t)(end + 4 - buf_str(out)) +
		       (length && length < end ? strtoul(length + 17, NULL, 10) : 0);
	}
	*ret_body = strstr(buf_str(out), "\r\n\r\n") + 4;
	return true;
}

static void serve(struct fake_agent *a, int fd)
{
	struct buf request = BUF_INIT, asked = BUF_INIT, reply = BUF_INIT;
	const struct fake_answer *f;
	const char *body;
	size_t line;

	if (!read_request(fd, &request, &body))
		goto out; /* somebody who only knocked */
	line = strcspn(buf_str(&request), "\r");
	buf_put(&asked, request.data, line - strlen(" HTTP/1.1"));
	if (*body)
		buf_printf(&asked, " %s", body);
	pthread_mutex_lock(&a->lock);
	buf_printf(&a->seen, "%s\n", buf_str(&asked));
	a->n_seen++;
	f = answer_to(a, buf_str(&asked));
	pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->lock);
	buf_printf(&reply, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
		   f ? f->status : 599, f ? strlen(f->body) : 0, f ? f->body : "");
	if (send(fd, reply.data, reply.len, MSG_NOSIGNAL) == -1)
		print_error("send: %s\n", strerror(errno));
out:
	buf_fini(&request);
	buf_fini(&asked);
	buf_fini(&reply);
}

static void *serve_all(void *arg)
{
	struct fake_agent *a = arg;
	int fd;

	while ((fd = accept4(a->fd, NULL, NULL, SOCK_CLOEXEC)) != -1) {
		serve(a, fd);
		close(fd);
	}
	return NULL;
}

void fake_agent_start(struct fake_agent *a, struct fake_answer *answers)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	*a = (struct fake_agent){ .answers = answers };
	snprintf(a->dir, sizeof(a->dir), "/tmp/test-cli-XXXXXX");
	assert_non_null(mkdtemp(a->dir));
	snprintf(a->path, sizeof(a->path), "%s/agent.sock", a->dir);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", a->path);
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->changed, NULL);
	a->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(a->fd, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(a->fd, 16), 0);
	assert_int_equal(pthread_create(&a->thread, NULL, serve_all, a), 0);
}

void fake_agent_stop(struct fake_agent *a)
{
	shutdown(a->fd, SHUT_RDWR);
	pthread_join(a->thread, NULL);
	close(a->fd);
	unlink(a->path);
	rmdir(a->dir);
	buf_fini(&a->seen);
	pthread_mutex_destroy(&a->lock);
	pthread_cond_destroy(&a->changed);
}

void fake_agent_forget(struct fake_agent *a)
{
	pthread_mutex_lock(&a->lock);
	buf_reset(&a->seen);
	pthread_mutex_unlock(&a->lock);
}

void fake_agent_wait(struct fake_agent *a, unsigned int n)
{
	pthread_mutex_lock(&a->lock);
	while (a->n_seen < n)
		pthread_cond_wait(&a->changed, &a->lock);
	pthread_mutex_unlock(&a->lock);
}

void assert_asked(struct fake_agent *a, const char *lines)
{
	pthread_mutex_lock(&a->lock);
	assert_string_equal(buf_str(&a->seen), lines);
	buf_reset(&a->seen);
	buf_puts(&a->seen, "");
	a->n_seen = 0;
	pthread_mutex_unlock(&a->lock);
}

/* --- a run ----------------------------------------------------------------------- */

bool fake_run_child(const struct cli_command *commands, int *ret_code)
{
	const char *line = getenv("FAKE_RUN");
	char *copy, *argv[32] = { NULL };
	int argc = 0;

	if (!line)
		return false;
	copy = strdup(line);
	assert_non_null(copy);
	for (char *word = strtok(copy, " "); word && argc < 31; word = strtok(NULL, " ")) {
		for (char *c = word; *c; c++)
			*c = *c == '_' ? ' ' : *c;
		argv[argc++] = word;
	}
	*ret_code = cli_main(commands, argc, argv);
	free(copy);
	return true;
}

/* The environment of a run: few words, so that it is the same everywhere. */
static pid_t spawn(const struct fake_agent *a, const char *line,
		   const posix_spawn_file_actions_t *files, bool session)
{
	struct buf run = BUF_INIT;
	char name[] = "test", user[] = "SUDO_USER=alice", zone[] = "TZ=UTC", term[] = "TERM=xterm";
	char *argv[] = { name, NULL }, *envp[] = { NULL, user, zone, term, NULL };
	posix_spawnattr_t attr;
	pid_t pid;

	/* A blank in the line is none in the socket's path. */
	buf_printf(&run, "FAKE_RUN=test %s%s %s", a ? "--socket " : "", a ? a->path : "", line);
	envp[0] = buf_take(&run);
	assert_non_null(envp[0]);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, session ? POSIX_SPAWN_SETSID : 0);
	assert_int_equal(posix_spawn(&pid, "/proc/self/exe", files, &attr, argv, envp), 0);
	posix_spawnattr_destroy(&attr);
	free(envp[0]);
	return pid;
}

void fake_run_start(const struct fake_agent *a, const char *line, struct fake_run *ret_run)
{
	struct fake_run run = { .out_fd = memfd_create("out", MFD_CLOEXEC),
				.err_fd = memfd_create("err", MFD_CLOEXEC) };
	posix_spawn_file_actions_t files;

	assert_true(run.out_fd >= 0 && run.err_fd >= 0);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, run.out_fd, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&files, run.err_fd, STDERR_FILENO);
	run.pid = spawn(a, line, &files, false);
	posix_spawn_file_actions_destroy(&files);
	*ret_run = run;
}

void fake_run_on_terminal(const struct fake_agent *a, const char *line, const char *terminal,
			  struct fake_run *ret_run)
{
	posix_spawn_file_actions_t files;

	posix_spawn_file_actions_init(&files);
	/* The first terminal that the leader of a session opens is its own. */
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, terminal, O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&files, STDIN_FILENO, STDOUT_FILENO);
	*ret_run = (struct fake_run){ .pid = spawn(a, line, &files, true),
				      .out_fd = -1,
				      .err_fd = -1 };
	posix_spawn_file_actions_destroy(&files);
}

static void read_all(int fd, struct buf *out)
{
	char chunk[4096];
	ssize_t n;

	if (fd == -1)
		return;
	lseek(fd, 0, SEEK_SET);
	if (out)
		buf_reset(out);
	while (out && (n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_put(out, chunk, (size_t)n);
	close(fd);
}

int fake_run_end(struct fake_run *run, struct buf *out, struct buf *err)
{
	int status;

	assert_int_equal(waitpid(run->pid, &status, 0), run->pid);
	read_all(run->out_fd, out);
	read_all(run->err_fd, err);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

int fake_run(const struct fake_agent *a, const char *line, struct buf *out, struct buf *err)
{
	struct fake_run run;

	fake_run_start(a, line, &run);
	return fake_run_end(&run, out, err);
}
