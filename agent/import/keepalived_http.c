/* keepalived_http.c: each url of an HTTP_GET or SSL_GET as a probe, and UDP_CHECK: the checks
 * that look at an answer. */
#include <ctype.h>
#include <string.h>

#include "agent/import/keepalived_check.h"
#include "agent/import/shape.h"

struct url {
	const struct ka_stmt *path, *status, *virtualhost, *regex, *options;
	int8_t no_match;
};

#define STMT(word, field)                                                                          \
	{                                                                                          \
		word, KA_STMT, offsetof(struct url, field), 0, NULL                                \
	}
#define DROP(word, why)                                                                            \
	{                                                                                          \
		word, KA_NOTE, 0, IMPORT_DROPPED, why                                              \
	}

/* clang-format off */
static const struct ka_key keys[] = {
	STMT("path", path),
	STMT("status_code", status),
	STMT("virtualhost", virtualhost),
	STMT("regex", regex),
	STMT("regex_options", options),
	{ "regex_no_match", KA_FLAG, offsetof(struct url, no_match), 0, NULL },
	DROP("digest", "it is an MD5, and a body is compared with digest = sha256:HEX here: "
		       "status and regex alone are judged"),
	DROP("regex_stack", "a match has a bound of its own"),
	DROP("regex_min_offset", "the whole answer is looked at"),
	DROP("regex_max_offset", "the whole answer is looked at"),
	{ NULL, 0, 0, 0, NULL },
};
/* clang-format on */

/* --- http ------------------------------------------------------------------------------- */

/* "304", "200-299": as expect_status takes them. */
static bool is_status(const char *word)
{
	uint64_t first, last;
	char text[4] = "";

	if (strlen(word) != 3 && (strlen(word) != 7 || word[3] != '-'))
		return false;
	memcpy(text, word, 3);
	if (!shape_number(text, 599, &first) || first < 100)
		return false;
	return !word[3] || (shape_number(word + 4, 599, &last) && last >= first);
}

/* Its words as one list. */
static void put_statuses(struct ka_check *c, struct import_part *p, const struct ka_stmt *s)
{
	struct buf list = BUF_INIT;
	const char *word;
	uint32_t i;

	for (i = 1; (word = ka_word(s, i)) != NULL; i++) {
		if (is_status(word))
			buf_printf(&list, "%s%s", list.len ? "," : "", word);
		else
			ka_note(c->r->v->k, p, IMPORT_DROPPED, s,
				"'%s' is no status, and no range of them", word);
	}
	if (list.len)
		import_key(p, s->at, "expect_status", "%s", buf_str(&list));
	c->r->v->k->oom |= !buf_ok(&list);
	buf_fini(&list);
}

static const struct {
	const char *word;
	char letter;
} options[] = { { "caseless", 'i' }, { "multiline", 'm' },       { "dotall", 's' },
		{ "extended", 'x' }, { "no_auto_capture", 'n' }, { "ungreedy", 'U' },
		{ "dupnames", 'J' } };

static void put_options(struct ka_check *c, struct import_part *p, const struct ka_stmt *s,
			struct buf *letters)
{
	const char *word;
	uint32_t i;
	size_t n;

	for (i = 1; s && (word = ka_word(s, i)) != NULL; i++) {
		for (n = 0; n < countof(options); n++)
			if (!strcmp(options[n].word, word))
				break;
		if (n < countof(options))
			buf_putc(letters, options[n].letter);
		else
			ka_note(c->r->v->k, p, IMPORT_DROPPED, s,
				"'%s' cannot be asked for within an expression", word);
	}
}

static void put_regex(struct ka_check *c, struct import_part *p, const struct url *u)
{
	const char *regex = ka_word(u->regex, 1);
	struct buf letters = BUF_INIT, text = BUF_INIT;

	put_options(c, p, u->options, &letters);
	if (u->no_match)
		buf_puts(&text, "\\A(?![\\s\\S]*?(?:");
	if (letters.len)
		buf_printf(&text, "(?%s)", buf_str(&letters));
	buf_puts(&text, regex ? regex : "");
	if (u->no_match)
		buf_puts(&text, "))");
	if (regex)
		shape_regex(c->r->v->k->im, p, u->regex->at, buf_str(&text), "regex");
	else
		ka_note(c->r->v->k, p, IMPORT_DROPPED, u->regex, "there is no expression");
	c->r->v->k->oom |= !buf_ok(&letters) || !buf_ok(&text);
	buf_fini(&letters);
	buf_fini(&text);
}

