/* lint.c: what is legal and wrong: it loads, it runs, and it does not do what its
 * writer wants. Warnings only; `check --strict` fails on them. */
#include <stdlib.h>
#include <string.h>

#include "agent/base/parse.h"
#include "agent/check.h"
#include "agent/http/http_conf.h"
#include "agent/model/consensus.h"
#include "agent/model/service_conf.h"
#include "agent/probes/canary_conf.h"
#include "agent/probes/probe_conf.h"

/* --- http ------------------------------------------------------------------------- */

void lint_http(struct config *c)
{
	const struct http_conf *h = config_section(c, &http_section);
	bool secret = h->users_file || h->token_file;
	uint32_t i;

	for (i = 0; !h->head.bad && i < h->n_listens; i++) {
		const struct listen_conf *l = &h->listens[i];

		if (l->unix_path || addr_is_loopback(&l->addr))
			continue;
		if (!secret && !h->client_ca_file)
			conf_report(c, CONF_WARNING, h->head.file, l->line,
				    "listen: '%s' is open to the network without authentication "
				    "(users_file, token_file or client_ca_file): all can read, "
				    "writes are refused",
				    l->text);
		else if (secret && !h->tls_cert_file)
			conf_report(c, CONF_WARNING, h->head.file, l->line,
				    "listen: '%s' takes passwords and tokens without TLS: the "
				    "network can read them (tls_cert_file, tls_key_file)",
				    l->text);
	}
}

/* --- services --------------------------------------------------------------------- */

struct pool_sums {
	uint32_t servers, backups, probed; /* enabled ones; backups apart */
	uint64_t weight;
	bool tunnels, domains;
};

static struct pool_sums sum_pool(const struct service_conf *s)
{
	struct pool_sums sums = { 0 };
	uint32_t i;

	for (i = 0; i < s->n_realservers; i++) {
		const struct realserver_conf *r = &s->realservers[i];

		sums.tunnels |= r->terms->forward == IPVS_TUNNEL;
		if (!r->enabled)
			continue;
		sums.backups += r->backup;
		sums.domains |= r->terms->domain != NULL;
		sums.probed += r->terms->probes.n > 0;
		if (!r->backup && r->weight) {
			sums.servers++;
			sums.weight += r->weight;
		}
	}
	return sums;
}

/* What lets no rule act, or does nothing. */
static void lint_guards(struct config *c, const struct service_conf *s,
			const struct pool_sums *sums)
{
	const struct min_available *min = &s->min_available;

	if (!sums->servers)
		return;
	if (min->kind == MIN_COUNT && min->n > sums->servers)
		conf_report(c, CONF_WARNING, conf_key_file(c, s, "min_available"),
			    conf_key_line(c, s, "min_available"),
			    "service %s: min_available = %u is never met with %u realserver%s "
			    "above weight 0: no rule will take one out",
			    s->head.name, min->n, sums->servers, sums->servers == 1 ? "" : "s");
	if (min->kind != MIN_COUNT && min->n == 100)
		conf_report(c, CONF_WARNING, conf_key_file(c, s, "min_available"),
			    conf_key_line(c, s, "min_available"),
			    "service %s: min_available = 100%%%s: no rule will take a realserver "
			    "out",
			    s->head.name, min->kind == MIN_WEIGHT ? " weight" : "");
	if (!s->max_held)
		conf_report(c, CONF_WARNING, conf_key_file(c, s, "max_held"),
			    conf_key_line(c, s, "max_held"),
			    "service %s: max_held = 0%%: no rule will hold a realserver",
			    s->head.name);
	if (s->domain_guard && !sums->domains)
		conf_report(c, CONF_WARNING, conf_key_file(c, s, "domain_guard"),
			    conf_key_line(c, s, "domain_guard"),
			    "service %s: domain_guard does nothing: none of its realservers has a "
			    "domain=",
			    s->head.name);
}

