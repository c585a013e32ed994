/* test_probe_file.c: the file kind: what a file says, what it is, and that it is not there. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "collectors/table.h"
#include "tests/unit/kind_case.h"

enum { MANY = 60 };

static char dir[] = "/tmp/probe_file.XXXXXX", path[64];

static void write_bytes(const char *bytes, size_t len)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static char said[TARGET_TEXT_MAX + 1]; /* beside the last outcome */

static struct target look(const char *key, const char *value, const char *url_path)
{
	struct kind_case k;
	struct target t;
	struct addr to;

	assert_int_equal(addr_parse("192.0.2.7:80", &to), 0);
	kind_init_at(&k, &probe_file, "file://", url_path);
	if (key)
		assert_int_equal(kind_set(&k, key, value), 0);
	t = kind_probe(&k, &to);
	memcpy(said, k.said, sizeof(said));
	kind_fini(&k);
	return t;
}

static const struct text_case {
	const char *text, *dynamic;
	enum probe_reason reason;
} texts[] = {
	{ "up", "off", PROBE_OK },
	{ "up\n", "on", PROBE_OK },
	{ "\n up and well\n", "off", PROBE_OK },
	{ "down", "off", PROBE_FILE_DOWN },
	{ "down\r\nup\n", "on", PROBE_FILE_DOWN },
	{ "50%\n", "on", PROBE_OK },
	{ "0%", "on", PROBE_OK },
	{ "50%\n", "off", PROBE_LOCAL_CONFIG },
	{ "257%\n", "on", PROBE_LOCAL_CONFIG },
	{ "", "off", PROBE_LOCAL_CONFIG },
	{ "upwards", "off", PROBE_LOCAL_CONFIG },
	{ "UP", "off", PROBE_LOCAL_CONFIG },
	{ "\x7f"
	  "ELF",
	  "off", PROBE_LOCAL_CONFIG },
};

static void test_texts(void **state ATTR_UNUSED)
{
	struct target t;
	size_t i;

	for (i = 0; i < countof(texts); i++) {
		write_bytes(texts[i].text, strlen(texts[i].text));
		t = look("dynamic", texts[i].dynamic, path);
		kind_reason(&t, texts[i].reason, texts[i].text);
		/* who wrote it wrong is told what is right */
		assert_int_equal(*said != '\0', texts[i].reason == PROBE_LOCAL_CONFIG);
	}
}

/* 10 MB, of which the beginning counts; and of zeros, which say nothing. */
static void test_long(void **state ATTR_UNUSED)
{
	size_t len = 10000000;
	char *bytes = calloc(1, len);
	struct target t;

	assert_non_null(bytes);
	write_bytes(bytes, len);
	t = look(NULL, NULL, path);
	kind_reason(&t, PROBE_LOCAL_CONFIG, "zeros");
	memset(bytes, ' ', len);
	*stpcpy(bytes, "down") = ' ';
	write_bytes(bytes, len);
	t = look(NULL, NULL, path);
	kind_reason(&t, PROBE_FILE_DOWN, "long");
	free(bytes);
}

static void test_absent(void **state ATTR_UNUSED)
{
	static const struct {
		const char *absent;
		enum probe_reason reason;
	} cases[] = { { "up", PROBE_OK },
		      { "down", PROBE_FILE_DOWN },
		      { "unknown", PROBE_LOCAL_CONFIG } };
	struct target t;
	size_t i;

	unlink(path);
	for (i = 0; i < countof(cases); i++) {
		t = look("absent", cases[i].absent, path);
		kind_reason(&t, cases[i].reason, cases[i].absent);
		assert_int_equal(t.last_errno, cases[i].reason == PROBE_OK ? 0 : ENOENT);
	}
	t = look(NULL, NULL, path);
	kind_reason(&t, PROBE_LOCAL_CONFIG, "by default");
	write_bytes("up", 2);
	t = look("absent", "down", path);
	kind_reason(&t, PROBE_OK, "there");
}

