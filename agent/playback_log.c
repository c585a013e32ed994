/* playback_log.c: a whole journal in memory, with its names looked up and its times put
 * in order. A journal is somebody's file: what makes no sense is counted and left out. */
#include <errno.h>
#include <string.h>

#include "agent/playback_internal.h"

#define TIME_MAX (INT64_C(1) << 53) /* any real time, with room for sums */

struct reading_log {
	const struct layout *layout;
	struct arena *arena;
	struct playback_log *log;
	int64_t last_ms;
};

/* --- names ------------------------------------------------------------------------------ */

static void look_up(const struct layout *l, struct playback_line *line)
{
	bool whole = !*line->realserver_name || !strcmp(line->realserver_name, HOLD_SERVICE);

	line->service = line->realserver = LAYOUT_NONE;
	if (!*line->service_name)
		return;
	line->service = layout_find_service(l, line->service_name);
	if (line->service != LAYOUT_NONE && !whole)
		line->realserver = layout_find_realserver(l, line->service, line->realserver_name);
	line->strange = line->service == LAYOUT_NONE || (!whole && line->realserver == LAYOUT_NONE);
}

/* Which values there are, so that a rule which reads others has no data. */
static void note_values(struct reading_log *r, const struct playback_line *line,
			const struct journal_entry *e)
{
	json_t *values = json_object_get(e->object, "values");
	bool whole = line->realserver == LAYOUT_NONE;
	enum signal_id signal;
	const char *name, *near;
	json_t *value;

	json_object_foreach (values, name, value) {
		if (!signal_find(name, &signal, &near) ||
		    (signal_table[signal].scope == SIGNAL_OF_SERVICE) != whole)
			continue;
		r->log->recorded[playback_value_id(
			r->layout, signal, whole ? line->service : line->realserver)] = true;
	}
}

/* --- lines ------------------------------------------------------------------------------ */

static bool room_for_one(struct reading_log *r)
{
	struct playback_line *grown =
		arena_grow(r->arena, r->log->lines, r->log->n, sizeof(*grown));

	if (!grown)
		return false;
	r->log->lines = grown;
	return true;
}

/* Time goes on within a run; what says otherwise is taken as of now. */
static void set_times(struct reading_log *r, struct playback_line *line,
		      const struct journal_entry *e)
{
	line->begins = !r->log->n || (line->known && line->kind == JOURNAL_START);
	if (line->begins) {
		r->log->n_runs++;
		r->last_ms = 0;
	}
	line->run = r->log->n_runs - 1;
	line->wall_ms = e->wall_ms;
	line->mono_ms = e->mono_ms;
	if (e->mono_ms < r->last_ms) {
		line->mono_ms = r->last_ms;
		r->log->wild++;
	}
	r->last_ms = line->mono_ms;
}

static int on_entry(void *arg, const struct journal_entry *e)
{
	struct reading_log *r = arg;
	struct playback_line line = { .kind = e->kind, .known = e->known };

	if (e->wall_ms < 0 || e->wall_ms > TIME_MAX || e->mono_ms < 1 || e->mono_ms > TIME_MAX) {
		r->log->wild++;
		return 0;
	}
	line.text = arena_strndup(r->arena, e->text, e->len);
	line.service_name = arena_strdup(r->arena, journal_text(e, "service"));
	line.realserver_name = arena_strdup(r->arena, journal_text(e, "realserver"));
	if (!line.text || !line.service_name || !line.realserver_name || !room_for_one(r))
		return -ENOMEM;
	line.body = line.text + (e->body - e->text);
	line.len = e->body_len;
	look_up(r->layout, &line);
	set_times(r, &line, e);
	if (line.known && line.kind == JOURNAL_SAMPLE && line.service != LAYOUT_NONE &&
	    !line.strange) {
		line.kernel_weight = json_object_size(json_object_get(e->object, "values")) == 1 &&
				     json_object_get(json_object_get(e->object, "values"),
						     signal_table[SIGNAL_WEIGHT].name);
		note_values(r, &line, e);
	}
	r->log->lines[r->log->n++] = line;
	return 0;
}

/* --- what stands before `kernel` ----------------------------------------------------------- */

static bool same_subject(const struct playback_line *a, const struct playback_line *b)
{
	return a->service == b->service && a->realserver == b->realserver;
}

/* The weights that the first reading found stand right before its line, once for each
 * realserver; any other sample of nothing but a weight is one of a turn. */
static void find_kernel_weights(struct playback_log *log)
{
	size_t i, end = 0, first;

	for (i = 0; i < log->n; i++) {
		if (!log->lines[i].known || log->lines[i].kind != JOURNAL_KERNEL)
			continue;
		for (first = i; first > end && log->lines[first - 1].kernel_weight; first--)
			if (first < i && same_subject(&log->lines[first - 1], &log->lines[i - 1]))
				break;
		for (; end < first; end++)
			log->lines[end].kernel_weight = false;
		end = i + 1;
	}
	for (; end < log->n; end++)
		log->lines[end].kernel_weight = false;
}

static int find_runs(struct reading_log *r)
{
	struct playback_log *log = r->log;
	size_t i;

	log->ended = arena_alloc(r->arena, log->n_runs + 1);
	log->sampled = arena_alloc(r->arena, r->layout->n_services + 1);
	if (!log->ended || !log->sampled)
		return -ENOMEM;
	for (i = 0; i < log->n; i++) {
		const struct playback_line *line = &log->lines[i];

		if (!line->known)
			continue;
		log->ended[line->run] |= line->kind == JOURNAL_STOP;
		if (line->kind == JOURNAL_SAMPLE && !line->kernel_weight &&
		    line->service != LAYOUT_NONE)
			log->sampled[line->service] = true;
	}
	return 0;
}

int playback_log_read(const char *path, const struct layout *l, struct arena *arena,
		      struct playback_log *ret_log)
{
	struct reading_log r = { .layout = l, .arena = arena, .log = ret_log };
	size_t rows = (size_t)l->n_realservers + l->n_services + 1;
	int e;

	*ret_log = (struct playback_log){ 0 };
	ret_log->recorded = arena_alloc(arena, rows * N_SIGNALS);
	if (!ret_log->recorded)
		return -ENOMEM;
	e = journal_read(path, on_entry, &r, &ret_log->end);
	if (e)
		return e;
	find_kernel_weights(ret_log);
	return find_runs(&r);
}
