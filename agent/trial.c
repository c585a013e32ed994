/* trial.c: attempts that somebody wants to see. Each is begun by the scheduler beside what
 * it has planned, and goes the way of all of them, so that what is seen here is what the
 * verdict is made of. */
#include "agent/trial.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/loop.h"
#include "agent/base/parse.h"
#include "agent/base/ways.h"
#include "agent/hands.h"
#include "agent/probes/sched.h"
#include "agent/rules/rate.h"
#include "agent/targets.h"

enum { MOST = 16, A_MINUTE = 60, MINUTE_MS = 60000, NAMED = 8, SHOWN = 4096 };

struct trials {
	struct agent *agent;
	struct rate *rate;
};

struct trial;

struct one {
	struct trial *trial;
	uint32_t place;
	enum verdict before;
};

struct trial {
	const struct agent *agent;
	command_fn *fn;
	void *arg;
	json_t *attempts; /* a place for each */
	uint32_t left;
	bool counts;
	struct one ones[];
};

int trials_new(struct agent *a, struct trials **ret_trials)
{
	struct trials *t = calloc(1, sizeof(*t));
	int e = t ? rate_new(A_MINUTE, MINUTE_MS, &t->rate) : -ENOMEM;

	if (e) {
		free(t);
		return e;
	}
	t->agent = a;
	*ret_trials = t;
	return 0;
}

void trials_free(struct trials *t)
{
	if (!t)
		return;
	rate_free(t->rate);
	free(t);
}

/* --- how one ended ------------------------------------------------------------- */

static void put_text(json_t *o, const char *key, const char *text)
{
	json_object_set_new(o, key, text ? json_string(text) : json_null());
}

static void put_seconds(json_t *o, const char *key, int64_t us)
{
	if (us > 0)
		json_object_set_new(o, key, json_real((double)us / 1e6));
}

/* Bytes of a server. Text may have been cut in the midst of a character; what is no text
 * at all is shown as far as it is printable. */
static json_t *said_json(const char *said, size_t len)
{
	struct buf clean = BUF_INIT;
	json_t *o = NULL;
	size_t i;

	len = len < SHOWN ? len : SHOWN;
	for (i = 0; i < 4 && i <= len && !o && !memchr(said, '\0', len); i++)
		o = json_stringn(said, len - i);
	if (o)
		return o;
	for (i = 0; i < len; i++)
		buf_putc(&clean,
			 (said[i] >= ' ' && said[i] <= '~') || said[i] == '\n' ? said[i] : '?');
	o = json_string(buf_str(&clean));
	buf_fini(&clean);
	return o;
}

/* Whose probe it is: a few by name, and how many. */
static void put_users(const struct layout *l, uint32_t target, json_t *o)
{
	uint32_t first = l->targets[target].first_user, n = l->targets[target + 1].first_user, i;
	json_t *names = json_array();

	n -= first;
	for (i = 0; i < n && i < NAMED; i++) {
		const struct layout_realserver *r = &l->realservers[l->users[first + i]];

		json_array_append_new(names,
				      json_sprintf("%s/%s", l->services[r->service].conf->head.name,
						   r->conf->name));
	}
	json_object_set_new(o, "realservers", names);
	json_object_set_new(o, "shared_by", json_integer(n));
}

static void put_question(const struct agent *a, uint32_t target, json_t *o)
{
	const struct layout *l = a->state->layout;
	const struct layout_target *lt = &l->targets[target];
	struct way_out from = probe_conf_way(lt->conf, &lt->addr);
	struct buf addr = BUF_INIT, source = BUF_INIT, device = BUF_INIT;

	addr_format(&addr, &lt->addr);
	if (from.source.family)
		addr_format_host(&source, &from.source);
	put_text(o, "probe", lt->conf->head.name);
	put_text(o, "url", lt->conf->url);
	put_text(o, "address", buf_str(&addr));
	put_text(o, "source", source.len ? buf_str(&source) : NULL);
	if (from.device)
		buf_puts(&device, from.device);
	else
		ways_put_name(a->ways, ways_to(a->ways, &lt->addr, &from, clock_mono_ms()),
			      &device);
	put_text(o, "interface", device.len ? buf_str(&device) : NULL);
	put_users(l, target, o);
	buf_fini(&addr);
	buf_fini(&source);
	buf_fini(&device);
}

