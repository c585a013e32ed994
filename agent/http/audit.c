/* audit.c: see audit.h. Refusals have a message of their own, since a message is
 * written so many times in 10 s only: a flood of bad passwords hides no good write. */
#include "agent/http/audit.h"

#include "agent/base/log.h"
#include "agent/http/routes.h"

void http_audit(const struct http_request *r)
{
	struct buf from = BUF_INIT, what = BUF_INIT;
	const char *outcome = http_status_word(r->answer.status);

	if (!r->route || !r->route->write)
		return;
	/* A peer that reads does so every second. */
	if (r->by && r->route->methods == HTTP_GET)
		return;
	if (r->answer.guard)
		outcome = r->answer.guard;
	http_put_from(r, &from);
	buf_printf(&what, "%s %s", r->method, r->route->path);
	log_event(r->by ? LOG_INFO : LOG_WARN, r->by ? "asked" : "asked, and refused",
		  LOG_STR("who", r->who ? r->who : ""), LOG_STR("by", r->by ? r->by : ""),
		  LOG_STR("from", buf_str(&from)), LOG_STR("what", buf_str(&what)),
		  LOG_STR("target", r->about ? r->about : ""), LOG_STR("outcome", outcome),
		  LOG_INT("status", r->answer.status));
	buf_fini(&from);
	buf_fini(&what);
}
