/* drain.c: weight 0 keeps new connections away; this tells when the old ones are gone.
 * The kernel's counters alone do not: what they call inactive is a client's request half
 * sent as well as a connection that ended a minute ago and whose tuple is kept. Where the
 * list of connections could be read, it decides; else the time after which the kernel
 * itself forgets what is over. */
#include "agent/holds/drain.h"

#include <inttypes.h>
#include <math.h>

#include "agent/base/parse.h"

enum { RATE_MS = 3000 }; /* a shorter look back tells no rate */

const char *const drain_state_names[DRAIN_N_STATES] = {
	[DRAIN_DRAINING] = "draining",
	[DRAIN_DRAINED] = "drained",
	[DRAIN_STALLED] = "stalled",
	[DRAIN_LATE] = "late",
};

/* --- done? ------------------------------------------------------------------- */

static void remember(struct drain_memory *m, const struct drain_look *look, int64_t now_ms)
{
	if (look->active)
		m->quiet_ms = 0;
	else if (!m->quiet_ms)
		m->quiet_ms = now_ms;
	m->still = m->looked && look->inactive <= m->inactive ? m->still + 1 : 0;
	m->inactive = look->inactive;
	if (!m->looked || look->packets != m->packets)
		m->packets_ms = now_ms;
	m->packets = look->packets;
	m->looked = true;
}

static int64_t grace(const struct drain_look *look)
{
	return look->fin_ms ? look->fin_ms : DRAIN_GRACE_MS;
}

/* Nothing is active, and only the counters are known. */
static enum drain_wait wait_unlisted(const struct drain_memory *m, const struct drain_look *look,
				     int64_t now_ms)
{
	/* Entries without packets: the kernel's counters stand still (run_estimation = 0). */
	if (look->udp && (!look->packets || now_ms - m->packets_ms < DRAIN_QUIET_MS))
		return DRAIN_FOR_UDP;
	if (look->inactive <= look->udp)
		return DRAIN_FOR_NOTHING;
	return now_ms - m->quiet_ms >= grace(look) && m->still >= DRAIN_STEADY ? DRAIN_FOR_NOTHING
									       : DRAIN_FOR_CLOSING;
}

enum drain_wait drain_wait(struct drain_memory *m, const struct drain_look *look, int64_t now_ms)
{
	enum drain_wait waits = DRAIN_FOR_NOTHING;

	remember(m, look, now_ms);
	if (look->unnamed)
		return DRAIN_FOR_NAME;
	if (!look->there)
		return DRAIN_FOR_NOTHING;
	if (look->weight)
		return DRAIN_FOR_WEIGHT;
	if (look->active)
		return DRAIN_FOR_ACTIVE;
	if (look->listed && look->talking)
		waits = DRAIN_FOR_UDP;
	else if (look->listed && look->open)
		waits = DRAIN_FOR_CLOSING;
	else if (look->inactive && !look->listed)
		waits = wait_unlisted(m, look, now_ms);
	if (!waits && look->persistent && look->sticky_ms)
		waits = DRAIN_FOR_STICKY;
	return waits;
}

/* --- how far ----------------------------------------------------------------- */

void drain_begin(struct drain *d, int64_t since_wall_ms, int64_t deadline_wall_ms)
{
	*d = (struct drain){ .since_wall_ms = since_wall_ms,
			     .deadline_wall_ms = deadline_wall_ms,
			     .waits = DRAIN_FOR_LOOK };
}

void drain_until(struct drain *d, int64_t deadline_wall_ms, int64_t now_wall_ms)
{
	d->deadline_wall_ms = deadline_wall_ms;
	if (d->state == DRAIN_LATE && (!deadline_wall_ms || now_wall_ms < deadline_wall_ms))
		d->state = DRAIN_DRAINING;
}

static uint32_t left_of(const struct drain_look *look, enum drain_wait waits)
{
	switch (waits) {
	case DRAIN_FOR_ACTIVE:
	case DRAIN_FOR_WEIGHT:
		return look->active;
	case DRAIN_FOR_UDP:
		return look->listed ? look->talking : look->udp;
	case DRAIN_FOR_CLOSING:
		return look->listed ? look->open : look->inactive;
	case DRAIN_FOR_STICKY:
		return look->persistent;
	default:
		return 0;
	}
}

/* Connections that nobody ends: of those that time ends, waiting is all there is. */
static bool is_stalled(const struct drain *d, int64_t now_ms)
{
	return (d->waits == DRAIN_FOR_ACTIVE || d->waits == DRAIN_FOR_UDP) &&
	       now_ms - d->least_ms >= DRAIN_STALL_MS;
}

static enum drain_state judge(const struct drain *d, int64_t now_ms, int64_t now_wall_ms)
{
	if (d->waits == DRAIN_FOR_NOTHING)
		return DRAIN_DRAINED;
	if (d->deadline_wall_ms && now_wall_ms >= d->deadline_wall_ms)
		return DRAIN_LATE;
	return is_stalled(d, now_ms) ? DRAIN_STALLED : DRAIN_DRAINING;
}

