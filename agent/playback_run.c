/* playback_run.c: a journal from its first line to its last. Lines of one moment are
 * taken together: what was told first, then what was decided on it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/note.h"
#include "agent/playback_drive.h"
#include "agent/rules/engine.h"
#include "agent/settings.h"
#include "conf/config.h"

/* --- decisions of the replay ---------------------------------------------------------------- */

/* The body as it would stand in the journal. */
static int body_of(struct playback_drive *d, const struct decision *decision,
		   struct playback_event *ret_event)
{
	static const char mark[] = "\"what\":";
	struct journal_line line = { 0 };
	const char *body;
	int e;

	ret_event->kind = decision_line(decision, NULL);
	journal_line_begin(&line, ret_event->kind, 0, 0, 1);
	(void)decision_line(decision, &line);
	e = journal_line_end(&line);
	body = e ? NULL : strstr(buf_str(&line.text), mark);
	if (!e && body) {
		ret_event->len = strlen(body) - 1; /* without its newline */
		ret_event->body = arena_strndup(&d->r->arena, body, ret_event->len);
		e = ret_event->body ? 0 : -ENOMEM;
	}
	journal_line_fini(&line);
	return e;
}

static void on_decision(void *arg, const struct decision *decision)
{
	struct playback_drive *d = arg;
	const struct layout *l = decision->state->layout;
	struct playback_event event = { .wall_ms = decision->at.wall_ms,
					.run = d->run,
					.service = "",
					.realserver = "",
					.cut = d->now.mono_ms >= d->end_ms };

	/* Names are the configuration's, which lives as long. */
	if (decision->service != LAYOUT_NONE) {
		event.service = l->services[decision->service].conf->head.name;
		event.realserver = decision->realserver == LAYOUT_NONE
					   ? HOLD_SERVICE
					   : l->realservers[decision->realserver].conf->name;
	}
	if (!d->error)
		d->error = body_of(d, decision, &event);
	if (!d->error)
		d->error = playback_add(&d->r->replayed, &event);
}

/* --- a run of the agent ---------------------------------------------------------------------- */

static int make_world(struct playback_drive *d)
{
	struct world *w;
	int e;

	world_free(d->world);
	d->world = NULL;
	e = world_new(d->conf, &d->now, d->why, &w);
	if (e)
		return e;
	w->tell = on_decision;
	w->arg = d;
	world_blind(w);
	d->world = w;
	playback_rest(d);
	return playback_give(d);
}

/* Nobody knows what came before: as if all were as the file says. */
static void begin_in_the_middle(struct playback_drive *d)
{
	const struct layout *l = d->world->state->layout;
	uint32_t i;

	d->r->figures.middle = true;
	for (i = 0; i < l->n_realservers; i++)
		world_seen(d->world, i, (int32_t)l->realservers[i].conf->weight);
	world_kernel(d->world);
	playback_judge_all(d);
}

static int begin_run(struct playback_drive *d, size_t first)
{
	const struct playback_line *line = &d->log.lines[first];
	size_t last = first;
	int e;

	while (last + 1 < d->log.n && d->log.lines[last + 1].run == line->run)
		last++;
	d->run = line->run;
	d->end_ms = d->log.lines[last].mono_ms;
	d->starting = line->known && line->kind == JOURNAL_START;
	d->restored = false;
	e = make_world(d);
	if (!e && !d->starting)
		begin_in_the_middle(d);
	return e;
}

static bool of_the_start(const struct playback_line *line)
{
	return line->known && (line->kind == JOURNAL_START || line->kind == JOURNAL_CONFIG ||
			       line->kind == JOURNAL_RESTORED);
}

static bool of_a_turn(const struct playback_line *line)
{
	return line->known && (playback_is_decision(line->kind) ||
			       (line->kind == JOURNAL_SAMPLE && !line->kernel_weight));
}

/* All objects are made: rules meet the holds of before, and everything is judged before
 * anything else happens. What is to follow from the first n lines, follows with them. */
static int finish_start(struct playback_drive *d, const struct playback_line *lines, size_t n)
{
	struct moment now = d->now;
	bool alone = true;
	uint32_t s;
	size_t i;
	int e = 0;

	d->starting = false;
	for (i = 0; i < n; i++)
		alone &= of_a_turn(&lines[i]);
	if (d->restored)
		e = world_reload(d->world, d->conf, d->why);
	if (!e && d->restored)
		e = playback_give(d);
	if (e)
		return e;
	if (!alone) {
		playback_judge_all(d);
		d->now = now;
	}
	for (s = 0; alone && s < d->world->state->layout->n_services; s++)
		d->turn[s] = true;
	return 0;
}

