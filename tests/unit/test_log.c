/* test_log.c: lines of logfmt, as they leave the process. */
#include "agent/base/log.h"

#include <errno.h>
#include <unistd.h>

#include "agent/base/buf.h"
#include "tests/unit/t.h"

static int kept;
static FILE *file;

static void begin(void)
{
	fflush(stderr);
	file = tmpfile();
	kept = dup(STDERR_FILENO);
	assert_non_null(file);
	assert_int_equal(dup2(fileno(file), STDERR_FILENO), STDERR_FILENO);
}

/* What was written since begin(). */
static char *end(void)
{
	struct buf text = BUF_INIT;
	int c;

	dup2(kept, STDERR_FILENO);
	close(kept);
	rewind(file);
	while ((c = getc(file)) != EOF)
		buf_putc(&text, (char)c);
	fclose(file);
	return buf_take(&text);
}

static void facts(void **state ATTR_UNUSED)
{
	char *text;

	begin();
	log_event(LOG_INFO, "realserver down", LOG_STR("service", "web"),
		  LOG_STR("why", "a \"b\"\n\x1b"), LOG_STR("none", NULL), LOG_INT("n", -3),
		  LOG_MS("took", 1204), LOG_ERR(-ENOENT));
	text = end();
	assert_int_equal(strncmp(text, "ts=", 3), 0);
	assert_string_equal(strchr(text, ' '),
			    " level=info msg=\"realserver down\" service=web "
			    "why=\"a \\\"b\\\"\\n\\x1b\" none=\"\" n=-3 took=1.204s "
			    "err=\"No such file or directory\"\n");
	free(text);
}

static void no_facts_and_errno_kept(void **state ATTR_UNUSED)
{
	char *text;

	begin();
	errno = EXDEV;
	log_event(LOG_ERROR, "plain");
	assert_int_equal(errno, EXDEV);
	text = end();
	assert_string_equal(strchr(text, ' '), " level=error msg=plain\n");
	free(text);
}

static void level(void **state ATTR_UNUSED)
{
	char *text;

	begin();
	log_event(LOG_DEBUG, "quiet");
	log_set_level(LOG_DEBUG);
	log_event(LOG_DEBUG, "loud");
	log_set_level(LOG_ERROR);
	log_event(LOG_WARN, "quiet again");
	log_set_level(LOG_INFO);
	text = end();
	assert_null(strstr(text, "quiet"));
	assert_non_null(strstr(text, "level=debug msg=loud\n"));
	free(text);
}

static void storm_of_one_kind(void **state ATTR_UNUSED)
{
	size_t lines = 0;
	char *text, *at;
	int i;

	begin();
	for (i = 0; i < 500; i++)
		log_event(LOG_INFO, "storm", LOG_INT("i", i));
	log_event(LOG_INFO, "another kind");
	text = end();
	for (at = text; (at = strstr(at, "msg=storm")); at++)
		lines++;
	assert_int_equal(lines, 100);
	assert_non_null(strstr(text, "msg=\"another kind\"\n"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts),
		cmocka_unit_test(no_facts_and_errno_kept),
		cmocka_unit_test(level),
		cmocka_unit_test(storm_of_one_kind),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
