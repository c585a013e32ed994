/* keepalived_misc.c: MISC_CHECK, a program that judges, as a probe of exec:// does it. */
#include <string.h>

#include "agent/import/keepalived_check.h"
#include "agent/import/shape.h"

/* A program's words: those of the statement, or of its one quoted word, in which single quotes
 * hold a word together. */
struct argv {
	const char **words;
	size_t n;
	bool failed;
};

static void add(struct ka *k, struct argv *a, struct buf *word)
{
	const char **more = arena_grow(k->arena, (void *)a->words, a->n, sizeof(*more));
	char *copy = buf_ok(word) ? arena_strdup(k->arena, buf_str(word)) : NULL;

	buf_reset(word);
	if (!more || !copy) {
		k->oom = a->failed = true;
		return;
	}
	a->words = more;
	a->words[a->n++] = copy;
}

static void split(struct ka *k, const char *text, struct argv *a)
{
	struct buf word = BUF_INIT;
	bool quoted = false, any = false;

	for (; *text; text++) {
		if (*text == '\'') {
			quoted = !quoted;
			any = true;
		} else if (!quoted && (*text == ' ' || *text == '\t')) {
			if (any)
				add(k, a, &word);
			any = false;
		} else {
			buf_putc(&word, *text);
			any = true;
		}
	}
	if (any)
		add(k, a, &word);
	buf_fini(&word);
}

static void read_argv(struct ka *k, const struct ka_stmt *s, struct argv *a)
{
	struct buf word = BUF_INIT;
	uint32_t i;

	if (s->n_words == 2)
		split(k, s->words[1], a);
	for (i = 1; s->n_words > 2 && i < s->n_words; i++) {
		buf_puts(&word, s->words[i]);
		add(k, a, &word);
	}
	buf_fini(&word);
}

/* "/usr/bin/check" → "check", for the probe's name. */
static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* Statuses 2 to 255 are weights of 0 to 253 to keepalived; ours are shares, which are written.
 * The shell stands between them. */
static void put_dynamic(struct ka_check *c, struct import_part *p)
{
	import_key(p, c->path->at, "arg", "-c");
	import_key(p, c->path->at, "arg",
		   "\"$0\" \"$@\" >/dev/null; s=$?; [ $s -gt 1 ] || exit $((s * 2)); "
		   "p=$(((s - 2) * 100 / %u)); [ $p -lt 100 ] || p=100; echo $p%%",
		   (unsigned int)c->r->dest.weight);
	import_key(p, c->path->at, "dynamic", "on");
	ka_note(c->r->v->k, p, IMPORT_APPROXIMATED, c->stmt,
		"misc_dynamic: a shell turns its exit status into a share of the weight (%u), and "
		"it "
		"is never more than the weight",
		(unsigned int)c->r->dest.weight);
}

void ka_check_misc(struct ka_check *c, const char *scheme)
{
	struct ka *k = c->r->v->k;
	struct argv a = { 0 };
	struct buf path = BUF_INIT;
	bool dynamic = c->dynamic == 1 && c->r->dest.weight > 0;
	struct import_part *p;
	size_t i;

	if (c->path)
		read_argv(k, c->path, &a);
	if (a.failed)
		return;
	if (!a.n || a.words[0][0] != '/' || !base_name(a.words[0])[0] ||
	    a.words[0][strlen(a.words[0]) - 1] == '/') {
		ka_note(k, c->r->v->part, IMPORT_DROPPED, c->stmt,
			"it has no program by its whole path. Without another check the realserver "
			"counts as up");
		return;
	}
	if (c->dynamic == 1 && !dynamic)
		ka_note(k, c->r->v->part, IMPORT_DROPPED, c->stmt,
			"misc_dynamic: there is no share of weight 0");
	shape_path(&path, dynamic ? "/bin/sh" : a.words[0], false);
	c->port = 0;
	c->wish = base_name(a.words[0]);
	p = ka_probe(c, scheme, "", buf_str(&path));
	import_key(p, c->stmt->at, "warning", "failed");
	import_key(p, c->stmt->at, "overrun", "failed");
	if (dynamic)
		put_dynamic(c, p);
	else
		ka_note(k, p, IMPORT_APPROXIMATED, c->stmt,
			"exit status 1 and 2 are failures; with any other but 0, which keepalived "
			"takes for failures too, nothing is known");
	for (i = dynamic ? 0 : 1; i < a.n; i++)
		import_key(p, c->path->at, "arg", "%s", a.words[i]);
	ka_probe_end(c, p);
	k->oom |= !buf_ok(&path);
	buf_fini(&path);
}
