/* expr_words.c: the tables of operators and functions. Who adds one adds a row here and
 * its way through expr_eval.c; the parser needs no change. */
#include "agent/rules/expr_words.h"

#include <string.h>
#include <strings.h>

#include "agent/base/parse.h"

static const struct expr_operator operators[] = {
	{ "or", BINDING_LOOSEST, KIND_CONDITION, KIND_CONDITION, EXPR_OR },
	{ "and", BINDING_AND, KIND_CONDITION, KIND_CONDITION, EXPR_AND },
	{ "<", BINDING_COMPARE, KIND_NUMBER, KIND_CONDITION, EXPR_LESS },
	{ "<=", BINDING_COMPARE, KIND_NUMBER, KIND_CONDITION, EXPR_LESS_EQUAL },
	{ ">", BINDING_COMPARE, KIND_NUMBER, KIND_CONDITION, EXPR_GREATER },
	{ ">=", BINDING_COMPARE, KIND_NUMBER, KIND_CONDITION, EXPR_GREATER_EQUAL },
	{ "==", BINDING_COMPARE, KIND_NUMBER, KIND_CONDITION, EXPR_EQUAL },
	{ "!=", BINDING_COMPARE, KIND_NUMBER, KIND_CONDITION, EXPR_NOT_EQUAL },
	{ "+", BINDING_SUM, KIND_NUMBER, KIND_NUMBER, EXPR_ADD },
	{ "-", BINDING_SUM, KIND_NUMBER, KIND_NUMBER, EXPR_SUBTRACT },
	{ "*", BINDING_PRODUCT, KIND_NUMBER, KIND_NUMBER, EXPR_MULTIPLY },
	{ "/", BINDING_PRODUCT, KIND_NUMBER, KIND_NUMBER, EXPR_DIVIDE },
};

static const struct expr_function functions[] = {
	{ "rate", "rate(connections_total[30s])", EXPR_OVER, SAMPLES_RATE },
	{ "avg_over_time", "avg_over_time(active_connections[30s])", EXPR_OVER, SAMPLES_AVG },
	{ "min_over_time", "min_over_time(active_connections[30s])", EXPR_OVER, SAMPLES_MIN },
	{ "max_over_time", "max_over_time(active_connections[30s])", EXPR_OVER, SAMPLES_MAX },
	{ "changes", "changes(probe_up[5m])", EXPR_OVER, SAMPLES_CHANGES },
	{ "peers_median", "peers_median(probe_duration_seconds)", EXPR_PEERS_MEDIAN, 0 },
	{ "peers_avg", "peers_avg(probe_duration_seconds)", EXPR_PEERS_AVG, 0 },
};

static const struct {
	const char *word, *instead;
} foreign[] = {
	{ "true", "compare with a number, such as probe_up == 1" },
	{ "false", "compare with a number, such as probe_up == 0" },
	{ "nan", "leave it out: a comparison without data is never true" },
	{ "inf", "write a number, at most 1e308" },
	{ "absent", "leave it out: a comparison without data is never true" },
	{ "unless", "write 'and not'" },
	{ "xor", "write it with and, or, not" },
	{ "bool", "leave it out: comparisons are conditions" },
	{ "offset", "leave it out: a rule reads what is, and windows until now" },
	{ "by", "leave it out: a rule is judged for each of its realservers" },
	{ "without", "leave it out: a rule is judged for each of its realservers" },
	{ "increase", "write rate() times the seconds: 30 * rate(connections_total[30s])" },
	{ "irate", "write rate(connections_total[30s])" },
	{ "delta", "write max_over_time() - min_over_time()" },
	{ "sum", "write peers_avg(), or a signal of the service" },
	{ "avg", "write peers_avg(), or avg_over_time() of a window" },
	{ "median", "write peers_median()" },
	{ "min", "write min_over_time() of a window" },
	{ "max", "write max_over_time() of a window" },
	{ "count", "write service_realservers or service_available" },
};

const struct expr_operator *expr_operator_find(const char *word)
{
	size_t i;

	for (i = 0; i < countof(operators); i++) {
		if (!strcmp(operators[i].name, word))
			return &operators[i];
	}
	return NULL;
}

const struct expr_function *expr_function_find(const char *word)
{
	size_t i;

	for (i = 0; i < countof(functions); i++) {
		if (!strcmp(functions[i].name, word))
			return &functions[i];
	}
	return NULL;
}

const char *expr_word_instead(const char *word)
{
	size_t i;

	if (!strcasecmp(word, "and") || !strcasecmp(word, "or") || !strcasecmp(word, "not"))
		return "write and, or, not in small letters";
	for (i = 0; i < countof(foreign); i++) {
		if (!strcasecmp(foreign[i].word, word))
			return foreign[i].instead;
	}
	return NULL;
}

void expr_tell_signal(struct buf *out, const char *name, const char *near)
{
	const char *instead = expr_word_instead(name);

	buf_printf(out, "'%s' is no signal", name);
	if (instead)
		buf_printf(out, ": %s", instead);
	else if (near)
		buf_printf(out, "; did you mean '%s'?", near);
	else
		buf_puts(out, ": name one, such as probe_up or active_connections");
}

void expr_tell_function(struct buf *out, const char *name)
{
	const char *names[countof(functions)], *near, *instead = expr_word_instead(name);
	enum signal_id id;
	size_t i;

	for (i = 0; i < countof(functions); i++)
		names[i] = functions[i].name;
	near = nearest_name(name, names, countof(functions));
	if (signal_find(name, &id, NULL)) {
		buf_printf(out, "'%s' is a signal, no function: leave out the parentheses", name);
		return;
	}
	buf_printf(out, "'%s' is no function", name);
	if (instead)
		buf_printf(out, ": %s", instead);
	else if (near)
		buf_printf(out, "; did you mean '%s'?", near);
	else
		buf_puts(out, ": use one of ");
	for (i = 0; !instead && !near && i < countof(functions); i++)
		buf_printf(out, "%s%s", i ? ", " : "", names[i]);
}
