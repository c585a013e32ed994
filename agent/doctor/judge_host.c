/* judge_host.c: the agent's process, its files, the clock, other programs, names. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/doctor/doctor.h"
#include "agent/ipvs/tunable.h"

enum {
	CAPABLE_ADMIN = 12, /* CAP_NET_ADMIN, CAP_NET_RAW */
	CAPABLE_RAW = 13,
	OTHER_FILES = 64, /* beside those of probes */
	MEGABYTE = 1 << 20,
};

/* --- the agent ----------------------------------------------------------------- */

static bool lacks(const struct facts *f, unsigned int capability)
{
	const struct fact *has = &f->agent.capabilities;

	return f->agent.pid && !has->error && !((uint64_t)has->value >> capability & 1);
}

void judge_capability(struct doctor *d, const struct doctor_check *c)
{
	const struct facts *f = d->facts;
	struct doctor_finding *found;

	if (!doctor_sees(d, c, &f->agent.capabilities, "the agent's capabilities") ||
	    !lacks(f, CAPABLE_ADMIN))
		return;
	found = doctor_find(d, c, c->severity);
	buf_printf(&found->subject, "the agent (process %d) has no CAP_NET_ADMIN", f->agent.pid);
	buf_puts(&found->command,
		 "setcap cap_net_admin,cap_net_raw=ep \"$(command -v ipvs-agent)\" "
		 "&& systemctl restart ipvs-agent");
}

