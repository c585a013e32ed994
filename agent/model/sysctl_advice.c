/* sysctl_advice.c: the table that the metrics and the doctor go by. */
#include "agent/model/sysctl_advice.h"

#include <string.h>

#include "agent/base/attr.h"

static const struct sysctl_advice advices[] = {
	{ "conn_reuse_mode", 1, service_is_any },
	{ "expire_nodest_conn", 1, service_is_any },
	{ "expire_quiescent_template", 1, service_is_persistent },
	{ "run_estimation", 1, service_is_any },
	{ "sloppy_tcp", 1, service_is_hashing },
};

bool service_is_any(const struct service_conf *s)
{
	return s->enabled;
}

bool service_is_persistent(const struct service_conf *s)
{
	return s->persistence > 0;
}

bool service_is_hashing(const struct service_conf *s)
{
	return !strcmp(s->scheduler, "mh") || !strcmp(s->scheduler, "sh");
}

uint32_t sysctl_advice_service(const struct layout *l, bool (*suits)(const struct service_conf *s))
{
	uint32_t i;

	for (i = 0; i < l->n_services; i++)
		if (l->services[i].n_vips && suits(l->services[i].conf))
			return i;
	return LAYOUT_NONE;
}

const struct sysctl_advice *sysctl_advice_at(const struct layout *l, uint32_t i)
{
	size_t k;

	for (k = 0; k < countof(advices); k++)
		if (sysctl_advice_service(l, advices[k].suits) != LAYOUT_NONE && !i--)
			return &advices[k];
	return NULL;
}
