/* ldirectord.c: an ldirectord.cf: lines in column 0 for the file, indented ones for the virtual
 * service above them, until a line that is not. */
#include "agent/import/ldirectord.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "agent/import/formats.h"

#define BOTH (LD_GLOBAL | LD_VIRTUAL)

static const char mail[] = "ipvs-agent sends no mail: its metrics, and Alertmanager, do that";
static const char scripts[] =
	"ipvs-agent runs no script of ldirectord's: a [rule] with action = exec "
	"/PATH, or notify NAME, tells of changes";
static const char login[] = "probes log in nowhere";
static const char own[] = "a matter of ldirectord's own";

/* clang-format off */
const struct ld_key ld_keys[] = {
	{ "checktimeout", LD_CHECKTIMEOUT, BOTH, LD_PLAIN, NULL, false },
	{ "negotiatetimeout", LD_NEGOTIATETIMEOUT, BOTH, LD_PLAIN, NULL, false },
	{ "checkinterval", LD_CHECKINTERVAL, BOTH, LD_PLAIN, NULL, false },
	{ "checkcount", LD_CHECKCOUNT, BOTH, LD_PLAIN, NULL, false },
	{ "failurecount", LD_FAILURECOUNT, BOTH, LD_PLAIN, NULL, false },
	{ "fallback", LD_FALLBACK, BOTH, LD_PLAIN, NULL, false },
	{ "fallback6", LD_FALLBACK6, BOTH, LD_PLAIN, NULL, false },
	{ "fork", LD_FORK, LD_GLOBAL, LD_PLAIN, NULL, false },
	{ "quiescent", LD_QUIESCENT, BOTH, LD_PLAIN, NULL, false },
	{ "cleanstop", LD_CLEANSTOP, LD_GLOBAL, LD_PLAIN, NULL, false },
	{ "maintenancedir", LD_MAINTENANCEDIR, LD_GLOBAL, LD_PLAIN, NULL, false },
	{ "real", LD_REAL, LD_VIRTUAL, LD_PLAIN, NULL, false },
	{ "real6", LD_REAL, LD_VIRTUAL, LD_PLAIN, NULL, false },
	{ "checktype", LD_CHECKTYPE, LD_VIRTUAL, LD_PLAIN, NULL, false },
	{ "service", LD_SERVICE, LD_VIRTUAL, LD_PLAIN, NULL, false },
	{ "checkcommand", LD_CHECKCOMMAND, LD_VIRTUAL, LD_MAY_QUOTE, NULL, false },
	{ "checkport", LD_CHECKPORT, LD_VIRTUAL, LD_PLAIN, NULL, false },
	{ "request", LD_REQUEST, LD_VIRTUAL, LD_QUOTED, NULL, false },
	{ "receive", LD_RECEIVE, LD_VIRTUAL, LD_QUOTED, NULL, false },
	{ "httpmethod", LD_HTTPMETHOD, LD_VIRTUAL, LD_PLAIN, NULL, false },
	{ "virtualhost", LD_VIRTUALHOST, LD_VIRTUAL, LD_MAY_QUOTE, NULL, false },
	{ "login", LD_LOGIN, LD_VIRTUAL, LD_QUOTED, NULL, true },
	{ "scheduler", LD_SCHEDULER, LD_VIRTUAL, LD_PLAIN, NULL, false },
	{ "schedflags", LD_SCHEDFLAGS, LD_VIRTUAL, LD_PLAIN, NULL, false },
	{ "persistent", LD_PERSISTENT, LD_VIRTUAL, LD_PLAIN, NULL, false },
	{ "netmask", LD_NETMASK, LD_VIRTUAL, LD_PLAIN, NULL, false },
	{ "protocol", LD_PROTOCOL, LD_VIRTUAL, LD_PLAIN, NULL, false },
	{ "ops", LD_OPS, LD_VIRTUAL, LD_PLAIN, NULL, false },
	{ "servicename", LD_SERVICENAME, LD_VIRTUAL, LD_PLAIN, NULL, false },
	{ "passwd", LD_NOTE, LD_VIRTUAL, LD_QUOTED, login, true },
	{ "database", LD_NOTE, LD_VIRTUAL, LD_QUOTED, login, false },
	{ "secret", LD_NOTE, LD_VIRTUAL, LD_QUOTED, login, true },
	{ "load", LD_NOTE, LD_VIRTUAL, LD_QUOTED, own, false },
	{ "comment", LD_NOTE, LD_VIRTUAL, LD_PLAIN, "kept as a comment", false },
	{ "monitorfile", LD_NOTE, LD_VIRTUAL, LD_MAY_QUOTE,
	  "the journal in state_dir has what was decided, a line of JSON each", false },
	{ "fallbackcommand", LD_NOTE, BOTH, LD_MAY_QUOTE, scripts, false },
	{ "callback", LD_NOTE, LD_GLOBAL, LD_MAY_QUOTE, scripts, false },
	{ "execute", LD_NOTE, LD_GLOBAL, LD_PLAIN, "it starts another ldirectord", false },
	{ "autoreload", LD_NOTE, LD_GLOBAL, LD_PLAIN, "systemctl reload reads the file again",
	  false },
	{ "supervised", LD_NOTE, LD_GLOBAL, LD_PLAIN, own, false },
	{ "logfile", LD_NOTE, LD_GLOBAL, LD_MAY_QUOTE,
	  "ipvs-agent logs to stderr, for the journal of the system", false },
	{ "readdquiescent", LD_NOTE, LD_GLOBAL, LD_PLAIN,
	  "what vanished from the table is put back in any case (drift = auto)", false },
	{ "emailalert", LD_NOTE, BOTH, LD_PLAIN, mail, false },
	{ "emailalertfreq", LD_NOTE, BOTH, LD_PLAIN, mail, false },
	{ "emailalertfrom", LD_NOTE, LD_GLOBAL, LD_PLAIN, mail, false },
	{ "emailalertstatus", LD_NOTE, BOTH, LD_PLAIN, mail, false },
	{ "smtp", LD_NOTE, BOTH, LD_PLAIN, mail, false },
	{ "cleanstop", LD_NOTE, LD_VIRTUAL, LD_PLAIN,
	  "on_exit is for all services: keep | remove in [agent]", false },
	{ NULL, LD_NOTE, 0, LD_PLAIN, NULL, false },
};
/* clang-format on */

