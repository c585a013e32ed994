/* probe_http.c: does a web server there answer as it should? The connection goes to
 * the realserver; Host header, SNI and the name to verify are the URL's, unless the keys
 * `host` and `server_name` say otherwise. A redirect is an answer, not a place to go. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/base/fetch.h"
#include "agent/base/parse.h"
#include "agent/probe.h"
#include "collectors/digest.h"
#include "collectors/expect.h"
#include "collectors/probe_fetch.h"
#include "collectors/table.h"
#include "conf/config.h"

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

enum http_version { HTTP_1_1 = 0, HTTP_2 };
enum { DIGEST_BODY = 1 << 20 }; /* max_body with a digest, of which nothing is kept */

struct http_conf {
	const char *method;
	const char *host; /* NULL = the URL's */
	const char *body; /* NULL = none is sent */
	int version;      /* enum http_version */
	struct statuses expect_status;
	struct headers expect_header;
	struct expect expect; /* of the body */
	struct digest_conf digest;
	struct probe_tls_conf tls;
	struct headers headers;
};

struct http_run {
	struct probe_fetch_run fetch; /* first, as it must be */
	struct digest digest;
	const struct probe_conf *asked; /* as it began; only to be compared */
	bool discarded;                 /* the body is not kept */
};

/* --- judging ---------------------------------------------------------------- */

static bool status_expected(const struct statuses *s, int status)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (status >= s->ranges[i].first && status <= s->ranges[i].last)
			return true;
	return false;
}

/* Is `line`, of an answer, the header `expected` ("Name: text") with the text in it? */
static bool header_matches(const char *line, size_t len, const char *expected)
{
	size_t name = strcspn(expected, ":") + 1;
	const char *text = expected + name + strspn(expected + name, " \t");

	return len >= name && !strncasecmp(line, expected, name) &&
	       memmem(line + name, len - name, text, strlen(text));
}

static bool header_came(const struct buf *headers, const char *expected)
{
	const char *line = headers->data, *end = line + headers->len, *next;

	for (; headers->len && line < end; line = next) {
		next = memchr(line, '\n', (size_t)(end - line));
		next = next ? next + 1 : end;
		if (header_matches(line, (size_t)(next - line), expected))
			return true;
	}
	return false;
}

static bool headers_expected(const struct headers *expected, const struct buf *headers)
{
	size_t i;

	for (i = 0; i < expected->n; i++)
		if (!header_came(headers, expected->lines[i]))
			return false;
	return true;
}

/* Over TLS a server that has no HTTP/2 falls back, and answers all the same. */
static bool version_expected(const struct http_conf *c, const struct buf *headers)
{
	return c->version != HTTP_2 || (headers->len >= 6 && !memcmp(headers->data, "HTTP/2", 6));
}

static void judge_body(const struct expect *e, const struct buf *body, struct probe_report *report)
{
	uint32_t steps = regex_steps(body->len);
	struct probe_report found = expect_report(expect_match(e, body->data, body->len, &steps));

	if (found.reason == PROBE_OK)
		return;
	report->reason = found.reason;
	report->os_errno = found.os_errno;
	report->text = found.text;
}

static void judge(const struct http_conf *c, const struct fetch_result *r,
		  struct probe_report *report)
{
	if (!version_expected(c, &r->headers)) {
		report->reason = PROBE_ANSWER_MALFORMED;
		report->text = "it answers, but not by HTTP/2";
	} else if (!status_expected(&c->expect_status, r->status)) {
		report->reason = PROBE_ANSWER_STATUS;
	} else if (!headers_expected(&c->expect_header, &r->headers)) {
		report->reason = PROBE_ANSWER_HEADER;
	} else {
		judge_body(&c->expect, &r->body, report);
	}
}

/* After a reload in mid-attempt the new keys may ask for what was not kept by the old ones. */
static bool was_lost(const struct probe_run *run, const struct http_conf *c)
{
	const struct http_run *state = run->state;

	return run->conf != state->asked &&
	       (c->digest.kind == DIGEST_FIXED || (state->discarded && expect_given(&c->expect)));
}

/* --- running ---------------------------------------------------------------- */

enum { SHOWN_HEADERS = 2048, SHOWN_BODY = 1024 };

static size_t at_most(size_t n, size_t most)
{
	return n < most ? n : most;
}

static void on_fetched(void *arg, const struct fetch_result *r)
{
	struct probe_run *run = arg;
	const struct http_conf *c = run->conf->head.part_conf;
	struct probe_report report = probe_fetch_report(r, &c->tls);
	struct http_run *state = run->state;
	struct buf said = BUF_INIT;

	if (report.reason == PROBE_OK && was_lost(run, c)) {
		report.reason = PROBE_LOCAL_ERROR;
		report.text = "its keys became other ones meanwhile";
	}
	if (report.reason == PROBE_OK)
		judge(c, r, &report);
	if (report.reason == PROBE_OK && c->digest.kind && run->conf == state->asked)
		digest_judge(&state->digest, &c->digest, r->truncated, &report);
	digest_drop(&state->digest);
	if (run->shown) {
		buf_put(&said, r->headers.data, at_most(r->headers.len, SHOWN_HEADERS));
		buf_put(&said, r->body.data, at_most(r->body.len, SHOWN_BODY));
		report.said = said.data;
		report.said_len = said.len;
	}
	probe_done(run, &report);
	buf_fini(&said);
}

