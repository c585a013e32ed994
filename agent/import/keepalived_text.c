/* keepalived_text.c: what happens to a line before its words are looked at: comments, include,
 * conditions (@id), definitions ($NAME=…) and what they stand for. All of it is bounded: a file
 * of a few lines can ask for endless text. */
#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/import/keepalived.h"

enum {
	DEFS_MAX = 1024,
	NESTED_MAX = 16,        /* definitions of several lines, one in the other */
	EXPANDED_MAX = 8 << 20, /* bytes that definitions became, in all */
	FILES_MAX = 1000,       /* that one pattern may match */
	HOST_MAX = 256,
};

struct def {
	const char *name, *text; /* several lines have '\n' between them */
};

struct text {
	struct import *im;
	struct arena *arena;
	struct ka_words words;
	struct def *defs;
	size_t n_defs, expanded;
	char host[HOST_MAX]; /* this machine's name, its first part: keepalived's id */
};

static int read_source(struct text *t, struct import_source *source);
static int read_text(struct text *t, const char *text, struct import_at at, unsigned int nested);

/* --- definitions -------------------------------------------------------------------- */

static size_t name_length(const char *p)
{
	size_t n = 0;

	if (isdigit((unsigned char)*p))
		return 0;
	while (isalnum((unsigned char)p[n]) || p[n] == '_')
		n++;
	return n;
}

static bool is_definition(const char *text)
{
	size_t n = text[0] == '$' ? name_length(text + 1) : 0;

	return n && text[1 + n] == '=';
}

static const char *find_def(const struct text *t, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < t->n_defs; i++)
		if (!strncmp(t->defs[i].name, name, len) && !t->defs[i].name[len])
			return t->defs[i].text;
	return NULL;
}

static int define(struct text *t, const char *text, struct import_at at)
{
	size_t len = name_length(text + 1), i;
	const char *value = text + 1 + len + 1;
	struct def def, *more;

	def.name = arena_strndup(t->arena, text + 1, len);
	def.text = arena_strdup(t->arena, value + strspn(value, " \t\n"));
	if (!def.name || !def.text)
		return -ENOMEM;
	for (i = 0; i < t->n_defs; i++)
		if (!strcmp(t->defs[i].name, def.name))
			break;
	if (i == t->n_defs) {
		if (i == DEFS_MAX)
			return import_refuse(t->im, at, "more than %d definitions", DEFS_MAX);
		more = arena_grow(t->arena, t->defs, t->n_defs, sizeof(*more));
		if (!more)
			return -ENOMEM;
		t->defs = more;
		t->n_defs++;
	}
	t->defs[i] = def;
	return 0;
}

/* What keepalived itself defines; NULL = nothing. A '#' or '!' comes after comments went. */
static const char *builtin(struct text *t, const char *name, size_t len, struct import_at at)
{
	const char *slash = strrchr(at.file, '/');

	if (len == 5 && !strncmp(name, "_HASH", len))
		return "#";
	if (len == 5 && !strncmp(name, "_BANG", len))
		return "!";
	if (len == 4 && !strncmp(name, "_PWD", len))
		return !slash ? "." : arena_strndup(t->arena, at.file, (size_t)(slash - at.file));
	return NULL;
}

/* The first $NAME (with a blank behind it) or ${NAME} that is defined: where it begins, its
 * length, and what it stands for; false = there is none. */
static bool find_use(struct text *t, const char *text, struct import_at at, const char **ret_at,
		     size_t *ret_len, const char **ret_value)
{
	const char *p, *name, *value;
	size_t len;
	bool braces;

	for (p = strchr(text, '$'); p; p = strchr(p + 1, '$')) {
		braces = p[1] == '{';
		name = p + 1 + braces;
		len = name_length(name);
		if (!len || (braces ? name[len] != '}' : name[len] && !strchr(" \t\n", name[len])))
			continue;
		value = find_def(t, name, len);
		if (!value)
			value = builtin(t, name, len, at);
		if (!value)
			continue;
		*ret_at = p;
		*ret_len = 1 + len + 2 * (size_t)braces;
		*ret_value = value;
		return true;
	}
	return false;
}

