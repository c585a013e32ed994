/* h2_server.h: for tests: frames of HTTP/2, and a server that answers its one request of
 * a connection with frames made before. */
#ifndef TESTS_H2_SERVER_H
#define TESTS_H2_SERVER_H

#include "tests/unit/wire_server.h"

enum { H2_DATA = 0, H2_HEADERS = 1, H2_RST_STREAM = 3, H2_SETTINGS = 4, H2_UNKNOWN = 0xaa };
enum { H2_END_STREAM = 1, H2_ACK = 1, H2_END_HEADERS = 4 };

static inline void h2_frame(struct buf *out, unsigned int type, unsigned int flags,
			    const struct buf *payload)
{
	size_t n = payload ? payload->len : 0;
	unsigned int stream = type <= H2_RST_STREAM; /* or the connection */
	const char head[9] = {
		(char)(n >> 16), (char)(n >> 8), (char)n, (char)type, (char)flags, 0, 0, 0,
		(char)stream
	};

	buf_put(out, head, sizeof(head));
	if (n)
		buf_put(out, payload->data, n);
}

/* A field of a header block: a literal without an index. */
static inline void h2_field(struct buf *out, const char *name, const char *value)
{
	buf_putc(out, 0);
	buf_putc(out, (char)strlen(name));
	buf_puts(out, name);
	buf_putc(out, (char)strlen(value));
	buf_puts(out, value);
}

/* "name", "value", …, NULL as a frame of headers. */
static inline void h2_headers(struct buf *out, unsigned int flags, const char *const *fields)
{
	struct buf block = BUF_INIT;

	for (; *fields; fields += 2)
		h2_field(&block, fields[0], fields[1]);
	h2_frame(out, H2_HEADERS, H2_END_HEADERS | flags, &block);
	buf_fini(&block);
}

static inline void h2_data(struct buf *out, unsigned int flags, const char *bytes, size_t n)
{
	struct buf payload = BUF_INIT;

	buf_put(&payload, bytes, n);
	h2_frame(out, H2_DATA, flags, &payload);
	buf_fini(&payload);
}

/* What a server says first: its settings, and that it has read the client's. */
static inline void h2_begin(struct buf *out)
{
	h2_frame(out, H2_SETTINGS, 0, NULL);
	h2_frame(out, H2_SETTINGS, H2_ACK, NULL);
}

static inline bool h2_read(int fd, unsigned char *to, size_t n)
{
	ssize_t r = 1;

	for (; n && r > 0; n -= (size_t)r, to += r)
		r = read(fd, to, n);
	return r > 0;
}

/* Reads until the request is whole; its body's first bytes go to `body`. False = it never
 * was. */
static inline bool h2_request(int fd, struct buf *body)
{
	unsigned char preface[24], head[9], payload[4096];
	size_t n;

	if (!h2_read(fd, preface, sizeof(preface)) || memcmp(preface, "PRI * HTTP/2.0", 14) != 0)
		return false;
	do {
		if (!h2_read(fd, head, sizeof(head)))
			return false;
		n = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
		if (n > sizeof(payload) || (n && !h2_read(fd, payload, n)))
			return false;
		if (head[3] == H2_DATA)
			buf_put(body, (char *)payload, n);
	} while (head[3] > H2_HEADERS || !(head[4] & H2_END_STREAM));
	return true;
}

/* For wire_start(): `bytes` after the request. */
static inline void h2_serve(struct wire_server *w, int fd)
{
	struct buf body = BUF_INIT;

	if (h2_request(fd, &body) && send(fd, w->bytes, w->n, MSG_NOSIGNAL) > 0)
		wire_silent(w, fd);
	buf_fini(&body);
}

#endif
