/* test_ledger_file.c: the ledger's file in good days: what is written is read, alone and
 * compacted. */
#include "tests/unit/ledger_dir.h"

static void test_roundtrip(void **state)
{
	struct place *p = *state;
	struct buf before = BUF_INIT, after = BUF_INIT;
	struct ledger_state s;

	write_sample(p);
	describe_file(p, &before);
	assert_string_equal(buf_str(&before),
			    "op-3 operator web/web1 ann -1 'said \"so\" — twice' 1700000000000 "
			    "1700000003600\n"
			    "al-4 alert web/web3 ann 1 'said \"so\" — twice' 1700000000000 "
			    "1700000003600\n"
			    "al-5 alert web/web4 ann 105 'said \"so\" — twice' 1700000000000 "
			    "1700000003600 rule 'overloaded' weight 150 starts 1699999990000 "
			    "drain 300000 waiting\n"
			    "own 6 0 10 [2001:db8::1]:443\n"
			    "own 0 7 10 ::\n");
	/* Opening compacts, and compacting changes nothing. */
	ledger_file_free(open_file(p, &s));
	describe(&s, &after);
	assert_string_equal(buf_str(&after), buf_str(&before));
	describe_file(p, &after);
	assert_string_equal(buf_str(&after), buf_str(&before));
	get_file(p, "ledger", &after);
	assert_null(strstr(buf_str(&after), "rule-2"));
	buf_fini(&before);
	buf_fini(&after);
}

static void test_missing(void **state)
{
	struct place *p = *state;
	struct ledger_state s;
	struct ledger_file *f;
	struct stat st;

	/* The directory is made, and nothing is made by reading. */
	assert_int_equal(rmdir(p->dir), 0);
	assert_int_equal(ledger_read(p->dir, &p->why, &s), 0);
	assert_int_equal(s.n_holds + s.n_owned, 0);
	ledger_state_fini(&s);
	assert_int_equal(stat(p->dir, &st), -1);
	f = open_file(p, &s);
	assert_int_equal(s.n_holds + s.n_owned, 0);
	assert_null(s.set_aside);
	ledger_state_fini(&s);
	ledger_file_free(f);
	assert_int_equal(stat(p->dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	/* Not its parents. */
	buf_reset(&p->why);
	assert_int_equal(ledger_file_open("/nonexistent/a/b", &p->why, &s, &f), -ENOENT);
	assert_string_equal(buf_str(&p->why),
			    "cannot create /nonexistent/a/b: No such file or directory");
}

static void test_two_agents(void **state)
{
	struct place *p = *state;
	struct ledger_file *first = open_any(p), *second = NULL;
	struct ledger_state s;
	char expected[256];

	buf_reset(&p->why);
	assert_int_equal(ledger_file_open(p->dir, &p->why, &s, &second), -EBUSY);
	assert_null(second);
	snprintf(expected, sizeof(expected),
		 "another ipvs-agent is running: it holds the lock on %s/lock", p->dir);
	assert_string_equal(buf_str(&p->why), expected);
	/* plan may read meanwhile. */
	assert_int_equal(commit(first, place("a", HOLD_RULE, "web1", 0)), 0);
	assert_int_equal(ledger_read(p->dir, &p->why, &s), 0);
	assert_int_equal(s.n_holds, 1);
	ledger_state_fini(&s);
	ledger_file_free(first);
	ledger_file_free(open_any(p));
}

static void test_compaction(void **state)
{
	struct place *p = *state;
	struct buf file = BUF_INIT;
	struct ledger_file *f = open_any(p);
	size_t longest = 0;

	ledger_file_set_compact_min(f, 2000);
	for (int i = 0; i < 400; i++) {
		assert_int_equal(commit(f, place(i % 2 ? "a" : "b", HOLD_ALERT, "web1", i % 100)),
				 0);
		ledger_file_tend(f);
		get_file(p, "ledger", &file);
		longest = file.len > longest ? file.len : longest;
	}
	assert_in_range(longest, 1500, 2400);
	describe_file(p, &file);
	assert_string_equal(buf_str(&file),
			    "a alert web/web1 ann 99 'said \"so\" — twice' 1700000000000 "
			    "1700000003600\n");
	ledger_file_free(f);
	buf_fini(&file);
}

/* Whoever removes the file under the agent loses nothing. */
static void test_removed(void **state)
{
	struct place *p = *state;
	struct buf file = BUF_INIT;
	struct ledger_file *f = open_any(p);
	char path[128];

	assert_int_equal(commit(f, place("a", HOLD_OPERATOR, "web1", 0)), 0);
	path_of(p, "ledger", path, sizeof(path));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(commit(f, place("b", HOLD_OPERATOR, "web2", 0)), 0);
	assert_int_equal(commit(f, place("c", HOLD_OPERATOR, "web3", 0)), 0);
	describe_file(p, &file);
	assert_int_equal(strncmp(buf_str(&file), "a operator", 10), 0);
	assert_non_null(strstr(buf_str(&file), "b operator"));
	assert_non_null(strstr(buf_str(&file), "c operator"));
	ledger_file_free(f);
	buf_fini(&file);
}

static void test_refused(void **state)
{
	struct place *p = *state;
	struct buf file = BUF_INIT, name = BUF_INIT;
	struct ledger_file *f = open_any(p);
	struct ledger_change *batch[3];
	struct ledger_change *c;

	for (int i = 0; i < 300; i++)
		buf_putc(&name, 'x');
	assert_int_equal(commit(f, place("a", HOLD_RULE, "web1", 0)), 0);
	batch[0] = place("a", HOLD_RULE, "web2", 0);
	batch[1] = place("b", HOLD_RULE, buf_str(&name), 0);
	batch[2] = place("c", HOLD_RULE, "web3", 0);
	ledger_file_commit(f, batch, 3);
	assert_int_equal(batch[0]->error, -EEXIST);
	assert_int_equal(batch[1]->error, -EMSGSIZE);
	assert_int_equal(batch[2]->error, 0);
	for (int i = 0; i < 3; i++) {
		ledger_change_fini(batch[i]);
		free(batch[i]);
	}
	assert_int_equal(commit(f, place("d", HOLD_RULE, "web4", HOLD_REPLACE_SHARE + 1)), -EINVAL);
	/* Not UTF-8, and a reason without end: written as far as it goes. */
	c = place("e", HOLD_OPERATOR, "web5", 0);
	c->record.hold->reason[0] = (char)0xff;
	assert_int_equal(commit(f, c), 0);
	buf_reset(&name);
	buf_puts(&name, "x");
	for (int i = 0; i < 5000; i++)
		buf_puts(&name, "ä");
	c = place("f", HOLD_RULE, "web6", 0);
	free(c->record.hold->reason);
	c->record.hold->reason = buf_take(&name);
	assert_int_equal(commit(f, c), 0);
	describe_file(p, &file);
	assert_non_null(strstr(buf_str(&file), "c rule web/web3"));
	assert_non_null(strstr(buf_str(&file), "'?aid \"so\" ??? twice'"));
	assert_non_null(strstr(buf_str(&file), "ää' 1700"));
	assert_true(file.len > 8192 && file.len < 9000);
	ledger_file_free(f);
	buf_fini(&file);
	buf_fini(&name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_roundtrip),  test(test_missing), test(test_two_agents),
		test(test_compaction), test(test_removed), test(test_refused),
	};

	return cmocka_run_group_tests_name("ledger_file", tests, NULL, NULL);
}
