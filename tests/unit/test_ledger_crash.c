/* test_ledger_crash.c: the ledger's file on a full disk, in the middle of a compaction,
 * and written by a process that is killed. */
#include "tests/unit/ledger_dir.h"

static int no_space(struct place *p, struct ledger_file *f)
{
	struct rlimit old, full;
	struct stat st;
	char path[128];
	int r;

	path_of(p, "ledger", path, sizeof(path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	full = (struct rlimit){ .rlim_cur = (rlim_t)st.st_size + 30, .rlim_max = old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	r = commit(f, place("op-full", HOLD_OPERATOR, "web1", 0));
	if (r != 0) {
		/* Nothing half-written stays. */
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_size + 30, full.rlim_cur);
		/* What is true anyway is kept in mind; so is the end of op-1. */
		assert_int_equal(commit(f, place("rule-full", HOLD_RULE, "web9", 0)), r);
		assert_int_equal(commit(f, lift("al-4")), r);
		assert_int_equal(ledger_file_repair(f), 0);
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	return r;
}

static void test_full_disk(void **state)
{
	struct place *p = *state;
	struct buf before = BUF_INIT, after = BUF_INIT, file = BUF_INIT;
	struct ledger_file *f;

	signal(SIGXFSZ, SIG_IGN);
	write_sample(p);
	describe_file(p, &before);
	f = open_any(p);
	get_file(p, "ledger", &file);
	/* 30 bytes of the record go to the disk, and are taken back. */
	assert_int_equal(no_space(p, f), -EFBIG);
	assert_int_equal(ledger_file_error(f), 0);
	describe_file(p, &after);
	assert_non_null(strstr(buf_str(&after), "op-3"));
	assert_non_null(strstr(buf_str(&after), "rule-full"));
	assert_null(strstr(buf_str(&after), "op-full"));
	assert_null(strstr(buf_str(&after), "al-4"));
	assert_int_equal(commit(f, place("op-full", HOLD_OPERATOR, "web1", 0)), 0);
	describe_file(p, &after);
	assert_non_null(strstr(buf_str(&after), "op-full"));
	assert_null(strstr(buf_str(&after), "op-3"));
	ledger_file_free(f);
	buf_fini(&before);
	buf_fini(&after);
	buf_fini(&file);
	signal(SIGXFSZ, SIG_DFL);
}

/* While the disk stays full: the file on it stays whole, and says it. */
static void test_full_disk_stays(void **state)
{
	struct place *p = *state;
	struct buf before = BUF_INIT, after = BUF_INIT;
	struct rlimit old, full;
	struct ledger_file *f;

	signal(SIGXFSZ, SIG_IGN);
	write_sample(p);
	f = open_any(p);
	describe_file(p, &before);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	full = (struct rlimit){ .rlim_cur = 100, .rlim_max = old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	assert_int_equal(commit(f, place("op-full", HOLD_OPERATOR, "web1", 0)), -EFBIG);
	assert_int_equal(ledger_file_error(f), -EFBIG);
	assert_int_equal(ledger_file_repair(f), -EFBIG);
	assert_int_equal(commit(f, place("r", HOLD_RULE, "web7", 0)), -EFBIG);
	assert_false(exists(p, "ledger.new"));
	describe_file(p, &after);
	assert_string_equal(buf_str(&after), buf_str(&before));
	/* A start on a full disk is a start. */
	ledger_file_free(f);
	f = open_any(p);
	assert_int_equal(ledger_file_error(f), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(ledger_file_repair(f), 0);
	ledger_file_free(f);
	describe_file(p, &after);
	assert_string_equal(buf_str(&after), buf_str(&before));
	buf_fini(&before);
	buf_fini(&after);
	signal(SIGXFSZ, SIG_DFL);
}

/* A crash in the middle of a compaction leaves the old file and a new one that is
 * cut off anywhere: the old one counts. */
static void test_compaction_cut(void **state)
{
	struct place *p = *state;
	struct buf before = BUF_INIT, after = BUF_INIT, old = BUF_INIT, anew = BUF_INIT;
	struct ledger_state s;

	write_sample(p);
	describe_file(p, &before);
	get_file(p, "ledger", &old);
	ledger_file_free(open_any(p));
	get_file(p, "ledger", &anew);
	assert_true(anew.len < old.len);
	for (size_t len = 0; len <= anew.len; len += 7) {
		put_file(p, "ledger", old.data, old.len);
		put_file(p, "ledger.new", anew.data, len);
		ledger_file_free(open_file(p, &s));
		assert_false(s.damaged);
		describe(&s, &after);
		assert_string_equal(buf_str(&after), buf_str(&before));
		assert_false(exists(p, "ledger.new"));
		get_file(p, "ledger", &after);
		assert_string_equal(buf_str(&after), buf_str(&anew));
	}
	buf_fini(&before);
	buf_fini(&after);
	buf_fini(&old);
	buf_fini(&anew);
}

/* Places, replaces and lifts for ever, telling each number through the pipe once it
 * is on disk: even numbers place "h-N" on rsN, odd ones lift it where N % 3 == 0. */
static void child_appends(const char *dir, int out)
{
	struct buf why = BUF_INIT;
	struct ledger_state s;
	struct ledger_file *f;
	char id[32];

	if (ledger_file_open(dir, &why, &s, &f) != 0)
		_exit(1);
	ledger_file_set_compact_min(f, 3000);
	for (uint32_t i = 0;; i++) {
		snprintf(id, sizeof(id), "h-%u", i / 2);
		if (i % 2 == 0) {
			if (commit(f, place(id, HOLD_OPERATOR, id, 0)) != 0)
				_exit(2);
		} else if (i / 2 % 3 == 0) {
			if (commit(f, lift(id)) != 0)
				_exit(2);
		}
		if (write(out, &i, sizeof(i)) != sizeof(i))
			_exit(3);
		ledger_file_tend(f);
	}
}

static bool in_state(const struct ledger_state *s, uint32_t n)
{
	char id[32];

	snprintf(id, sizeof(id), "h-%u", n);
	for (size_t i = 0; i < s->n_holds; i++) {
		if (strcmp(s->holds[i]->id, id) == 0)
			return true;
	}
	return false;
}

static void test_killed(void **state)
{
	struct place *p = *state;
	struct ledger_state s;
	uint32_t told, acknowledged;
	int fds[2], status;
	pid_t pid;

	for (uint32_t round = 0; round < 12; round++) {
		uint32_t kill_at = round * round * 3;

		empty_dir(p);
		assert_int_equal(pipe(fds), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			close(fds[0]);
			child_appends(p->dir, fds[1]);
		}
		close(fds[1]);
		acknowledged = UINT32_MAX;
		while (read(fds[0], &told, sizeof(told)) == sizeof(told)) {
			acknowledged = told;
			if (told == kill_at)
				kill(pid, SIGKILL);
		}
		close(fds[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		assert_true(acknowledged != UINT32_MAX && acknowledged >= kill_at);
		ledger_file_free(open_file(p, &s));
		assert_false(s.damaged);
		/* The one after the last acknowledged may or may not be there. */
		for (uint32_t n = 0; n <= acknowledged / 2; n++) {
			bool lifted = n % 3 == 0 && 2 * n + 1 <= acknowledged;
			bool open = n % 3 == 0 && 2 * n + 1 == acknowledged + 1;

			if (!open)
				assert_int_equal(in_state(&s, n), !lifted);
		}
		assert_false(in_state(&s, acknowledged / 2 + 2));
		ledger_state_fini(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_full_disk),
		test(test_full_disk_stays),
		test(test_compaction_cut),
		test(test_killed),
	};

	return cmocka_run_group_tests_name("ledger_crash", tests, NULL, NULL);
}