void judge_ping(struct doctor *d, const struct doctor_check *c)
{
	const struct facts *f = d->facts;
	const struct fact *groups = &f->sysctls[c->sysctl];
	struct doctor_finding *found;
	uint32_t i;

	if (!lacks(f, CAPABLE_RAW))
		return;
	for (i = 0; i < f->layout->n_targets; i++)
		if (!strncmp(f->layout->targets[i].conf->url, "icmp:", 5))
			break;
	if (i == f->layout->n_targets || !doctor_sees(d, c, groups, fact_sysctls[c->sysctl]) ||
	    groups->value <= groups->second)
		return;
	found = doctor_find(d, c, c->severity);
	buf_printf(&found->subject, "probe %s cannot ask: the agent (process %d) may not",
		   f->layout->targets[i].conf->head.name, f->agent.pid);
	buf_puts(&found->command, "sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"");
}

void judge_agent(struct doctor *d, const struct doctor_check *c)
{
	const struct facts_agent *a = &d->facts->agent;
	struct doctor_finding *found;

	if (!a->error || !a->socket.len)
		return;
	if (a->error != -ENOENT && a->error != -ECONNREFUSED) {
		doctor_misses(d, c, buf_str(&a->socket), a->error);
		return;
	}
	found = doctor_find(d, c, c->severity);
	buf_printf(&found->subject, "nobody answers on %s", buf_str(&a->socket));
	buf_puts(&found->command, "systemctl start ipvs-agent");
}

void judge_files(struct doctor *d, const struct doctor_check *c)
{
	const struct facts *f = d->facts;
	const struct fact *limit = &f->agent.nofile;
	int64_t need = 2 * (int64_t)facts_probes(f) + OTHER_FILES;
	struct doctor_finding *found;

	if (!facts_probes(f) || !doctor_sees(d, c, limit, "the limit of open files") ||
	    limit->value >= need)
		return;
	found = doctor_find(d, c, c->severity);
	if (f->agent.pid) {
		buf_printf(&found->subject,
			   "the agent (process %d) may open %lld files, and needs %lld",
			   f->agent.pid, (long long)limit->value, (long long)need);
		buf_printf(&found->command, "prlimit --pid %d --nofile=%lld:%lld", f->agent.pid,
			   (long long)need, (long long)need);
	} else {
		buf_printf(&found->subject,
			   "an agent that is started from here may open %lld files, and needs %lld",
			   (long long)limit->value, (long long)need);
		buf_printf(&found->command, "ulimit -n %lld", (long long)need);
	}
}

/* --- state_dir ------------------------------------------------------------------- */

void judge_state_dir(struct doctor *d, const struct doctor_check *c)
{
	const struct facts_state *s = &d->facts->state;
	struct doctor_finding *found;

	if (!s->error)
		return;
	/* The agent has a user of its own, and the directory is that one's. */
	if (s->error == -EACCES) {
		doctor_misses(d, c, buf_str(&s->path), s->error);
		return;
	}
	found = doctor_find(d, c, c->severity);
	buf_printf(&found->subject, "%s: %s", buf_str(&s->path),
		   strerrordesc_np(-s->error) ?: "it cannot be used");
	if (s->error == -ENOENT)
		buf_puts(&found->command, "install -d -m 750 ");
	else if (s->error == -EROFS)
		buf_puts(&found->command, "mount -o remount,rw ");
	else
		buf_puts(&found->command, "ls -ld ");
	doctor_word(&found->command, s->error == -EROFS ? buf_str(&s->mount) : buf_str(&s->path));
}

void judge_state_room(struct doctor *d, const struct doctor_check *c)
{
	const struct facts_state *s = &d->facts->state;
	struct doctor_finding *found;
	int64_t need;

	/* The journal and the one before it, and the ledger. */
	need = 2 * (int64_t)s->journal_size - (s->used_bytes.error ? 0 : s->used_bytes.value);
	need = (need > 0 ? need : 0) + MEGABYTE;
	if (!doctor_sees(d, c, &s->free_bytes, buf_str(&s->path)) || s->free_bytes.value >= need)
		return;
	found = doctor_find(d, c, s->free_bytes.value < MEGABYTE ? DOCTOR_ERROR : DOCTOR_WARNING);
	buf_printf(&found->subject, "%s has room for %lld kB, and %lld may be needed",
		   buf_str(&s->path), (long long)s->free_bytes.value / 1024,
		   (long long)need / 1024);
	if (s->memory) {
		buf_printf(&found->command, "mount -o remount,size=%lldk ",
			   (long long)(s->free_bytes.second + need) / 1024);
		doctor_word(&found->command, buf_str(&s->mount));
	} else {
		buf_puts(&found->command, "du -axh ");
		doctor_word(&found->command, buf_str(&s->mount));
		buf_puts(&found->command, " | sort -h | tail -n 20");
	}
}

/* --- what [sysctl] says ------------------------------------------------------------ */

/* A timeout is ipvsadm's to set, which takes three at once; 0 leaves one as it is. */
static void put_setting_command(struct buf *out, const struct facts_setting *s)
{
	static const char *const timeouts[] = { "timeout/tcp", "timeout/tcp_fin", "timeout/udp" };
	const char *name = buf_str(&s->name);
	size_t i;

	if (!strncmp(name, "timeout/", 8)) {
		buf_puts(out, "ipvsadm --set");
		for (i = 0; i < 3; i++)
			buf_printf(out, " %s", strcmp(name, timeouts[i]) ? "0" : s->want);
		return;
	}
	buf_puts(out, "sysctl -w ");
	doctor_sysctl_name(out, name);
	buf_printf(out, strchr(s->want, ' ') ? "='%s'" : "=%s", s->want);
}

void judge_settings(struct doctor *d, const struct doctor_check *c)
{
	uint32_t i;

	for (i = 0; i < d->facts->n_settings; i++) {
		const struct facts_setting *s = &d->facts->settings[i];
		struct doctor_finding *found;
		struct buf name = BUF_INIT;

		tunable_format(&name, buf_str(&s->name));
		if (s->error) {
			doctor_misses(d, c, buf_str(&name), s->error);
		} else if (strcmp(buf_str(&s->found), s->want)) {
			/* Without an agent it is not yet wrong. */
			found = doctor_find(d, c,
					    d->facts->agent.error ? DOCTOR_NOTE : c->severity);
			buf_printf(&found->subject, "%s is %s, and [sysctl] says %s",
				   buf_str(&name), buf_str(&s->found), s->want);
			put_setting_command(&found->command, s);
		}
		buf_fini(&name);
	}
}

/* --- this machine ----------------------------------------------------------------- */

void judge_clock(struct doctor *d, const struct doctor_check *c)
{
	struct doctor_finding *found;

	if (!doctor_sees(d, c, &d->facts->unsynchronised, "the clock") ||
	    !d->facts->unsynchronised.value)
		return;
	found = doctor_find(d, c, c->severity);
	buf_puts(&found->subject, "the kernel calls its clock unsynchronised");
	buf_puts(&found->command, "timedatectl set-ntp true");
}

void judge_writer(struct doctor *d, const struct doctor_check *c)
{
	const struct facts *f = d->facts;
	uint32_t i;

	if (!f->layout->n_services)
		return;
	if (f->writers_error)
		doctor_misses(d, c, "the processes", f->writers_error);
	for (i = 0; i < f->n_writers; i++) {
		const struct facts_writer *w = &f->writers[i];
		struct doctor_finding *found = doctor_find(d, c, c->severity);

		buf_printf(&found->subject, "%s (process %d) writes IPVS tables", w->name, w->pid);
		if (w->config.len)
			buf_printf(&found->subject, ", by %s", buf_str(&w->config));
		/* One that moves addresses too goes on with that. */
		if (w->also_vrrp) {
			buf_puts(&found->command,
				 "sed -i.before '/^[ \\t]*virtual_server/,/^}/d' ");
			doctor_word(&found->command, buf_str(&w->config));
			buf_puts(&found->command, " && ");
		}
		buf_printf(&found->command, "kill %s%d", w->also_vrrp ? "-HUP " : "", w->pid);
	}
}

/* --- names -------------------------------------------------------------------------- */

struct named {
	const char *name;
	uint32_t service;
};

/* Order by the names as people hear them: letters of one size, and zeroes before a number
 * are none. */
static int cmp_heard(const char *a, const char *b)
{
	const char *start = a;

	for (;; a++, b++) {
		bool number = a > start && isdigit((unsigned char)a[-1]);

		while (!number && *a == '0' && isdigit((unsigned char)a[1]))
			a++;
		while (!number && *b == '0' && isdigit((unsigned char)b[1]))
			b++;
		if (!*a || tolower((unsigned char)*a) != tolower((unsigned char)*b))
			return tolower((unsigned char)*a) - tolower((unsigned char)*b);
	}
}

static int cmp_named(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int r = cmp_heard(x->name, y->name);

	return r ? r : strcmp(x->name, y->name);
}

void judge_names(struct doctor *d, const struct doctor_check *c)
{
	const struct layout *l = d->facts->layout;
	struct named *names = calloc(l->n_realservers ? l->n_realservers : 1, sizeof(*names));
	uint32_t i;

	if (!names) {
		d->failed = true;
		return;
	}
	for (i = 0; i < l->n_realservers; i++)
		names[i] =
			(struct named){ l->realservers[i].conf->name, l->realservers[i].service };
	if (l->n_realservers)
		qsort(names, l->n_realservers, sizeof(*names), cmp_named);
	for (i = 1; i < l->n_realservers; i++) {
		const struct named *a = &names[i - 1], *b = &names[i];
		struct doctor_finding *found;

		if (cmp_heard(a->name, b->name) || !strcmp(a->name, b->name))
			continue;
		found = doctor_find(d, c, c->severity);
		buf_printf(&found->subject, "%s (service %s) and %s (service %s)", a->name,
			   facts_service(d->facts, a->service), b->name,
			   facts_service(d->facts, b->service));
		buf_printf(&found->command, "grep -nwE '%s|%s' ", a->name, b->name);
		doctor_word(&found->command, l->services[a->service].conf->head.file);
	}
	free(names);
}
