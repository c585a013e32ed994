/* golden_cases.h: a test a file: main() for programs whose cases are text files. */
#ifndef TESTS_GOLDEN_CASES_H
#define TESTS_GOLDEN_CASES_H

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/t.h"

/* Runs one_case for each file that matches; its path is *state. In the source's root. */
static inline int golden_cases(const char *pattern, const char *group, CMUnitTestFunction one_case)
{
	struct CMUnitTest *tests;
	glob_t cases;
	size_t i;
	int r;

	if (glob(pattern, 0, NULL, &cases)) {
		fprintf(stderr, "run me in the root of the source\n");
		return 1;
	}
	tests = calloc(cases.gl_pathc, sizeof(*tests));
	for (i = 0; tests && i < cases.gl_pathc; i++)
		tests[i] = (struct CMUnitTest){ .name = cases.gl_pathv[i] + strlen("tests/golden/"),
						.test_func = one_case,
						.initial_state = cases.gl_pathv[i] };
	r = tests ? _cmocka_run_group_tests(group, tests, cases.gl_pathc, NULL, NULL) : 1;
	free(tests);
	globfree(&cases);
	return r;
}

#endif
