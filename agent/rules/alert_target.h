/* alert_target.h: PURE: which realservers an alert is about. Only exact ones will do: what
 * would be a whole service, a pattern, or more realservers than a mistake should take out
 * at once is refused, in words.
 *
 * By the rule's `target` where it has one; else by labels, of which the first that there
 * is decides, and those before it narrow it down:
 *   ipvs_service, realserver  as our own metrics have them; then address, if there is
 *                             one, must be the realserver's or its service's
 *   address                   a realserver's, with its port or without
 *   instance                  a realserver's address, or its name; its port is not looked
 *                             at: most often it is an exporter's */
#ifndef RULES_ALERT_TARGET_H
#define RULES_ALERT_TARGET_H

#include "agent/holds/alert.h"
#include "agent/model/layout.h"

struct rule_conf;

enum {
	ALERT_REALSERVERS_MAX = 10, /* that one alert may be about */
	REQUEST_TARGETS_MAX = 100,  /* that one request may newly ask for */
	ALERT_TARGET_MAX = 1024,    /* bytes of a `target` */
};

/* Finds realservers of a layout by name and by address, over all services; made when it
 * is first needed. All zero = not made. */
struct alert_index {
	const struct layout *layout;
	uint32_t *by_name;
	struct alert_address *by_address;
	size_t n_addresses;
};
void alert_index_fini(struct alert_index *ix);

/* The realservers that an alert is about, as far as the rule is about them too: 0 and
 * *ret_n of them, no one twice. -ENOENT: none that the rule is about, -EINVAL: refused;
 * `why` says why in either case. -ENOMEM. ix->layout must be set. */
int alert_target(struct alert_index *ix, const struct rule_conf *rule, const struct alert *a,
		 struct buf *why, uint32_t ret_ids[static ALERT_REALSERVERS_MAX], uint32_t *ret_n);

/* What is wrong with a `target`, "has a '{' without its '}'"; NULL = nothing. */
const char *alert_target_wrong(const char *text);

#endif