/* A pipe that nobody writes, a device without end, a directory: none is read. */
static void test_no_file(void **state ATTR_UNUSED)
{
	struct target t;

	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	t = look("absent", "down", path);
	kind_reason(&t, PROBE_LOCAL_CONFIG, "pipe");
	t = look("absent", "down", "/dev/zero");
	kind_reason(&t, PROBE_LOCAL_CONFIG, "device");
	t = look("absent", "down", dir);
	kind_reason(&t, PROBE_LOCAL_CONFIG, "directory");
	unlink(path);
	assert_int_equal(symlink(path, path), 0);
	t = look("absent", "down", path);
	kind_reason(&t, PROBE_LOCAL_CONFIG, "circle");
	assert_int_equal(t.last_errno, ELOOP);
	assert_int_equal(t.health.verdict, VERDICT_NONE);
	unlink(path);
}

static void test_path(void **state ATTR_UNUSED)
{
	char there[96], url[96];
	struct target t;

	snprintf(there, sizeof(there), "%s/192.0.2.7 80", dir);
	snprintf(url, sizeof(url), "%s/{address}%%20{port}", dir);
	write_bytes("down", 4);
	assert_int_equal(rename(path, there), 0);
	t = look("absent", "up", url);
	kind_reason(&t, PROBE_FILE_DOWN, "its own file");
	unlink(there);
}

static void test_no_descriptors(void **state ATTR_UNUSED)
{
	struct kind_case k;
	struct probe_case c;
	struct rlimit before;
	struct target t;
	struct addr to;

	assert_int_equal(addr_parse("192.0.2.7", &to), 0);
	write_bytes("up", 2);
	kind_init_at(&k, &probe_file, "file://", path);
	case_init(&c, false);
	case_no_descriptors(&before);
	t = case_probe(&c, &k.conf, &to, 1);
	case_descriptors(&before);
	kind_reason(&t, PROBE_LOCAL_RESOURCES, "no descriptor");
	assert_int_equal(t.last_errno, EMFILE);
	t = case_probe(&c, &k.conf, &to, 1);
	kind_reason(&t, PROBE_OK, "a descriptor");
	case_fini(&c);
	kind_fini(&k);
}

/* Many at once take turns; and they may all be taken back at any time. */
static void test_many(void **state ATTR_UNUSED)
{
	const struct sched_limits limits = { .max_running = MANY };
	struct layout_target asked[MANY] = { 0 };
	struct target targets[MANY] = { 0 };
	uint32_t from[MANY], i, stop_after;
	struct kind_case k;
	struct probe_case c;

	memset(from, 0xff, sizeof(from));
	write_bytes("up", 2);
	kind_init_at(&k, &probe_file, "file://", path);
	for (i = 0; i < MANY; i++) {
		asked[i].conf = &k.conf;
		assert_int_equal(addr_parse("192.0.2.7", &asked[i].addr), 0);
		asked[i].addr.port = (uint16_t)(i + 1);
	}
	for (stop_after = MANY; stop_after; stop_after /= 2) {
		memset(targets, 0, sizeof(targets));
		case_init(&c, false);
		assert_int_equal(sched_replace(c.sched, asked, targets, MANY, from, &limits), 0);
		c.stop_after = stop_after;
		loop_run(c.loop);
		assert_true(c.outcomes >= stop_after);
		assert_int_equal(sched_replace(c.sched, NULL, NULL, 0, NULL, &limits), 0);
		case_fini(&c);
		for (i = 0; stop_after == MANY && i < MANY; i++)
			kind_reason(&targets[i], PROBE_OK, "one of many");
		for (i = 0; i < MANY; i++)
			target_fini(&targets[i]);
	}
	kind_fini(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),  cmocka_unit_test(test_long),
		cmocka_unit_test(test_absent), cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_path),   cmocka_unit_test(test_no_descriptors),
		cmocka_unit_test(test_many),
	};
	int r;

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/state", dir);
	r = cmocka_run_group_tests_name("probe_file", tests, NULL, NULL);
	unlink(path);
	return rmdir(dir) ? 1 : r;
}
