/* peers_fetch.c: asking a peer, and how it is. One question is under way at a time; who
 * does not answer is asked less often. */
#include "agent/peers_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/base/bearer.h"
#include "agent/base/clock.h"
#include "agent/base/fetch.h"
#include "agent/base/log.h"
#include "agent/base/loop.h"

enum {
	AWAY_AFTER = 2, /* failures in a row */
	BACKOFF_MAX_MS = 30000,
	SKEW_MS = 5000,     /* clocks that differ by more are told of, and made up for */
	ASK_AGAIN_MS = 100, /* while another exchange is under way */
};

/* --- how it is ----------------------------------------------------------------------- */

static int64_t delay_of(const struct peer *p)
{
	int64_t most = p->conf->interval > BACKOFF_MAX_MS ? p->conf->interval : BACKOFF_MAX_MS;
	int64_t delay = p->conf->interval;
	unsigned int i;

	for (i = AWAY_AFTER; i < p->in_a_row && delay < most; i++)
		delay *= 2;
	return delay < most ? delay : most;
}

static void set_up(struct peer *p, bool up, enum peer_failure failure)
{
	int64_t before = p->since_wall_ms, now = clock_wall_ms();

	if (p->known && p->up == up)
		return;
	p->since_wall_ms = now;
	if (!up)
		log_event(LOG_WARN, "peer is away: its holds stay as they are here",
			  LOG_STR("peer", p->name), LOG_STR("reason", peer_failure_names[failure]),
			  LOG_STR("why", p->why ? p->why : ""));
	else if (p->known)
		log_event(LOG_INFO, "peer is back", LOG_STR("peer", p->name),
			  LOG_MS("away", now - before));
	else
		log_event(LOG_INFO, "peer is here", LOG_STR("peer", p->name),
			  LOG_STR("node", p->node));
	p->up = up;
	p->known = true;
}

static void set_why(struct peer *p, const char *why)
{
	free(p->why);
	p->why = why ? strdup(why) : NULL;
}

/* Nothing that mends itself. */
static bool lasts(enum peer_failure failure)
{
	return failure == PEER_DENIED || failure == PEER_DOCUMENT || failure == PEER_VERSION ||
	       failure == PEER_ITSELF || failure == PEER_RESTORED;
}

void peer_done(struct peer *p, enum peer_failure failure, const char *why)
{
	p->busy = NULL;
	set_why(p, failure == PEER_N_FAILURES ? NULL : why ? why : "");
	if (failure == PEER_N_FAILURES) {
		p->in_a_row = 0;
		p->exchanges++;
		p->last_wall_ms = clock_wall_ms();
		set_up(p, true, failure);
	} else {
		p->in_a_row++;
		p->failures[failure]++;
		log_event(LOG_DEBUG, "exchange with a peer failed", LOG_STR("peer", p->name),
			  LOG_STR("reason", peer_failure_names[failure]),
			  LOG_STR("why", p->why ? p->why : ""));
		if (p->in_a_row >= AWAY_AFTER || lasts(failure))
			set_up(p, false, failure);
	}
	if (!p->peers->stopped)
		loop_timer_start(p->timer, delay_of(p));
}

/* --- clocks --------------------------------------------------------------------------- */

/* Half of what the exchange took is doubt. What is to be taken off its times. */
static int64_t note_clock(struct peer *p, int64_t its_wall_ms)
{
	int64_t now = clock_wall_ms(), took = clock_mono_ms() - p->asked_mono_ms;
	int64_t skew = its_wall_ms - (p->asked_wall_ms + (now - p->asked_wall_ms) / 2);
	bool far = skew > SKEW_MS + took / 2 || -skew > SKEW_MS + took / 2;

	p->skew_ms = skew;
	if (far != p->skew_told) {
		p->skew_told = far;
		if (far)
			log_event(LOG_WARN, "the clocks of a peer and this director differ",
				  LOG_STR("peer", p->name), LOG_MS("ahead", skew));
		else
			log_event(LOG_INFO, "the clocks of a peer and this director agree again",
				  LOG_STR("peer", p->name));
	}
	return far ? skew : 0;
}

/* --- an answer ------------------------------------------------------------------------ */

static void read_work(void *arg)
{
	struct exchange *x = arg;

	x->error = share_read(buf_str(&x->body), x->body.len, &x->why, &x->share);
	buf_fini(&x->body);
}

static void fail(struct exchange *x, enum peer_failure failure, const char *why)
{
	peer_done(x->peer, failure, why);
	exchange_free(x);
}

static void read_done(void *arg)
{
	struct exchange *x = arg;
	struct peer *p = x->peer;

	if (!p || x->peers->stopped || x->peers->agent->stopping) {
		if (p)
			p->busy = NULL;
		exchange_free(x);
		return;
	}
	if (x->error) {
		fail(x,
		     x->error == -EPROTONOSUPPORT ? PEER_VERSION
		     : x->error == -EINVAL        ? PEER_DOCUMENT
						  : PEER_LOCAL,
		     x->why.len ? buf_str(&x->why) : "out of memory");
		return;
	}
	if (!strcmp(x->share.node, x->peers->node)) {
		fail(x, PEER_ITSELF,
		     "its url leads to this agent, or state_dir was copied from here to there");
		return;
	}
	memcpy(p->node, x->share.node, sizeof(p->node));
	x->shift_ms = note_clock(p, x->share.now_wall_ms);
	if (x->share.unchanged && p->tag && !strcmp(p->tag, x->share.tag)) {
		fail(x, PEER_N_FAILURES, NULL);
	} else if (x->share.unchanged) {
		fail(x, PEER_DOCUMENT, "it says that nothing has changed, but not since when");
	} else if (x->peers->merging) {
		/* The other one's first: asked again, this one says it again. */
		p->busy = NULL;
		exchange_free(x);
		loop_timer_start(p->timer, ASK_AGAIN_MS);
	} else {
		exchange_merge(x);
	}
}