static void put_answer(const struct probe_report *report, int64_t took_us, json_t *o)
{
	static const char *const outcomes[] = {
		[PROBE_UNKNOWN] = "unknown", [PROBE_FAILED] = "failed", [PROBE_PASSED] = "passed"
	};
	const struct probe_reason_row *why = &probe_reasons[report->reason];
	struct buf until = BUF_INIT;

	put_text(o, "outcome", outcomes[why->outcome]);
	put_text(o, "reason", why->slug);
	put_text(o, "said", why->sentence);
	put_text(o, "error", report->os_errno ? strerror(report->os_errno) : NULL);
	json_object_set_new(o, "text",
			    report->text ? said_json(report->text, strlen(report->text))
					 : json_null());
	if (report->status)
		json_object_set_new(o, "status", json_integer(report->status));
	json_object_set_new(o, "seconds", json_real((double)took_us / 1e6));
	put_seconds(o, "connect_seconds", report->connect_us);
	put_seconds(o, "tls_seconds", report->tls_us);
	put_seconds(o, "first_byte_seconds", report->first_byte_us);
	if (report->tls_not_after) {
		clock_format_wall(&until, report->tls_not_after * 1000);
		put_text(o, "tls_expiry", buf_str(&until));
		buf_fini(&until);
	}
	if (report->said)
		json_object_set_new(o, "answer", said_json(report->said, report->said_len));
}

static json_t *attempt_json(const struct one *one, uint32_t target,
			    const struct probe_report *report, int64_t took_us)
{
	const struct state *s = one->trial->agent->state;
	const struct health *h = &s->targets[target].health;
	json_t *o = json_object();

	put_question(one->trial->agent, target, o);
	put_answer(report, took_us, o);
	put_text(o, "before", verdict_name(one->before));
	put_text(o, "verdict", verdict_name((enum verdict)h->verdict));
	json_object_set_new(o, "counted", json_boolean(one->trial->counts));
	json_object_set_new(o, "passes", json_integer(h->passes));
	json_object_set_new(o, "failures", json_integer(h->failures));
	return o;
}

/* --- all of them --------------------------------------------------------------- */

static void reply(command_fn *fn, void *arg, enum command_status status, struct buf *text)
{
	struct command_reply answer = { .status = status, .text = *text };

	*text = BUF_INIT;
	fn(arg, &answer);
	buf_fini(&answer.text);
}

static void one_less(struct trial *t)
{
	enum command_status status = COMMAND_STOPPING;
	struct buf text = BUF_INIT;
	json_t *root;

	if (--t->left)
		return;
	if (!t->agent->stopping) {
		root = json_pack("{s:O}", "attempts", t->attempts);
		status = hands_text(root, &text);
	}
	reply(t->fn, t->arg, status, &text);
	buf_fini(&text);
	json_decref(t->attempts);
	free(t);
}

static void on_ended(void *arg, uint32_t target, const struct probe_report *report, int64_t took_us)
{
	struct one *one = arg;
	json_t *o = report ? attempt_json(one, target, report, took_us)
			   : json_pack("{s:s}", "given_up", "the configuration changed meanwhile");

	json_array_set_new(one->trial->attempts, one->place, o);
	one_less(one->trial);
}

static void begin_one(struct trials *t, struct trial *trial, uint32_t place, uint32_t target)
{
	struct probe_report none = { .reason = PROBE_LOCAL_RESOURCES };
	struct one *one = &trial->ones[place];
	struct sched_asked by = { .fn = on_ended, .arg = one, .counts = trial->counts };

	*one = (struct one){
		.trial = trial,
		.place = place,
		.before = (enum verdict)t->agent->state->targets[target].health.verdict
	};
	none.os_errno = -sched_ask(t->agent->sched, target, &by);
	if (none.os_errno)
		on_ended(one, target, &none, 0);
}

/* Its last is this call's own, so that it lives until all have begun. */
static void begin(struct trials *t, const struct command *cmd, const uint32_t *ids, uint32_t n,
		  command_fn *fn, void *arg)
{
	struct trial *trial = calloc(1, sizeof(*trial) + n * sizeof(trial->ones[0]));
	json_t *attempts = json_array();
	struct buf why = BUF_INIT;
	uint32_t i;

	for (i = 0; attempts && i < n; i++)
		json_array_append_new(attempts, json_null());
	if (!trial || json_array_size(attempts) != n) {
		json_decref(attempts);
		free(trial);
		reply(fn, arg, COMMAND_FAILED, &why);
		return;
	}
	*trial = (struct trial){ .agent = t->agent,
				 .fn = fn,
				 .arg = arg,
				 .attempts = attempts,
				 .left = n + 1,
				 .counts = cmd->count };
	for (i = 0; i < n; i++)
		begin_one(t, trial, i, ids[i]);
	one_less(trial);
}

