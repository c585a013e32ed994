/* probe_http.c: does a web server there answer as it should? The connection goes to
 * the realserver; Host header, SNI and the name to verify are the URL's. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/base/fetch.h"
#include "agent/base/parse.h"
#include "agent/probe.h"
#include "collectors/table.h"
#include "conf/key.h"

struct status_range {
	uint16_t first, last;
};

struct statuses {
	struct status_range *ranges;
	size_t n;
};

struct headers {
	const char **lines; /* NULL-terminated for fetch */
	size_t n;
};

struct http_conf {
	const char *method;
	struct statuses expect_status;
	const char *expect_body; /* NULL = anything */
	bool verify;
	const char *ca_file; /* NULL = the system's */
	struct headers headers;
	uint64_t max_body;
};

struct http_run {
	struct fetch *fetch;
};

/* --- judging ---------------------------------------------------------------- */

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

static bool status_expected(const struct statuses *s, int status)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (status >= s->ranges[i].first && status <= s->ranges[i].last)
			return true;
	return false;
}

static enum probe_reason judge(const struct http_conf *c, const struct fetch_result *r)
{
	if (r->error == FETCH_LOCAL && r->os_errno)
		return probe_reason_of_connect(r->os_errno, true);
	if (r->error != FETCH_OK)
		return reasons[r->error];
	if (!status_expected(&c->expect_status, r->status))
		return PROBE_ANSWER_STATUS;
	if (c->expect_body && !(r->body.len && memmem(r->body.data, r->body.len, c->expect_body,
						      strlen(c->expect_body))))
		return PROBE_ANSWER_BODY;
	return PROBE_OK;
}

/* --- running ---------------------------------------------------------------- */

static void on_fetched(void *arg, const struct fetch_result *r)
{
	struct probe_run *run = arg;
	struct probe_report report = {
		.reason = judge(run->conf->head.part_conf, r),
		.os_errno = r->os_errno,
		.status = r->status,
		.connect_us = r->connect_us,
		.tls_us = r->tls_us,
		.first_byte_us = r->first_byte_us,
		.text = r->text[0] ? r->text : NULL,
	};

	probe_done(run, &report);
}

/* {address} and {port} become the realserver's; an IPv6 address gets its brackets
 * where it is the host. */
static void expand_url(struct buf *out, const char *url, const struct addr *a)
{
	const char *authority = strstr(url, "://"), *end;
	const char *p = url;
	bool brackets;

	authority = authority ? authority + 3 : url;
	end = authority + strcspn(authority, "/?#");
	while (*p) {
		if (!strncmp(p, "{address}", 9)) {
			brackets = a->family == AF_INET6 && p == authority && p < end;
			buf_puts(out, brackets ? "[" : "");
			addr_format_host(out, a);
			buf_puts(out, brackets ? "]" : "");
			p += 9;
		} else if (!strncmp(p, "{port}", 6)) {
			buf_put_u64(out, a->port);
			p += 6;
		} else {
			buf_putc(out, *p++);
		}
	}
}

static void http_start(struct probe_run *run)
{
	const struct http_conf *c = run->conf->head.part_conf;
	struct http_run *h = run->state;
	struct buf url = BUF_INIT;
	struct fetch_request req = {
		.method = c->method,
		.to = &run->addr,
		.headers = c->headers.lines,
		.ca_file = c->ca_file,
		.insecure = !c->verify,
		.timeout_ms = run->timeout_ms,
		.max_body = c->max_body,
	};
	int r = -ENOMEM;

	expand_url(&url, run->conf->url, &run->addr);
	req.url = buf_str(&url);
	if (buf_ok(&url))
		r = fetch_start(run->fetches, &req, on_fetched, run, &h->fetch);
	buf_fini(&url);
	if (r)
		probe_done(run,
			   &(struct probe_report){ .reason = r == -EINVAL ? PROBE_LOCAL_CONFIG
									  : PROBE_LOCAL_RESOURCES,
						   .os_errno = -r });
}

static void http_cancel(struct probe_run *run)
{
	fetch_cancel(((struct http_run *)run->state)->fetch);
}

/* --- types of keys ---------------------------------------------------------- */

static int refuse(struct conf_env *env, const char *text, const char *why)
{
	buf_printf(env->why, "'%.60s%s' %s", text, strlen(text) > 60 ? "…" : "", why);
	return -EINVAL;
}

/* "200" or "200-299"; three digits each. */
static bool range_parse(const char *word, size_t len, struct status_range *ret_range)
{
	unsigned int n[2] = { 0, 0 };
	size_t i;

	if (len != 3 && !(len == 7 && word[3] == '-'))
		return false;
	for (i = 0; i < len; i++) {
		if (i == 3)
			continue;
		if (!isdigit((unsigned char)word[i]))
			return false;
		n[i / 4] = n[i / 4] * 10 + (unsigned int)(word[i] - '0');
	}
	if (len == 3)
		n[1] = n[0];
	if (n[0] < 100 || n[1] > 599 || n[0] > n[1])
		return false;
	*ret_range = (struct status_range){ (uint16_t)n[0], (uint16_t)n[1] };
	return true;
}

static int set_statuses(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
			struct conf_env *env)
{
	struct statuses list = { 0 };
	const char *p = text + strspn(text, " \t,");
	struct status_range *more;

