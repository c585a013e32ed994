/* view.c: the life of a snapshot. Who makes its rows is agent/publish.c. */
#include "agent/model/view.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/clock.h"
#include "agent/model/match.h"

const char *const view_state_names[VIEW_N_STATES] = {
	[VIEW_UP] = "up",     [VIEW_DOWN] = "down",         [VIEW_UNKNOWN] = "unknown",
	[VIEW_HELD] = "held", [VIEW_DISABLED] = "disabled", [VIEW_STANDBY] = "standby",
};

const char *const peer_failure_names[PEER_N_FAILURES] = {
	[PEER_UNREACHABLE] = "unreachable",
	[PEER_TIMEOUT] = "timeout",
	[PEER_TLS] = "tls",
	[PEER_DENIED] = "denied",
	[PEER_STATUS] = "status",
	[PEER_DOCUMENT] = "document",
	[PEER_VERSION] = "version",
	[PEER_ITSELF] = "itself",
	[PEER_RESTORED] = "restored",
	[PEER_LEDGER] = "ledger",
	[PEER_LOCAL] = "local",
};

struct view *view_new(struct config *conf, const struct layout *layout)
{
	struct view *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	atomic_init(&v->refs, 1);
	v->conf = config_ref(conf);
	v->layout = layout;
	return v;
}

void view_read(struct view *v, struct reading *reading)
{
	v->reading = reading_ref(reading);
	v->table = reading->table;
	v->layout = reading->layout;
}

struct view *view_ref(struct view *v)
{
	atomic_fetch_add(&v->refs, 1);
	return v;
}

void view_unref(struct view *v)
{
	if (!v || atomic_fetch_sub(&v->refs, 1) != 1)
		return;
	if (v->rounds)
		v->rounds_free(v->rounds);
	free(v->vips);
	free(v->dests);
	free(v->services);
	free(v->realservers);
	free(v->probes);
	free(v->digests);
	free(v->durations);
	free(v->failures);
	free(v->holds);
	free(v->drains);
	free(v->rules);
	free(v->receivers);
	free(v->canaries);
	free(v->peers);
	arena_fini(&v->arena);
	buf_fini(&v->reasons);
	buf_fini(&v->names);
	free(v->name_of);
	reading_unref(v->reading);
	config_unref(v->conf);
	free(v);
}

/* The links of a realserver stand probe by probe; one that leads to two addresses is
 * one row. */
const char *view_probe_name(const struct view *v, uint32_t probe)
{
	const struct layout *l = v->layout;
	uint32_t realserver = v->probes[probe].realserver;
	uint32_t link = l->realservers[realserver].first_link;
	uint32_t n = probe - v->realservers[realserver].first_probe;
	const struct probe_conf *c = l->targets[l->links[link]].conf;

	while (n > 0) {
		const struct probe_conf *next = l->targets[l->links[++link]].conf;

		n -= next != c;
		c = next;
	}
	return c->head.name;
}

const char *view_probe_text(const struct view *v, uint32_t probe)
{
	uint32_t at = v->probes[probe].text;

	return at ? v->reasons.data + at : "";
}

/* The last VIP that begins there or before: one without rows begins where the next
 * does. */
uint32_t view_vip_of(const struct view *v, uint32_t dest)
{
	uint32_t from = 0, to = v->n_vips;

	while (to - from > 1) {
		uint32_t mid = from + (to - from) / 2;

		if (v->vips[mid].first_dest <= dest)
			from = mid;
		else
			to = mid;
	}
	return from;
}

static bool kernel_trouble(const struct view_agent *a, struct buf *out)
{
	if (a->kernel_ok)
		return false;
	switch (a->kernel_error) {
	case 0:
		buf_puts(out, "the kernel's IPVS table has not been read yet");
		break;
	case -ENOPROTOOPT:
		buf_puts(out, "the kernel has no ip_vs, nothing is managed until it comes "
			      "(modprobe ip_vs)");
		break;
	case -EPERM:
		buf_puts(out, "no CAP_NET_ADMIN: this is what /proc says, and nothing is managed");
		break;
	default:
		buf_printf(out, "the kernel's IPVS table cannot be read: %s",
			   strerrordesc_np(abs(a->kernel_error)));
	}
	return true;
}

/* Was its interface named by one before it? */
static bool named(const struct view *v, uint32_t canary)
{
	uint32_t i;

	for (i = 0; i < canary; i++)
		if (v->canaries[i].cut && !strcmp(v->canaries[i].cut, v->canaries[canary].cut))
			return true;
	return false;
}

static bool canary_trouble(const struct view *v, struct buf *out)
{
	bool any = false;
	uint32_t i;

	for (i = 0; i < v->n_canaries; i++) {
		if (!v->canaries[i].cut || named(v, i))
			continue;
		buf_puts(out, any ? ", " : "no canary answers behind ");
		buf_puts(out, v->canaries[i].cut);
		any = true;
	}
	if (any)
		buf_puts(out, ": that realservers there are silent says nothing of them, and no "
			      "weight changes for it");
	return any;
}

static bool peer_trouble(const struct view *v, struct buf *out)
{
	bool any = false;
	uint32_t i;

	for (i = 0; i < v->n_peers; i++) {
		const struct view_peer *p = &v->peers[i];

		if (p->up || !p->known)
			continue;
		buf_printf(out, "%speer %s is away since ", any ? ", " : "", p->name);
		clock_format_wall(out, p->since_wall_ms);
		if (*p->why)
			buf_printf(out, " (%s)", p->why);
		any = true;
	}
	if (any)
		buf_puts(out, ": what is held or lifted here is not known there, and the reverse");
	return any;
}

bool view_trouble(const struct view *v, unsigned int i, struct buf *out)
{
	const struct view_agent *a = &v->agent;

	if (i == 0)
		return kernel_trouble(a, out);
	if (i == 1 && !a->last_reload_ok) {
		buf_puts(out, "the last reload was refused: the configuration before it is in "
			      "force (ipvs-agent check tells why)");
		return true;
	}
	if (i == 2 && !a->ledger_writable) {
		buf_puts(out, "the ledger cannot be written: is the disk of state_dir full?");
		return true;
	}
	if (i == 3 && a->ledger_damaged) {
		buf_puts(out, "the ledger was damaged at the start: all holds are lost, and the "
			      "file is set aside in state_dir as ledger.damaged-TIME");
		return true;
	}
	if (i == 4)
		return canary_trouble(v, out);
	if (i == 5)
		return peer_trouble(v, out);
	return i > 5 && view_duty_trouble(v, i - 6, out);
}
