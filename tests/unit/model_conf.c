/* model_conf.c: configurations for the model test. The shape says what there is, the
 * variation what of it a reload changes. */
#include <stdio.h>

#include "tests/unit/model.h"

uint64_t model_next(struct model_rng *r)
{
	uint64_t z = r->x += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint32_t model_pick(struct model_rng *r, uint32_t n)
{
	return (uint32_t)(model_next(r) >> 33) % n;
}

static const char *one_of(struct model_rng *r, const char *const *list)
{
	uint32_t n = 0;

	while (list[n])
		n++;
	return list[model_pick(r, n)];
}

static const char *const schedulers[] = { "wrr", "wlc",
					  "wrr", "rr",
					  "sh",  "sh\nscheduler_flags = sh-fallback",
					  "dh",  "fo",
					  "mh",  "mh\nscheduler_flags = mh-fallback",
					  NULL };
static const char *const floors[] = { "1",  "0",   "2",  "3",          "50%",        "100%",
				      "1%", "34%", "0%", "40% weight", "75% weight", NULL };
static const char *const shares[] = { "100%", "100%", "50%", "30%", "67%", "0%", NULL };
static const char *const panics[] = { "keep", "keep", "backup", "none", NULL };
static const char *const initials[] = { "keep", "keep", "keep", "up", "down", NULL };
static const char *const flap_maxes[] = { "10m", "30s", "0s", "3m", NULL };
static const char *const ramps[] = { "0s", "0s", "30s", "10s", "5m", NULL };
static const char *const weights[] = { "100", "100", "100", "0", "1", "50", "7", "65535", NULL };
static const char *const durations[] = { "0s", "0s", "5s", "30s", "2m", NULL };
static const char *const cooldowns[] = { "0s", "0s", "1m", "20m", NULL };
static const char *const rule_ramps[] = { "service", "service", "0s", "20s", NULL };
static const char *const enforces[] = { "on", "on", "on", "on", "dry-run", "off", NULL };
static const char *const rates[] = { "10/m", "2/m", "1/s", "3/h", "0/m", "10/m", NULL };
static const char *const actions[] = { "quiesce",
				       "quiesce",
				       "reweight 50%",
				       "reweight 1%",
				       "remove",
				       "fallback",
				       "quiesce\naction = fallback",
				       NULL };
static const char *const exprs[] = { "probe_up == 0",
				     "active_connections > 50",
				     "probe_up == 0 or active_connections > 80",
				     "avg_over_time(active_connections[10s]) > 50",
				     "rate(connections_total[10s]) > 5",
				     "active_connections > 2 * peers_median(active_connections)",
				     "service_available_ratio < 0.5",
				     "service_available < 2",
				     "effective_weight > 0", /* undoes itself */
				     "probe_consecutive_failures > 2",
				     "changes(active_connections[30s]) > 2",
				     "service_panic == 1",
				     NULL };

static void put_realserver(struct model_rng *shape, struct model_rng *change, uint32_t s,
			   uint32_t i, bool shared, struct buf *out)
{
	uint32_t kind = model_pick(shape, 6), domain = model_pick(shape, 4);
	const char *weight = one_of(shape, weights);
	bool gone = !model_pick(change, 8), off = !model_pick(change, 10);

	/* One there must be. */
	if (gone && i)
		return;
	if (!model_pick(change, 8))
		weight = one_of(change, weights);
	buf_printf(out, "%s = r%u 10.1.%u.%u weight=%s", !kind && i ? "backup" : "realserver", i,
		   shared ? 9 : 20 + s, 10 + i, weight);
	if (domain < 3)
		buf_printf(out, " domain=d%u", domain);
	buf_puts(out, off ? " enabled=no\n" : "\n");
}

static void put_service(struct model_rng *shape, struct model_rng *change, uint32_t s, bool shared,
			struct buf *out)
{
	uint32_t n = 1 + model_pick(shape, 6), i;

	buf_printf(out, "[service s%u]\naddress = tcp://10.1.2.%u:80\nprobe = p\n", s, 15 + s);
	if (!model_pick(shape, 4))
		buf_printf(out, "address = tcp://10.1.2.%u:443\n", 15 + s);
	buf_printf(out, "scheduler = %s\n", one_of(shape, schedulers));
	buf_printf(out, "on_panic = %s\n", one_of(shape, panics));
	buf_printf(out, "initial = %s\n", one_of(shape, initials));
	buf_printf(out, "ramp = %s\n", one_of(shape, ramps));
	buf_printf(out, "domain_guard = %s\n", model_pick(shape, 3) ? "off" : "on");
	buf_printf(out, "min_available = %s\n", one_of(change, floors));
	buf_printf(out, "max_held = %s\n", one_of(change, shares));
	buf_printf(out, "flap_max = %s\n", one_of(change, flap_maxes));
	if (!model_pick(change, 20))
		buf_puts(out, "enabled = no\n");
	for (i = 0; i < n; i++)
		put_realserver(shape, change, s, i, shared, out);
}

static void put_rule(struct model_rng *shape, struct model_rng *change, const char *name,
		     const char *expr, struct buf *out)
{
	const char *action = one_of(shape, actions);

	if (!model_pick(change, 5))
		action = one_of(change, actions);
	buf_printf(out, "[rule %s]\nexpr = %s\naction = %s\n", name, expr, action);
	buf_printf(out, "for = %s\n", one_of(change, durations));
	buf_printf(out, "keep_firing_for = %s\n", one_of(change, durations));
	buf_printf(out, "cooldown = %s\n", one_of(change, cooldowns));
	buf_printf(out, "ramp = %s\n", one_of(change, rule_ramps));
	buf_printf(out, "enforce = %s\n", one_of(change, enforces));
	if (!model_pick(change, 6))
		buf_puts(out, "service = s0\n");
}

void model_conf(uint64_t shape_seed, uint32_t variation, struct buf *out)
{
	struct model_rng shape = { shape_seed };
	struct model_rng change = { shape_seed ^ (variation * UINT64_C(0xd1342543de82ef95)) };
	uint32_t n_services = 1 + model_pick(&shape, 3), n_rules = model_pick(&shape, 4), i;
	bool shared = !model_pick(&shape, 3);
	char name[16];

	buf_printf(out, "[agent]\nrate = %s\n", one_of(&change, rates));
	buf_printf(out, "correlated_targets = %u\ncorrelated_share = %u%%\n",
		   model_pick(&change, 3) ? model_pick(&change, 6) : 0,
		   1 + model_pick(&change, 100));
	buf_puts(out, "[probe p]\nurl = http://x/\n");
	for (i = 0; i < n_services; i++)
		put_service(&shape, &change, i, shared, out);
	for (i = 0; i < n_rules; i++) {
		const char *expr = one_of(&shape, exprs);

		snprintf(name, sizeof(name), "rule%u", i);
		/* One that goes and comes. */
		if (model_pick(&change, 8))
			put_rule(&shape, &change, name, expr, out);
		else
			(void)one_of(&shape, actions);
	}
	if (!model_pick(&shape, 4))
		put_rule(&shape, &change, "probe-down", exprs[0], out);
	/* By which alerts hold, an effect each: model_drive.c. */
	buf_puts(out, "[rule alert-absent]\nalert = A\naction = remove\n"
		      "[rule alert-0]\nalert = A\naction = quiesce\n"
		      "[rule alert-1]\nalert = A\naction = reweight 1%\n"
		      "[rule alert-50]\nalert = A\naction = reweight 50%\n");
}
