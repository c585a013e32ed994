/* dns.c: c-ares makes the query and expands names, with all their compression; the
 * records are walked here, because its parsers of answers know no question, no CNAME
 * and no text. What comes is hostile: every read is within the message, and a name that
 * is longer than a name can be ends the walk, so that 64 KB of pointers cost nothing. */
#include "agent/base/dns.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

enum {
	HEADER_BYTES = 12,
	FIXED = 10,              /* of a record, behind its name */
	MAX_NAME_TEXT = 4 * 255, /* each byte of a name may become \ddd */
	FLAG_ANSWER = 0x80,      /* byte 2 */
	FLAG_CUT = 0x02,
	OPCODE = 0x78,
};

/* How a type's data are told: n a name, 2 and 4 numbers of so many bytes, a and A
 * addresses, t strings to the end. */
static const struct type_row {
	const char *name;
	uint16_t type;
	const char *layout;
} types[] = {
	{ "A", ns_t_a, "a" },           { "AAAA", ns_t_aaaa, "A" },  { "CNAME", ns_t_cname, "n" },
	{ "MX", ns_t_mx, "2n" },        { "NS", ns_t_ns, "n" },      { "PTR", ns_t_ptr, "n" },
	{ "SOA", ns_t_soa, "nn44444" }, { "SRV", ns_t_srv, "222n" }, { "TXT", ns_t_txt, "t" },
};

const char dns_type_names[] = "A, AAAA, CNAME, MX, NS, PTR, SOA, SRV, TXT";

static const char *const rcodes[] = {
	"NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",  "REFUSED",
	"YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE",
};

static const struct type_row *type_row(uint16_t type)
{
	size_t i;

	for (i = 0; i < countof(types); i++)
		if (types[i].type == type)
			return &types[i];
	return NULL;
}

int dns_type(const char *name, uint16_t *ret_type)
{
	size_t i;

	for (i = 0; i < countof(types); i++)
		if (!strcasecmp(types[i].name, name)) {
			*ret_type = types[i].type;
			return 0;
		}
	return -EINVAL;
}

const char *dns_type_name(uint16_t type)
{
	const struct type_row *row = type_row(type);

	return row ? row->name : NULL;
}

const char *dns_rcode_name(unsigned int rcode)
{
	return rcode < countof(rcodes) ? rcodes[rcode] : NULL;
}

int dns_rcode(const char *name, unsigned int *ret_rcode)
{
	unsigned int i;

	for (i = 0; i < countof(rcodes); i++)
		if (!strcasecmp(rcodes[i], name)) {
			*ret_rcode = i;
			return 0;
		}
	return -EINVAL;
}

int dns_query(const char *name, uint16_t type, uint16_t id, bool recursion, struct buf *out)
{
	unsigned char *bytes = NULL;
	int len = 0, r = ares_create_query(name, ns_c_in, type, id, recursion, &bytes, &len, 0);

	if (r == ARES_SUCCESS)
		buf_put(out, bytes, (size_t)len);
	ares_free_string(bytes);
	if (r == ARES_ENOMEM || !buf_ok(out))
		return -ENOMEM;
	return r == ARES_SUCCESS ? 0 : -EINVAL;
}

/* --- reading ------------------------------------------------------------------ */

struct reader {
	const uint8_t *message;
	size_t len, at;
	bool no_memory;
};

static bool read_number(struct reader *r, size_t bytes, uint32_t *ret_n)
{
	uint32_t n = 0;

	if (r->len - r->at < bytes)
		return false;
	for (; bytes; bytes--)
		n = n << 8 | r->message[r->at++];
	*ret_n = n;
	return true;
}

/* A name anywhere in the message, without its last dot; appended to `out` unless that
 * is NULL. */
static bool read_name(struct reader *r, struct buf *out)
{
	char *name = NULL;
	long used = 0;
	bool ok;
	int e = ARES_EBADNAME;

	if (r->at < r->len)
		e = ares_expand_name(r->message + r->at, r->message, (int)r->len, &name, &used);
	r->no_memory = e == ARES_ENOMEM;
	if (e)
		return false;
	ok = strlen(name) <= MAX_NAME_TEXT;
	if (ok && out)
		buf_puts(out, *name ? name : ".");
	ares_free_string(name);
	r->at += (size_t)used;
	return ok && r->at <= r->len;
}

static bool read_address(struct reader *r, int family, struct buf *out)
{
	size_t len = family == AF_INET ? 4 : 16;
	char text[INET6_ADDRSTRLEN];

	if (r->len - r->at < len || !inet_ntop(family, r->message + r->at, text, sizeof(text)))
		return false;
	r->at += len;
	buf_puts(out, text);
	return true;
}

/* Strings up to `end`, one behind the other, as those who read them do. */
static bool read_strings(struct reader *r, size_t end, struct buf *out)
{
	size_t len;

	while (r->at < end) {
		len = r->message[r->at++];
		if (len > end - r->at)
			return false;
		buf_put(out, r->message + r->at, len);
		r->at += len;
	}
	return true;
}

static bool read_field(struct reader *r, char kind, size_t end, struct buf *out)
{
	uint32_t n;

	switch (kind) {
	case 'n':
		return read_name(r, out);
	case 'a':
		return read_address(r, AF_INET, out);
	case 'A':
		return read_address(r, AF_INET6, out);
	case 't':
		return read_strings(r, end, out);
	default:
		if (!read_number(r, (size_t)(kind - '0'), &n))
			return false;
		buf_put_u64(out, n);
		return true;
	}
}

