/* answer.h: what a request is answered, as a value; respond.c sends it. */
#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include "agent/base/buf.h"

struct http_request;

/* What is made while it is sent. next() appends until `out` holds `enough` bytes or
 * all is said, and is false with the last of it. One that is live may append nothing
 * where it has set the request aside. free() may be NULL. */
struct http_stream {
	bool (*next)(void *state, struct buf *out, size_t enough);
	void (*free)(void *state);
	void *state;
	bool live;
};

enum { HTTP_MAX_HEADERS = 6 };

struct http_answer {
	unsigned int status; /* 0 = none yet */
	const char *type;    /* a literal */
	const char *guard;   /* that refuses it: its slug, for the audit; NULL = none */
	struct {
		const char *name;
		char *value;
	} headers[HTTP_MAX_HEADERS];
	unsigned int n_headers;
	struct buf body;
	struct http_stream stream; /* next != NULL: instead of the body */
	int64_t within_ms;         /* to be sent within; 0 = the usual */
};

/* Adds a header; the value is copied. To be called before the answer. */
void http_add_header(struct http_request *r, const char *name, const char *value);
/* Takes the body's bytes over. */
void http_answer(struct http_request *r, unsigned int status, const char *type, struct buf *body);
void http_answer_text(struct http_request *r, unsigned int status, const char *text);
/* Takes the stream over: its free() is called in any case. */
void http_answer_stream(struct http_request *r, const char *type, const struct http_stream *stream);
/* JSON under /api, a line of text elsewhere; control characters become '?'. */
void http_error(struct http_request *r, unsigned int status, const char *fmt, ...)
	ATTR_PRINTF(3, 4);
/* The same with the slug of the guard that refuses it; NULL = none. */
void http_error_guard(struct http_request *r, unsigned int status, const char *guard,
		      const char *text);
void http_answer_fini(struct http_answer *a);
/* "bad_request", "refused": the word for a status; "ok" where nothing is wrong. */
const char *http_status_word(unsigned int status);
/* Appends what somebody sent, fit to be shown: at most 200 bytes, printable. */
void http_put_clean(struct buf *out, const char *text);

#endif
