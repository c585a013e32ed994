/* events.h: who listens to GET /api/v1/events, as the server's own files see it. A line
 * is formatted once and shared; each listener has a queue that ends somewhere: who reads
 * too slowly misses events, and is told how many. No thread waits. With the server's
 * lock held, all but the handler. */
#ifndef HTTP_EVENTS_H
#define HTTP_EVENTS_H

#include "agent/http/internal.h"

enum { HTTP_LISTENERS_MAX = 64 };

/* Sends what is due (heartbeats) and finds out who has gone; returns when it is to be
 * called next (monotonic). */
int64_t http_events_watch(struct http_server *s, int64_t now_ms);
/* Ends the streams of a daemon, or of all (NULL). */
void http_events_end(struct http_server *s, const struct http_daemon *d);

#endif
