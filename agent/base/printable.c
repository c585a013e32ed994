/* printable.c: programs, servers and files write what they like. */
#include "agent/base/printable.h"

size_t utf8_len(const unsigned char *s)
{
	unsigned char lo = 0x80, hi = 0xbf;
	size_t n, i;

	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (s[0] == 0xe0)
		lo = 0xa0;
	else if (s[0] == 0xed)
		hi = 0x9f;
	else if (s[0] == 0xf0)
		lo = 0x90;
	else if (s[0] == 0xf4)
		hi = 0x8f;
	if (s[1] < lo || s[1] > hi)
		return 0;
	for (i = 2; i < n; i++) {
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	}
	return n;
}

/* Those of the second block, U+0080 to U+009F, too: terminals obey them. */
static bool is_blank(const unsigned char *s)
{
	return *s <= ' ' || *s == 0x7f || (s[0] == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0);
}

void printable_put(struct buf *out, const char *text, size_t max)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t begin = out->len, len, put;

	for (; *s; s += len) {
		len = *s < 0x80 ? 1 : utf8_len(s);
		put = is_blank(s) || !len ? 1 : len;
		if (out->len - begin + put > max)
			break;
		if (!len)
			buf_putc(out, '?');
		else if (!is_blank(s))
			buf_put(out, s, len);
		else if (out->len > begin)
			buf_putc(out, ' ');
		len = len ? len : 1;
	}
	while (buf_ok(out) && out->len > begin && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
}