/* --- lines ---------------------------------------------------------------------------------------
 */

static int keep(struct playback_drive *d, const struct playback_line *line)
{
	const struct playback_event event = { .wall_ms = line->wall_ms,
					      .run = line->run,
					      .kind = line->kind,
					      .service = line->service_name,
					      .realserver = line->realserver_name,
					      .body = line->body,
					      .len = line->len };

	if (playback_is_decision(line->kind))
		return playback_add(&d->r->recorded, &event);
	return line->kind == JOURNAL_SAMPLE ? 0 : playback_add(&d->r->inputs, &event);
}

static int take_line(struct playback_drive *d, const struct playback_line *line)
{
	int e;

	if (!line->known) {
		d->r->figures.other++;
		return 0;
	}
	d->r->figures.strange += line->strange;
	if (of_a_turn(line) && line->service != LAYOUT_NONE)
		d->turn[line->service] = true;
	e = keep(d, line);
	return e ? e : playback_input(d, line);
}

static void set_now(struct playback_drive *d, const struct playback_line *line)
{
	d->line = (struct moment){ .mono_ms = line->mono_ms, .wall_ms = line->wall_ms };
	d->now = d->line;
	if (d->world)
		d->world->now = d->now;
}

/* The lines of one moment. */
static int take_moment(struct playback_drive *d, size_t first, size_t n)
{
	const struct playback_line *lines = &d->log.lines[first];
	size_t i;
	int e = 0;

	if (lines[0].begins) {
		set_now(d, &lines[0]);
		e = begin_run(d, first);
	} else {
		if (!d->starting)
			playback_wait(d, lines[0].mono_ms);
	}
	for (i = 0; !e && i < n; i++) {
		if (d->starting && !of_the_start(&lines[i]))
			e = finish_start(d, &lines[i], n - i);
		set_now(d, &lines[i]);
		if (!e)
			e = take_line(d, &lines[i]);
	}
	if (!e && !d->starting)
		playback_turn(d);
	return e ? e : d->error;
}

static int take_all(struct playback_drive *d)
{
	size_t i = 0, n;
	int e = 0;

	while (!e && i < d->log.n) {
		for (n = 1; i + n < d->log.n && !d->log.lines[i + n].begins &&
			    d->log.lines[i + n].mono_ms == d->log.lines[i].mono_ms;
		     n++)
			;
		e = take_moment(d, i, n);
		i += n;
	}
	if (!e && d->world)
		playback_find_unknown(d);
	return e;
}

/* --- all of it
 * ------------------------------------------------------------------------------------- */

static int make_tables(struct playback_drive *d, const struct layout *l)
{
	size_t n = (size_t)l->n_services + 1;

	d->dirty_ms = calloc(n, sizeof(*d->dirty_ms));
	d->sample_ms = calloc(n, sizeof(*d->sample_ms));
	d->turn = calloc(n, sizeof(*d->turn));
	if (!d->dirty_ms || !d->sample_ms || !d->turn)
		return -ENOMEM;
	return playback_when_new(&d->log, l->n_services, &d->when);
}

static void take_figures(struct playback *r, const struct playback_log *log)
{
	r->figures.lines = log->end.entries;
	r->figures.bad = log->end.bad;
	r->figures.missing = log->end.missing;
	r->figures.torn = log->end.torn;
	r->figures.wild = log->wild;
	r->figures.runs = log->n_runs;
}

int playback_run(const char *path, struct config *conf, struct buf *why,
		 struct playback *ret_playback)
{
	const struct agent_conf *agent = config_section(conf, &agent_section);
	struct playback_drive d = {
		.r = ret_playback, .conf = conf, .interval = agent->sample_interval, .why = why
	};
	struct layout *l = NULL;
	int e;

	*ret_playback = (struct playback){ 0 };
	e = layout_new(conf, &l);
	if (!e)
		e = playback_log_read(path, l, &ret_playback->arena, &d.log);
	if (!e) {
		take_figures(ret_playback, &d.log);
		e = make_tables(&d, l);
	}
	if (!e)
		e = take_all(&d);
	if (!e)
		e = playback_compare(ret_playback, d.log.ended);
	world_free(d.world);
	playback_when_free(d.when);
	free(d.dirty_ms);
	free(d.sample_ms);
	free(d.turn);
	layout_unref(l);
	return e;
}

void playback_fini(struct playback *r)
{
	free(r->inputs.items);
	free(r->recorded.items);
	free(r->replayed.items);
	buf_fini(&r->unknown);
	arena_fini(&r->arena);
	*r = (struct playback){ 0 };
}
