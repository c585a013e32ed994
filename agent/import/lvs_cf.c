/* lvs_cf.c: the file of piranha: its lines, blocks and global keys. Everything is read before
 * anything is carried over, for `network` may stand behind what it is about. */
#include "agent/import/lvs_cf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/arena.h"
#include "agent/base/parse.h"
#include "agent/import/formats.h"

enum { WORDS_MAX = 100 };

enum block { IN_FILE = 0, IN_VIRTUAL, IN_LVS_FAILOVER, IN_SERVER };

struct reader {
	struct import *im;
	struct arena arena;
	struct import_at at;
	enum block block;
	struct import_at opened; /* the virtual or failover we are in */
	struct lvs_virtual *virtuals, **last, *current;
	struct lvs_server *server;
	struct lvs_site site;
	char *words[WORDS_MAX];
	size_t n;
	bool oom;
};

const char *const lvs_virtual_keys[V_N] = {
	[V_ACTIVE] = "active",
	[V_ADDRESS] = "address",
	[V_NMASK] = "vip_nmask",
	[V_FWMARK] = "fwmark",
	[V_PROTOCOL] = "protocol",
	[V_PORT] = "port",
	[V_SCHEDULER] = "scheduler",
	[V_PERSISTENT] = "persistent",
	[V_PMASK] = "pmask",
	[V_SEND] = "send",
	[V_EXPECT] = "expect",
	[V_REGEX] = "use_regex",
	[V_PROGRAM] = "send_program",
	[V_TIMEOUT] = "timeout",
	[V_REENTRY] = "reentry",
	[V_MONITOR] = "load_monitor",
	[V_QUIESCE] = "quiesce_server",
	[V_SORRY] = "sorry_server",
};
static const char *const server_keys[S_N] = {
	[S_ADDRESS] = "address",
	[S_ACTIVE] = "active",
	[S_PORT] = "port",
	[S_WEIGHT] = "weight",
};

/* Keys that become nothing, and why. */
struct dropped {
	const char *key, *why;
};

#define OWN "it is about piranha itself"

static const struct dropped global_dropped[] = {
	{ "serial_no", OWN },
	{ "primary", LVS_FAILOVER },
	{ "primary_private", LVS_FAILOVER },
	{ "primary_shared", LVS_FAILOVER },
	{ "backup", LVS_FAILOVER },
	{ "backup_private", LVS_FAILOVER },
	{ "backup_shared", LVS_FAILOVER },
	{ "heartbeat", LVS_FAILOVER },
	{ "heartbeat_port", LVS_FAILOVER },
	{ "keepalive", LVS_FAILOVER },
	{ "deadtime", LVS_FAILOVER },
	{ "reservation_conflict_action", LVS_FAILOVER },
	{ "active_cmd", LVS_FAILOVER },
	{ "inactive_cmd", LVS_FAILOVER },
	{ "rsh_command", OWN },
	{ "debug_level", OWN },
	{ "sync", OWN },
	{ "ipvsadm", OWN },
	{ "monitor_links", "ipvs-agent watches no links; a [canary] tells that a way is broken" },
	{ "hard_shutdown", "no check that breaks takes services down here" },
	{ NULL, NULL },
};
static const struct dropped virtual_dropped[] = {
	{ "client_monitor", OWN },    { "start_cmd", LVS_FAILOVER },
	{ "stop_cmd", LVS_FAILOVER }, { "master", LVS_FAILOVER },
	{ "dirs", LVS_FAILOVER },     { "nmask", OWN },
	{ "expect_program", OWN },    { NULL, NULL },
};
static const struct dropped server_dropped[] = { { "nmask", OWN }, { NULL, NULL } };

/* --- values --------------------------------------------------------------------------- */

void lvs_what(struct buf *out, const char *key, const struct lvs_value *v)
{
	buf_printf(out, "%s = %s%s%s", key, v->text ? v->text : "", v->second ? " " : "",
		   v->second ? v->second : "");
}

void lvs_note(struct import *im, struct import_part *p, enum import_fate fate, const char *key,
	      const struct lvs_value *v, const char *fmt, ...)
{
	struct buf what = BUF_INIT, text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	lvs_what(&what, key, v);
	import_note(im, p, fate, v->at, buf_str(&what), "%s", buf_str(&text));
	buf_fini(&what);
	buf_fini(&text);
}

