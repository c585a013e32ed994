/* test_parted.c: two operators on two directors that could not hear each other: what of it
 * acts once they can, by the configuration alone. */
#include "agent/holds/hold.h"
#include "agent/rules/parted.h"
#include "tests/unit/model_fixture.h"

#define OURS   "aaaaaaaaaaaaaaaa"
#define THEIRS "bbbbbbbbbbbbbbbb"

static const char ini[] = "[service web]\n"
			  "address = tcp://10.0.0.1:80\n"
			  "scheduler = wlc\n"
			  "min_available = 2\n"
			  "domain_guard = on\n"
			  "realserver = web1 10.0.1.1 domain=x\n"
			  "realserver = web2 10.0.1.2 domain=x\n"
			  "realserver = web3 10.0.1.3 domain=y\n"
			  "realserver = web4 10.0.1.4\n"
			  "backup = sorry 10.0.1.9\n";

struct rig {
	struct state *state;
	struct holds *holds;
	struct parted parted;
};

static void open_parted(struct rig *r)
{
	r->state = make_state(ini);
	assert_int_equal(holds_new(&r->holds), 0);
	r->parted = (struct parted){
		.layout = r->state->layout, .holds = r->holds, .node = OURS, .service = 0
	};
}

static void close_parted(struct rig *r)
{
	holds_free(r->holds);
	state_free(r->state);
}

static struct hold like(const char *realserver, const char *origin, uint64_t number, int effect)
{
	static char id[32];

	snprintf(id, sizeof(id), "o%d-%s", (int)number, *origin ? "b" : "a");
	return (struct hold){ .id = id,
			      .hold_class = HOLD_OPERATOR,
			      .service = (char *)(uintptr_t) "web",
			      .realserver = (char *)(uintptr_t)realserver,
			      .holder = (char *)(uintptr_t) "ann",
			      .origin = (char *)(uintptr_t)origin,
			      .effect = effect,
			      .number = number,
			      .active = true };
}

static void place(struct rig *r, const struct hold *like)
{
	struct hold *h = hold_new(like);

	assert_non_null(h);
	assert_int_equal(holds_place(r->holds, h, NULL), 0);
}

static void test_floor(void **state)
{
	struct hold first = like("web1", "", 1, 0), second, third;
	struct rig r;

	(void)state;
	open_parted(&r);
	place(&r, &first);
	second = like("web2", THEIRS, 1, 0);
	/* Of one number, ours is first: by the node's name. Both together leave two. */
	assert_int_equal(parted_judge(&r.parted, &second, false), GUARD_ADMIT);
	place(&r, &second);
	third = like("web4", THEIRS, 2, 0);
	assert_int_equal(parted_judge(&r.parted, &third, false), GUARD_MIN_AVAILABLE);
	/* One that was there before those is not judged by them, but by all it is. */
	third.number = 0;
	assert_false(parted_judged(&third));
	third = like("web4", "", 1, 0);
	third.origin = (char *)(uintptr_t) "0000000000000000";
	assert_int_equal(parted_judge(&r.parted, &third, false), GUARD_ADMIT);
	assert_int_equal(parted_judge(&r.parted, &third, true), GUARD_MIN_AVAILABLE);
	/* A share leaves it available; who is out already takes nothing. */
	third = like("web4", THEIRS, 3, 50);
	assert_int_equal(parted_judge(&r.parted, &third, false), GUARD_ADMIT);
	third = like("web1", THEIRS, 3, 0);
	assert_int_equal(parted_judge(&r.parted, &third, false), GUARD_ADMIT);
	third.forced = true;
	assert_false(parted_judged(&third));
	close_parted(&r);
}

/* What waits takes nothing, nor do holds of other kinds. */
static void test_what_counts(void **state)
{
	struct hold h = like("web1", "", 1, 0);
	struct rig r;

	(void)state;
	open_parted(&r);
	place(&r, &h);
	h = like("web2", "", 2, 0);
	h.waiting = true;
	place(&r, &h);
	h = like("web3", "", 3, 0);
	h.hold_class = HOLD_RULE;
	h.number = 0;
	place(&r, &h);
	h = like("web4", THEIRS, 4, 0);
	assert_int_equal(parted_judge(&r.parted, &h, true), GUARD_ADMIT);
	close_parted(&r);
}

static void test_domain(void **state)
{
	struct hold h = like("web1", "", 1, 0);
	struct rig r;

	(void)state;
	open_parted(&r);
	place(&r, &h);
	h = like("web3", THEIRS, 2, 0);
	assert_int_equal(parted_judge(&r.parted, &h, false), GUARD_DOMAIN);
	h = like("web2", THEIRS, 2, 0);
	assert_int_equal(parted_judge(&r.parted, &h, false), GUARD_ADMIT);
	close_parted(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_floor),
		cmocka_unit_test(test_what_counts),
		cmocka_unit_test(test_domain),
	};

	return cmocka_run_group_tests_name("parted", tests, NULL, NULL);
}
