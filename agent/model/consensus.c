/* consensus.c: the majority by Boyer and Moore: the one candidate that can have it is found
 * in one pass without memory, and counted in another. */
#include "agent/model/consensus.h"

void consensus_hear(struct consensus_voice *v, uint64_t digest, int64_t age_ms, int64_t fresh_ms)
{
	if (!digest || age_ms > fresh_ms)
		return;
	v->split |= v->digest && v->digest != digest;
	v->digest = digest;
}

static uint64_t find_candidate(const struct consensus_voice *voices, uint32_t n)
{
	uint64_t candidate = 0;
	uint32_t lead = 0, i;

	for (i = 0; i < n; i++) {
		if (!voices[i].digest)
			continue;
		if (!lead)
			candidate = voices[i].split ? 0 : voices[i].digest;
		if (!voices[i].split && voices[i].digest == candidate)
			lead++;
		else
			lead -= lead > 0;
	}
	return candidate;
}

void consensus_count(const struct consensus_voice *voices, uint32_t n,
		     struct consensus *ret_consensus)
{
	struct consensus c = { .digest = find_candidate(voices, n) };
	uint32_t i;

	for (i = 0; i < n; i++) {
		c.awaited += voices[i].awaited;
		c.heard += voices[i].digest != 0;
		c.agree += c.digest && voices[i].digest == c.digest && !voices[i].split;
	}
	if (c.agree <= c.heard / 2) {
		c.digest = 0;
		c.agree = 0;
	}
	*ret_consensus = c;
}

enum consensus_word consensus_judge(const struct consensus *c, const struct consensus_voice *v)
{
	if (!v->digest || c->heard < CONSENSUS_MIN || c->awaited)
		return CONSENSUS_UNKNOWN;
	return c->digest && (v->split || v->digest != c->digest) ? CONSENSUS_STALE : CONSENSUS_SAME;
}