/* What is only known while keepalived runs. */
static void note_left(struct text *t, const char *text, struct import_at at)
{
	static const char *const left[] = { "${_ENV", "${_RANDOM", "${_INSTANCE" };
	size_t i;

	for (i = 0; i < countof(left); i++)
		if (strstr(text, left[i]))
			import_note(
				t->im, NULL, IMPORT_APPROXIMATED, at, text,
				"%s…} is filled in when keepalived starts: it stays as it stands",
				left[i]);
}

/* A line with its definitions filled in, and then its words. */
static int read_line(struct text *t, const char *line, struct import_at at, unsigned int nested)
{
	struct buf now = BUF_INIT, next = BUF_INIT, swap;
	const char *use, *value;
	bool lines = false;
	size_t len;
	int r = 0;

	buf_puts(&now, line);
	while (!r && !lines && find_use(t, buf_str(&now), at, &use, &len, &value)) {
		buf_reset(&next);
		buf_put(&next, now.data, (size_t)(use - now.data));
		buf_puts(&next, value);
		buf_puts(&next, use + len);
		lines = strchr(value, '\n') != NULL;
		swap = now;
		now = next;
		next = swap;
		t->expanded += now.len + 64;
		if (!buf_ok(&now))
			r = -ENOMEM;
		else if (t->expanded > EXPANDED_MAX)
			r = import_refuse(t->im, at, "definitions ($NAME) become more than %d MB",
					  EXPANDED_MAX >> 20);
	}
	if (!r && !buf_ok(&now))
		r = -ENOMEM;
	if (!r && lines)
		r = read_text(t, buf_str(&now), at, nested + 1);
	else if (!r) {
		note_left(t, buf_str(&now), at);
		r = ka_words_line(&t->words, buf_str(&now), at);
	}
	buf_fini(&now);
	buf_fini(&next);
	return r;
}

/* --- conditions ---------------------------------------------------------------------- */

/* "@id rest", "@^id rest": whether the rest is there; *text moves on to it. */
static bool meant_here(struct text *t, const char **text, struct import_at at)
{
	bool not_that = (*text)[1] == '^';
	const char *id = *text + 1 + not_that;
	size_t len = strcspn(id, " \t\n");
	bool same = len && !strncmp(t->host, id, len) && !t->host[len];
	bool meant = same != not_that;

	import_note(t->im, NULL, meant ? IMPORT_APPROXIMATED : IMPORT_DROPPED, at, *text,
		    "a line for the id '%.*s' only%s: this machine's name is%s that, so it is %s",
		    (int)len, id, not_that ? " where it is not that" : "", same ? "" : " not",
		    meant ? "read" : "left out");
	*text = id + len;
	*text += strspn(*text, " \t\n");
	return meant;
}

/* One line, or several of a definition. */
static int read_logical(struct text *t, const char *text, struct import_at at, unsigned int nested)
{
	text += strspn(text, " \t\r\f\v");
	while (*text == '@')
		if (!meant_here(t, &text, at))
			return 0;
	if (!strncmp(text, "~SEQ", 4) || !strncmp(text, "~LST", 4))
		return import_refuse(
			t->im, at,
			"%.4s blocks are not read: write the lines that it makes in its place",
			text);
	if (is_definition(text))
		return define(t, text, at);
	if (strchr(text, '\n'))
		return read_text(t, text, at, nested + 1);
	return read_line(t, text, at, nested);
}

/* What a definition of several lines became: line by line. */
static int read_text(struct text *t, const char *text, struct import_at at, unsigned int nested)
{
	char *copy, *line, *save = NULL;
	int r = 0;

	if (nested > NESTED_MAX)
		return import_refuse(t->im, at,
				     "definitions ($NAME) of more than %d levels, or one of itself",
				     NESTED_MAX);
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	for (line = strtok_r(copy, "\n", &save); line && !r; line = strtok_r(NULL, "\n", &save))
		r = read_logical(t, line, at, nested);
	free(copy);
	return r;
}

/* --- files --------------------------------------------------------------------------- */

/* What an include line names; NULL = it is none. */
static const char *included(const char *line)
{
	static const char *const words[] = { "include",  "includer", "includem",
					     "includew", "includeb", "includea" };
	size_t len = strcspn(line, " \t"), i;

	for (i = 0; i < countof(words); i++)
		if (strlen(words[i]) == len && !strncmp(words[i], line, len))
			return line + len + strspn(line + len, " \t");
	return NULL;
}

