/* test_config.c: the loader with sections of its own: order, origins, parts,
 * includes, life. What it says of mistakes is pinned in tests/golden/config. */
#include "conf/config.h"

#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/print.h"
#include "tests/unit/in_dir.h"
#include "tests/unit/t.h"

struct main_conf {
	struct conf_head head;
	const char *dir;
	struct conf_strings include, item;
	uint32_t size;
};

struct thing_conf {
	struct conf_head head;
	const char *kind, *secret;
	uint32_t size;
	bool finished;
};

struct red_conf {
	uint32_t shade;
	struct conf_strings tint;
};

#define MAIN(f)  .offset = offsetof(struct main_conf, f)
#define THING(f) .offset = offsetof(struct thing_conf, f)
#define RED(f)   .offset = offsetof(struct red_conf, f)

static const struct conf_key main_keys[] = {
	{ .name = "dir", .type = &conf_path, MAIN(dir), .def = "/d", .flags = CONF_RESTART },
	{ .name = "include",
	  .type = &conf_strings_type,
	  MAIN(include),
	  .flags = CONF_LIST | CONF_INCLUDE },
	{ .name = "item",
	  .type = &conf_strings_type,
	  MAIN(item),
	  .def = "one\ntwo",
	  .flags = CONF_LIST },
	{ .name = "size", .type = &conf_u32, MAIN(size), .def = "7" },
};

static const struct conf_key thing_keys[] = {
	{ .name = "kind", .type = &conf_string, THING(kind), .flags = CONF_NO_DEFAULTS },
	{ .name = "secret", .type = &conf_string, THING(secret), .flags = CONF_SECRET },
	{ .name = "size", .type = &conf_u32, THING(size), .def = "3" },
};

static const struct conf_key red_keys[] = {
	{ .name = "shade", .type = &conf_u32, RED(shade), .def = "9", .flags = CONF_REQUIRED },
	{ .name = "tint",
	  .type = &conf_strings_type,
	  RED(tint),
	  .def = "pale",
	  .flags = CONF_LIST },
};

static const struct conf_part red = { .name = "red",
				      .keys = red_keys,
				      .n_keys = countof(red_keys),
				      .size = sizeof(struct red_conf) };
static const struct conf_part plain = { .name = "plain", .size = 1 };

static const struct conf_part *part_of(const char *value, struct conf_env *env)
{
	if (!strcmp(value, "red"))
		return &red;
	if (!strcmp(value, "plain"))
		return &plain;
	buf_printf(env->why, "no such kind");
	return NULL;
}

static const struct conf_part *part_at(size_t i)
{
	return i == 0 ? &red : i == 1 ? &plain : NULL;
}

static void finish(struct config *c, void *obj)
{
	struct thing_conf *t = obj;

	t->finished = true;
	if (t->size == 13)
		conf_report(c, CONF_WARNING, t->head.file, conf_key_line(c, t, "size"), "13");
}

static const struct conf_section main_section = { .name = "main",
						  .size = sizeof(struct main_conf),
						  .keys = main_keys,
						  .n_keys = countof(main_keys) };
static const struct conf_section base_section = { .name = "base",
						  .size = sizeof(struct thing_conf),
						  .keys = thing_keys,
						  .n_keys = countof(thing_keys) };
static const struct conf_section thing_section = {
	.name = "thing",
	.named = true,
	.base = "base",
	.size = sizeof(struct thing_conf),
	.keys = thing_keys,
	.n_keys = countof(thing_keys),
	.select = "kind",
	.part = part_of,
	.part_at = part_at,
	.finish = finish,
};

static const struct conf_section *const sections[] = { &main_section, &thing_section, &base_section,
						       NULL };

static void cross_check(struct config *c)
{
	conf_report(c, CONF_WARNING, NULL, 0, "cross-checked");
}

static conf_check_fn *const checks[] = { cross_check, NULL };

static struct config *load(const char *text)
{
	struct config *c;

	put("x.ini", text);
	assert_int_equal(config_load("x.ini", sections, NULL, &c), 0);
	unlink("x.ini");
	return c;
}

static void expect(const struct config *c, const char *problems)
{
	struct buf out = BUF_INIT;

	config_format_problems(c, &out);
	assert_string_equal(buf_str(&out), problems);
	buf_fini(&out);
}

static void empty_file_stands_at_defaults(void **state ATTR_UNUSED)
{
	struct config *c = load("");
	const struct main_conf *m = config_section(c, &main_section);
	size_t n;

	expect(c, "");
	assert_string_equal(m->dir, "/d");
	assert_int_equal(m->item.n, 2);
	assert_int_equal(m->head.line, 0);
	config_sections(c, &thing_section, &n);
	assert_int_equal(n, 0);
	assert_null(config_named(c, &thing_section, "x"));
	config_unref(c);
}

static void own_values_replace_a_lists_default(void **state ATTR_UNUSED)
{
	struct config *c = load("[main]\nitem = three\n");
	const struct main_conf *m = config_section(c, &main_section);

	assert_int_equal(m->item.n, 1);
	assert_string_equal(m->item.items[0], "three");
	config_unref(c);
}

