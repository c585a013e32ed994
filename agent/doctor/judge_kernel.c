/* judge_kernel.c: ip_vs itself: modules, its sysctls, its table. */
#include <errno.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/doctor/doctor.h"
#include "agent/model/sysctl_advice.h"

enum {
	CHAIN_MAX = 8,     /* connections in a bucket, on average */
	TAB_BITS_MAX = 20, /* of ip_vs before Linux 6.7 */
	FULL_WARN = 75,    /* percent of netfilter's table */
	FULL_ERROR = 90,
	ESTIMATED_MAX = 10000, /* realservers that Linux before 6.2 estimates in one go */
};

/* --- who suffers -------------------------------------------------------------- */

const char *facts_service(const struct facts *f, uint32_t service)
{
	return f->layout->services[service].conf->head.name;
}

uint32_t facts_probes(const struct facts *f)
{
	return f->max_probes < f->layout->n_targets ? f->max_probes : f->layout->n_targets;
}

uint32_t when_any(const struct facts *f)
{
	return sysctl_advice_service(f->layout, service_is_any);
}

uint32_t when_persistent(const struct facts *f)
{
	return sysctl_advice_service(f->layout, service_is_persistent);
}

uint32_t when_hashing(const struct facts *f)
{
	return sysctl_advice_service(f->layout, service_is_hashing);
}

static uint32_t when_masq(const struct facts *f, uint8_t family)
{
	uint32_t i;

	for (i = 0; i < f->n_hosts; i++)
		if (f->hosts[i].forward == IPVS_MASQ && f->hosts[i].addr.family == family &&
		    !f->hosts[i].local)
			return f->layout->realservers[f->hosts[i].realserver].service;
	return FACTS_NONE;
}

uint32_t when_masq4(const struct facts *f)
{
	return when_masq(f, AF_INET);
}

uint32_t when_masq6(const struct facts *f)
{
	return when_masq(f, AF_INET6);
}

uint32_t when_no_masq(const struct facts *f)
{
	if (!f->n_hosts || when_masq4(f) != FACTS_NONE || when_masq6(f) != FACTS_NONE)
		return FACTS_NONE;
	return when_any(f);
}

/* --- sysctls -------------------------------------------------------------------- */

/* "net.ipv4.ip_forward is 0 (service web)" and "sysctl -w net.ipv4.ip_forward=1". */
static void find_sysctl(struct doctor *d, const struct doctor_check *c,
			enum doctor_severity severity, uint32_t service, int64_t advised)
{
	struct doctor_finding *found = doctor_find(d, c, severity);
	const char *path = fact_sysctls[c->sysctl];

	doctor_sysctl_name(&found->subject, path);
	buf_printf(&found->subject, " is %lld (service %s)",
		   (long long)d->facts->sysctls[c->sysctl].value, facts_service(d->facts, service));
	buf_puts(&found->command, "sysctl -w ");
	doctor_sysctl_name(&found->command, path);
	buf_printf(&found->command, "=%lld", (long long)advised);
}

void judge_sysctl(struct doctor *d, const struct doctor_check *c)
{
	const struct fact *now = &d->facts->sysctls[c->sysctl];
	uint32_t service = c->when(d->facts);

	if (service == FACTS_NONE || !doctor_sees(d, c, now, fact_sysctls[c->sysctl]))
		return;
	if (now->value >= c->bad_from && now->value <= c->bad_to)
		find_sysctl(d, c, c->severity, service, c->advised);
}

static bool before(const struct facts *f, unsigned int major, unsigned int minor)
{
	return f->kernel_major < major || (f->kernel_major == major && f->kernel_minor < minor);
}

void judge_conn_reuse(struct doctor *d, const struct doctor_check *c)
{
	const struct facts *f = d->facts;
	const struct fact *now = &f->sysctls[c->sysctl];
	uint32_t service = when_any(f);

	if (service == FACTS_NONE || !doctor_sees(d, c, now, fact_sysctls[c->sysctl]))
		return;
	if (!before(f, 5, 9) && !now->value)
		find_sysctl(d, c, c->severity, service, 1);
	if (before(f, 5, 9) && now->value && !f->sysctls[SYS_VS_CONNTRACK].error &&
	    f->sysctls[SYS_VS_CONNTRACK].value)
		find_sysctl(d, c, c->severity, service, 0);
}

