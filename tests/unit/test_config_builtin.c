/* test_config_builtin.c: sections that are there without a file, and advice. */
#include <unistd.h>

#include "conf/config.h"
#include "tests/unit/in_dir.h"
#include "tests/unit/t.h"

struct gadget_conf {
	struct conf_head head;
	const char *secret;
	uint32_t size;
	bool finished;
};

#define GADGET(f) .offset = offsetof(struct gadget_conf, f)

static void finish(struct config *c ATTR_UNUSED, void *obj)
{
	((struct gadget_conf *)obj)->finished = true;
}

static const struct conf_builtin builtins[] = {
	{ "first", "size = 1\nsecret = a = b\n" },
	{ "second", "size = 2" },
};
static const struct conf_key gadget_keys[] = {
	{ .name = "secret", .type = &conf_string, GADGET(secret) },
	{ .name = "size", .type = &conf_u32, GADGET(size), .def = "3" },
};
static const struct conf_section gadget_section = {
	.name = "gadget",
	.named = true,
	.size = sizeof(struct gadget_conf),
	.keys = gadget_keys,
	.n_keys = countof(gadget_keys),
	.builtins = builtins,
	.n_builtins = countof(builtins),
	.finish = finish,
};
static const struct conf_section *const gadgets[] = { &gadget_section, NULL };

static struct config *load_gadgets(const char *text)
{
	struct config *c;

	put("x.ini", text);
	assert_int_equal(config_load("x.ini", gadgets, NULL, &c), 0);
	unlink("x.ini");
	assert_int_equal(config_errors(c), 0);
	return c;
}

static void built_in_sections_come_first(void **state ATTR_UNUSED)
{
	struct config *c = load_gadgets("[gadget mine]\n");
	const struct gadget_conf *const *t;
	size_t n;

	t = (const struct gadget_conf *const *)config_sections(c, &gadget_section, &n);
	assert_int_equal(n, 3);
	assert_string_equal(t[0]->head.name, "first");
	assert_string_equal(t[0]->secret, "a = b");
	assert_int_equal(t[0]->size, 1);
	assert_true(t[0]->finished);
	assert_int_equal(t[0]->head.line, 0);
	assert_string_equal(t[1]->head.name, "second");
	assert_int_equal(t[1]->size, 2);
	assert_string_equal(t[2]->head.name, "mine");
	assert_ptr_equal(config_named(c, &gadget_section, "second"), t[1]);
	config_unref(c);
	c = load_gadgets("");
	config_sections(c, &gadget_section, &n);
	assert_int_equal(n, 2);
	config_unref(c);
}

static void a_section_replaces_the_built_in_one(void **state ATTR_UNUSED)
{
	struct config *c = load_gadgets("[gadget second]\nsecret = mine\n[gadget first]\n");
	const struct gadget_conf *t = config_named(c, &gadget_section, "second");
	size_t n;

	config_sections(c, &gadget_section, &n);
	assert_int_equal(n, 2);
	assert_string_equal(t->secret, "mine");
	assert_int_equal(t->size, 3); /* the table's default, nothing of the built-in one */
	assert_int_equal(t->head.line, 1);
	t = config_named(c, &gadget_section, "first");
	assert_null(t->secret);
	config_unref(c);
}

static void give_advice(struct config *c)
{
	conf_report(c, CONF_ADVICE, NULL, 0, "eat fruit");
}

static void advice_is_told_and_not_counted(void **state ATTR_UNUSED)
{
	static conf_check_fn *const advisers[] = { give_advice, NULL };
	struct buf out = BUF_INIT;
	struct config *c;
	size_t n;

	put("x.ini", "");
	assert_int_equal(config_load("x.ini", gadgets, advisers, &c), 0);
	unlink("x.ini");
	assert_int_equal(config_errors(c) + config_warnings(c), 0);
	config_problems(c, &n);
	assert_int_equal(n, 1);
	config_format_problems(c, &out);
	assert_string_equal(buf_str(&out), "x.ini: advice: eat fruit\n");
	buf_fini(&out);
	config_unref(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(built_in_sections_come_first),
		cmocka_unit_test(a_section_replaces_the_built_in_one),
		cmocka_unit_test(advice_is_told_and_not_counted),
	};

	return cmocka_run_group_tests_name("config_builtin", tests, set_up, tear_down);
}
