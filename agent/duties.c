/* duties.c: role and places. A role comes from outside (keepalived's notify), stands at
 * once, and is in the ledger when it is answered; what the disk says does not keep a
 * master from serving. The standby decides and writes its table like the master. */
#include "agent/duties.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/loop.h"
#include "agent/base/parse.h"
#include "agent/duties_internal.h"
#include "agent/holds/ledger.h"
#include "agent/rules/notifier.h"
#include "agent/settings.h"
#include "agent/sync/reconcile.h"
#include "agent/sync/tend.h"

/* --- the role ----------------------------------------------------------------------------- */

bool duties_is_master(const struct duties *d)
{
	return !d->roles || d->role == ROLE_MASTER;
}

bool duties_find_role(const char *name, size_t len, enum view_role *ret_role)
{
	int i;

	for (i = 0; i < VIEW_N_ROLES; i++)
		if (strlen(view_role_names[i]) == len && !memcmp(view_role_names[i], name, len)) {
			*ret_role = (enum view_role)i;
			return true;
		}
	return false;
}

void duties_put_role(const struct duties *d, struct buf *out)
{
	buf_printf(out, "%s %lld %s", view_role_names[d->role], (long long)d->since_wall_ms,
		   d->boot);
}

/* "master 1700000000000 BOOT"; what cannot be read is unknown, which is a standby. So is what
 * was said before the machine was booted: the other one has taken over since. */
void duties_read_role(struct duties *d, const char *value)
{
	const char *since = strchr(value, ' '), *boot = since ? strchr(since + 1, ' ') : NULL;
	enum view_role role;
	char digits[24];
	size_t n = boot ? (size_t)(boot - since) - 1 : 0;
	uint64_t since_ms;

	if (!boot || n >= sizeof(digits) || strcmp(boot + 1, d->boot) != 0 ||
	    !duties_find_role(value, (size_t)(since - value), &role))
		return;
	memcpy(digits, since + 1, n);
	digits[n] = '\0';
	if (parse_u64(digits, &since_ms))
		return;
	d->role = role;
	d->since_wall_ms = (int64_t)since_ms;
}

void duties_read_boot(struct duties *d)
{
	const char *procfs = agent_conf(d->agent)->procfs;
	struct buf path = BUF_INIT;
	FILE *f;

	buf_printf(&path, "%s/sys/kernel/random/boot_id", procfs);
	f = fopen(buf_str(&path), "re");
	if (!f || !fgets(d->boot, sizeof(d->boot), f))
		d->boot[0] = '\0';
	d->boot[strcspn(d->boot, " \n")] = '\0';
	if (f)
		fclose(f);
	buf_fini(&path);
}

/* --- places --------------------------------------------------------------------------------- */

void duties_places_fini(struct places *p)
{
	uint32_t i;

	for (i = 0; i < p->n; i++)
		free(p->rows[i].services);
	free(p->rows);
	config_unref(p->conf);
	*p = (struct places){ 0 };
}

static const struct addr *addr_of(const struct place *p)
{
	return &p->conf->addresses[p->address].addr;
}

static bool is_on(const struct layout_vip *v, const struct addr *a)
{
	return !v->key.fwmark && v->key.addr.family == a->family &&
	       !memcmp(v->key.addr.bytes, a->bytes, sizeof(a->bytes));
}

static int find_services(struct place *p, const struct layout *l)
{
	uint32_t i, n = 0;

	for (i = 0; i < l->n_vips; i++)
		n += is_on(&l->vips[i], addr_of(p));
	p->services = malloc((n + 1) * sizeof(*p->services));
	if (!p->services)
		return -ENOMEM;
	for (i = 0; i < l->n_vips; i++)
		if (is_on(&l->vips[i], addr_of(p)))
			p->services[p->n_services++] = l->vips[i].service;
	return 0;
}

static const struct place *find_place(const struct places *ps, const struct place *p)
{
	uint32_t i;

	for (i = 0; i < ps->n; i++)
		if (!addr_cmp(addr_of(&ps->rows[i]), addr_of(p)) &&
		    !strcmp(ps->rows[i].conf->interface, p->conf->interface))
			return &ps->rows[i];
	return NULL;
}

/* Those of a configuration; what stayed goes on as it was. */
int duties_places_new(const struct places *old, struct config *conf, const struct layout *l,
		      struct places *ret_places)
{
	struct places now = { .conf = config_ref(conf) };
	size_t n, i, k, rows = 0;
	void *const *vips = config_sections(conf, &duty_vip_section, &n);
	int e = 0;