/* --- which --------------------------------------------------------------------- */

/* Targets of those realservers, each once: up to `MOST` of them are kept, all are counted
 * that are not seen to be there already. */
static uint32_t collect(const struct layout *l, const struct targets *meant, const char *probe,
			uint32_t ids[static MOST])
{
	uint32_t n = 0, i, j, k;

	for (i = 0; i < meant->n; i++) {
		const struct layout_realserver *r = &l->realservers[meant->ids[i]];

		for (j = r->first_link; j < r->first_link + r->n_links; j++) {
			uint32_t id = l->links[j];

			if (probe && strcmp(l->targets[id].conf->head.name, probe) != 0)
				continue;
			for (k = 0; k < n && k < MOST && ids[k] != id; k++)
				;
			if (k < n && k < MOST)
				continue;
			if (n < MOST)
				ids[n] = id;
			n++;
		}
	}
	return n;
}

/* What they have instead: the one that was probably meant, or a few of all. */
static void say_probes(const struct layout *l, const struct targets *meant, const char *probe,
		       struct buf *why)
{
	const char *names[NAMED], *near;
	uint32_t n = 0, i, j, k;

	for (i = 0; i < meant->n; i++) {
		const struct layout_realserver *r = &l->realservers[meant->ids[i]];

		for (j = r->first_link; j < r->first_link + r->n_links && n < NAMED; j++) {
			names[n] = l->targets[l->links[j]].conf->head.name;
			for (k = 0; strcmp(names[k], names[n]) != 0; k++)
				;
			n += k == n;
		}
	}
	near = nearest_name(probe, names, n);
	if (near)
		buf_printf(why, "; did you mean '%s'?", near);
	for (i = 0; !near && i < n; i++)
		buf_printf(why, "%s%s", i ? " " : "; it has ", names[i]);
}

static enum command_status say_none(const struct layout *l, const struct targets *meant,
				    const struct command *cmd, struct buf *why)
{
	bool probed = false, serves = false;
	uint32_t i;

	for (i = 0; i < meant->n; i++) {
		const struct layout_realserver *r = &l->realservers[meant->ids[i]];

		probed |= r->n_links > 0;
		serves |= r->conf->enabled && l->services[r->service].conf->enabled;
	}
	buf_puts(why, cmd->target);
	if (!serves)
		buf_puts(why, " is out of service: enabled = no");
	else if (!probed)
		buf_puts(why, " has no probe");
	else
		buf_printf(why, " has no probe '%s'", cmd->only);
	if (serves && probed)
		say_probes(l, meant, cmd->only, why);
	return COMMAND_NOT_FOUND;
}

/* COMMAND_OK, or why not. What was begun to be counted stays so: who asks too much waits. */
static enum command_status judge(struct trials *t, uint32_t n, struct buf *why)
{
	int64_t now = clock_mono_ms();
	uint32_t i;

	if (n > MOST) {
		buf_printf(why,
			   "these are %u attempts, and %d may be made at once: name a "
			   "realserver or one probe",
			   n, MOST);
		return COMMAND_INVALID;
	}
	for (i = 0; i < n && rate_take(t->rate, now); i++)
		;
	if (i == n)
		return COMMAND_OK;
	buf_printf(why, "%d attempts a minute may be asked for: again in %lld s", A_MINUTE,
		   (long long)((rate_next(t->rate) - now + 999) / 1000));
	return COMMAND_UNAVAILABLE;
}

void trials_run(struct trials *t, const struct command *cmd, command_fn *fn, void *arg)
{
	const struct layout *l = t->agent->state->layout;
	struct targets meant = { 0 };
	struct buf why = BUF_INIT;
	enum command_status status;
	uint32_t ids[MOST], n = 0;
	int e = targets_find(l, cmd->target ? cmd->target : "", &why, &meant);

	if (!e)
		n = collect(l, &meant, cmd->only, ids);
	if (e)
		status = e == -ENOENT ? COMMAND_NOT_FOUND : COMMAND_FAILED;
	else if (!n)
		status = say_none(l, &meant, cmd, &why);
	else
		status = judge(t, n, &why);
	targets_fini(&meant);
	if (status == COMMAND_OK)
		begin(t, cmd, ids, n, fn, arg);
	else
		reply(fn, arg, status, &why);
	buf_fini(&why);
}
