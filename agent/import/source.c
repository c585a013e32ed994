/* source.c: files of strangers, whole in memory and within bounds. What no format has
 * (NUL bytes, lines without end) is refused here, once for all readers. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/import/frame.h"

bool import_line(struct import_source *s, char **ret_line)
{
	char *end;

	if (!s->next || s->next >= s->text + s->len)
		return false;
	*ret_line = s->next;
	end = memchr(s->next, '\n', (size_t)(s->text + s->len - s->next));
	if (end)
		*end = '\0';
	s->next = end ? end + 1 : s->text + s->len;
	s->line++;
	return true;
}

/* Takes CR before LF and a mark of UTF-8 at the beginning out; -EILSEQ as import_include()
 * has it, *ret_line where. */
static int clean(struct import_source *s, unsigned int *ret_line)
{
	char *from = s->text, *to = s->text, *end = s->text + s->len, *begin = s->text;
	int r = 0;

	*ret_line = 1;
	if (s->len >= 3 && !memcmp(from, "\xef\xbb\xbf", 3))
		from += 3;
	for (; from < end && !r; from++) {
		if (*from == '\r' && (from + 1 == end || from[1] == '\n'))
			continue;
		*to++ = *from;
		if (*from == '\n') {
			begin = to;
			++*ret_line;
		}
		if (!*from || to - begin > IMPORT_LINE_MAX)
			r = -EILSEQ;
	}
	*to = '\0';
	s->len = (size_t)(to - s->text);
	return r;
}

/* Takes `text` over (malloc'd, with a byte behind `len`), also on failure. */
static int adopt(struct import *im, const struct import_source *parent, const char *path,
		 char *text, size_t len, struct import_loaded **ret_loaded)
{
	struct import_loaded *l = arena_alloc(&im->arena, sizeof(*l));
	char *name = arena_strdup(&im->arena, path);
	unsigned int line;

	if (!l || !name) {
		free(text);
		return -ENOMEM;
	}
	l->source = (struct import_source){ .parent = parent, .path = name, .text = text };
	l->source.len = len;
	l->next = im->loaded;
	im->loaded = l;
	im->bytes += len;
	if (clean(&l->source, &line))
		return import_refuse(im, (struct import_at){ name, line },
				     "a NUL byte, or a line of more than %d bytes: this is no text",
				     IMPORT_LINE_MAX),
		       -EILSEQ;
	l->source.next = text;
	*ret_loaded = l;
	return 0;
}

static int slurp(int fd, size_t most, struct buf *out)
{
	for (;;) {
		ssize_t n;

		if (!buf_reserve(out, 65537))
			return -ENOMEM;
		n = read(fd, out->data + out->len, 65536);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -errno;
		if (n == 0)
			break;
		out->len += (size_t)n;
		if (out->len > most)
			return -EFBIG;
	}
	out->data[out->len] = '\0';
	return 0;
}

/* Whether `st` is one of the files that lead to it. */
static bool loops(const struct import_source *parent, const struct stat *st)
{
	for (; parent; parent = parent->parent)
		if (parent->device == st->st_dev && parent->inode == st->st_ino)
			return true;
	return false;
}

/* An included file must be a plain one: a fifo would wait for ever. */
static int check(const struct import_source *parent, int fd, struct stat *ret_st)
{
	if (fstat(fd, ret_st) == -1)
		return -errno;
	if (S_ISDIR(ret_st->st_mode))
		return -EISDIR;
	if (parent && !S_ISREG(ret_st->st_mode))
		return -EINVAL;
	return loops(parent, ret_st) ? -ELOOP : 0;
}

int import_load(struct import *im, const struct import_source *parent, const char *path,
		struct import_source **ret_source)
{
	struct import_loaded *l;
	struct buf text = BUF_INIT;
	struct stat st;
	int fd, r;

	if (im->n_files >= IMPORT_FILES_MAX)
		return -EMFILE;
	if (!parent && !strcmp(path, "-")) {
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
		path = "(stdin)";
	} else {
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (parent ? O_NONBLOCK : 0));
	}
	if (fd == -1)
		return -errno;
	im->n_files++;
	r = check(parent, fd, &st);
	if (!r)
		r = slurp(fd, IMPORT_BYTES_MAX - im->bytes, &text);
	close(fd);
	if (r) {
		buf_fini(&text);
		return r;
	}
	r = adopt(im, parent, path, text.data, text.len, &l);
	if (r)
		return r;
	l->source.device = st.st_dev;
	l->source.inode = st.st_ino;
	*ret_source = &l->source;
	return 0;
}

int import_take(struct import *im, const char *path, const char *bytes, size_t len,
		struct import_source **ret_source)
{
	struct import_loaded *l;
	char *text = len < IMPORT_BYTES_MAX ? malloc(len + 1) : NULL;
	int r;

	if (!text)
		return -ENOMEM;
	memcpy(text, bytes, len);
	text[len] = '\0';
	r = adopt(im, NULL, path, text, len, &l);
	if (!r)
		*ret_source = &l->source;
	return r;
}

int import_include(struct import *im, const struct import_source *parent, const char *path,
		   struct import_source **ret_source)
{
	int r = im->world.no_includes ? -EACCES : import_load(im, parent, path, ret_source);

	/* what is wrong with a file that is included, its reader tells */
	if (r && r != -ENOMEM)
		buf_reset(&im->why);
	im->oom |= r == -ENOMEM;
	return r;
}
