/* test_probe_mail.c: the mail kind against servers that speak by a script. */
#include <dirent.h>
#include <errno.h>

#include "collectors/table.h"
#include "tests/unit/web_server.h"
#include "tests/unit/wire_case.h"

#define NAME "mail.test.example"

/* What a server says: first the greeting, then its answer to each line; '|' parts them.
 * Behind '!' the connection changes to TLS. When all is said, it listens, or with '$' hangs
 * up. */
#define SMTP     "220 mail ESMTP\r\n|250-mail\r\n250 SIZE 1000\r\n"
#define SMTP_TLS "220 mail ESMTP\r\n|250-mail\r\n250 STARTTLS\r\n|220 go\r\n!|250 mail\r\n"
#define IMAP     "* OK IMAP4rev1 ready\r\n|* CAPABILITY IMAP4rev1\r\nA001 OK done\r\n"
#define IMAP_TLS                                                                                   \
	"* OK ready\r\n|* CAPABILITY IMAP4rev1 STARTTLS\r\nA001 OK done\r\n|A002 OK go\r\n!"       \
	"|* CAPABILITY IMAP4rev1\r\nA003 OK done\r\n"
#define POP3     "+OK POP3 ready\r\n|+OK\r\nUSER\r\nUIDL\r\n.\r\n"
#define POP3_TLS "+OK ready\r\n|+OK\r\nUSER\r\nSTLS\r\n.\r\n|+OK go\r\n!|+OK\r\nUSER\r\n.\r\n"

static gnutls_certificate_credentials_t credentials;
static struct buf heard; /* all lines of the last connection */
static ssize_t end;      /* what read() said at its end: 0 = in good order */

/* If the script says so here. */
static const char *change_to_tls(struct web_stream *s, const char *text)
{
	if (*text != '!')
		return text;
	gnutls_init(&s->tls, GNUTLS_SERVER);
	gnutls_set_default_priority(s->tls);
	gnutls_credentials_set(s->tls, GNUTLS_CRD_CERTIFICATE, credentials);
	gnutls_transport_set_int(s->tls, s->fd);
	if (gnutls_handshake(s->tls) < 0) {
		gnutls_deinit(s->tls);
		s->tls = NULL;
	}
	return text + 1;
}

/* Reads a line into `heard`; false = the client is gone. */
static bool hear_line(struct web_stream *s)
{
	char byte = 0;

	while (byte != '\n') {
		end = web_read(s, &byte, 1);
		if (end <= 0)
			return false;
		buf_putc(&heard, byte);
	}
	return true;
}

static void serve_script(struct wire_server *w, int fd)
{
	struct web_stream s = { .fd = fd };
	const char *text = w->bytes;
	size_t len;

	buf_reset(&heard);
	do {
		text = change_to_tls(&s, text);
		len = strcspn(text, "|!$");
		if (len && web_write(&s, text, len) <= 0)
			break;
		text = change_to_tls(&s, text + len);
		text += *text == '|';
	} while (*text != '$' && hear_line(&s));
	if (s.tls)
		gnutls_deinit(s.tls);
}

static struct target probe_script(struct kind_case *k, const char *script)
{
	struct wire_server w;
	struct target t;

	wire_start(&w, serve_script, script, strlen(script));
	t = kind_probe(k, &w.addr);
	wire_stop(&w);
	return t;
}

/* --- dialogues -------------------------------------------------------------- */

