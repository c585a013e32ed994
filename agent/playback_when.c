/* playback_when.c: the turns of each service, as the journal shows them. */
#include <errno.h>
#include <stdlib.h>

#include "agent/playback_internal.h"

struct turn {
	uint32_t service, run;
	int64_t at_ms;
};

struct playback_when {
	struct turn *turns; /* by service, then as they came */
	size_t *first;      /* by service, and one more */
	size_t *next;       /* by service: nobody asks for what is before it */
};

/* Was the service judged at that line? */
static bool shows_turn(const struct playback_line *line)
{
	if (!line->known || line->service == LAYOUT_NONE)
		return false;
	return line->kind == JOURNAL_SAMPLE ? !line->kernel_weight
					    : playback_is_decision(line->kind);
}

static void count(const struct playback_log *log, uint32_t n_services, size_t *first)
{
	size_t i;

	for (i = 0; i < log->n; i++)
		if (shows_turn(&log->lines[i]))
			first[log->lines[i].service + 1]++;
	for (i = 0; i < n_services; i++)
		first[i + 1] += first[i];
}

int playback_when_new(const struct playback_log *log, uint32_t n_services,
		      struct playback_when **ret_when)
{
	struct playback_when *w = calloc(1, sizeof(*w));
	size_t i;

	if (!w)
		return -ENOMEM;
	w->turns = calloc(log->n + 1, sizeof(*w->turns));
	w->first = calloc((size_t)n_services + 1, sizeof(*w->first));
	w->next = calloc((size_t)n_services + 1, sizeof(*w->next));
	if (!w->turns || !w->first || !w->next) {
		playback_when_free(w);
		return -ENOMEM;
	}
	count(log, n_services, w->first);
	for (i = 0; i < n_services; i++)
		w->next[i] = w->first[i];
	for (i = 0; i < log->n; i++) {
		const struct playback_line *line = &log->lines[i];

		if (shows_turn(line))
			w->turns[w->next[line->service]++] =
				(struct turn){ line->service, line->run, line->mono_ms };
	}
	for (i = 0; i < n_services; i++)
		w->next[i] = w->first[i];
	*ret_when = w;
	return 0;
}

void playback_when_free(struct playback_when *w)
{
	if (!w)
		return;
	free(w->turns);
	free(w->first);
	free(w->next);
	free(w);
}

int64_t playback_when_turn(struct playback_when *w, uint32_t service, uint32_t run, int64_t from_ms)
{
	size_t *at = &w->next[service];

	while (*at < w->first[service + 1] &&
	       (w->turns[*at].run < run ||
		(w->turns[*at].run == run && w->turns[*at].at_ms < from_ms)))
		(*at)++;
	return *at < w->first[service + 1] && w->turns[*at].run == run ? w->turns[*at].at_ms
								       : INT64_MAX;
}