/* --- lines as values ---------------------------------------------------------------------- */

const struct ld_line *ld_find(const struct ld_line *lines, enum ld_id id)
{
	const struct ld_line *found = NULL;

	for (; lines; lines = lines->next)
		if (lines->key->id == id)
			found = lines;
	return found;
}

const struct ld_line *ld_of(const struct ld *ld, const struct ld_virtual *v, enum ld_id id)
{
	const struct ld_line *l = ld_find(v->lines, id);

	return l ? l : ld_find(ld->lines, id);
}

void ld_note(struct ld *ld, struct import_part *p, enum import_fate fate, const struct ld_line *l,
	     const char *fmt, ...)
{
	struct buf what = BUF_INIT, text = BUF_INIT;
	va_list ap;

	buf_printf(&what, "%s = %s", l->key->word, l->key->secret ? "…" : l->text);
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	ld->oom |= !buf_ok(&what) || !buf_ok(&text);
	import_note(ld->im, p, fate, l->at, buf_str(&what), "%s", buf_str(&text));
	buf_fini(&what);
	buf_fini(&text);
}

uint64_t ld_number(struct ld *ld, struct import_part *p, const struct ld_line *l, uint64_t other)
{
	const char *digits = l ? l->text + strcspn(l->text, "0123456789") : "";
	uint64_t n = 0;
	size_t i;

	if (!*digits) {
		if (l)
			ld_note(ld, p, IMPORT_DROPPED, l, "there is no number in it");
		return other;
	}
	for (i = 0; isdigit((unsigned char)digits[i]); i++)
		n = n > UINT32_MAX ? n : 10 * n + (uint64_t)(digits[i] - '0');
	if (n > UINT32_MAX) {
		ld_note(ld, p, IMPORT_DROPPED, l, "that number is too large");
		return other;
	}
	if (digits != l->text || digits[i])
		ld_note(ld, p, IMPORT_APPROXIMATED, l, "ldirectord takes %llu out of it",
			(unsigned long long)n);
	return n;
}

