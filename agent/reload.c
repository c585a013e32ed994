/* reload.c: loads the configuration anew. Reading and unfolding it, its rules and who
 * of it is who already happens on the work queue, and so does the end of what it
 * replaced; the loop only copies what lives on. It is taken over whole or not at all: a
 * file with an error changes nothing. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/loop.h"
#include "agent/base/notify.h"
#include "agent/canaries.h"
#include "agent/drains.h"
#include "agent/duties.h"
#include "agent/hands.h"
#include "agent/http/http_conf.h"
#include "agent/http/server.h"
#include "agent/maintenance.h"
#include "agent/model/reload.h"
#include "agent/note.h"
#include "agent/peers.h"
#include "agent/probes/sched.h"
#include "agent/rules/notifier.h"
#include "agent/rules/notify_conf.h"
#include "agent/sections.h"
#include "agent/settings.h"
#include "agent/sync/reconcile.h"
#include "agent/sync/tuner.h"
#include "conf/print.h"

enum {
	AHEAD_MS = 10000, /* a reading of the kernel waits as long for the file */
	WARNINGS = 20     /* are logged, and how many there are more */
};

/* Somebody who waits for the outcome. */
struct asker {
	command_fn *fn;
	void *arg;
	struct asker *next;
};

struct reload_job {
	struct agent *agent;
	struct layout *old; /* in force when it began, and until it is done; a reference */
	struct config *conf;
	struct state *state;    /* of the new layout, at rest */
	struct reload_map *map; /* from the old layout to the new one */
	struct sched_change *probes;
	struct agent_rules rules;
	struct buf why; /* what of the rules cannot be */
	int error;
	struct asker *askers; /* of this load */
	struct asker *later;  /* came while it was under way: the file may be newer */
	bool again;
};

/* --- outcome ---------------------------------------------------------------- */

static void answer(struct asker *list, enum command_status status, const struct buf *text)
{
	struct asker *next;

	for (; list; list = next) {
		struct command_reply reply = { .status = status };

		next = list->next;
		buf_puts(&reply.text, buf_str(text));
		list->fn(list->arg, &reply);
		buf_fini(&reply.text);
		free(list);
	}
}

static void log_problems(const struct config *conf)
{
	static const enum log_level levels[] = { LOG_ERROR, LOG_WARN, LOG_INFO };
	size_t n, i, warnings = 0;
	const struct conf_problem *p = config_problems(conf, &n);

	for (i = 0; i < n; i++) {
		if (p[i].severity != CONF_ERROR && warnings++ >= WARNINGS)
			continue;
		log_event(levels[p[i].severity], p[i].text, LOG_STR("file", p[i].file),
			  LOG_INT("line", p[i].line));
	}
	if (warnings > WARNINGS)
		log_event(LOG_WARN, "the file has more warnings: ipvs-agent check tells them all",
			  LOG_INT("more", (int64_t)(warnings - WARNINGS)));
}

static void refuse(struct reload_job *job, struct buf *why)
{
	job->agent->reload_ok = false;
	log_event(LOG_ERROR, "reload refused, the old configuration stays in force",
		  LOG_STR("reason", buf_str(why)));
	answer(job->askers, COMMAND_REFUSED, why);
	job->askers = NULL;
}

/* --- taking over -------------------------------------------------------------- */

/* What was in force is then the job's, which ends it. */
static void put_in_force(struct agent *a, struct reload_job *job)
{
	struct state *now = job->state;
	struct config *conf = job->conf;
	const struct agent_conf *limits = config_section(conf, &agent_section);
	struct diff_policy gone;
	void *const *confs;
	size_t n;
	uint32_t i;

	(void)outcome_tell(a, NULL); /* by the old ids */
	reload_carry(a->state, now, job->map);
	agent_rules_carry(&a->decider, job->map, &job->rules);
	sched_change(a->sched, job->probes, &(struct sched_limits){ limits->max_probes });
	job->state = a->state;
	a->state = now;
	job->conf = a->conf;
	a->conf = conf;
	a->generation++;
	a->reload_ok = true;
	a->reloaded_wall_ms = clock_wall_ms();
	for (i = 0; i < now->layout->n_realservers; i++)
		if (!(job->map->kept[i] & KEPT_VERDICT))
			state_judge(now, i, clock_mono_ms());
	agent_settings(a);
	note_config(a);
	gone = agent_gone_policy(a);
	agent_rules_put(a, now, &job->rules);
	confs = config_sections(a->conf, &notify_section, &n);
	if (notifier_reload(a->notifier, confs, n))
		log_event(LOG_ERROR, "out of memory: not every [notify] is in force");
	if (canaries_reload(a->canaries))
		log_event(LOG_ERROR, "out of memory: the canaries of before stay");
	if (tuner_set(a->tuner, config_section(a->conf, &sysctl_section),
		      agent_conf(a)->reconcile_interval))
		log_event(LOG_ERROR, "out of memory: [sysctl] of before stays");
	drains_reload(a->drains);
	peers_reload(a->peers);
	reconcile_set_state(a->reconcile, now, agent_conf(a)->reconcile_interval, &gone);
	/* At once: who asks next shall not see a service that nobody has judged. The others
	 * are as they were, until there is time for them. */
	state_clean(now);
	for (i = 0; i < now->layout->n_services; i++)
		if (job->map->changed[i])
			state_dirty(now, i);
	agent_decide(a);
	if (duties_reload(a->duties))
		log_event(LOG_ERROR, "out of memory: VIPs and sync daemons of before stay");
	state_dirty_all(now);
}

