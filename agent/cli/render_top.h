/* render_top.h: PURE: the screen of top. */
#ifndef CLI_RENDER_TOP_H
#define CLI_RENDER_TOP_H

#include "agent/cli/text.h"
#include "agent/cli/top_rows.h"

struct top_view {
	enum top_key key;
	bool reverse;
	const char *filter;  /* "" = none */
	bool typing;         /* the filter is being written */
	const char *message; /* what is wrong with the last question; "" = nothing */
	int64_t interval_ms;
	size_t height; /* lines of the terminal; 0 = all rows, and no help below */
};

/* False when memory is out. */
bool render_top(const struct top_reading *r, const struct top_view *view,
		const struct text_style *style, struct buf *out);

/* {"time","interval_seconds","rows":[{"target","state","weight",…}]}: a new object; NULL
 * when memory is out. */
json_t *render_top_json(const struct top_reading *r, const struct top_view *view);

#endif
