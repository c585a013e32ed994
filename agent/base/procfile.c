/* procfile.c: reads small files below /proc. A fixture is a directory with files of
 * the same names. */
#include "agent/base/procfile.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { CHUNK = 4096 };

static int read_all(int fd, size_t max, struct buf *out)
{
	size_t start = out->len;
	ssize_t n;

	for (;;) {
		if (!buf_reserve(out, CHUNK))
			return -ENOMEM;
		n = read(fd, out->data + out->len, CHUNK);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -errno;
		if (n == 0)
			break;
		out->len += (size_t)n;
		if (out->len - start > max)
			return -EFBIG;
	}
	out->data[out->len] = '\0';
	return 0;
}

int procfile_read(int dirfd, const char *path, size_t max, struct buf *out)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int r;

	if (fd == -1)
		return -errno;
	r = read_all(fd, max, out);
	close(fd);
	return r;
}

int procfile_read_below(const char *procfs, const char *path, size_t max, struct buf *out)
{
	struct buf whole = BUF_INIT;
	int r;

	buf_puts(&whole, procfs);
	buf_putc(&whole, '/');
	buf_puts(&whole, path);
	r = buf_ok(&whole) ? procfile_read(AT_FDCWD, buf_str(&whole), max, out) : -ENOMEM;
	buf_fini(&whole);
	return r;
}
