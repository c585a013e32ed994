/* check_rules.c: what rules name must be there. */
#include <string.h>

#include "agent/action.h"
#include "agent/check.h"
#include "agent/model/service_conf.h"
#include "agent/rules/rule_conf.h"

static const struct conf_section *section_type(const struct config *c, const char *name)
{
	const struct conf_section *const *s = config_types(c);

	while (*s && strcmp((*s)->name, name))
		s++;
	return *s;
}

/* Reports that `key` names a section of a type that has none of that name. */
static void report_missing(struct config *c, const char *key, const struct conf_section *s,
			   const char *name, const char *file, unsigned int line)
{
	const char *near = check_near(c, s, name);

	conf_report(c, CONF_ERROR, file, line, "%s: there is no [%s %s]%s%s%s", key, s->name, name,
		    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static void check_services(struct config *c, const struct rule_conf *r)
{
	size_t i;

	for (i = 0; i < r->services.n; i++)
		if (!rule_pattern_is(r->services.items[i]) &&
		    !config_named(c, &service_section, r->services.items[i]))
			report_missing(c, "service", &service_section, r->services.items[i],
				       r->head.file, r->service_lines[i]);
}

static void check_actions(struct config *c, const struct rule_conf *r)
{
	const struct conf_section *s;
	uint32_t i;

	for (i = 0; i < r->n_actions; i++) {
		const struct rule_action *a = &r->actions[i];

		s = a->action->refers ? section_type(c, a->action->refers) : NULL;
		if (s && !config_named(c, s, a->argument))
			report_missing(c, "action", s, a->argument, a->file, a->line);
	}
}

/* A key of the other kind, unless it says what is so anyway. */
static void check_of_kind(struct config *c, struct rule_conf *r)
{
	const struct {
		const char *key;
		bool said, of_alerts;
	} keys[] = { { "for", r->for_ms > 0, false },
		     { "keep_firing_for", r->keep_ms > 0, false },
		     { "target", r->target != NULL, true },
		     { "ttl", r->ttl != RULE_TTL, true } };
	size_t i;

	for (i = 0; i < countof(keys); i++) {
		if (!keys[i].said || keys[i].of_alerts == (r->alert != NULL))
			continue;
		conf_report(c, CONF_ERROR, r->head.file, conf_key_line(c, r, keys[i].key),
			    "rule %s: '%s' is of rules with '%s'%s", r->head.name, keys[i].key,
			    keys[i].of_alerts ? "alert" : "expr",
			    keys[i].of_alerts ? "" : ": Prometheus' own rule has one");
		r->head.bad = true;
	}
}

/* A rule goes by an expression or by alerts. What was given may have been bad. */
static void check_kind(struct config *c, struct rule_conf *r)
{
	bool expr = r->expr || conf_key_given(r, "expr");
	bool alert = r->alert || conf_key_given(r, "alert");

	if (expr != alert) {
		if (!r->head.bad)
			check_of_kind(c, r);
		return;
	}
	if (expr)
		conf_report(c, CONF_ERROR, r->head.file, conf_key_line(c, r, "alert"),
			    "rule %s: 'expr' and 'alert' are both given: it goes by one of them",
			    r->head.name);
	else
		conf_report(c, CONF_ERROR, r->head.file, r->head.line,
			    "[rule %s] has neither 'expr' nor 'alert'", r->head.name);
	r->head.bad = true;
}

void check_rules(struct config *c)
{
	size_t n, i;
	void *const *rules = rules_all(c, &n);

	for (i = 0; i < n; i++) {
		struct rule_conf *r = rules[i];

		check_kind(c, r);
		if (r->head.bad)
			continue;
		check_services(c, r);
		check_actions(c, r);
	}
}
