/* webhook.c: tells the receiver that a [notify] section names: the JSON by POST. What
 * does not come through, 5xx and 429 are worth another attempt; any other answer but
 * 2xx is the receiver's last word, and a redirect is no receiver.
 *
 * The token's file is read for each attempt, so that a new token needs no reload. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions/said.h"
#include "actions/table.h"
#include "agent/base/attr.h"
#include "agent/base/fetch.h"
#include "agent/base/parse.h"
#include "agent/tell.h"
#include "conf/setter.h"

enum { MAX_ANSWER = 512, MAX_TOKEN = 4096 };

struct webhook_run {
	struct fetch *fetch;
};

static int notify_effect(const char *argument, struct buf *why, int *ret_effect)
{
	if (!*argument) {
		buf_puts(why, "notify needs the name of a [notify] section, as in 'notify ops'");
		return -EINVAL;
	}
	if (!conf_name_ok(argument)) {
		buf_printf(why, "notify takes the name of one [notify] section, not '%s'",
			   argument);
		return -EINVAL;
	}
	*ret_effect = 0;
	return 0;
}

/* --- the token ---------------------------------------------------------------- */

/* Up to MAX_TOKEN bytes of a regular file. */
static ssize_t read_token(const char *path, char *to)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t n = -1;

	if (fd == -1)
		return -errno;
	if (fstat(fd, &st) == 0)
		n = S_ISREG(st.st_mode) ? read(fd, to, MAX_TOKEN) : (errno = EINVAL, -1);
	if (n == -1)
		n = -errno;
	close(fd);
	return n;
}

/* Appends the header's line. The token is the first line of the file, and all of it is
 * printable: nothing can put a header of its own behind it. */
static int put_authorization(struct buf *out, const char *path, struct buf *why)
{
	char text[MAX_TOKEN + 1] = "";
	ssize_t n = read_token(path, text);
	size_t i, len;
	int r = -EINVAL;

	if (n < 0) {
		buf_printf(why, "bearer_token_file: %s", strerrordesc_np((int)-n));
		return (int)n;
	}
	len = strcspn(text, "\r\n");
	for (i = 0; i < len && text[i] > ' ' && text[i] < 0x7f; i++)
		;
	if (!len || i < len || n == MAX_TOKEN) {
		buf_puts(why, "bearer_token_file: there is no token in its first line");
	} else {
		buf_printf(out, "Authorization: Bearer %.*s", (int)len, text);
		r = buf_ok(out) ? 0 : -ENOMEM;
	}
	explicit_bzero(text, sizeof(text));
	return r;
}

/* --- one attempt -------------------------------------------------------------- */

static void report(struct tell_run *run, enum tell_outcome outcome, int64_t after_ms,
		   struct buf *text)
{
	const struct tell_report r = { .outcome = outcome,
				       .after_ms = after_ms,
				       .text = buf_str(text) };

	tell_done(run, &r);
	buf_fini(text);
}

/* Of an answer's "Retry-After: 120", in ms; a date, or none, is 0. */
static int64_t retry_after(const struct buf *headers)
{
	static const char name[] = "\r\nRetry-After:";
	const char *at = strcasestr(buf_str(headers), name);
	char digits[8] = "";
	uint64_t seconds;
	size_t len;

	if (!at)
		return 0;
	at += sizeof(name) - 1;
	at += strspn(at, " \t");
	len = strspn(at, "0123456789");
	if (!len || len >= sizeof(digits))
		return 0;
	memcpy(digits, at, len);
	return parse_u64(digits, &seconds) ? 0 : (int64_t)seconds * 1000;
}

static void on_result(void *arg, const struct fetch_result *r)
{
	struct buf text = BUF_INIT;

	if (r->error) {
		buf_puts(&text, r->text);
		report(arg, TELL_AGAIN, 0, &text);
		return;
	}
	if (r->status >= 200 && r->status < 300) {
		report(arg, TELL_SENT, 0, &text);
		return;
	}
	buf_printf(&text, "HTTP %d", r->status);
	said_first_line(&text, buf_str(&r->body));
	if (r->status == 429 || r->status >= 500)
		report(arg, TELL_AGAIN, retry_after(&r->headers), &text);
	else
		report(arg, TELL_FAILED, 0, &text);
}

static void webhook_start(struct tell_run *run)
{
	const struct notify_conf *conf = run->conf;
	struct webhook_run *w = run->state;
	struct buf authorization = BUF_INIT, why = BUF_INIT;
	const char *headers[] = { "Content-Type: application/json", NULL, NULL };
	const struct fetch_request req = { .url = conf->url,
					   .method = "POST",
					   .headers = headers,
					   .body = run->body,
					   .body_len = run->body_len,
					   .ca_file = conf->ca_file,
					   .timeout_ms = conf->timeout,
					   .max_body = MAX_ANSWER };
	int r = 0;

	if (conf->bearer_token_file)
		r = put_authorization(&authorization, conf->bearer_token_file, &why);
	if (!r) {
		headers[1] = authorization.data;
		r = fetch_start(run->fetches, &req, on_result, run, &w->fetch);
		if (r)
			buf_puts(&why, strerrordesc_np(-r));
	}
	if (authorization.data)
		explicit_bzero(authorization.data, authorization.cap);
	buf_fini(&authorization);
	if (r)
		report(run, TELL_AGAIN, 0, &why);
	buf_fini(&why);
}

static void webhook_cancel(struct tell_run *run)
{
	struct webhook_run *w = run->state;

	fetch_cancel(w->fetch);
}

static const struct teller teller = {
	.run_size = sizeof(struct webhook_run),
	.at_once = 1,
	.start = webhook_start,
	.cancel = webhook_cancel,
};

const struct action action_notify = {
	.name = "notify",
	.usage = "notify NAME",
	.help = "tells the receiver of [notify NAME]",
	.kind = ACTION_TELL,
	.effect = notify_effect,
	.refers = "notify",
	.teller = &teller,
};
