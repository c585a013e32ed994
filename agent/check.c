/* check.c: errors that no single section shows: names that nothing has, addresses
 * that two services have. */
#include "agent/check.h"

#include <stdlib.h>
#include <string.h>

#include "agent/base/parse.h"
#include "agent/model/service_conf.h"
#include "agent/probe.h"
#include "agent/probes/canary_conf.h"
#include "agent/probes/probe_conf.h"
#include "conf/setter.h"

/* --- probes ----------------------------------------------------------------------- */

const char *check_near(const struct config *c, const struct conf_section *s, const char *name)
{
	size_t n, i;
	void *const *objs = config_sections(c, s, &n);
	const char **names = n ? malloc(n * sizeof(*names)) : NULL;
	const char *near = NULL;

	/* without memory there is no suggestion, and that is all */
	for (i = 0; names && i < n; i++)
		names[i] = ((const struct conf_head *)objs[i])->name;
	if (names)
		near = nearest_name(name, names, n);
	free(names);
	return near;
}

/* Reports each of the words that is no probe's name. `who` leads: "realserver
 * web1: " or "". */
static void check_names(struct config *c, const struct conf_strings *words, const char *what,
			const char *who, const char *file, unsigned int line)
{
	const char *near;
	size_t i;

	for (i = 0; i < words->n; i++) {
		if (config_named(c, &probe_section, words->items[i]))
			continue;
		if (!conf_name_ok(words->items[i])) {
			conf_report(c, CONF_ERROR, file, line,
				    "%s%s%sprobe: a probe's name is 1 to 40 of A-Z a-z 0-9 _ . -",
				    what, who, *who ? ": " : "");
			continue;
		}
		near = check_near(c, &probe_section, words->items[i]);
		conf_report(c, CONF_ERROR, file, line, "%s%s%sprobe: there is no [probe %s]%s%s%s",
			    what, who, *who ? ": " : "", words->items[i],
			    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	}
}

/* Whether `probe` finds a port at each address of a realserver. */
static bool has_port(const struct service_conf *s, const struct realserver_conf *r,
		     const struct probe_conf *probe)
{
	uint32_t i;

	for (i = 0; i < realserver_conf_n_probed(r); i++)
		if (!service_conf_probe_addr(s, r, i, probe).port)
			return false;
	return true;
}

/* Reports the first realserver that `probe` has no port for. */
static void check_port(struct config *c, const struct service_conf *s,
		       const struct realserver_conf *r, const char *name)
{
	const struct probe_conf *p = config_named(c, &probe_section, name);

	if (!p || p->head.bad || !p->scheme->needs_port || p->via == VIA_FORWARD ||
	    has_port(s, r, p))
		return;
	conf_report(c, CONF_ERROR, s->head.file, r->line,
		    "%s %s: probe '%s' has no port to go to: its URL, the realserver and the "
		    "service's addresses name none",
		    r->backup ? "backup" : "realserver", r->name, name);
}

static void check_service_probes(struct config *c, const struct service_conf *s)
{
	uint32_t i;
	size_t k;

	if (conf_key_given(s, "probe"))
		check_names(c, &s->terms.probes, "", "", conf_key_file(c, s, "probe"),
			    conf_key_line(c, s, "probe"));
	for (i = 0; i < s->n_realservers; i++) {
		const struct realserver_conf *r = &s->realservers[i];

		if (r->terms->has_probes)
			check_names(c, &r->terms->probes, r->backup ? "backup " : "realserver ",
				    r->name, s->head.file, r->line);
		for (k = 0; k < r->terms->probes.n; k++)
			check_port(c, s, r, r->terms->probes.items[k]);
	}
}

void check_probes(struct config *c)
{
	const struct service_conf *defaults = config_section(c, &defaults_section);
	size_t n, i;
	void *const *services = config_sections(c, &service_section, &n);

	check_names(c, &defaults->terms.probes, "", "", conf_key_file(c, defaults, "probe"),
		    conf_key_line(c, defaults, "probe"));
	for (i = 0; i < n; i++)
		if (!((const struct service_conf *)services[i])->head.bad)
			check_service_probes(c, services[i]);
}

/* --- canaries --------------------------------------------------------------------- */

static bool is_at(const struct realserver_conf *r, const struct addr *addr)
{
	uint32_t i;

	/* its probe_address stands behind the others */
	for (i = 0; i < (uint32_t)r->n_addr + r->has_probe_addr; i++)
		if (r->addr[i].family == addr->family &&
		    !memcmp(r->addr[i].bytes, addr->bytes, sizeof(addr->bytes)))
			return true;
	return false;
}

/* A server that is doubted cannot be what the doubt is judged by. */
static void check_no_realserver(struct config *c, const struct canary_conf *canary)
{
	size_t n, i;
	void *const *services = config_sections(c, &service_section, &n);
	uint32_t k;

	for (i = 0; i < n; i++) {
		const struct service_conf *s = services[i];

		for (k = 0; k < s->n_realservers; k++) {
			if (!is_at(&s->realservers[k], &canary->address))
				continue;
			conf_report(c, CONF_ERROR, conf_key_file(c, canary, "address"),
				    conf_key_line(c, canary, "address"),
				    "address: a canary is no realserver, and this is %s/%s",
				    s->head.name, s->realservers[k].name);
			return;
		}
	}
}

void check_canaries(struct config *c)
{
	size_t n, i;
	void *const *canaries = config_sections(c, &canary_section, &n);

	for (i = 0; i < n; i++) {
		const struct canary_conf *canary = canaries[i];
		const struct conf_strings name = { (const char *[]){ canary->probe }, 1 };
		const char *file = conf_key_file(c, canary, "probe");
		unsigned int line = conf_key_line(c, canary, "probe");
		const struct probe_conf *p;

		if (canary->head.bad)
			continue;
		check_names(c, &name, "", "", file, line);
		check_no_realserver(c, canary);
		p = config_named(c, &probe_section, canary->probe);
		if (p && !p->head.bad && p->scheme->needs_port && !canary_conf_addr(canary, p).port)
			conf_report(c, CONF_ERROR, file, line,
				    "probe: '%s' has no port to go to: neither its URL nor the "
				    "canary's address names one",
				    canary->probe);
	}
}

/* --- addresses -------------------------------------------------------------------- */

struct vip_of {
	const struct service_conf *service;
	const struct vip_conf *vip;
	size_t nth; /* in the order of the files */
};

static int cmp_vips(const void *a, const void *b)
{
	const struct vip_of *x = a, *y = b;
	int r = memcmp(&x->vip->key, &y->vip->key, sizeof(x->vip->key));

	return r ? r : x->nth < y->nth ? -1 : x->nth > y->nth;
}

static void find_doubles(struct config *c, struct vip_of *vips, size_t n)
{
	size_t i, first = 0;

	qsort(vips, n, sizeof(*vips), cmp_vips);
	for (i = 1; i < n; i++) {
		const struct vip_of *a = &vips[first], *b = &vips[i];

		if (memcmp(&a->vip->key, &b->vip->key, sizeof(a->vip->key)))
			first = i;
		else
			conf_report(c, CONF_ERROR, b->service->head.file, b->vip->line,
				    "address: '%s' belongs to [service %s] already; first at %s:%u",
				    b->vip->text, a->service->head.name, a->service->head.file,
				    a->vip->line);
	}
}

void check_addresses(struct config *c)
{
	size_t n, i, total = 0, filled = 0;
	void *const *services = config_sections(c, &service_section, &n);
	struct vip_of *vips;

	for (i = 0; i < n; i++)
		total += ((const struct service_conf *)services[i])->n_addresses;
	if (!total)
		return;
	vips = calloc(total, sizeof(*vips));
	if (!vips) {
		conf_report(c, CONF_ERROR, NULL, 0, "out of memory");
		return;
	}
	for (i = 0; i < n; i++) {
		const struct service_conf *s = services[i];
		uint32_t k;

		/* one that is taken out leaves its addresses to another */
		for (k = 0; s->enabled && k < s->n_addresses; k++, filled++)
			vips[filled] = (struct vip_of){ s, &s->addresses[k], filled };
	}
	find_doubles(c, vips, filled);
	free(vips);
}