static void http_start(struct probe_run *run)
{
	const struct http_conf *c = run->conf->head.part_conf;
	struct http_run *state = run->state;
	struct buf url = BUF_INIT;
	struct fetch_request req = {
		.method = c->body && !strcmp(c->method, "GET") ? "POST" : c->method,
		.headers = c->headers.lines,
		.body = c->body,
		.body_len = c->body ? strlen(c->body) : 0,
		.http2 = c->version == HTTP_2,
		.max_body = c->expect.max_answer,
	};

	state->asked = run->conf;
	state->discarded = c->digest.kind && !expect_given(&c->expect);
	if (c->digest.kind) {
		req.see = digest_see;
		req.data_arg = &state->digest;
		req.discard = state->discarded;
	}
	probe_fetch_tls(&req, &c->tls);
	probe_fetch_url(&url, run->conf->url, c->host, &run->addr);
	probe_fetch_start(run, &req, &url, on_fetched);
}

static void http_cancel(struct probe_run *run)
{
	struct http_run *state = run->state;

	probe_fetch_cancel(run);
	digest_drop(&state->digest);
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

static const char head_body[] = "does not go together: HEAD sends no body";

static int set_method(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
		      struct conf_env *env)
{
	char *copy;

	if (!*text || text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")])
		return refuse(env, text, "is not an HTTP method, such as GET or HEAD");
	if (!strcmp(text, "HEAD") && container_of(field, struct http_conf, method)->body)
		return refuse(env, text, head_body);
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

static int set_body(void *field, const char *text, const struct conf_key *key, struct conf_env *env)
{
	const char *method = container_of(field, struct http_conf, body)->method;

	if (method && !strcmp(method, "HEAD"))
		return refuse(env, text, head_body);
	return conf_string.set(field, text, key, env);
}

static void get_body(const void *field, const struct conf_key *key, size_t i, struct buf *out)
{
	conf_string.get(field, key, i, out);
}

static const struct conf_type body_type = { .name = "text", .set = set_body, .get = get_body };

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

static const struct conf_enum versions[] = {
	{ "1.1", HTTP_1_1 },
	{ "2", HTTP_2 },
	{ NULL, 0 },
};

#define FIELD(f) .offset = offsetof(struct http_conf, f)

/* clang-format off */
static const struct conf_key keys[] = {
	{ .name = "body", .type = &body_type, FIELD(body),
	  .help = "A body to send; then the method is POST, unless it is PUT or the like. Its "
		  "Content-Type is a form's where no header says otherwise." },
	PROBE_TLS_KEYS(struct http_conf, tls),
	{ .name = "digest", .type = &digest_type, FIELD(digest),
	  .help = "sha256:HEX: what the body's SHA-256 must be, in hex digits; consensus: it is "
		  "compared with those of the service's other realservers, for rules "
		  "(probe_stale), and fails nothing." },
	{ .name = "expect_body", .type = &conf_string, FIELD(expect.text),
	  .help = "Text that must stand within the first max_body bytes of the answer." },
	{ .name = "expect_header", .type = &header_type, FIELD(expect_header),
	  .flags = CONF_LIST,
	  .help = "A header that the answer must have, as Name: text; the text stands anywhere "
		  "within its value." },
	{ .name = "expect_regex", .type = &expect_regex_type, FIELD(expect.pattern),
	  .help = "A regular expression (PCRE2, over bytes) that must match within the first "
		  "max_body bytes of the answer." },
	{ .name = "expect_status", .type = &statuses_type, FIELD(expect_status),
	  .def = "200-299",
	  .help = "Statuses that pass: numbers and ranges, with commas between them." },
	{ .name = "header", .type = &header_type, FIELD(headers),
	  .flags = CONF_LIST,
	  .help = "A header to send, as Name: value." },
	{ .name = "host", .type = &probe_host_type, FIELD(host),
	  .help = "Virtual host: name for the Host header, SNI and verification in the place of "
		  "the URL's host." },
	{ .name = "http_version", .type = &conf_enum_type, FIELD(version),
	  .def = "1.1", .extra = versions,
	  .help = "Version of HTTP: 1.1 or 2; 2 fails on a server that has only 1.1." },
	{ .name = "max_body", .type = &conf_size, FIELD(expect.max_answer),
	  .def = "64KB", .min = 1, .max = 16 << 20,
	  .help = "How much of the answer is read; with digest 1MB where it is not given, and a "
		  "longer answer has none." },
	{ .name = "method", .type = &method_type, FIELD(method),
	  .def = "GET",
	  .help = "HTTP method." },
};
/* clang-format on */

static int http_finish(struct probe_conf *conf, struct arena *arena ATTR_UNUSED, struct buf *why)
{
	struct http_conf *c = conf->head.part_conf;

	if (!c->digest.kind)
		return 0;
	if (!strcmp(c->method, "HEAD")) {
		buf_puts(why, "digest and method = HEAD do not go together: HEAD brings no body");
		return buf_ok(why) ? -EINVAL : -ENOMEM;
	}
	if (!conf_key_given(conf, "max_body"))
		c->expect.max_answer = DIGEST_BODY;
	conf->compares = c->digest.kind == DIGEST_CONSENSUS;
	return 0;
}

static const struct probe_scheme schemes[] = {
	{ .name = "http", .port = 80, .path = true, .needs_port = true },
	{ .name = "https", .port = 443, .path = true, .needs_port = true },
	{ .name = NULL },
};

const struct probe_type probe_http = {
	.name = "http",
	.schemes = schemes,
	.help = "Asks a web server and judges status and body of its answer.",
	.part = { .name = "http",
		  .keys = keys,
		  .n_keys = countof(keys),
		  .size = sizeof(struct http_conf) },
	.run_size = sizeof(struct http_run),
	.finish = http_finish,
	.start = http_start,
	.cancel = http_cancel,
};
