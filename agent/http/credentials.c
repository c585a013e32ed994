/* credentials.c: the Authorization header, read by hand: libmicrohttpd's reader takes
 * "Basic" in one spelling only, and knows no tokens. */
#include "agent/http/credentials.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>

#include "agent/http/secrets.h"

enum { HEADER_MAX = 4096 };

static int base64_value(char c)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				       "0123456789+/";
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

/* Strict: whole groups, padding at the end only. Returns the length, or -1. */
static ssize_t base64_decode(const char *text, size_t len, char *out)
{
	size_t n = 0, pad = 0;

	if (len % 4 != 0 || len == 0)
		return -1;
	while (pad < 2 && text[len - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < len; i += 4) {
		uint32_t bits = 0;

		for (size_t j = 0; j < 4; j++) {
			bool padding = i + j >= len - pad;
			int value = padding ? 0 : base64_value(text[i + j]);

			if (value < 0)
				return -1;
			bits = bits << 6 | (uint32_t)value;
		}
		for (size_t j = 0; j < 3; j++)
			out[n++] = (char)(bits >> (16 - 8 * j));
	}
	return (ssize_t)(n - pad);
}

static int parse_basic(const char *text, size_t len, struct credentials *c)
{
	char *plain = malloc(len + 1), *colon;
	ssize_t n;

	if (!plain)
		return -ENOMEM;
	n = base64_decode(text, len, plain);
	colon = n > 0 ? memchr(plain, ':', (size_t)n) : NULL;
	if (colon && !memchr(plain, '\0', (size_t)n)) {
		plain[n] = '\0';
		*colon = '\0';
		c->user = strdup(plain);
		c->secret = strdup(colon + 1);
		c->kind = c->user && c->secret ? CREDENTIALS_BASIC : CREDENTIALS_NONE;
	} else {
		c->kind = CREDENTIALS_BAD;
	}
	explicit_bzero(plain, len + 1);
	free(plain);
	return c->kind == CREDENTIALS_NONE ? -ENOMEM : 0;
}

static int parse_bearer(const char *text, size_t len, struct credentials *c)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			len = 0;
	if (len == 0) {
		c->kind = CREDENTIALS_BAD;
		return 0;
	}
	c->secret = strndup(text, len);
	c->kind = CREDENTIALS_BEARER;
	return c->secret ? 0 : -ENOMEM;
}

int credentials_parse(const char *header, struct credentials *ret_credentials)
{
	struct credentials c = { .kind = CREDENTIALS_NONE };
	size_t scheme, len;
	const char *text;
	int error = 0;

	if (!header) {
		*ret_credentials = c;
		return 0;
	}
	header += strspn(header, " \t");
	scheme = strcspn(header, " \t");
	text = header + scheme;
	text += strspn(text, " \t");
	len = strlen(text);
	while (len > 0 && strchr(" \t", text[len - 1]))
		len--;
	c.kind = CREDENTIALS_BAD;
	if (len > 0 && len <= HEADER_MAX) {
		if (scheme == 5 && strncasecmp(header, "Basic", 5) == 0)
			error = parse_basic(text, len, &c);
		else if (scheme == 6 && strncasecmp(header, "Bearer", 6) == 0)
			error = parse_bearer(text, len, &c);
	}
	if (error < 0)
		credentials_fini(&c);
	else
		*ret_credentials = c;
	return error;
}

void credentials_fini(struct credentials *c)
{
	free(c->user);
	secret_free(c->secret);
	*c = (struct credentials){ .kind = CREDENTIALS_NONE };
}
