/* tune_file.c: a line for each setting, between a line that says of which boot and one that
 * says that this was all. Replaced as a whole. */
#include "agent/sync/tune_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/procfile.h"
#include "agent/ipvs/tunable.h"

enum { MAX_FILE = 1 << 20 };

static const char head[] = "ipvs-agent sysctl 1 ";

void tune_file_format(const struct tuned_list *l, const char *boot, struct buf *out)
{
	size_t i;

	buf_printf(out, "%s%s\n", head, boot);
	for (i = 0; i < l->n; i++)
		buf_printf(out, "%s\t%s\t%s\n", l->rows[i].name, l->rows[i].before,
			   l->rows[i].ours);
	buf_puts(out, "end\n");
}

/* NAME, tab, BEFORE, tab, OURS. */
static int parse_line(char *line, struct tuned_list *l)
{
	char *save = NULL, *name = strtok_r(line, "\t", &save);
	char *before = strtok_r(NULL, "\t", &save), *ours = strtok_r(NULL, "", &save);

	if (!name || !before || !ours || !tunable_name_ok(name) || !tunable_value_ok(before) ||
	    !tunable_value_ok(ours) || tuned_find(l, name))
		return -EBADMSG;
	return tuned_put(l, name, before, ours);
}

int tune_file_parse(const char *text, const char *boot, struct tuned_list *ret_list)
{
	struct tuned_list list = { 0 };
	char *copy = strdup(text), *line = copy, *end;
	bool same_boot = false, done = false;
	int e = copy ? 0 : -ENOMEM;

	for (; !e && !done && (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (line == copy) {
			e = strncmp(line, head, strlen(head)) ? -EBADMSG : 0;
			same_boot = !e && !strcmp(line + strlen(head), boot);
		} else if (!strcmp(line, "end")) {
			done = true;
		} else {
			e = parse_line(line, &list);
		}
	}
	if (!e && (!done || *line))
		e = -EBADMSG;
	free(copy);
	if (e || !same_boot)
		tuned_fini(&list);
	if (!e)
		*ret_list = list;
	return e;
}

static int read_boot(const char *procfs, struct buf *out)
{
	int e = procfile_read_below(procfs, "sys/kernel/random/boot_id", MAX_FILE, out);

	if (!e && out->len)
		out->data[strcspn(out->data, "\n")] = '\0';
	return e;
}

static void put_path(struct buf *out, const char *state_dir, const char *name)
{
	buf_printf(out, "%s/%s", state_dir, name);
}

static int set_aside(const char *state_dir)
{
	struct buf from = BUF_INIT, to = BUF_INIT;
	int e = -ENOMEM;

	put_path(&from, state_dir, "sysctl");
	put_path(&to, state_dir, "sysctl.damaged");
	if (buf_ok(&from) && buf_ok(&to))
		e = rename(buf_str(&from), buf_str(&to)) ? -errno : 0;
	buf_fini(&from);
	buf_fini(&to);
	return e;
}

/* -ENOENT: there is none; -EBADMSG, -EFBIG: it is damaged. */
static int read_list(const char *state_dir, const char *procfs, struct tuned_list *ret_list)
{
	struct buf path = BUF_INIT, text = BUF_INIT, boot = BUF_INIT;
	int e = read_boot(procfs, &boot);

	put_path(&path, state_dir, "sysctl");
	/* Without a boot's id the record is of this one. */
	if (e == -ENOENT)
		e = 0;
	if (!e)
		e = buf_ok(&path) ? procfile_read(AT_FDCWD, buf_str(&path), MAX_FILE, &text)
				  : -ENOMEM;
	if (!e)
		e = text.len == strlen(buf_str(&text))
			    ? tune_file_parse(buf_str(&text), buf_str(&boot), ret_list)
			    : -EBADMSG;
	buf_fini(&path);
	buf_fini(&text);
	buf_fini(&boot);
	return e;
}

static bool is_damage(int e)
{
	return e == -EBADMSG || e == -EFBIG;
}

int tune_file_read(const char *state_dir, const char *procfs, struct tuned_list *ret_list,
		   bool *ret_damaged)
{
	int e = read_list(state_dir, procfs, ret_list);

	if (is_damage(e)) {
		e = set_aside(state_dir);
		*ret_damaged = !e;
	}
	return e == -ENOENT ? 0 : e;
}

int tune_file_peek(const char *state_dir, const char *procfs, struct tuned_list *ret_list)
{
	int e = read_list(state_dir, procfs, ret_list);

	return e == -ENOENT || is_damage(e) ? 0 : e;
}

static int write_all(int fd, const struct buf *text)
{
	size_t done = 0;
	ssize_t n;

	while (done < text->len) {
		n = write(fd, text->data + done, text->len - done);
		if (n == -1 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return fsync(fd) ? -errno : 0;
}

static int write_file(int dir, const struct buf *text)
{
	int fd = openat(dir, "sysctl.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
			0640);
	int e;

	if (fd == -1)
		return -errno;
	e = write_all(fd, text);
	if (close(fd) && !e)
		e = -errno;
	if (!e && renameat(dir, "sysctl.new", dir, "sysctl"))
		e = -errno;
	if (e)
		(void)unlinkat(dir, "sysctl.new", 0);
	else if (fsync(dir))
		e = -errno;
	return e;
}

int tune_file_write(const char *state_dir, const char *procfs, const struct tuned_list *l)
{
	struct buf boot = BUF_INIT, text = BUF_INIT;
	int dir, e = read_boot(procfs, &boot);

	e = e == -ENOENT ? 0 : e;
	tune_file_format(l, buf_str(&boot), &text);
	if (!e && !buf_ok(&text))
		e = -ENOMEM;
	dir = e ? -1 : open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!e && dir == -1)
		e = -errno;
	if (!e)
		e = write_file(dir, &text);
	if (dir != -1)
		close(dir);
	buf_fini(&boot);
	buf_fini(&text);
	return e;
}
