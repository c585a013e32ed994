/* intake.c: alerts on their way in. One request at a time is judged, so that the two
 * Alertmanagers of a pair, who send the same at once, are told apart from each other: the
 * second finds what the first has placed. */
#include "agent/intake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/loop.h"
#include "agent/holds/effect.h"
#include "agent/holds/expire.h"
#include "agent/holds/place.h"
#include "agent/leases.h"
#include "agent/note.h"
#include "agent/rules/engine.h"
#include "agent/rules/rule_conf.h"

enum {
	REQUESTS_MAX = 16, /* that wait; each may be of 1 MiB */
	TURN_ALERTS = 50,  /* judged at a time: well below a millisecond */
};

struct intake_job {
	struct intake *intake;
	char *who;
	struct buf body, why;
	command_fn *fn;
	void *arg;
	struct layout *layout; /* to match it to; a reference */
	struct lease_request *request;
	int error;        /* of reading and matching it */
	int unrecorded;   /* the first error of the ledger */
	uint32_t next;    /* alert to judge */
	uint32_t n_waits; /* for the ledger */
	struct intake_job *later;
};

struct intake {
	struct agent *agent;
	struct leases *leases;
	struct loop_timer *timer;
	struct intake_job *jobs; /* the first is at work */
	uint32_t n_jobs;
	uint64_t counts[ALERT_N_OUTCOMES];
};

static void begin(struct intake *in);

static void job_free(struct intake_job *job)
{
	lease_request_free(job->request);
	layout_unref(job->layout);
	buf_fini(&job->body);
	buf_fini(&job->why);
	free(job->who);
	free(job);
}

/* --- the answer --------------------------------------------------------------------- */

static void tell(const struct intake_job *job, enum command_status status, const char *text)
{
	struct command_reply reply = { .status = status };

	if (text)
		buf_puts(&reply.text, text);
	job->fn(job->arg, &reply);
	buf_fini(&reply.text);
}

/* Refusals are for who wrote the alert, or its rule. */
static void log_alert(const struct intake_job *job, const struct lease_alert *a)
{
	bool refused = a->outcome == ALERT_REFUSED;

	if (a->outcome == ALERT_RECORDED || a->outcome == ALERT_RESOLVED)
		return;
	log_event(refused ? LOG_WARN : LOG_DEBUG, refused ? "alert refused" : "alert ignored",
		  LOG_STR("alert", a->alert->name), LOG_STR("fingerprint", a->alert->fingerprint),
		  LOG_STR("reason", buf_str(&a->why)), LOG_STR("who", job->who ? job->who : ""));
}

static void count(struct intake *in, const struct lease_request *rq)
{
	uint32_t i;

	for (i = 0; i < rq->alerts->n; i++)
		in->counts[rq->list[i].outcome]++;
}

static void answer(struct intake_job *job)
{
	struct intake *in = job->intake;
	struct buf text = BUF_INIT;
	uint32_t i;

	if (in->agent->stopping) {
		tell(job, COMMAND_STOPPING, NULL);
	} else if (job->error == -EINVAL || job->error == -E2BIG) {
		in->counts[ALERT_FAILED]++;
		log_event(LOG_WARN, "alerts refused: no message of Alertmanager",
			  LOG_STR("reason", buf_str(&job->why)),
			  LOG_STR("who", job->who ? job->who : ""));
		tell(job, COMMAND_INVALID, buf_str(&job->why));
	} else if (job->error || job->unrecorded) {
		in->counts[ALERT_FAILED]++;
		log_event(LOG_ERROR, "alerts could not be recorded: nothing follows from them",
			  LOG_ERR(job->error ? job->error : job->unrecorded));
		tell(job, COMMAND_UNAVAILABLE,
		     "the alerts cannot be recorded now: send them again");
	} else if (lease_request_answer(job->request, &text)) {
		tell(job, COMMAND_FAILED, "out of memory");
	} else {
		for (i = 0; i < job->request->alerts->n; i++)
			log_alert(job, &job->request->list[i]);
		count(in, job->request);
		tell(job, COMMAND_OK, buf_str(&text));
	}
	buf_fini(&text);
}

static void finish(struct intake_job *job)
{
	struct intake *in = job->intake;

	answer(job);
	in->jobs = job->later;
	in->n_jobs--;
	job_free(job);
	if (in->jobs)
		begin(in);
}

/* --- judging ------------------------------------------------------------------------ */

static void finish_if_done(struct intake_job *job)
{
	if (!job->n_waits && job->next == job->request->alerts->n)
		finish(job);
}

static void on_placed(void *arg, int error, const struct hold *h)
{
	struct intake_job *job = arg;

	job->n_waits--;
	/* Lifted meanwhile is as good as never asked for. */
	if (error && error != -ECANCELED && !job->unrecorded)
		job->unrecorded = error;
	if (h && h->waiting)
		log_event(LOG_INFO, "alert recorded", LOG_STR("service", h->service),
			  LOG_STR("realserver", h->realserver), LOG_STR("rule", h->rule),
			  LOG_STR("fingerprint", h->holder), LOG_STR("reason", h->reason));
	finish_if_done(job);
}

