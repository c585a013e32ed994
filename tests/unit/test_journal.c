/* test_journal.c: the journal's file: in order, within its size, cut at every byte,
 * killed, on a full disk, and behind a disk that takes nothing. */
#include <time.h>

#include "agent/base/clock.h"
#include "agent/holds/journal.h"
#include "agent/holds/journal_read.h"
#include "tests/unit/ledger_dir.h"

static void put(struct journal *j, int64_t to)
{
	struct journal_line *l = journal_begin(j, JOURNAL_WEIGHT, 1700000000000 + to, to);

	journal_line_text(l, "service", "web");
	journal_line_text(l, "realserver", "web1");
	journal_line_int(l, "to", to);
	journal_end(j, l);
}

/* What was read: numbers that only ever grow by one. */
struct run {
	int64_t first, last, n;
	bool gap;
};

static int take(void *arg, const struct journal_entry *e)
{
	struct run *r = arg;
	int64_t to = journal_int(e, "to");

	assert_string_equal(e->what, "weight");
	assert_int_equal(e->wall_ms, 1700000000000 + to);
	assert_int_equal(e->mono_ms, to);
	if (!r->n++)
		r->first = to;
	else
		r->gap |= to != r->last + 1;
	r->last = to;
	return 0;
}

static struct run read_back(struct place *p, struct journal_read_end *ret_end)
{
	struct run run = { 0 };
	char path[128];
	int r;

	path_of(p, "journal", path, sizeof(path));
	r = journal_read(path, take, &run, ret_end);
	assert_true(r == 0 || r == -ENOENT);
	return run;
}

static struct journal *open_journal(struct place *p, uint64_t size)
{
	struct journal *j;

	assert_int_equal(journal_new(p->dir, size, &j), 0);
	return j;
}

static off_t size_of(const struct place *p, const char *name)
{
	struct stat st;
	char path[128];

	path_of(p, name, path, sizeof(path));
	if (stat(path, &st) == -1)
		return -1;
	assert_int_equal(st.st_mode & 0777, 0640);
	return st.st_size;
}

/* Waits until a counter has come to `n`; the thread has no other news. */
static struct journal_stats wait_stats(struct journal *j, uint64_t lines, uint64_t errors)
{
	struct timespec nap = { .tv_nsec = 1000000 };
	struct journal_stats s;

	for (int i = 0; i < 20000; i++) {
		journal_stats(j, &s);
		if (s.lines >= lines && s.errors >= errors)
			return s;
		nanosleep(&nap, NULL);
	}
	fail_msg("the journal wrote %llu lines and failed %llu times", (unsigned long long)s.lines,
		 (unsigned long long)s.errors);
	return s;
}

static void test_order(void **state)
{
	struct place *p = *state;
	struct journal_read_end end;
	struct journal_stats s;
	struct journal *j;
	struct run run;
	int64_t begun;

	umask(027);
	j = open_journal(p, 16 * 1024 * 1024);
	begun = clock_mono_ms();
	put(j, 1);
	(void)wait_stats(j, 1, 0);
	assert_in_range(clock_mono_ms() - begun, 0, 1000);
	for (int64_t i = 2; i <= 5000; i++)
		put(j, i);
	s = wait_stats(j, 5000, 0);
	assert_int_equal(s.lines, 5000);
	assert_int_equal(s.dropped + s.errors, 0);
	assert_int_equal(s.error, 0);
	/* It is there before it is closed. */
	run = read_back(p, &end);
	assert_int_equal(run.n, 5000);
	assert_int_equal(run.last, 5000);
	assert_false(run.gap || end.torn);
	assert_int_equal(end.bad + end.missing, 0);
	journal_free(j);
	/* A second run goes on behind the first. */
	j = open_journal(p, 16 * 1024 * 1024);
	put(j, 5001);
	journal_free(j);
	run = read_back(p, &end);
	assert_int_equal(run.n, 5001);
	assert_false(run.gap);
	assert_int_equal(end.missing, 0);
	assert_int_equal(size_of(p, "journal.1"), -1);
}

