/* check_duties.c: VIPs and sync daemons against each other and the rest of the file. */
#include <string.h>

#include "agent/check.h"
#include "agent/model/duty_conf.h"
#include "agent/model/service_conf.h"
#include "agent/settings.h"

static bool is_served(struct config *c, const struct addr *a)
{
	size_t n, i;
	uint32_t k;
	void *const *services = config_sections(c, &service_section, &n);

	for (i = 0; i < n; i++) {
		const struct service_conf *s = services[i];

		for (k = 0; k < s->n_addresses; k++) {
			const struct ipvs_key *key = &s->addresses[k].key;

			if (!key->fwmark && key->addr.family == a->family &&
			    !memcmp(key->addr.bytes, a->bytes, sizeof(a->bytes)))
				return true;
		}
	}
	return false;
}

/* The one of an earlier section, or an earlier line, with that address there. */
static const struct duty_vip_conf *earlier(void *const *vips, size_t vip, size_t address)
{
	const struct duty_vip_conf *own = vips[vip];
	size_t i, k;

	for (i = 0; i <= vip; i++) {
		const struct duty_vip_conf *v = vips[i];

		for (k = 0; k < (i == vip ? address : v->texts.n); k++)
			if (v->addresses && v->interface &&
			    !addr_cmp(&v->addresses[k], &own->addresses[address]) &&
			    !strcmp(v->interface, own->interface))
				return v;
	}
	return NULL;
}

static void check_vip(struct config *c, void *const *vips, size_t i, bool roles)
{
	struct duty_vip_conf *v = vips[i];
	const char *file = conf_key_file(c, v, "address");
	unsigned int line = conf_key_line(c, v, "address");
	size_t k;

	for (k = 0; k < v->texts.n; k++) {
		const struct duty_vip_conf *other = earlier(vips, i, k);

		if (!v->addresses[k].family)
			continue;
		if (other)
			conf_report(c, CONF_ERROR, file, line,
				    "address: %s on %s stands in [vip %s] already",
				    v->texts.items[k], v->interface, other->head.name);
		if (v->when == WHEN_AVAILABLE && !is_served(c, &v->addresses[k]))
			conf_report(c, CONF_WARNING, file, line,
				    "address: no service has %s, so when = available never puts it "
				    "there nor takes it away",
				    v->texts.items[k]);
	}
	if (v->when == WHEN_MASTER && !roles)
		conf_report(c, CONF_ERROR, conf_key_file(c, v, "when"), conf_key_line(c, v, "when"),
			    "when: master needs a pair: roles = on in [agent]");
}

void check_duties(struct config *c)
{
	const struct agent_conf *agent = config_section(c, &agent_section);
	const struct duty_sync_conf *sync = config_section(c, &duty_sync_section);
	size_t n, i;
	void *const *vips = config_sections(c, &duty_vip_section, &n);

	for (i = 0; i < n; i++) {
		const struct duty_vip_conf *v = vips[i];

		if (!v->head.bad && v->addresses && v->interface)
			check_vip(c, vips, i, agent->roles);
	}
	if (sync->state == SYNC_ROLE && !agent->roles)
		conf_report(c, CONF_ERROR, conf_key_file(c, sync, "state"),
			    conf_key_line(c, sync, "state"),
			    "state: role needs a pair: roles = on in [agent]");
}