static void tell(const struct reload_map *r, const struct config *conf)
{
	log_event(LOG_INFO, "configuration reloaded", LOG_INT("services_added", r->services_added),
		  LOG_INT("services_removed", r->services_removed),
		  LOG_INT("realservers_added", r->realservers_added),
		  LOG_INT("realservers_removed", r->realservers_removed),
		  LOG_INT("probes_kept", r->targets_kept),
		  LOG_INT("warnings", (int64_t)config_warnings(conf)));
}

static void finish(struct reload_job *job)
{
	struct agent *a = job->agent;
	struct buf why = BUF_INIT;

	if (job->error || config_errors(job->conf)) {
		if (job->why.len)
			buf_puts(&why, buf_str(&job->why));
		else if (job->error == -ENOTSUP)
			buf_printf(&why, "%s is a pipe: it cannot be read again", a->path);
		else if (job->error)
			buf_puts(&why, "out of memory");
		else
			config_format_problems(job->conf, &why);
		refuse(job, &why);
		goto out;
	}
	/* The last thing that can fail. */
	if (http_reload(a->http, config_section(job->conf, &http_section), &why)) {
		refuse(job, &why);
		goto out;
	}
	hands_rename(a, job->state->layout);
	put_in_force(a, job);
	maintenance_again(a->maintenance);
	tell(job->map, a->conf);
	config_print_restarts(&a->kept, a->conf, &why);
	if (why.len)
		log_event(LOG_WARN, "some changes need a restart", LOG_STR("keys", buf_str(&why)));
	config_format_problems(a->conf, &why);
	answer(job->askers, COMMAND_OK, &why);
	job->askers = NULL;
out:
	buf_fini(&why);
}

/* --- the job -------------------------------------------------------------------- */

/* Its rows are many: memory goes back to the system, and that takes a while too. */
static void end(void *arg)
{
	struct reload_job *job = arg;

	agent_rules_drop(&job->rules);
	sched_change_free(job->probes);
	state_free(job->state);
	reload_map_free(job->map);
	layout_unref(job->old);
	config_unref(job->conf);
	buf_fini(&job->why);
	(void)malloc_trim(0);
}

static void ended(void *arg)
{
	free(arg);
}

static void job_free(struct reload_job *job)
{
	struct buf none = BUF_INIT;

	answer(job->askers, COMMAND_STOPPING, &none);
	answer(job->later, COMMAND_STOPPING, &none);
	job->askers = job->later = NULL;
	if (!loop_work(job->agent->loop, "reload end", end, ended, job))
		return;
	end(job);
	ended(job);
}

/* The agent may have been started on a pipe. Read again, that would give nothing, which
 * is a good configuration and drains everything; or never end. */
static bool is_pipe(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISFIFO(st.st_mode);
}

/* The new state at rest, its rules, and who of it is who already. */
static int unfold(struct reload_job *job)
{
	struct layout *l;
	int e = layout_new(job->conf, &l);

	if (e)
		return e;
	e = state_new(l, &job->state);
	if (!e)
		e = reload_map_new(job->old, l, &job->map);
	if (!e)
		e = sched_prepare(l->targets, job->state->targets, l->n_targets,
				  job->old->n_targets, job->map->targets, &job->probes);
	if (!e)
		e = agent_rules_prepare(job->conf, l, &job->why, &job->rules);
	layout_unref(l);
	return e;
}

static void work(void *arg)
{
	struct reload_job *job = arg;

	job->error = is_pipe(job->agent->path) ? -ENOTSUP : 0;
	if (!job->error)
		job->error = agent_config_load(job->agent->path, &job->conf);
	if (!job->error && !config_errors(job->conf))
		job->error = unfold(job);
}

static void done(void *arg)
{
	struct reload_job *job = arg;
	struct agent *a = job->agent;
	struct asker *later = job->later, *next;
	bool again = job->again;

	job->later = NULL;
	a->reload = NULL;
	if (!a->stopping) {
		if (job->conf)
			log_problems(job->conf);
		finish(job);
		reconcile_go_on(a->reconcile);
		(void)notify_send(a->notify, "READY=1");
	}
	job_free(job);
	if (!again)
		return;
	agent_reload(a, NULL, NULL);
	for (; later; later = next) {
		next = later->next;
		agent_reload(a, later->fn, later->arg);
		free(later);
	}
}

/* Adds who waits; false when memory is out: then they were told. */
static bool enlist(struct asker **list, command_fn *fn, void *arg)
{
	struct command_reply failed = { .status = COMMAND_FAILED };
	struct asker *asker;

	if (!fn)
		return true;
	asker = malloc(sizeof(*asker));
	if (!asker) {
		fn(arg, &failed);
		return false;
	}
	*asker = (struct asker){ .fn = fn, .arg = arg, .next = *list };
	*list = asker;
	return true;
}

void agent_reload(struct agent *a, command_fn *fn, void *arg)
{
	struct command_reply failed = { .status = COMMAND_FAILED };
	struct reload_job *job = a->reload;

	if (job) {
		if (enlist(&job->later, fn, arg))
			job->again = true;
		return;
	}
	job = calloc(1, sizeof(*job));
	if (!job || a->stopping) {
		free(job);
		if (a->stopping)
			failed.status = COMMAND_STOPPING;
		if (fn)
			fn(arg, &failed);
		return;
	}
	job->agent = a;
	if (!enlist(&job->askers, fn, arg)) {
		free(job);
		return;
	}
	job->old = layout_ref(a->state->layout);
	(void)notify_reloading(a->notify);
	if (loop_work(a->loop, "reload", work, done, job)) {
		(void)notify_send(a->notify, "READY=1");
		answer(job->askers, COMMAND_FAILED, &BUF_INIT);
		job->askers = NULL;
		job_free(job);
		return;
	}
	a->reload = job;
	reconcile_ahead(a->reconcile, AHEAD_MS);
}
