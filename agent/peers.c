/* peers.c: who the peers are, and who we are to them: a name that chance gave, kept in the
 * ledger together with the holds it numbers, so that the two are lost together. */
#include "agent/peers.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/fetch.h"
#include "agent/base/log.h"
#include "agent/base/loop.h"
#include "agent/holds/ledger.h"
#include "agent/holds/place.h"
#include "agent/peers_internal.h"

/* --- who we are -------------------------------------------------------------------- */

static void on_node(void *arg, int error)
{
	struct peers *p = arg;

	p->recording = false;
	if (p->stopped)
		return;
	if (error == 0)
		error = placer_share(p->agent->placer, &p->seen);
	p->recorded = !error;
	if (error)
		log_event(LOG_ERROR, "peers are not asked: who we are to them is not recorded",
			  LOG_ERR(error));
}

/* Only who has peers has a name; until it is on disk nothing is told or asked. */
void peers_introduce(struct peers *p)
{
	uint64_t chance;

	if (!p->first || p->recorded || p->recording || p->stopped)
		return;
	if (!p->node[0]) {
		if (getrandom(&chance, sizeof(chance), 0) != sizeof(chance))
			return;
		snprintf(p->node, sizeof(p->node), "%016" PRIx64, chance);
	}
	p->recording = !ledger_node(p->agent->ledger, p->node, on_node, p);
}

/* --- a peer ------------------------------------------------------------------------ */

static void peer_free(struct peer *p)
{
	if (!p)
		return;
	if (p->busy)
		p->busy->peer = NULL;
	if (p->fetch && !p->peers->stopped)
		fetch_cancel(p->fetch);
	loop_timer_free(p->timer);
	free(p->name);
	free(p->url);
	free(p->tag);
	free(p->why);
	free(p);
}

static struct peer *peer_new(struct peers *peers, const struct peer_conf *conf)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->peers = peers;
	p->conf = conf;
	p->name = strdup(conf->head.name);
	if (!p->name || loop_timer_new(peers->agent->loop, "peer", peer_ask, p, &p->timer)) {
		peer_free(p);
		return NULL;
	}
	p->since_wall_ms = clock_wall_ms();
	return p;
}

static const struct peer_conf *conf_of(void *const *confs, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!strcmp(((const struct peer_conf *)confs[i])->head.name, name))
			return confs[i];
	return NULL;
}

static bool is_known(const struct peers *p, const char *name)
{
	const struct peer *at;

	for (at = p->first; at; at = at->next)
		if (!strcmp(at->name, name))
			return true;
	return false;
}

/* One that went leaves its holds: they are lifted by hand, or by their time. */
void peers_reload(struct peers *p)
{
	struct peer **at = &p->first, *gone;
	void *const *confs;
	size_t n, i;

	confs = config_sections(p->agent->conf, &peer_section, &n);
	while (*at) {
		(*at)->conf = conf_of(confs, n, (*at)->name);
		if ((*at)->conf) {
			at = &(*at)->next;
			continue;
		}
		gone = *at;
		*at = gone->next;
		peer_free(gone);
	}
	for (i = 0; i < n; i++) {
		const struct peer_conf *conf = confs[i];

		if (is_known(p, conf->head.name))
			continue;
		*at = peer_new(p, conf);
		if (!*at) {
			log_event(LOG_ERROR, "a peer is not asked",
				  LOG_STR("peer", conf->head.name), LOG_ERR(ENOMEM));
			continue;
		}
		loop_timer_start((*at)->timer, 0);
		at = &(*at)->next;
	}
	peers_introduce(p);
	p->unsettled |= p->waits;
}

/* --- life --------------------------------------------------------------------------- */

int peers_new(struct agent *a, struct ledger_state *kept, struct peers **ret_peers)
{
	struct peers *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->agent = a;
	p->waits = true; /* perhaps: what was restored is looked at once */
	memcpy(p->node, kept->node, sizeof(p->node));
	p->seen = kept->seen;
	kept->seen = (struct seen_set){ 0 };
	if (getrandom(&p->origin, sizeof(p->origin), GRND_NONBLOCK) == -1)
		p->origin = (uint32_t)clock_wall_ms();
	*ret_peers = p;
	peers_reload(p);
	return 0;
}

void peers_stop(struct peers *p)
{
	struct peer *at;

	if (!p)
		return;
	for (at = p->first; at; at = at->next) {
		loop_timer_stop(at->timer);
		if (at->fetch)
			fetch_cancel(at->fetch);
		at->fetch = NULL;
	}
	p->stopped = true;
}

void peers_free(struct peers *p)
{
	struct peer *at;

	if (!p)
		return;
	while ((at = p->first)) {
		p->first = at->next;
		peer_free(at);
	}
	exchange_free(p->merging);
	seen_fini(&p->seen);
	free(p);
}

void peers_note(struct peers *p)
{
	if (!p)
		return;
	p->changes++;
	p->unsettled |= p->waits;
}

void peers_turn(struct peers *p)
{
	if (!p || p->stopped || p->agent->stopping)
		return;
	if (p->first && seen_get(&p->seen, "") > p->judged)
		peers_judge_own(p);
	if (!p->unsettled)
		return;
	p->unsettled = false;
	peers_settle(p);
}

/* --- what we hold ------------------------------------------------------------------- */

static void put_tag(const struct peers *p, struct buf *out)
{
	buf_printf(out, "%08" PRIx32 "-%" PRIx64, p->origin, p->changes);
}

static int write_share(const struct peers *p, const char *known, struct buf *out)
{
	struct merge_side side = { .node = p->node, .seen = &p->seen };
	struct buf tag = BUF_INIT;
	const struct hold **list;
	int e;

	put_tag(p, &tag);
	if (known && !strcmp(known, buf_str(&tag))) {
		e = share_write_unchanged(p->node, buf_str(&tag), clock_wall_ms(), out);
		buf_fini(&tag);
		return e;
	}
	list = peers_holds(p, &side.n);
	side.holds = list;
	e = list ? share_write(&side, buf_str(&tag), clock_wall_ms(), out) : -ENOMEM;
	free(list);
	buf_fini(&tag);
	return e;
}

enum command_status peers_share(const struct agent *a, const struct command *cmd, struct buf *out)
{
	const struct peers *p = a->peers;
	int e;

	if (!p || !p->first) {
		buf_puts(out, "no [peer] is configured here");
		return COMMAND_NOT_FOUND;
	}
	if (!p->recorded) {
		buf_puts(out, "who this agent is to peers is not recorded yet: ask again");
		return COMMAND_UNAVAILABLE;
	}
	e = write_share(p, cmd->target, out);
	if (e == -E2BIG)
		buf_printf(out, "more is held here than peers are told of (%d holds): lift some",
			   SHARE_HOLDS_MAX);
	return !e ? COMMAND_OK : e == -E2BIG ? COMMAND_UNAVAILABLE : COMMAND_FAILED;
}

void peers_put_shared(const struct peers *p, const struct hold *h, struct json_t *o)
{
	if (p && h->number && p->node[0])
		(void)json_object_set_new(
			o, "shared",
			json_sprintf("%s-%" PRIu64, *h->origin ? h->origin : p->node, h->number));
}

bool peers_same_holder(const struct hold *h, const char *holder)
{
	const char *peer = *h->origin ? strrchr(h->holder, '@') : NULL;
	size_t len = strlen(holder);

	if (!strcmp(h->holder, holder))
		return true;
	return peer && len == (size_t)(peer - h->holder) && !strncmp(h->holder, holder, len);
}
