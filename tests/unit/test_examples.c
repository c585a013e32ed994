/* test_examples.c: each example loads without an error or a warning; advice is
 * what no file can settle. */
#include <glob.h>

#include "agent/sections.h"
#include "tests/unit/fake_probes.h"
#include "tests/unit/t.h"

static void loads(void **state)
{
	struct buf out = BUF_INIT;
	struct config *c;

	assert_int_equal(agent_config_load(*state, &c), 0);
	config_format_problems(c, &out);
	if (config_errors(c) || config_warnings(c))
		fail_msg("%s", buf_str(&out));
	buf_fini(&out);
	config_unref(c);
}

int main(void)
{
	struct CMUnitTest *tests;
	glob_t found;
	size_t i;
	int r;

	if (glob("conf/examples/*.ini", 0, NULL, &found) ||
	    glob("conf/ipvs-agent.ini", GLOB_APPEND, NULL, &found)) {
		fprintf(stderr, "run me in the root of the source\n");
		return 1;
	}
	tests = calloc(found.gl_pathc, sizeof(*tests));
	for (i = 0; tests && i < found.gl_pathc; i++)
		tests[i] = (struct CMUnitTest){ .name = found.gl_pathv[i],
						.test_func = loads,
						.initial_state = found.gl_pathv[i] };
	r = tests ? _cmocka_run_group_tests("examples", tests, found.gl_pathc, NULL, NULL) : 1;
	free(tests);
	globfree(&found);
	return r;
}
