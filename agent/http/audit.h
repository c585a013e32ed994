/* audit.h: who asked to change what, and what came of it: a line in the log for each. */
#ifndef HTTP_AUDIT_H
#define HTTP_AUDIT_H

#include "agent/http/request.h"

/* Called when a request is answered; reads are not told. */
void http_audit(const struct http_request *r);

#endif
