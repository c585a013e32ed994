/* test_samples.c: newest values, windows and peers, against a plain reference over
 * random series; bounds of memory; what a reload carries over. */
#include "tests/unit/t.h"

#include <errno.h>

#include "agent/base/attr.h"
#include "tests/unit/samples_naive.h"

enum { INTERVAL_MS = 2000, WINDOW_MS = 30000, MB = 1024 * 1024 };

/* Two services: of three realservers and of two. */
static const uint32_t service_of[] = { 0, 0, 0, 1, 1 }, first_of[] = { 0, 3 }, n_of[] = { 3, 2 };
static const struct samples_shape two_services = { service_of, first_of, n_of, 2, 5 };

static struct samples *make(const struct samples_need *needs, size_t n)
{
	struct buf why = BUF_INIT;
	struct samples *s = NULL;

	assert_int_equal(
		samples_new(&two_services, needs, n, INTERVAL_MS, 64 * (uint64_t)MB, &why, &s), 0);
	assert_int_equal(why.len, 0);
	return s;
}

static bool same(double a, double b)
{
	return (isnan(a) && isnan(b)) || a == b || fabs(a - b) <= 1e-9 * fabs(b);
}

static void expect(double is, double want)
{
	if (!same(is, want))
		fail_msg("%.17g, not %.17g", is, want);
}

static void test_newest(void **state)
{
	const struct samples_need need = { .signal = SIGNAL_WEIGHT };
	const struct samples_need of_service = { .signal = SIGNAL_SERVICE_AVAILABLE };
	const struct samples_need needs[] = { need, of_service };
	struct samples *s = make(needs, 2);

	(void)state;
	expect(samples_newest(s, SIGNAL_WEIGHT, 0, 0), NAN);
	samples_put(s, SIGNAL_WEIGHT, 0, 1000, 5);
	expect(samples_newest(s, SIGNAL_WEIGHT, 0, 1000), 5);
	expect(samples_newest(s, SIGNAL_WEIGHT, 1, 1000), NAN);
	/* three intervals, and not a millisecond more */
	expect(samples_newest(s, SIGNAL_WEIGHT, 0, 7000), 5);
	expect(samples_newest(s, SIGNAL_WEIGHT, 0, 7001), NAN);
	samples_put(s, SIGNAL_WEIGHT, 0, 8000, NAN);
	expect(samples_newest(s, SIGNAL_WEIGHT, 0, 8000), NAN);
	samples_put(s, SIGNAL_WEIGHT, 0, 9000, INFINITY);
	expect(samples_newest(s, SIGNAL_WEIGHT, 0, 9000), NAN);
	/* the past does not come back */
	samples_put(s, SIGNAL_WEIGHT, 0, 8500, 7);
	expect(samples_newest(s, SIGNAL_WEIGHT, 0, 9000), NAN);
	/* a service's is that of each of its realservers */
	samples_put(s, SIGNAL_SERVICE_AVAILABLE, 1, 9000, 2);
	expect(samples_newest(s, SIGNAL_SERVICE_AVAILABLE, 2, 9000), NAN);
	expect(samples_newest(s, SIGNAL_SERVICE_AVAILABLE, 3, 9000), 2);
	expect(samples_newest(s, SIGNAL_SERVICE_AVAILABLE, 4, 9000), 2);
	samples_free(s);
}

static void test_unknown_ids(void **state)
{
	const struct samples_need needs[] = { { .signal = SIGNAL_WEIGHT, .peers = true },
					      { .signal = SIGNAL_SERVICE_PANIC } };
	struct samples *s = make(needs, 2);

	(void)state;
	samples_put(s, SIGNAL_WEIGHT, 5, 0, 1);
	samples_put(s, SIGNAL_SERVICE_PANIC, 2, 0, 1);
	samples_put(s, SIGNAL_PROBE_UP, 0, 0, 1);
	samples_put(s, N_SIGNALS, 0, 0, 1);
	samples_peer(s, 5, true);
	expect(samples_newest(s, SIGNAL_WEIGHT, 5, 0), NAN);
	expect(samples_newest(s, SIGNAL_SERVICE_PANIC, 5, 0), NAN);
	expect(samples_newest(s, SIGNAL_PROBE_UP, 0, 0), NAN);
	expect(samples_newest(s, N_SIGNALS, 0, 0), NAN);
	expect(samples_over(s, SIGNAL_WEIGHT, 0, SAMPLES_AVG, WINDOW_MS, 0), NAN);
	expect(samples_peers_median(s, SIGNAL_WEIGHT, 5, 0), NAN);
	expect(samples_peers_median(s, SIGNAL_PROBE_UP, 0, 0), NAN);
	expect(samples_peers_median(s, SIGNAL_SERVICE_PANIC, 0, 0), NAN);
	samples_free(s);
	samples_free(NULL);
}

