/* test_rows.c: rows are in order afterwards, whether they were before or not. */
#include "agent/base/rows.h"

#include "agent/base/attr.h"

#include "tests/unit/t.h"

static int cmp(const void *a, const void *b, void *arg)
{
	unsigned int *calls = arg;

	++*calls;
	return *(const int *)a - *(const int *)b;
}

static void sorts(void **state ATTR_UNUSED)
{
	int rows[][5] = {
		{ 1, 2, 2, 3, 4 }, { 2, 1, 3, 4, 5 }, { 1, 2, 3, 5, 4 }, { 5, 4, 3, 2, 1 }
	};
	unsigned int calls = 0;
	size_t i, k;

	for (i = 0; i < countof(rows); i++) {
		rows_sort(rows[i], 5, sizeof(int), cmp, &calls);
		/* one look at each was enough */
		if (i == 0)
			assert_int_equal(calls, 4);
		for (k = 1; k < 5; k++)
			assert_true(rows[i][k - 1] <= rows[i][k]);
	}
	rows_sort(rows[0], 1, sizeof(int), cmp, &calls);
	rows_sort(NULL, 0, sizeof(int), cmp, &calls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorts),
	};

	return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