	while (*p) {
		size_t len = strcspn(p, " \t,");

		more = arena_grow(env->arena, list.ranges, list.n, sizeof(*more));
		if (!more)
			return -ENOMEM;
		list.ranges = more;
		if (!range_parse(p, len, &list.ranges[list.n]))
			return refuse(env, text,
				      "is not a list of HTTP statuses (100 to 599) and ranges, "
				      "such as 200-299,304");
		list.n++;
		p += len;
		p += strspn(p, " \t,");
	}
	if (!list.n)
		return refuse(env, text, "holds no HTTP status, such as 200-299,304");
	*(struct statuses *)field = list;
	return 0;
}

static void get_statuses(const void *field, const struct conf_key *key ATTR_UNUSED,
			 size_t i ATTR_UNUSED, struct buf *out)
{
	const struct statuses *list = field;
	size_t k;

	for (k = 0; k < list->n; k++) {
		buf_printf(out, "%s%u", k ? "," : "", (unsigned int)list->ranges[k].first);
		if (list->ranges[k].last != list->ranges[k].first)
			buf_printf(out, "-%u", (unsigned int)list->ranges[k].last);
	}
}

static const struct conf_type statuses_type = { .name = "HTTP statuses",
						.set = set_statuses,
						.get = get_statuses };

#define TOKEN "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static int set_method(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
		      struct conf_env *env)
{
	char *copy;

	if (!*text || text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")])
		return refuse(env, text, "is not an HTTP method, such as GET or HEAD");
	copy = arena_strdup(env->arena, text);
	if (!copy)
		return -ENOMEM;
	*(const char **)field = copy;
	return 0;
}

static void get_method(const void *field, const struct conf_key *key ATTR_UNUSED,
		       size_t i ATTR_UNUSED, struct buf *out)
{
	buf_puts(out, *(const char *const *)field);
}

static const struct conf_type method_type = { .name = "HTTP method",
					      .set = set_method,
					      .get = get_method };

static bool header_ok(const char *text)
{
	size_t name = strspn(text, TOKEN);
	const char *p;

	if (!name || text[name] != ':' || text[name + 1 + strspn(text + name + 1, " \t")] == '\0')
		return false;
	for (p = text; *p; p++)
		if ((unsigned char)*p < ' ' && *p != '\t')
			return false;
	return true;
}

static int set_header(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
		      struct conf_env *env)
{
	struct headers *list = field;
	size_t used = list->lines ? list->n + 1 : 0; /* the NULL counts */
	const char **more = list->lines;
	char *copy;

	if (!header_ok(text))
		return refuse(env, text, "is not a header, such as X-Probe: yes");
	copy = arena_strdup(env->arena, text);
	if (!used)
		more = arena_grow(env->arena, NULL, used++, sizeof(*more));
	if (copy && more)
		more = arena_grow(env->arena, more, used, sizeof(*more));
	if (!copy || !more)
		return -ENOMEM;
	list->lines = more;
	list->lines[list->n++] = copy;
	list->lines[list->n] = NULL;
	return 0;
}

static void get_header(const void *field, const struct conf_key *key ATTR_UNUSED, size_t i,
		       struct buf *out)
{
	const struct headers *list = field;

	if (i < list->n)
		buf_puts(out, list->lines[i]);
}

static size_t count_headers(const void *field, const struct conf_key *key ATTR_UNUSED)
{
	return ((const struct headers *)field)->n;
}

static const struct conf_type header_type = {
	.name = "header", .set = set_header, .get = get_header, .count = count_headers
};

/* clang-format off */
static const struct conf_key keys[] = {
	{ .name = "ca_file", .type = &conf_path, .offset = offsetof(struct http_conf, ca_file),
	  .help = "Certificates to trust instead of the system's, in PEM form." },
	{ .name = "expect_body", .type = &conf_string,
	  .offset = offsetof(struct http_conf, expect_body),
	  .help = "Text that must stand within the first max_body bytes of the answer." },
	{ .name = "expect_status", .type = &statuses_type,
	  .offset = offsetof(struct http_conf, expect_status),
	  .def = "200-299",
	  .help = "Statuses that pass: numbers and ranges, with commas between them." },
	{ .name = "header", .type = &header_type, .offset = offsetof(struct http_conf, headers),
	  .flags = CONF_LIST,
	  .help = "A header to send, as Name: value." },
	{ .name = "max_body", .type = &conf_size, .offset = offsetof(struct http_conf, max_body),
	  .def = "64KB", .min = 1, .max = 16 << 20,
	  .help = "How much of the answer is read." },
	{ .name = "method", .type = &method_type, .offset = offsetof(struct http_conf, method),
	  .def = "GET",
	  .help = "HTTP method." },
	{ .name = "verify", .type = &conf_bool, .offset = offsetof(struct http_conf, verify),
	  .def = "on",
	  .help = "Whether the certificate must be valid for the URL's host (https)." },
};
/* clang-format on */

static const char *const schemes[] = { "http", "https", NULL };

const struct probe_type probe_http = {
	.name = "http",
	.schemes = schemes,
	.help = "Asks a web server and judges status and body of its answer.",
	.part = { .name = "http",
		  .keys = keys,
		  .n_keys = countof(keys),
		  .size = sizeof(struct http_conf) },
	.run_size = sizeof(struct http_run),
	.start = http_start,
	.cancel = http_cancel,
};
