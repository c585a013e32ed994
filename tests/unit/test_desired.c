/* test_desired.c: weights: any order of holds gives the same, and each exception does
 * no more than it says. */
#include "agent/sync/desired.h"
#include "tests/unit/model_fixture.h"

static struct hold holds[4];

/* Links the first n of `order`. */
static struct hold *chain(const int *order, int n)
{
	struct hold *first = NULL;

	while (n--) {
		holds[order[n]].next = first;
		first = &holds[order[n]];
	}
	return first;
}

static int32_t weight_of(const struct desired_input *in)
{
	struct desired d;

	desired_realserver(in, &d);
	assert_true(d.n_steps > 0);
	assert_int_equal(d.steps[0].why, WHY_CONFIGURED);
	assert_int_equal(d.steps[d.n_steps - 1].weight, d.weight);
	return d.weight;
}

/* Each set of holds, in each order: the least effect. */
static void test_order_does_not_matter(void **state)
{
	static const int effects[] = { HOLD_ABSENT, HOLD_ZERO, 1, 33, 50, 100 };
	static const int32_t expected[] = { -1, 0, 1, 3, 4, 7 }; /* of 7 */
	static const int orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					  { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	struct realserver_conf conf = { .enabled = true, .weight = 7 };
	size_t a, b, c, o, least;

	(void)state;
	for (a = 0; a < countof(effects); a++)
		for (b = 0; b < countof(effects); b++)
			for (c = 0; c < countof(effects); c++)
				for (o = 0; o < 6; o++) {
					struct desired_input in = { .conf = &conf };

					holds[0] = (struct hold){ .effect = effects[a],
								  .active = true };
					holds[1] = (struct hold){ .effect = effects[b],
								  .hold_class = HOLD_ALERT,
								  .active = true };
					holds[2] = (struct hold){ .effect = effects[c],
								  .hold_class = HOLD_OPERATOR,
								  .active = true };
					in.holds = chain(orders[o], 3);
					least = a < b ? a : b;
					least = least < c ? least : c;
					assert_int_equal(weight_of(&in), expected[least]);
				}
}

/* A rule's hold of before the start waits while panic cannot be told; others do not. */
static void test_waiting(void **state)
{
	struct realserver_conf conf = { .enabled = true, .weight = 7 };
	struct desired_input in = { .conf = &conf, .holds = &holds[0], .undecided = true };
	struct desired d;

	(void)state;
	holds[0] = (struct hold){ .effect = HOLD_ZERO, .active = true, .restored = true };
	assert_int_equal(weight_of(&in), 7);
	desired_realserver(&in, &d);
	assert_int_equal(d.steps[1].why, WHY_WAITING);
	/* what the kernel has stands: 0 stays 0, the weight of a panic stays too */
	desired_cap(&d, &in, false, 0);
	assert_int_equal(d.weight, 0);
	desired_realserver(&in, &d);
	desired_cap(&d, &in, false, 7);
	assert_int_equal(d.weight, 7);
	in.undecided = false;
	assert_int_equal(weight_of(&in), 0);
	in.undecided = true;
	holds[0].hold_class = HOLD_OPERATOR;
	assert_int_equal(weight_of(&in), 0);
	holds[0].hold_class = HOLD_RULE;
	holds[0].restored = false;
	assert_int_equal(weight_of(&in), 0);
}

/* Another weight comes before all else: holds are shares of it. The last one is it. */
static void test_replaced(void **state)
{
	struct realserver_conf conf = { .enabled = true, .weight = 100 };
	struct desired_input in = { .conf = &conf, .holds = &holds[0] };
	struct desired d;

	(void)state;
	holds[0] = (struct hold){ .effect = 50, .active = true, .next = &holds[1] };
	holds[1] = (struct hold){
		.hold_class = HOLD_OPERATOR, .effect = HOLD_REPLACE, .weight = 7, .active = true
	};
	desired_realserver(&in, &d);
	assert_int_equal(d.weight, 4);
	assert_int_equal(d.base, 7);
	assert_int_equal(d.n_steps, 3);
	assert_int_equal(d.steps[1].why, WHY_REPLACED);
	assert_ptr_equal(d.steps[1].hold, &holds[1]);
	assert_int_equal(d.steps[1].weight, 7);
	holds[1].next = &holds[2];
	holds[2] = (struct hold){ .hold_class = HOLD_OPERATOR,
				  .effect = HOLD_REPLACE_SHARE,
				  .weight = 150,
				  .active = true };
	assert_int_equal(weight_of(&in), 75);
	/* Nobody but an operator; and not before it is recorded. */
	holds[2].hold_class = HOLD_ALERT;
	assert_int_equal(weight_of(&in), 4);
	holds[1].active = false;
	assert_int_equal(weight_of(&in), 50);
	holds[1].active = true;
	conf.enabled = false;
	assert_int_equal(weight_of(&in), WANT_OUT);
}

/* Rules are ignored; the others are not, nor is the cap but for one without proof. */
static void test_admit(void **state)
{
	struct realserver_conf conf = { .enabled = true, .weight = 100 };
	struct desired_input in = { .conf = &conf, .holds = &holds[0] };
	struct desired d;

	(void)state;
	holds[0] = (struct hold){ .effect = HOLD_ZERO, .active = true, .next = &holds[1] };
	holds[1] =
		(struct hold){ .hold_class = HOLD_OPERATOR, .effect = HOLD_ADMIT, .active = true };
	desired_realserver(&in, &d);
	assert_int_equal(d.weight, 100);
	assert_int_equal(d.steps[1].why, WHY_ADMIT);
	desired_cap(&d, &in, false, 0);
	assert_int_equal(d.weight, 100);
	holds[0].hold_class = HOLD_ALERT;
	assert_int_equal(weight_of(&in), 0);
	holds[0].waiting = true;
	assert_int_equal(weight_of(&in), 100);
	conf.backup = true;
	in.undecided = true;
	desired_realserver(&in, &d);
	desired_cap(&d, &in, false, 0);
	assert_int_equal(d.weight, 0);
}

static void test_inactive(void **state)
{
	struct realserver_conf conf = { .enabled = true, .weight = 7 };
	struct desired_input in = { .conf = &conf, .holds = &holds[0] };

	(void)state;
	holds[0] = (struct hold){ .effect = HOLD_ZERO, .active = false };
	assert_int_equal(weight_of(&in), 7);
}

static void test_disabled(void **state)
{
	struct realserver_conf conf = { .weight = 7 };
	struct desired_input in = { .conf = &conf, .holds = &holds[0], .panic = true };

	(void)state;
	holds[0] = (struct hold){ .effect = 50, .active = true };
	assert_int_equal(weight_of(&in), WANT_OUT);
}

/* Only rules' holds, only with on_panic = keep. */
static void test_panic(void **state)
{
	struct realserver_conf conf = { .enabled = true, .weight = 7 };
	struct desired_input in = { .conf = &conf, .holds = &holds[0], .panic = true };
	int i;

	(void)state;
	for (i = 0; i < HOLD_N_CLASSES; i++) {
		holds[0] = (struct hold){ .hold_class = (enum hold_class)i,
					  .effect = HOLD_ZERO,
					  .active = true };
		in.on_panic = PANIC_KEEP;
		assert_int_equal(weight_of(&in), i == HOLD_RULE ? 7 : 0);
		in.on_panic = PANIC_BACKUP;
		assert_int_equal(weight_of(&in), 0);
		in.on_panic = PANIC_NONE;
		assert_int_equal(weight_of(&in), 0);
	}
}

static void test_backup(void **state)
{
	struct realserver_conf conf = { .enabled = true, .backup = true, .weight = 7 };
	struct desired_input in = { .conf = &conf, .up = true };

	(void)state;
	assert_int_equal(weight_of(&in), 0);
	in.panic = true;
	assert_int_equal(weight_of(&in), 0);
	in.on_panic = PANIC_BACKUP;
	assert_int_equal(weight_of(&in), 7);
	in.up = false;
	assert_int_equal(weight_of(&in), 0);
	/* An operator's hand holds a backup too. */
	in.up = true;
	in.holds = &holds[0];
	holds[0] = (struct hold){ .hold_class = HOLD_OPERATOR, .effect = 50, .active = true };
	assert_int_equal(weight_of(&in), 4);
}

/* A restart leaves a backup what the kernel has, until it is known whether it serves. */
static void test_backup_after_restart(void **state)
{
	struct realserver_conf conf = { .enabled = true, .weight = 7, .backup = true };
	struct desired_input in = { .conf = &conf, .undecided = true, .unjudged = true };
	struct desired d;

	(void)state;
	desired_realserver(&in, &d);
	desired_cap(&d, &in, false, 7);
	assert_int_equal(d.weight, 7);
	desired_realserver(&in, &d);
	desired_cap(&d, &in, false, 0);
	assert_int_equal(d.weight, 0);
	in.undecided = false;
	assert_int_equal(weight_of(&in), 0);
	in.fallback = true;
	assert_int_equal(weight_of(&in), 7);
	in.unjudged = false;
	assert_int_equal(weight_of(&in), 0);
}

/* What a rule removed before the restart is not added at 0: that would refuse clients. */
static void test_absent_after_restart(void **state)
{
	struct realserver_conf conf = { .enabled = true, .weight = 7 };
	struct desired_input in = { .conf = &conf, .holds = &holds[0], .undecided = true };
	struct desired d;

	(void)state;
	holds[0] = (struct hold){ .effect = HOLD_ABSENT, .active = true, .restored = true };
	desired_realserver(&in, &d);
	desired_cap(&d, &in, false, CAP_ABSENT);
	assert_int_equal(d.weight, WANT_ABSENT);
	assert_ptr_equal(d.steps[d.n_steps - 1].hold, &holds[0]);
	desired_realserver(&in, &d);
	desired_cap(&d, &in, false, 0);
	assert_int_equal(d.weight, 0);
	desired_realserver(&in, &d);
	desired_cap(&d, &in, false, 7);
	assert_int_equal(d.weight, 7);
}

/* A backup that waits is not held by what would only lower it. */
static void test_held(void **state)
{
	struct realserver_conf conf = { .enabled = true, .weight = 7, .backup = true };
	struct desired_input in = { .conf = &conf, .holds = &holds[0] };
	struct desired d;

	(void)state;
	holds[0] = (struct hold){ .effect = 50, .active = true };
	desired_realserver(&in, &d);
	assert_false(desired_held(&d));
	holds[0].effect = HOLD_ZERO;
	desired_realserver(&in, &d);
	assert_true(desired_held(&d));
}

static int32_t capped(int32_t weight, bool proven, int32_t cap, bool panic)
{
	struct realserver_conf conf = { .enabled = true };
	struct desired_input in = { .conf = &conf, .panic = panic };
	struct desired d = { .weight = weight };

	desired_cap(&d, &in, proven, cap);
	return d.weight;
}

static void test_cap(void **state)
{
	(void)state;
	assert_int_equal(capped(100, false, 0, false), 0);
	assert_int_equal(capped(100, false, 30, false), 30);
	assert_int_equal(capped(20, false, 30, false), 20);
	assert_int_equal(capped(100, true, 0, false), 100);
	assert_int_equal(capped(100, false, CAP_NONE, false), 100);
	assert_int_equal(capped(100, false, 0, true), 100);
	assert_int_equal(capped(100, false, CAP_ABSENT, false), 0);
	assert_int_equal(capped(WANT_ABSENT, false, 0, false), WANT_ABSENT);
	assert_int_equal(capped(WANT_OUT, false, 0, false), WANT_OUT);
}

/* Holds beyond the room for steps still count. */
static void test_many_holds(void **state)
{
	struct realserver_conf conf = { .enabled = true, .weight = 100 };
	struct hold many[40] = { 0 };
	struct desired_input in = { .conf = &conf, .holds = many };
	struct desired d;
	int i;

	(void)state;
	for (i = 0; i < 40; i++)
		many[i] = (struct hold){ .effect = 90 - i,
					 .active = true,
					 .next = i < 39 ? &many[i + 1] : NULL };
	desired_realserver(&in, &d);
	assert_int_equal(d.weight, 51);
	assert_int_equal(d.n_steps, DESIRED_MAX_STEPS);
}

static bool panics(const struct state *s, uint32_t service)
{
	struct desired_verdicts v;

	desired_verdicts(s->layout, s, service, false, &v);
	return desired_panic(&v);
}

static bool backup_up(const struct state *s, uint32_t service)
{
	struct desired_verdicts v;

	desired_verdicts(s->layout, s, service, false, &v);
	return v.backup_up;
}

static void test_service_panic(void **state)
{
	struct state *s = make_state("[service web]\naddress = tcp://10.1.2.15:80\nprobe = up\n"
				     "realserver = a 10.1.2.21\nrealserver = b 10.1.2.22\n"
				     "realserver = zero 10.1.2.23 weight=0\n"
				     "realserver = off 10.1.2.24 enabled=no\n"
				     "backup = sorry 10.1.2.30\n[probe up]\nurl = tcp://\n"
				     "[service empty]\naddress = tcp://10.1.2.16:80\n");
	const struct layout *l = s->layout;
	uint32_t web = layout_find_service(l, "web"), empty = layout_find_service(l, "empty");

	(void)state;
	assert_false(panics(s, web)); /* no verdicts are no panic */
	end_probes(s, id_of(l, "web/a"), VERDICT_DOWN, PROBE_CONNECT_REFUSED, 1);
	assert_false(panics(s, web));
	end_probes(s, id_of(l, "web/b"), VERDICT_DOWN, PROBE_CONNECT_REFUSED, 1);
	assert_true(panics(s, web));
	assert_false(backup_up(s, web));
	end_probes(s, id_of(l, "web/sorry"), VERDICT_UP, PROBE_OK, 1);
	assert_true(backup_up(s, web));
	assert_true(panics(s, web)); /* a backup does not end it */
	end_probes(s, id_of(l, "web/b"), VERDICT_UP, PROBE_OK, 1);
	assert_false(panics(s, web));
	assert_false(panics(s, empty));
	state_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_does_not_matter),
		cmocka_unit_test(test_waiting),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_admit),
		cmocka_unit_test(test_inactive),
		cmocka_unit_test(test_disabled),
		cmocka_unit_test(test_panic),
		cmocka_unit_test(test_backup),
		cmocka_unit_test(test_backup_after_restart),
		cmocka_unit_test(test_absent_after_restart),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_cap),
		cmocka_unit_test(test_many_holds),
		cmocka_unit_test(test_service_panic),
	};

	return cmocka_run_group_tests_name("desired", tests, NULL, NULL);
}
