/* rule_conf.c: the keys of [rule NAME], and whom a rule is about. What an expression
 * means is expr.c's business; what an action does is actions/', which are handed over. */
#include "agent/rules/rule_conf.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "agent/action.h"
#include "agent/base/parse.h"
#include "agent/model/service_conf.h"
#include "agent/rules/expr.h"
#include "agent/rules/rule_alert.h"
#include "conf/setter.h"

enum { PATTERN_MAX = 80, ACTIONS_MAX = 16 };

const char rule_probe_down[] = "probe-down";

static const struct action *const no_actions[] = { NULL };
static const struct action *const *actions = no_actions;

void rule_conf_actions(const struct action *const *a)
{
	actions = a;
}

/* --- expr --------------------------------------------------------------------------- */

static void note_needs(struct rule_conf *rule, const struct expr *e)
{
	const struct expr_need *needs;
	size_t n, i;

	needs = expr_needs(e, &n);
	rule->reads_probes = rule->reads_stale = false;
	for (i = 0; i < n; i++) {
		rule->reads_probes |= signal_table[needs[i].signal].origin == SIGNAL_FROM_PROBES;
		rule->reads_stale |= needs[i].signal == SIGNAL_PROBE_STALE;
	}
}

/* Compiled to be sure that it can be: the text is kept, for who runs it compiles it
 * for the layout it runs on. */
static int set_expr(void *field, const char *text, const struct conf_key *key, struct conf_env *env)
{
	struct rule_conf *rule = container_of(field, struct rule_conf, expr);
	struct buf why = BUF_INIT;
	unsigned int column = 0;
	struct expr *e = NULL;
	int r = expr_compile(text, &why, &column, &e);

	if (r == -EINVAL)
		buf_printf(env->why, "column %u: %s", column, buf_str(&why));
	if (!r)
		r = conf_string.set(field, text, key, env);
	if (!r) {
		note_needs(rule, e);
		rule->says = rule->expr;
	}
	if (!buf_ok(&why))
		r = -ENOMEM;
	expr_free(e);
	buf_fini(&why);
	return r;
}

static void get_expr(const void *field, const struct conf_key *key, size_t i, struct buf *out)
{
	conf_string.get(field, key, i, out);
}

static const struct conf_type expr_type = { .name = "expression",
					    .set = set_expr,
					    .get = get_expr };

/* --- patterns ----------------------------------------------------------------------- */

bool rule_pattern_is(const char *text)
{
	return strpbrk(text, "*?[") != NULL;
}

bool rule_pattern_matches(const char *pattern, const char *name)
{
	return !fnmatch(pattern, name, FNM_NOESCAPE);
}

