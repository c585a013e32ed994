/* tunable.c: reads and writes one setting at a time; they are few. */
#include "agent/ipvs/tunable.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/attr.h"
#include "agent/base/parse.h"
#include "agent/base/procfile.h"
#include "agent/ipvs/procfs.h"
#include "agent/ipvs/timeouts.h"

enum { MAX_VALUE = 4096 };

static const struct timeout_row {
	const char *name, *text;
	size_t offset;
} timeouts[] = {
	{ "timeout/tcp", "tcp_timeout", offsetof(struct ipvs_info, tcp_timeout) },
	{ "timeout/tcp_fin", "tcp_fin_timeout", offsetof(struct ipvs_info, tcp_fin_timeout) },
	{ "timeout/udp", "udp_timeout", offsetof(struct ipvs_info, udp_timeout) },
};

static const struct timeout_row *find_timeout(const char *name)
{
	size_t i;

	for (i = 0; i < countof(timeouts); i++)
		if (!strcmp(timeouts[i].name, name))
			return &timeouts[i];
	return NULL;
}

bool tunable_name_ok(const char *name)
{
	const char *c;

	if (find_timeout(name))
		return true;
	if (strncmp(name, "net/", 4) || strstr(name, "/.") || strstr(name, "//"))
		return false;
	for (c = name; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return false;
	return c[-1] != '/';
}

bool tunable_value_ok(const char *value)
{
	bool digit = false;

	for (; *value; value++) {
		if (*value >= '0' && *value <= '9')
			digit = true;
		else if ((*value == ' ' && digit && value[1] != ' ') ||
			 (*value == '-' && !digit && value[1] != '-'))
			digit = false;
		else
			return false;
	}
	return digit;
}

/* "3\t50\n" is "3 50". */
static void put_value(struct buf *out, const char *text)
{
	const char *before = "";

	while (*(text += strspn(text, " \t\n"))) {
		size_t len = strcspn(text, " \t\n");

		buf_puts(out, before);
		buf_put(out, text, len);
		before = " ";
		text += len;
	}
}

static int read_sysctl(const char *procfs, const char *name, struct buf *out)
{
	struct buf path = BUF_INIT, text = BUF_INIT, value = BUF_INIT;
	int e = -ENOMEM;

	buf_printf(&path, "sys/%s", name);
	if (buf_ok(&path))
		e = procfile_read_below(procfs, buf_str(&path), MAX_VALUE, &text);
	if (!e) {
		put_value(&value, buf_str(&text));
		e = !buf_ok(&value) ? -ENOMEM : tunable_value_ok(buf_str(&value)) ? 0 : -EBADMSG;
	}
	if (!e)
		buf_puts(out, buf_str(&value));
	buf_fini(&path);
	buf_fini(&text);
	buf_fini(&value);
	return e;
}

static int write_sysctl(const char *procfs, const char *name, const char *value)
{
	struct buf path = BUF_INIT;
	ssize_t n = -1;
	int fd = -1, e = 0;

	buf_printf(&path, "%s/sys/%s", procfs, name);
	errno = ENOMEM;
	if (buf_ok(&path))
		fd = open(buf_str(&path), O_WRONLY | O_CLOEXEC | O_NOCTTY);
	/* In one write: the kernel takes each as a whole value. */
	if (fd != -1)
		n = write(fd, value, strlen(value));
	if (n == -1)
		e = -errno;
	else if ((size_t)n != strlen(value))
		e = -EIO;
	if (fd != -1)
		close(fd);
	buf_fini(&path);
	return e;
}

int tunable_read(const char *procfs, const char *name, struct buf *out)
{
	const struct timeout_row *row = find_timeout(name);
	struct ipvs_info info;
	uint32_t seconds;
	int e;

	if (!tunable_name_ok(name))
		return -EINVAL;
	if (!row)
		return read_sysctl(procfs, name, out);
	if (!procfs_present(procfs))
		return -ENOPROTOOPT;
	e = timeouts_get(&info);
	if (e)
		return e;
	memcpy(&seconds, (const char *)&info + row->offset, sizeof(seconds));
	buf_put_u64(out, seconds);
	return 0;
}

int tunable_write(const char *procfs, const char *name, const char *value)
{
	const struct timeout_row *row = find_timeout(name);
	struct ipvs_info info = { 0 };
	uint64_t n;
	uint32_t seconds;

	if (!tunable_name_ok(name) || !tunable_value_ok(value))
		return -EINVAL;
	if (!row)
		return write_sysctl(procfs, name, value);
	if (parse_u64(value, &n) || n > UINT32_MAX)
		return -EINVAL;
	if (!procfs_present(procfs))
		return -ENOPROTOOPT;
	/* 0 leaves the other two as they are. */
	seconds = (uint32_t)n;
	memcpy((char *)&info + row->offset, &seconds, sizeof(seconds));
	return timeouts_set(&info);
}

void tunable_format(struct buf *out, const char *name)
{
	const struct timeout_row *row = find_timeout(name);
	/* An interface's name may have a dot: then slashes stay, as for sysctl(8). */
	bool dotted = strchr(name, '.') != NULL;

	if (row) {
		buf_puts(out, row->text);
		return;
	}
	for (; *name; name++)
		buf_putc(out, *name == '/' && !dotted ? '.' : *name);
}