bool lvs_number(const char *text, uint64_t max, uint64_t *ret_n)
{
	char *end;
	unsigned long n;

	if (!text || !strchr("0123456789", *text) || !*text)
		return false;
	errno = 0;
	n = strtoul(text, &end, 0);
	if (*end || errno || n > max)
		return false;
	*ret_n = n;
	return true;
}

bool lvs_on(const struct lvs_value *v)
{
	return v->text && !strcmp(v->text, "1");
}

/* --- lines -------------------------------------------------------------------------------- */

/* Words are parted by blanks; one that begins with a quote goes to its like. '=' is a word by
 * itself, once; a word that begins with '#' ends the line. */
static int cut(struct reader *r, char *line)
{
	bool equal = false;
	char *word, *end;

	r->n = 0;
	for (line += strspn(line, " \t"); *line && *line != '#'; line += strspn(line, " \t")) {
		if (r->n == WORDS_MAX)
			return import_refuse(r->im, r->at, "more than 100 words in a line");
		word = line;
		if (*line == '"' || *line == '\'') {
			end = strchr(line + 1, *line);
			if (!end)
				return import_refuse(r->im, r->at, "a quote without its end");
			word++;
			line = end + 1;
		} else if (*line == '=' && !equal) {
			equal = true;
			r->words[r->n++] = NULL;
			line++;
			continue;
		} else {
			line += strcspn(line, equal ? " \t" : " \t=");
			end = line;
		}
		r->words[r->n] = arena_strndup(&r->arena, word, (size_t)(end - word));
		if (!r->words[r->n++])
			return -ENOMEM;
	}
	return 0;
}

static void note_line(struct reader *r, enum import_fate fate, const char *why)
{
	struct buf what = BUF_INIT;
	size_t i;

	for (i = 0; i < r->n; i++)
		buf_printf(&what, "%s%s", i ? " " : "", r->words[i] ? r->words[i] : "=");
	r->oom |= !buf_ok(&what);
	import_note(r->im, NULL, fate, r->at, buf_str(&what), "%s", why);
	buf_fini(&what);
}

/* --- keys --------------------------------------------------------------------------------- */

static const char *why_dropped(const struct dropped *list, const char *key)
{
	for (; list->key && strcmp(list->key, key); list++)
		;
	return list->key ? list->why : "piranha knows no such key, and would refuse the file";
}

/* Puts the line's value into its place; false: no key of these. */
static bool set_value(struct reader *r, const char *const *keys, size_t n, struct lvs_value *values)
{
	struct lvs_value value = { r->words[2], r->n == 4 ? r->words[3] : NULL, r->at };
	size_t i;

	for (i = 0; i < n && strcmp(keys[i], r->words[0]); i++)
		;
	if (i == n)
		return false;
	if (values[i].text)
		lvs_note(r->im, NULL, IMPORT_DROPPED, keys[i], &values[i],
			 "line %u gives it again, and the last one counts", r->at.line);
	values[i] = value;
	return true;
}

static void global_key(struct reader *r)
{
	const char *key = r->words[0], *value = r->words[2];

	if (set_value(r, lvs_global_keys, G_N, r->site.globals))
		return;
	if (strcmp(key, "service")) {
		note_line(r, IMPORT_DROPPED, why_dropped(global_dropped, key));
	} else if (!strcmp(value, "lvs")) {
		note_line(r, IMPORT_IMPORTED, "");
	} else {
		note_line(
			r, IMPORT_DROPPED,
			"piranha balances nothing with that: the virtual servers stand here as if "
			"it were lvs");
	}
}

