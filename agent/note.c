/* note.c: the lines of the journal that belong to no decision: when the agent began and
 * ended, with which configuration and which holds, and whether it can be kept at all. */
#include "agent/note.h"

#include <inttypes.h>
#include <stdio.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/settings.h"

static const struct agent_conf *conf_of(const struct agent *a)
{
	return config_section(a->conf, &agent_section);
}

static uint64_t size_of(const struct agent_conf *conf)
{
	return conf->journal ? conf->journal_size : 0;
}

struct journal_line *note_begin(struct agent *a, enum journal_kind kind)
{
	int64_t now_ms = clock_mono_ms();

	(void)outcome_tell(a, NULL);
	/* What comes after a decision is told apart from what it was decided on. */
	if (now_ms <= a->decider.last_ms)
		now_ms = a->decider.last_ms + 1;
	return journal_begin(a->journal, kind, clock_wall_ms(), now_ms);
}

void note_start(struct agent *a)
{
	const struct agent_conf *conf = conf_of(a);
	struct journal_line *l;
	int e = journal_new(conf->state_dir, size_of(conf), &a->journal);

	if (e) {
		log_event(LOG_WARN, "no journal is kept", LOG_ERR(e));
		return;
	}
	note_events(a);
	l = note_begin(a, JOURNAL_START);
	journal_line_text(l, "version", VERSION);
	journal_end(a->journal, l);
	note_config(a);
}

void note_config(struct agent *a)
{
	struct journal_line *l;
	char hash[24];

	journal_set_size(a->journal, size_of(conf_of(a)));
	l = note_begin(a, JOURNAL_CONFIG);
	snprintf(hash, sizeof(hash), "%016" PRIx64, config_hash(a->conf));
	journal_line_int(l, "generation", (int64_t)a->generation);
	journal_line_text(l, "hash", hash);
	journal_end(a->journal, l);
}

static void put_holder(struct journal_line *l, const struct hold *h)
{
	journal_line_text(l, "id", h->id);
	journal_line_text(l, "class", hold_class_names[h->hold_class]);
	journal_line_text(l, "holder", h->holder);
	journal_line_text(l, "service", h->service);
	journal_line_text(l, "realserver", h->realserver);
}

/* What most holds don't have is left out. */
static void put_hold(struct journal_line *l, const struct hold *h)
{
	put_holder(l, h);
	journal_line_int(l, "effect", h->effect);
	journal_line_text(l, "reason", h->reason);
	journal_line_int(l, "since", h->since_wall_ms);
	journal_line_int(l, "until", h->until_wall_ms);
	if (*h->rule)
		journal_line_text(l, "rule", h->rule);
	if (h->weight)
		journal_line_int(l, "weight", h->weight);
	if (h->starts_wall_ms)
		journal_line_int(l, "starts", h->starts_wall_ms);
	if (h->drain_ms)
		journal_line_int(l, "drain", h->drain_ms);
	if (h->waiting)
		journal_line_bool(l, "waiting", true);
}

void note_restored(struct agent *a, const struct hold *h)
{
	struct journal_line *l = note_begin(a, JOURNAL_RESTORED);

	put_hold(l, h);
	journal_end(a->journal, l);
}

void note_asked(void *arg, const struct hold *h, bool ended)
{
	struct agent *a = arg;
	struct journal_line *l = note_begin(a, ended ? JOURNAL_ENDED : JOURNAL_ASKED);

	if (ended) {
		put_holder(l, h);
		journal_line_int(l, "effect", h->effect);
		if (*h->rule)
			journal_line_text(l, "rule", h->rule);
	} else {
		put_hold(l, h);
	}
	journal_end(a->journal, l);
}

void note_kernel(struct agent *a)
{
	struct journal_line *l = note_begin(a, JOURNAL_KERNEL);

	journal_line_bool(l, "complete", true);
	journal_end(a->journal, l);
}

void note_stop(struct agent *a)
{
	struct journal_line *l = note_begin(a, JOURNAL_STOP);

	journal_line_text(l, "reason", "told to");
	journal_end(a->journal, l);
}

void note_tell(struct agent *a)
{
	struct journal_stats s;
	bool bad;

	journal_stats(a->journal, &s);
	bad = s.error != 0;
	if (bad == a->journal_told)
		return;
	a->journal_told = bad;
	if (bad)
		log_event(LOG_ERROR, "the journal cannot be written, decisions are not recorded",
			  LOG_STR("state_dir", conf_of(a)->state_dir), LOG_ERR(s.error));
	else
		log_event(LOG_INFO, "the journal can be written again",
			  LOG_INT("dropped", s.dropped));
}
