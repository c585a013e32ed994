/* listen.c: sockets to listen on. Made here and not by libmicrohttpd, so that a
 * reload keeps them open while a daemon behind them is replaced, and so that the
 * unix socket's file can be cared for. */
#include "agent/http/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/base/netns.h"

enum { BACKLOG = 128, SOCKET_MODE = 0660 };
static const char run_dir[] = "/run/ipvs-agent";

static int fail(struct buf *why, const struct listen_conf *conf, int error)
{
	buf_printf(why, "cannot listen on %s: %s", conf->text, strerror(error));
	return -error;
}

/* --- by address --------------------------------------------------------------- */

static int open_inet(struct netns_home *home, const struct addr *a, bool both_families)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(a, &ss);
	int on = 1, only = !both_families, fd, error;

	fd = netns_home_socket(home, a->family, SOCK_STREAM);
	if (fd < 0)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (a->family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
	if (bind(fd, (struct sockaddr *)&ss, len) == -1 || listen(fd, BACKLOG) == -1) {
		error = errno;
		close(fd);
		return -error;
	}
	return fd;
}

/* ":10015" is every address of both families, or of IPv4 where there is no IPv6. */
static int open_address(struct netns_home *home, const struct listen_conf *conf)
{
	bool wildcard = conf->addr.family == 0 || conf->text[0] == ':';
	struct addr a = conf->addr;
	int fd;

	if (!wildcard)
		return open_inet(home, &a, false);
	a = (struct addr){ .family = AF_INET6, .port = conf->addr.port };
	fd = open_inet(home, &a, true);
	if (fd != -EAFNOSUPPORT && fd != -EADDRNOTAVAIL)
		return fd;
	a.family = AF_INET;
	return open_inet(home, &a, false);
}

/* --- unix sockets ------------------------------------------------------------- */

/* 0: nobody listens behind the file, which is a socket; else an errno. */
static int stale_check(const struct sockaddr_un *sun)
{
	struct stat st;
	int fd, error;

	if (lstat(sun->sun_path, &st) == -1)
		return errno == ENOENT ? 0 : errno;
	if (!S_ISSOCK(st.st_mode))
		return ENOTSOCK;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return errno;
	error = connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == -1 ? errno : 0;
	close(fd);
	/* EAGAIN: somebody is there, and busy. */
	return error == ECONNREFUSED ? 0 : EADDRINUSE;
}

static int bind_unix(int fd, const struct sockaddr_un *sun)
{
	int error;

	if (bind(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return errno;
	error = stale_check(sun);
	if (error)
		return error;
	if (unlink(sun->sun_path) == -1 && errno != ENOENT)
		return errno;
	return bind(fd, (const struct sockaddr *)sun, sizeof(*sun)) == -1 ? errno : 0;
}

static void make_run_dir(const char *path)
{
	size_t n = strlen(run_dir);

	if (strncmp(path, run_dir, n) == 0 && path[n] == '/' && !strchr(path + n + 1, '/'))
		(void)mkdir(run_dir, 0755);
}

static int open_unix(const struct listen_conf *conf, struct listener *l, int *ret_fd)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct stat st;
	int fd, error;

	if (strlen(conf->unix_path) >= sizeof(sun.sun_path))
		return ENAMETOOLONG;
	memcpy(sun.sun_path, conf->unix_path, strlen(conf->unix_path) + 1);
	l->path = strdup(conf->unix_path);
	if (!l->path)
		return ENOMEM;
	make_run_dir(conf->unix_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return errno;
	/* On Linux the file takes the socket's own mode (less the umask): never is
	 * it open to all, not even for a moment. */
	(void)fchmod(fd, SOCKET_MODE);
	error = bind_unix(fd, &sun);
	if (error)
		goto out;
	if (lstat(l->path, &st) == 0) {
		l->dev = st.st_dev;
		l->ino = st.st_ino;
		l->is_unix = true; /* from here on the file is ours to remove */
	}
	if (!l->is_unix || chmod(l->path, SOCKET_MODE) == -1 || listen(fd, BACKLOG) == -1) {
		error = errno;
		goto out;
	}
	*ret_fd = fd;
	return 0;
out:
	close(fd);
	return error;
}

int listener_new(const struct listen_conf *conf, struct netns_home *home, struct buf *why,
		 struct listener **ret_listener)
{
	struct listener *l = calloc(1, sizeof(*l));
	int error = ENOMEM, fd;

	if (!l)
		return fail(why, conf, ENOMEM);
	l->fd = -1;
	l->text = strdup(conf->text);
	if (!l->text)
		goto out;
	if (conf->unix_path) {
		error = open_unix(conf, l, &l->fd);
		if (error)
			goto out;
	} else {
		fd = open_address(home, conf);
		if (fd < 0) {
			error = -fd;
			goto out;
		}
		l->fd = fd;
	}
	*ret_listener = l;
	return 0;
out:
	listener_free(l);
	return fail(why, conf, error);
}

void listener_free(struct listener *l)
{
	struct stat st;

	if (!l)
		return;
	if (l->is_unix && lstat(l->path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
		(void)unlink(l->path);
	if (l->fd != -1)
		close(l->fd);
	free(l->path);
	free(l->text);
	free(l);
}
