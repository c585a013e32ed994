/* source.c: from paths to raw sections: reads the main file and, behind it, what
 * its includes name. What is judged here is what a file as such can be wrong
 * about, headers among it; a value is text. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/base/parse.h"
#include "conf/ini.h"
#include "conf/load.h"

struct include {
	struct include *next;
	const char *pattern;
	const char *file;
	unsigned int line;
};

struct file_id {
	dev_t dev;
	ino_t ino;
};

/* --- headers ------------------------------------------------------------------ */

static const struct conf_section *type_named(const struct config *c, const char *name,
					     const char **ret_near)
{
	const char **names = malloc((c->n_types + 1) * sizeof(*names));
	const struct conf_section *found = NULL;
	size_t i;

	for (i = 0; i < c->n_types; i++) {
		if (!strcmp(c->types[i]->name, name))
			found = c->types[i];
		if (names)
			names[i] = c->types[i]->name;
	}
	*ret_near = names && !found ? nearest_name(name, names, c->n_types) : NULL;
	free(names);
	return found;
}

static void unknown_section(struct load *l, const char *type, const char *name, const char *near,
			    unsigned int line)
{
	struct buf shown = BUF_INIT, text = BUF_INIT;

	buf_printf(&shown, "%s%s%s", type, name ? " " : "", name ? name : "");
	if (shown.len > 60) {
		buf_reset(&shown);
		buf_puts(&shown, "…");
	}
	buf_printf(&text, "unknown section [%s]", buf_str(&shown));
	if (near)
		buf_printf(&text, "; did you mean [%s%s%s]?", near, name ? " " : "",
			   name ? name : "");
	conf_report(l->c, CONF_ERROR, l->file, line, "%s", buf_str(&text));
	buf_fini(&shown);
	buf_fini(&text);
}

/* The form [type] or [type NAME] that this type wants. */
static bool form_ok(struct load *l, const struct conf_section *s, const char *name,
		    unsigned int line)
{
	if (s->named && !name)
		conf_report(l->c, CONF_ERROR, l->file, line, "[%s] needs a name: [%s NAME]",
			    s->name, s->name);
	else if (!s->named && name)
		conf_report(l->c, CONF_ERROR, l->file, line,
			    "[%s %s]: there is only one [%s], without a name", s->name, name,
			    s->name);
	else
		return true;
	return false;
}

static void take_section(struct load *l, const char *type, const char *name, unsigned int line)
{
	struct config *c = l->c;
	const char *near;
	const struct conf_section *s = type_named(c, type, &near);
	struct conf_head *first;
	struct raw_section *raw;
	size_t t;

	l->current = NULL;
	l->passed = s;
	if (!s) {
		c->broken = true;
		unknown_section(l, type, name, near, line);
		return;
	}
	if (!form_ok(l, s, name, line)) {
		c->broken = true;
		return;
	}
	t = config_type_index(c, s);
	first = config_find(c, t, name);
	if (first) {
		conf_report(c, CONF_ERROR, l->file, line, "[%s%s%s] is there twice; first at %s:%u",
			    type, name ? " " : "", name ? name : "", first->file, first->line);
		first->bad = true;
		return;
	}
	raw = arena_alloc(&l->raw, sizeof(*raw));
	if (raw)
		raw->head = config_add(c, t, name);
	if (!raw || !raw->head) {
		c->oom = true;
		return;
	}
	raw->type = s;
	raw->last = &raw->lines;
	raw->head->file = l->file;
	raw->head->line = line;
	*l->last = raw;
	l->last = &raw->next;
	l->current = raw;
	l->latest = NULL;
}

/* --- one file --------------------------------------------------------------------- */

/* Reads all of fd, at most `most` bytes: -EFBIG. */
static int read_all(int fd, size_t most, struct buf *out)
{
	for (;;) {
		ssize_t n;

		if (!buf_reserve(out, 65536))
			return -ENOMEM;
		n = read(fd, out->data + out->len, 65536);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -errno;
		if (n == 0)
			return 0;
		out->len += (size_t)n;
		if (out->len > most)
			return -EFBIG;
	}
}

