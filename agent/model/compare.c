/* compare.c: who takes part in a comparison, and when what he said is fresh. A service is
 * compared probe by probe, for answers to another question are other answers. */
#include "agent/model/compare.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "agent/base/rows.h"

enum { FRESH_INTERVALS = 3 };

struct target_digest {
	uint64_t value; /* 0 = none */
	int64_t at_ms;
	bool asked, too_long;
};

/* A service and a probe that compares it. */
struct pairing {
	const struct probe_conf *probe;
	struct consensus all;
};

struct compare {
	const struct layout *layout;
	struct target_digest *digests;  /* by target */
	uint32_t *first;                /* by service, and one more: of … */
	struct pairing *pairings;       /* … these */
	struct consensus_voice *voices; /* as many as a service has realservers */
	uint32_t n_pairings;
};

static struct pairing *find_pairing(const struct compare *c, uint32_t service,
				    const struct probe_conf *probe)
{
	uint32_t i;

	for (i = c->first[service]; probe->compares && i < c->first[service + 1]; i++)
		if (c->pairings[i].probe == probe)
			return &c->pairings[i];
	return NULL;
}

/* --- life ------------------------------------------------------------------------- */

static int add_pairing(struct compare *c, uint32_t service, const struct probe_conf *probe)
{
	uint32_t n = c->n_pairings;

	c->first[service + 1] = n;
	if (!probe->compares || find_pairing(c, service, probe))
		return 0;
	if (!(n & (n - 1))) { /* it is full at every power of 2 */
		void *more = reallocarray(c->pairings, n ? 2ul * n : 1, sizeof(*c->pairings));

		if (!more)
			return -ENOMEM;
		c->pairings = more;
	}
	c->pairings[n] = (struct pairing){ .probe = probe };
	c->first[service + 1] = ++c->n_pairings;
	return 0;
}

static int add_service(struct compare *c, uint32_t service)
{
	const struct layout *l = c->layout;
	const struct layout_service *s = &l->services[service];
	uint32_t i, k;
	int e = 0;

	c->first[service + 1] = c->n_pairings;
	for (i = s->first_realserver; i < s->first_realserver + s->n_realservers; i++) {
		const struct layout_realserver *r = &l->realservers[i];

		for (k = r->first_link; !e && k < r->first_link + r->n_links; k++)
			e = add_pairing(c, service, l->targets[l->links[k]].conf);
	}
	return e;
}

static bool any_compares(const struct layout *l)
{
	uint32_t i;

	for (i = 0; i < l->n_targets; i++)
		if (l->targets[i].conf->compares)
			return true;
	return false;
}

int compare_new(const struct layout *l, struct compare **ret_compare)
{
	struct compare *c;
	uint32_t most = 0, i;
	int e = 0;

	*ret_compare = NULL;
	if (!any_compares(l))
		return 0;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	for (i = 0; i < l->n_services; i++)
		if (l->services[i].n_realservers > most)
			most = l->services[i].n_realservers;
	c->layout = l;
	c->digests = rows_new(l->n_targets, sizeof(*c->digests));
	c->first = rows_new(l->n_services + 1ul, sizeof(*c->first));
	c->voices = rows_new(most, sizeof(*c->voices));
	if (!c->digests || !c->first || !c->voices)
		e = -ENOMEM;
	for (i = 0; !e && i < l->n_services; i++)
		e = add_service(c, i);
	if (e) {
		compare_free(c);
		return e;
	}
	*ret_compare = c;
	return 0;
}

void compare_free(struct compare *c)
{
	if (!c)
		return;
	free(c->digests);
	free(c->first);
	free(c->pairings);
	free(c->voices);
	free(c);
}

/* --- what was said ---------------------------------------------------------------- */

void compare_note(struct compare *c, uint32_t target, uint64_t digest, bool too_long,
		  int64_t now_ms)
{
	struct target_digest *d = c ? &c->digests[target] : NULL;

	if (!d)
		return;
	d->asked = true;
	if (!digest && !too_long)
		return;
	d->value = digest;
	d->at_ms = now_ms;
	d->too_long = too_long;
}

