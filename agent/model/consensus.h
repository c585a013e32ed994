/* consensus.h: PURE: do servers that should say the same say the same? Digests of their
 * answers in; whether more than half of them agree, and who is of another opinion, out. */
#ifndef MODEL_CONSENSUS_H
#define MODEL_CONSENSUS_H

#include <stdbool.h>
#include <stdint.h>

/* With two nobody can say which of them is wrong. */
enum { CONSENSUS_MIN = 3 };

/* What one server said; all zero = nothing yet. */
struct consensus_voice {
	uint64_t digest; /* 0 = none that is fresh */
	bool split;      /* it said two things at once, by two addresses */
	bool awaited;    /* it was not asked yet */
};

/* Takes in what one address of a server said: its last digest (0 = none), `age_ms` old; it
 * is heard up to `fresh_ms`. */
void consensus_hear(struct consensus_voice *v, uint64_t digest, int64_t age_ms, int64_t fresh_ms);

struct consensus {
	uint64_t digest; /* of more than half of those heard; 0 = nobody has so many */
	uint32_t heard;  /* who said anything that is fresh */
	uint32_t agree;  /* … and just that */
	uint32_t awaited;
};

void consensus_count(const struct consensus_voice *voices, uint32_t n,
		     struct consensus *ret_consensus);

enum consensus_word {
	CONSENSUS_UNKNOWN = 0, /* it is not heard, fewer than CONSENSUS_MIN are, or some are
				  awaited */
	CONSENSUS_SAME,        /* as most have it, or there is no majority */
	CONSENSUS_STALE,       /* there is a majority, and it is of another opinion */
};

/* What that means for one of those who were counted. */
enum consensus_word consensus_judge(const struct consensus *c, const struct consensus_voice *v);

#endif
