/* view_json.c: the API's objects, by jansson. Names are those of the metrics
 * where there is a metric; times are RFC 3339, durations seconds. */
#include "agent/http/view_json.h"

#include <inttypes.h>
#include <stdio.h>

#include "agent/base/clock.h"
#include "agent/holds/hold_json.h"
#include "agent/http/request.h"
#include "agent/ipvs/ipvs.h"

json_t *view_json_text(const char *text)
{
	struct buf clean = BUF_INIT;
	json_t *o = json_string(text ? text : "");

	if (o)
		return o;
	http_put_clean(&clean, text);
	o = json_string(buf_str(&clean));
	buf_fini(&clean);
	return o;
}

static json_t *wall(int64_t wall_ms)
{
	struct buf text = BUF_INIT;
	json_t *o;

	if (wall_ms == 0)
		return json_null();
	clock_format_wall(&text, wall_ms);
	o = json_string(buf_str(&text));
	buf_fini(&text);
	return o;
}

static json_t *count(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *seconds(int64_t us)
{
	return json_real((double)us / 1e6);
}

/* Adds and forgets; the object is NULL from the first failure on. */
static void put(json_t **o, const char *key, json_t *value)
{
	if (!*o) {
		json_decref(value);
	} else if (json_object_set_new(*o, key, value) < 0) {
		json_decref(*o);
		*o = NULL;
	}
}

static void put_stats(json_t **o, const struct ipvs_stats *s)
{
	put(o, "connections_total", count(s->conns));
	put(o, "incoming_packets_total", count(s->in_packets));
	put(o, "outgoing_packets_total", count(s->out_packets));
	put(o, "incoming_bytes_total", count(s->in_bytes));
	put(o, "outgoing_bytes_total", count(s->out_bytes));
}

json_t *view_json_service(const struct view *v, uint32_t service)
{
	const struct view_service *s = &v->services[service];
	json_t *o = json_object(), *states = json_object();

	for (int i = 0; i < VIEW_N_STATES; i++)
		put(&states, view_state_names[i], count(s->states[i]));
	put(&o, "name", view_json_text(s->name));
	put(&o, "managed", json_true());
	put(&o, "panic", json_boolean(s->panic));
	put(&o, "available", count(s->available));
	put(&o, "configured", count(s->configured));
	put(&o, "states", states);
	return o;
}

json_t *view_json_foreign(const struct view *v, uint32_t vip)
{
	json_t *o = json_object();

	put(&o, "name", view_json_text(v->vips[vip].service));
	put(&o, "managed", json_false());
	return o;
}

json_t *view_json_vip(const struct view *v, uint32_t vip)
{
	const struct view_vip *row = &v->vips[vip];
	const struct ipvs_service *s;
	json_t *o = json_object();

	put(&o, "address", view_json_text(row->address));
	put(&o, "in_kernel", json_boolean(row->table != VIEW_NONE));
	if (row->table == VIEW_NONE)
		return o;
	s = &v->table.services[row->table];
	put(&o, "scheduler", view_json_text(s->scheduler));
	put_stats(&o, &s->stats);
	return o;
}

json_t *view_json_dest(const struct view *v, uint32_t dest)
{
	const struct view_dest *row = &v->dests[dest];
	const struct ipvs_dest *d;
	struct buf address = BUF_INIT;
	json_t *o = json_object();

	put(&o, "realserver", view_json_text(row->name));
	put(&o, "managed", json_boolean(row->realserver != VIEW_NONE));
	put(&o, "in_kernel", json_boolean(row->table != VIEW_NONE));
	if (row->table == VIEW_NONE)
		return o;
	d = &v->table.dests[row->table];
	addr_format(&address, &d->addr);
	put(&o, "address", view_json_text(buf_str(&address)));
	buf_fini(&address);
	put(&o, "forward", view_json_text(ipvs_forward_name(d->forward)));
	put(&o, "weight", count(d->weight));
	put(&o, "active_connections", count(d->active));
	put(&o, "inactive_connections", count(d->inactive));
	put(&o, "persistent_connections", count(d->persistent));
	put_stats(&o, &d->stats);
	return o;
}

/* What the answer is beside those of the service's other realservers. */
static void put_digest(json_t **o, const struct view_digest *d)
{
	char text[16];

	snprintf(text, sizeof(text), "%012" PRIx64, d->value);
	put(o, "digest", d->value ? json_string(text) : json_null());
	put(o, "stale",
	    d->word == CONSENSUS_UNKNOWN ? json_null() : json_boolean(d->word == CONSENSUS_STALE));
	put(o, "digest_agree", count(d->agree));
	put(o, "digest_heard", count(d->heard));
	put(o, "digest_too_long", json_boolean(d->too_long));
}

static json_t *probe_json(const struct view *v, uint32_t probe)
{
	const struct view_probe *p = &v->probes[probe];
	json_t *o = json_object();

	put(&o, "probe", view_json_text(view_probe_name(v, probe)));
	put(&o, "verdict", view_json_text(verdict_name(p->verdict)));
	put(&o, "unknown", json_boolean(p->unknown));
	put(&o, "success", json_boolean(p->success));
	if (p->last_wall_ms != 0 && p->reason < PROBE_N_REASONS) {
		put(&o, "reason", view_json_text(probe_reasons[p->reason].slug));
		put(&o, "said", view_json_text(probe_reasons[p->reason].sentence));
	}
	if (p->text)
		put(&o, "text", view_json_text(view_probe_text(v, probe)));
	put(&o, "consecutive_passes", count(p->streak > 0 ? (uint64_t)p->streak : 0));
	put(&o, "consecutive_failures", count(p->streak < 0 ? (uint64_t)-p->streak : 0));
	put(&o, "attempts_total", count(p->attempts));
	put(&o, "since", wall(p->since_wall_ms));
	put(&o, "last", wall(p->last_wall_ms));
	put(&o, "duration_seconds", seconds(p->last_us));
	if (v->digests && v->digests[probe].compared)
		put_digest(&o, &v->digests[probe]);
	if (p->tls_not_after)
		put(&o, "tls_expiry", wall((int64_t)p->tls_not_after * 1000));
	return o;
}

json_t *view_json_realserver(const struct view *v, uint32_t realserver)
{
	const struct view_realserver *r = &v->realservers[realserver];
	const struct realserver_conf *c = view_conf(v, realserver);
	json_t *o = json_object(), *probes = json_array();

	put(&o, "name", view_json_text(c->name));
	put(&o, "state", view_json_text(view_state_names[r->state]));
	put(&o, "backup", json_boolean(c->backup));
	put(&o, "configured_weight", count(c->weight));
	put(&o, "effective_weight",
	    r->effective_weight < 0 ? json_null() : json_integer(r->effective_weight));
	put(&o, "reason", view_json_text(view_reason(v, realserver)));
	for (uint32_t i = r->first_probe; i < view_probes_end(v, realserver) && probes; i++) {
		if (json_array_append_new(probes, probe_json(v, i)) < 0) {
			json_decref(probes);
			probes = NULL;
		}
	}
	put(&o, "probes", probes);
	return o;
}

json_t *view_json_hold(const struct view_hold *h)
{
	json_t *o = json_object();

	put(&o, "id", view_json_text(h->id));
	put(&o, "class", view_json_text(h->class_name));
	put(&o, "holder", view_json_text(h->holder));
	put(&o, "effect", hold_effect_json(h->effect, h->weight));
	put(&o, "reason", view_json_text(h->reason));
	put(&o, "since", wall(h->since_wall_ms));
	put(&o, "until", wall(h->until_wall_ms));
	put(&o, "waiting", json_boolean(h->waiting));
	return o;
}