static enum peer_failure failure_of(const struct fetch_result *r)
{
	switch (r->error) {
	case FETCH_OK:
		break;
	case FETCH_TIMEOUT_CONNECT:
	case FETCH_TIMEOUT_TLS:
	case FETCH_TIMEOUT_ANSWER:
		return PEER_TIMEOUT;
	case FETCH_TLS:
	case FETCH_TLS_VERIFY:
		return PEER_TLS;
	case FETCH_LOCAL:
	case FETCH_LOCAL_CONFIG:
		return PEER_LOCAL;
	case FETCH_PROTOCOL:
		return PEER_DOCUMENT;
	default:
		return PEER_UNREACHABLE;
	}
	if (r->status == 401 || r->status == 403)
		return PEER_DENIED;
	if (r->status != 200)
		return PEER_STATUS;
	return r->truncated ? PEER_DOCUMENT : PEER_N_FAILURES;
}

/* What a stranger says is shown in a log: its first line, and printable. */
static void put_answer(const struct fetch_result *r, struct buf *out)
{
	const char *c = buf_str(&r->body);
	size_t i;

	if (r->error) {
		buf_puts(out, r->text);
		return;
	}
	if (r->truncated) {
		buf_puts(out, "it says more than a peer may");
		return;
	}
	buf_printf(out, "HTTP %d%s", r->status, *c ? ": " : "");
	for (i = 0; i < 200 && c[i] && c[i] != '\n'; i++)
		buf_putc(out, c[i] >= ' ' && c[i] <= '~' ? c[i] : '?');
}

static void on_answer(void *arg, const struct fetch_result *r)
{
	struct peer *p = arg;
	enum peer_failure failure = failure_of(r);
	struct buf why = BUF_INIT;
	struct exchange *x;

	p->fetch = NULL;
	if (failure != PEER_N_FAILURES) {
		put_answer(r, &why);
		peer_done(p, failure, buf_str(&why));
		buf_fini(&why);
		return;
	}
	x = calloc(1, sizeof(*x));
	if (x) {
		x->peer = p;
		x->peers = p->peers;
		buf_put(&x->body, r->body.data ? r->body.data : "", r->body.len);
		p->busy = x;
	}
	if (!x || !buf_ok(&x->body) ||
	    loop_work(p->peers->agent->loop, "peer", read_work, read_done, x)) {
		exchange_free(x);
		peer_done(p, PEER_LOCAL, "out of memory");
	}
}

/* --- a question ------------------------------------------------------------------------ */

static int put_url(struct peer *p, struct buf *out)
{
	size_t len = strlen(p->conf->url);

	/* Another place may be another peer. */
	if (!p->url || strcmp(p->url, p->conf->url) != 0) {
		free(p->url);
		p->url = strdup(p->conf->url);
		free(p->tag);
		p->tag = NULL;
	}
	while (len && p->conf->url[len - 1] == '/')
		len--;
	buf_printf(out, "%.*s/api/v1/peer", (int)len, p->conf->url);
	if (p->tag)
		buf_printf(out, "?known=%s", p->tag);
	return p->url && buf_ok(out) ? 0 : -ENOMEM;
}

static int ask(struct peer *p, struct buf *why)
{
	struct buf url = BUF_INIT, authorization = BUF_INIT;
	const char *headers[] = { "Content-Type: application/json", NULL, NULL };
	struct fetch_request req = { .headers = headers,
				     .ca_file = p->conf->ca_file,
				     .timeout_ms = p->conf->timeout,
				     .max_body = SHARE_BYTES_MAX };
	int e = put_url(p, &url);

	if (!e && p->conf->token_file)
		e = bearer_header("token_file", p->conf->token_file, &authorization, why);
	if (!e) {
		req.url = buf_str(&url);
		headers[1] = authorization.data;
		p->asked_wall_ms = clock_wall_ms();
		p->asked_mono_ms = clock_mono_ms();
		e = fetch_start(p->peers->agent->fetches, &req, on_answer, p, &p->fetch);
	}
	if (e && !why->len)
		buf_puts(why, strerrordesc_np(-e));
	bearer_wipe(&authorization);
	buf_fini(&url);
	return e;
}

void peer_ask(void *arg)
{
	struct peer *p = arg;
	struct buf why = BUF_INIT;

	if (p->peers->stopped || p->fetch || p->busy)
		return;
	if (!p->peers->recorded) {
		peers_introduce(p->peers);
		loop_timer_start(p->timer, ASK_AGAIN_MS);
	} else if (ask(p, &why)) {
		peer_done(p, PEER_LOCAL, buf_str(&why));
	}
	buf_fini(&why);
}