	for (i = 0; i < n; i++)
		rows += ((const struct duty_vip_conf *)vips[i])->n_addresses;
	now.rows = calloc(rows + 1, sizeof(*now.rows));
	if (!now.rows)
		e = -ENOMEM;
	for (i = 0; !e && i < n; i++) {
		const struct duty_vip_conf *vip = vips[i];

		for (k = 0; !e && k < vip->n_addresses; k++) {
			struct place *p = &now.rows[now.n++];
			const struct place *was;

			*p = (struct place){ .conf = vip,
					     .address = (uint32_t)k,
					     .wish = DUTY_AS_IS,
					     .why = DUTY_SETTLING };
			was = find_place(old, p);
			if (was)
				p->steady = was->steady;
			e = find_services(p, l);
		}
	}
	if (e)
		duties_places_fini(&now);
	else
		*ret_places = now;
	return e;
}

/* --- what should be there --------------------------------------------------------------------- */

/* Whether a service can serve: 1, 0, or -1 where that is not known. Panic with `keep` has
 * weights above 0, and nobody behind them. */
static int service_serves(const struct agent *a, uint32_t service)
{
	const struct service_state *s = &a->state->services[service];
	const struct service_conf *conf = a->state->layout->services[service].conf;

	if (s->undecided)
		return -1;
	if (s->panic)
		return conf->on_panic == PANIC_BACKUP && s->backup_up;
	return s->available > 0;
}

static int place_serves(const struct duties *d, const struct place *p)
{
	const struct agent *a = d->agent;
	struct reconcile_stats rec;
	int serves = 0;
	uint32_t i;

	if (!a->decider.kernel_known || !p->n_services)
		return -1;
	reconcile_stats(a->reconcile, &rec);
	if (rec.kernel_error)
		return -1;
	for (i = 0; serves <= 0 && i < p->n_services; i++) {
		int s = service_serves(a, p->services[i]);

		serves = s > 0 ? 1 : s < 0 ? -1 : serves;
	}
	return serves;
}

static enum duty_when when_of(const struct duties *d, const struct duty_vip_conf *conf)
{
	if (conf->when != WHEN_AUTO)
		return conf->when;
	return d->roles ? WHEN_MASTER : WHEN_ALWAYS;
}

/* Returns in how many ms it may be another, or -1. */
static int64_t wish_of(const struct duties *d, struct place *p, enum duty_wish *ret_wish,
		       enum duty_reason *ret_why)
{
	int64_t wait_ms = -1;

	*ret_wish = DUTY_IN;
	*ret_why = DUTY_FINE;
	switch (when_of(d, p->conf)) {
	case WHEN_MASTER:
		if (duties_is_master(d))
			break;
		*ret_wish = DUTY_OUT;
		*ret_why = DUTY_STANDBY;
		break;
	case WHEN_AVAILABLE:
		*ret_wish = duty_steady(&p->steady, place_serves(d, p), clock_mono_ms(),
					p->conf->withdraw_after, p->conf->return_after, &wait_ms);
		*ret_why = *ret_wish == DUTY_IN    ? DUTY_FINE
			   : *ret_wish == DUTY_OUT ? DUTY_UNAVAILABLE
						   : DUTY_SETTLING;
		break;
	default:
		break;
	}
	return wait_ms;
}

void duties_daemons(const struct duties *d, struct daemon ret_rows[DAEMON_N])
{
	const struct duty_sync_conf *s = config_section(d->places.conf, &duty_sync_section);
	struct daemon row = { .there = true,
			      .sync_id = s->id,
			      .group = s->group,
			      .port = (uint16_t)s->port,
			      .max_len = (uint16_t)s->max_len,
			      .ttl = (uint8_t)s->ttl };
	bool wanted[DAEMON_N] = {
		[DAEMON_MASTER] = s->state == SYNC_MASTER || s->state == SYNC_BOTH ||
				  (s->state == SYNC_ROLE && duties_is_master(d)),
		[DAEMON_BACKUP] = s->state == SYNC_BACKUP || s->state == SYNC_BOTH ||
				  (s->state == SYNC_ROLE && !duties_is_master(d)),
	};
	unsigned int i;

	if (s->interface)
		snprintf(row.interface, sizeof(row.interface), "%s", s->interface);
	for (i = 0; i < DAEMON_N; i++)
		ret_rows[i] = wanted[i] ? row : (struct daemon){ 0 };
}

int duties_wants(const struct duties *d, struct duty_want **ret_wants)
{
	struct duty_want *wants = calloc((size_t)d->places.n + 1, sizeof(*wants));
	uint32_t i;

	if (!wants)
		return -ENOMEM;
	for (i = 0; i < d->places.n; i++) {
		const struct place *p = &d->places.rows[i];

		wants[i] = (struct duty_want){
			.addr = *addr_of(p), .dummy = p->conf->dummy, .wish = p->wish, .why = p->why
		};
		snprintf(wants[i].interface, sizeof(wants[i].interface), "%s", p->conf->interface);
	}
	*ret_wants = wants;
	return 0;
}

