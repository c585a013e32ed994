/* fetch_easy.h: inside of fetch: one libcurl handle with its request and result. For
 * fetch.c alone. */
#ifndef BASE_FETCH_EASY_H
#define BASE_FETCH_EASY_H

#include <curl/curl.h>

#include "agent/base/fetch.h"

struct fetch {
	CURL *easy;
	struct fetch_multi *multi; /* NULL in fetch_wait() */
	struct fetch *prev, *next; /* under way, or in the pool (next) */
	fetch_fn *fn;
	void *arg;
	struct fetch_result result;
	struct curl_slist *headers, *connect_to;
	struct way_out from;
	char *device; /* from.device, owned */
	size_t max_body;
	bool (*on_data)(void *arg, const char *bytes, size_t len); /* NULL = it is kept */
	void (*see)(void *arg, const char *bytes, size_t len);     /* NULL = nobody looks */
	void *data_arg;
	bool tls, reporting;
	bool h2c;    /* HTTP/2 without TLS */
	bool expiry; /* CURLOPT_CERTINFO as it stands in the handle */
	const struct fetch_mail *mail;
	size_t taken; /* of the body */
	bool discard; /* the body is not kept */
	bool heading; /* an HTTP answer's headers have begun, and not come to their end */
	bool watched; /* a socket of it waited: connect() did not fail at once */
	/* It waited to read, which is after connect() only: curl 7.88 tells of the
	 * connection when TLS is done */
	bool connected;
	int local_errno; /* socket(), memory: what curl does not tell */
	char words[CURL_ERROR_SIZE];
};

/* With its constant options set; NULL when memory is out. `m` NULL: for fetch_wait(). */
struct fetch *fetch_new(struct fetch_multi *m);
void fetch_free(struct fetch *f);

/* Forgets request and result, keeps the handle. */
void fetch_reset(struct fetch *f);

/* Takes a request over, copying it. -ENOMEM; -EINVAL for a URL that cannot take a
 * server_name. */
int fetch_set(struct fetch *f, const struct fetch_request *req);

/* Reads the result from the handle, whose transfer ended in `code`. */
void fetch_fill(struct fetch *f, CURLcode code);

#endif