/* The virtual host as the URL's host; the realserver's address where there is none. */
static const char *host_of(struct ka_check *c, const struct ka_stmt *s, const char **ret_note)
{
	const char *word = s ? ka_word(s, 1) : NULL;
	size_t len = word ? strcspn(word, ":") : 0;
	char *host;

	*ret_note = NULL;
	if (!word)
		return "{address}";
	host = arena_strndup(c->r->v->k->arena, word, len);
	c->r->v->k->oom |= !host;
	if (host && shape_host_ok(host)) {
		if (word[len])
			*ret_note = "a port in the Host header is left out";
		return host;
	}
	*ret_note = "this is no host's name: the address stands for it";
	return "{address}";
}

static void put_tls(struct ka_check *c, struct import_part *p, const char *host)
{
	const char *name = c->sni_name ? ka_word(c->sni_name, 1) : NULL;

	import_key(p, c->stmt->at, "verify", "off");
	if (name && shape_host_ok(name))
		import_key(p, c->sni_name->at, "server_name", "%s", name);
	else if (c->enable_sni != 1 && *host != '{')
		ka_note(c->r->v->k, p, IMPORT_APPROXIMATED, c->stmt,
			"without enable_sni keepalived sends no name for the certificate (SNI): "
			"here "
			"the virtual host's is sent");
}

static void check_url(struct ka_check *c, const char *scheme, const struct ka_stmt *s)
{
	struct ka *k = c->r->v->k;
	struct url u = { .virtualhost = c->terms.virtualhost };
	struct buf path = BUF_INIT;
	const char *host, *why;
	struct import_part *p;

	ka_set(k, c->r->v->part, s->first, keys, &u);
	host = host_of(c, u.virtualhost, &why);
	shape_path(&path, u.path && ka_word(u.path, 1) ? u.path->words[1] : "/", true);
	p = ka_probe(c, scheme, host, buf_str(&path));
	if (why)
		ka_note(k, p, IMPORT_APPROXIMATED, u.virtualhost, "%s", why);
	if (u.status)
		put_statuses(c, p, u.status);
	if (u.regex)
		put_regex(c, p, &u);
	if (c->protocol && ka_word(c->protocol, 1) && strcmp(c->protocol->words[1], "1.1") != 0)
		ka_note(k, p, IMPORT_APPROXIMATED, c->protocol, "it is asked by HTTP/1.1");
	if (!strcmp(scheme, "https"))
		put_tls(c, p, host);
	ka_notes(k, p, s->first, keys);
	ka_probe_end(c, p);
	k->oom |= !buf_ok(&path);
	buf_fini(&path);
}

void ka_check_http(struct ka_check *c, const char *scheme)
{
	const struct ka_stmt *s;
	bool any = false;

	for (s = c->stmt->first; s; s = s->next)
		if (!strcmp(s->words[0], "url")) {
			check_url(c, scheme, s);
			any = true;
		}
	if (!any)
		ka_note(c->r->v->k, c->r->v->part, IMPORT_DROPPED, c->stmt,
			"it has no url to ask for. Without another check the realserver counts as "
			"up");
}

/* --- udp -------------------------------------------------------------------------------- */

/* The bytes of "00 01 2 Ab1x": two digits of a word each, an odd one alone; x stands for any.
 * -1 in a nibble: any. The value and the mask of each byte. */
struct hex {
	unsigned char value[256], mask[256];
	size_t n;
	bool wrong, any;
};

static int nibble(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = strchr(digits, tolower((unsigned char)c));

	return c && at ? (int)(at - digits) : -1;
}

static void add_nibbles(struct hex *h, const char *p, size_t len)
{
	unsigned int value = 0, mask = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		int n = nibble(p[i]);
		bool any = p[i] == 'x' || p[i] == 'X';

		h->wrong |= n < 0 && !any;
		h->any |= any;
		value = value << 4 | (n < 0 ? 0u : (unsigned int)n);
		mask = mask << 4 | (any ? 0u : 0xfu);
	}
	if (len == 1) /* its high half is 0 */
		mask |= 0xf0;
	if (h->n == sizeof(h->value)) {
		h->wrong = true;
		return;
	}
	h->value[h->n] = (unsigned char)value;
	h->mask[h->n++] = (unsigned char)mask;
}

