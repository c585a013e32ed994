/* test_eval.c: tests/golden/eval: each case is a rule's life in virtual time:
 *
 *   for 30s              as configured from here on
 *   keep 1m              keep_firing_for, likewise
 *   resume TIME          firing since before the start
 *   TIME TRUTH -> STATE EDGE [next TIME|never]
 *
 * TRUTH is true, false or none. And every sequence of six steps against what must
 * hold in each. */
#include "tests/unit/t.h"

#include <glob.h>

#include "agent/base/attr.h"
#include "agent/base/parse.h"
#include "agent/rules/eval.h"

static const char *const truth_names[] = {
	[TRUTH_NO_DATA] = "none",
	[TRUTH_FALSE] = "false",
	[TRUTH_TRUE] = "true",
};

struct life {
	const char *file;
	unsigned int line, steps;
	int64_t for_ms, keep_ms;
	struct rule_run run;
};

#define REFUSE(l, ...)                                                                             \
	do {                                                                                       \
		fprintf(stderr, "%s:%u: ", (l)->file, (l)->line);                                  \
		fprintf(stderr, __VA_ARGS__);                                                      \
		fputc('\n', stderr);                                                               \
		fail();                                                                            \
	} while (0)

static int64_t a_time(const struct life *l, const char *text)
{
	int64_t ms = 0;

	if (!text || parse_duration(text, &ms))
		REFUSE(l, "'%s' is no time", text ? text : "");
	return ms;
}

static enum truth a_truth(const struct life *l, const char *text)
{
	size_t i;

	for (i = 0; i < countof(truth_names); i++)
		if (text && !strcmp(text, truth_names[i]))
			return (enum truth)i;
	REFUSE(l, "'%s' is no truth", text ? text : "");
	return TRUTH_NO_DATA;
}

static void expect_word(const struct life *l, const char *want, const char *is)
{
	if (!want || strcmp(want, is))
		REFUSE(l, "wants '%s', is '%s'", want ? want : "nothing", is);
}

static void a_step(struct life *l, const char *when, char **rest)
{
	enum truth truth = a_truth(l, strtok_r(NULL, " ", rest));
	const char *word;
	int64_t next;
	enum rule_edge edge = eval_step(&l->run, truth, l->for_ms, l->keep_ms, a_time(l, when));

	expect_word(l, strtok_r(NULL, " ", rest), "->");
	expect_word(l, strtok_r(NULL, " ", rest), rule_state_names[l->run.state]);
	expect_word(l, strtok_r(NULL, " ", rest), rule_edge_names[edge]);
	l->steps++;
	word = strtok_r(NULL, " ", rest);
	if (!word)
		return;
	expect_word(l, word, "next");
	word = strtok_r(NULL, " ", rest);
	next = eval_next(&l->run, l->for_ms, l->keep_ms);
	if (word && !strcmp(word, "never") ? next != INT64_MAX : next != a_time(l, word))
		REFUSE(l, "next is at %lld ms, wants %s", (long long)next, word ? word : "a time");
}

static void a_line(struct life *l, char *text)
{
	char *rest = NULL, *word;

	text[strcspn(text, "\n")] = '\0';
	word = strtok_r(text, " ", &rest);
	if (!word || word[0] == '#')
		return;
	if (!strcmp(word, "for"))
		l->for_ms = a_time(l, strtok_r(NULL, " ", &rest));
	else if (!strcmp(word, "keep"))
		l->keep_ms = a_time(l, strtok_r(NULL, " ", &rest));
	else if (!strcmp(word, "resume"))
		eval_resume(&l->run, l->for_ms, a_time(l, strtok_r(NULL, " ", &rest)));
	else
		a_step(l, word, &rest);
	if (strtok_r(NULL, " ", &rest))
		REFUSE(l, "says more than it should");
}

static void live(const char *file)
{
	struct life l = { .file = file };
	char text[256];
	FILE *f = fopen(file, "re");

	assert_non_null(f);
	while (fgets(text, sizeof(text), f)) {
		l.line++;
		a_line(&l, text);
	}
	fclose(f);
	if (!l.steps)
		REFUSE(&l, "has no step");
}

static void test_golden(void **state)
{
	glob_t found;
	size_t i;

	(void)state;
	assert_int_equal(glob("tests/golden/eval/*.txt", 0, NULL, &found), 0);
	for (i = 0; i < found.gl_pathc; i++)
		live(found.gl_pathv[i]);
	assert_true(found.gl_pathc >= 15);
	globfree(&found);
}

/* --- every sequence --------------------------------------------------------------- */

enum { STEPS = 6, STEP_MS = 10 };

/* Another reading of the same rules, from the whole history: how long the expression
 * has been true without a false, freezes left out. */
struct history {
	enum truth truth[STEPS];
	unsigned int n;
};

/* Time with data between step `a` and the newest, which is no freeze. */
static int64_t counted(const struct history *h, unsigned int a)
{
	int64_t sum = 0;
	unsigned int i;

	for (i = a; i + 1 < h->n; i++)
		sum += h->truth[i] != TRUTH_NO_DATA ? STEP_MS : 0;
	return sum;
}

