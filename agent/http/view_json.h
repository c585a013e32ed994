/* view_json.h: rows of a view as JSON objects. Each returns a new object, NULL when
 * memory is out. */
#ifndef HTTP_VIEW_JSON_H
#define HTTP_VIEW_JSON_H

#include <jansson.h>

#include "agent/model/view.h"

/* A string of whatever bytes: what is not UTF-8 becomes '?'. */
json_t *view_json_text(const char *text);
/* A configured service without its addresses and realservers. */
json_t *view_json_service(const struct view *v, uint32_t service);
/* A foreign service, known by its address. */
json_t *view_json_foreign(const struct view *v, uint32_t vip);
/* An address without its destinations. */
json_t *view_json_vip(const struct view *v, uint32_t vip);
json_t *view_json_dest(const struct view *v, uint32_t dest);
/* With its probes. */
json_t *view_json_realserver(const struct view *v, uint32_t realserver);
json_t *view_json_hold(const struct view_hold *h);

#endif
