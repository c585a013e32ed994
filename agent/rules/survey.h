/* survey.h: PURE: a service as the guards see it: who would take connections once all
 * that was asked for is in force, and what rules hold already. */
#ifndef RULES_SURVEY_H
#define RULES_SURVEY_H

#include "agent/holds/hold.h"
#include "agent/model/state.h"

struct survey {
	/* Realservers above 0 by the file, without backups; the sum of their weights. */
	uint32_t configured;
	uint64_t configured_weight;
	/* Above 0 with every hold that stands, backups included; the sum of their weights. */
	uint32_t available;
	uint64_t available_weight;
	uint32_t held; /* of the configured ones: at 0 or absent by a rule's or an alert's hold */
	uint32_t domains;   /* failure domains with one that anybody holds so; 2 = or more */
	const char *domain; /* the first of them; NULL = none */
	uint32_t backups;   /* of those available: backups that serve in a panic */
};

void survey_service(const struct state *s, const struct holds *holds, uint32_t service,
		    struct survey *ret_survey);

/* What a realserver would take with every hold that stands, those included that still
 * wait for the ledger. */
uint32_t survey_weight(const struct state *s, const struct holds *holds, uint32_t realserver);

/* What its weight is a share of: the file's, or what an operator put in its place. */
uint32_t survey_base(const struct state *s, const struct holds *holds, uint32_t realserver);

/* Whether it is held at 0 or absent: by a rule or an alert, or by anybody. */
bool survey_held(const struct state *s, const struct holds *holds, uint32_t realserver,
		 bool by_anybody);

/* Takes one more hold in: `effect` on a realserver which takes `weight` now. */
void survey_take(struct survey *v, const struct state *s, const struct holds *holds,
		 uint32_t realserver, int effect, uint32_t weight);

#endif