/* What the state must be after the whole of `h`. */
static enum rule_state derive(const struct history *h, int64_t for_ms, int64_t keep_ms)
{
	enum rule_state s = RULE_INACTIVE;
	unsigned int i, since = 0, kept = 0;

	for (i = 0; i < h->n; i++) {
		struct history part = *h;

		part.n = i + 1;
		if (h->truth[i] == TRUTH_NO_DATA)
			continue;
		if (h->truth[i] == TRUTH_TRUE) {
			if (s == RULE_INACTIVE)
				since = i;
			s = counted(&part, since) >= for_ms ? RULE_FIRING : RULE_PENDING;
			continue;
		}
		if (s == RULE_FIRING)
			kept = i;
		if (s == RULE_PENDING ||
		    ((s == RULE_FIRING || s == RULE_RECOVERING) && counted(&part, kept) >= keep_ms))
			s = RULE_INACTIVE;
		else if (s == RULE_FIRING)
			s = RULE_RECOVERING;
	}
	return s;
}

static bool edge_fits(enum rule_edge e, uint8_t before, uint8_t after, bool was_frozen,
		      bool is_frozen)
{
	static const struct {
		uint8_t from, to;
	} moves[] = {
		[RULE_BEGINS] = { RULE_INACTIVE, RULE_PENDING },
		[RULE_DROPS] = { RULE_PENDING, RULE_INACTIVE },
		[RULE_RECOVERS] = { RULE_FIRING, RULE_RECOVERING },
		[RULE_REFIRES] = { RULE_RECOVERING, RULE_FIRING },
	};

	switch (e) {
	case RULE_STAYS:
		return before == after && was_frozen == is_frozen;
	case RULE_FREEZES:
		return before == after && !was_frozen && is_frozen;
	case RULE_THAWS:
		return before == after && was_frozen && !is_frozen;
	case RULE_FIRES:
		return (before == RULE_INACTIVE || before == RULE_PENDING) && after == RULE_FIRING;
	case RULE_ENDS:
		return (before == RULE_FIRING || before == RULE_RECOVERING) &&
		       after == RULE_INACTIVE;
	case RULE_BEGINS:
	case RULE_DROPS:
	case RULE_RECOVERS:
	case RULE_REFIRES:
		return before == moves[e].from && after == moves[e].to && !is_frozen;
	case RULE_N_EDGES:
		break;
	}
	return false;
}

static void run_all(int64_t for_ms, int64_t keep_ms)
{
	unsigned int code, i, max = 3 * 3 * 3 * 3 * 3 * 3;

	for (code = 0; code < max; code++) {
		struct rule_run run = { 0 };
		struct history h = { .n = 0 };
		unsigned int rest = code;

		for (i = 0; i < STEPS; i++, rest /= 3) {
			struct rule_run before = run;
			enum rule_edge e;

			h.truth[h.n++] = (enum truth)(rest % 3);
			e = eval_step(&run, h.truth[i], for_ms, keep_ms, 1000 + i * STEP_MS);
			assert_int_equal(run.state, derive(&h, for_ms, keep_ms));
			assert_int_equal(run.frozen, h.truth[i] == TRUTH_NO_DATA);
			assert_true(
				edge_fits(e, before.state, run.state, before.frozen, run.frozen));
			assert_int_equal(eval_asks(&run),
					 run.state == RULE_FIRING || run.state == RULE_RECOVERING);
		}
	}
}

static void test_every_sequence(void **state)
{
	static const int64_t lengths[] = { 0, 5, 10, 15, 20, 30, 40 };
	size_t i, k;

	(void)state;
	for (i = 0; i < countof(lengths); i++)
		for (k = 0; k < countof(lengths); k++)
			run_all(lengths[i], lengths[k]);
}

/* Nonsense in, nothing undefined out. */
static void test_extremes(void **state)
{
	struct rule_run run = { 0 };

	(void)state;
	assert_int_equal(eval_step(&run, TRUTH_TRUE, INT64_MAX, 0, INT64_MAX - 1), RULE_BEGINS);
	assert_int_equal(eval_next(&run, INT64_MAX, 0), INT64_MAX);
	run = (struct rule_run){ 0 };
	assert_int_equal(eval_step(&run, TRUTH_TRUE, -5, -5, 10), RULE_FIRES);
	assert_int_equal(eval_step(&run, TRUTH_FALSE, -5, -5, 10), RULE_ENDS);
	/* A clock that goes back takes nothing from the timers. */
	run = (struct rule_run){ 0 };
	eval_step(&run, TRUTH_TRUE, 100, 0, 50);
	eval_step(&run, TRUTH_NO_DATA, 100, 0, 60);
	assert_int_equal(eval_step(&run, TRUTH_TRUE, 100, 0, 40), RULE_THAWS);
	assert_int_equal(eval_next(&run, 100, 0), 150);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_every_sequence),
		cmocka_unit_test(test_extremes),
	};

	return cmocka_run_group_tests_name("eval", tests, NULL, NULL);
}
