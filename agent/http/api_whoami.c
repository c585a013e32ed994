/* api_whoami.c: GET /api/v1/whoami: who asks, and whether he may write here. For the
 * status page, which offers only what will be done; a wrong password is a 401. */
#include <jansson.h>
#include <stdlib.h>

#include "agent/http/auth.h"
#include "agent/http/routes.h"

static void answer(struct http_request *r)
{
	json_t *o = json_pack("{s:s?,s:b,s:s?}", "who", r->by ? r->who : NULL, "writes",
			      r->by != NULL, "by", r->by);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	struct buf body = BUF_INIT;

	if (text)
		buf_printf(&body, "%s\n", text);
	else
		body.failed = true;
	free(text);
	json_decref(o);
	http_add_header(r, "Cache-Control", "no-store");
	http_answer(r, 200, "application/json", &body);
}

void http_whoami(struct http_request *r)
{
	auth_known(r, answer);
}