void judge_netfilter(struct doctor *d, const struct doctor_check *c)
{
	const struct facts *f = d->facts;
	const struct fact *now = &f->sysctls[c->sysctl];
	uint32_t service = when_masq4(f);

	service = service == FACTS_NONE ? when_masq6(f) : service;
	if (service == FACTS_NONE || !facts_module(&f->modules, "nf_nat") ||
	    !doctor_sees(d, c, now, fact_sysctls[c->sysctl]))
		return;
	if (!now->value)
		find_sysctl(d, c, c->severity, service, 1);
}

/* --- modules ---------------------------------------------------------------------- */

void judge_ip_vs(struct doctor *d, const struct doctor_check *c)
{
	struct doctor_finding *found;

	if (d->facts->ip_vs.value)
		return;
	found = doctor_find(d, c, c->severity);
	buf_puts(&found->subject, "the kernel has no ip_vs loaded");
	buf_puts(&found->command, "modprobe ip_vs");
}

static void need_module(struct doctor *d, const struct doctor_check *c, uint32_t service,
			const char *before_name, const char *name)
{
	const struct facts *f = d->facts;
	struct buf module = BUF_INIT;
	struct doctor_finding *found;

	buf_printf(&module, "%s%s", before_name, name);
	if (!facts_module(&f->modules, buf_str(&module)) &&
	    !facts_module(&f->available, buf_str(&module))) {
		found = doctor_find(d, c, c->severity);
		buf_printf(&found->subject, "the kernel has no module %s (service %s)",
			   buf_str(&module), facts_service(f, service));
		buf_puts(&found->command, "modprobe ");
		doctor_word(&found->command, buf_str(&module));
	}
	buf_fini(&module);
}

void judge_scheduler(struct doctor *d, const struct doctor_check *c)
{
	const struct layout *l = d->facts->layout;
	uint32_t i;

	if (!l->n_services)
		return;
	if (!d->facts->available.len) {
		doctor_misses(d, c, "/lib/modules", -ENOENT);
		return;
	}
	for (i = 0; i < l->n_services; i++) {
		const struct service_conf *s = l->services[i].conf;

		if (!l->services[i].n_vips)
			continue;
		need_module(d, c, i, "ip_vs_", s->scheduler);
		if (s->persistence_engine)
			need_module(d, c, i, "ip_vs_pe_", s->persistence_engine);
	}
}

/* Port 21 over masq. */
void judge_ftp(struct doctor *d, const struct doctor_check *c)
{
	const struct facts *f = d->facts;
	const struct layout *l = f->layout;
	struct doctor_finding *found;
	uint32_t i;

	if (!f->ip_vs.value || (f->apps.len && strstr(buf_str(&f->apps), "ftp")))
		return;
	for (i = 0; i < l->n_vips; i++) {
		const struct service_conf *s = l->services[l->vips[i].service].conf;

		if (l->vips[i].key.proto != IPPROTO_TCP || l->vips[i].key.addr.port != 21 ||
		    s->terms.forward != IPVS_MASQ)
			continue;
		found = doctor_find(d, c, c->severity);
		buf_printf(&found->subject, "ip_vs_ftp is not loaded (service %s)", s->head.name);
		buf_puts(&found->command, "modprobe ip_vs_ftp");
		return;
	}
}

/* --- the kernel's version ----------------------------------------------------------- */

static uint32_t when_tunnel(const struct facts *f, uint8_t tunnel)
{
	uint32_t i;

	for (i = 0; i < f->n_hosts; i++)
		if (f->hosts[i].forward == IPVS_TUNNEL && f->hosts[i].tunnel == tunnel)
			return f->layout->realservers[f->hosts[i].realserver].service;
	return FACTS_NONE;
}

static uint32_t when_gue(const struct facts *f)
{
	return when_tunnel(f, IPVS_TUN_GUE);
}

static uint32_t when_gre(const struct facts *f)
{
	return when_tunnel(f, IPVS_TUN_GRE);
}

static uint32_t when_large(const struct facts *f)
{
	return f->layout->n_dests > ESTIMATED_MAX ? when_any(f) : FACTS_NONE;
}

static const struct kernel_fault {
	unsigned int major, minor; /* the first without it */
	uint32_t (*when)(const struct facts *f);
	enum doctor_severity severity;
	const char *text;
} kernel_faults[] = {
	{ 5, 2, when_gue, DOCTOR_ERROR, "it has no GUE tunnels: packets go out as IPIP" },
	{ 5, 3, when_gre, DOCTOR_ERROR, "it has no GRE tunnels: packets go out as IPIP" },
	{ 6, 2, when_large, DOCTOR_NOTE,
	  "it adds up all counters on one processor every 2 s, which delays packets there" },
};

