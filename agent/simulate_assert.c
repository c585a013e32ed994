/* simulate_assert.c: reads what a test asserts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/parse.h"
#include "agent/rules/eval.h"
#include "agent/rules/guard.h"
#include "agent/simulate_conf.h"
#include "conf/setter.h"

enum { WORDS_MAX = 5 };

const char *const sim_action_names[] = { "quiesce", "reweight", "remove", "fallback", "release" };

/* What an assertion is about: scope of its target. */
enum scope { OF_REALSERVER = 1, OF_SERVICE = 2 };

static int refuse(struct buf *why, const char *text, const char *what)
{
	conf_quote(why, text);
	buf_printf(why, " %s", what);
	return -EINVAL;
}

int sim_target_parse(const char *text, struct arena *arena, struct buf *why,
		     struct sim_target *ret_target)
{
	size_t len = strcspn(text, "/");
	char *service = arena_strndup(arena, text, len);
	char *realserver = text[len] ? arena_strdup(arena, text + len + 1) : NULL;

	if (!service || (text[len] && !realserver))
		return -ENOMEM;
	if (!conf_name_ok(service) || (realserver && !conf_name_ok(realserver)))
		return refuse(why, text, "is neither SERVICE/REALSERVER nor SERVICE");
	*ret_target = (struct sim_target){ service, realserver };
	return 0;
}

static int take_target(const char *text, unsigned int scope, struct arena *arena, struct buf *why,
		       struct sim_assertion *a)
{
	int e = sim_target_parse(text, arena, why, &a->target);

	if (e)
		return e;
	if (!(scope & (a->target.realserver ? OF_REALSERVER : OF_SERVICE)))
		return refuse(why, text,
			      scope == OF_SERVICE ? "must be SERVICE, as it is about all of it"
						  : "must be SERVICE/REALSERVER");
	return 0;
}

/* The place of a word among names. */
static int take_name(const char *word, const char *const *names, int first, int n, const char *what,
		     struct buf *why, int *ret_place)
{
	const char *near;
	int i;

	for (i = first; i < n; i++)
		if (!strcmp(names[i], word)) {
			*ret_place = i;
			return 0;
		}
	near = nearest_name(word, names + first, (size_t)(n - first));
	conf_quote(why, word);
	buf_printf(why, " is no %s", what);
	if (near) {
		buf_printf(why, "; did you mean '%s'?", near);
		return -EINVAL;
	}
	for (i = first; i < n; i++)
		buf_printf(why, "%s%s", i == first ? " (" : ", ", names[i]);
	buf_putc(why, ')');
	return -EINVAL;
}

/* --- the forms ---------------------------------------------------------------------- */

/* RULE@SERVICE/REALSERVER STATE */
static int read_rule(char *const *w, struct arena *arena, struct buf *why, struct sim_assertion *a)
{
	char *at = strchr(w[0], '@');
	char *rule = arena_strndup(arena, w[0], (size_t)(at - w[0]));
	int e;

	if (!rule)
		return -ENOMEM;
	if (!conf_name_ok(rule))
		return refuse(why, w[0], "has no rule's name before its @");
	a->rule = rule;
	e = take_target(at + 1, OF_REALSERVER, arena, why, a);
	if (e)
		return e;
	if (!strcmp(w[1], "frozen")) {
		a->value = SIM_FROZEN;
		return 0;
	}
	return take_name(w[1], rule_state_names, 0, RULE_N_STATES, "state of a rule", why,
			 &a->value);
}

static int read_weight(char *const *w, struct arena *arena, struct buf *why,
		       struct sim_assertion *a)
{
	uint64_t n = 0;
	int e = take_target(w[1], OF_REALSERVER, arena, why, a);

	if (e)
		return e;
	a->value = -1;
	if (!strcmp(w[2], "absent"))
		return 0;
	if (parse_u64(w[2], &n) || n > INT32_MAX)
		return refuse(why, w[2], "is no weight: a number, or 'absent'");
	a->value = (int)n;
	return 0;
}