static void test_rate(void **state)
{
	const struct samples_need need = { .signal = SIGNAL_CONNECTIONS_TOTAL,
					   .window_ms = WINDOW_MS };
	const enum signal_id id = SIGNAL_CONNECTIONS_TOTAL;
	struct samples *s = make(&need, 1);
	int64_t ms;

	(void)state;
	for (ms = 0; ms <= 14000; ms += INTERVAL_MS)
		samples_put(s, id, 0, ms, (double)ms / 100);
	/* 14 of 30 s: not half of it */
	expect(samples_over(s, id, 0, SAMPLES_RATE, WINDOW_MS, 14000), NAN);
	samples_put(s, id, 0, 16000, 160);
	expect(samples_over(s, id, 0, SAMPLES_RATE, WINDOW_MS, 16000), 10);
	/* a restart of the counter: what it has since counts in full */
	samples_put(s, id, 0, 18000, 4);
	expect(samples_over(s, id, 0, SAMPLES_RATE, WINDOW_MS, 18000), 164.0 / 18);
	expect(samples_over(s, id, 0, SAMPLES_RATE, 10000, 18000), 84.0 / 10);
	/* a counter to the last digit: 2^53 */
	samples_put(s, id, 1, 0, 9007199254740991.0);
	samples_put(s, id, 1, 20000, 9007199254740992.0);
	expect(samples_over(s, id, 1, SAMPLES_RATE, WINDOW_MS, 20000), 0.05);
	samples_free(s);
}

/* A burst between two regular samples must not push out what is old. */
static void test_burst(void **state)
{
	const struct samples_need need = { .signal = SIGNAL_PROBE_UP, .window_ms = WINDOW_MS };
	struct samples *s = make(&need, 1);
	int64_t ms;

	(void)state;
	for (ms = 0; ms < 30000; ms += INTERVAL_MS)
		samples_put(s, SIGNAL_PROBE_UP, 0, ms, ms == 0 ? 7 : 1);
	for (ms = 28001; ms < 28999; ms++)
		samples_put(s, SIGNAL_PROBE_UP, 0, ms, 2);
	expect(samples_newest(s, SIGNAL_PROBE_UP, 0, 28998), 2);
	expect(samples_over(s, SIGNAL_PROBE_UP, 0, SAMPLES_MAX, WINDOW_MS, 28998), 7);
	expect(samples_over(s, SIGNAL_PROBE_UP, 0, SAMPLES_CHANGES, WINDOW_MS, 28998), 1);
	samples_free(s);
}

