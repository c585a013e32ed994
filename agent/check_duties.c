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

		for (k = 0; k < (i == vip ? address : v->n_addresses); k++)
			if (v->interface &&
			    !addr_cmp(&v->addresses[k].addr, &own->addresses[address].addr) &&
			    !strcmp(v->interface, own->interface))
				return v;
	}
	return NULL;
}

static void check_vip(struct config *c, void *const *vips, size_t i, bool roles)
{
	struct duty_vip_conf *v = vips[i];
	size_t k;

	for (k = 0; k < v->n_addresses; k++) {
		const struct duty_vip_conf *other = earlier(vips, i, k);

		if (other)
			conf_report(c, CONF_ERROR, v->addresses[k].file, v->addresses[k].line,
				    "address: %s on %s stands in [vip %s] already",
				    v->addresses[k].text, v->interface, other->head.name);
		if (v->when == WHEN_AVAILABLE && !is_served(c, &v->addresses[k].addr))
			conf_report(c, CONF_WARNING, v->addresses[k].file, v->addresses[k].line,
				    "address: no service has %s, so when = available never puts it "
				    "there nor takes it away",
				    v->addresses[k].text);
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

		if (!v->head.bad && v->interface)
			check_vip(c, vips, i, agent->roles);
	}
	if (sync->state == SYNC_ROLE && !agent->roles)
		conf_report(c, CONF_ERROR, conf_key_file(c, sync, "state"),
			    conf_key_line(c, sync, "state"),
			    "state: role needs a pair: roles = on in [agent]");
}
