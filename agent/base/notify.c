/* notify.c: sd_notify(3)'s protocol: newline-separated assignments in one datagram. */
#include "agent/base/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/base/buf.h"
#include "agent/base/clock.h"
#include "agent/base/parse.h"

struct notify {
	int fd;
	struct sockaddr_un to;
	socklen_t to_len;
	int64_t watchdog_ms;
};

/* $WATCHDOG_USEC in milliseconds, halved; 0 where it is not for us. */
static int64_t read_watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t n;

	if (!usec || parse_u64(usec, &n) != 0)
		return 0;
	/* Over a day is as good as a day; under 2 ms nobody could keep. */
	n = n > 86400ull * 1000000 ? 86400ull * 1000000 : n < 2000 ? 2000 : n;
	if (pid) {
		uint64_t whose;

		if (parse_u64(pid, &whose) != 0 || whose != (uint64_t)getpid())
			return 0;
	}
	return (int64_t)(n / 2000);
}

/* "/path", or "@name" for the abstract name space. */
static int set_address(struct notify *n, const char *path)
{
	size_t len = strlen(path);

	if ((path[0] != '/' && path[0] != '@') || len < 2 || len >= sizeof(n->to.sun_path))
		return -EINVAL;
	n->to.sun_family = AF_UNIX;
	memcpy(n->to.sun_path, path, len + 1);
	n->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (path[0] == '@')
		n->to.sun_path[0] = '\0';
	else
		n->to_len++;
	return 0;
}

int notify_open(struct notify **ret_notify)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct notify *n;
	int r;

	if (!path) {
		*ret_notify = NULL;
		return 0;
	}
	n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->fd = -1;
	r = set_address(n, path);
	if (r == 0) {
		n->watchdog_ms = read_watchdog();
		n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (n->fd == -1)
			r = -errno;
	}
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	if (r != 0) {
		notify_free(n);
		return r;
	}
	*ret_notify = n;
	return 0;
}

void notify_free(struct notify *n)
{
	if (!n)
		return;
	if (n->fd != -1)
		close(n->fd);
	free(n);
}

int notify_send(struct notify *n, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;
	int r = 0;

	if (!n)
		return 0;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	if (!buf_ok(&text))
		r = -ENOMEM;
	else if (sendto(n->fd, text.data, text.len, MSG_NOSIGNAL, (struct sockaddr *)&n->to,
			n->to_len) == -1)
		r = -errno;
	buf_fini(&text);
	return r;
}

int notify_reloading(struct notify *n)
{
	return notify_send(n, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_mono_us());
}

int64_t notify_watchdog_ms(const struct notify *n)
{
	return n ? n->watchdog_ms : 0;
}