bool ld_yes(const struct ld_line *l)
{
	return l && !strcmp(l->text, "yes");
}

/* --- reading ------------------------------------------------------------------------------ */

static void trim_end(char *text)
{
	size_t len = strlen(text);

	while (len && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
}

/* Cuts "key = value"; false: it is none. */
static bool cut(char *text, char **ret_value)
{
	size_t len = strcspn(text, "= \t");
	char *value = text + len + strspn(text + len, " \t");

	if (!len || (*value != '=' && *value))
		return false;
	if (*value)
		value++;
	text[len] = '\0';
	*ret_value = value + strspn(value, " \t");
	trim_end(*ret_value);
	return true;
}

static const struct ld_key *find_key(const char *word, enum ld_where where)
{
	const struct ld_key *key;

	for (key = ld_keys; key->word; key++)
		if (!strcmp(key->word, word) && key->where & where)
			return key;
	return NULL;
}

/* What stands in quotes, from the first to the last; false: it is wrong. */
static bool unquote(enum ld_quotes quotes, char **value)
{
	char *last = strrchr(*value, '"');

	if (quotes == LD_PLAIN || (quotes == LD_MAY_QUOTE && **value != '"'))
		return true;
	if (**value != '"' || last == *value)
		return false;
	*last = '\0';
	++*value;
	return true;
}

static int add_line(struct ld *ld, struct ld_line ***end, char *text, enum ld_where where,
		    struct import_at at)
{
	const struct ld_key *key;
	struct ld_line *l;
	char *value;

	if (!cut(text, &value))
		return import_refuse(ld->im, at,
				     "'%.60s' is no line of an ldirectord.cf (key = value)", text);
	key = find_key(text, where);
	if (!key || !unquote(key->quotes, &value)) {
		import_note(ld->im, NULL, IMPORT_DROPPED, at, text, "%s",
			    key ? "its value must stand in quotes: ldirectord would not start"
				: "ldirectord knows no such key here, and would not start");
		return 0;
	}
	l = arena_alloc(ld->arena, sizeof(*l));
	if (!l)
		return -ENOMEM;
	*l = (struct ld_line){ .key = key, .text = value, .at = at };
	**end = l;
	*end = &l->next;
	return 0;
}

/* "virtual = …", "virtual6 = …" in column 0. */
static bool is_virtual(const char *line, bool *ret_six, const char **ret_text)
{
	if (strncmp(line, "virtual", 7) != 0)
		return false;
	line += 7;
	*ret_six = *line == '6';
	line += *ret_six;
	line += strspn(line, " \t");
	if (*line != '=')
		return false;
	line++;
	*ret_text = line + strspn(line, " \t");
	return true;
}

static struct ld_virtual *add_virtual(struct ld *ld, const char *text, bool six,
				      struct import_at at)
{
	struct ld_virtual *v = arena_alloc(ld->arena, sizeof(*v));

	if (!v)
		return NULL;
	*v = (struct ld_virtual){ .text = text, .six = six, .at = at };
	v->end = &v->lines;
	*ld->last = v;
	ld->last = &v->next;
	return v;
}

/* How far a line is indented, a tab for 4. */
static size_t indent(const char *line)
{
	size_t n = 0;

	for (; *line == ' ' || *line == '\t'; line++)
		n += *line == '\t' ? 4 : 1;
	return n;
}

/* A line of a virtual service: 0, -errno; 1: it is none. */
static int read_inner(struct ld *ld, struct ld_virtual *v, char *line, struct import_at at)
{
	size_t n;

	if (line[strspn(line, " \t")] == '#')
		return 0;
	line[strcspn(line, "#")] = '\0';
	trim_end(line);
	n = indent(line);
	if (n < 4 && *line)
		return n ? import_refuse(
				   ld->im, at,
				   "indented by %zu: a virtual service's lines are by 4 blanks "
				   "or a tab",
				   n)
			 : 1;
	line += strspn(line, " \t");
	return *line ? add_line(ld, &v->end, line, LD_VIRTUAL, at) : 1;
}

static int read_source(struct ld *ld, struct import_source *source)
{
	struct ld_virtual *v = NULL;
	const char *text;
	char *line;
	bool six;
	int r = 0;

	while (r >= 0 && import_line(source, &line)) {
		const struct import_at at = { .file = source->path, .line = source->line };

		if (is_virtual(line, &six, &text)) {
			v = add_virtual(ld, text, six, at);
			trim_end(line);
			r = v ? 0 : -ENOMEM;
			continue;
		}
		r = v ? read_inner(ld, v, line, at) : 1;
		if (r != 1)
			continue;
		v = NULL;
		if (*line == '#' || !line[strspn(line, " \t")] || line[strspn(line, " \t")] == '#')
			r = 0;
		else if (*line == ' ' || *line == '\t')
			r = import_refuse(ld->im, at,
					  "an indented line, but a blank line above it ended the "
					  "virtual service: ldirectord would not start");
		else
			r = add_line(ld, &ld->end, line, LD_GLOBAL, at);
	}
	return r > 0 ? 0 : r;
}

/* --- the whole ------------------------------------------------------------------------------ */

/* What the file says for all. The rest is asked for by the virtual services. */
static void put_globals(struct ld *ld)
{
	const struct ld_line *clean = ld_find(ld->lines, LD_CLEANSTOP);
	const struct ld_line *dir = ld_find(ld->lines, LD_MAINTENANCEDIR);
	struct import_part *agent =
		clean || dir ? import_part(ld->im, "agent", NULL, clean ? clean->at : dir->at)
			     : NULL;
	const struct ld_line *l;

	if (clean) {
		import_key(agent, clean->at, "on_exit", ld_yes(clean) ? "remove" : "keep");
		ld_note(ld, agent, IMPORT_IMPORTED, clean, "on_exit");
	}
	if (dir && dir->text[0] == '/') {
		import_key(agent, dir->at, "maintenance_dir", "%s", dir->text);
		ld_note(ld, agent, IMPORT_APPROXIMATED, dir,
			"a file there drains its realserver; it is named after the realserver, its "
			"address, or SERVICE.REALSERVER, and not ADDRESS:PORT or the host's name");
	} else if (dir) {
		ld_note(ld, agent, IMPORT_DROPPED, dir, "it is no whole path");
	}
	for (l = ld->lines; l; l = l->next)
		if (l->key->id == LD_NOTE)
			ld_note(ld, NULL, IMPORT_DROPPED, l, "%s", l->key->why);
}

int import_ldirectord(struct import *im, struct import_source *source)
{
	struct arena arena = ARENA_INIT;
	struct ld ld = { .im = im, .arena = &arena };
	struct ld_virtual *v;
	int r;

	ld.end = &ld.lines;
	ld.last = &ld.virtuals;
	r = read_source(&ld, source);
	if (!r)
		put_globals(&ld);
	for (v = ld.virtuals; v && !r; v = v->next)
		r = ld_put_virtual(&ld, v);
	if (!r && ld.oom)
		r = -ENOMEM;
	arena_fini(&arena);
	return r;
}
