/* ini.c: the only user of inih. Its line reader is ours: it counts lines, judges
 * each one and hands on only what inih reads as we mean it. inih itself would
 * split long lines in silence, take ':' for '=', end a header at the first ']'
 * and cut values at " ;". Debian's build has these as variables of the process;
 * they are set once, to values that every caller here wants. */
#include "conf/ini.h"

#include <errno.h>
#include <ini.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "agent/base/buf.h"
#include "conf/key.h"
#include "conf/setter.h"

struct reader {
	const char *at, *end;
	unsigned int line;
	bool no_section, in_section; /* a header was bad; any was seen */
	bool told_early;             /* of keys above the first header, once */
	bool oom, header;            /* the line under judgement is one */
	struct buf text;             /* scratch: the header's words, a message */
	const struct ini_sink *sink;
	void *arg;
};

static void set_up_inih(void)
{
	ini_allow_multiline = false;
	ini_allow_bom = false; /* the reader takes it off */
	ini_allow_inline_comments = false;
	ini_allow_no_value = false;
	ini_stop_on_first_error = false;
	ini_use_stack = true;
	ini_max_line = INI_LINE_MAX + 3;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The length of the UTF-8 character at s, 0 where there is none. Control
 * characters beyond ASCII (C1) do not count as text. */
static size_t utf8_len(const unsigned char *s, size_t left)
{
	size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2, i;

	if (s[0] < 0xc2 || s[0] > 0xf4 || n > left)
		return 0;
	for (i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f) ||
	    (s[0] == 0xc2 && s[1] < 0xa0))
		return 0;
	return n;
}

/* Eight times a byte. */
#define EIGHT(c) ((uint64_t)(c)*UINT64_C(0x0101010101010101))

/* How many bytes at the beginning are printable ASCII, as nearly all are: a multiple of
 * eight. No sum carries into the next byte, for none is above 0x7f. */
static size_t plain(const char *s, size_t len)
{
	size_t i;
	uint64_t w;

	for (i = 0; len - i >= sizeof(w); i += sizeof(w)) {
		memcpy(&w, s + i, sizeof(w));
		if ((w & EIGHT(0x80)) || (~(w + EIGHT(0x80 - ' ')) & EIGHT(0x80)) ||
		    ((w + EIGHT(0x80 - 0x7f)) & EIGHT(0x80)))
			break;
	}
	return i;
}

/* What keeps a line from being text; NULL = nothing. */
static const char *not_text(const char *line, size_t len, struct buf *out)
{
	const unsigned char *s = (const unsigned char *)line;
	size_t i = plain(line, len), n;

	while (i < len) {
		if ((s[i] >= ' ' && s[i] < 127) || s[i] == '\t') {
			i++;
			continue;
		}
		if (s[i] < 128) {
			buf_printf(out, "control character 0x%02x in the line", s[i]);
			return buf_str(out);
		}
		n = utf8_len(s + i, len - i);
		if (!n)
			return "the line is not UTF-8 text";
		i += n;
	}
	return NULL;
}

static void refuse(struct reader *r, const char *text)
{
	r->sink->problem(r->arg, r->line, text, r->header);
}

static void refuse_quoted(struct reader *r, const char *what, const char *text)
{
	struct buf why = BUF_INIT;

	conf_quote(&why, what);
	buf_puts(&why, text);
	r->oom |= !buf_ok(&why);
	refuse(r, buf_str(&why));
	buf_fini(&why);
}

