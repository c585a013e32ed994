/* lvs_cf_probe.c: nanny's check of a virtual server as a [probe]: a text that is sent, one
 * that the answer begins with or an expression that its first bytes match, or a program whose
 * output is compared. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "agent/base/parse.h"
#include "agent/base/regex.h"
#include "agent/import/lvs_cf.h"

enum { DEFAULT_TIMEOUT_S = 10, DEFAULT_REENTRY_S = 180, RISE_MAX = 1000, TIMEOUT_MAX_S = 3600 };

struct probing {
	struct import *im;
	const struct lvs_virtual *v;
	struct import_part *service, *probe;
	uint8_t proto;
	uint16_t port;
};

static const struct lvs_value *value(const struct probing *p, enum lvs_virtual_key key)
{
	return &p->v->values[key];
}

static void note(const struct probing *p, enum import_fate fate, enum lvs_virtual_key key,
		 const char *text)
{
	lvs_note(p->im, p->probe ? p->probe : p->service, fate, lvs_virtual_keys[key],
		 value(p, key), "%s", text);
}

static struct import_at at_of(const struct probing *p, enum lvs_virtual_key key)
{
	return value(p, key)->text ? value(p, key)->at : p->v->at;
}

/* --- texts ------------------------------------------------------------------------- */

/* Bytes as nanny makes them of a text: \n \r \t \\ \' \" stand for one, another '\' for
 * itself. */
static void put_bytes(struct buf *out, const char *text)
{
	static const char letters[] = "nrt\\'\"", bytes[] = "\n\r\t\\'\"";
	const char *found;

	for (; *text; text++) {
		found = text[0] == '\\' && text[1] ? strchr(letters, text[1]) : NULL;
		if (found)
			text++;
		buf_putc(out, found ? bytes[found - letters] : *text);
	}
}

/* How a key wants a byte that cannot stand as itself. */
static void put_hex(struct buf *out, unsigned char byte)
{
	buf_printf(out, "\\x%02x", byte);
}

/* As `send` reads it; a blank at an end is written so that it stays. */
static void put_send(struct buf *out, const char *text)
{
	static const char letters[] = "nrt\\", bytes[] = "\n\r\t\\";
	struct buf raw = BUF_INIT;
	const char *found;
	size_t i;

	put_bytes(&raw, text);
	for (i = 0; i < raw.len; i++) {
		unsigned char byte = (unsigned char)raw.data[i];

		found = byte ? strchr(bytes, byte) : NULL;
		if (found)
			buf_printf(out, "\\%c", letters[found - bytes]);
		else if (byte < ' ' || byte >= 0x7f || (byte == ' ' && (!i || i + 1 == raw.len)))
			put_hex(out, byte);
		else
			buf_putc(out, (char)byte);
	}
	out->failed |= raw.failed;
	buf_fini(&raw);
}

/* As `expect_regex` reads it: the beginning of the answer, or the expression. */
static void put_pattern(struct buf *out, const char *text, bool regex)
{
	struct buf raw = BUF_INIT;
	size_t i;

	put_bytes(&raw, text);
	/* a '.' of POSIX is any byte, the end of a line too */
	buf_puts(out, regex ? "(?s)" : "\\A");
	for (i = 0; i < raw.len; i++) {
		unsigned char byte = (unsigned char)raw.data[i];

		if (byte < ' ' || byte >= 0x7f || (byte == ' ' && i + 1 == raw.len)) {
			put_hex(out, byte);
			continue;
		}
		if (!regex && ispunct(byte))
			buf_putc(out, '\\');
		buf_putc(out, (char)byte);
	}
	out->failed |= raw.failed;
	buf_fini(&raw);
}

/* What POSIX and PCRE2 read differently. */
static bool differs(const char *pattern)
{
	for (pattern = strchr(pattern, '\\'); pattern; pattern = strchr(pattern + 2, '\\')) {
		if (!pattern[1])
			return true;
		if (isalnum((unsigned char)pattern[1]) ? !strchr("nrt", pattern[1])
						       : strchr("<>`'", pattern[1]) != NULL)
			return true;
	}
	return false;
}

/* Whether the agent can compile it; `why` gets the reason. */
static int compiles(const char *pattern, struct buf *why)
{
	struct arena arena = ARENA_INIT;
	const struct regex *regex;
	unsigned int column;
	int r = regex_compile(&arena, pattern, why, &column, &regex);

	arena_fini(&arena);
	return r;
}

