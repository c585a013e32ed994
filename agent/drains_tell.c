/* drains_tell.c: a drain's change of state, told to whom it concerns: who waits for a
 * server to be empty must hear of it once, and hear also that it will not come. */
#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/drains.h"
#include "agent/note.h"
#include "agent/rules/notifier.h"

static const struct {
	const char *msg;
	enum log_level level;
} tellings[DRAIN_N_STATES] = {
	[DRAIN_DRAINING] = { "draining again", LOG_INFO },
	[DRAIN_DRAINED] = { "drained", LOG_INFO },
	[DRAIN_STALLED] = { "drain stalled: no connection ends", LOG_WARN },
	[DRAIN_LATE] = { "drain is late: its time has passed", LOG_WARN },
};

static void note(struct agent *a, const struct hold *h, const struct drain *d, const char *why)
{
	struct journal_line *l = note_begin(a, JOURNAL_DRAIN);

	journal_line_text(l, "id", h->id);
	journal_line_text(l, "class", hold_class_names[h->hold_class]);
	journal_line_text(l, "holder", h->holder);
	journal_line_text(l, "service", h->service);
	journal_line_text(l, "realserver", h->realserver);
	journal_line_text(l, "state", drain_state_names[d->state]);
	journal_line_int(l, "active", d->look.active);
	journal_line_int(l, "inactive", d->look.inactive);
	journal_line_int(l, "persistent", d->look.persistent);
	journal_line_int(l, "elapsed_ms", drain_elapsed_ms(d, clock_wall_ms()));
	journal_line_text(l, "reason", why);
	journal_end(a->journal, l);
}

static void announce(struct agent *a, const struct hold *h, const struct drain *d, const char *why)
{
	const struct layout *l = a->state->layout;
	uint32_t r = layout_find(l, h->service, h->realserver);
	struct buf address = BUF_INIT;
	struct notice n = NOTICE_INIT;

	n.kind = NOTICE_DRAIN;
	n.active = d->state == DRAIN_DRAINED;
	n.wall_ms = clock_wall_ms();
	n.service = h->service;
	n.realserver = h->realserver;
	n.holder = h->holder;
	n.drain = drain_state_names[d->state];
	n.effect = h->effect;
	n.reason = why;
	if (r != LAYOUT_NONE) {
		addr_format(&address, &l->realservers[r].conf->addr[0]);
		n.address = buf_str(&address);
		n.configured_weight = l->realservers[r].conf->weight;
		n.weight_after = d->look.weight;
	}
	notifier_tell(a->notifier, &n, NULL);
	buf_fini(&address);
}

void drains_tell(struct agent *a, const struct hold *h, const struct drain *d)
{
	struct buf why = BUF_INIT;

	drain_why(d, clock_mono_ms(), &why);
	log_event(tellings[d->state].level, tellings[d->state].msg, LOG_STR("service", h->service),
		  LOG_STR("realserver", h->realserver), LOG_STR("holder", h->holder),
		  LOG_INT("active", d->look.active), LOG_INT("inactive", d->look.inactive),
		  LOG_STR("reason", buf_str(&why)));
	note(a, h, d, buf_str(&why));
	announce(a, h, d, buf_str(&why));
	buf_fini(&why);
}