/* Tells the section of a header line "[…]", or what is wrong with it. */
static void take_header(struct reader *r, const char *line, size_t len)
{
	const char *close = memchr(line, ']', len);
	char *type, *name, *p;

	r->in_section = true;
	r->no_section = true;
	r->header = true;
	if (!close) {
		refuse(r, "section header without its ']'");
		return;
	}
	if (close != line + len - 1) {
		refuse(r, memchr(close + 1, ']', (size_t)(line + len - close - 1))
				  ? "']' inside a section header"
				  : "text behind ']' (a comment needs a line of its own)");
		return;
	}
	buf_reset(&r->text);
	buf_put(&r->text, line + 1, len - 2);
	if (!buf_ok(&r->text)) {
		r->oom = true;
		return;
	}
	for (type = r->text.data; blank(*type);)
		type++;
	for (p = type; *p && !blank(*p);)
		p++;
	name = p;
	while (blank(*name))
		name++;
	*p = '\0';
	for (p = name + strlen(name); p > name && blank(p[-1]);)
		*--p = '\0';
	if (!*type) {
		refuse(r, "empty section header");
	} else if (*name && !conf_name_ok(name)) {
		refuse_quoted(r, name, " is not a name (1 to 40 of A-Z a-z 0-9 _ . -)");
	} else {
		r->no_section = false;
		r->sink->section(r->arg, type, *name ? name : NULL, r->line);
	}
}

/* True when the line may go to inih as `key = value`. */
static bool key_line_ok(struct reader *r, const char *line, size_t len)
{
	const char *equal = memchr(line, '=', len);
	const char *colon = equal ? memchr(line, ':', (size_t)(equal - line)) : NULL;

	if (r->no_section)
		return false;
	if (!r->in_section) {
		if (!r->told_early)
			refuse(r, "a key before the first [section]");
		r->told_early = true;
		return false;
	}
	if (!equal) {
		buf_reset(&r->text);
		buf_put(&r->text, line, len);
		refuse_quoted(r, buf_str(&r->text), " is neither 'key = value' nor a [section]");
		return false;
	}
	if (equal == line) {
		refuse(r, "no key before '='");
		return false;
	}
	if (colon) {
		refuse(r, "':' in a key (keys and values are parted by '=')");
		return false;
	}
	return true;
}

/* Judges one line, without its end; true when inih shall see it. */
static bool take_line(struct reader *r, const char *line, size_t len)
{
	const char *why;

	r->header = false;
	if (len > INI_LINE_MAX) {
		refuse(r, "the line is too long (8192 bytes at most)");
		return false;
	}
	while (len && blank(*line)) {
		line++;
		len--;
	}
	while (len && blank(line[len - 1]))
		len--;
	if (!len || *line == ';' || *line == '#')
		return false;
	buf_reset(&r->text);
	why = not_text(line, len, &r->text);
	if (why) {
		refuse(r, why);
		return false;
	}
	if (*line == '[') {
		take_header(r, line, len);
		return false;
	}
	return key_line_ok(r, line, len);
}

/* inih's fgets(): the next line that holds a key, whole. */
static char *read_line(char *str, int num, void *stream)
{
	struct reader *r = stream;

	while (r->at < r->end) {
		const char *line = r->at;
		const char *nl = memchr(line, '\n', (size_t)(r->end - line));
		size_t len = (size_t)((nl ? nl : r->end) - line);

		r->at = nl ? nl + 1 : r->end;
		r->line++;
		if (len && line[len - 1] == '\r')
			len--;
		if (!take_line(r, line, len) || len + 2 > (size_t)num)
			continue;
		memcpy(str, line, len);
		str[len] = '\n';
		str[len + 1] = '\0';
		return str;
	}
	return NULL;
}

static int take_key(void *user, const char *section ATTR_UNUSED, const char *name,
		    const char *value)
{
	struct reader *r = user;

	r->sink->key(r->arg, name, value, r->line);
	return 1;
}

int ini_read(const char *bytes, size_t len, const struct ini_sink *sink, void *arg)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct reader r = { .at = bytes, .end = bytes + len, .sink = sink, .arg = arg };
	int result;

	pthread_once(&once, set_up_inih);
	if (len >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3))
		r.at += 3;
	result = ini_parse_stream(read_line, &r, take_key, &r);
	if (result > 0) /* our judgement and inih's differ: say so, never pass it by */
		refuse(&r, "a line of this file is not understood");
	buf_fini(&r.text);
	return result < 0 || r.oom ? -ENOMEM : 0;
}