/* --- sent and expected -------------------------------------------------------------- */

static bool anything(const char *expect)
{
	return !expect || !strcmp(expect, "*");
}

static void put_expect(const struct probing *p)
{
	const struct lvs_value *expect = value(p, V_EXPECT);
	bool regex = lvs_on(value(p, V_REGEX));
	struct buf pattern = BUF_INIT, why = BUF_INIT;

	put_pattern(&pattern, expect->text, regex);
	if (compiles(buf_str(&pattern), &why)) {
		buf_reset(&pattern);
		buf_printf(&pattern, "the agent cannot use it (%s), and asks without it",
			   buf_str(&why));
		note(p, IMPORT_DROPPED, V_EXPECT, buf_str(&pattern));
	} else if (import_key(p->probe, expect->at, "expect_regex", "%s", buf_str(&pattern))) {
		/* nanny looks at no more */
		import_key(p->probe, expect->at, "max_answer", "254B");
		if (regex && differs(expect->text))
			note(p, IMPORT_APPROXIMATED, V_EXPECT,
			     "it is read as PCRE2 does, to which a '\\' before a letter or < > "
			     "means something else than to POSIX");
		else
			note(p, IMPORT_IMPORTED, V_EXPECT, "");
	}
	if (value(p, V_REGEX)->text)
		note(p, IMPORT_IMPORTED, V_REGEX, "");
	buf_fini(&pattern);
	buf_fini(&why);
}

static void put_sent(const struct probing *p)
{
	const struct lvs_value *send = value(p, V_SEND);
	struct buf text = BUF_INIT;

	put_send(&text, send->text);
	if (import_key(p->probe, send->at, "send", "%s", buf_str(&text)))
		note(p, IMPORT_IMPORTED, V_SEND, "");
	buf_fini(&text);
}

static void put_url(const struct probing *p, const char *scheme)
{
	if (p->port)
		import_key(p->probe, p->v->at, "url", "%s://:%u", scheme, p->port);
	else
		import_key(p->probe, p->v->at, "url", "%s://", scheme);
}

/* A question, an answer, or just a connection. */
static void put_talk(const struct probing *p)
{
	const struct lvs_value *send = value(p, V_SEND), *expect = value(p, V_EXPECT);
	const struct lvs_value *port = value(p, V_PORT);
	bool udp = p->proto == IPPROTO_UDP;

	put_url(p, udp ? "udp" : "tcp");
	if (udp)
		import_key(p->probe, p->v->at, "silence", "failed");
	if (!send->text && !expect->text && !udp && (!port->text || !strcmp(port->text, "80"))) {
		/* nanny asks web servers so */
		import_key(p->probe, p->v->at, "send", "GET / HTTP/1.0\\r\\n\\r\\n");
		import_key(p->probe, p->v->at, "expect_regex", "\\AHTTP");
		return;
	}
	if (send->text && !*send->text)
		note(p, IMPORT_IMPORTED, V_SEND, "");
	else if (send->text && !expect->text && !udp)
		note(p, IMPORT_DROPPED, V_SEND,
		     "nanny waits for no answer to it, and here one would have to come: the "
		     "connection alone is asked");
	else if (send->text)
		put_sent(p);
	if (!anything(expect->text) && *expect->text)
		put_expect(p);
	else if (expect->text)
		note(p, IMPORT_IMPORTED, V_EXPECT, "");
}

/* --- a program ------------------------------------------------------------------------ */

/* One argument, with %h and %p as the agent has them. */
static void put_argument(const struct probing *p, const char *word, size_t len)
{
	struct buf text = BUF_INIT;
	size_t i;

	for (i = 0; i < len; i++) {
		bool two = word[i] == '%' && i + 1 < len;

		if (two && word[i + 1] == 'h') {
			buf_puts(&text, "{address}");
			i++;
		} else if (two && word[i + 1] == 'p') {
			if (p->port)
				buf_printf(&text, "%u", p->port);
			else
				buf_puts(&text, "{port}");
			i++;
		} else {
			buf_putc(&text, word[i]);
		}
	}
	import_key(p->probe, at_of(p, V_PROGRAM), "arg", "%s", buf_str(&text));
	buf_fini(&text);
}

/* nanny compares what a program prints with `expect`; the agent judges an exit status, so
 * that a line of shell stands between them. */
