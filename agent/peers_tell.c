/* peers_tell.c: how the peers are, as rows for the metrics and as JSON. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/base/attr.h"
#include "agent/base/clock.h"
#include "agent/hands.h"
#include "agent/peers_internal.h"

static uint32_t count(const struct peers *p)
{
	const struct peer *at;
	uint32_t n = 0;

	for (at = p->first; at; at = at->next)
		n++;
	return n;
}

static void show(const struct peer *p, struct view *v)
{
	struct view_peer *row = &v->peers[v->n_peers++];

	*row = (struct view_peer){
		.name = arena_strdup(&v->arena, p->name),
		.why = arena_strdup(&v->arena, p->why ? p->why : ""),
		.known = p->known,
		.up = p->up,
		.since_wall_ms = p->since_wall_ms,
		.last_wall_ms = p->last_wall_ms,
		.skew_ms = p->skew_ms,
		.holds = { p->taken, p->ended },
		.exchanges = p->exchanges,
	};
	memcpy(row->failures, p->failures, sizeof(row->failures));
}

int peers_show(const struct peers *p, struct view *v)
{
	const struct peer *at;
	uint64_t *refused;
	uint32_t i;

	if (!p || !p->first)
		return 0;
	v->peers = calloc(count(p) + 1ul, sizeof(*v->peers));
	refused = arena_alloc(&v->arena, sizeof(p->refused));
	if (!v->peers || !refused)
		return -ENOMEM;
	memcpy(refused, p->refused, sizeof(p->refused));
	v->peers_refused = refused;
	for (at = p->first; at; at = at->next)
		show(at, v);
	for (i = 0; i < v->n_peers; i++)
		if (!v->peers[i].name || !v->peers[i].why)
			return -ENOMEM;
	return 0;
}

/* --- JSON ------------------------------------------------------------------------------ */

static json_t *wall(int64_t wall_ms)
{
	struct buf text = BUF_INIT;
	json_t *o;

	if (!wall_ms)
		return json_null();
	clock_format_wall(&text, wall_ms);
	o = json_string(buf_str(&text));
	buf_fini(&text);
	return o;
}

struct counting {
	const char *node;
	json_int_t n;
};

static void count_hold(void *arg, const struct hold *h)
{
	struct counting *c = arg;

	c->n += h->number && !strcmp(h->origin, c->node);
}

/* Before the first answer nobody knows. */
static json_t *peer_json(const struct peer *p, const struct agent *a)
{
	struct counting c = { .node = p->node };

	if (p->node[0])
		holds_each(a->holds, count_hold, &c);
	return json_pack("{s:s, s:s, s:s, s:s*, s:o, s:o, s:f, s:I, s:s*}", "name", p->name, "url",
			 p->conf->url, "state",
			 !p->known ? "unknown"
			 : p->up   ? "up"
				   : "away",
			 "node", p->node[0] ? p->node : NULL, "since", wall(p->since_wall_ms),
			 "last_exchange", wall(p->last_wall_ms), "clock_skew_seconds",
			 (double)p->skew_ms / 1000, "holds", c.n, "why", p->why);
}

enum command_status peers_list(const struct agent *a, const struct command *cmd ATTR_UNUSED,
			       struct buf *out)
{
	const struct peers *p = a->peers;
	json_t *list = json_array();
	const struct peer *at;

	for (at = p ? p->first : NULL; at; at = at->next)
		if (json_array_append_new(list, peer_json(at, a))) {
			json_decref(list);
			return COMMAND_FAILED;
		}
	return hands_text(
		json_pack("{s:s*, s:o}", "node", p && p->node[0] ? p->node : NULL, "peers", list),
		out);
}
