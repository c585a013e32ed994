/* netns.c: a socket belongs to the namespace of the thread that makes it, for good, and
 * setns() moves one thread. So one stays where we come from and makes the sockets that
 * are to be reached there, after a reload too: no right to come back must be kept. */
#include "agent/base/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/base/privilege.h"

static const char names_dir[] = "/run/netns/";

enum errand { ERRAND_NONE = 0, ERRAND_SOCKET, ERRAND_END };

struct netns_home {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	enum errand errand; /* back to NONE when it is done */
	int family, type;
	int result;
};

/* --- names --------------------------------------------------------------------- */

static bool refuse(struct buf *why, const char *reason)
{
	if (why)
		buf_puts(why, reason);
	return false;
}

bool netns_name_ok(const char *text, struct buf *why)
{
	if (!*text)
		return refuse(why, "is empty");
	if (*text == '/')
		return text[1] ? true : refuse(why, "is a directory");
	if (!strcmp(text, ".") || !strcmp(text, ".."))
		return refuse(why, "is no name of a namespace");
	if (strchr(text, '/'))
		return refuse(why,
			      "is neither a name (as in 'ip netns list') nor an absolute path");
	if (strlen(text) > NAME_MAX)
		return refuse(why, "is longer than a name can be");
	return true;
}

/* --- going ---------------------------------------------------------------------- */

static int open_ns(const char *name, struct buf *why)
{
	struct buf path = BUF_INIT;
	int fd, error;

	if (*name != '/')
		buf_puts(&path, names_dir);
	buf_puts(&path, name);
	if (!buf_ok(&path)) {
		buf_fini(&path);
		buf_puts(why, "out of memory");
		return -ENOMEM;
	}
	fd = open(buf_str(&path), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd == -1) {
		error = errno;
		buf_printf(why, "network namespace '%s' cannot be opened: %s: %s", name,
			   buf_str(&path), strerror(error));
		if (error == ENOENT && *name != '/')
			buf_printf(why,
				   " ('ip netns add %s' makes one, 'ip netns list' shows "
				   "those there are)",
				   name);
		fd = -error;
	}
	buf_fini(&path);
	return fd;
}

static int go(int fd, const char *name, struct buf *why)
{
	int error;

	if (setns(fd, CLONE_NEWNET) == 0)
		return 0;
	error = errno;
	if (error == EPERM)
		buf_printf(
			why,
			"network namespace '%s' cannot be entered: that needs CAP_SYS_ADMIN; run "
			"as root, or give the unit that capability and RestrictNamespaces=net "
			"(ipvs-agent.ini(5), NETWORK NAMESPACES)",
			name);
	else if (error == EINVAL)
		buf_printf(why, "'%s' cannot be entered: it is no network namespace", name);
	else
		buf_printf(why, "network namespace '%s' cannot be entered: %s", name,
			   strerror(error));
	return -error;
}

/* --- staying ---------------------------------------------------------------------- */

static int make_socket(int family, int type)
{
	int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd == -1)
		return -errno;
	return fd;
}

static void *stay(void *arg)
{
	struct netns_home *home = arg;
	struct buf why = BUF_INIT;
	bool end = false;

	/* Who started us drops his own next, and tells when that fails. */
	(void)privilege_drop(0, &why);
	buf_fini(&why);
	pthread_mutex_lock(&home->mutex);
	while (!end) {
		switch (home->errand) {
		case ERRAND_NONE:
			pthread_cond_wait(&home->changed, &home->mutex);
			continue;
		case ERRAND_SOCKET:
			home->result = make_socket(home->family, home->type);
			break;
		case ERRAND_END:
			end = true;
			break;
		}
		home->errand = ERRAND_NONE;
		pthread_cond_broadcast(&home->changed);
	}
	pthread_mutex_unlock(&home->mutex);
	return NULL;
}

static int start(struct netns_home *home)
{
	sigset_t all, before;
	int e;

	/* Signals are the loop's. */
	sigfillset(&all);
	e = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (e)
		return -e;
	e = pthread_create(&home->thread, NULL, stay, home);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -e;
}

static int home_new(struct netns_home **ret_home)
{
	struct netns_home *home = calloc(1, sizeof(*home));
	int e;

	if (!home)
		return -ENOMEM;
	pthread_mutex_init(&home->mutex, NULL);
	pthread_cond_init(&home->changed, NULL);
	e = start(home);
	if (!e) {
		*ret_home = home;
		return 0;
	}
	pthread_cond_destroy(&home->changed);
	pthread_mutex_destroy(&home->mutex);
	free(home);
	return e;
}

static int run_errand(struct netns_home *home, enum errand errand)
{
	int result;

	pthread_mutex_lock(&home->mutex);
	home->errand = errand;
	pthread_cond_broadcast(&home->changed);
	while (home->errand != ERRAND_NONE)
		pthread_cond_wait(&home->changed, &home->mutex);
	result = home->result;
	pthread_mutex_unlock(&home->mutex);
	return result;
}

int netns_enter(const char *name, struct buf *why, struct netns_home **ret_home)
{
	struct netns_home *home = NULL;
	int fd = open_ns(name, why), e = 0;

	if (fd < 0)
		return fd;
	if (ret_home) {
		e = home_new(&home);
		if (e)
			buf_printf(why, "a thread cannot be started: %s", strerror(-e));
	}
	if (!e)
		e = go(fd, name, why);
	close(fd);
	if (e) {
		netns_home_free(home);
		return e;
	}
	if (ret_home)
		*ret_home = home;
	return 0;
}

int netns_home_socket(struct netns_home *home, int family, int type)
{
	if (!home)
		return make_socket(family, type);
	home->family = family;
	home->type = type;
	return run_errand(home, ERRAND_SOCKET);
}

void netns_home_free(struct netns_home *home)
{
	if (!home)
		return;
	(void)run_errand(home, ERRAND_END);
	pthread_join(home->thread, NULL);
	pthread_cond_destroy(&home->changed);
	pthread_mutex_destroy(&home->mutex);
	free(home);
}
