/* render.h: PURE: the API's JSON as text for people. */
#ifndef CLI_RENDER_H
#define CLI_RENDER_H

#include <jansson.h>

#include "agent/cli/text.h"

/* Append; what the JSON lacks is left out, not guessed. -EBADMSG where it is of
 * another shape altogether, -ENOMEM. */
int render_status(const json_t *json, const struct text_style *style, struct buf *out);
int render_explain(const json_t *json, const struct text_style *style, struct buf *out);
int render_holds(const json_t *json, const struct text_style *style, struct buf *out);
/* Of POST of holds: what was placed, what --force overrode; and the latter alone. */
int render_placed(const json_t *json, const struct text_style *style, struct buf *out);
void render_overrode(const json_t *json, const struct text_style *style, struct buf *out);
/* Of DELETE of holds: what ended, what remains; and of explain: what becomes of it. */
int render_lifted(const json_t *json, const struct text_style *style, struct buf *out);
int render_returns(const json_t *json, const struct text_style *style, struct buf *out);

int render_rules(const json_t *json, const struct text_style *style, struct buf *out);
int render_config(const json_t *json, const struct text_style *style, struct buf *out);
/* Of the journal: {"lines":[…]}, and one of them (nothing for what people do not read). */
int render_journal(const json_t *json, const struct text_style *style, struct buf *out);
void render_journal_line(const json_t *line, const struct text_style *style, struct buf *out);
int render_probe(const json_t *json, const struct text_style *style, struct buf *out);
int render_role(const json_t *json, const struct text_style *style, struct buf *out);
int render_freeze(const json_t *json, const struct text_style *style, struct buf *out);

/* A member's text or number; "" or `none` where it has none. */
const char *render_text(const json_t *o, const char *key);
int64_t render_int(const json_t *o, const char *key, int64_t none);
/* Appends the strings of an array member, `between` them. */
void render_join(const json_t *o, const char *key, const char *between, struct buf *out);

#endif
