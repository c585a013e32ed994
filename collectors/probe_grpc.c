/* probe_grpc.c: what does a gRPC server say of its health? One call of
 * grpc.health.v1.Health/Check: a POST by HTTP/2 whose message, and the answer's, are a
 * few bytes of protocol buffers behind a prefix of five. */
#include <string.h>

#include "agent/base/attr.h"
#include "agent/base/fetch.h"
#include "agent/base/parse.h"
#include "agent/probe.h"
#include "collectors/probe_fetch.h"
#include "collectors/table.h"
#include "conf/key.h"

enum {
	PREFIX = 5,           /* compressed or not, and the message's length, big-endian */
	MAX_BODY = 4096,      /* an answer has 7 bytes */
	SERVICE = 1 << 3 | 2, /* field 1 of the question: text */
	STATUS = 1 << 3 | 0,  /* field 1 of the answer: a number */
};

struct grpc_conf {
	const char *host; /* NULL = the URL's */
	struct probe_tls_conf tls;
};

/* --- the question --------------------------------------------------------------------- */

static void put_varint(struct buf *out, uint64_t n)
{
	for (; n >= 0x80; n >>= 7)
		buf_putc(out, (char)(n | 0x80));
	buf_putc(out, (char)n);
}

static void put_question(struct buf *out, const char *service)
{
	struct buf message = BUF_INIT;
	size_t len = strlen(service);
	int shift;

	if (len) {
		buf_putc(&message, SERVICE);
		put_varint(&message, len);
		buf_puts(&message, service);
	}
	buf_putc(out, 0);
	for (shift = 24; shift >= 0; shift -= 8)
		buf_putc(out, (char)(message.len >> shift));
	if (message.len)
		buf_put(out, message.data, message.len);
	out->failed |= !buf_ok(&message);
	buf_fini(&message);
}

/* --- the answer ----------------------------------------------------------------------- */

/* Takes a number off *p; false = there is none. */
static bool take_varint(const unsigned char **p, const unsigned char *end, uint64_t *ret_n)
{
	uint64_t n = 0;
	unsigned int shift;

	for (shift = 0; shift < 64 && *p < end; shift += 7) {
		unsigned char byte = *(*p)++;

		n |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret_n = n;
			return true;
		}
	}
	return false;
}

/* Past a field that says nothing to us, by its wire type. */
static bool skip_field(uint64_t tag, const unsigned char **p, const unsigned char *end)
{
	static const uint8_t fixed[8] = { [1] = 8, [5] = 4 };
	uint64_t n = fixed[tag & 7];

	if ((tag & 7) == 0)
		return take_varint(p, end, &n);
	if ((tag & 7) == 2 ? !take_varint(p, end, &n) : !n)
		return false;
	if (n > (uint64_t)(end - *p))
		return false;
	*p += n;
	return true;
}

/* The status in the message; a field that is missing is 0. False = it makes no sense. */
static bool read_answer(const struct buf *body, uint64_t *ret_status)
{
	const unsigned char *p = (const unsigned char *)body->data, *end = p + body->len;
	uint64_t tag, status = 0;

	if (body->len < PREFIX || p[0] ||
	    body->len - PREFIX !=
		    ((size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4]))
		return false;
	for (p += PREFIX; p < end;) {
		if (!take_varint(&p, end, &tag))
			return false;
		if (!(tag == STATUS ? take_varint(&p, end, &status) : skip_field(tag, &p, end)))
			return false;
	}
	*ret_status = status;
	return true;
}

/* grpc-status among the header and trailer lines; -1 = there is none. */
static int call_status(const struct buf *headers)
{
	static const char name[] = "\ngrpc-status:";
	const char *line =
		headers->len ? memmem(headers->data, headers->len, name, sizeof(name) - 1) : NULL;
	char digits[4] = "";
	uint64_t n;
	size_t len;

	if (!line)
		return -1;
	line += sizeof(name) - 1;
	line += strspn(line, " ");
	len = strcspn(line, "\r\n");
	if (len >= sizeof(digits))
		return -1;
	memcpy(digits, line, len);
	return parse_u64(digits, &n) ? -1 : (int)n;
}

/* What is reported as a status: that of HTTP from 100, that of the call below
 * CALL_STATUSES, and that of the health behind it. */
enum { CALL_STATUSES = 32, HTTP_STATUSES = 100, SERVING = 1 };