static void test_rotation(void **state)
{
	enum { SIZE = 10000 };
	struct place *p = *state;
	struct journal_read_end end;
	struct journal *j;
	struct run run;
	int64_t n = 0;

	umask(027);
	for (int round = 0; round < 5; round++) {
		j = open_journal(p, SIZE);
		for (int i = 0; i < 333; i++)
			put(j, ++n);
		/* All at once, then one by one. */
		for (int i = 0; i < 20; i++) {
			wait_stats(j, 333 + (uint64_t)i, 0);
			put(j, ++n);
		}
		journal_free(j);
		assert_in_range(size_of(p, "journal"), 1, SIZE);
		assert_in_range(size_of(p, "journal.1"), SIZE / 2, SIZE);
		run = read_back(p, &end);
		assert_int_equal(run.last, n);
		assert_false(run.gap || end.torn);
		assert_int_equal(end.bad, 0);
		assert_true(run.n >= 60 && run.n < n);
	}
	/* A limit that no line fits in: a file of its own for each. */
	j = open_journal(p, 1);
	put(j, n + 1);
	put(j, n + 2);
	journal_free(j);
	run = read_back(p, &end);
	assert_int_equal(run.first, n + 1);
	assert_int_equal(run.n, 2);
}

/* However much of the file a crash left: the whole lines are read, and what is written
 * next stands behind them. */
static void test_cut_at_every_byte(void **state)
{
	struct place *p = *state;
	struct buf file = BUF_INIT;
	struct journal_read_end end;
	struct journal *j = open_journal(p, 1024 * 1024);
	struct run run;
	int64_t whole;

	for (int64_t i = 1; i <= 6; i++)
		put(j, i);
	journal_free(j);
	get_file(p, "journal", &file);
	for (size_t len = 0; len <= file.len; len++) {
		whole = 0;
		for (size_t i = 0; i < len; i++)
			whole += file.data[i] == '\n';
		put_file(p, "journal", file.data, len);
		run = read_back(p, &end);
		assert_int_equal(run.n, whole);
		assert_int_equal(end.torn, len > 0 && file.data[len - 1] != '\n');
		assert_int_equal(end.bad, 0);
		j = open_journal(p, 1024 * 1024);
		put(j, whole + 1);
		journal_free(j);
		run = read_back(p, &end);
		assert_int_equal(run.n, whole + 1);
		assert_false(run.gap || end.torn);
		assert_int_equal(end.bad, 0);
	}
	/* A tail that is no line of ours is left, and the next line is one of its own. */
	buf_reset(&file);
	for (int i = 0; i < 2 * JOURNAL_LINE_MAX; i++)
		buf_putc(&file, 'x');
	put_file(p, "journal", file.data, file.len);
	j = open_journal(p, 1024 * 1024);
	put(j, 1);
	journal_free(j);
	run = read_back(p, &end);
	assert_int_equal(run.n, 1);
	assert_int_equal(end.bad, 1);
	buf_fini(&file);
}

static void child_writes(struct place *p, int out)
{
	struct journal_stats s;
	struct journal *j;

	if (journal_new(p->dir, 20000, &j))
		_exit(1);
	for (int64_t i = 1;; i++) {
		put(j, i);
		journal_stats(j, &s);
		if (write(out, &s.lines, sizeof(s.lines)) != sizeof(s.lines))
			_exit(2);
	}
}

