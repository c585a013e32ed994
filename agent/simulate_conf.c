/* simulate_conf.c: the keys of [test NAME]. */
#include "agent/simulate_conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/parse.h"
#include "agent/holds/hold.h"
#include "conf/setter.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)
enum { DAYS_MAX = 31, SERIES_MAX = 4096 };

static const char blanks[] = " \t";

/* --- lists ---------------------------------------------------------------------------- */

static int append(struct sim_list *list, const void *item, size_t size, const char *text,
		  struct conf_env *env)
{
	char *grown = arena_grow(env->arena, list->items, list->n, size);
	struct sim_line *line;

	if (!grown)
		return -ENOMEM;
	list->items = grown;
	line = (void *)(grown + list->n * size);
	memcpy(line, item, size);
	line->text = arena_strdup(env->arena, text);
	line->line = env->line;
	if (!line->text)
		return -ENOMEM;
	list->n++;
	return 0;
}

static void get_line(const void *field, const struct conf_key *key, size_t i, struct buf *out)
{
	const struct sim_list *list = field;
	const size_t *size = key->extra;

	if (i < list->n) {
		const char *item = (const char *)list->items + i * *size;

		buf_puts(out, ((const struct sim_line *)(const void *)item)->text);
	}
}

static size_t count_lines(const void *field, const struct conf_key *key ATTR_UNUSED)
{
	return ((const struct sim_list *)field)->n;
}

/* --- words ------------------------------------------------------------------------------ */

/* Takes the first word off *text; a copy, which the caller frees. NULL when memory is
 * out; "" when there is none. */
static char *take_word(const char **text)
{
	const char *from = *text + strspn(*text, blanks);
	size_t len = strcspn(from, blanks);

	*text = from + len + strspn(from + len, blanks);
	return strndup(from, len);
}

/* Takes a time off the text: "30s", "1m30s", "0". */
static int take_time(const char **text, struct conf_env *env, int64_t *ret_ms)
{
	char *word = take_word(text);
	int e = word ? 0 : -ENOMEM;

	if (!e && (parse_duration(word, ret_ms) || *ret_ms > DAYS_MAX * DAY_MS))
		e = conf_refuse(env, word, "is no time (such as 0s, 30s or 1m30s; at most %d days)",
				DAYS_MAX);
	free(word);
	return e;
}

/* --- series ----------------------------------------------------------------------------- */

static int read_signal(const char *word, struct conf_env *env, struct sim_series *s)
{
	size_t len = strcspn(word, "@");
	char *name = strndup(word, len);
	const char *near;
	int e = 0;

	if (!name)
		return -ENOMEM;
	if (!word[len])
		e = conf_refuse(env, word,
				"must be SIGNAL@SERVICE/REALSERVER, or SIGNAL@SERVICE for a signal "
				"of the service");
	else if (!signal_find(name, &s->signal, &near))
		e = conf_refuse(env, name,
				near ? "is no signal; did you mean '%s'?" : "is no signal%s",
				near ? near : "");
	if (!e)
		e = sim_target_parse(word + len + 1, env->arena, env->why, &s->target);
	if (!e && signal_table[s->signal].scope == SIGNAL_OF_SERVICE && s->target.realserver)
		e = conf_refuse(env, name, "is a signal of the service: %s@%s", name,
				s->target.service);
	else if (!e && signal_table[s->signal].scope == SIGNAL_OF_REALSERVER &&
		 !s->target.realserver)
		e = conf_refuse(env, name, "is a signal of a realserver: %s@%s/REALSERVER", name,
				s->target.service);
	free(name);
	return e;
}

/* Verdicts are what probe_up says: nothing between. */
static int check_verdicts(const struct sim_series *s, struct conf_env *env)
{
	size_t i;

	for (i = 0; i < s->values.n_spans; i++) {
		const struct sim_span *v = &s->values.spans[i];

		if (v->first != v->first) /* no data */
			continue;
		if ((v->first != 0 && v->first != 1) || v->step != 0) {
			buf_puts(env->why, "probe_up is 0, 1 or _ (the probe cannot tell)");
			return -EINVAL;
		}
	}
	return 0;
}

static int append_series(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
			 struct conf_env *env)
{
	struct sim_list *list = field;
	struct sim_series s = { 0 };
	const char *rest = text;
	char *word = take_word(&rest);
	size_t i;
	int e = word ? read_signal(word, env, &s) : -ENOMEM;

