/* sysctl_advice.h: PURE: which values below net.ipv4.vs the services of a configuration ask
 * for. */
#ifndef MODEL_SYSCTL_ADVICE_H
#define MODEL_SYSCTL_ADVICE_H

#include "agent/model/layout.h"

struct sysctl_advice {
	const char *name; /* "expire_nodest_conn" */
	int64_t value;
	bool (*suits)(const struct service_conf *s);
};

/* The advice that holds for some service, by index; NULL behind the last. */
const struct sysctl_advice *sysctl_advice_at(const struct layout *l, uint32_t i);

/* The first enabled service of which it is true; LAYOUT_NONE. */
uint32_t sysctl_advice_service(const struct layout *l, bool (*suits)(const struct service_conf *s));

/* Each service; one with persistence; one whose scheduler goes by the client's address. */
bool service_is_any(const struct service_conf *s);
bool service_is_persistent(const struct service_conf *s);
bool service_is_hashing(const struct service_conf *s);

#endif
