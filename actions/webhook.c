/* webhook.c: tells the receiver that a [notify] section names: the JSON by POST. What
 * does not come through, 5xx and 429 are worth another attempt; any other answer but
 * 2xx is the receiver's last word, and a redirect is no receiver. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "actions/said.h"
#include "actions/table.h"
#include "agent/base/attr.h"
#include "agent/base/bearer.h"
#include "agent/base/fetch.h"
#include "agent/base/parse.h"
#include "agent/tell.h"
#include "conf/setter.h"

enum { MAX_ANSWER = 512 };

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
		r = bearer_header("bearer_token_file", conf->bearer_token_file, &authorization,
				  &why);
	if (!r) {
		headers[1] = authorization.data;
		r = fetch_start(run->fetches, &req, on_result, run, &w->fetch);
		if (r)
			buf_puts(&why, strerrordesc_np(-r));
	}
	bearer_wipe(&authorization);
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