	if (!e && list->n >= SERIES_MAX)
		e = conf_refuse(env, word, "is one series too many (%d at most)", SERIES_MAX);
	for (i = 0; !e && i < list->n; i++) {
		const struct sim_series *other = (const struct sim_series *)list->items + i;

		if (other->signal == s.signal && !strcmp(other->target.service, s.target.service) &&
		    (!s.target.realserver ||
		     !strcmp(other->target.realserver, s.target.realserver)))
			e = conf_refuse(env, word, "is there twice; first at %s:%u", env->file,
					other->at.line);
	}
	if (!e)
		e = sim_values_parse(rest, env->arena, env->why, &s.values);
	if (!e && s.signal == SIGNAL_PROBE_UP)
		e = check_verdicts(&s, env);
	if (!e)
		e = append(list, &s, sizeof(s), text, env);
	free(word);
	return e;
}

/* --- hold ------------------------------------------------------------------------------- */

static int read_effect(const char *word, struct conf_env *env, int *ret_effect)
{
	unsigned int percent;

	if (!strcmp(word, "0"))
		*ret_effect = HOLD_ZERO;
	else if (!strcmp(word, "absent"))
		*ret_effect = HOLD_ABSENT;
	else if (!parse_share(word, &percent))
		*ret_effect = (int)percent;
	else
		return conf_refuse(env, word, "is no hold: 0, a share such as 50%%, or absent");
	return 0;
}

/* "", or "for DURATION" */
static int read_end(const char *rest, struct conf_env *env, struct sim_hold *h)
{
	const char *text = rest;
	char *word = take_word(&rest);
	int64_t ms = 0;
	int e = word ? 0 : -ENOMEM;

	if (!e && *word) {
		if (strcmp(word, "for"))
			e = conf_refuse(env, text, "must be 'for DURATION', or nothing");
		if (!e)
			e = take_time(&rest, env, &ms);
		if (!e && (*rest || !ms))
			e = conf_refuse(env, text, "must be 'for DURATION', or nothing");
		h->to_ms = h->from_ms + ms;
	}
	free(word);
	return e;
}

static int append_hold(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
		       struct conf_env *env)
{
	struct sim_hold h = { 0 };
	const char *rest = text;
	int e = take_time(&rest, env, &h.from_ms);
	char *target = e ? NULL : take_word(&rest);
	char *effect = e ? NULL : take_word(&rest);

	if (!e && (!target || !effect))
		e = -ENOMEM;
	if (!e)
		e = sim_target_parse(target, env->arena, env->why, &h.target);
	if (!e && !h.target.realserver)
		e = conf_refuse(env, target, "must be SERVICE/REALSERVER");
	if (!e)
		e = read_effect(effect, env, &h.effect);
	if (!e)
		e = read_end(rest, env, &h);
	if (!e)
		e = append(field, &h, sizeof(h), text, env);
	free(target);
	free(effect);
	return e;
}

/* An alert that is repeated in time lasts as long as it fires. */
static int append_alert(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
			struct conf_env *env)
{
	struct sim_hold h = { 0 };
	const char *rest = text;
	int e = take_time(&rest, env, &h.from_ms);
	char *rule = e ? NULL : take_word(&rest);
	char *target = e ? NULL : take_word(&rest);

	if (!e && rule)
		h.rule = arena_strdup(env->arena, rule);
	if (!e && (!target || !h.rule))
		e = -ENOMEM;
	if (!e)
		e = sim_target_parse(target, env->arena, env->why, &h.target);
	if (!e && !h.target.realserver)
		e = conf_refuse(env, target, "must be SERVICE/REALSERVER");
	if (!e)
		e = read_end(rest, env, &h);
	if (!e)
		e = append(field, &h, sizeof(h), text, env);
	free(target);
	free(rule);
	return e;
}

/* --- at and never ------------------------------------------------------------------------- */

static int add_assertion(struct sim_at *at, const char *text, struct conf_env *env)
{
	struct sim_assertion *grown = arena_grow(env->arena, at->assertions, at->n, sizeof(*grown));
	int e;

	if (!grown)
		return -ENOMEM;
	at->assertions = grown;
	e = sim_assertion_parse(text, env->arena, env->why, &grown[at->n]);
	if (e)
		return e;
	grown[at->n++].at.line = env->line;
	return 0;
}

