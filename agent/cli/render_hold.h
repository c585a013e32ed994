/* render_hold.h: PURE: a hold of the API in words: for the table of holds, status, and
 * what commands answer.
 *
 * {"id","class":"rule|alert|operator","service","realserver","holder","rule"?,
 *  "effect":"absent"|0|"50%"|"fallback"|"freeze"|"admit"|{"replace":N|"N%"},"reason",
 *  "since","until"(null = none),"waiting":bool,"refused_by"?:slug,"drain"?:DRAIN}
 * DRAIN = {"state":"draining|drained|stalled|late","deadline","active":n,"inactive":n,
 *  "persistent":n,"begun_with":n,"elapsed_seconds":x,"rate":x|null,"eta_seconds":x|null,
 *  "why":"…"} */
#ifndef CLI_RENDER_HOLD_H
#define CLI_RENDER_HOLD_H

#include "agent/cli/text.h"

/* "web/web2", "web", or "everything" of a freeze. */
void render_hold_target(const json_t *hold, struct buf *out);
/* "drain", "0", "50%", "absent", "admit", "weight 50%", …; of a drain under way its
 * state. */
void render_hold_effect(const json_t *hold, struct buf *out);
/* "operator alice's drain", "rule slow's hold at 50%". */
void render_hold_name(const json_t *hold, struct buf *out);
/* "since 14:02:07 (3m ago), until 15:02:07 (in 57m)"; the latter where it has an end. */
void render_hold_times(const json_t *hold, const struct text_style *style, struct buf *out);
/* "12 active, 340 inactive, about 20s to go"; nothing of what is no drain. */
void render_drain(const json_t *hold, const struct text_style *style, struct buf *out);
enum text_colour render_hold_colour(const json_t *hold);

/* "3 active, 40 inactive, 2 persistent": those that there are, or "no connections". */
void render_connections(int64_t active, int64_t inactive, int64_t persistent, struct buf *out);

/* A line "FROZEN by alice since …: reason", or nothing for null. */
void render_frozen(const json_t *frozen, const struct text_style *style, struct buf *out);

#endif