/* key = value [value] */
static void take_key(struct reader *r)
{
	if (r->n < 3 || r->words[1] || !r->words[0] || r->n > 4) {
		note_line(r, IMPORT_DROPPED, "it is not of the form key = value");
		return;
	}
	switch (r->block) {
	case IN_FILE:
		global_key(r);
		break;
	case IN_LVS_FAILOVER:
		break; /* noted as a whole, where it began */
	case IN_VIRTUAL:
		if (!set_value(r, lvs_virtual_keys, V_N, r->current->values))
			note_line(r, IMPORT_DROPPED, why_dropped(virtual_dropped, r->words[0]));
		break;
	case IN_SERVER:
		if (!r->current) /* of a failover block */
			break;
		if (!set_value(r, server_keys, S_N, r->server->values))
			note_line(r, IMPORT_DROPPED, why_dropped(server_dropped, r->words[0]));
		break;
	}
}

/* --- blocks ------------------------------------------------------------------------------ */

static int open_virtual(struct reader *r)
{
	struct lvs_virtual *v = arena_alloc(&r->arena, sizeof(*v));

	if (!v)
		return -ENOMEM;
	v->name = r->words[1];
	v->at = r->at;
	v->last_server = &v->servers;
	*r->last = v;
	r->last = &v->next;
	r->current = v;
	r->block = IN_VIRTUAL;
	r->opened = r->at;
	return 0;
}

static int open_server(struct reader *r)
{
	struct lvs_server *s;

	r->block = IN_SERVER;
	if (!r->current)
		return 0;
	s = arena_alloc(&r->arena, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->name = r->words[1];
	s->at = r->at;
	s->port = r->current->values[V_PORT];
	*r->current->last_server = s;
	r->current->last_server = &s->next;
	r->server = s;
	return 0;
}

/* KIND NAME { */
static int open_block(struct reader *r)
{
	const char *kind = r->words[0];

	if (r->n != 3 || !kind || !r->words[1])
		return import_refuse(r->im, r->at,
				     "a '{' belongs behind a kind and a name: virtual NAME {");
	if (!strcmp(kind, "virtual") && r->block == IN_FILE)
		return open_virtual(r);
	if (!strcmp(kind, "server") && (r->block == IN_VIRTUAL || r->block == IN_LVS_FAILOVER))
		return open_server(r);
	if (strcmp(kind, "failover") || r->block != IN_FILE)
		return import_refuse(r->im, r->at,
				     "a block '%s' cannot begin here: is a '}' missing?", kind);
	r->current = NULL;
	r->block = IN_LVS_FAILOVER;
	r->opened = r->at;
	note_line(r, IMPORT_DROPPED,
		  "a failover service, with all that it says: it is not about IPVS");
	return 0;
}

static int close_block(struct reader *r)
{
	if (r->block == IN_FILE)
		return import_refuse(r->im, r->at, "a '}' that closes nothing");
	if (r->block == IN_SERVER)
		r->block = r->current ? IN_VIRTUAL : IN_LVS_FAILOVER;
	else
		r->block = IN_FILE;
	return 0;
}

static int take_line(struct reader *r, char *line)
{
	const char *last;
	int e = cut(r, line);

	if (e || !r->n)
		return e;
	last = r->words[r->n - 1];
	if (r->n == 1 && last && !strcmp(last, "}"))
		return close_block(r);
	if (last && !strcmp(last, "{"))
		return open_block(r);
	take_key(r);
	return r->oom ? -ENOMEM : 0;
}

/* --- the whole ------------------------------------------------------------------------------- */

static int carry_all(struct reader *r)
{
	const struct lvs_virtual *v;
	int e = 0;

	if (r->block != IN_FILE)
		return import_refuse(r->im, r->at,
				     "the file ends within the block that begins at line %u: a '}' "
				     "is missing",
				     r->opened.line);
	if (!r->virtuals && !r->at.line)
		return import_refuse(r->im, r->at, "the file is empty");
	lvs_carry_site(r->im, &r->site);
	for (v = r->virtuals; v && !e; v = v->next)
		e = lvs_carry(r->im, v, &r->site);
	return e;
}

int import_lvs_cf(struct import *im, struct import_source *source)
{
	struct reader r = { .im = im, .arena = ARENA_INIT, .at = { source->path, 0 } };
	char *line;
	int e = 0;

	r.last = &r.virtuals;
	while (!e && import_line(source, &line)) {
		r.at.line = source->line;
		e = take_line(&r, line);
	}
	if (!e)
		e = carry_all(&r);
	arena_fini(&r.arena);
	return r.oom ? -ENOMEM : e;
}
