/* test_model.c: random and exhaustive runs of events through the pure core, and what
 * must hold after each. MODEL_STEPS (20000) and MODEL_SEED (1) say how far it goes and
 * where it begins; from a million on every sequence of three events is tried instead of
 * two, from ten million on of four. A run that breaks is told with its seed, and made
 * shorter. */
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
static bool replay(struct model *m, uint64_t shape, const char *const *texts,
		   const struct model_event *events, size_t n, size_t *ret_at)
{
	size_t i;

	model_begin(m, shape, texts, load_conf);
	for (i = 0; i < n && !m->broken; i++)
		(void)model_step(m, &events[i]);
	*ret_at = i;
	model_end(m);
	return !m->broken;
}

/* Leaves out what it breaks without. */
static size_t shrink(struct model *m, uint64_t shape, const char *const *texts,
		     struct model_event *events, size_t n)
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
			if (replay(m, shape, texts, fewer, at + left, &end) ||
			    strcmp(m->broken, what)) {
				at += chunk;
				continue;
			}
			n = end;
			memcpy(events, fewer, n * sizeof(*events));
		}
	free(fewer);
	(void)replay(m, shape, texts, events, n, &end);
	return end;
}

static void complain(struct model *m, uint64_t shape, const char *const *texts,
		     struct model_event *events, size_t n)
{
	struct buf text = BUF_INIT;
	size_t was = n, i;

	n = shrink(m, shape, texts, events, n);
	buf_printf(&text, "%s: %s\nMODEL_SEED=%llu breaks it after %zu events, %zu are enough:\n",
		   m->broken, m->detail, (unsigned long long)shape, was, n);
	for (i = n > TOLD ? n - TOLD : 0; i < n; i++) {
		model_print_event(&events[i], &text);
		buf_puts(&text, "\n");
	}
	if (texts)
		buf_puts(&text, texts[m->variation % 2]);
	else
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
		if (!replay(m, shape, NULL, events, RUN, &n))
			complain(m, shape, NULL, events, n);
		add(&sum, m);
	}
	free(m);
	print_sum(&sum, seed, since_ms);
	assert_true(sum.holds > steps / 200 && sum.released > steps / 400 && sum.panics &&
		    sum.brakes);
	for (i = GUARD_SETTLING; i < N_GUARDS; i++)
		assert_true(sum.refused[i]);
}

/* --- every sequence over a small pool ------------------------------------------------ */

/* What may happen to two realservers, a and b, and time. */
static const struct model_event all_events[] = {
	{ MODEL_VERDICT, 0, 0, 0 }, { MODEL_VERDICT, 0, 3, 0 },  { MODEL_VERDICT, 0, 6, 0 },
	{ MODEL_VERDICT, 1, 0, 0 }, { MODEL_VERDICT, 1, 3, 1 },  { MODEL_VERDICT, 1, 6, 0 },
	{ MODEL_STORM, 1, 0, 0 },   { MODEL_SAMPLE, 0, 0, 601 }, { MODEL_SAMPLE, 0, 0, 7 },
	{ MODEL_SAMPLE, 0, 0, 6 },  { MODEL_DUE, 0, 0, 0 },      { MODEL_TIME, 8, 0, 0 },
	{ MODEL_HOLD, 0, 1, 1 },    { MODEL_LIFT, 0, 1, 0 },     { MODEL_RELOAD, 0, 0, 0 },
	{ MODEL_RELOAD, 1, 0, 0 },  { MODEL_RESTART, 0, 0, 0 },  { MODEL_HAND, 0, 3, 0 },
	{ MODEL_HAND, 0, 0, 0 },    { MODEL_HAND, 0, 3, 1 },     { MODEL_HAND, 0, 3, 3 },
};
enum { N_EVENTS = sizeof(all_events) / sizeof(all_events[0]) };

#define SMALL "[probe p]\nurl = http://x/\n[service s]\naddress = tcp://10.1.2.15:80\nprobe = p\n"
#define A     "realserver = a 10.1.2.21\n"
#define B     "realserver = b 10.1.2.22 weight=50\n"
#define C     "realserver = c 10.1.2.23\n"
#define SPARE "backup = z 10.1.2.30\n"
#define BUSY  "[rule busy]\nexpr = active_connections > 50\n"

