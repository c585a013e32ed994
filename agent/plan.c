/* plan.c: what `run` would change in the kernel, as a diff. It goes the reconciler's
 * way (read, match, decide, diff) and stops before the writing. Verdicts are the
 * running agent's alone: what was never probed is left at the kernel's weight, as at
 * a start; holds are the ledger's. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/netns.h"
#include "agent/base/parse.h"
#include "agent/cli/cli.h"
#include "agent/duties.h"
#include "agent/holds/ledger.h"
#include "agent/ipvs/ipvs.h"
#include "agent/ipvs/port.h"
#include "agent/ipvs/tunable.h"
#include "agent/lanes.h"
#include "agent/model/match.h"
#include "agent/plan_text.h"
#include "agent/sections.h"
#include "agent/settings.h"
#include "agent/sync/owned.h"
#include "agent/sync/pass.h"
#include "agent/sync/tuner.h"

struct plan {
	struct agent agent; /* its configuration, state and holds only */
	struct owned owned;
	struct duty_ops duties;
	struct pass *pass;
	struct buf why;
	struct plan_setting *settings;
	size_t n_settings;
};

static int fail(const char *what, const struct buf *why, int error)
{
	const char *text = why && why->len ? buf_str(why) : error ? strerrordesc_np(-error) : "";

	fprintf(stderr, "ipvs-agent plan: %s%s%s\n", what, *text ? ": " : "", text);
	return error ? error : -EINVAL;
}

static int load(struct plan *p, const char *path)
{
	int e = agent_config_load(path, &p->agent.conf);

	if (e)
		return fail(path, NULL, e);
	if (config_errors(p->agent.conf)) {
		config_format_problems(p->agent.conf, &p->why);
		fputs(buf_str(&p->why), stderr);
		return -EINVAL;
	}
	return 0;
}

/* Holds and owned services, as far as the ledger may be read. */
static int recall(struct plan *p)
{
	const struct agent_conf *conf = config_section(p->agent.conf, &agent_section);
	struct ledger_state kept = { 0 };
	bool same;
	size_t i;
	int e = holds_new(&p->agent.holds);

	if (e)
		return e;
	if (ledger_read(conf->state_dir, &p->why, &kept))
		fprintf(stderr, "ipvs-agent plan: the ledger cannot be read, ignoring it: %s\n",
			buf_str(&p->why));
	if (kept.damaged)
		fprintf(stderr,
			"ipvs-agent plan: the ledger is damaged (%s): a start would set it aside "
			"with all its holds\n",
			kept.damage);
	for (i = 0; !e && i < kept.n_holds; i++) {
		kept.holds[i]->active = !kept.holds[i]->waiting;
		e = holds_place(p->agent.holds, kept.holds[i], &same);
		if (!e)
			kept.holds[i] = NULL;
	}
	for (i = 0; e >= 0 && i < kept.n_owned; i++)
		e = owned_add(&p->owned, &kept.owned[i]);
	if (e >= 0 && duties_foresee(&p->agent, &kept, &p->duties))
		fprintf(stderr,
			"ipvs-agent plan: interfaces and addresses cannot be read: VIPs are "
			"left out\n");
	ledger_state_fini(&kept);
	return e < 0 ? e : 0;
}

static void nothing(void *arg)
{
	(void)arg;
}

static int read_kernel(struct plan *p)
{
	const struct agent_conf *conf = config_section(p->agent.conf, &agent_section);
	struct ipvs_table table = { 0 };
	struct ipvs_kernel *kernel;
	int e = conf->netns ? netns_enter(conf->netns, &p->why, NULL) : 0;

	if (e)
		return fail("[agent] netns", &p->why, e);
	e = ipvs_netlink_new(conf->procfs, &kernel);
	if (e)
		return fail("the kernel", NULL, e);
	e = kernel->ops->dump(kernel, nothing, NULL, &table);
	kernel->ops->free(kernel);
	if (e || !ipvs_table_may_act(&table)) {
		e = e ? e : table.error ? table.error : -EIO;
		ipvs_table_fini(&table);
		if (e == -ENOPROTOOPT)
			return fail("the kernel has no ip_vs (modprobe ip_vs)", NULL, 0);
		if (e == -EPERM)
			return fail("reading the kernel's IPVS table needs CAP_NET_ADMIN (sudo)",
				    NULL, 0);
		return fail("the kernel's IPVS table cannot be read", NULL, e);
	}
	e = reading_new(p->pass->layout, &table, &p->pass->reading);
	return e ? e : reading_match(p->pass->reading);
}