bool drain_look(struct drain *d, const struct drain_look *look, int64_t now_ms, int64_t now_wall_ms)
{
	enum drain_state before = d->state;
	enum drain_wait waited = d->waits;

	if (!d->memory.looked)
		d->begun_with = look->active + look->inactive;
	d->look = *look;
	d->waits = drain_wait(&d->memory, look, now_ms);
	d->left = left_of(look, d->waits);
	if (d->waits != waited)
		d->n_polls = 0;
	d->polls[d->n_polls % DRAIN_POLLS].at_ms = now_ms;
	d->polls[d->n_polls % DRAIN_POLLS].left = d->left;
	if (!d->n_polls++ || d->left < d->least) {
		d->least = d->left;
		d->least_ms = now_ms;
	}
	d->state = judge(d, now_ms, now_wall_ms);
	if (d->state != DRAIN_DRAINED)
		d->done_wall_ms = 0;
	else if (!d->done_wall_ms)
		d->done_wall_ms = now_wall_ms;
	return d->state != before;
}

bool drain_blind(struct drain *d, int64_t now_wall_ms)
{
	if (d->state == DRAIN_DRAINED || d->state == DRAIN_LATE || !d->deadline_wall_ms ||
	    now_wall_ms < d->deadline_wall_ms)
		return false;
	d->state = DRAIN_LATE;
	return true;
}

double drain_rate(const struct drain *d)
{
	uint32_t last = d->n_polls ? (d->n_polls - 1) % DRAIN_POLLS : 0;
	uint32_t first = d->n_polls > DRAIN_POLLS ? d->n_polls % DRAIN_POLLS : 0;
	int64_t ms = d->polls[last].at_ms - d->polls[first].at_ms;

	if (d->n_polls < 2 || ms < RATE_MS || d->waits == DRAIN_FOR_WEIGHT)
		return NAN;
	if (d->polls[last].left >= d->polls[first].left)
		return 0;
	return 1000.0 * (d->polls[first].left - d->polls[last].left) / (double)ms;
}

static int64_t eta_by_rate(const struct drain *d)
{
	double rate = drain_rate(d);

	return rate > 0 ? (int64_t)(1000.0 * d->left / rate) : -1;
}

/* Until the counters alone are believed. */
static int64_t grace_left(const struct drain *d, int64_t now_ms)
{
	int64_t left = grace(&d->look) - (now_ms - d->memory.quiet_ms);

	return left > 0 ? left : 0;
}

int64_t drain_eta_ms(const struct drain *d, int64_t now_ms)
{
	int64_t rated = eta_by_rate(d), timed;

	switch (d->waits) {
	case DRAIN_FOR_NOTHING:
		return 0;
	case DRAIN_FOR_ACTIVE:
		return rated;
	case DRAIN_FOR_CLOSING:
		timed = d->look.listed ? d->look.open_ms : grace_left(d, now_ms);
		return rated >= 0 && rated < timed ? rated : timed;
	case DRAIN_FOR_STICKY:
		return d->look.sticky_ms;
	default:
		return -1;
	}
}

int64_t drain_elapsed_ms(const struct drain *d, int64_t now_wall_ms)
{
	int64_t end = d->done_wall_ms ? d->done_wall_ms : now_wall_ms;

	return end > d->since_wall_ms ? end - d->since_wall_ms : 0;
}

/* --- in words ---------------------------------------------------------------- */

static void count(struct buf *out, uint32_t n, const char *what)
{
	buf_printf(out, "%" PRIu32 " %s%s", n, what, n == 1 ? "" : "s");
}

static void put_sticky(const struct drain *d, struct buf *out)
{
	buf_puts(out, "sticky: clients come back for up to ");
	format_duration(out, (d->look.sticky_ms + 999) / 1000 * 1000);
}

static void put_drained(const struct drain *d, struct buf *out)
{
	if (!d->look.there) {
		buf_puts(out, "it is not in the kernel's table");
	} else if (!d->look.inactive) {
		buf_puts(out, "no connection is left");
	} else {
		count(out, d->look.inactive, "connection");
		buf_puts(out, d->look.inactive == 1 ? " is over" : " are over");
		buf_puts(out, ", and kept by the kernel for a while");
	}
}

void drain_why(const struct drain *d, int64_t now_ms, struct buf *out)
{
	switch (d->waits) {
	case DRAIN_FOR_NOTHING:
		put_drained(d, out);
		break;
	case DRAIN_FOR_LOOK:
		buf_puts(out, "the kernel was not asked yet");
		break;
	case DRAIN_FOR_NAME:
		buf_puts(out, "the configuration does not name it: its connections are not "
			      "counted");
		break;
	case DRAIN_FOR_WEIGHT:
		buf_printf(out, "the kernel still has weight %" PRIu32 " there", d->look.weight);
		break;
	case DRAIN_FOR_ACTIVE:
		count(out, d->left, "active connection");
		if (d->state == DRAIN_STALLED) {
			buf_puts(out, ", not one fewer for ");
			format_duration(out, (now_ms - d->least_ms) / 1000 * 1000);
		}
		if (d->look.persistent && d->look.sticky_ms) {
			buf_puts(out, "; ");
			put_sticky(d, out);
		}
		break;
	case DRAIN_FOR_UDP:
		count(out, d->left, "UDP client");
		buf_puts(out, d->left == 1 ? " goes on sending" : " go on sending");
		break;
	case DRAIN_FOR_CLOSING:
		count(out, d->left, "connection");
		buf_puts(out, d->left == 1 ? " is" : " are");
		buf_puts(out, d->look.listed ? " half closed"
					     : " closing, or over already: the "
					       "kernel does not tell which");
		break;
	case DRAIN_FOR_STICKY:
		put_sticky(d, out);
		break;
	}
}
