/* when.h: PURE: the API's times as people read them: local, and short. */
#ifndef CLI_WHEN_H
#define CLI_WHEN_H

#include <jansson.h>

#include "agent/cli/text.h"

/* The time of an RFC 3339 text as the API writes it (UTC), in ms; 0 where it is none. */
int64_t when_of(const json_t *value);

/* Appends "14:02:07", with the date in front where it is not today's; in the local time
 * zone. Nothing for 0. */
void when_put(struct buf *out, const struct text_style *style, int64_t wall_ms);
/* Appends "14:02:07 (3m ago)" or "15:02:07 (in 57m)". */
void when_put_from_now(struct buf *out, const struct text_style *style, int64_t wall_ms);
/* Appends a sentence of the agent's, its times as when_put() has them. */
void when_put_text(struct buf *out, const struct text_style *style, const char *text);
/* Appends a time that passed in at most two units: "3m20s", "4h5m"; under a second it
 * is "0s". */
void when_put_span(struct buf *out, int64_t ms);

#endif
