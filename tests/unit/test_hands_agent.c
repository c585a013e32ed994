/* test_hands_agent.c: hands, and what realservers ask for themselves. */
#include <errno.h>

#include "tests/unit/hands_rig.h"

static const char ini[] = "[service web]\naddress = tcp://10.1.2.15:80\n"
			  "realserver = a 10.1.2.21\nrealserver = b 10.1.2.22\n";

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	new_dir(r);
	open_rig(r, ini);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	close_rig(r);
	drop(r);
	free(r);
	return 0;
}

/* What it asks for itself it would ask for again. */
static void test_agents_hold(void **state)
{
	struct rig *r = *state;
	struct hold like = { .hold_class = HOLD_AGENT,
			     .service = WORD("web"),
			     .realserver = WORD("a"),
			     .holder = WORD("word"),
			     .effect = 50,
			     .reason = WORD("it says 50%") };
	char *id;

	assert_int_equal(placer_told(r->a.placer, &like, 1), 0);
	settle(r);
	assert_int_equal(weight_of(r, "web/a"), 50);
	/* Other words for the same change nothing but the words. */
	id = strdup(holds_of(r->a.holds, "web", "a")->id);
	assert_non_null(id);
	like.reason = WORD("it says 50% (busy)");
	assert_int_equal(placer_told(r->a.placer, &like, 2), 0);
	assert_string_equal(holds_of(r->a.holds, "web", "a")->id, id);
	assert_string_equal(holds_of(r->a.holds, "web", "a")->reason, "it says 50% (busy)");
	assert_int_equal(holds_of(r->a.holds, "web", "a")->since_wall_ms, 1);
	assert_int_equal(order(r, (struct command){ .kind = COMMAND_LIFT, .id = id }),
			 COMMAND_CONFLICT);
	assert_non_null(strstr(buf_str(&r->text), "use admit web/a"));
	assert_int_equal(undrain(r, "ann", "web/a"), COMMAND_OK);
	assert_list(r, "lifted", "");
	assert_list(r, "remaining", "web/a word \"50%\"");
	like.hold_class = HOLD_ALERT;
	assert_int_equal(placer_told(r->a.placer, &like, 3), -EINVAL);
	free(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_agents_hold, setup, teardown),
	};

	return cmocka_run_group_tests_name("hands_agent", tests, NULL, NULL);
}
