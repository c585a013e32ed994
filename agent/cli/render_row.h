/* render_row.h: PURE: what status and top tell of a realserver: appended, a cell each. */
#ifndef CLI_RENDER_ROW_H
#define CLI_RENDER_ROW_H

#include "agent/cli/text.h"

/* The states that there are, in the order in which they are counted; then NULL. */
enum { RENDER_MAX_STATES = 8 };
const char *render_state(size_t i);

/* "up", "down", "draining", "up (backup)", and its colour. */
enum text_colour render_row_state(const json_t *rs, struct buf *out);
/* "100", "50 of 100", "absent of 100". */
void render_row_weight(const json_t *rs, struct buf *out);
/* "http 1.2 ms", "http down: refused", "tcp unknown: no-route"; all of them. */
void render_row_probes(const json_t *rs, struct buf *out);
/* Why it is not as configured: the holds with their holders, else the agent's words; and
 * where the kernel is not as it should be. */
void render_row_why(const json_t *rs, const struct text_style *style, struct buf *out);

/* "1.2 ms", "340 ms", "2.5 s". */
void render_latency(double seconds, struct buf *out);

/* Of the agent itself, a line each; older ones tell none. */
void render_troubles(const json_t *troubles, const struct text_style *style, struct buf *out);

#endif