static const char *const pools[][2] = {
	{ SMALL A B, SMALL "min_available = 2\n" A B },
	{ SMALL "min_available = 50%\non_panic = none\nramp = 10s\nscheduler = wrr\n" A B C BUSY
		"action = reweight 20%\nfor = 5s\nkeep_firing_for = 10s\n",
	  SMALL "max_held = 30%\n" A B C BUSY "action = quiesce\nenforce = dry-run\n" },
	{ SMALL "on_panic = backup\n" A B SPARE BUSY "action = quiesce\naction = fallback\n",
	  SMALL "on_panic = keep\ninitial = up\n" A "realserver = b 10.1.2.22 enabled=no\n" SPARE },
	{ SMALL "scheduler = sh\n" A B "[rule probe-down]\nexpr = probe_up == 0\n"
		"action = remove\ncooldown = 1m\n",
	  SMALL "scheduler = dh\nflap_max = 0s\n" A C },
};

/* Runs all sequences of that length from both beginnings: nothing known, all up. */
static uint64_t run_pool(struct model *m, const char *const *texts, size_t length)
{
	struct model_event events[8] = { { MODEL_STORM, 1, 1, 0 } };
	size_t total = 2, n, i, k, at;
	uint64_t steps = 0;

	for (i = 0; i < length; i++)
		total *= N_EVENTS;
	for (n = 0; n < total; n++) {
		for (i = 0, k = n / 2; i < length; i++, k /= N_EVENTS)
			events[1 + i] = all_events[k % N_EVENTS];
		if (!replay(m, 0, texts, events + n % 2, length + 1 - n % 2, &at))
			complain(m, 0, texts, events + n % 2, at);
		steps += m->steps;
	}
	return steps;
}

static void test_exhaustive(void **state)
{
	uint64_t asked = number("MODEL_STEPS", 0);
	size_t length = asked >= 10000000 ? 4 : asked >= 1000000 ? 3 : 2, i;
	int64_t since_ms = clock_mono_us() / 1000;
	struct model *m = calloc(1, sizeof(*m));
	uint64_t steps = 0;

	(void)state;
	assert_non_null(m);
	for (i = 0; i < sizeof(pools) / sizeof(pools[0]); i++)
		steps += run_pool(m, pools[i], length);
	free(m);
	print_message("# every sequence of %zu of %d events: %llu steps in %lld ms\n", length,
		      (int)N_EVENTS, (unsigned long long)steps,
		      (long long)(clock_mono_us() / 1000 - since_ms));
}

/* --- that it can fail ------------------------------------------------------------------ */

static void seen_above(struct model *m)
{
	m->w->state->dests[0].seen = 77;
}

static void wrong_class(struct model *m)
{
	struct hold *h = holds_find(m->w->holds, "m0");

	h->hold_class = HOLD_ALERT;
	h->effect = HOLD_ABSENT;
}

static void orphan(struct model *m)
{
	struct hold *h = holds_find(m->w->holds, "m0");

	h->hold_class = HOLD_RULE;
}

static void never_settles(struct model *m)
{
	state_dirty_all(m->w->state);
}

static void not_told(struct model *m)
{
	m->w->decider.decided[1].told = 3;
}

/* Each of these is a fault, and is seen under its name. */
static void test_sees_faults(void **state)
{
	static const struct {
		void (*fault)(struct model *m);
		const char *seen_as;
	} faults[] = {
		{ seen_above, "kernel" },     { wrong_class, "kernel" }, { orphan, "ends" },
		{ never_settles, "settled" }, { not_told, "again" },
	};
	static const struct model_event events[] = { { MODEL_STORM, 1, 1, 0 },
						     { MODEL_HOLD, 0, 1, 1 } };
	struct model *m = calloc(1, sizeof(*m));
	size_t i;

	(void)state;
	assert_non_null(m);
	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		model_begin(m, 0, pools[0], load_conf);
		assert_true(model_step(m, &events[0]) && model_step(m, &events[1]));
		faults[i].fault(m);
		model_check(m);
		assert_non_null(m->broken);
		assert_string_equal(m->broken, faults[i].seen_as);
		model_end(m);
	}
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_exhaustive),
		cmocka_unit_test(test_sees_faults),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
