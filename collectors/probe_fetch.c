/* probe_fetch.c: from a probe's keys to a request of libcurl's, and from its end to a
 * reason. Here is said, for all kinds alike, what is the realserver's fault and what is
 * ours. */
#include "collectors/probe_fetch.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/base/clock.h"
#include "conf/setter.h"

enum { DAY_S = 86400 };

/* What fetch says, as a reason; PROBE_OK: an answer came. */
static const enum probe_reason reasons[] = {
	[FETCH_OK] = PROBE_OK,
	[FETCH_REFUSED] = PROBE_CONNECT_REFUSED,
	[FETCH_UNREACHABLE] = PROBE_CONNECT_UNREACHABLE,
	[FETCH_RESET] = PROBE_CONNECT_RESET,
	[FETCH_TIMEOUT_CONNECT] = PROBE_CONNECT_TIMEOUT,
	[FETCH_TIMEOUT_TLS] = PROBE_TLS_TIMEOUT,
	[FETCH_TIMEOUT_ANSWER] = PROBE_ANSWER_TIMEOUT,
	[FETCH_TLS] = PROBE_TLS_FAILED,
	[FETCH_TLS_VERIFY] = PROBE_TLS_UNTRUSTED,
	[FETCH_PROTOCOL] = PROBE_ANSWER_MALFORMED,
	[FETCH_LOCAL] = PROBE_LOCAL_ERROR,
	[FETCH_LOCAL_CONFIG] = PROBE_LOCAL_CONFIG,
};

static bool expiring(const struct fetch_result *r, const struct probe_tls_conf *tls)
{
	return tls && tls->min_days && r->tls_not_after &&
	       r->tls_not_after < clock_wall_ms() / 1000 + (int64_t)tls->min_days * DAY_S;
}

struct probe_report probe_fetch_report(const struct fetch_result *r,
				       const struct probe_tls_conf *tls)
{
	struct probe_report report = {
		.reason = reasons[r->error],
		.os_errno = r->os_errno,
		.status = r->status,
		.connect_us = r->connect_us,
		.tls_us = r->tls_us,
		.first_byte_us = r->first_byte_us,
		.tls_not_after = r->tls_not_after,
		.text = r->text[0] ? r->text : NULL,
	};

	if (r->error == FETCH_LOCAL && r->os_errno)
		report.reason = probe_reason_of_connect(r->os_errno, true);
	else if (r->error == FETCH_OK && expiring(r, tls))
		report.reason = PROBE_TLS_EXPIRING;
	return report;
}

void probe_fetch_tls(struct fetch_request *req, const struct probe_tls_conf *tls)
{
	req->ca_file = tls->ca_file;
	req->server_name = tls->server_name;
	req->insecure = !tls->verify;
	req->want_expiry = tls->min_days > 0;
}

/* The address as a URL has it. */
static void put_host(struct buf *out, const struct addr *a)
{
	buf_puts(out, a->family == AF_INET6 ? "[" : "");
	addr_format_host(out, a);
	buf_puts(out, a->family == AF_INET6 ? "]" : "");
}

void probe_fetch_url(struct buf *out, const char *url, const char *host, const struct addr *a)
{
	const char *p = strstr(url, "://");
	size_t len;

	p = p ? p + 3 : url;
	buf_put(out, url, (size_t)(p - url));
	len = *p == '[' ? strcspn(p, "]") + 1 : strcspn(p, ":/?#");
	if (host)
		buf_puts(out, host);
	else if (!len || (len == 9 && !strncmp(p, "{address}", 9)))
		put_host(out, a);
	else
		len = 0;
	p += len;
	while (*p) {
		if (!strncmp(p, "{address}", 9)) {
			addr_format_host(out, a);
			p += 9;
		} else if (!strncmp(p, "{port}", 6)) {
			buf_put_u64(out, a->port);
			p += 6;
		} else {
			buf_putc(out, *p++);
		}
	}
}

void probe_fetch_start(struct probe_run *run, struct fetch_request *req, struct buf *url,
		       fetch_fn *fn)
{
	struct probe_fetch_run *state = run->state;
	int r = -ENOMEM;

	req->url = buf_str(url);
	req->to = &run->addr;
	req->from = run->from;
	req->timeout_ms = run->timeout_ms;
	req->want_expiry |= run->shown;
	if (buf_ok(url))
		r = fetch_start(run->fetches, req, fn, run, &state->fetch);
	buf_fini(url);
	if (r)
		probe_done(run,
			   &(struct probe_report){ .reason = r == -EINVAL ? PROBE_LOCAL_CONFIG
									  : PROBE_LOCAL_RESOURCES,
						   .os_errno = -r });
}

void probe_fetch_cancel(struct probe_run *run)
{
	fetch_cancel(((struct probe_fetch_run *)run->state)->fetch);
}

/* --- types of keys ---------------------------------------------------------------- */

static int set_host(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
		    struct conf_env *env)
{
	const char *p, *copy;

	for (p = text; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-._", *p))
			return conf_refuse(env, text, "has a '%c', and is to be a host's name", *p);
	if (!*text || strlen(text) > 253)
		return conf_refuse(env, text, "is not a host's name");
	copy = arena_strdup(env->arena, text);
	if (!copy)
		return -ENOMEM;
	*(const char **)field = copy;
	return 0;
}

static void get_host(const void *field, const struct conf_key *key ATTR_UNUSED,
		     size_t i ATTR_UNUSED, struct buf *out)
{
	const char *host = *(const char *const *)field;

	buf_puts(out, host ? host : "");
}

const struct conf_type probe_host_type = { .name = "host name", .set = set_host, .get = get_host };