static const struct script_case {
	const char *url, *starttls, *script;
	enum probe_reason reason;
	uint16_t status;
	const char *heard; /* by the server, whole; NULL = whatever */
} scripts[] = {
	{ "smtp://" NAME, "no", SMTP, PROBE_OK, 250, "EHLO probe.example\r\nQUIT\r\n" },
	{ "smtp://" NAME, "try", SMTP, PROBE_OK, 250, "EHLO probe.example\r\nQUIT\r\n" },
	{ "smtp://" NAME, "no", SMTP_TLS, PROBE_OK, 250, "EHLO probe.example\r\nQUIT\r\n" },
	{ "smtp://" NAME, "must", SMTP, PROBE_TLS_FAILED, 250, NULL },
	{ "smtp://" NAME, "must", SMTP_TLS, PROBE_OK, 250,
	  "EHLO probe.example\r\nSTARTTLS\r\nEHLO probe.example\r\nQUIT\r\n" },
	{ "smtp://" NAME, "try", SMTP_TLS, PROBE_OK, 250,
	  "EHLO probe.example\r\nSTARTTLS\r\nEHLO probe.example\r\nQUIT\r\n" },
	{ "smtp://other.example", "must", SMTP_TLS, PROBE_TLS_UNTRUSTED, 220, NULL },
	/* one that knows no EHLO */
	{ "smtp://" NAME, "no", "220 mail\r\n|500 what?\r\n|250 mail\r\n", PROBE_OK, 250,
	  "EHLO probe.example\r\nHELO probe.example\r\nQUIT\r\n" },
	{ "smtp://" NAME, "no", "421 too busy\r\n", PROBE_ANSWER_STATUS, 421, NULL },
	{ "smtp://" NAME, "no", "554 no\r\n", PROBE_ANSWER_STATUS, 554, NULL },
	{ "smtp://" NAME, "no", "421 too busy\r\n$", PROBE_ANSWER_STATUS, 421, NULL },
	{ "smtp://" NAME, "no", "220 mail\r\n|421 I go\r\n$", PROBE_ANSWER_STATUS, 421, NULL },
	{ "smtp://" NAME, "no", "220 mail\r\n|$", PROBE_CONNECT_RESET, 220, NULL },
	{ "smtp://" NAME, "no", "220-mail\r\n$", PROBE_CONNECT_RESET, 0, NULL },
	{ "smtp://" NAME, "no", "2200 mail\r\n", PROBE_ANSWER_MALFORMED, 0, NULL },
	{ "smtp://" NAME, "no", "220 mail\r\n|550 no\r\n|550 no\r\n", PROBE_ANSWER_STATUS, 550,
	  NULL },
	{ "imap://" NAME, "no", IMAP, PROBE_OK, 0, "A001 CAPABILITY\r\nA9 LOGOUT\r\n" },
	{ "imap://" NAME, "must", IMAP_TLS, PROBE_OK, 0,
	  "A001 CAPABILITY\r\nA002 STARTTLS\r\nA003 CAPABILITY\r\nA9 LOGOUT\r\n" },
	{ "imap://" NAME, "must", IMAP, PROBE_TLS_FAILED, 0, NULL },
	{ "imap://" NAME, "no", "* BYE too busy\r\n", PROBE_ANSWER_BODY, 0, NULL },
	{ "imap://" NAME, "no", "* BYE too busy\r\n$", PROBE_ANSWER_BODY, 0, NULL },
	{ "imap://" NAME, "no", "* OK ready\r\n|* BYE I go\r\n$", PROBE_CONNECT_RESET, 0, NULL },
	{ "imap://" NAME, "no", "+OK POP3 ready\r\n", PROBE_ANSWER_MALFORMED, 0, NULL },
	{ "pop3://" NAME, "no", POP3, PROBE_OK, 0, "CAPA\r\nQUIT\r\n" },
	{ "pop3://" NAME, "must", POP3_TLS, PROBE_OK, 0, "CAPA\r\nSTLS\r\nCAPA\r\nQUIT\r\n" },
	{ "pop3://" NAME, "must", POP3, PROBE_TLS_FAILED, 0, NULL },
	{ "pop3://" NAME, "no", "-ERR too busy\r\n", PROBE_ANSWER_BODY, 0, NULL },
	{ "pop3://" NAME, "no", "-ERR too busy\r\n$", PROBE_ANSWER_BODY, 0, NULL },
	{ "pop3://" NAME, "no", "220 mail\r\n", PROBE_ANSWER_MALFORMED, 0, NULL },
	/* TLS from the first byte on */
	{ "smtps://" NAME, "no", "!" SMTP, PROBE_OK, 250, "EHLO probe.example\r\nQUIT\r\n" },
	{ "imaps://" NAME, "no", "!" IMAP, PROBE_OK, 0, "A001 CAPABILITY\r\nA9 LOGOUT\r\n" },
	{ "pop3s://" NAME, "no", "!" POP3, PROBE_OK, 0, "CAPA\r\nQUIT\r\n" },
	{ "imaps://other.example", "no", "!" IMAP, PROBE_TLS_UNTRUSTED, 0, NULL },
};

/* Nobody answers the farewell, and nobody waits for that. */
static void test_scripts(void **state ATTR_UNUSED)
{
	struct web_cert cert;
	struct kind_case k;
	struct target t;
	size_t i;

	web_cert_new(&cert, NAME);
	credentials = cert.credentials;
	for (i = 0; i < countof(scripts); i++) {
		const struct script_case *c = &scripts[i];

		kind_init(&k, &probe_mail, c->url);
		assert_int_equal(kind_set(&k, "starttls", c->starttls), 0);
		assert_int_equal(kind_set(&k, "helo", "probe.example"), 0);
		assert_int_equal(kind_set(&k, "ca_file", cert.path), 0);
		t = probe_script(&k, c->script);
		kind_reason(&t, c->reason, c->script);
		assert_int_equal(t.last_status, c->status);
		/* why, in the server's own words */
		if (c->reason == PROBE_ANSWER_STATUS || c->reason == PROBE_ANSWER_BODY)
			assert_true(*k.said && strstr(c->script, k.said) &&
				    strncmp(k.said, "220", 3) != 0);
		assert_true(t.last_us < 5000000);
		if (c->heard) {
			assert_string_equal(buf_str(&heard), c->heard);
			assert_int_equal(end, 0);
		}
		kind_fini(&k);
	}
	buf_fini(&heard);
	web_cert_free(&cert);
}

