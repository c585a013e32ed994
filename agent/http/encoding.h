/* encoding.h: what a scrape's headers ask for, and gzip around a stream. */
#ifndef HTTP_ENCODING_H
#define HTTP_ENCODING_H

#include "agent/http/request.h"

/* Whether an Accept-Encoding header allows gzip; NULL = no. */
bool encoding_gzip(const char *accept_encoding);

/* X-Prometheus-Scrape-Timeout-Seconds: decimal seconds, above 0, at most an hour.
 * -EINVAL for anything else. */
int scrape_timeout_parse(const char *text, int64_t *ret_ms);

/* Takes *inner over; its text comes out compressed. -ENOMEM: it is still the
 * caller's. */
int gzip_stream(const struct http_stream *inner, struct http_stream *ret_stream);

#endif