static int read_action(char *const *w, struct arena *arena, struct buf *why,
		       struct sim_assertion *a)
{
	static const unsigned int scopes[] = {
		[SIM_QUIESCE] = OF_REALSERVER,
		[SIM_REWEIGHT] = OF_REALSERVER,
		[SIM_REMOVE] = OF_REALSERVER,
		[SIM_FALLBACK] = OF_SERVICE,
		[SIM_RELEASE] = OF_REALSERVER | OF_SERVICE,
	};
	int e = take_name(w[1], sim_action_names, 0, countof(sim_action_names), "action", why,
			  &a->value);

	return e ? e : take_target(w[2], scopes[a->value], arena, why, a);
}

static int read_guard(char *const *w, struct arena *arena, struct buf *why, struct sim_assertion *a)
{
	int e = take_name(w[1], guard_names, GUARD_ADMIT + 1, N_GUARDS, "guard", why, &a->value);

	return e ? e : take_target(w[2], OF_REALSERVER, arena, why, a);
}

static int read_panic(char *const *w, struct arena *arena, struct buf *why, struct sim_assertion *a)
{
	return take_target(w[1], OF_SERVICE, arena, why, a);
}

static const struct form {
	const char *word; /* the first one; NULL = RULE@… */
	int words;
	bool by; /* "by RULE" may follow */
	enum sim_kind kind;
	int (*read)(char *const *w, struct arena *arena, struct buf *why, struct sim_assertion *a);
	const char *usage;
} forms[] = {
	{ NULL, 2, false, SIM_RULE, read_rule, "RULE@SERVICE/REALSERVER STATE" },
	{ "weight", 3, false, SIM_WEIGHT, read_weight, "weight SERVICE/REALSERVER N" },
	{ "action", 3, true, SIM_ACTION, read_action, "action ACTION TARGET [by RULE]" },
	{ "refused", 3, true, SIM_REFUSED, read_guard,
	  "refused GUARD SERVICE/REALSERVER [by RULE]" },
	{ "delayed", 3, true, SIM_DELAYED, read_guard,
	  "delayed GUARD SERVICE/REALSERVER [by RULE]" },
	{ "panic", 2, false, SIM_PANIC, read_panic, "panic SERVICE" },
};

static const struct form *form_of(const char *word)
{
	size_t i;

	for (i = 0; i < countof(forms); i++)
		if (forms[i].word ? !strcmp(forms[i].word, word) : strchr(word, '@') != NULL)
			return &forms[i];
	return NULL;
}

static int unknown_form(struct buf *why, const char *text)
{
	size_t i;

	conf_quote(why, text);
	buf_puts(why, " is no assertion; there are: ");
	for (i = 0; i < countof(forms); i++)
		buf_printf(why, "%s%s", i ? ", " : "", forms[i].usage);
	buf_puts(why, "; 'not' before one turns it round");
	return -EINVAL;
}

/* `copy` is the text again, and is cut up. */
static int read_words(const char *text, char *copy, struct arena *arena, struct buf *why,
		      struct sim_assertion *a)
{
	char *words[WORDS_MAX + 1] = { NULL }, *word, *rest = copy;
	const struct form *f;
	int n = 0;

	while (n <= WORDS_MAX && (word = strtok_r(rest, " \t", &rest))) {
		if (!n && !a->negated && !strcmp(word, "not"))
			a->negated = true;
		else
			words[n++] = word;
	}
	f = n ? form_of(words[0]) : NULL;
	if (!f)
		return unknown_form(why, text);
	if (f->by && n == f->words + 2 && words[f->words] && !strcmp(words[f->words], "by")) {
		a->rule = arena_strdup(arena, words[f->words + 1]);
		if (!a->rule)
			return -ENOMEM;
	} else if (n != f->words) {
		conf_quote(why, text);
		buf_printf(why, " must have the form: %s", f->usage);
		return -EINVAL;
	}
	a->kind = f->kind;
	return f->read(words, arena, why, a);
}

int sim_assertion_parse(const char *text, struct arena *arena, struct buf *why,
			struct sim_assertion *ret_assertion)
{
	struct sim_assertion a = { .at.text = arena_strdup(arena, text) };
	char *copy = strdup(text);
	int e = a.at.text && copy ? read_words(text, copy, arena, why, &a) : -ENOMEM;

	free(copy);
	if (!e)
		*ret_assertion = a;
	return e;
}