static void test_killed(void **state)
{
	struct place *p = *state;
	struct journal_read_end end;
	uint64_t told, written;
	struct run run;
	int fds[2], status;
	pid_t pid;

	for (uint64_t round = 0; round < 12; round++) {
		empty_dir(p);
		assert_int_equal(pipe(fds), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			close(fds[0]);
			child_writes(p, fds[1]);
		}
		close(fds[1]);
		written = 0;
		while (read(fds[0], &told, sizeof(told)) == sizeof(told)) {
			written = told;
			if (told >= round * round * 7)
				kill(pid, SIGKILL);
		}
		close(fds[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		run = read_back(p, &end);
		assert_false(run.gap);
		assert_true(run.last >= (int64_t)written);
		assert_int_equal(end.bad + end.missing, 0);
	}
}

/* A full disk: told, and got over without a line lost. */
static void test_full_disk(void **state)
{
	struct place *p = *state;
	struct journal_read_end end;
	struct journal_stats s;
	struct rlimit old, full;
	struct journal *j;
	struct run run;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	full = (struct rlimit){ .rlim_cur = 150, .rlim_max = old.rlim_max };
	j = open_journal(p, 1024 * 1024);
	put(j, 1);
	wait_stats(j, 1, 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	for (int64_t i = 2; i <= 10; i++)
		put(j, i);
	s = wait_stats(j, 1, 1);
	assert_int_equal(s.error, -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	/* Only whole lines, while it lasts. */
	run = read_back(p, &end);
	assert_false(run.gap || end.torn);
	s = wait_stats(j, 10, 1);
	assert_int_equal(s.error, 0);
	assert_int_equal(s.dropped, 0);
	journal_free(j);
	run = read_back(p, &end);
	assert_int_equal(run.n, 10);
	assert_false(run.gap || end.torn);
	assert_int_equal(end.bad, 0);
	signal(SIGXFSZ, SIG_DFL);
}

/* Nothing can be written: the queue is bounded, what is over it is counted, and the gap
 * can be seen afterwards. */
static void test_bounded(void **state)
{
	enum { MANY = 200000 };
	struct place *p = *state;
	struct journal_read_end end;
	struct journal_stats s;
	struct journal *j;
	struct run run;
	char path[128];
	int64_t begun;

	path_of(p, "journal", path, sizeof(path));
	assert_int_equal(mkfifo(path, 0600), 0);
	j = open_journal(p, 1024 * 1024 * 1024);
	put(j, 1);
	s = wait_stats(j, 0, 1);
	assert_int_equal(s.error, -ENOTSUP);
	begun = clock_mono_ms();
	for (int64_t i = 2; i <= MANY; i++)
		put(j, i);
	/* Who writes never waits for the disk. */
	assert_in_range(clock_mono_ms() - begun, 0, 20000);
	journal_stats(j, &s);
	assert_int_equal(s.lines, 0);
	assert_in_range(s.dropped, MANY / 4, MANY - 10000);
	unlink(path);
	s = wait_stats(j, MANY - s.dropped, 1);
	put(j, MANY + 1);
	wait_stats(j, s.lines + 1, 1);
	journal_free(j);
	run = read_back(p, &end);
	assert_true(run.gap);
	assert_int_equal(run.last, MANY + 1);
	assert_int_equal(end.missing, s.dropped);
	assert_int_equal((uint64_t)run.n + s.dropped, MANY + 1);
}

/* Somebody removes the file, or cuts it, under us. */
static void test_meddled(void **state)
{
	struct place *p = *state;
	struct journal_read_end end;
	struct journal *j = open_journal(p, 1024 * 1024);
	struct run run;
	char path[128], other[128];

	path_of(p, "journal", path, sizeof(path));
	path_of(p, "journal.1", other, sizeof(other));
	put(j, 1);
	wait_stats(j, 1, 0);
	unlink(path);
	put(j, 2);
	wait_stats(j, 2, 0);
	run = read_back(p, &end);
	assert_int_equal(run.first, 2);
	assert_int_equal(truncate(path, 0), 0);
	put(j, 3);
	journal_free(j);
	run = read_back(p, &end);
	assert_int_equal(run.first, 3);
	assert_int_equal(end.bad, 0);
	/* Two names of one file: it is read once. */
	assert_int_equal(link(path, other), 0);
	run = read_back(p, &end);
	assert_int_equal(run.n, 1);
}

static void test_off(void **state)
{
	struct place *p = *state;
	struct journal_read_end end;
	struct journal_stats s;
	struct journal *j = open_journal(p, 0);

	assert_null(journal_begin(j, JOURNAL_START, 1, 2));
	put(j, 1);
	journal_set_size(j, 1000);
	put(j, 2);
	wait_stats(j, 1, 0);
	journal_set_size(j, 0);
	put(j, 3);
	journal_free(j);
	assert_int_equal(read_back(p, &end).n, 1);
	/* No journal at all is one that is off. */
	put(NULL, 1);
	journal_set_size(NULL, 1);
	journal_stats(NULL, &s);
	assert_int_equal(s.lines + s.dropped, 0);
	journal_free(NULL);
}

/* A line that says what its table does not have is never written. */
static void test_wrong_line(void **state)
{
	struct place *p = *state;
	struct journal_read_end end;
	struct journal_stats s;
	struct journal *j = open_journal(p, 100000);
	struct journal_line *l = journal_begin(j, JOURNAL_WEIGHT, 1, 2);

	journal_line_text(l, "colour", "red");
	journal_end(j, l);
	journal_stats(j, &s);
	assert_int_equal(s.dropped, 1);
	put(j, 2);
	journal_free(j);
	assert_int_equal(read_back(p, &end).n, 1);
}

static void test_nothing_to_read(void **state)
{
	struct place *p = *state;
	struct journal_read_end end;
	static const char older[] = "{\"t\":1700000000001,\"m\":1,\"seq\":1,\"what\":\"weight\","
				    "\"to\":1}\n{";
	struct run run = { 0 };
	char path[128];

	path_of(p, "journal", path, sizeof(path));
	assert_int_equal(journal_read(path, take, &run, &end), -ENOENT);
	assert_int_equal(journal_read(p->dir, take, &run, NULL), -EISDIR);
	/* Between a rotation and the next line there is the older file only. */
	put_file(p, "journal.1", older, sizeof(older) - 1);
	assert_int_equal(journal_read(path, take, &run, &end), 0);
	assert_int_equal(run.n, 1);
	assert_true(end.torn);
}

/* --- who else is told ----------------------------------------------------------- */

struct heard {
	bool deaf;
	uint64_t seq;
	unsigned int n;
};

static bool wants(void *arg, enum journal_kind kind)
{
	const struct heard *h = arg;

	return !h->deaf && kind != JOURNAL_SAMPLE;
}

static void hear(void *arg, const struct buf *text, uint64_t seq)
{
	struct heard *h = arg;

	assert_int_equal(text->data[text->len - 1], '\n');
	h->seq = seq;
	h->n++;
}

static void test_tap(void **state)
{
	struct place *p = *state;
	struct heard heard = { 0 };
	struct journal_tap tap = { .wants = wants, .line = hear, .arg = &heard };
	struct journal *j = open_journal(p, 0);

	assert_null(journal_begin(j, JOURNAL_WEIGHT, 1, 1));
	journal_set_tap(j, &tap);
	journal_set_tap(NULL, &tap);
	/* Where none is kept, lines are made for those who listen, and only those. */
	put(j, 1);
	assert_int_equal(heard.n, 1);
	assert_int_equal(heard.seq, 1);
	assert_null(journal_begin(j, JOURNAL_SAMPLE, 1, 1));
	heard.deaf = true;
	assert_null(journal_begin(j, JOURNAL_WEIGHT, 1, 1));
	journal_set_size(j, 1024 * 1024);
	put(j, 2);
	assert_int_equal(heard.n, 1);
	heard.deaf = false;
	put(j, 3);
	assert_int_equal(heard.n, 2);
	assert_int_equal(heard.seq, 3);
	(void)wait_stats(j, 2, 0);
	journal_free(j);
	assert_true(size_of(p, "journal") > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_order),           test(test_rotation),  test(test_cut_at_every_byte),
		test(test_killed),          test(test_full_disk), test(test_bounded),
		test(test_meddled),         test(test_off),       test(test_wrong_line),
		test(test_nothing_to_read), test(test_tap),
	};

	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
