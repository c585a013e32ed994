/* test_sample.c: conf/ipvs-agent.ini is what the key tables print. The kinds of
 * probes bring libraries with them: here the registry is empty, and their keys are
 * left out; `make check-sample` compares the whole. */
#include "agent/sections.h"
#include "collectors/table.h"
#include "conf/print.h"
#include "tests/unit/t.h"

const struct probe_type *const probe_table[] = { NULL };

/* Takes the keys of the kinds of probes out: they stand before the next section. */
static void cut_parts(char *text)
{
	char *from = text ? strstr(text, "\n; With a url of ") : NULL;
	char *to = text ? strstr(text, "\n; Where no canary ") : NULL;

	assert_true(from && to && from < to);
	if (to)
		memmove(from, to, strlen(to) + 1);
}

static void sample_is_printed_by_the_tables(void **state ATTR_UNUSED)
{
	struct buf want = BUF_INIT, have = BUF_INIT;
	FILE *f = fopen("conf/ipvs-agent.ini", "re");
	int c;

	assert_non_null(f);
	while ((c = getc(f)) != EOF)
		buf_putc(&have, (char)c);
	fclose(f);
	agent_sections_init();
	config_print_sample(agent_sections, &want);
	assert_true(want.len > 1000);
	cut_parts(have.data);
	assert_string_equal(buf_str(&have), buf_str(&want));
	buf_fini(&want);
	buf_fini(&have);
}

static void every_key_has_its_sentence(void **state ATTR_UNUSED)
{
	const struct conf_section *const *s;
	size_t i;

	for (s = agent_sections; *s; s++) {
		assert_non_null((*s)->help);
		for (i = 0; i < (*s)->n_keys; i++) {
			const struct conf_key *key = &(*s)->keys[i];
			size_t len = key->help ? strlen(key->help) : 0;

			if (!len || key->help[len - 1] != '.')
				fail_msg("[%s] %s: no sentence", (*s)->name, key->name);
			/* lists cannot be inherited: config_load() copies values flat */
			if ((*s)->base && (key->flags & CONF_LIST))
				assert_true(key->flags & CONF_NO_DEFAULTS);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sample_is_printed_by_the_tables),
		cmocka_unit_test(every_key_has_its_sentence),
	};

	return cmocka_run_group_tests_name("sample", tests, NULL, NULL);
}
