/* encoding.c: what a scrape's headers ask for, and gzip around a stream. The
 * window is smaller than zlib's largest: metrics repeat at short distance, and a
 * hundred scrapes at a time should not cost 25 MB. */
#include "agent/http/encoding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

enum {
	WINDOW_GZIP = 14 + 16, /* + 16: a gzip header */
	MEM_LEVEL = 7,
	LEVEL = 1, /* three times as fast as the default, for a few percent */
	PART = 32 * 1024,
	MAX_TIMEOUT_S = 3600,
};

/* --- headers ---------------------------------------------------------------------- */

static size_t trim(const char **text, size_t len)
{
	while (len > 0 && strchr(" \t", **text)) {
		(*text)++;
		len--;
	}
	while (len > 0 && strchr(" \t", (*text)[len - 1]))
		len--;
	return len;
}

/* Whether a q parameter is above 0; "q=0", "q=0.0", … are not, nor what is no
 * number. */
static bool wanted(const char *params, size_t len)
{
	while (len > 0) {
		size_t part = strcspn(params, ";,");
		const char *text = params;
		size_t n;

		part = part < len ? part : len;
		n = trim(&text, part);
		if (n >= 2 && strncasecmp(text, "q=", 2) == 0) {
			if (n == 2 || strspn(text + 2, "0123456789.") < n - 2)
				return false;
			return strspn(text + 2, "0.") < n - 2;
		}
		part += part < len; /* the ';' */
		params += part;
		len -= part;
	}
	return true;
}

bool encoding_gzip(const char *accept_encoding)
{
	const char *at = accept_encoding;
	bool any = false;

	while (at && *at) {
		size_t len = strcspn(at, ","), name_len;
		const char *name = at, *params = memchr(at, ';', len);

		name_len = trim(&name, params ? (size_t)(params - at) : len);
		params = params ? params + 1 : at + len;
		if ((name_len == 4 && strncasecmp(name, "gzip", 4) == 0) ||
		    (name_len == 6 && strncasecmp(name, "x-gzip", 6) == 0))
			return wanted(params, (size_t)(at + len - params));
		if (name_len == 1 && *name == '*')
			any = wanted(params, (size_t)(at + len - params));
		at += len;
		at += *at == ',';
	}
	return any;
}

int scrape_timeout_parse(const char *text, int64_t *ret_ms)
{
	size_t whole = strspn(text, "0123456789");
	const char *fraction = text + whole;
	int64_t ms = 0, scale = 100;

	if (whole == 0 || whole > 9)
		return -EINVAL;
	for (size_t i = 0; i < whole; i++)
		ms = ms * 10 + (text[i] - '0');
	if (ms > MAX_TIMEOUT_S)
		return -EINVAL;
	ms *= 1000;
	if (*fraction == '.') {
		fraction++;
		for (; *fraction >= '0' && *fraction <= '9'; fraction++, scale /= 10)
			ms += (*fraction - '0') * scale;
	}
	if (*fraction || ms <= 0)
		return -EINVAL;
	*ret_ms = ms;
	return 0;
}

/* --- gzip -------------------------------------------------------------------------- */

struct gzip {
	struct http_stream inner;
	struct buf plain;
	z_stream z;
	bool more; /* the inner one has more to say */
};

static bool gzip_next(void *state, struct buf *out, size_t enough)
{
	struct gzip *g = state;

	while (out->len < enough) {
		int code;

		if (g->z.avail_in == 0 && g->more) {
			buf_reset(&g->plain);
			g->more = g->inner.next(g->inner.state, &g->plain, PART);
			out->failed |= !buf_ok(&g->plain);
			g->z.next_in = (unsigned char *)g->plain.data;
			g->z.avail_in = (unsigned int)g->plain.len;
		}
		if (!buf_reserve(out, PART))
			return false;
		g->z.next_out = (unsigned char *)out->data + out->len;
		g->z.avail_out = PART;
		code = deflate(&g->z, g->more ? Z_NO_FLUSH : Z_FINISH);
		out->len += PART - g->z.avail_out;
		if (code == Z_STREAM_END)
			return false;
		if (code != Z_OK && code != Z_BUF_ERROR) {
			out->failed = true;
			return false;
		}
	}
	return true;
}

static void gzip_free(void *state)
{
	struct gzip *g = state;

	deflateEnd(&g->z);
	if (g->inner.free)
		g->inner.free(g->inner.state);
	buf_fini(&g->plain);
	free(g);
}

int gzip_stream(const struct http_stream *inner, struct http_stream *ret_stream)
{
	struct gzip *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	if (deflateInit2(&g->z, LEVEL, Z_DEFLATED, WINDOW_GZIP, MEM_LEVEL, Z_DEFAULT_STRATEGY) !=
	    Z_OK) {
		free(g);
		return -ENOMEM;
	}
	g->inner = *inner;
	g->more = true;
	*ret_stream = (struct http_stream){ .next = gzip_next, .free = gzip_free, .state = g };
	return 0;
}