/* The data of one record, which must end at `end`. */
static bool read_data(struct reader *r, const char *layout, size_t end, struct buf *out)
{
	const char *field;

	for (field = layout; *field; field++) {
		if (field != layout)
			buf_putc(out, ' ');
		if (!read_field(r, *field, end, out))
			return false;
	}
	r->no_memory = !buf_ok(out);
	return r->at == end && buf_ok(out);
}

/* --- comparing ---------------------------------------------------------------- */

/* The length of a word without a name's last dot; the root stays. */
static size_t bare(const char *word, size_t len)
{
	return len > 1 && word[len - 1] == '.' ? len - 1 : len;
}

static bool same_words(const char *a, const char *b)
{
	size_t len_a, len_b;

	for (;;) {
		a += strspn(a, " \t");
		b += strspn(b, " \t");
		len_a = strcspn(a, " \t");
		len_b = strcspn(b, " \t");
		if (!len_a || !len_b)
			return len_a == len_b;
		if (bare(a, len_a) != bare(b, len_b) || strncasecmp(a, b, bare(a, len_a)) != 0)
			return false;
		a += len_a;
		b += len_b;
	}
}

static bool same_record(const struct type_row *row, const struct buf *record, const char *want)
{
	struct in6_addr a, b;
	int family = *row->layout == 'a' ? AF_INET : AF_INET6;

	if (*row->layout == 't')
		return record->len == strlen(want) &&
		       (!record->len || !memcmp(record->data, want, record->len));
	if (*row->layout != 'a' && *row->layout != 'A')
		return same_words(buf_str(record), want);
	return inet_pton(family, buf_str(record), &a) == 1 && inet_pton(family, want, &b) == 1 &&
	       !memcmp(&a, &b, family == AF_INET ? 4 : 16);
}

bool dns_text_ok(uint16_t type, const char *text)
{
	struct in6_addr a;

	if (type == ns_t_a || type == ns_t_aaaa)
		return inet_pton(type == ns_t_a ? AF_INET : AF_INET6, text, &a) == 1;
	return true;
}

/* --- the answer --------------------------------------------------------------- */

/* One record of the answer section; counts it if it is of the type asked for. */
static bool read_record(struct reader *r, const struct type_row *row, const char *want,
			struct buf *text, struct dns_answer *a)
{
	uint32_t type, class, ttl, len;

	if (!read_name(r, NULL) || !read_number(r, 2, &type) || !read_number(r, 2, &class) ||
	    !read_number(r, 4, &ttl) || !read_number(r, 2, &len) || len > r->len - r->at)
		return false;
	if (!row || type != row->type || class != ns_c_in) {
		r->at += len;
		return true;
	}
	buf_reset(text);
	if (!read_data(r, row->layout, r->at + len, text))
		return false;
	a->n++;
	if (want && same_record(row, text, want))
		a->found = true;
	return true;
}

/* The question as it was sent, but for the case of letters, which is no length's byte
 * (63 at most). */
static bool same_question(const uint8_t *a, const uint8_t *b, size_t len)
{
	for (; len; len--)
		if (tolower(*a++) != tolower(*b++))
			return false;
	return true;
}

/* A server that understood nothing may leave the question out. */
static bool is_ours(const uint8_t *m, size_t len, const struct buf *query)
{
	const uint8_t *q = (const uint8_t *)query->data;
	unsigned int questions;

	if (len < HEADER_BYTES || query->len < HEADER_BYTES || memcmp(m, q, 2) != 0 ||
	    !(m[2] & FLAG_ANSWER) || (m[2] & OPCODE))
		return false;
	questions = (unsigned int)m[4] << 8 | m[5];
	if (!questions)
		return (m[3] & 0xf) != ns_r_noerror && (m[3] & 0xf) != ns_r_nxdomain;
	return questions == 1 && len >= query->len &&
	       same_question(m + HEADER_BYTES, q + HEADER_BYTES, query->len - HEADER_BYTES);
}

enum dns_said dns_read(const void *message, size_t len, const struct buf *query, const char *want,
		       struct dns_answer *ret_answer)
{
	struct reader r = { .message = message, .len = len };
	const uint8_t *m = message;
	struct dns_answer a = { 0 };
	struct buf text = BUF_INIT;
	unsigned int n;
	uint8_t type[2];
	bool ok = true;

	if (len > DNS_MAX_MESSAGE || !is_ours(m, len, query))
		return DNS_FOREIGN;
	a.rcode = m[3] & 0xf;
	a.cut = m[2] & FLAG_CUT;
	n = (unsigned int)m[6] << 8 | m[7];
	r.at = m[4] || m[5] ? query->len : HEADER_BYTES;
	memcpy(type, query->data + query->len - 4, sizeof(type));
	for (; n && ok && !a.cut; n--)
		ok = read_record(&r, type_row((uint16_t)(type[0] << 8 | type[1])), want, &text, &a);
	buf_fini(&text);
	if (!ok)
		return r.no_memory ? DNS_NO_MEMORY : DNS_BROKEN;
	*ret_answer = a;
	return DNS_ANSWER;
}