/* Times are kept in 32 bits: 49.7 days later nothing old may look young. */
static void test_long_pause(void **state)
{
	const struct samples_need need = { .signal = SIGNAL_WEIGHT, .window_ms = WINDOW_MS };
	const int64_t wrap = INT64_C(1) << 32;
	struct samples *s = make(&need, 1);
	int64_t ms;

	(void)state;
	for (ms = 0; ms <= 20000; ms += INTERVAL_MS)
		samples_put(s, SIGNAL_WEIGHT, 0, ms, 9);
	samples_put(s, SIGNAL_WEIGHT, 1, 20000, 9);
	expect(samples_over(s, SIGNAL_WEIGHT, 0, SAMPLES_AVG, WINDOW_MS, wrap + 20000), NAN);
	samples_put(s, SIGNAL_WEIGHT, 0, wrap + 22000, 1);
	expect(samples_over(s, SIGNAL_WEIGHT, 0, SAMPLES_AVG, WINDOW_MS, wrap + 22000), 1);
	/* and where there was no data all that time */
	for (ms = 22000; ms < wrap + 22000; ms += 25000)
		samples_put(s, SIGNAL_WEIGHT, 1, ms, NAN);
	samples_put(s, SIGNAL_WEIGHT, 1, wrap + 22000, NAN);
	expect(samples_over(s, SIGNAL_WEIGHT, 1, SAMPLES_AVG, WINDOW_MS, wrap + 22000), NAN);
	/* across the wrap itself */
	for (ms = 2 * wrap - 10000; ms <= 2 * wrap + 10000; ms += INTERVAL_MS)
		samples_put(s, SIGNAL_WEIGHT, 0, ms, (double)(ms - 2 * wrap));
	expect(samples_over(s, SIGNAL_WEIGHT, 0, SAMPLES_MIN, WINDOW_MS, 2 * wrap + 10000), -10000);
	expect(samples_over(s, SIGNAL_WEIGHT, 0, SAMPLES_AVG, WINDOW_MS, 2 * wrap + 10000), 0);
	samples_free(s);
}

static void test_peers(void **state)
{
	const struct samples_need need = { .signal = SIGNAL_PROBE_DURATION_SECONDS, .peers = true };
	const enum signal_id id = SIGNAL_PROBE_DURATION_SECONDS;
	struct samples *s = make(&need, 1);
	uint32_t i;

	(void)state;
	for (i = 0; i < 5; i++)
		samples_put(s, id, i, 0, i + 1);
	expect(samples_peers_median(s, id, 0, 0), NAN); /* nobody takes part yet */
	for (i = 0; i < 5; i++)
		samples_peer(s, i, true);
	expect(samples_peers_median(s, id, 0, 0), 2.5);
	expect(samples_peers_median(s, id, 1, 0), 2);
	expect(samples_peers_avg(s, id, 2, 0), 1.5);
	/* of two: the other one; not those of another service */
	expect(samples_peers_median(s, id, 3, 0), 5);
	expect(samples_peers_avg(s, id, 4, 0), 4);
	/* who takes no part has peers, but is none */
	samples_peer(s, 2, false);
	expect(samples_peers_median(s, id, 2, 0), 1.5);
	expect(samples_peers_median(s, id, 0, 0), 2);
	samples_peer(s, 1, false);
	expect(samples_peers_median(s, id, 0, 0), NAN);
	expect(samples_peers_avg(s, id, 0, 0), NAN);
	/* a value that changes, goes, and grows stale */
	samples_put(s, id, 4, 1000, 50);
	expect(samples_peers_median(s, id, 3, 1000), 50);
	samples_put(s, id, 4, 2000, NAN);
	expect(samples_peers_median(s, id, 3, 2000), NAN);
	samples_put(s, id, 4, 3000, 50);
	expect(samples_peers_median(s, id, 3, 9000), 50);
	expect(samples_peers_median(s, id, 3, 9001), NAN);
	samples_put(s, id, 4, 9500, 50);
	expect(samples_peers_avg(s, id, 3, 9500), 50);
	/* what is yet to come counts when it has come */
	samples_put(s, id, 4, 20000, 60);
	expect(samples_peers_avg(s, id, 3, 15000), NAN);
	expect(samples_peers_avg(s, id, 3, 20000), 60);
	samples_free(s);
}

/* A large own value must not eat the digits of the others. */
static void test_peers_digits(void **state)
{
	const struct samples_need need = { .signal = SIGNAL_WEIGHT, .peers = true };
	struct samples *s = make(&need, 1);
	static const double values[] = { 1, 1e300, 3 };
	uint32_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		samples_put(s, SIGNAL_WEIGHT, i, 0, values[i]);
		samples_peer(s, i, true);
	}
	expect(samples_peers_avg(s, SIGNAL_WEIGHT, 1, 0), 2);
	samples_put(s, SIGNAL_WEIGHT, 0, 1, 1.5e308);
	samples_put(s, SIGNAL_WEIGHT, 2, 1, 1.5e308);
	expect(samples_peers_median(s, SIGNAL_WEIGHT, 1, 1), 1.5e308);
	samples_free(s);
}

