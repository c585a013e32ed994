/* probe_ldap.c: does an LDAP server serve? It is asked to let nobody in: an anonymous bind,
 * which is fourteen bytes. A server that turns it down by its rules is at work as well; one
 * that is busy, unavailable or broken is not. Answers are read as BER of definite lengths,
 * which is what LDAP allows. */
#include <string.h>

#include "collectors/stream.h"
#include "collectors/table.h"

enum { ANSWER_MAX = 4096 };

/* What its messages are made of, by their first byte. */
enum {
	INTEGER = 0x02,
	OCTETS = 0x04,
	ENUMERATED = 0x0a,
	MESSAGE = 0x30,
	BIND_RESPONSE = 0x61,
	EXTENDED_RESPONSE = 0x78, /* unasked, number 0: a notice that it hangs up */
};

enum { BIND_NUMBER = 1 };

/* Message 1: bind, version 3, an empty name, an empty password. */
static const unsigned char bind_request[] = { 0x30, 0x0c, 0x02, 0x01, 0x01, 0x60, 0x07,
					      0x02, 0x01, 0x03, 0x04, 0x00, 0x80, 0x00 };
/* Message 2: the client goes. */
static const unsigned char unbind_request[] = { 0x30, 0x05, 0x02, 0x01, 0x02, 0x42, 0x00 };

/* What a server at work says: success, or by which of its rules it turns one client down. */
static const uint8_t served[] = {
	0,  2, /* protocolError: this version is not for it */
	7,     /* authMethodNotSupported */
	8,     /* strongerAuthRequired */
	13,    /* confidentialityRequired: only with TLS */
	48,    /* inappropriateAuthentication: nobody anonymous */
	49,    /* invalidCredentials */
	50,    /* insufficientAccessRights */
	53,    /* unwillingToPerform */
};

/* By any other it does not serve; these are the ones to be expected. */
static const char *const statuses[] = {
	[1] = "operationsError", [3] = "timeLimitExceeded",
	[10] = "referral",       [11] = "adminLimitExceeded",
	[51] = "busy",           [52] = "unavailable",
	[80] = "other",
};

static const char *status_text(int status)
{
	return status >= 0 && (size_t)status < countof(statuses) ? statuses[status] : NULL;
}

/* --- BER ------------------------------------------------------------------------------ */

struct bytes {
	const unsigned char *p;
	size_t n;
};

/* Takes an element of that kind off `in`: 1 = it is whole, 0 = more must come, -1 = there
 * is something else, or more of it than makes sense. */
static int take(struct bytes *in, unsigned char kind, struct bytes *ret_content)
{
	size_t head = 2, len, i, n;

	if (in->n && in->p[0] != kind)
		return -1;
	if (in->n < head)
		return 0;
	len = in->p[1];
	if (len & 0x80) { /* it is how many bytes of length follow */
		n = len & 0x7f;
		if (!n || n > 4)
			return -1;
		head += n;
		if (in->n < head)
			return 0;
		for (i = 2, len = 0; i < head; i++)
			len = len << 8 | in->p[i];
	}
	if (len > ANSWER_MAX)
		return -1;
	if (in->n - head < len)
		return 0;
	*ret_content = (struct bytes){ in->p + head, len };
	in->p += head + len;
	in->n -= head + len;
	return 1;
}

/* A number below 2^31, whole within `in`. */
static bool take_number(struct bytes *in, unsigned char kind, uint32_t *ret_number)
{
	uint32_t number = 0;
	struct bytes content;
	size_t i;

	if (take(in, kind, &content) != 1 || !content.n || content.n > 4 || content.p[0] & 0x80)
		return false;
	for (i = 0; i < content.n; i++)
		number = number << 8 | content.p[i];
	*ret_number = number;
	return true;
}

/* --- talking -------------------------------------------------------------------------- */

static void ldap_begin(struct stream *s)
{
	s->max = ANSWER_MAX;
	buf_put(&s->out, bind_request, sizeof(bind_request));
}

/* The result and the server's text in a message; false = it makes no sense. */
static bool read_result(struct bytes message, bool *ret_bound, uint32_t *ret_code,
			struct bytes *ret_text)
{
	uint32_t number, code;
	struct bytes result, name;
	bool bound;

	if (!take_number(&message, INTEGER, &number) || !message.n)
		return false;
	bound = message.p[0] == BIND_RESPONSE && number == BIND_NUMBER;
	if (!bound && (message.p[0] != EXTENDED_RESPONSE || number))
		return false;
	if (take(&message, message.p[0], &result) != 1 ||
	    !take_number(&result, ENUMERATED, &code) || take(&result, OCTETS, &name) != 1 ||
	    take(&result, OCTETS, ret_text) != 1)
		return false;
	*ret_bound = bound;
	*ret_code = code;
	return true;
}

static bool serves(uint32_t code)
{
	size_t i;

	for (i = 0; i < countof(served); i++)
		if (served[i] == code)
			return true;
	return false;
}

static enum stream_next ldap_judge(struct stream *s, bool last ATTR_UNUSED,
				   struct probe_report *verdict)
{
	struct bytes in = { (const unsigned char *)s->in.data, s->in.len }, message, text;
	uint32_t code;
	bool bound;
	int r = take(&in, MESSAGE, &message);

	if (!r)
		return STREAM_MORE;
	if (r < 0 || !read_result(message, &bound, &code, &text)) {
		verdict->reason = PROBE_ANSWER_MALFORMED;
		return STREAM_END;
	}
	if (bound && serves(code)) {
		buf_put(&s->out, unbind_request, sizeof(unbind_request));
		verdict->reason = PROBE_OK;
		return STREAM_LEAVE;
	}
	*verdict = (struct probe_report){ .reason = PROBE_ANSWER_STATUS, .status = (int)code };
	verdict->text = text.n ? stream_text(s, (const char *)text.p, text.n)
			       : status_text(verdict->status);
	return STREAM_END;
}

static const struct stream_talk talk = {
	.name = "probe_ldap",
	.begin = ldap_begin,
	.judge = ldap_judge,
};

static void ldap_start(struct probe_run *run)
{
	stream_start(run, &talk);
}

static const struct probe_scheme schemes[] = {
	{ .name = "ldap", .port = 389, .needs_port = true },
	{ .name = NULL },
};

const struct probe_type probe_ldap = {
	.name = "ldap",
	.schemes = schemes,
	.help = "Asks an LDAP server for an anonymous bind; one that refuses it by its rules "
		"serves.",
	.part = { .name = "ldap" },
	.run_size = sizeof(struct stream),
	.status_text = status_text,
	.start = ldap_start,
	.expire = stream_expire,
	.cancel = stream_cancel,
};
