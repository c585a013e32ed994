/* lint_rules.c: rules and receivers that are legal and wrong in themselves: nobody is
 * matched, a time is too short to mean anything, a key does nothing. What rules do to
 * services is lint_effects.c's. */
#include <string.h>

#include "agent/action.h"
#include "agent/base/parse.h"
#include "agent/check.h"
#include "agent/http/http_conf.h"
#include "agent/model/service_conf.h"
#include "agent/probes/probe_conf.h"
#include "agent/rules/notify_conf.h"
#include "agent/rules/rule_conf.h"
#include "agent/settings.h"

/* --- whom it is about --------------------------------------------------------------- */

static bool some_service(const struct config *c, const char *pattern)
{
	size_t n, i;
	void *const *services = config_sections(c, &service_section, &n);

	for (i = 0; i < n; i++)
		if (rule_pattern_matches(pattern, ((const struct conf_head *)services[i])->name))
			return true;
	return false;
}

/* Whether a realserver of the rule's services has such a name; NULL = any. */
static bool some_realserver(const struct config *c, const struct rule_conf *r, const char *pattern)
{
	size_t n, i;
	void *const *services = config_sections(c, &service_section, &n);
	uint32_t k;

	for (i = 0; i < n; i++) {
		const struct service_conf *s = services[i];

		if (!rule_conf_service(r, s))
			continue;
		for (k = 0; k < s->n_realservers; k++)
			if (!pattern || rule_pattern_matches(pattern, s->realservers[k].name))
				return true;
	}
	return false;
}

static void lint_matches(struct config *c, const struct rule_conf *r)
{
	bool told = false;
	size_t i;

	for (i = 0; i < r->services.n; i++) {
		if (!rule_pattern_is(r->services.items[i]) || some_service(c, r->services.items[i]))
			continue;
		conf_report(c, CONF_WARNING, r->head.file, r->service_lines[i],
			    "rule %s: no service matches '%s'", r->head.name, r->services.items[i]);
		told = true;
	}
	for (i = 0; !told && i < r->realservers.n; i++) {
		if (some_realserver(c, r, r->realservers.items[i]))
			continue;
		conf_report(c, CONF_WARNING, r->head.file, r->realserver_lines[i],
			    "rule %s: no realserver of its services matches '%s'", r->head.name,
			    r->realservers.items[i]);
		told = true;
	}
	if (!told && !some_realserver(c, r, NULL))
		conf_report(c, CONF_WARNING, r->head.file, r->head.line,
			    "rule %s: no realserver matches it", r->head.name);
}

/* --- times -------------------------------------------------------------------------- */

/* The first probe of these words whose interval is longer than the rule's `for`. */
static const struct probe_conf *slow_probe(const struct config *c, const struct rule_conf *r,
					   const struct conf_strings *words)
{
	size_t i;

	for (i = 0; i < words->n; i++) {
		const struct probe_conf *p = config_named(c, &probe_section, words->items[i]);

		if (p && !p->head.bad && p->interval > r->for_ms)
			return p;
	}
	return NULL;
}

static const struct probe_conf *slow_probe_of(const struct config *c, const struct rule_conf *r)
{
	size_t n, i;
	void *const *services = config_sections(c, &service_section, &n);
	const struct probe_conf *p = NULL;
	uint32_t k;

	for (i = 0; i < n && !p; i++) {
		const struct service_conf *s = services[i];

		for (k = 0; !s->head.bad && k < s->n_realservers && !p; k++) {
			const struct realserver_conf *rs = &s->realservers[k];

			/* those that have the service's are told by the first */
			if ((!k || rs->terms->has_probes) && rule_conf_matches(r, s, rs))
				p = slow_probe(c, r, &rs->terms->probes);
		}
	}
	return p;
}

static void report_short(struct config *c, const struct rule_conf *r, const char *than, int64_t ms,
			 const char *one)
{
	struct buf has = BUF_INIT, needs = BUF_INIT;

	format_duration(&has, r->for_ms);
	format_duration(&needs, ms);
	conf_report(c, CONF_WARNING, r->head.file, conf_key_line(c, r, "for"),
		    "rule %s: for (%s) is shorter than %s (%s): one %s decides", r->head.name,
		    buf_str(&has), than, buf_str(&needs), one);
	buf_fini(&has);
	buf_fini(&needs);
}

static void lint_for(struct config *c, const struct rule_conf *r)
{
	const struct agent_conf *agent = config_section(c, &agent_section);
	const struct probe_conf *p;
	struct buf than = BUF_INIT;

	if (!r->for_ms)
		return;
	if (!r->reads_probes) {
		if (!agent->head.bad && r->for_ms < agent->sample_interval)
			report_short(c, r, "[agent] sample_interval", agent->sample_interval,
				     "sample");
		return;
	}
	p = slow_probe_of(c, r);
	if (p) {
		buf_printf(&than, "the interval of probe %s", p->head.name);
		report_short(c, r, buf_str(&than), p->interval, "attempt");
	}
	buf_fini(&than);
}

/* --- signals ------------------------------------------------------------------------ */

static bool any_compares(const struct config *c, const struct conf_strings *words)
{
	size_t i;

	for (i = 0; i < words->n; i++) {
		const struct probe_conf *p = config_named(c, &probe_section, words->items[i]);

		if (p && (p->head.bad || p->compares))
			return true;
	}
	return false;
}

static bool is_compared(const struct config *c, const struct service_conf *s)
{
	bool compared = s->head.bad || any_compares(c, &s->terms.probes);
	uint32_t i;

	for (i = 0; !compared && i < s->n_realservers; i++)
		compared = s->realservers[i].terms->has_probes &&
			   any_compares(c, &s->realservers[i].terms->probes);
	return compared;
}