static void place(void *arg, const struct hold *like)
{
	struct intake_job *job = arg;
	struct agent *a = job->intake->agent;
	int e = placer_asked(a->placer, like, clock_wall_ms(), on_placed, job);

	if (!e)
		job->n_waits++;
	else if (!job->unrecorded)
		job->unrecorded = e;
}

static void lift(void *arg, const char *id)
{
	const struct intake_job *job = arg;
	struct agent *a = job->intake->agent;
	const struct hold *h = holds_find(a->holds, id);

	if (!h)
		return;
	log_event(LOG_INFO, "alert resolved", LOG_STR("service", h->service),
		  LOG_STR("realserver", h->realserver), LOG_STR("rule", h->rule),
		  LOG_STR("fingerprint", h->holder));
	placer_lift(a->placer, id);
}

static void judge_some(struct intake_job *job)
{
	struct agent *a = job->intake->agent;
	const struct lease_do todo = { .place = place, .lift = lift, .arg = job };
	bool frozen = holds_freeze(a->holds) != NULL;
	uint32_t n = job->request->alerts->n, i;

	for (i = 0; job->next < n && i < TURN_ALERTS; i++, job->next++)
		leases_judge(job->intake->leases, job->request, job->next, a->holds, frozen,
			     clock_wall_ms(), &todo);
	if (job->next < n)
		loop_timer_start(job->intake->timer, 0);
	else
		finish_if_done(job);
}

static void go_on(struct intake_job *job)
{
	if (job->error || job->intake->agent->stopping)
		finish(job);
	else if (job->request->layout != job->intake->agent->state->layout)
		begin(job->intake); /* the rules are others by now */
	else
		judge_some(job);
}

static void on_timer(void *arg)
{
	struct intake *in = arg;

	if (in->jobs)
		go_on(in->jobs);
}

/* --- reading ------------------------------------------------------------------------- */

static void work(void *arg)
{
	struct intake_job *job = arg;

	if (job->request)
		job->error = lease_request_match(job->request, job->layout, job->next);
	else
		job->error = lease_request_new(buf_str(&job->body), job->body.len, job->layout,
					       &job->why, &job->request);
	buf_fini(&job->body);
}

static void done(void *arg)
{
	go_on(arg);
}

/* The first job is at work; what it was matched to before is not good any more. */
static void begin(struct intake *in)
{
	struct intake_job *job = in->jobs;
	int e;

	layout_unref(job->layout);
	job->layout = layout_ref(in->agent->state->layout);
	e = loop_work(in->agent->loop, "alerts", work, done, job);
	/* Once it is begun the job is the other thread's. */
	if (!e)
		return;
	job->error = e;
	finish(job);
}

void intake_take(struct intake *in, struct command *cmd, command_fn *fn, void *arg)
{
	struct command_reply full = { .status = COMMAND_UNAVAILABLE };
	struct intake_job *job = in->n_jobs < REQUESTS_MAX ? calloc(1, sizeof(*job)) : NULL;
	struct intake_job **at = &in->jobs;

	if (!job) {
		in->counts[ALERT_FAILED]++;
		buf_puts(&full.text, "too many alerts at once: send them again");
		fn(arg, &full);
		buf_fini(&full.text);
		return;
	}
	*job = (struct intake_job){
		.intake = in, .body = cmd->body, .who = cmd->who, .fn = fn, .arg = arg
	};
	cmd->body = BUF_INIT;
	cmd->who = NULL;
	while (*at)
		at = &(*at)->later;
	*at = job;
	if (!in->n_jobs++)
		begin(in);
}

/* --- life ------------------------------------------------------------------------------ */

void intake_note(struct intake *in, const struct hold *h, bool ended)
{
	leases_note(in->leases, h, ended, clock_wall_ms());
}

void intake_counts(const struct intake *in, uint64_t ret_counts[static ALERT_N_OUTCOMES])
{
	memcpy(ret_counts, in->counts, sizeof(in->counts));
}

int intake_new(struct agent *a, struct intake **ret_intake)
{
	struct intake *in = calloc(1, sizeof(*in));
	int e = in ? leases_new(&in->leases) : -ENOMEM;

	if (!e)
		e = loop_timer_new(a->loop, "alerts", on_timer, in, &in->timer);
	if (e) {
		intake_free(in);
		return e;
	}
	in->agent = a;
	*ret_intake = in;
	return 0;
}

void intake_free(struct intake *in)
{
	struct intake_job *job;

	if (!in)
		return;
	while ((job = in->jobs)) {
		in->jobs = job->later;
		tell(job, COMMAND_STOPPING, NULL);
		job_free(job);
	}
	loop_timer_free(in->timer);
	leases_free(in->leases);
	free(in);
}

/* --- the end of what was asked -------------------------------------------------------- */

/* An operator's or an alert's hold came, or ended. */
void agent_on_asked(void *arg, const struct hold *hold, bool ended)
{
	struct agent *a = arg;
	struct moment now = agent_moment(a);

	note_asked(a, hold, ended);
	if (a->intake)
		intake_note(a->intake, hold, ended);
	if (a->engine && ended)
		engine_lease_ended(a->engine, a->state, hold, &now);
	/* What ended meanwhile ends now. */
	if (a->expirer && ended && hold->effect == HOLD_FREEZE)
		expirer_run(a->expirer);
}
