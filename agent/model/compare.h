/* compare.h: the digests of answers by probes that compare (struct probe_conf), beside the
 * targets, and what the realservers of a service say together. Touched by the loop thread
 * alone. */
#ifndef MODEL_COMPARE_H
#define MODEL_COMPARE_H

#include "agent/model/consensus.h"
#include "agent/model/layout.h"

struct compare;

/* *ret_compare is NULL where no probe of the layout compares. -ENOMEM. Borrows the layout,
 * and begins with nobody asked: after a reload, too, since what is asked may have become
 * something else. */
int compare_new(const struct layout *l, struct compare **ret_compare);
/* NULL is fine, here and below. */
void compare_free(struct compare *c);

/* An attempt at a target ended, with that digest; 0 = none, and the last one stands, unless
 * the answer was too long to have one. */
void compare_note(struct compare *c, uint32_t target, uint64_t digest, bool too_long,
		  int64_t now_ms);

/* Counts the realservers of a service anew, for each probe that compares them: those that
 * take part and are no backups. A digest counts for three intervals. */
void compare_service(struct compare *c, uint32_t service, int64_t now_ms);

/* One realserver by one probe. */
struct compared {
	enum consensus_word word;
	struct consensus all;
	uint64_t digest; /* its own; 0 = none that is fresh */
	bool split, too_long;
};

/* By what was counted last; false = nothing is compared there. */
bool compare_probe(const struct compare *c, uint32_t realserver, const struct probe_conf *probe,
		   int64_t now_ms, struct compared *ret_compared);
/* The worst of all its probes; one that says nothing hides none that does. */
enum consensus_word compare_realserver(const struct compare *c, uint32_t realserver,
				       int64_t now_ms);

/* The part of a digest that people see: 12 hex digits. */
static inline uint64_t compare_shown(uint64_t digest)
{
	return digest >> 16;
}

/* In words: "digest 9f86d081884c, differs from 2 of 3". */
void compare_words(const struct compared *d, struct buf *out);

#endif
