/* worst.c: buckets are overwritten by age, so nothing needs to run when time
 * passes and nothing is noted. */
#include "agent/base/worst.h"

#include <stddef.h>

void worst_note(struct worst *w, int64_t now_ms, int64_t value)
{
	int64_t second = now_ms / 1000;
	size_t i = (size_t)(second % WORST_SECONDS);

	if (w->bucket[i].second != second) {
		w->bucket[i].second = second;
		w->bucket[i].max = 0;
	}
	if (value > w->bucket[i].max)
		w->bucket[i].max = value;
}

int64_t worst_since(const struct worst *w, int64_t now_ms, int64_t since_ms)
{
	int64_t first = since_ms / 1000, oldest = now_ms / 1000 - WORST_SECONDS + 1, max = 0;
	size_t i;

	if (first < oldest)
		first = oldest;
	for (i = 0; i < WORST_SECONDS; i++)
		if (w->bucket[i].second >= first && w->bucket[i].max > max)
			max = w->bucket[i].max;
	return max;
}
