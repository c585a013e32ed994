/* addr.c: addresses in text, in sockaddrs and in order. */
#include "agent/base/addr.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "agent/base/parse.h"

/* As inet_pton() has it: four numbers, none with a 0 before it. */
static bool read_quad(const char *at, size_t len, uint8_t *bytes)
{
	const char *end = at + len;

	for (int i = 0; i < 4; i++) {
		const char *first = at;
		unsigned int n = 0;

		for (; at < end && at - first < 3 && *at >= '0' && *at <= '9'; at++)
			n = n * 10 + (unsigned int)(*at - '0');
		if (at == first || n > 255 || (*first == '0' && at - first > 1))
			return false;
		bytes[i] = (uint8_t)n;
		if (i < 3 && (at == end || *at++ != '.'))
			return false;
	}
	return at == end;
}

/* The host part, copied out of `text`; too long a text is no address. */
static int parse_host(const char *text, size_t len, int family, struct addr *a)
{
	char host[INET6_ADDRSTRLEN];

	if (family == AF_INET) {
		a->family = AF_INET;
		return read_quad(text, len, a->bytes) ? 0 : -EINVAL;
	}
	if (!len || len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	if (inet_pton(family, host, a->bytes) != 1)
		return -EINVAL;
	a->family = (uint8_t)family;
	return 0;
}

static int parse_port(const char *text, struct addr *a)
{
	uint64_t port;

	if (parse_u64(text, &port) || port < 1 || port > 65535)
		return -EINVAL;
	a->port = (uint16_t)port;
	return 0;
}

int addr_parse(const char *text, struct addr *ret_addr)
{
	struct addr a = { 0 };
	const char *colon = strchr(text, ':');
	const char *end;
	int r;

	if (text[0] == '[') {
		end = strchr(text, ']');
		if (!end)
			return -EINVAL;
		r = parse_host(text + 1, (size_t)(end - text - 1), AF_INET6, &a);
		if (!r && end[1] == ':')
			r = parse_port(end + 2, &a);
		else if (!r && end[1])
			r = -EINVAL;
	} else if (colon && strchr(colon + 1, ':')) {
		r = parse_host(text, strlen(text), AF_INET6, &a);
	} else if (colon) {
		r = parse_host(text, (size_t)(colon - text), AF_INET, &a);
		if (!r)
			r = parse_port(colon + 1, &a);
	} else {
		r = parse_host(text, strlen(text), AF_INET, &a);
	}
	if (r)
		return r;
	*ret_addr = a;
	return 0;
}

/* A scrape has 100,000 of them: libc's way is a printf. */
static void put_ipv4(struct buf *out, const uint8_t *bytes)
{
	char text[INET_ADDRSTRLEN];
	char *to = text;
	int i;

	for (i = 0; i < 4; i++) {
		unsigned int n = bytes[i];

		if (n >= 100)
			*to++ = (char)('0' + n / 100);
		if (n >= 10)
			*to++ = (char)('0' + n / 10 % 10);
		*to++ = (char)('0' + n % 10);
		*to++ = '.';
	}
	buf_put(out, text, (size_t)(to - text) - 1);
}

void addr_format_host(struct buf *out, const struct addr *a)
{
	char text[INET6_ADDRSTRLEN];

	if (a->family == AF_INET)
		put_ipv4(out, a->bytes);
	else if (!a->family || !inet_ntop(a->family, a->bytes, text, sizeof(text)))
		buf_puts(out, "-");
	else
		buf_puts(out, text);
}

void addr_format(struct buf *out, const struct addr *a)
{
	bool brackets = a->port && a->family == AF_INET6;

	if (brackets)
		buf_putc(out, '[');
	addr_format_host(out, a);
	if (brackets)
		buf_putc(out, ']');
	if (a->port) {
		buf_putc(out, ':');
		buf_put_u64(out, a->port);
	}
}

static inline uint64_t eight(const uint8_t *at)
{
	uint64_t n;

	memcpy(&n, at, sizeof(n));
	return be64toh(n);
}

int addr_cmp(const struct addr *a, const struct addr *b)
{
	uint64_t na, nb;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	/* As memcmp() would have it, of which there would be millions of calls. */
	na = eight(a->bytes);
	nb = eight(b->bytes);
	if (na == nb) {
		na = eight(a->bytes + 8);
		nb = eight(b->bytes + 8);
	}
	if (na != nb)
		return na < nb ? -1 : 1;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	return 0;
}

bool addr_is_multicast(const struct addr *a)
{
	return a->family == AF_INET ? (a->bytes[0] & 0xf0) == 0xe0 : a->bytes[0] == 0xff;
}

bool addr_can_serve(const struct addr *a)
{
	static const uint8_t none[16];

	if (!memcmp(a->bytes, none, sizeof(none)))
		return false;
	if (a->family == AF_INET)
		return a->bytes[0] < 224 && a->bytes[0] != 0;
	return a->bytes[0] != 0xff && !(a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80);
}

bool addr_is_loopback(const struct addr *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	if (a->family == AF_INET)
		return a->bytes[0] == 127;
	return a->family == AF_INET6 && !memcmp(a->bytes, one, sizeof(one));
}

socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *ret_ss)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ret_ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret_ss;

	memset(ret_ss, 0, sizeof(*ret_ss));
	if (a->family == AF_INET6) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(a->port);
		memcpy(&in6->sin6_addr, a->bytes, 16);
		return sizeof(*in6);
	}
	in->sin_family = AF_INET;
	in->sin_port = htons(a->port);
	memcpy(&in->sin_addr, a->bytes, 4);
	return sizeof(*in);
}

int addr_from_sockaddr(const struct sockaddr *sa, struct addr *ret_addr)
{
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;
	struct addr a = { 0 };

	if (sa->sa_family == AF_INET) {
		a.port = ntohs(in->sin_port);
		memcpy(a.bytes, &in->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		a.port = ntohs(in6->sin6_port);
		memcpy(a.bytes, &in6->sin6_addr, 16);
	} else {
		return -EAFNOSUPPORT;
	}
	a.family = (uint8_t)sa->sa_family;
	*ret_addr = a;
	return 0;
}