static void put_program(const struct probing *p)
{
	struct import_at at = at_of(p, V_PROGRAM);
	const char *expect = value(p, V_EXPECT)->text, *word = value(p, V_PROGRAM)->text;
	bool any = anything(expect) || !*expect;

	import_key(p->probe, at, "url", "exec:///bin/sh");
	import_key(p->probe, at, "arg", "-c");
	import_key(p->probe, at, "arg",
		   any ? "exec \"$@\"" : "want=$1; shift; test \"$(\"$@\")\" = \"$want\"");
	import_key(p->probe, at, "arg", "sh");
	if (!any)
		import_key(p->probe, at_of(p, V_EXPECT), "arg", "%s", expect);
	for (word += strspn(word, " \t"); *word; word += strspn(word, " \t")) {
		size_t len = strcspn(word, " \t");

		put_argument(p, word, len);
		word += len;
	}
	import_key(p->probe, at, "warning", "failed");
	note(p, IMPORT_APPROXIMATED, V_PROGRAM,
	     any ? "its exit status judges: 0 is good, 1 and 2 are bad, others say nothing"
		 : "what it prints is compared by a shell; one that does not end in time says "
		   "nothing, and to nanny it was a success");
	if (value(p, V_EXPECT)->text)
		note(p, IMPORT_IMPORTED, V_EXPECT, "");
	if (value(p, V_SEND)->text)
		note(p, IMPORT_DROPPED, V_SEND, "with send_program nanny does not look at it");
}

/* --- times ---------------------------------------------------------------------------- */

/* In seconds; `how` tells what becomes of it. */
static uint64_t seconds(const struct probing *p, enum lvs_virtual_key key, uint64_t other,
			const char *how)
{
	const struct lvs_value *v = value(p, key);
	uint64_t n;

	if (!v->text)
		return other;
	if (lvs_number(v->text, TIMEOUT_MAX_S, &n) && n) {
		note(p, IMPORT_APPROXIMATED, key, how);
		return n;
	}
	note(p, IMPORT_APPROXIMATED, key, "it is no number of seconds from 1 to 3600: the default");
	return other;
}

static void put_time(const struct probing *p, enum lvs_virtual_key key, const char *name,
		     int64_t ms)
{
	struct buf text = BUF_INIT;

	format_duration(&text, ms);
	import_key(p->probe, at_of(p, key), name, "%s", buf_str(&text));
	buf_fini(&text);
}

/* nanny's one time is the interval and the deadline; an attempt must end before the next. */
static void put_times(const struct probing *p)
{
	uint64_t timeout = seconds(p, V_TIMEOUT, DEFAULT_TIMEOUT_S,
				   "nanny's interval and its deadline: here an attempt ends a "
				   "little before the next one begins");
	uint64_t reentry = seconds(p, V_REENTRY, DEFAULT_REENTRY_S,
				   "so many good attempts in a row take that long");
	uint64_t rise = reentry > timeout ? reentry / timeout : 1;

	put_time(p, V_TIMEOUT, "interval", (int64_t)timeout * 1000);
	put_time(p, V_TIMEOUT, "timeout", (int64_t)timeout * 900);
	import_key(p->probe, at_of(p, V_REENTRY), "rise", "%u",
		   (unsigned int)(rise < RISE_MAX ? rise : RISE_MAX));
	import_key(p->probe, p->v->at, "fall", "1");
}

/* --- the probe -------------------------------------------------------------------------- */

bool lvs_probe(struct import *im, struct import_part *service, const struct lvs_virtual *v,
	       uint8_t proto, uint16_t port)
{
	struct probing p = { .im = im, .v = v, .service = service, .proto = proto, .port = port };
	bool program = value(&p, V_PROGRAM)->text && *value(&p, V_PROGRAM)->text;
	struct buf what = BUF_INIT;

	if (proto == IPPROTO_UDP && !program && !value(&p, V_SEND)->text &&
	    !value(&p, V_EXPECT)->text) {
		buf_printf(&what, "virtual %s", v->name);
		import_note(im, service, IMPORT_APPROXIMATED, v->at, buf_str(&what),
			    "nanny's check of UDP without send or expect always succeeds: there is "
			    "no probe here");
		buf_fini(&what);
		return false;
	}
	p.probe = import_part(im, "probe", v->name, v->at);
	if (program)
		put_program(&p);
	else
		put_talk(&p);
	put_times(&p);
	import_key(service, v->at, "probe", "%s", import_share(p.probe));
	return true;
}