static void read_hex(const struct ka_stmt *s, struct hex *ret_hex)
{
	const char *word;
	size_t len;
	uint32_t i;

	*ret_hex = (struct hex){ 0 };
	for (i = 1; (word = ka_word(s, i)) != NULL; i++)
		for (; *word; word += len) {
			while (*word == ' ' || *word == '\t')
				word++;
			len = strcspn(word, " \t");
			len = len > 2 ? 2 : len;
			if (len)
				add_nibbles(ret_hex, word, len);
		}
}

/* A byte of a pattern, or all that it may be. */
static void put_byte(struct buf *out, unsigned char value, unsigned char mask)
{
	unsigned int byte;

	if (mask == 0xff) {
		buf_printf(out, "\\x%02x", value);
	} else if (!mask) {
		buf_puts(out, "[\\s\\S]");
	} else {
		buf_putc(out, '[');
		for (byte = 0; byte < 256; byte++)
			if ((byte & mask) == value)
				buf_printf(out, "\\x%02x", byte);
		buf_putc(out, ']');
	}
}

static unsigned int bound(const struct ka_stmt *s, unsigned int other)
{
	uint64_t n;

	return s && ka_word(s, 1) && shape_number(s->words[1], 65535, &n) ? (unsigned int)n : other;
}

/* What an answer must be: its length, and how it begins. */
static void put_reply(struct ka_check *c, struct import_part *p)
{
	struct ka *k = c->r->v->k;
	struct buf text = BUF_INIT;
	struct hex hex;
	size_t i;

	read_hex(c->reply, &hex);
	if (hex.wrong) {
		ka_note(k, p, IMPORT_DROPPED, c->reply,
			"these are no hexadecimal digits (256 bytes at most): any answer will do");
		return;
	}
	buf_puts(&text, "\\A");
	if (c->min_reply || c->max_reply)
		buf_printf(&text, "(?=[\\s\\S]{%u,%u}\\z)", bound(c->min_reply, 0),
			   bound(c->max_reply, 255));
	for (i = 0; i < hex.n; i++)
		put_byte(&text, hex.value[i], hex.mask[i]);
	if (hex.n || c->min_reply || c->max_reply)
		shape_regex(k->im, p, c->reply->at, buf_str(&text), "require_reply");
	if (hex.n > bound(c->min_reply, 0))
		ka_note(k, p, IMPORT_APPROXIMATED, c->reply,
			"keepalived takes a shorter answer that begins like this; here all of it "
			"must "
			"come");
	k->oom |= !buf_ok(&text);
	buf_fini(&text);
}

void ka_check_udp(struct ka_check *c, const char *scheme)
{
	struct ka *k = c->r->v->k;
	struct buf text = BUF_INIT;
	struct import_part *p;
	struct hex hex = { 0 };

	if (!c->port && !c->r->v->keys[0].addr.port) {
		ka_note(k, c->r->v->part, IMPORT_DROPPED, c->stmt,
			"neither it, the real server nor the virtual server names a port. Without "
			"another check the realserver counts as up");
		return;
	}
	p = ka_probe(c, scheme, "", "");
	if (c->payload)
		read_hex(c->payload, &hex);
	shape_bytes(&text, (const char *)hex.value, hex.n);
	if (hex.wrong || hex.any)
		ka_note(k, p, IMPORT_DROPPED, c->payload,
			"these are no hexadecimal digits (256 bytes at most)");
	else if (hex.n)
		import_key(p, c->payload->at, "send", "%s", buf_str(&text));
	else
		ka_note(k, p, IMPORT_APPROXIMATED, c->stmt,
			"without a payload keepalived sends random bytes; here the datagram is "
			"empty");
	import_key(p, c->stmt->at, "silence", "%s", c->reply ? "failed" : "ok");
	if (c->reply)
		put_reply(c, p);
	ka_probe_end(c, p);
	k->oom |= !buf_ok(&text);
	buf_fini(&text);
}