static void lint_pool(struct config *c, const struct service_conf *s, const struct pool_sums *sums)
{
	const char *file = s->head.file;
	unsigned int line = s->head.line;

	if (!s->n_realservers)
		conf_report(c, CONF_WARNING, file, line, "service %s has no realserver",
			    s->head.name);
	else if (!sums->servers)
		conf_report(c, CONF_WARNING, file, line,
			    "service %s has no realserver that is enabled and above weight 0",
			    s->head.name);
	else if (!sums->probed)
		conf_report(c, CONF_WARNING, file, line,
			    "service %s has no probe: a dead realserver keeps its clients",
			    s->head.name);
	if (!sums->backups && s->on_panic == PANIC_BACKUP)
		conf_report(c, CONF_WARNING, conf_key_file(c, s, "on_panic"),
			    conf_key_line(c, s, "on_panic"),
			    "service %s: on_panic = backup, but it has no backup", s->head.name);
}

/* Whether a probe of those gives verdicts; true where there is none at all. */
static bool is_judged(const struct config *c, const struct conf_strings *used)
{
	size_t n, i, k, advise = 0;
	void *const *probes = config_sections(c, &probe_section, &n);

	for (i = 0; i < n; i++) {
		const struct probe_conf *p = probes[i];

		for (k = 0; !p->head.bad && p->advises && k < used->n; k++)
			advise += !strcmp(p->head.name, used->items[k]);
	}
	return !used->n || advise < used->n;
}

/* What a realserver says of itself tells nobody that it is dead. Told once a service. */
static void lint_advice(struct config *c, const struct service_conf *s)
{
	const struct realserver_terms *last = NULL;
	uint32_t i;

	for (i = 0; i < s->n_realservers; i++) {
		const struct realserver_conf *r = &s->realservers[i];

		if (!r->enabled || r->terms == last)
			continue;
		last = r->terms;
		if (is_judged(c, &last->probes))
			continue;
		conf_report(c, CONF_WARNING, s->head.file, r->line,
			    "service %s: the probes of realserver %s only ask for advice, none "
			    "tells whether it is up: it is taken to be (add one that does, such "
			    "as tcp://)",
			    s->head.name, r->name);
		return;
	}
}

/* Keys that the section gives and nothing heeds. */
static void lint_idle_keys(struct config *c, const struct service_conf *s,
			   const struct pool_sums *sums)
{
	static const char *const of_persistence[] = { "persistence_netmask", "persistence_netmask6",
						      "persistence_engine" };
	size_t i;

	for (i = 0; !s->persistence && i < countof(of_persistence); i++)
		if (conf_key_given(s, of_persistence[i]))
			conf_report(c, CONF_WARNING, s->head.file,
				    conf_key_line(c, s, of_persistence[i]),
				    "service %s: '%s' does nothing without 'persistence'",
				    s->head.name, of_persistence[i]);
	if (conf_key_given(s, "tunnel") && !sums->tunnels && s->n_realservers)
		conf_report(c, CONF_WARNING, s->head.file, conf_key_line(c, s, "tunnel"),
			    "service %s: 'tunnel' does nothing: no realserver has forward = tunnel",
			    s->head.name);
}

/* An address that no realserver can serve, for none has its family. */
static void lint_families(struct config *c, const struct service_conf *s)
{
	struct ipvs_dest dest;
	uint32_t i, k;

	for (i = 0; s->n_realservers && i < s->n_addresses; i++) {
		for (k = 0; k < s->n_realservers; k++)
			if (service_conf_dest(s, i, &s->realservers[k], &dest))
				break;
		if (k == s->n_realservers)
			conf_report(c, CONF_WARNING, s->head.file, s->addresses[i].line,
				    "service %s: no realserver can serve '%s': none has an %s "
				    "address",
				    s->head.name, s->addresses[i].text,
				    s->addresses[i].key.addr.family == AF_INET6 ? "IPv6" : "IPv4");
	}
}

/* How many are compared by that probe: backups have a page of their own. */
static uint32_t count_compared(const struct service_conf *s, const char *probe)
{
	uint32_t n = 0, i;
	size_t k;

	for (i = 0; i < s->n_realservers; i++) {
		const struct realserver_conf *r = &s->realservers[i];

		for (k = 0; r->enabled && !r->backup && k < r->terms->probes.n; k++)
			n += !strcmp(r->terms->probes.items[k], probe);
	}
	return n;
}