const char *rule_pattern_wrong(const char *text)
{
	static const char fine[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789_.-*?[]!^";
	const char *open;

	if (strlen(text) > PATTERN_MAX)
		return "is too long (80 characters at most)";
	if (strspn(text, fine) != strlen(text))
		return "is neither a name nor a pattern (A-Z a-z 0-9 _ . - and * ? [ ])";
	for (open = strchr(text, '['); open; open = strchr(open + 1, '[')) {
		/* a ']' right behind the '[' or its '!' is one of the characters */
		open += strspn(open + 1, "!^") ? 2 : 1;
		open = *open ? strchr(open + 1, ']') : NULL;
		if (!open)
			return "has a '[' without its ']'";
	}
	return NULL;
}

/* A list that remembers where each of its words stands. */
struct pattern_list {
	struct conf_strings *words;
	const unsigned int **lines;
};

static int append_pattern(struct pattern_list list, const char *word, struct conf_env *env)
{
	const char *wrong = rule_pattern_wrong(word), **items;
	unsigned int *lines;
	size_t i, n = list.words->n;

	if (wrong)
		return conf_refuse(env, word, "%s", wrong);
	for (i = 0; i < n; i++)
		if (!strcmp(list.words->items[i], word))
			return conf_refuse(env, word, "is there twice; first at %s:%u", env->file,
					   (*list.lines)[i]);
	items = arena_grow(env->arena, list.words->items, n, sizeof(*items));
	lines = arena_grow(env->arena, (void *)(uintptr_t)*list.lines, n, sizeof(*lines));
	if (!items || !lines)
		return -ENOMEM;
	items[n] = word;
	lines[n] = env->line;
	list.words->items = items;
	list.words->n++;
	*list.lines = lines;
	return 0;
}

/* A line may hold several words. */
static int append_patterns(struct pattern_list list, const char *text, struct conf_env *env)
{
	struct conf_strings words;
	size_t i;
	int r = conf_split(env->arena, text, &words);

	if (!r && !words.n)
		return conf_refuse(env, text, "holds no word");
	for (i = 0; !r && i < words.n; i++)
		r = append_pattern(list, words.items[i], env);
	return r;
}

static int append_services(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
			   struct conf_env *env)
{
	struct rule_conf *rule = container_of(field, struct rule_conf, services);
	struct pattern_list list = { &rule->services, &rule->service_lines };

	return append_patterns(list, text, env);
}

static int append_realservers(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
			      struct conf_env *env)
{
	struct rule_conf *rule = container_of(field, struct rule_conf, realservers);
	struct pattern_list list = { &rule->realservers, &rule->realserver_lines };

	return append_patterns(list, text, env);
}

static void get_pattern(const void *field, const struct conf_key *key ATTR_UNUSED, size_t i,
			struct buf *out)
{
	const struct conf_strings *list = field;

	if (i < list->n)
		buf_puts(out, list->items[i]);
}

static size_t count_patterns(const void *field, const struct conf_key *key ATTR_UNUSED)
{
	return ((const struct conf_strings *)field)->n;
}

static const struct conf_type services_type = {
	.name = "patterns", .set = append_services, .get = get_pattern, .count = count_patterns
};
static const struct conf_type realservers_type = {
	.name = "patterns", .set = append_realservers, .get = get_pattern, .count = count_patterns
};

/* --- action ------------------------------------------------------------------------- */

static const struct action *find_action(const char *name, struct conf_env *env)
{
	const char *names[ACTIONS_MAX], *near;
	size_t n, i;

	for (n = 0; actions[n]; n++) {
		if (!strcmp(actions[n]->name, name))
			return actions[n];
		if (n < countof(names))
			names[n] = actions[n]->name;
	}
	near = nearest_name(name, names, n < countof(names) ? n : countof(names));
	conf_quote(env->why, name);
	if (near) {
		buf_printf(env->why, " is no action; did you mean '%s'?", near);
		return NULL;
	}
	buf_puts(env->why, " is no action; there are ");
	for (i = 0; i < n; i++)
		buf_printf(env->why, "%s%s", i ? ", " : "", actions[i]->usage);
	return NULL;
}

/* What stands in the way of one more action: twice the same, or two holds on one
 * realserver, where only the lower would count. */
static int check_beside(const struct rule_conf *rule, const struct rule_action *more,
			const char *text, struct conf_env *env)
{
	uint32_t i;

	for (i = 0; i < rule->n_actions; i++) {
		const struct rule_action *a = &rule->actions[i];

		if (a->action == more->action && !strcmp(a->argument, more->argument))
			return conf_refuse(env, text, "is there twice; first at %s:%u", a->file,
					   a->line);
		if (a->action->kind == ACTION_HOLD && more->action->kind == ACTION_HOLD)
			return conf_refuse(env, text,
					   "is a second hold on the same realserver; first '%s' at "
					   "%s:%u",
					   a->action->name, a->file, a->line);
	}
	return 0;
}

static int append_action(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
			 struct conf_env *env)
{
	struct rule_conf *rule = container_of(field, struct rule_conf, actions);
	size_t len = strcspn(text, " \t");
	char *name = arena_strndup(env->arena, text, len);
	struct rule_action a = { .file = env->file, .line = env->line };
	struct rule_action *grown;
	int r;

	a.argument = arena_strdup(env->arena, text + len + strspn(text + len, " \t"));
	if (!name || !a.argument)
		return -ENOMEM;
	a.action = find_action(name, env);
	if (!a.action)
		return -EINVAL;
	r = a.action->effect(a.argument, env->why, &a.effect);
	if (!r)
		r = check_beside(rule, &a, text, env);
	if (r)
		return r;
	grown = arena_grow(env->arena, rule->actions, rule->n_actions, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	grown[rule->n_actions++] = a;
	rule->actions = grown;
	return 0;
}

/* Getters have the field's place in a const struct. */
static const struct rule_conf *actions_owner(const void *field)
{
	return container_of((void *)(uintptr_t)field, struct rule_conf, actions);
}

static void get_action(const void *field, const struct conf_key *key ATTR_UNUSED, size_t i,
		       struct buf *out)
{
	const struct rule_conf *rule = actions_owner(field);
	const struct rule_action *a = &rule->actions[i];

	if (i < rule->n_actions)
		buf_printf(out, "%s%s%s", a->action->name, *a->argument ? " " : "", a->argument);
}

static size_t count_actions(const void *field, const struct conf_key *key ATTR_UNUSED)
{
	return actions_owner(field)->n_actions;
}

static const struct conf_type actions_type = {
	.name = "action", .set = append_action, .get = get_action, .count = count_actions
};

/* --- ramp --------------------------------------------------------------------------- */

static int set_ramp(void *field, const char *text, const struct conf_key *key, struct conf_env *env)
{
	if (strcmp(text, "service"))
		return conf_duration.set(field, text, key, env);
	*(int64_t *)field = RULE_RAMP_OF_SERVICE;
	return 0;
}

static void get_ramp(const void *field, const struct conf_key *key, size_t i, struct buf *out)
{
	if (*(const int64_t *)field == RULE_RAMP_OF_SERVICE)
		buf_puts(out, "service");
	else
		conf_duration.get(field, key, i, out);
}

static const struct conf_type ramp_type = { .name = "duration | service",
					    .set = set_ramp,
					    .get = get_ramp };

/* --- the table ---------------------------------------------------------------------- */

static const struct conf_enum enforce_names[] = {
	{ "on", ENFORCE_ON }, { "dry-run", ENFORCE_DRY_RUN }, { "off", ENFORCE_OFF }, { NULL, 0 }
};

#define FIELD(f) .offset = offsetof(struct rule_conf, f)
#define DAY_MS   (INT64_C(24) * 3600 * 1000)

static const struct conf_key keys[] = {
	{ .name = "service",
	  .type = &services_type,
	  FIELD(services),
	  .flags = CONF_LIST,
	  .help = "Services that the rule is about: names, or patterns with * ? [ ]; none is "
		  "all." },
	{ .name = "realserver",
	  .type = &realservers_type,
	  FIELD(realservers),
	  .flags = CONF_LIST,
	  .help = "Realservers of them, the same way; none is all." },
	{ .name = "expr",
	  .type = &expr_type,
	  FIELD(expr),
	  .help = "What is true of a realserver for which the rule fires, such as probe_up == "
		  "0. A rule has an expr or an alert." },
	{ .name = "alert",
	  .type = &rule_alert_type,
	  FIELD(alert),
	  .help = "In its place, the name of an alert: the rule fires for realservers that "
		  "Alertmanager sends such alerts about, as long as they last." },
	{ .name = "target",
	  .type = &rule_target_type,
	  FIELD(target),
	  .help = "Which realserver such an alert is about, where its labels ipvs_service and "
		  "realserver, address or instance do not say so: SERVICE/REALSERVER, a "
		  "realserver's name or its address, with {LABEL} for the value of a label." },
	{ .name = "ttl",
	  .type = &conf_duration,
	  FIELD(ttl),
	  .def = "9h",
	  .min = 1000,
	  .max = 7 * DAY_MS,
	  .help = "So long an alert lasts that is neither repeated nor resolved: more than "
		  "twice Alertmanager's repeat_interval." },
	{ .name = "for",
	  .type = &conf_duration,
	  FIELD(for_ms),
	  .def = "0s",
	  .max = 7 * DAY_MS,
	  .help = "So long it must be true before the rule fires." },
	{ .name = "keep_firing_for",
	  .type = &conf_duration,
	  FIELD(keep_ms),
	  .def = "0s",
	  .max = 7 * DAY_MS,
	  .help = "So long the rule fires on once it is no longer true." },
	{ .name = "action",
	  .type = &actions_type,
	  FIELD(actions),
	  .flags = CONF_LIST | CONF_REQUIRED,
	  .help = "What is asked while it fires: quiesce | reweight N% | remove | fallback | "
		  "notify NAME | exec /PATH ARGUMENT …; several actions are several lines." },
	{ .name = "enforce",
	  .type = &conf_enum_type,
	  FIELD(enforce),
	  .def = "on",
	  .extra = enforce_names,
	  .help = "on | dry-run | off: dry-run judges, counts and tells, and holds nothing." },
	{ .name = "cooldown",
	  .type = &conf_duration,
	  FIELD(cooldown),
	  .def = "0s",
	  .max = 7 * DAY_MS,
	  .help = "So long after its hold's end the rule places none there; of probe-down: so "
		  "long its hold lasts at least." },
	{ .name = "ramp",
	  .type = &ramp_type,
	  FIELD(ramp),
	  .def = "service",
	  .max = DAY_MS,
	  .help = "What the rule held at 0 or removed gets its weight back over such a time; "
		  "service is the service's own ramp." },
};

static const struct conf_builtin builtins[] = {
	{ rule_probe_down, "expr = probe_up == 0\naction = quiesce\n" },
};

const struct conf_section rule_section = {
	.name = "rule",
	.help = "A rule: what it asks while its expression is true of a realserver. Built in is "
		"[rule probe-down] with expr = probe_up == 0 and action = quiesce; a section of "
		"that name replaces it.",
	.named = true,
	.size = sizeof(struct rule_conf),
	.keys = keys,
	.n_keys = countof(keys),
	.builtins = builtins,
	.n_builtins = countof(builtins),
};

/* --- whom it is about --------------------------------------------------------------- */

void *const *rules_all(const struct config *c, size_t *ret_n)
{
	return config_sections(c, &rule_section, ret_n);
}

static bool one_matches(const struct conf_strings *patterns, const char *name)
{
	size_t i;

	for (i = 0; i < patterns->n; i++)
		if (rule_pattern_matches(patterns->items[i], name))
			return true;
	return !patterns->n;
}

bool rule_conf_service(const struct rule_conf *r, const struct service_conf *s)
{
	return one_matches(&r->services, s->head.name);
}

bool rule_conf_matches(const struct rule_conf *r, const struct service_conf *s,
		       const struct realserver_conf *realserver)
{
	return rule_conf_service(r, s) && one_matches(&r->realservers, realserver->name);
}

const struct rule_action *rule_conf_hold(const struct rule_conf *r)
{
	uint32_t i;

	for (i = 0; i < r->n_actions; i++)
		if (r->actions[i].action->kind == ACTION_HOLD)
			return &r->actions[i];
	return NULL;
}