static void base_comes_first_and_parts_are_chosen(void **state ATTR_UNUSED)
{
	struct config *c = load("[thing a]\nshade = 5\nkind = red\n[thing b]\nkind = plain\n"
				"size = 4\n[base]\nsize = 8\n");
	const struct thing_conf *a = config_named(c, &thing_section, "a");
	const struct thing_conf *b = config_named(c, &thing_section, "b");
	const struct red_conf *r;
	size_t n;

	expect(c, "");
	assert_int_equal(a->size, 8);
	assert_int_equal(b->size, 4);
	assert_true(a->finished && b->finished);
	assert_ptr_equal(a->head.part, &red);
	r = a->head.part_conf;
	assert_int_equal(r->shade, 5);
	assert_int_equal(r->tint.n, 1);
	assert_string_equal(r->tint.items[0], "pale");
	assert_ptr_equal(config_sections(c, &thing_section, &n)[1], b);
	assert_int_equal(n, 2);
	assert_int_equal(conf_key_line(c, a, "size"), 8);
	assert_int_equal(conf_key_line(c, b, "size"), 6);
	assert_int_equal(conf_key_line(c, a, "shade"), 2);
	assert_int_equal(conf_key_line(c, a, "secret"), 1);
	config_unref(c);
}

static void parts_say_what_is_wrong(void **state ATTR_UNUSED)
{
	struct config *c =
		load("[thing a]\nkind = red\n[thing b]\nkind = plain\nshade = 1\n"
		     "[thing c]\nkind = blue\nshade = 1\nshape = 1\n[thing d]\nshade = 2\n"
		     "[thing e]\nkind =\n");

	expect(c, "x.ini:1: error: [thing a] has no 'shade'\n"
		  "x.ini:5: error: key 'shade' is not for plain things; it is for red\n"
		  "x.ini:7: error: kind: no such kind\n"
		  "x.ini:9: error: unknown key 'shape' in [thing c]\n"
		  "x.ini:13: error: kind: no value\n5 errors\n");
	assert_true(((struct conf_head *)config_named(c, &thing_section, "c"))->bad);
	config_unref(c);
}

static void finish_warns_and_a_bad_one_is_not_finished(void **state ATTR_UNUSED)
{
	struct config *c = load("[thing a]\nkind = plain\nsize = 13\n[thing b]\nkind = plain\n"
				"size = x\n");
	const struct thing_conf *b = config_named(c, &thing_section, "b");

	expect(c, "x.ini:3: warning: 13\nx.ini:6: error: size: 'x' is not a whole number\n"
		  "1 error, 1 warning\n");
	assert_false(b->finished);
	assert_true(b->head.bad);
	config_unref(c);
}

static void checks_wait_for_readable_headers(void **state ATTR_UNUSED)
{
	struct config *c;

	put("x.ini", "[main]\nsize = x\n");
	assert_int_equal(config_load("x.ini", sections, checks, &c), 0);
	expect(c, "x.ini: warning: cross-checked\nx.ini:2: error: size: 'x' is not a whole number\n"
		  "1 error, 1 warning\n");
	config_unref(c);
	put("x.ini", "[main\n");
	assert_int_equal(config_load("x.ini", sections, checks, &c), 0);
	expect(c, "x.ini:1: error: section header without its ']'\n1 error\n");
	config_unref(c);
	unlink("x.ini");
}

static void missing_file_names_its_reason(void **state ATTR_UNUSED)
{
	struct config *c;

	assert_int_equal(config_load("nosuch.ini", sections, checks, &c), 0);
	expect(c,
	       "nosuch.ini: error: cannot read nosuch.ini: No such file or directory\n1 error\n");
	assert_string_equal(((struct main_conf *)config_section(c, &main_section))->dir, "/d");
	config_unref(c);
	assert_int_equal(config_load("/", sections, checks, &c), 0);
	expect(c, "/: error: cannot read /: Is a directory\n1 error\n");
	config_unref(c);
}

static void include_in_a_directory_of_special_characters(void **state ATTR_UNUSED)
{
	struct config *c;

	assert_int_equal(mkdir("[a]*", 0700), 0);
	put("[a]*/x.ini", "[main]\ninclude = y*.ini\n");
	put("[a]*/y2.ini", "[thing two]\nkind = plain\n");
	put("[a]*/y1.ini", "[thing one]\nkind = plain\nsize = x\n");
	assert_int_equal(config_load("[a]*/x.ini", sections, NULL, &c), 0);
	expect(c, "[a]*/y1.ini:3: error: size: 'x' is not a whole number\n1 error\n");
	assert_non_null(config_named(c, &thing_section, "two"));
	config_unref(c);
	unlink("[a]*/x.ini");
	unlink("[a]*/y1.ini");
	unlink("[a]*/y2.ini");
	rmdir("[a]*");
}

static void include_of_a_fifo_does_not_wait(void **state ATTR_UNUSED)
{
	struct config *c;

	assert_int_equal(mkfifo("fifo", 0600), 0);
	c = load("[main]\ninclude = fifo\n");
	expect(c, "x.ini:2: error: include: cannot read fifo: it is not a plain file\n1 error\n");
	config_unref(c);
	unlink("fifo");
}