/* --- against the reference ----------------------------------------------------- */

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static const int64_t windows[] = { 1000, 2000, 5000, 12000, 30000 };

static void compare_all(struct samples *s, const struct naive *n, int64_t now_ms)
{
	const enum signal_id id = SIGNAL_CONNECTIONS_TOTAL;
	uint32_t row, what;
	size_t w;

	for (row = 0; row < n->n_rows; row++) {
		expect(samples_newest(s, id, row, now_ms), naive_newest(n, row, now_ms));
		expect(samples_peers_median(s, id, row, now_ms), naive_median(n, row, now_ms));
		expect(samples_peers_avg(s, id, row, now_ms), naive_avg(n, row, now_ms));
		for (w = 0; w < countof(windows); w++) {
			for (what = 0; what < N_SAMPLES_OVER; what++)
				expect(samples_over(s, id, row, what, windows[w], now_ms),
				       naive_over(n, row, what, windows[w], now_ms));
		}
	}
}

/* Near enough to the regular times that rings need not drop anything. */
static int64_t next_step(uint64_t *seed)
{
	switch (next_random(seed) % 32) {
	case 0:
		return (int64_t)(next_random(seed) % 40000); /* a pause */
	case 1:
	case 2:
		return (int64_t)(next_random(seed) % 900); /* something in between */
	default:
		return 1900 + (int64_t)(next_random(seed) % 200);
	}
}

static void run_random(uint64_t seed, unsigned int steps)
{
	static const uint32_t of[NAIVE_MAX_ROWS] = { 0 }, first[] = { 0 };
	static struct naive n;
	uint32_t rows = 1 + (uint32_t)(next_random(&seed) % NAIVE_MAX_ROWS);
	const struct samples_shape shape = { of, first, &rows, 1, rows };
	const struct samples_need need = { .signal = SIGNAL_CONNECTIONS_TOTAL,
					   .window_ms = WINDOW_MS,
					   .peers = true };
	struct samples *s = NULL;
	int64_t now_ms = (int64_t)(next_random(&seed) % (UINT64_C(1) << 34));
	double counter[NAIVE_MAX_ROWS] = { 0 };
	struct buf why = BUF_INIT;
	uint32_t row;

	memset(n.n_puts, 0, sizeof(n.n_puts));
	memset(n.takes_part, 0, sizeof(n.takes_part));
	n.n_rows = rows;
	n.interval_ms = INTERVAL_MS;
	assert_int_equal(samples_new(&shape, &need, 1, INTERVAL_MS, MB, &why, &s), 0);
	while (steps--) {
		now_ms += next_step(&seed);
		for (row = 0; row < rows; row++) {
			uint64_t dice = next_random(&seed) % 16;

			if (!dice) {
				n.takes_part[row] = next_random(&seed) % 4 > 0;
				samples_peer(s, row, n.takes_part[row]);
			}
			if (dice == 1)
				counter[row] = 0;
			if (dice > 4)
				counter[row] += (double)(next_random(&seed) % 5);
			if (dice == 2)
				continue; /* no put at all */
			samples_put(s, SIGNAL_CONNECTIONS_TOTAL, row, now_ms,
				    dice == 3 ? NAN : counter[row]);
			naive_put(&n, row, now_ms, dice == 3 ? NAN : counter[row]);
		}
		compare_all(s, &n, now_ms);
		compare_all(s, &n, now_ms + (int64_t)(next_random(&seed) % 1000));
	}
	samples_free(s);
}

static void test_against_reference(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 60; seed++)
		run_random(seed * UINT64_C(0x9e3779b97f4a7c15), 150);
}

/* --- memory ------------------------------------------------------------------- */

