/* evidence.c: the worst of a realserver's probes speaks for all of them. */
#include "agent/rules/evidence.h"

const struct target *evidence_witness(const struct state *s, uint32_t realserver)
{
	const struct layout_realserver *l = &s->layout->realservers[realserver];
	const struct target *best = NULL;
	uint32_t i;

	for (i = l->first_link; i < l->first_link + l->n_links; i++) {
		const struct target *t = &s->targets[s->layout->links[i]];

		if (t->health.verdict != VERDICT_DOWN)
			continue;
		if (!best || probe_reasons[t->health.reason].evidence <
				     probe_reasons[best->health.reason].evidence)
			best = t;
	}
	return best;
}

void evidence_describe(const struct state *s, uint32_t realserver, struct buf *out)
{
	const struct target *t = evidence_witness(s, realserver);
	const struct probe_conf *conf;
	const char *status;

	if (!t) {
		buf_puts(out, "no probe says down");
		return;
	}
	conf = s->layout->targets[t - s->targets].conf;
	status = probe_conf_status(conf, t->last_status);
	buf_printf(out, "%s %s", conf->head.name, probe_reasons[t->health.reason].sentence);
	if (t->health.reason == PROBE_ANSWER_STATUS && status)
		buf_printf(out, " (%s)", status);
	else if (t->health.reason == PROBE_ANSWER_STATUS)
		buf_printf(out, " %d", t->last_status);
	buf_printf(out, ", %u probes failed", t->health.failures);
}

unsigned int evidence_of(const struct state *s, uint32_t realserver)
{
	const struct target *t = evidence_witness(s, realserver);

	return t ? probe_reasons[t->health.reason].evidence : ~0u;
}