static void too_large_a_file(void **state ATTR_UNUSED)
{
	struct config *c;

	put("big.ini", "");
	assert_int_equal(truncate("big.ini", (64 << 20) + 1), 0);
	assert_int_equal(config_load("big.ini", sections, NULL, &c), 0);
	expect(c, "big.ini: error: cannot read big.ini: the configuration is larger than 64 MB\n"
		  "1 error\n");
	config_unref(c);
	unlink("big.ini");
}

static void many_problems_are_counted_whole(void **state ATTR_UNUSED)
{
	struct buf text = BUF_INIT;
	struct config *c;
	size_t n;
	int i;

	buf_puts(&text, "[main]\n");
	for (i = 0; i < 20000; i++)
		buf_puts(&text, "nonsense\n");
	c = load(buf_str(&text));
	assert_int_equal(config_errors(c), 20000);
	config_problems(c, &n);
	assert_int_equal(n, 10000);
	config_unref(c);
	buf_fini(&text);
}

static void hashes_its_text(void **state ATTR_UNUSED)
{
	static const char *const texts[] = {
		"[main]\nsize = 1\n",
		"[main]\nsize = 2\n",
		"; one\n[main]\nsize = 1\n",
		"[main]\nsize = 1\ninclude = y.ini\n",
		"",
	};
	struct config *c;
	uint64_t hash[countof(texts) + 1];
	size_t i, k;

	put("y.ini", "[thing a]\nkind = plain\n");
	for (i = 0; i < countof(texts); i++) {
		c = load(texts[i]);
		hash[i] = config_hash(c);
		config_unref(c);
		c = load(texts[i]);
		assert_true(config_hash(c) == hash[i]);
		config_unref(c);
	}
	/* What is included counts too. */
	put("y.ini", "[thing b]\nkind = plain\n");
	c = load(texts[3]);
	hash[i] = config_hash(c);
	config_unref(c);
	for (i = 0; i <= countof(texts); i++)
		for (k = 0; k < i; k++)
			assert_true(hash[i] != hash[k]);
	unlink("y.ini");
}

static void prints_what_it_loaded(void **state ATTR_UNUSED)
{
	static const char want[] = "[main]\ndir = /d\nitem = one\nitem = two\nsize = 7\n"
				   "\n[thing a]\nkind = red\nsecret = (redacted)\nsize = 3\n"
				   "shade = 5\ntint = pale\n";
	struct config *c = load("[thing a]\nkind = red\nshade = 5\nsecret = hush\n");
	struct buf out = BUF_INIT, again = BUF_INIT;

	config_print(c, &out);
	assert_string_equal(buf_str(&out), want);
	config_unref(c);
	c = load(want);
	config_print(c, &again);
	assert_string_equal(buf_str(&again), want);
	config_unref(c);
	buf_fini(&out);
	buf_fini(&again);
}

static void tells_what_needs_a_restart(void **state ATTR_UNUSED)
{
	struct config *old = load("[main]\nsize = 1\n");
	struct config *fresh = load("[main]\nsize = 2\n\ndir = /e\n");
	struct buf out = BUF_INIT, kept = BUF_INIT;

	config_restart_values(old, &kept);
	config_print_restarts(&kept, old, &out);
	assert_int_equal(out.len, 0);
	config_print_restarts(&kept, fresh, &out);
	assert_string_equal(buf_str(&out),
			    "x.ini:4: warning: dir = /e needs a restart; /d stays in force\n");
	buf_fini(&kept);
	buf_fini(&out);
	config_unref(old);
	config_unref(fresh);
}

static void *hold_and_drop(void *arg)
{
	int i;

	for (i = 0; i < 1000; i++)
		config_unref(config_ref(arg));
	config_unref(arg);
	return NULL;
}

static void threads_share_it(void **state ATTR_UNUSED)
{
	struct config *c = load("");
	pthread_t threads[2];
	int i;

	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hold_and_drop, config_ref(c)),
				 0);
	config_unref(c);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	config_unref(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_file_stands_at_defaults),
		cmocka_unit_test(own_values_replace_a_lists_default),
		cmocka_unit_test(base_comes_first_and_parts_are_chosen),
		cmocka_unit_test(parts_say_what_is_wrong),
		cmocka_unit_test(finish_warns_and_a_bad_one_is_not_finished),
		cmocka_unit_test(checks_wait_for_readable_headers),
		cmocka_unit_test(missing_file_names_its_reason),
		cmocka_unit_test(include_in_a_directory_of_special_characters),
		cmocka_unit_test(include_of_a_fifo_does_not_wait),
		cmocka_unit_test(too_large_a_file),
		cmocka_unit_test(many_problems_are_counted_whole),
		cmocka_unit_test(hashes_its_text),
		cmocka_unit_test(prints_what_it_loaded),
		cmocka_unit_test(tells_what_needs_a_restart),
		cmocka_unit_test(threads_share_it),
	};

	return cmocka_run_group_tests_name("config", tests, set_up, tear_down);
}
