/* probe_socket.c: a socket that goes out by the attempt's way, or none. */
#include "collectors/probe_socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

int probe_socket(const struct probe_run *run, int type, int protocol)
{
	int fd = socket(run->addr.family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol), e;

	if (fd == -1)
		return -errno;
	e = way_out_take(fd, &run->from);
	if (e) {
		close(fd);
		return e;
	}
	return fd;
}