static int include_file(struct text *t, const struct import_source *parent, const char *path,
			struct import_at at)
{
	struct import_source *source;
	int r = import_include(t->im, parent, path, &source);

	switch (r) {
	case 0:
		return read_source(t, source);
	case -ENOMEM:
		return r;
	case -ELOOP:
		return import_refuse(t->im, at, "%s includes itself", path);
	case -EMFILE:
		return import_refuse(t->im, at, "%s: too many files are included", path);
	case -EFBIG:
		return import_refuse(t->im, at, "%s: too many bytes are included", path);
	case -EILSEQ:
		return import_refuse(t->im, at, "%s holds a NUL byte, or a line that is too long",
				     path);
	default:
		import_note(t->im, NULL, IMPORT_DROPPED, at, path, "it cannot be read: %s",
			    strerror(-r));
		return 0;
	}
}

/* All files of a pattern, relative to the directory of the file that includes. */
static int include_pattern(struct text *t, const struct import_source *parent, const char *pattern,
			   struct import_at at)
{
	const char *slash = strrchr(parent->path, '/');
	struct buf path = BUF_INIT;
	glob_t found = { 0 };
	size_t i;
	int r;

	if (*pattern != '/' && slash)
		buf_put(&path, parent->path, (size_t)(slash + 1 - parent->path));
	buf_puts(&path, pattern);
	r = !buf_ok(&path) ? GLOB_NOSPACE : glob(buf_str(&path), GLOB_BRACE, NULL, &found);
	if (r == GLOB_NOSPACE) {
		r = -ENOMEM;
	} else if (r) {
		import_note(t->im, NULL, IMPORT_DROPPED, at, pattern, "there is no such file");
		r = 0;
	} else if (found.gl_pathc > FILES_MAX) {
		r = import_refuse(t->im, at, "%s are more than %d files", pattern, FILES_MAX);
	}
	for (i = 0; !r && i < found.gl_pathc; i++)
		r = include_file(t, parent, found.gl_pathv[i], at);
	globfree(&found);
	buf_fini(&path);
	return r;
}

/* Takes blanks off both ends. */
static char *trim(char *line)
{
	size_t len;

	line += strspn(line, " \t\r\f\v");
	for (len = strlen(line); len && strchr(" \t\r\f\v", line[len - 1]);)
		line[--len] = '\0';
	return line;
}

/* The lines of a definition that go on behind a '\', with '\n' between them. */
static int gather(struct import_source *source, char *line, struct buf *text)
{
	size_t len;
	bool more = true;

	while (more) {
		len = strlen(line);
		more = len && line[len - 1] == '\\';
		buf_put(text, line, len - more);
		if (!more || !import_line(source, &line))
			break;
		*ka_comment(line) = '\0';
		line = trim(line);
		buf_putc(text, '\n');
	}
	return buf_ok(text) ? 0 : -ENOMEM;
}

static int read_raw(struct text *t, struct import_source *source, char *line)
{
	const struct import_at at = { .file = source->path, .line = source->line };
	struct buf text = BUF_INIT;
	const char *pattern;
	int r;

	*ka_comment(line) = '\0';
	line = trim(line);
	if (!*line)
		return 0;
	pattern = included(line);
	if (pattern)
		return include_pattern(t, source, pattern, at);
	if (*line != '$' && *line != '@')
		return read_logical(t, line, at, 0);
	r = gather(source, line, &text);
	if (!r)
		r = read_logical(t, buf_str(&text), at, 0);
	buf_fini(&text);
	return r;
}

static int read_source(struct text *t, struct import_source *source)
{
	char *line;
	int r = 0;

	while (!r && import_line(source, &line))
		r = read_raw(t, source, line);
	return r;
}

int ka_parse(struct import *im, struct import_source *source, struct arena *arena,
	     struct ka_stmt **ret_first)
{
	struct text t = { .im = im, .arena = arena, .words = { .im = im, .arena = arena } };
	struct ka_stmt *first = NULL;
	int r;

	t.words.levels[0].end = &first;
	if (gethostname(t.host, sizeof(t.host) - 1))
		t.host[0] = '\0';
	t.host[strcspn(t.host, ".")] = '\0';
	r = read_source(&t, source);
	if (!r)
		r = ka_words_end(&t.words);
	if (!r)
		*ret_first = first;
	return r;
}
