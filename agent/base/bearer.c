/* bearer.c: see bearer.h. */
#include "agent/base/bearer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_TOKEN = 4096 };

/* Up to MAX_TOKEN bytes of a regular file. */
static ssize_t read_token(const char *path, char *to)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t n = -1;

	if (fd == -1)
		return -errno;
	if (fstat(fd, &st) == 0)
		n = S_ISREG(st.st_mode) ? read(fd, to, MAX_TOKEN) : (errno = EINVAL, -1);
	if (n == -1)
		n = -errno;
	close(fd);
	return n;
}

/* All of the token is printable: nothing can put a header of its own behind it. */
int bearer_header(const char *key, const char *path, struct buf *out, struct buf *why)
{
	char text[MAX_TOKEN + 1] = "";
	ssize_t n = read_token(path, text);
	size_t i, len;
	int r = -EINVAL;

	if (n < 0) {
		buf_printf(why, "%s: %s", key, strerrordesc_np((int)-n));
		return (int)n;
	}
	len = strcspn(text, "\r\n");
	for (i = 0; i < len && text[i] > ' ' && text[i] < 0x7f; i++)
		;
	if (!len || i < len || n == MAX_TOKEN) {
		buf_printf(why, "%s: there is no token in its first line", key);
	} else {
		buf_printf(out, "Authorization: Bearer %.*s", (int)len, text);
		r = buf_ok(out) ? 0 : -ENOMEM;
	}
	explicit_bzero(text, sizeof(text));
	return r;
}

void bearer_wipe(struct buf *header)
{
	if (header->data)
		explicit_bzero(header->data, header->cap);
	buf_fini(header);
}