void judge_kernel(struct doctor *d, const struct doctor_check *c)
{
	const struct facts *f = d->facts;
	size_t i;

	if (!f->kernel_major) {
		doctor_misses(d, c, "the kernel's version", -EBADMSG);
		return;
	}
	for (i = 0; i < countof(kernel_faults); i++) {
		const struct kernel_fault *k = &kernel_faults[i];
		uint32_t service = before(f, k->major, k->minor) ? k->when(f) : FACTS_NONE;
		struct doctor_finding *found;

		if (service == FACTS_NONE)
			continue;
		found = doctor_find(d, c, k->severity);
		buf_printf(&found->subject, "Linux %u.%u: %s; %u.%u does not (service %s)",
			   f->kernel_major, f->kernel_minor, k->text, k->major, k->minor,
			   facts_service(f, service));
		buf_puts(&found->command,
			 "apt-get install \"linux-image-$(dpkg --print-architecture)\"");
	}
}

/* --- tables ----------------------------------------------------------------------- */

void judge_conntrack_table(struct doctor *d, const struct doctor_check *c)
{
	const struct fact *count = &d->facts->sysctls[SYS_CONNTRACK_COUNT];
	const struct fact *max = &d->facts->sysctls[SYS_CONNTRACK_MAX];
	struct doctor_finding *found;
	int64_t full;

	if (!doctor_sees(d, c, count, fact_sysctls[SYS_CONNTRACK_COUNT]) ||
	    !doctor_sees(d, c, max, fact_sysctls[SYS_CONNTRACK_MAX]) || max->value <= 0)
		return;
	full = count->value * 100 / max->value;
	if (full < FULL_WARN)
		return;
	found = doctor_find(d, c, full >= FULL_ERROR ? DOCTOR_ERROR : DOCTOR_WARNING);
	buf_printf(&found->subject, "%lld of %lld entries are taken, %lld %%",
		   (long long)count->value, (long long)max->value, (long long)full);
	buf_printf(&found->command, "sysctl -w net.netfilter.nf_conntrack_max=%lld",
		   (long long)max->value * 2);
}

void judge_chains(struct doctor *d, const struct doctor_check *c)
{
	const struct fact *n = &d->facts->connections, *size = &d->facts->connection_buckets;
	struct doctor_finding *found;
	unsigned int bits = 0;

	if (!doctor_sees(d, c, n, "the kernel's connections") ||
	    !doctor_sees(d, c, size, "the size of the kernel's table") || size->value <= 0 ||
	    n->value / size->value < CHAIN_MAX)
		return;
	while (bits < TAB_BITS_MAX && (INT64_C(1) << bits) < n->value)
		bits++;
	found = doctor_find(d, c, c->severity);
	buf_printf(&found->subject, "%lld connections in %lld buckets: %lld in each",
		   (long long)n->value, (long long)size->value,
		   (long long)(n->value / size->value));
	buf_printf(&found->command,
		   "echo options ip_vs conn_tab_bits=%u >/etc/modprobe.d/ip_vs.conf", bits);
}

void judge_memory(struct doctor *d, const struct doctor_check *c)
{
	const struct fact *n = &d->facts->connections, *kb = &d->facts->memory_kb;
	const struct fact *drop = &d->facts->sysctls[SYS_DROP_ENTRY];
	struct doctor_finding *found;
	int64_t taken_kb;

	if (!doctor_sees(d, c, n, "the kernel's connections") ||
	    !doctor_sees(d, c, kb, "the memory that is available"))
		return;
	taken_kb = n->value * FACTS_CONN_BYTES / 1024;
	if (taken_kb <= kb->value || (!drop->error && drop->value))
		return;
	found = doctor_find(d, c, c->severity);
	buf_printf(&found->subject,
		   "%lld connections take %lld MB; %lld MB are left, for %lld more",
		   (long long)n->value, (long long)taken_kb / 1024, (long long)kb->value / 1024,
		   (long long)(kb->value * 1024 / FACTS_CONN_BYTES));
	buf_puts(&found->command, "sysctl -w net.ipv4.vs.drop_entry=1");
}
