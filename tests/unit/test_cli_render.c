/* test_cli_render.c: the API's JSON as text. A case is a file of tests/golden/cli: the
 * first line names what renders it and the terminal, then the JSON, "---", and the text
 * (escape bytes written as \e). UPDATE_GOLDEN=1 writes the text anew, to be read. */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/base/attr.h"
#include "agent/cli/render.h"
#include "agent/cli/render_top.h"

static const char DIR_NAME[] = "tests/golden/cli";

/* 2026-11-22T14:05:27Z: the cases' "now". */
static const int64_t NOW_MS = 1795356327000;

static void read_file(const char *path, struct buf *out)
{
	char chunk[4096];
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_put(out, chunk, n);
	fclose(f);
	assert_true(buf_ok(out));
}

static void visible(const struct buf *text, struct buf *out)
{
	for (size_t i = 0; i < text->len; i++) {
		if (text->data[i] == '\033')
			buf_puts(out, "\\e");
		else
			buf_putc(out, text->data[i]);
	}
}

/* The screen, when two seconds later twice as much of everything has come through. */
static int top(const json_t *json, const struct text_style *style, struct buf *out)
{
	struct top_view view = { .key = TOP_CONNECTIONS,
				 .filter = "",
				 .message = "",
				 .interval_ms = 2000,
				 .height = 12 };
	struct text_style cut = *style;
	json_t *copy = json_deep_copy(json);
	struct top_reading *before = top_reading_new(copy), *now;

	cut.cut = true;
	assert_non_null(before);
	now = top_reading_new(copy);
	assert_non_null(now);
	now->wall_ms += 2000;
	for (size_t i = 0; i < now->n; i++) {
		for (int k = 0; k < TOP_N_RATES; k++)
			now->rows[i].totals[k] *= 2;
	}
	top_reading_compare(now, before);
	assert_true(render_top(now, &view, &cut, out));
	buf_puts(out, "\n");
	top_reading_free(before);
	top_reading_free(now);
	json_decref(copy);
	return 0;
}

static const struct {
	const char *what;
	int (*render)(const json_t *json, const struct text_style *style, struct buf *out);
} renderers[] = {
	{ "status", render_status },
	{ "explain", render_explain },
	{ "holds", render_holds },
	{ "placed", render_placed },
	{ "lifted", render_lifted },
	{ "returns", render_returns },
	{ "role", render_role },
	{ "freeze", render_freeze },
	{ "probe", render_probe },
	{ "rules", render_rules },
	{ "journal", render_journal },
	{ "config", render_config },
	{ "top", top },
};

static void render(const char *what, const json_t *json, const struct text_style *style,
		   struct buf *text)
{
	for (size_t i = 0; i < countof(renderers); i++) {
		if (strcmp(renderers[i].what, what) == 0) {
			assert_int_equal(renderers[i].render(json, style, text), 0);
			return;
		}
	}
	fail_msg("no renderer '%s'", what);
}

static void run_case(const char *path)
{
	struct buf file = BUF_INIT, text = BUF_INIT, seen = BUF_INIT;
	struct text_style style = { 0 };
	unsigned int width;
	char what[16], colour[16], *json_text, *expected;
	json_error_t error;
	json_t *json;
	FILE *f;

	read_file(path, &file);
	if (!file.data) {
		fail_msg("%s is empty", path);
		return;
	}
	assert_int_equal(sscanf(file.data, "%15s width=%u colour=%15s", what, &width, colour), 3);
	style.width = width;
	style.now_wall_ms = NOW_MS;
	style.colour = strcmp(colour, "yes") == 0;
	json_text = strchr(file.data, '\n');
	json_text = json_text ? json_text + 1 : file.data;
	expected = strstr(json_text, "\n---\n");
	assert_non_null(expected);
	json = json_loadb(json_text, (size_t)(expected - json_text), 0, &error);
	if (!json)
		print_error("%s: %s\n", path, error.text);
	assert_non_null(json);
	expected += 5;
	render(what, json, &style, &text);
	visible(&text, &seen);
	if (getenv("UPDATE_GOLDEN")) {
		f = fopen(path, "w");
		assert_non_null(f);
		fwrite(file.data, 1, (size_t)(expected - file.data), f);
		fputs(buf_str(&seen), f);
		fclose(f);
	} else {
		if (strcmp(buf_str(&seen), expected) != 0)
			print_error("%s differs\n", path);
		assert_string_equal(buf_str(&seen), expected);
	}
	json_decref(json);
	buf_fini(&file);
	buf_fini(&text);
	buf_fini(&seen);
}

static void test_golden(void **state)
{
	char path[512];
	struct dirent *e;
	unsigned int n = 0;
	DIR *d = opendir(DIR_NAME);

	(void)state;
	assert_non_null(d);
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", DIR_NAME, e->d_name);
		run_case(path);
		n++;
	}
	closedir(d);
	assert_true(n >= 6);
}

/* What is of another shape is refused, and what is missing breaks nothing. */
static void test_odd_shapes(void **state)
{
	static const char *const texts[] = {
		"{\"services\":[{\"realservers\":[{}]}]}",
		"{\"services\":[[],1,null,\"x\",{\"realservers\":7}]}",
		"{\"targets\":[{}]}",
		"{\"targets\":[1,{\"steps\":[1,{}],\"kernel\":[],\"notes\":[1]}]}",
	};
	struct text_style style = { .width = 1 };
	struct buf out = BUF_INIT;
	json_t *json = json_object();

	(void)state;
	assert_int_equal(render_status(json, &style, &out), -EBADMSG);
	assert_int_equal(render_explain(json, &style, &out), -EBADMSG);
	json_decref(json);
	json = json_pack("{s:[s]}", "services", "x");
	json_decref(json);
	for (size_t i = 0; i < countof(texts); i++) {
		json = json_loads(texts[i], 0, NULL);
		assert_non_null(json);
		if (strstr(texts[i], "services"))
			assert_int_equal(render_status(json, &style, &out), 0);
		else
			assert_int_equal(render_explain(json, &style, &out), 0);
		json_decref(json);
	}
	buf_fini(&out);
}

static void test_clean(void **state)
{
	struct buf out = BUF_INIT;

	(void)state;
	text_put(&out, "a\033[31mb\nc\x7f\xc2\x9b"
		       "d\xc3\xa4");
	assert_string_equal(buf_str(&out), "a?[31mb?c??d\xc3\xa4");
	assert_int_equal(text_len(buf_str(&out)), 13);
	buf_reset(&out);
	text_put_lines(&out, "a\nb\r");
	assert_string_equal(buf_str(&out), "a\nb?");
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_odd_shapes),
		cmocka_unit_test(test_clean),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests_name("cli_render", tests, NULL, NULL);
}
