/* test_import_golden.c: tests/golden/import: each case is a directory FORMAT-WHAT with a
 * source, the INI that comes of it (`ini`) and the list of what is not as it was (`list`);
 * of a source that is refused, the list says why and there is no INI. The loader takes each
 * INI without an error. With UPDATE_GOLDEN=1 they are written anew: read the difference. */
#include <unistd.h>

#include "tests/unit/golden.h"
#include "tests/unit/golden_cases.h"
#include "tests/unit/import_case.h"

/* tests/golden/import/FORMAT-WHAT/source: the format is what stands before the '-'. */
static const struct import_format *format_of(const char *path)
{
	const char *name = path + strlen("tests/golden/import/");
	char *word = strndup(name, strcspn(name, "-"));
	const struct import_format *f = import_format_find(word);

	free(word);
	return f;
}

static void one_case(void **state)
{
	const struct import_world world = { .host = case_host, .port = case_port };
	const struct import_format *format = format_of(*state);
	char *dir = strdup(*state), *home = getcwd(NULL, 0);
	struct buf ini = BUF_INIT, list = BUF_INIT, problems = BUF_INIT;
	struct import *im;
	bool same;
	int r;

	assert_non_null(format);
	*strrchr(dir, '/') = '\0';
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(import_new(&world, &im), 0);
	r = import_read_file(im, format, "source");
	if (!r) {
		import_put_ini(im, &ini);
		import_put_list(im, &list);
		case_check(&ini, &problems);
	} else {
		assert_int_equal(r, -EINVAL);
		buf_printf(&list, "refused: %s\n", import_why(im));
	}
	import_free(im);
	same = golden_same("list", &list);
	same = (!ini.len || golden_same("ini", &ini)) && same;
	if (problems.len) /* and warnings with them */
		fprintf(stderr, "%s", buf_str(&problems));
	assert_int_equal(chdir(home), 0);
	assert_true(same);
	assert_int_equal(problems.len, 0);
	buf_fini(&ini);
	buf_fini(&list);
	buf_fini(&problems);
	free(dir);
	free(home);
}

int main(void)
{
	return golden_cases("tests/golden/import/*/source", "golden import", one_case);
}
