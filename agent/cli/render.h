/* render.h: PURE: the API's JSON as text for people. */
#ifndef CLI_RENDER_H
#define CLI_RENDER_H

#include <jansson.h>

#include "agent/cli/text.h"

/* Append; what the JSON lacks is left out, not guessed. -EBADMSG where it is of
 * another shape altogether, -ENOMEM. */
int render_status(const json_t *json, const struct text_style *style, struct buf *out);
int render_explain(const json_t *json, const struct text_style *style, struct buf *out);

/* A member's text or number; "" or `none` where it has none. */
const char *render_text(const json_t *o, const char *key);
int64_t render_int(const json_t *o, const char *key, int64_t none);
/* Appends the strings of an array member, `between` them. */
void render_join(const json_t *o, const char *key, const char *between, struct buf *out);

#endif