static const char *const statuses[] = {
	[1] = "CANCELLED",
	[2] = "the call ended UNKNOWN",
	[3] = "INVALID_ARGUMENT",
	[4] = "DEADLINE_EXCEEDED",
	[5] = "NOT_FOUND, no such service there",
	[6] = "ALREADY_EXISTS",
	[7] = "PERMISSION_DENIED",
	[8] = "RESOURCE_EXHAUSTED",
	[9] = "FAILED_PRECONDITION",
	[10] = "ABORTED",
	[11] = "OUT_OF_RANGE",
	[12] = "UNIMPLEMENTED, it does not tell its health",
	[13] = "INTERNAL",
	[14] = "UNAVAILABLE",
	[15] = "DATA_LOSS",
	[16] = "UNAUTHENTICATED",
	[CALL_STATUSES + 0] = "its health is UNKNOWN",
	[CALL_STATUSES + 2] = "NOT_SERVING",
	[CALL_STATUSES + 3] = "SERVICE_UNKNOWN, no such service there",
};

static const char *status_text(int status)
{
	return status >= 0 && (size_t)status < countof(statuses) ? statuses[status] : NULL;
}

static void fail(struct probe_report *report, int status)
{
	report->reason = PROBE_ANSWER_STATUS;
	report->status = status;
	report->text = status_text(status);
}

static void malformed(struct probe_report *report, const char *text)
{
	report->reason = PROBE_ANSWER_MALFORMED;
	report->text = text;
}

static void judge(const struct fetch_result *r, struct probe_report *report)
{
	int call = call_status(&r->headers);
	uint64_t health;

	if (r->status != 200)
		fail(report, r->status);
	else if (call < 0 || (call && (call >= CALL_STATUSES || !status_text(call))))
		malformed(report, "it answers, but not by gRPC");
	else if (call)
		fail(report, call);
	else if (r->truncated || !read_answer(&r->body, &health) ||
		 (health != SERVING && (health >= HTTP_STATUSES - CALL_STATUSES ||
					!status_text(CALL_STATUSES + (int)health))))
		malformed(report, "its message makes no sense");
	else if (health != SERVING)
		fail(report, CALL_STATUSES + (int)health);
}

/* --- running -------------------------------------------------------------------------- */

static void on_fetched(void *arg, const struct fetch_result *r)
{
	struct probe_run *run = arg;
	const struct grpc_conf *c = run->conf->head.part_conf;
	struct probe_report report = probe_fetch_report(r, &c->tls);

	if (report.reason == PROBE_OK)
		judge(r, &report);
	probe_done(run, &report);
}

/* http:// for grpc://, https:// for grpcs://, and the method in the place of the service. */
static void put_url(struct buf *out, const struct probe_conf *conf, const char *host,
		    const struct addr *a)
{
	const char *authority = strstr(conf->url, "://") + 3;
	struct buf text = BUF_INIT;

	buf_puts(&text, conf->scheme == &probe_grpc.schemes[0] ? "http://" : "https://");
	buf_put(&text, authority, strcspn(authority, "/"));
	buf_puts(&text, "/grpc.health.v1.Health/Check");
	probe_fetch_url(out, buf_str(&text), host, a);
	out->failed |= !buf_ok(&text);
	buf_fini(&text);
}

static void grpc_start(struct probe_run *run)
{
	static const char *const headers[] = { "Content-Type: application/grpc", "TE: trailers",
					       NULL };
	const struct grpc_conf *c = run->conf->head.part_conf;
	struct buf url = BUF_INIT, question = BUF_INIT;
	struct fetch_request req = {
		.method = "POST", .headers = headers, .http2 = true, .max_body = MAX_BODY
	};
	const char *path = strchr(strstr(run->conf->url, "://") + 3, '/');

	put_question(&question, path ? path + 1 : "");
	put_url(&url, run->conf, c->host, &run->addr);
	url.failed |= !buf_ok(&question);
	req.body = question.data;
	req.body_len = question.len;
	probe_fetch_tls(&req, &c->tls);
	probe_fetch_start(run, &req, &url, on_fetched);
	buf_fini(&question);
}

/* clang-format off */
static const struct conf_key keys[] = {
	PROBE_TLS_KEYS(struct grpc_conf, tls),
	{ .name = "host", .type = &probe_host_type, .offset = offsetof(struct grpc_conf, host),
	  .help = "Name for :authority, SNI and verification in the place of the URL's host." },
};
/* clang-format on */

static const struct probe_scheme schemes[] = {
	{ .name = "grpc", .port = 50051, .path = true, .needs_port = true },
	{ .name = "grpcs", .port = 443, .path = true, .needs_port = true },
	{ .name = NULL },
};

const struct probe_type probe_grpc = {
	.name = "grpc",
	.schemes = schemes,
	.help = "Asks a gRPC server for its health, by grpc.health.v1; the path is a service.",
	.part = { .name = "grpc",
		  .keys = keys,
		  .n_keys = countof(keys),
		  .size = sizeof(struct grpc_conf) },
	.run_size = sizeof(struct probe_fetch_run),
	.status_text = status_text,
	.start = grpc_start,
	.cancel = probe_fetch_cancel,
};