static char *trim(char *text)
{
	size_t len;

	text += strspn(text, blanks);
	len = strlen(text);
	while (len && strchr(blanks, text[len - 1]))
		text[--len] = '\0';
	return text;
}

static int append_at(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
		     struct conf_env *env)
{
	struct sim_at at = { 0 };
	const char *rest = text;
	int e = take_time(&rest, env, &at.ms);
	char *copy = e ? NULL : strdup(rest), *next = copy, *one;

	if (!e && !copy)
		e = -ENOMEM;
	while (!e && (one = strtok_r(next, ";", &next))) {
		one = trim(one);
		if (*one)
			e = add_assertion(&at, one, env);
	}
	if (!e && !at.n)
		e = conf_refuse(env, text, "asserts nothing: TIME ASSERTION; ASSERTION …");
	if (!e)
		e = append(field, &at, sizeof(at), text, env);
	free(copy);
	return e;
}

static int append_never(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
			struct conf_env *env)
{
	struct sim_assertion a;
	int e = sim_assertion_parse(text, env->arena, env->why, &a);

	return e ? e : append(field, &a, sizeof(a), text, env);
}

/* --- the table ---------------------------------------------------------------------------- */

static void finish(struct config *c, void *obj)
{
	const struct sim_conf *t = obj;

	if (!t->ats.n && !t->nevers.n)
		conf_report(c, CONF_ERROR, t->head.file, t->head.line,
			    "test %s asserts nothing: it has neither 'at' nor 'never'",
			    t->head.name);
}

#define LIST_TYPE(id, set_fn, type_name)                                                           \
	static const struct conf_type id = {                                                       \
		.name = type_name, .set = set_fn, .get = get_line, .count = count_lines            \
	}

LIST_TYPE(series_type, append_series, "series");
LIST_TYPE(hold_type, append_hold, "hold");
LIST_TYPE(alert_type, append_alert, "alert");
LIST_TYPE(at_type, append_at, "assertions");
LIST_TYPE(never_type, append_never, "assertion");

static const size_t series_size = sizeof(struct sim_series), hold_size = sizeof(struct sim_hold),
		    at_size = sizeof(struct sim_at), never_size = sizeof(struct sim_assertion);

#define FIELD(f) .offset = offsetof(struct sim_conf, f)

static const struct conf_key keys[] = {
	{ .name = "rules",
	  .type = &conf_string,
	  FIELD(rules),
	  .flags = CONF_REQUIRED,
	  .help = "The configuration under test, relative to this file." },
	{ .name = "interval",
	  .type = &conf_duration,
	  FIELD(interval),
	  .min = 100,
	  .max = 60 * 1000,
	  .help = "From one value of a series to the next; [agent] sample_interval if not "
		  "given." },
	{ .name = "series",
	  .type = &series_type,
	  FIELD(series),
	  .extra = &series_size,
	  .flags = CONF_LIST,
	  .help = "SIGNAL@SERVICE/REALSERVER VALUES …, the first at 0s." },
	{ .name = "hold",
	  .type = &hold_type,
	  FIELD(holds),
	  .extra = &hold_size,
	  .flags = CONF_LIST,
	  .help = "TIME SERVICE/REALSERVER 0 | N% | absent [for DURATION]: an operator's." },
	{ .name = "alert",
	  .type = &alert_type,
	  FIELD(alerts),
	  .extra = &hold_size,
	  .flags = CONF_LIST,
	  .help = "TIME RULE SERVICE/REALSERVER [for DURATION]: an alert fires that the rule "
		  "goes by." },
	{ .name = "at",
	  .type = &at_type,
	  FIELD(ats),
	  .extra = &at_size,
	  .flags = CONF_LIST,
	  .help = "TIME ASSERTION; ASSERTION …" },
	{ .name = "never",
	  .type = &never_type,
	  FIELD(nevers),
	  .extra = &never_size,
	  .flags = CONF_LIST,
	  .help = "ASSERTION that must not hold at any time." },
};

const struct conf_section sim_section = {
	.name = "test",
	.help = "A test of rules in virtual time.",
	.named = true,
	.size = sizeof(struct sim_conf),
	.keys = keys,
	.n_keys = countof(keys),
	.finish = finish,
};