/* What a realserver says by a probe; false = it has no say there. */
static bool hear(const struct compare *c, uint32_t realserver, const struct probe_conf *probe,
		 int64_t now_ms, struct consensus_voice *ret_voice, bool *too_long)
{
	const struct layout *l = c->layout;
	const struct layout_realserver *r = &l->realservers[realserver];
	int64_t fresh_ms = FRESH_INTERVALS * probe->interval + probe->timeout;
	struct consensus_voice v = { 0 };
	bool any = false;
	uint32_t i;

	for (i = r->first_link; !r->conf->backup && i < r->first_link + r->n_links; i++) {
		const struct target_digest *d = &c->digests[l->links[i]];

		if (l->targets[l->links[i]].conf != probe)
			continue;
		any = true;
		v.awaited |= !d->asked;
		*too_long |= d->too_long;
		consensus_hear(&v, d->value, now_ms - d->at_ms, fresh_ms);
	}
	*ret_voice = v;
	return any;
}

void compare_service(struct compare *c, uint32_t service, int64_t now_ms)
{
	const struct layout_service *s;
	uint32_t i, k, n;

	if (!c)
		return;
	s = &c->layout->services[service];
	for (i = c->first[service]; i < c->first[service + 1]; i++) {
		bool too_long = false;

		for (k = n = 0; k < s->n_realservers; k++)
			n += hear(c, s->first_realserver + k, c->pairings[i].probe, now_ms,
				  &c->voices[n], &too_long);
		consensus_count(c->voices, n, &c->pairings[i].all);
	}
}

/* --- what it means ---------------------------------------------------------------- */

bool compare_probe(const struct compare *c, uint32_t realserver, const struct probe_conf *probe,
		   int64_t now_ms, struct compared *ret_compared)
{
	struct compared d = { 0 };
	struct consensus_voice v;
	const struct pairing *p;

	if (!c)
		return false;
	p = find_pairing(c, c->layout->realservers[realserver].service, probe);
	if (!p || !hear(c, realserver, probe, now_ms, &v, &d.too_long))
		return false;
	d.word = consensus_judge(&p->all, &v);
	d.all = p->all;
	d.digest = v.digest;
	d.split = v.split;
	*ret_compared = d;
	return true;
}

enum consensus_word compare_realserver(const struct compare *c, uint32_t realserver, int64_t now_ms)
{
	const struct probe_conf *last = NULL;
	enum consensus_word worst = CONSENSUS_UNKNOWN;
	const struct layout_realserver *r;
	uint32_t i;

	if (!c)
		return worst;
	r = &c->layout->realservers[realserver];
	for (i = r->first_link; i < r->first_link + r->n_links; i++) {
		const struct probe_conf *probe = c->layout->targets[c->layout->links[i]].conf;
		struct compared d;

		/* the links of a realserver stand probe by probe */
		if (probe != last && compare_probe(c, realserver, probe, now_ms, &d) &&
		    d.word > worst)
			worst = d.word;
		last = probe;
	}
	return worst;
}

void compare_words(const struct compared *d, struct buf *out)
{
	if (!d->digest) {
		buf_puts(out, d->too_long ? "no digest, the answer is longer than max_body"
					  : "no digest of late");
		return;
	}
	if (d->split)
		buf_puts(out, "two digests, its addresses answer differently");
	else
		buf_printf(out, "digest %012" PRIx64, compare_shown(d->digest));
	if (d->word == CONSENSUS_STALE)
		buf_printf(out, ", differs from %" PRIu32 " of %" PRIu32, d->all.agree,
			   d->all.heard);
	else if (d->all.awaited)
		buf_printf(out, ", %" PRIu32 " not asked yet", d->all.awaited);
	else if (d->all.heard < CONSENSUS_MIN)
		buf_printf(out, ", %" PRIu32 " to compare where it takes %d", d->all.heard,
			   CONSENSUS_MIN);
	else if (d->all.digest)
		buf_printf(out, ", as %" PRIu32 " of %" PRIu32 " have it", d->all.agree,
			   d->all.heard);
	else
		buf_printf(out, ", no majority of %" PRIu32, d->all.heard);
}
