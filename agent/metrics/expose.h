/* expose.h: a view as Prometheus text 0.0.4 or OpenMetrics 1.0, in chunks of
 * bounded size: the text is never whole in memory. */
#ifndef METRICS_EXPOSE_H
#define METRICS_EXPOSE_H

#include "agent/collector.h"

enum expose_format { EXPOSE_TEXT = 0, EXPOSE_OPENMETRICS };

struct expose_request {
	enum expose_format format;
	const struct collector *const *collectors; /* the registry, NULL-terminated */
	/* Which of them, one bool each; NULL = all. */
	const bool *chosen;
};

struct expose;

/* Borrows the view and the request's arrays until expose_free(). -ENOMEM. */
int expose_new(const struct view *v, const struct expose_request *req, struct expose **ret_expose);
/* Appends whole lines to `out` until it holds at least `enough` bytes or all is
 * said; true when there is more to come. False too when memory for `out` ran out:
 * ask buf_ok(). */
bool expose_next(struct expose *e, struct buf *out, size_t enough);
/* NULL is fine. */
void expose_free(struct expose *e);

/* The exact Content-Type. */
const char *expose_content_type(enum expose_format format);
/* The format an Accept header asks for; NULL or unknown = text 0.0.4. */
enum expose_format expose_negotiate(const char *accept);

#endif