/* -EEXIST when the same file was read before. */
static int note_id(struct load *l, const struct stat *st)
{
	struct file_id *ids;
	size_t i;

	for (i = 0; i < l->n_ids; i++)
		if (l->ids[i].dev == st->st_dev && l->ids[i].ino == st->st_ino)
			return -EEXIST;
	ids = arena_grow(&l->raw, l->ids, l->n_ids, sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	l->ids = ids;
	ids[l->n_ids++] = (struct file_id){ .dev = st->st_dev, .ino = st->st_ino };
	return 0;
}

/* Opens and reads. An included file must be a plain one: a fifo would wait for
 * ever. The main one may be a pipe (`check -c /dev/stdin`). */
static int slurp(struct load *l, const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (l->included ? O_NONBLOCK : 0));
	struct stat st;
	int r = 0;

	if (fd == -1)
		return -errno;
	if (fstat(fd, &st) == -1)
		r = -errno;
	else if (S_ISDIR(st.st_mode))
		r = -EISDIR;
	else if (l->included && !S_ISREG(st.st_mode))
		r = -EINVAL;
	else if (S_ISREG(st.st_mode))
		r = note_id(l, &st);
	if (!r)
		r = read_all(fd, LOAD_BYTES_MAX - l->bytes, out);
	close(fd);
	return r;
}

static void on_section(void *arg, const char *type, const char *name, unsigned int line)
{
	take_section(arg, type, name, line);
}

static bool is_include(const struct conf_section *s, const char *key)
{
	const struct conf_key *k = conf_find(key, s->keys, s->n_keys, NULL);

	return k && (k->flags & CONF_INCLUDE);
}

static void add_include(struct load *l, const char *pattern, unsigned int line)
{
	struct include *inc;

	if (l->included) {
		conf_report(l->c, CONF_ERROR, l->file, line, "an included file may not include");
		return;
	}
	inc = arena_alloc(&l->raw, sizeof(*inc));
	if (!inc) {
		l->c->oom = true;
		return;
	}
	*inc = (struct include){ .pattern = pattern, .file = l->file, .line = line };
	*l->last_include = inc;
	l->last_include = &inc->next;
}

static void on_key(void *arg, const char *key, const char *value, unsigned int line)
{
	struct load *l = arg;
	struct raw_section *s = l->current;
	const struct raw_line *latest = l->latest;
	struct raw_line *raw;

	if (!s) {
		if (l->included && l->passed && is_include(l->passed, key))
			add_include(l, value, line);
		return;
	}
	raw = arena_alloc(&l->raw, sizeof(*raw));
	if (raw && latest && !strcmp(latest->key, key)) {
		raw->key = latest->key;
		raw->row = latest->row;
	} else if (raw) {
		raw->key = arena_strdup(&l->raw, key);
		raw->row = conf_find(key, s->type->keys, s->type->n_keys, NULL);
	}
	if (raw) {
		raw->value = arena_strdup(&l->raw, value);
		raw->line = line;
	}
	if (!raw || !raw->key || !raw->value) {
		l->c->oom = true;
		return;
	}
	*s->last = raw;
	s->last = &raw->next;
	l->latest = raw;
	if (*value && raw->row && (raw->row->flags & CONF_INCLUDE))
		add_include(l, raw->value, line);
}

static void on_problem(void *arg, unsigned int line, const char *text, bool header)
{
	struct load *l = arg;

	/* A name, or a key, may be missing for that line alone: no "there is no …" on
	 * top of it. */
	if (header || !l->current)
		l->c->broken = true;
	else
		l->current->bad = true;
	if (header)
		l->current = NULL;
	conf_report(l->c, CONF_ERROR, l->file, line, "%s", text);
}

static const char *said(int r)
{
	switch (r) {
	case -EFBIG:
		return "the configuration is larger than 64 MB";
	case -EINVAL:
		return "it is not a plain file";
	default:
		return strerrordesc_np(-r) ?: "unknown error";
	}
}

static void add_hash(struct config *c, const struct buf *text)
{
	uint64_t hash = c->hash ? c->hash : UINT64_C(0xcbf29ce484222325);
	size_t i;

	/* With the NUL behind it, so that two files are not one. */
	for (i = 0; i <= text->len; i++) {
		hash ^= i < text->len ? (unsigned char)text->data[i] : 0;
		hash *= UINT64_C(0x100000001b3);
	}
	c->hash = hash;
}