static void lint_compared(struct config *c, const struct service_conf *s)
{
	size_t i;

	for (i = 0; i < s->terms.probes.n; i++) {
		const char *name = s->terms.probes.items[i];
		const struct probe_conf *p = config_named(c, &probe_section, name);
		uint32_t n;

		if (!p || p->head.bad || !p->compares)
			continue;
		n = count_compared(s, name);
		if (n && n < CONSENSUS_MIN)
			conf_report(c, CONF_WARNING, conf_key_file(c, s, "probe"),
				    conf_key_line(c, s, "probe"),
				    "service %s: probe %s compares its realservers (digest = "
				    "consensus), but it takes %d to tell who is wrong, and it has "
				    "%u",
				    s->head.name, name, CONSENSUS_MIN, n);
	}
}

void lint_services(struct config *c)
{
	size_t n, i;
	void *const *services = config_sections(c, &service_section, &n);

	for (i = 0; i < n; i++) {
		const struct service_conf *s = services[i];
		struct pool_sums sums;

		if (s->head.bad || !s->enabled)
			continue;
		sums = sum_pool(s);
		lint_pool(c, s, &sums);
		lint_guards(c, s, &sums);
		lint_advice(c, s);
		lint_idle_keys(c, s, &sums);
		lint_families(c, s);
		lint_compared(c, s);
	}
}

/* --- probes ----------------------------------------------------------------------- */

static int cmp_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct names {
	const char **items;
	size_t n;
};

static void add_words(struct names *used, const struct conf_strings *words, const char *last)
{
	size_t i;

	/* one after the other they mostly name the same */
	for (i = 0; i < words->n; i++)
		if (!last || strcmp(last, words->items[i]))
			used->items[used->n++] = words->items[i];
}

/* All that services, realservers and canaries name, sorted; items NULL when memory is out. */
static struct names used_probes(const struct config *c)
{
	size_t n, i, room;
	void *const *services = config_sections(c, &service_section, &n), *const * canaries;
	struct names used = { 0 };
	uint32_t k;

	(void)config_sections(c, &canary_section, &room);
	room++;
	for (i = 0; i < n; i++) {
		const struct service_conf *s = services[i];

		room += s->terms.probes.n;
		for (k = 0; k < s->n_realservers; k++)
			room += s->realservers[k].terms->has_probes
					? s->realservers[k].terms->probes.n
					: 0;
	}
	used.items = calloc(room, sizeof(*used.items));
	for (i = 0; used.items && i < n; i++) {
		const struct service_conf *s = services[i];

		add_words(&used, &s->terms.probes, NULL);
		for (k = 0; k < s->n_realservers; k++)
			if (s->realservers[k].terms->has_probes)
				add_words(&used, &s->realservers[k].terms->probes,
					  used.n ? used.items[used.n - 1] : NULL);
	}
	canaries = config_sections(c, &canary_section, &n);
	for (i = 0; used.items && i < n; i++)
		if (((const struct canary_conf *)canaries[i])->probe)
			used.items[used.n++] = ((const struct canary_conf *)canaries[i])->probe;
	if (used.items)
		qsort(used.items, used.n, sizeof(*used.items), cmp_names);
	return used;
}

static void lint_times(struct config *c, const struct probe_conf *p)
{
	struct buf timeout = BUF_INIT, interval = BUF_INIT;

	format_duration(&timeout, p->timeout);
	format_duration(&interval, p->interval);
	conf_report(c, CONF_WARNING, conf_key_file(c, p, "timeout"), conf_key_line(c, p, "timeout"),
		    "probe %s: timeout (%s) is not shorter than interval (%s)", p->head.name,
		    buf_str(&timeout), buf_str(&interval));
	buf_fini(&timeout);
	buf_fini(&interval);
}

void lint_probes(struct config *c)
{
	size_t n, i;
	void *const *probes = config_sections(c, &probe_section, &n);
	struct names used = used_probes(c);

	for (i = 0; i < n; i++) {
		const struct probe_conf *p = probes[i];

		if (used.items &&
		    !bsearch(&p->head.name, used.items, used.n, sizeof(*used.items), cmp_names))
			conf_report(c, CONF_WARNING, p->head.file, p->head.line,
				    "probe %s: no service and no realserver names it",
				    p->head.name);
		if (!p->head.bad && p->timeout >= p->interval)
			lint_times(c, p);
	}
	free(used.items);
}