static void test_memory_is_what_is_said(void **state)
{
	const struct samples_need needs[] = {
		{ .signal = SIGNAL_CONNECTIONS_TOTAL, .window_ms = 3600000 },
		{ .signal = SIGNAL_WEIGHT, .peers = true },
	};
	struct samples *s = make(needs, 2), *again = NULL;
	uint64_t bytes = samples_memory(s);
	struct buf why = BUF_INIT;

	(void)state;
	samples_free(s);
	assert_in_range(bytes, 5 * 12 * 1800, 5 * 12 * 1800 * 2);
	assert_int_equal(samples_new(&two_services, needs, 2, INTERVAL_MS, bytes, &why, &again), 0);
	samples_free(again);
	again = NULL;
	assert_int_equal(samples_new(&two_services, needs, 2, INTERVAL_MS, bytes - 1, &why, &again),
			 -E2BIG);
	assert_null(again);
	assert_string_equal(buf_str(&why),
			    "the values and windows that the rules read need 136KB, window_memory "
			    "allows 135KB; the most is for connections_total over 1h: shorten "
			    "windows, match fewer services, or set window_memory = 136KB in "
			    "[agent]");
	buf_fini(&why);
}

/* A hundred thousand realservers over a day: said, not tried. */
static void test_memory_far_beyond(void **state)
{
	enum { N = 100000 };
	const struct samples_need need = { .signal = SIGNAL_INCOMING_BYTES_TOTAL,
					   .window_ms = SAMPLES_WINDOW_MAX_MS };
	struct samples_need longer = need;
	uint32_t *of = calloc(N, sizeof(*of)), first = 0, count = N;
	const struct samples_shape shape = { of, &first, &count, 1, N };
	struct buf why = BUF_INIT;
	struct samples *s = NULL;

	(void)state;
	assert_int_equal(samples_new(&shape, &need, 1, 1, 64 * (uint64_t)MB, &why, &s), -E2BIG);
	assert_non_null(strstr(buf_str(&why), "incoming_bytes_total over 1d"));
	assert_non_null(strstr(buf_str(&why), "need 1235961"));
	buf_reset(&why);
	longer.window_ms++;
	assert_int_equal(samples_new(&shape, &longer, 1, 1, UINT64_MAX, &why, &s), -EINVAL);
	assert_non_null(strstr(buf_str(&why), "incoming_bytes_total must be at most 1d"));
	assert_int_equal(samples_new(&shape, &need, 1, 0, UINT64_MAX, &why, &s), -EINVAL);
	assert_null(s);
	buf_fini(&why);
	free(of);
}

/* Only services that a rule matches have windows, and as long as their rules ask. */
static void test_windows_only_where_needed(void **state)
{
	static const bool first_only[] = { true, false }, second_only[] = { false, true };
	const struct samples_need needs[] = {
		{ .signal = SIGNAL_WEIGHT, .window_ms = 3600000, .services = first_only },
		{ .signal = SIGNAL_WEIGHT, .window_ms = 10000, .services = second_only },
	};
	struct samples *both = make(needs, 2), *first = make(needs, 1);
	int64_t ms;
	uint32_t i;

	(void)state;
	for (ms = 0; ms <= 60000; ms += INTERVAL_MS) {
		for (i = 0; i < 5; i++) {
			samples_put(both, SIGNAL_WEIGHT, i, ms, (double)ms);
			samples_put(first, SIGNAL_WEIGHT, i, ms, (double)ms);
		}
	}
	expect(samples_over(both, SIGNAL_WEIGHT, 2, SAMPLES_MIN, 3600000, 60000), 0);
	expect(samples_over(both, SIGNAL_WEIGHT, 3, SAMPLES_MIN, 10000, 60000), 50000);
	expect(samples_over(first, SIGNAL_WEIGHT, 2, SAMPLES_MIN, 3600000, 60000), 0);
	expect(samples_over(first, SIGNAL_WEIGHT, 3, SAMPLES_MIN, 10000, 60000), NAN);
	expect(samples_newest(first, SIGNAL_WEIGHT, 3, 60000), 60000);
	assert_in_range(samples_memory(both) - samples_memory(first), 1, 2 * 12 * 16);
	samples_free(both);
	samples_free(first);
}