static int make_state(struct plan *p)
{
	struct layout *l;
	int e = layout_new(p->agent.conf, &l);

	if (e)
		return e;
	e = state_new(l, &p->agent.state);
	if (!e)
		e = pass_new(l, &p->pass);
	layout_unref(l);
	return e;
}

/* Decides as at a start, and works the difference out. */
static int work_out(struct plan *p)
{
	const struct service_conf *defaults = config_section(p->agent.conf, &defaults_section);
	struct diff_policy gone = { defaults->on_remove, defaults->drain_timeout };
	struct state *s = p->agent.state;
	struct pass *pass = p->pass;
	struct decided *decided;
	uint32_t i;
	int e;

	p->agent.decider.holds = p->agent.holds;
	e = decider_prepare(s->layout, &decided);
	if (e)
		return e;
	decider_adopt(&p->agent.decider, s, decided);
	pass_set_caps(pass, s);
	for (i = 0; i < s->layout->n_realservers; i++)
		(void)decide_want(&p->agent.decider, i, clock_mono_ms());
	for (i = 0; i < s->layout->n_services; i++)
		decide_count(s, i);
	e = pass_prepare(pass, s, NULL, 0, &gone, clock_mono_ms());
	if (e)
		return e;
	pass_own(pass, &p->owned);
	pass_diff(pass);
	return pass->error;
}

/* What would keep probes from telling anything is worth knowing before. */
static void tell_lack(const struct plan *p)
{
	const struct agent_conf *conf = config_section(p->agent.conf, &agent_section);
	struct buf lack = BUF_INIT;

	agent_lanes_lack(p->pass->layout, conf->procfs, &lack);
	if (lack.len)
		fprintf(stderr,
			"ipvs-agent plan: the kernel drops the answers to probes with "
			"via = forward: set %s\n",
			buf_str(&lack));
	buf_fini(&lack);
}

static void add_setting(void *arg, const char *name, const char *found, const char *value,
			int error)
{
	struct plan *p = arg;
	struct plan_setting *grown = reallocarray(p->settings, p->n_settings + 1, sizeof(*grown));
	struct plan_setting new = { .error = error };

	if (!grown) {
		p->why.failed = true;
		return;
	}
	tunable_format(&new.name, name);
	buf_puts(&new.found, found);
	buf_puts(&new.value, value ? value : "");
	p->settings = grown;
	grown[p->n_settings++] = new;
}

static int look_at_settings(struct plan *p)
{
	const struct agent_conf *conf = config_section(p->agent.conf, &agent_section);
	int e = tuner_plan(config_section(p->agent.conf, &sysctl_section), conf->state_dir,
			   conf->procfs, add_setting, p);

	if (e && e != -ENOMEM) {
		fail("the record of the kernel's settings cannot be read, ignoring it", NULL, e);
		return 0;
	}
	return e ? e : p->why.failed ? -ENOMEM : 0;
}

static void plan_fini(struct plan *p)
{
	size_t i;

	for (i = 0; i < p->n_settings; i++) {
		buf_fini(&p->settings[i].name);
		buf_fini(&p->settings[i].found);
		buf_fini(&p->settings[i].value);
	}
	free(p->settings);
	free(p->duties.rows);
	buf_fini(&p->why);
	pass_free(p->pass);
	owned_fini(&p->owned);
	decider_fini(&p->agent.decider);
	holds_free(p->agent.holds);
	state_free(p->agent.state);
	config_unref(p->agent.conf);
}

int agent_plan(const char *config_path, bool json)
{
	struct plan p = { 0 };
	struct buf out = BUF_INIT;
	uint32_t changes = 0;
	int e = load(&p, config_path);

	if (!e)
		e = make_state(&p);
	if (!e)
		e = recall(&p);
	if (!e)
		e = read_kernel(&p);
	if (!e)
		e = work_out(&p);
	if (!e)
		e = look_at_settings(&p);
	if (!e) {
		tell_lack(&p);
		changes = plan_print(p.pass, p.agent.state,
				     &(struct plan_beside){ &p.duties, p.settings, p.n_settings },
				     json, &out);
		if (!buf_ok(&out) || fputs(buf_str(&out), stdout) == EOF || fflush(stdout))
			e = -EIO;
	}
	buf_fini(&out);
	plan_fini(&p);
	return e ? CLI_ERROR : changes ? CLI_CHANGES : CLI_OK;
}
