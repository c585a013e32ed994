/* test_model.c: random and exhaustive runs of events through the pure core, and what
 * must hold after each. MODEL_STEPS (20000) and MODEL_SEED (1) say how far it goes and
 * where it begins; a run that breaks is told with its seed, and made shorter. */
#include <time.h>

#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "tests/unit/model.h"
#include "tests/unit/model_fixture.h"

enum { RUN = 400 /* steps */, TOLD = 30 };

static uint64_t number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

/* True while all holds; *ret_at is the event that broke it. */
static bool replay(struct model *m, uint64_t shape, const struct model_event *events, size_t n,
		   size_t *ret_at)
{
	size_t i;

	model_begin(m, shape, load_conf);
	for (i = 0; i < n && !m->broken; i++)
		(void)model_step(m, &events[i]);
	*ret_at = i;
	model_end(m);
	return !m->broken;
}

/* Leaves out what it breaks without. */
static size_t shrink(struct model *m, uint64_t shape, struct model_event *events, size_t n)
{
	const char *what = m->broken;
	struct model_event *fewer = calloc(n + 1, sizeof(*fewer));
	size_t chunk, at, end;

	assert_non_null(fewer);
	for (chunk = n / 2 ? n / 2 : 1; chunk; chunk /= 2)
		for (at = 0; at < n;) {
			size_t left = at + chunk < n ? n - at - chunk : 0;

			memcpy(fewer, events, at * sizeof(*events));
			memcpy(fewer + at, events + n - left, left * sizeof(*events));
			if (replay(m, shape, fewer, at + left, &end) || strcmp(m->broken, what)) {
				at += chunk;
				continue;
			}
			n = end;
			memcpy(events, fewer, n * sizeof(*events));
		}
	free(fewer);
	(void)replay(m, shape, events, n, &end);
	return end;
}

static void complain(struct model *m, uint64_t shape, struct model_event *events, size_t n)
{
	struct buf text = BUF_INIT;
	size_t was = n, i;

	n = shrink(m, shape, events, n);
	buf_printf(&text, "%s: %s\nMODEL_SEED=%llu breaks it after %zu events, %zu are enough:\n",
		   m->broken, m->detail, (unsigned long long)shape, was, n);
	for (i = n > TOLD ? n - TOLD : 0; i < n; i++) {
		model_print_event(&events[i], &text);
		buf_puts(&text, "\n");
	}
	model_conf(m->shape, m->variation, &text);
	fprintf(stderr, "%s", buf_str(&text));
	buf_fini(&text);
	fail_msg("an invariant is broken");
}

/* What it all came to: a run in which nothing happens proves nothing. */
struct sum {
	uint64_t steps, holds, released, panics, brakes, refused[N_GUARDS];
};

static void add(struct sum *sum, const struct model *m)
{
	int g;

	sum->steps += m->steps;
	sum->holds += m->holds_placed;
	sum->released += m->released;
	sum->panics += m->panics;
	sum->brakes += m->brakes;
	for (g = 0; g < N_GUARDS; g++)
		sum->refused[g] += m->refused[g];
}

static void print_sum(const struct sum *sum, uint64_t seed, int64_t since_ms)
{
	int g;

	print_message("# seed %llu: %llu steps in %lld ms, %llu holds, %llu ended, %llu panics, "
		      "%llu brakes\n# refused:",
		      (unsigned long long)seed, (unsigned long long)sum->steps,
		      (long long)(clock_mono_us() / 1000 - since_ms),
		      (unsigned long long)sum->holds, (unsigned long long)sum->released,
		      (unsigned long long)sum->panics, (unsigned long long)sum->brakes);
	for (g = 1; g < N_GUARDS; g++)
		print_message(" %s %llu", guard_names[g], (unsigned long long)sum->refused[g]);
	print_message("\n");
}

static void test_random(void **state)
{
	uint64_t seed = number("MODEL_SEED", 1), steps = number("MODEL_STEPS", 20000), shape;
	int64_t since_ms = clock_mono_us() / 1000;
	struct model_event events[RUN];
	struct model *m = calloc(1, sizeof(*m));
	struct sum sum = { 0 };
	size_t n, i;

	(void)state;
	assert_non_null(m);
	for (shape = seed; sum.steps < steps; shape++) {
		struct model_rng rng = { shape * UINT64_C(0x2545f4914f6cdd1d) };

		for (i = 0; i < RUN; i++)
			events[i] = model_event(&rng);
		if (!replay(m, shape, events, RUN, &n))
			complain(m, shape, events, n);
		add(&sum, m);
	}
	free(m);
	print_sum(&sum, seed, since_ms);
	assert_true(sum.holds > steps / 200 && sum.released > steps / 400 && sum.panics &&
		    sum.brakes);
	for (i = GUARD_SETTLING; i < N_GUARDS; i++)
		assert_true(sum.refused[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