/* Without data a rule does nothing, for ever. */
static void lint_stale(struct config *c, const struct rule_conf *r)
{
	size_t n, i;
	void *const *services = config_sections(c, &service_section, &n);
	bool matched = false;

	for (i = 0; r->reads_stale && i < n; i++) {
		if (!rule_conf_service(r, services[i]))
			continue;
		if (is_compared(c, services[i]))
			return;
		matched = true;
	}
	if (matched)
		conf_report(c, CONF_WARNING, r->head.file, conf_key_line(c, r, "expr"),
			    "rule %s: probe_stale has no data: no probe of its services has "
			    "digest = consensus",
			    r->head.name);
}

/* --- alerts ------------------------------------------------------------------------- */

enum { REPEAT_MS = 4 * 3600 * 1000 /* of Alertmanager, where nobody says otherwise */ };

/* An alert that goes on is told again after repeat_interval only. */
static void lint_ttl(struct config *c, const struct rule_conf *r)
{
	struct buf has = BUF_INIT;

	if (r->ttl >= 2 * (int64_t)REPEAT_MS)
		return;
	format_duration(&has, r->ttl);
	conf_report(c, CONF_WARNING, r->head.file, conf_key_line(c, r, "ttl"),
		    "rule %s: ttl (%s) is shorter than twice Alertmanager's usual repeat_interval "
		    "(4h): where that is not lowered, its holds end while their alerts go on",
		    r->head.name, buf_str(&has));
	buf_fini(&has);
}

/* Without this Alertmanager is told 401, and nobody notices until it matters. */
static void lint_way_in(struct config *c, const struct rule_conf *r)
{
	const struct http_conf *h = config_section(c, &http_section);
	uint32_t i, n = 0;

	if (h->head.bad || h->users_file || h->token_file || h->client_ca_file)
		return;
	for (i = 0; i < h->n_listens; i++)
		n += !h->listens[i].unix_path &&
		     (!h->loopback_writes || !addr_is_loopback(&h->listens[i].addr));
	if (!n)
		return;
	conf_report(c, CONF_WARNING, r->head.file, conf_key_line(c, r, "alert"),
		    "rule %s: Alertmanager cannot get in: [http] has neither users_file, "
		    "token_file nor client_ca_file",
		    r->head.name);
}

/* --- what does nothing -------------------------------------------------------------- */

static bool places_holds(const struct rule_conf *r)
{
	uint32_t i;

	for (i = 0; i < r->n_actions; i++)
		if (r->actions[i].action->kind != ACTION_TELL)
			return true;
	return false;
}

static void lint_idle(struct config *c, const struct rule_conf *r)
{
	static const char *const of_holds[] = { "cooldown", "ramp" };
	size_t i;

	for (i = 0; !places_holds(r) && i < countof(of_holds); i++)
		if (conf_key_given(r, of_holds[i]))
			conf_report(c, CONF_WARNING, r->head.file, conf_key_line(c, r, of_holds[i]),
				    "rule %s: '%s' does nothing: none of its actions holds "
				    "anything",
				    r->head.name, of_holds[i]);
}

void lint_rules(struct config *c)
{
	size_t n, i;
	void *const *rules = rules_all(c, &n);

	for (i = 0; i < n; i++) {
		const struct rule_conf *r = rules[i];

		if (r->head.bad || !r->head.line)
			continue;
		lint_matches(c, r);
		lint_for(c, r);
		lint_idle(c, r);
		lint_stale(c, r);
		if (r->alert && r->enforce != ENFORCE_OFF) {
			lint_ttl(c, r);
			lint_way_in(c, r);
		}
	}
}

/* --- receivers ---------------------------------------------------------------------- */

static void lint_clear(struct config *c, const struct notify_conf *w)
{
	if (strncmp(w->url, "http://", 7))
		return;
	if (w->bearer_token_file)
		conf_report(c, CONF_WARNING, w->head.file, conf_key_line(c, w, "bearer_token_file"),
			    "notify %s: the network can read its token: '%s' is without TLS "
			    "(https://)",
			    w->head.name, w->url);
	if (w->ca_file)
		conf_report(c, CONF_WARNING, w->head.file, conf_key_line(c, w, "ca_file"),
			    "notify %s: 'ca_file' does nothing: '%s' is without TLS (https://)",
			    w->head.name, w->url);
}

/* Whether a rule tells it; one that is not understood may. */
static bool some_rule_tells(const struct config *c, const struct notify_conf *w)
{
	size_t n, i;
	void *const *rules = rules_all(c, &n);
	uint32_t k;

	for (i = 0; i < n; i++) {
		const struct rule_conf *r = rules[i];

		if (r->head.bad)
			return true;
		for (k = 0; k < r->n_actions; k++) {
			const struct rule_action *a = &r->actions[k];

			if (a->action->refers && !strcmp(a->action->refers, notify_section.name) &&
			    !strcmp(a->argument, w->head.name))
				return true;
		}
	}
	return false;
}

void lint_notify(struct config *c)
{
	size_t n, i;
	void *const *receivers = config_sections(c, &notify_section, &n);

	for (i = 0; i < n; i++) {
		const struct notify_conf *w = receivers[i];

		if (w->head.bad)
			continue;
		lint_clear(c, w);
		/* panic, freeze and drain are no rule's: every receiver hears of them */
		if ((w->events & ~(uint32_t)(NOTIFY_PANIC | NOTIFY_FREEZE | NOTIFY_DRAIN)) &&
		    !some_rule_tells(c, w))
			conf_report(c, CONF_WARNING, w->head.file, w->head.line,
				    "notify %s: no rule has action = notify %s: it hears of panic, "
				    "freeze and drains only (events = panic freeze drain)",
				    w->head.name, w->head.name);
	}
}