static void test_nothing(void **state)
{
	const struct samples_shape nothing = { 0 };
	struct samples_need need = { .signal = SIGNAL_WEIGHT, .window_ms = 5000, .peers = true };
	struct buf why = BUF_INIT;
	struct samples *s = NULL, *t = NULL;

	(void)state;
	assert_int_equal(samples_new(&nothing, &need, 1, 1000, MB, &why, &s), 0);
	assert_int_equal(samples_new(&nothing, NULL, 0, 1000, MB, &why, &t), 0);
	samples_carry(t, s, NULL, NULL);
	samples_carry(s, t, NULL, NULL);
	expect(samples_newest(s, SIGNAL_WEIGHT, 0, 0), NAN);
	samples_free(s);
	samples_free(t);
}

/* --- reload ------------------------------------------------------------------- */

static void test_carry(void **state)
{
	/* the second service comes first and has lost one; the first has a new one */
	static const uint32_t new_of[] = { 0, 1, 1, 1 }, new_first[] = { 0, 1 }, new_n[] = { 1, 3 };
	static const uint32_t old_rs[] = { 4, 2, UINT32_MAX, 0 }, old_service[] = { 1, 0 };
	static const struct samples_shape shape = { new_of, new_first, new_n, 2, 4 };
	const struct samples_need needs[] = {
		{ .signal = SIGNAL_CONNECTIONS_TOTAL, .window_ms = WINDOW_MS, .peers = true },
		{ .signal = SIGNAL_SERVICE_CONNECTIONS_TOTAL, .window_ms = WINDOW_MS },
		{ .signal = SIGNAL_PROBE_UP },
	};
	struct samples *from = make(needs, 2), *to = NULL;
	struct buf why = BUF_INIT;
	int64_t ms;
	uint32_t i;

	(void)state;
	for (ms = 0; ms <= 20000; ms += INTERVAL_MS) {
		for (i = 0; i < 5; i++)
			samples_put(from, SIGNAL_CONNECTIONS_TOTAL, i, ms,
				    (double)ms / 1000 * (i + 1));
		samples_put(from, SIGNAL_SERVICE_CONNECTIONS_TOTAL, 1, ms, (double)ms);
	}
	samples_peer(from, 0, true);
	samples_peer(from, 2, true);
	assert_int_equal(samples_new(&shape, needs, 3, INTERVAL_MS, MB, &why, &to), 0);
	samples_carry(to, from, old_rs, old_service);
	expect(samples_over(to, SIGNAL_CONNECTIONS_TOTAL, 0, SAMPLES_RATE, WINDOW_MS, 20000), 5);
	expect(samples_over(to, SIGNAL_CONNECTIONS_TOTAL, 1, SAMPLES_RATE, WINDOW_MS, 20000), 3);
	expect(samples_over(to, SIGNAL_CONNECTIONS_TOTAL, 2, SAMPLES_RATE, WINDOW_MS, 20000), NAN);
	expect(samples_newest(to, SIGNAL_CONNECTIONS_TOTAL, 3, 26000), 20);
	expect(samples_newest(to, SIGNAL_CONNECTIONS_TOTAL, 3, 26001), NAN);
	expect(samples_newest(to, SIGNAL_PROBE_UP, 0, 20000), NAN);
	expect(samples_over(to, SIGNAL_SERVICE_CONNECTIONS_TOTAL, 0, SAMPLES_RATE, WINDOW_MS,
			    20000),
	       1000);
	expect(samples_peers_median(to, SIGNAL_CONNECTIONS_TOTAL, 2, 20000), 40);
	/* and it goes on */
	samples_put(to, SIGNAL_CONNECTIONS_TOTAL, 0, 22000, 110);
	expect(samples_over(to, SIGNAL_CONNECTIONS_TOTAL, 0, SAMPLES_RATE, WINDOW_MS, 22000), 5);
	samples_free(from);
	samples_free(to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_newest),
		cmocka_unit_test(test_unknown_ids),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_burst),
		cmocka_unit_test(test_long_pause),
		cmocka_unit_test(test_peers),
		cmocka_unit_test(test_peers_digits),
		cmocka_unit_test(test_against_reference),
		cmocka_unit_test(test_memory_is_what_is_said),
		cmocka_unit_test(test_memory_far_beyond),
		cmocka_unit_test(test_windows_only_where_needed),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_carry),
	};

	return cmocka_run_group_tests_name("samples", tests, NULL, NULL);
}