/* Tells the writer all that is wanted. */
static int tell_wants(struct duties *d)
{
	struct daemon daemons[DAEMON_N];
	struct reconcile_stats rec;
	struct duty_want *wants;
	int e = duties_wants(d, &wants);

	if (e)
		return e;
	duties_daemons(d, daemons);
	reconcile_stats(d->agent->reconcile, &rec);
	/* Asking for them would load ip_vs, time and again where there is none. */
	e = tend_want(d->tend, wants, d->places.n, daemons, !rec.kernel_error && rec.kernel_known,
		      agent_conf(d->agent)->reconcile_interval);
	free(wants);
	return e;
}

bool duties_wishes(struct duties *d, int64_t *ret_soon_ms)
{
	bool changed = false;
	uint32_t i;

	*ret_soon_ms = -1;
	for (i = 0; i < d->places.n; i++) {
		struct place *p = &d->places.rows[i];
		enum duty_reason why;
		enum duty_wish wish;
		int64_t wait_ms = wish_of(d, p, &wish, &why);

		if (wait_ms >= 0 && (*ret_soon_ms < 0 || wait_ms < *ret_soon_ms))
			*ret_soon_ms = wait_ms;
		changed |= p->wish != wish || p->why != why;
		p->wish = (uint8_t)wish;
		p->why = (uint8_t)why;
	}
	return changed;
}

void duties_decide(struct duties *d, bool tell)
{
	int64_t soon_ms;

	if (d->stopping)
		return;
	tell |= duties_wishes(d, &soon_ms);
	if (soon_ms >= 0)
		loop_timer_start(d->timer, soon_ms);
	if (tell && tell_wants(d)) {
		log_event(LOG_ERROR, "out of memory: VIPs and sync daemons stay as they are");
		loop_timer_start(d->timer, 1000);
	}
}

static void on_timer(void *arg)
{
	duties_decide(arg, true);
}

void duties_look(struct duties *d)
{
	struct reconcile_stats rec;
	bool known;

	if (!d || d->stopping)
		return;
	reconcile_stats(d->agent->reconcile, &rec);
	known = !rec.kernel_error && rec.kernel_known;
	if (known != d->table_known || d->places.n)
		duties_decide(d, known != d->table_known);
	d->table_known = known;
}

int duties_remove(struct duties *d, void (*fn)(void *arg), void *arg)
{
	if (!d)
		return -ENOENT;
	d->stopping = true;
	return tend_remove(d->tend, fn, arg);
}

/* --- life ---------------------------------------------------------------------------------------
 */

int duties_reload(struct duties *d)
{
	const struct agent *a = d ? d->agent : NULL;
	struct places now;
	uint32_t i;
	int e;

	if (!d)
		return 0;
	e = duties_places_new(&d->places, a->conf, a->state->layout, &now);
	if (e) {
		/* By the ids of a layout that is gone: nothing can be said of them. */
		for (i = 0; i < d->places.n; i++)
			d->places.rows[i].n_services = 0;
		return e;
	}
	duties_places_fini(&d->places);
	d->places = now;
	d->roles = agent_conf(a)->roles;
	notifier_standby(a->notifier, !duties_is_master(d));
	duties_decide(d, true);
	return 0;
}

static int take_up(struct duties *d, const struct ledger_state *kept)
{
	size_t i;
	int e = 0;

	for (i = 0; !e && i < kept->n_facts; i++)
		if (!strcmp(kept->facts[i].name, ROLE_FACT))
			duties_read_role(d, kept->facts[i].value);
		else
			e = tend_own(d->tend, kept->facts[i].name);
	return e;
}

int duties_new(struct agent *a, const struct ledger_state *kept, struct duties **ret_duties)
{
	const struct tend_env env = {
		.loop = a->loop, .port = a->port, .ledger = a->ledger, .kernel = &tend_real
	};
	struct duties *d = calloc(1, sizeof(*d));
	int e;

	if (!d)
		return -ENOMEM;
	d->agent = a;
	duties_read_boot(d);
	e = tend_new(&env, &d->tend);
	if (!e)
		e = loop_timer_new(a->loop, "duties", on_timer, d, &d->timer);
	if (!e)
		e = take_up(d, kept);
	if (!e)
		e = duties_reload(d);
	if (e) {
		duties_close(d);
		duties_free(d);
		return e;
	}
	if (d->roles)
		log_event(LOG_INFO, "the role in the pair",
			  LOG_STR("role", view_role_names[d->role]));
	*ret_duties = d;
	return 0;
}

void duties_close(struct duties *d)
{
	if (!d)
		return;
	d->stopping = true;
	tend_close(d->tend);
}

void duties_free(struct duties *d)
{
	if (!d)
		return;
	tend_free(d->tend);
	loop_timer_free(d->timer);
	duties_places_fini(&d->places);
	free(d);
}
