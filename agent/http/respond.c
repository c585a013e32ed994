/* respond.c: answers, as values or streams, made into what libmicrohttpd sends. */
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "agent/http/audit.h"
#include "agent/http/internal.h"

enum { BLOCK = 64 * 1024, LIVE_BLOCK = 4 * 1024 }; /* of a stream */

/* A stream's text on its way: libmicrohttpd asks for so many bytes at a time. */
struct reader {
	struct http_stream stream;
	struct buf text;
	size_t at;
	bool more;
};

/* Fills what it is given, for each call is a packet of its own; never 0 bytes but of a
 * request that is set aside, for libmicrohttpd would ask again at once, and again. */
static ssize_t reader_read(void *cls, uint64_t pos, char *out, size_t max)
{
	struct reader *rd = cls;
	size_t n = 0, part;

	(void)pos;
	while (n < max) {
		if (rd->at == rd->text.len) {
			buf_reset(&rd->text);
			rd->at = 0;
			/* What is there is sent before one that is live may be set aside. */
			if (!rd->more || (rd->stream.live && n > 0))
				break;
			rd->more = rd->stream.next(rd->stream.state, &rd->text, max - n);
			if (!buf_ok(&rd->text))
				return MHD_CONTENT_READER_END_WITH_ERROR;
			if (rd->stream.live && rd->more && rd->text.len == 0)
				return 0;
		}
		part = rd->text.len - rd->at < max - n ? rd->text.len - rd->at : max - n;
		memcpy(out + n, rd->text.data + rd->at, part);
		rd->at += part;
		n += part;
	}
	return n ? (ssize_t)n : MHD_CONTENT_READER_END_OF_STREAM;
}

static void reader_free(void *cls)
{
	struct reader *rd = cls;

	if (rd->stream.free)
		rd->stream.free(rd->stream.state);
	buf_fini(&rd->text);
	free(rd);
}

static struct MHD_Response *stream_response(struct http_answer *a)
{
	struct reader *rd = calloc(1, sizeof(*rd));
	struct MHD_Response *response;

	if (!rd)
		return NULL;
	rd->stream = a->stream;
	rd->more = true;
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN,
						     rd->stream.live ? LIVE_BLOCK : BLOCK,
						     reader_read, rd, reader_free);
	if (response)
		a->stream = (struct http_stream){ 0 }; /* the response's now */
	else
		free(rd);
	return response;
}

static struct MHD_Response *body_response(struct http_answer *a)
{
	size_t len = a->body.len;
	char *text = len > 0 ? buf_take(&a->body) : NULL;
	struct MHD_Response *response;

	if (!text)
		return MHD_create_response_from_buffer(0, (void *)(uintptr_t) "",
						       MHD_RESPMEM_PERSISTENT);
	response = MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
	if (!response)
		free(text);
	return response;
}

int http_respond(struct http_request *r)
{
	struct http_answer *a = &r->answer;
	const struct http_limits *limits = &r->server->limits;
	struct MHD_Response *response = a->stream.next ? stream_response(a) : body_response(a);
	int result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", a->type);
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	for (unsigned int i = 0; i < a->n_headers; i++)
		MHD_add_response_header(response, a->headers[i].name, a->headers[i].value);
	if (atomic_load(&r->conn->daemon->closing))
		MHD_add_response_header(response, "Connection", "close");
	http_audit(r);
	http_conn_step(r->conn, HTTP_PHASE_ANSWER, a->within_ms ? a->within_ms : limits->answer_ms);
	result = MHD_queue_response(r->mhd, a->status, response);
	MHD_destroy_response(response);
	return result;
}
