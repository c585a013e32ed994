/* rule_conf.h: the [rule NAME] section: what is watched, and what is asked when it
 * shows. `probe-down` is built in (head.line 0); a section of that name replaces it. */
#ifndef RULES_RULE_CONF_H
#define RULES_RULE_CONF_H

#include "conf/config.h"

struct action;
struct service_conf;
struct realserver_conf;

enum enforce { ENFORCE_ON = 0, ENFORCE_DRY_RUN, ENFORCE_OFF };

enum { RULE_RAMP_OF_SERVICE = -1, RULE_TTL = 9 * 3600 * 1000 /* ms: the default */ };

struct rule_action {
	const struct action *action;
	int effect;           /* of a hold (holds/hold.h); of one that tells 0 */
	const char *argument; /* the words behind the name; "" = none */
	const char *file;
	unsigned int line; /* where it stands; 0 = built in */
};

struct rule_conf {
	struct conf_head head;
	const char *expr;             /* as it is written; expr_compile() takes it */
	const char *alert;            /* of Alertmanager, in its place: one of both is NULL */
	const char *target;           /* alert_target(); NULL = by the alert's own labels */
	const char *says;             /* what it goes by, for people: expr, or "alert NAME" */
	bool reads_probes;            /* it needs a signal that probes give … */
	bool reads_stale;             /* … and that probes give which compare */
	struct conf_strings services; /* names or patterns; none = all */
	const unsigned int *service_lines, *realserver_lines; /* where each of them stands */
	struct conf_strings realservers;                      /* patterns; none = all */
	int64_t for_ms, keep_ms;
	int64_t cooldown; /* ms */
	int64_t ramp;     /* ms, or RULE_RAMP_OF_SERVICE */
	int64_t ttl;      /* ms; of an alert that is not repeated */
	enum enforce enforce;
	struct rule_action *actions; /* at least one; at most one a hold on the realserver */
	uint32_t n_actions;
};

extern const struct conf_section rule_section;
extern const char rule_probe_down[]; /* "probe-down" */

/* sections.c hands the registry of actions over before any load: this room may not see
 * actions/. NULL-terminated, must outlive everything. */
void rule_conf_actions(const struct action *const *actions);

/* All rules, struct rule_conf: built-in ones first, then as the files have them. */
void *const *rules_all(const struct config *c, size_t *ret_n);

/* Whether the rule is about such a service, and such a realserver of it. */
bool rule_conf_service(const struct rule_conf *r, const struct service_conf *s);
bool rule_conf_matches(const struct rule_conf *r, const struct service_conf *s,
		       const struct realserver_conf *realserver);

/* The action that places a hold on realservers; NULL = none. */
const struct rule_action *rule_conf_hold(const struct rule_conf *r);

/* What an alert's hold by the rule asks for: of a rule that holds nothing 100 %. */
int rule_conf_lease_effect(const struct rule_conf *r);

/* What is wrong with a pattern, "has a '[' without its ']'"; NULL = nothing. */
const char *rule_pattern_wrong(const char *text);
/* Whether a word is a pattern and not a name. */
bool rule_pattern_is(const char *text);
bool rule_pattern_matches(const char *pattern, const char *name);

#endif
