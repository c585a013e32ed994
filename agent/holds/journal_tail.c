/* journal_tail.c: see journal_tail.h. Blocks are read from the end on, because what is
 * wanted is nearly always there, and so much at most that no query holds a disk for long.
 * A rotation in between is seen by the files' identities. */
#include "agent/holds/journal_tail.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	BLOCK = 64 * 1024,
	READ_MAX = 64 * 1024 * 1024, /* bytes looked at */
	KEEP_MAX = 16 * 1024 * 1024, /* bytes of what is found */
	HEAD_MAX = 128,              /* of a line, where "what" stands */
};

struct piece {
	char *text;
	size_t len;
};

/* A tail while it is read, from the newest line to the oldest. */
struct scan {
	const struct journal_filter *filter;
	struct piece *found;
	size_t n, cap, kept, read;
	bool cut;
	int error;
	struct buf line; /* the end of a line whose beginning is in a block before */
	bool broken;     /* that one is none of ours */
	char block[BLOCK];
};

static bool over(struct scan *s)
{
	if (s->read >= READ_MAX || s->kept >= KEEP_MAX)
		s->cut = true;
	return s->error || s->cut || s->n == s->filter->limit;
}

/* --- one line ------------------------------------------------------------------------- */

/* The kind stands near a line's beginning: most need not be parsed. */
static bool kind_wanted(const struct journal_filter *f, const char *line, size_t len)
{
	static const char key[] = ",\"what\":\"";
	size_t head = len < HEAD_MAX ? len : HEAD_MAX;
	const char *at = memmem(line, head, key, sizeof(key) - 1), *end;
	enum journal_kind kind;
	char name[32];

	if (!at)
		return false;
	at += sizeof(key) - 1;
	end = memchr(at, '"', (size_t)(line + len - at));
	if (!end || (size_t)(end - at) >= sizeof(name))
		return false;
	memcpy(name, at, (size_t)(end - at));
	name[end - at] = '\0';
	return journal_kind_find(name, &kind) && (f->kinds & UINT32_C(1) << kind);
}

static bool is(const json_t *o, const char *key, const char *value)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text && strcmp(text, value) == 0;
}

static bool wanted(const struct journal_filter *f, const char *line, size_t len)
{
	json_t *o;
	bool yes;

	if (len == 0 || *line != '{' || !kind_wanted(f, line, len))
		return false;
	o = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	yes = json_is_object(o) && (!f->service || is(o, "service", f->service)) &&
	      (!f->realserver || is(o, "realserver", f->realserver)) &&
	      (!f->either || is(o, "service", f->either) || is(o, "realserver", f->either));
	json_decref(o);
	return yes;
}

static int have_room(struct scan *s)
{
	size_t cap = s->cap ? 2 * s->cap : 64;
	struct piece *found;

	if (s->n < s->cap)
		return 0;
	found = reallocarray(s->found, cap, sizeof(*found));
	if (!found)
		return -ENOMEM;
	s->found = found;
	s->cap = cap;
	return 0;
}

static void keep(struct scan *s, const char *line, size_t len)
{
	char *text = have_room(s) ? NULL : malloc(len);

	if (!text) {
		s->error = -ENOMEM;
		return;
	}
	memcpy(text, line, len);
	s->found[s->n++] = (struct piece){ text, len };
	s->kept += len;
}

/* Bytes before those of the line that are there already. */
static void prepend(struct scan *s, const char *bytes, size_t len)
{
	size_t had = s->line.len;

	if (s->broken || had + len > JOURNAL_LINE_MAX) {
		s->broken = true;
	} else if (len > 0 && !buf_reserve(&s->line, len)) {
		s->error = -ENOMEM;
	} else if (len > 0) {
		memmove(s->line.data + len, s->line.data, had);
		memcpy(s->line.data, bytes, len);
		s->line.len = had + len;
	}
}

static void take_line(struct scan *s)
{
	if (!s->broken && !s->error && wanted(s->filter, s->line.data, s->line.len))
		keep(s, s->line.data, s->line.len);
	s->line.len = 0;
	s->broken = false;
}

/* --- files ---------------------------------------------------------------------------- */

static void scan_block(struct scan *s, size_t len)
{
	const char *newline;

	while (!over(s) && (newline = memrchr(s->block, '\n', len))) {
		size_t at = (size_t)(newline - s->block) + 1;

		prepend(s, newline + 1, len - at);
		take_line(s);
		len = at - 1;
	}
	prepend(s, s->block, len);
}

static void scan_file(struct scan *s, int fd, uint64_t size)
{
	uint64_t pos = size;

	s->line.len = 0;
	s->broken = true; /* what stands behind the last newline is not whole yet */
	while (pos > 0 && !over(s)) {
		size_t len = pos < BLOCK ? (size_t)pos : BLOCK;
		ssize_t n;

		pos -= len;
		n = pread(fd, s->block, len, (off_t)pos);
		if (n != (ssize_t)len) {
			s->error = n == -1 ? -errno : -EIO;
			return;
		}
		s->read += len;
		scan_block(s, len);
	}
	if (pos == 0 && !over(s))
		take_line(s);
}

/* -ENOENT and the like; never anything that blocks to open. */
static int open_at(const char *state_dir, const char *name, struct stat *ret_st)
{
	struct buf path = BUF_INIT;
	int fd;

	buf_printf(&path, "%s/%s", state_dir, name);
	if (!buf_ok(&path))
		return -ENOMEM;
	fd = open(path.data, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	buf_fini(&path);
	if (fd == -1)
		return -errno;
	if (fstat(fd, ret_st) == -1 || !S_ISREG(ret_st->st_mode)) {
		close(fd);
		return -ENOTSUP;
	}
	return fd;
}

static int scan_named(struct scan *s, const char *state_dir, const char *name,
		      const struct stat *before, struct stat *ret_st)
{
	int fd = open_at(state_dir, name, ret_st);

	if (fd < 0)
		return fd;
	if (!before || before->st_dev != ret_st->st_dev || before->st_ino != ret_st->st_ino)
		scan_file(s, fd, (uint64_t)ret_st->st_size);
	close(fd);
	return s->error;
}

static int scan_both(struct scan *s, const char *state_dir)
{
	struct stat first = { 0 }, second = { 0 };
	int r = scan_named(s, state_dir, "journal", NULL, &first);
	bool none = r == -ENOENT;

	if (r < 0 && !none)
		return r;
	if (over(s))
		return 0;
	/* Renamed in between, it has been read. */
	r = scan_named(s, state_dir, "journal.1", none ? NULL : &first, &second);
	return r == -ENOENT ? 0 : r;
}

int journal_tail(const char *state_dir, const struct journal_filter *filter,
		 struct journal_tail *ret_tail)
{
	struct scan *s = calloc(1, sizeof(*s));
	struct journal_tail tail = { 0 };
	int r;

	if (!s)
		return -ENOMEM;
	s->filter = filter;
	r = scan_both(s, state_dir);
	for (size_t i = s->n; r == 0 && i-- > 0;) {
		buf_put(&tail.lines, s->found[i].text, s->found[i].len);
		buf_puts(&tail.lines, i > 0 ? "," : "");
	}
	if (r == 0 && !buf_ok(&tail.lines))
		r = -ENOMEM;
	tail.n = s->n;
	tail.cut = s->cut;
	for (size_t i = 0; i < s->n; i++)
		free(s->found[i].text);
	free(s->found);
	buf_fini(&s->line);
	free(s);
	if (r == 0)
		*ret_tail = tail;
	else
		buf_fini(&tail.lines);
	return r;
}
