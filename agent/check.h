/* check.h: what more than one section must be read for. check_… report errors,
 * lint_… what is legal and wrong. */
#ifndef AGENT_CHECK_H
#define AGENT_CHECK_H

#include "conf/config.h"

/* Each probe that is named exists, and has a port to go to. */
void check_probes(struct config *c);
/* Each canary's probe exists and has a port to go to, and it is no realserver. */
void check_canaries(struct config *c);
/* Each probe that goes by the director's forwarding finds its way; the marks that this
 * takes are no service's. */
void check_forward(struct config *c);
/* No address belongs to two services. */
void check_addresses(struct config *c);
/* No VIP stands there twice; each that waits for something can have it. */
void check_duties(struct config *c);
/* Each service and each receiver that a rule names exists. */
void check_rules(struct config *c);

void lint_http(struct config *c);
void lint_services(struct config *c);
void lint_probes(struct config *c);
void lint_rules(struct config *c);
/* What rules do to the services that they are about. */
void lint_effects(struct config *c);
void lint_notify(struct config *c);

/* Of the sections of that type the name that was probably meant; NULL = none. */
const char *check_near(const struct config *c, const struct conf_section *s, const char *name);

#endif
