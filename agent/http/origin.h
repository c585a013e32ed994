/* origin.h: is a write meant by who sends it, or does another site's page send it from
 * an operator's browser, with his credentials or from his machine? */
#ifndef HTTP_ORIGIN_H
#define HTTP_ORIGIN_H

#include <stdbool.h>

/* Headers of a request; NULL = it has none such. */
struct origin {
	const char *site;   /* Sec-Fetch-Site */
	const char *origin; /* Origin */
	const char *host;   /* Host */
	const char *type;   /* Content-Type */
};

/* A page of another site sent it. What no browser sent is never foreign. */
bool origin_foreign(const struct origin *o);
/* Its body is of a type that a page may send anywhere without being asked: a form's. */
bool origin_type_ok(const struct origin *o);
/* It was sent to this machine by a name that is this machine's wherever it is looked up:
 * localhost, 127.0.0.1, [::1]. Any other may be a page's own name, made to lead here. */
bool origin_host_is_loopback(const struct origin *o);

#endif
