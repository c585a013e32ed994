/* fuzz_http_auth.c: the headers that we read ourselves: Authorization, Accept,
 * Accept-Encoding and the scrape's timeout. The same bytes go through all four; what
 * is accepted must be what it claims to be.
 *
 *   clang -fsanitize=fuzzer,address,undefined … tests/fuzz/fuzz_http_auth.c build/lib.a …
 */
#include <stdlib.h>
#include <string.h>

#include "agent/http/auth.h"
#include "agent/http/encoding.h"
#include "agent/metrics/expose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void put_base64(struct buf *out, const char *text, size_t len)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				       "0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		unsigned int bits = 0;

		for (size_t j = 0; j < 3; j++)
			bits = bits << 8 | (i + j < len ? (unsigned char)text[i + j] : 0);
		for (size_t j = 0; j < 4; j++)
			buf_putc(out, i + j > len ? '=' : alphabet[bits >> (18 - 6 * j) & 63]);
	}
}

/* A pair that was read, written as a client would, reads as the same pair. */
static void check_basic(const struct credentials *c)
{
	struct buf pair = BUF_INIT, header = BUF_INIT;
	struct credentials again;

	check(!strchr(c->user, ':'));
	buf_printf(&pair, "%s:%s", c->user, c->secret);
	buf_puts(&header, "Basic ");
	put_base64(&header, pair.data, pair.len);
	check(credentials_parse(buf_str(&header), &again) == 0);
	check(again.kind == CREDENTIALS_BASIC);
	check(strcmp(again.user, c->user) == 0 && strcmp(again.secret, c->secret) == 0);
	credentials_fini(&again);
	buf_fini(&pair);
	buf_fini(&header);
}

static void check_authorization(const char *text)
{
	struct credentials c;

	check(credentials_parse(text, &c) == 0);
	check(c.kind != CREDENTIALS_NONE);
	if (c.kind == CREDENTIALS_BASIC)
		check_basic(&c);
	if (c.kind == CREDENTIALS_BEARER)
		check(*c.secret && !c.user && !strpbrk(c.secret, " \t\r\n") &&
		      strstr(text, c.secret));
	if (c.kind == CREDENTIALS_BAD)
		check(!c.user && !c.secret);
	credentials_fini(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	enum expose_format format;
	int64_t ms = -1;

	check(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	check_authorization(text);
	format = expose_negotiate(text);
	check(format == EXPOSE_TEXT || format == EXPOSE_OPENMETRICS);
	if (encoding_gzip(text))
		check(strcasestr(text, "gzip") || strchr(text, '*'));
	if (scrape_timeout_parse(text, &ms) == 0)
		check(ms > 0 && ms <= 3601 * 1000 && text[0] >= '0' && text[0] <= '9');
	else
		check(ms == -1);
	free(text);
	return 0;
}