static void test_expiry(void **state ATTR_UNUSED)
{
	struct web_cert cert;
	struct kind_case k;
	struct target t;

	web_cert_new(&cert, NAME);
	credentials = cert.credentials;
	kind_init(&k, &probe_mail, "smtp://{address}");
	assert_int_equal(kind_set(&k, "starttls", "must"), 0);
	assert_int_equal(kind_set(&k, "server_name", NAME), 0);
	assert_int_equal(kind_set(&k, "ca_file", cert.path), 0);
	assert_int_equal(kind_set(&k, "min_days", "2"), 0);
	t = probe_script(&k, SMTP_TLS);
	kind_reason(&t, PROBE_TLS_EXPIRING, "a day is left");
	assert_true(t.tls_not_after > 0);
	kind_fini(&k);
	buf_fini(&heard);
	web_cert_free(&cert);
}

/* --- no dialogue ------------------------------------------------------------ */

#define M(text) text, sizeof(text) - 1

/* Greets, and resets the connection at the first word. */
static void serve_reset(struct wire_server *w, int fd)
{
	(void)!send(fd, w->bytes, w->n, MSG_NOSIGNAL);
	wire_reset(&(struct wire_server){ 0 }, fd);
}

static void serve_close(struct wire_server *w ATTR_UNUSED, int fd ATTR_UNUSED)
{
}

static const struct wire_case wires[] = {
	{ "silence", "smtp://" NAME, wire_silent, "", 0, PROBE_ANSWER_TIMEOUT },
	{ "silence", "imap://" NAME, wire_silent, "", 0, PROBE_ANSWER_TIMEOUT },
	{ "silence", "pop3://" NAME, wire_silent, "", 0, PROBE_ANSWER_TIMEOUT },
	{ "silence in TLS", "smtps://" NAME, wire_silent, "", 0, PROBE_TLS_TIMEOUT },
	{ "a drip of greeting", "smtp://" NAME, wire_drip, M("220-hello"), PROBE_ANSWER_TIMEOUT },
	{ "a drip of greeting", "imap://" NAME, wire_drip, M("* OK a"), PROBE_ANSWER_TIMEOUT },
	{ "a drip of greeting", "pop3://" NAME, wire_drip, M("+OK a"), PROBE_ANSWER_TIMEOUT },
	{ "10 MB in a line", "smtp://" NAME, wire_flood, M("220-aaaaaaaaaaaaa"),
	  PROBE_ANSWER_MALFORMED },
	{ "10 MB of lines", "smtp://" NAME, wire_flood, M("220-hello\r\n"),
	  PROBE_ANSWER_MALFORMED },
	{ "10 MB of garbage", "smtp://" NAME, wire_flood, M("\1\2\3\r\n"), PROBE_ANSWER_MALFORMED },
	{ "nothing", "smtp://" NAME, wire_flood, M("\0\r\n"), PROBE_ANSWER_MALFORMED },
	{ "a reset in the dialogue", "smtp://" NAME, serve_reset, M("220 mail ESMTP\r\n"),
	  PROBE_CONNECT_RESET },
	{ "closed without a word", "smtp://" NAME, serve_close, "", 0, PROBE_CONNECT_RESET },
};

static void test_no_answers(void **state ATTR_UNUSED)
{
	wire_cases(&probe_mail, wires, countof(wires));
	wire_refused(&probe_mail, "smtp://" NAME);
	wire_no_descriptors(&probe_mail, "smtp://" NAME);
}

static int count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* One attempt and its server, which is gone afterwards with all that it had open. */
static void probe_once(struct probe_case *c, struct kind_case *k, const char *script)
{
	struct wire_server w;
	struct target t;

	wire_start(&w, serve_script, script, strlen(script));
	t = case_probe(c, &k->conf, &w.addr, 1);
	wire_stop(&w);
	kind_reason(&t, PROBE_OK, "one after the other");
}

/* The connection is given up with each attempt, not kept for the next. */
static void test_descriptors(void **state ATTR_UNUSED)
{
	struct probe_case c;
	struct kind_case k;
	int before, i;

	kind_init(&k, &probe_mail, "smtp://" NAME);
	case_init(&c, true);
	probe_once(&c, &k, SMTP);
	before = count_descriptors();
	for (i = 0; i < 5; i++)
		probe_once(&c, &k, SMTP);
	assert_int_equal(count_descriptors(), before);
	case_fini(&c);
	kind_fini(&k);
	buf_fini(&heard);
}

/* A file of certificates that is not there is our fault. */
static void test_no_ca_file(void **state ATTR_UNUSED)
{
	struct kind_case k;
	struct target t;

	kind_init(&k, &probe_mail, "smtps://" NAME);
	assert_int_equal(kind_set(&k, "ca_file", "/nonexistent/ca.pem"), 0);
	t = probe_script(&k, "");
	kind_reason(&t, PROBE_LOCAL_CONFIG, "no CA file");
	assert_int_equal(t.health.verdict, VERDICT_NONE);
	kind_fini(&k);
	buf_fini(&heard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scripts),    cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_no_answers), cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_no_ca_file),
	};

	return cmocka_run_group_tests_name("probe_mail", tests, NULL, NULL);
}
