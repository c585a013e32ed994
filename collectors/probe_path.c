/* probe_path.c: what the kinds share that ask this machine: paths in URLs, and shares in
 * what they read. */
#include "collectors/probe_path.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "agent/probe.h"

enum { ALL = 100, MAX_SHARE = 256 }; /* percent */

static const char blanks[] = " \t\r\n";

void probe_expand(struct buf *out, const char *text, const struct addr *a)
{
	while (*text) {
		if (!strncmp(text, "{address}", 9)) {
			addr_format_host(out, a);
			text += 9;
		} else if (!strncmp(text, "{port}", 6)) {
			buf_put_u64(out, a->port);
			text += 6;
		} else {
			buf_putc(out, *text++);
		}
	}
}

static unsigned int hex(char c)
{
	return isdigit((unsigned char)c) ? (unsigned int)(c - '0')
					 : (unsigned int)(tolower((unsigned char)c) - 'a') + 10;
}

static bool is_escape(const char *p)
{
	return isxdigit((unsigned char)p[0]) && isxdigit((unsigned char)p[1]) &&
	       (p[0] != '0' || p[1] != '0');
}

void probe_path(struct buf *out, const struct probe_conf *conf, const struct addr *a)
{
	struct buf decoded = BUF_INIT;
	const char *p;

	for (p = conf->path; *p; p++) {
		if (*p == '%' && is_escape(p + 1)) {
			buf_putc(&decoded, (char)(hex(p[1]) << 4 | hex(p[2])));
			p += 2;
		} else {
			buf_putc(&decoded, *p);
		}
	}
	probe_expand(out, buf_str(&decoded), a);
	out->failed = out->failed || decoded.failed;
	buf_fini(&decoded);
}

int probe_path_check(const struct probe_conf *conf, struct buf *why)
{
	size_t len = strlen(conf->path);
	const char *p;

	if (strcmp(conf->host, "{address}") != 0 || conf->port)
		buf_printf(why, "url: a path of this machine has no host: %s:///PATH",
			   conf->scheme->name);
	else if (len < 2 || conf->path[len - 1] == '/')
		buf_printf(why, "url: it needs the path of a file, as in %s:///PATH",
			   conf->scheme->name);
	else if (strchr(conf->path, '?'))
		buf_puts(why, "url: a '?' in a path is written %3F");
	for (p = conf->path; !why->len && (p = strchr(p, '%')); p++)
		if (!is_escape(p + 1))
			buf_puts(why, "url: a '%' in a path is written %25");
	return !buf_ok(why) ? -ENOMEM : why->len ? -EINVAL : 0;
}

bool probe_share(const char *text, uint32_t *ret_percent)
{
	const char *p = text + strspn(text, blanks);
	uint32_t n = 0;

	if (!isdigit((unsigned char)*p))
		return false;
	for (; isdigit((unsigned char)*p) && n <= MAX_SHARE; p++)
		n = 10 * n + (uint32_t)(*p - '0');
	if (*p != '%' || n > MAX_SHARE || (p[1] && !strchr(blanks, p[1])))
		return false;
	*ret_percent = n;
	return true;
}

struct probe_advice probe_share_advice(const char *text)
{
	struct probe_advice advice = { .has_share = true, .share = ALL };

	(void)probe_share(text, &advice.share);
	return advice;
}