/* Reads one file into raw sections; `inc` is the line that names it, or NULL. */
static int read_file(struct load *l, const char *path, const struct include *inc)
{
	static const struct ini_sink sink = { .section = on_section,
					      .key = on_key,
					      .problem = on_problem };
	struct config *c = l->c;
	const char **files = arena_grow(&c->arena, c->files, c->n_files, sizeof(*files));
	struct buf text = BUF_INIT;
	const char *name = arena_strdup(&c->arena, path);
	int r = files && name ? 0 : -ENOMEM;

	if (r)
		return r;
	c->files = files;
	l->included = inc != NULL;
	r = slurp(l, path, &text);
	if (r == -EEXIST && inc) {
		c->broken = true;
		conf_report(c, CONF_ERROR, inc->file, inc->line,
			    "include: %s is read twice (an include names it already, or it is "
			    "the file that includes)",
			    path);
		r = 0;
		goto out;
	}
	if (!inc || !r)
		files[c->n_files++] = name;
	if (r && r != -ENOMEM) {
		c->broken = true;
		conf_report(c, CONF_ERROR, inc ? inc->file : name, inc ? inc->line : 0,
			    "%scannot read %s: %s", inc ? "include: " : "", path, said(r));
		r = 0;
		goto out;
	}
	if (!r) {
		l->file = name;
		l->current = NULL;
		l->passed = NULL;
		l->bytes += text.len;
		add_hash(c, &text);
		r = ini_read(text.len ? text.data : "", text.len, &sink, l);
	}
out:
	buf_fini(&text);
	return r;
}

/* --- includes --------------------------------------------------------------------- */

/* The pattern as glob() takes it: below the including file's directory, whose own
 * special characters are quoted. */
static void full_pattern(const struct include *inc, struct buf *out)
{
	const char *slash = strrchr(inc->file, '/'), *p;

	for (p = inc->file; inc->pattern[0] != '/' && slash && p <= slash; p++) {
		if (strchr("*?[\\", *p))
			buf_putc(out, '\\');
		buf_putc(out, *p);
	}
	buf_puts(out, inc->pattern);
}

static void include_problem(struct load *l, const struct include *inc, enum conf_severity severity,
			    const char *what, const char *why)
{
	l->c->broken |= severity == CONF_ERROR;
	conf_report(l->c, severity, inc->file, inc->line, "include: %s: %s", what, why);
}

/* A pattern met nothing: fine, unless it cannot have. glob() tells no reason, so
 * the directory before the first special character is tried. */
static void met_nothing(struct load *l, const struct include *inc, const char *pattern)
{
	size_t len = strcspn(pattern, "*?[");
	char *dir;

	if (!pattern[len]) {
		include_problem(l, inc, CONF_ERROR, inc->pattern, "no such file");
		return;
	}
	while (len && pattern[len - 1] != '/')
		len--;
	dir = len ? strndup(pattern, len) : strdup(".");
	if (!dir)
		l->c->oom = true;
	else if (access(dir, R_OK | X_OK) == -1)
		include_problem(l, inc, errno == ENOENT ? CONF_WARNING : CONF_ERROR, dir,
				strerrordesc_np(errno));
	free(dir);
}

static int read_include(struct load *l, const struct include *inc)
{
	struct buf pattern = BUF_INIT;
	glob_t found = { 0 };
	size_t i;
	int r = 0, g;

	full_pattern(inc, &pattern);
	if (!buf_ok(&pattern)) {
		r = -ENOMEM;
		goto out;
	}
	g = glob(buf_str(&pattern), 0, NULL, &found);
	if (g == GLOB_NOSPACE)
		r = -ENOMEM;
	else if (g == GLOB_NOMATCH)
		met_nothing(l, inc, buf_str(&pattern));
	else if (g)
		include_problem(l, inc, CONF_ERROR, inc->pattern, "cannot be searched");
	for (i = 0; !g && !r && i < found.gl_pathc; i++) {
		if (l->c->n_files >= LOAD_FILES_MAX) {
			include_problem(l, inc, CONF_ERROR, inc->pattern, "more than 10000 files");
			break;
		}
		r = read_file(l, found.gl_pathv[i], inc);
	}
	globfree(&found);
out:
	buf_fini(&pattern);
	return r;
}

int load_sources(struct load *l, const char *path)
{
	const struct include *inc;
	int r = read_file(l, path, NULL);

	for (inc = l->includes; inc && !r; inc = inc->next)
		r = read_include(l, inc);
	return r;
}
