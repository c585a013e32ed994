/* probe_mail.c: does a mail server greet, by SMTP, IMAP or POP3? It goes as far as one may
 * without a login: the greeting, the question what the server can (EHLO, CAPABILITY, CAPA),
 * STARTTLS where that is asked for, and the farewell. Nothing is delivered and nobody logs
 * in, so that it stands in no log as an attempt.
 *
 * A whole transfer by libcurl would wait for the answer to its QUIT, and the loop with it.
 * So the connection is all that is asked of it, and the farewell is only sent. */
#include <ctype.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/base/fetch.h"
#include "agent/base/fetch_mail.h"
#include "agent/probe.h"
#include "collectors/probe_fetch.h"
#include "collectors/table.h"
#include "conf/key.h"

enum { REPLY_REFUSED = 400 }; /* SMTP's replies from there on */

struct mail_conf {
	const char *helo; /* NULL = this machine's name */
	int starttls;     /* enum fetch_starttls */
	struct probe_tls_conf tls;
};

/* --- protocols ------------------------------------------------------------------------ */

static bool begins(const char *line, size_t len, const char *with)
{
	size_t n = strlen(with);

	return len >= n && !strncasecmp(line, with, n);
}

/* Three digits and what may stand behind them. */
static bool greets_smtp(const char *line, size_t len)
{
	return len > 3 && isdigit((unsigned char)line[0]) && isdigit((unsigned char)line[1]) &&
	       isdigit((unsigned char)line[2]) && line[3] && strchr(" -\r\n", line[3]);
}

static bool greets_imap(const char *line, size_t len)
{
	return begins(line, len, "* ");
}

static bool greets_pop3(const char *line, size_t len)
{
	return begins(line, len, "+OK") || begins(line, len, "-ERR");
}

/* By scheme; two of them, plain and over TLS, have one. */
static const struct fetch_mail protocols[] = {
	{ greets_smtp, "QUIT\r\n" },
	{ greets_imap, "A9 LOGOUT\r\n" },
	{ greets_pop3, "QUIT\r\n" },
};

/* What an IMAP or POP3 server says that does not serve: it has no numbers for it. */
static const char *const unwelcomes[] = { "* BYE", "-ERR" };

/* What the server said was well-formed, and no welcome: then its last line says why. */
static void judge_unwelcome(const struct fetch_result *r, struct probe_report *report)
{
	const char *said = r->headers.data, *before;
	size_t i;

	if (!r->headers.len)
		return;
	before = memrchr(said, '\n', r->headers.len - 1);
	if (r->status >= REPLY_REFUSED)
		report->reason = PROBE_ANSWER_STATUS;
	for (i = 0; i < countof(unwelcomes); i++)
		if (begins(said, r->headers.len, unwelcomes[i]))
			report->reason = PROBE_ANSWER_BODY;
	if (report->reason == PROBE_ANSWER_STATUS || report->reason == PROBE_ANSWER_BODY)
		report->text = before ? before + 1 : said;
}

/* --- running -------------------------------------------------------------------------- */

static void on_fetched(void *arg, const struct fetch_result *r)
{
	struct probe_run *run = arg;
	const struct mail_conf *c = run->conf->head.part_conf;
	struct probe_report report = probe_fetch_report(r, &c->tls);

	/* some hang up behind it */
	if (report.reason == PROBE_ANSWER_MALFORMED || report.reason == PROBE_CONNECT_RESET)
		judge_unwelcome(r, &report);
	probe_done(run, &report);
}

static void mail_start(struct probe_run *run)
{
	const struct mail_conf *c = run->conf->head.part_conf;
	size_t scheme = (size_t)(run->conf->scheme - run->conf->type->schemes);
	struct fetch_request req = {
		.mail = &protocols[scheme / 2],
		.starttls = (enum fetch_starttls)c->starttls,
	};
	struct buf url = BUF_INIT;

	probe_fetch_tls(&req, &c->tls);
	req.server_name = NULL; /* it is the host: nobody sees another name */
	probe_fetch_url(&url, run->conf->url, c->tls.server_name, &run->addr);
	if (c->helo)
		buf_printf(&url, "/%s", c->helo);
	probe_fetch_start(run, &req, &url, on_fetched);
}

static const struct conf_enum starttls[] = {
	{ "no", FETCH_PLAIN },
	{ "try", FETCH_STARTTLS_TRY },
	{ "must", FETCH_STARTTLS },
	{ NULL, 0 },
};

/* clang-format off */
static const struct conf_key keys[] = {
	PROBE_TLS_KEYS(struct mail_conf, tls),
	{ .name = "helo", .type = &probe_host_type, .offset = offsetof(struct mail_conf, helo),
	  .help = "Name to greet with by SMTP, if it is not this machine's." },
	{ .name = "starttls", .type = &conf_enum_type,
	  .offset = offsetof(struct mail_conf, starttls), .def = "no", .extra = starttls,
	  .help = "Whether smtp, imap and pop3 change to TLS: no, try (where the server has it) "
		  "or must." },
};
/* clang-format on */

static const struct probe_scheme schemes[] = {
	{ .name = "smtp", .port = 25, .needs_port = true },
	{ .name = "smtps", .port = 465, .needs_port = true },
	{ .name = "imap", .port = 143, .needs_port = true },
	{ .name = "imaps", .port = 993, .needs_port = true },
	{ .name = "pop3", .port = 110, .needs_port = true },
	{ .name = "pop3s", .port = 995, .needs_port = true },
	{ .name = NULL },
};

const struct probe_type probe_mail = {
	.name = "mail",
	.schemes = schemes,
	.help = "Waits for a mail server's greeting, asks what it can, and takes its leave.",
	.part = { .name = "mail",
		  .keys = keys,
		  .n_keys = countof(keys),
		  .size = sizeof(struct mail_conf) },
	.run_size = sizeof(struct probe_fetch_run),
	.start = mail_start,
	.cancel = probe_fetch_cancel,
};
