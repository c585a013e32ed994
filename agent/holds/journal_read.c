/* journal_read.c: a journal may have been cut by a crash, edited by a person, or made by
 * an enemy: what is no line of a journal is counted and skipped, and no line takes more
 * memory than a line may. */
#include "agent/holds/journal_read.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- one line ----------------------------------------------------------------- */

static bool get_int(const json_t *o, const char *name, int64_t *ret_n)
{
	const json_t *value = json_object_get(o, name);

	*ret_n = json_integer_value(value);
	return json_is_integer(value);
}

static void find_body(struct journal_entry *e)
{
	static const char mark[] = "\"what\":";
	/* Before it stand three numbers only, in a line that the agent wrote. */
	const char *body = memmem(e->text, e->len, mark, sizeof(mark) - 1);

	e->body = body ? body : e->text;
	e->body_len = e->len - (size_t)(e->body - e->text);
}

/* False: no line of a journal. */
static bool read_entry(const json_t *o, struct journal_entry *e)
{
	int64_t seq;

	e->object = o;
	e->what = json_string_value(json_object_get(o, "what"));
	if (!e->what || !get_int(o, "t", &e->wall_ms) || !get_int(o, "m", &e->mono_ms) ||
	    !get_int(o, "seq", &seq) || seq < 1)
		return false;
	e->seq = (uint64_t)seq;
	e->known = journal_kind_find(e->what, &e->kind);
	find_body(e);
	return true;
}

/* Each run of the agent counts from 1. */
static void count_missing(struct journal_reader *r, uint64_t seq)
{
	if (r->seq && seq > r->seq)
		r->end.missing += seq - r->seq - 1;
	r->seq = seq;
}

static int take_line(struct journal_reader *r, const char *line, size_t len)
{
	struct journal_entry e = { .text = line, .len = len };
	json_error_t error;
	json_t *o = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	int result = 0;

	if (!o && json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	if (!json_is_object(o) || !read_entry(o, &e)) {
		r->end.bad++;
	} else {
		count_missing(r, e.seq);
		r->end.entries++;
		result = r->fn(r->arg, &e);
	}
	json_decref(o);
	return result;
}

/* --- lines out of bytes ------------------------------------------------------- */

/* Keeps the beginning of a line. */
static int keep(struct journal_reader *r, const char *bytes, size_t len)
{
	if (r->too_long)
		return 0;
	/* The newline counts. */
	if (len >= JOURNAL_LINE_MAX - r->line.len) {
		r->too_long = true;
		buf_reset(&r->line);
		return 0;
	}
	buf_put(&r->line, bytes, len);
	return buf_ok(&r->line) ? 0 : -ENOMEM;
}

int journal_feed(struct journal_reader *r, const char *bytes, size_t len)
{
	const char *end = bytes + len, *newline;
	int result = 0;

	while (result == 0 && bytes < end) {
		newline = memchr(bytes, '\n', (size_t)(end - bytes));
		result = keep(r, bytes, (size_t)((newline ? newline : end) - bytes));
		if (!newline || result)
			break;
		bytes = newline + 1;
		if (r->too_long)
			r->end.bad++;
		else
			result = take_line(r, buf_str(&r->line), r->line.len);
		r->too_long = false;
		buf_reset(&r->line);
	}
	return result;
}

void journal_feed_end(struct journal_reader *r, bool last)
{
	if (r->line.len || r->too_long) {
		r->end.torn = last;
		r->end.bad += !last;
	}
	r->too_long = false;
	buf_fini(&r->line);
}

/* --- files -------------------------------------------------------------------- */

static int open_plain(const char *path, struct stat *ret_st, int *ret_fd)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r = 0;

	if (fd == -1)
		return -errno;
	if (fstat(fd, ret_st) == -1)
		r = -errno;
	else if (S_ISDIR(ret_st->st_mode))
		r = -EISDIR;
	else if (!S_ISREG(ret_st->st_mode))
		r = -ENOTSUP;
	if (r == 0)
		*ret_fd = fd;
	else
		close(fd);
	return r;
}

/* Both at once: a rotation between the two must neither hide a file nor show it twice.
 * Two names of one file that stay so are somebody's link. */
static int open_both(const char *path, const char *old_path, int fds[2])
{
	struct stat now = { 0 }, old = { 0 };
	int r, s;

	for (int tries = 0;; tries++) {
		fds[0] = fds[1] = -1;
		r = open_plain(path, &now, &fds[1]);
		s = open_plain(old_path, &old, &fds[0]);
		if (r != 0 || s != 0 || now.st_ino != old.st_ino || now.st_dev != old.st_dev)
			break;
		close(fds[0]);
		fds[0] = -1;
		if (tries == 3)
			break;
		close(fds[1]);
	}
	return r == -ENOENT && s == 0 ? 0 : r;
}

static int read_fd(struct journal_reader *r, int fd)
{
	const size_t size = JOURNAL_LINE_MAX;
	char *chunk = malloc(size);
	ssize_t n = 1;
	int result = chunk ? 0 : -ENOMEM;

	while (result == 0 && n != 0) {
		n = read(fd, chunk, size);
		if (n > 0)
			result = journal_feed(r, chunk, (size_t)n);
		else if (n == -1 && errno != EINTR)
			result = -errno;
	}
	free(chunk);
	return result;
}

int journal_read(const char *path, journal_entry_fn *fn, void *arg,
		 struct journal_read_end *ret_end)
{
	struct journal_reader r = { .fn = fn, .arg = arg };
	struct buf old_path = BUF_INIT;
	int fds[2] = { -1, -1 }, result = -ENOMEM;

	buf_printf(&old_path, "%s.1", path);
	if (buf_ok(&old_path))
		result = open_both(path, old_path.data, fds);
	for (int i = 0; i < 2; i++) {
		if (result == 0 && fds[i] != -1) {
			result = read_fd(&r, fds[i]);
			journal_feed_end(&r, i == 1 || fds[1] == -1);
		}
		if (fds[i] != -1)
			close(fds[i]);
	}
	journal_feed_end(&r, true);
	buf_fini(&old_path);
	if (ret_end)
		*ret_end = r.end;
	return result;
}

/* --- members ------------------------------------------------------------------ */

const char *journal_text(const struct journal_entry *e, const char *name)
{
	const char *text = json_string_value(json_object_get(e->object, name));

	return text ? text : "";
}

int64_t journal_int(const struct journal_entry *e, const char *name)
{
	return json_integer_value(json_object_get(e->object, name));
}

double journal_number(const struct journal_entry *e, const char *name)
{
	const json_t *value = json_object_get(e->object, name);

	return json_is_number(value) ? json_number_value(value) : NAN;
}

bool journal_bool(const struct journal_entry *e, const char *name)
{
	return json_is_true(json_object_get(e->object, name));
}
