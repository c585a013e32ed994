/* test_ledger_file.c: the ledger's file, cut at every byte, with every bit flipped,
 * on a full disk, and written by a process that is killed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "agent/holds/ledger_file.h"

struct place {
	char dir[64];
	struct buf why;
};

/* --- helpers ----------------------------------------------------------------- */

static void path_of(const struct place *p, const char *name, char *ret_path, size_t size)
{
	snprintf(ret_path, size, "%s/%s", p->dir, name);
}

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	snprintf(p->dir, sizeof(p->dir), "/tmp/test-ledger-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	*state = p;
	return 0;
}

static void empty_dir(const struct place *p)
{
	char path[400];
	struct dirent *e;
	DIR *d = opendir(p->dir);

	while (d && (e = readdir(d))) {
		path_of(p, e->d_name, path, sizeof(path));
		unlink(path);
	}
	if (d)
		closedir(d);
}

static int teardown(void **state)
{
	struct place *p = *state;

	empty_dir(p);
	rmdir(p->dir);
	buf_fini(&p->why);
	free(p);
	return 0;
}

static void put_file(const struct place *p, const char *name, const void *bytes, size_t len)
{
	char path[128];
	FILE *f;

	path_of(p, name, path, sizeof(path));
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	fclose(f);
}

static void get_file(const struct place *p, const char *name, struct buf *out)
{
	char path[128], chunk[4096];
	size_t n;
	FILE *f;

	path_of(p, name, path, sizeof(path));
	f = fopen(path, "r");
	assert_non_null(f);
	buf_reset(out);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_put(out, chunk, n);
	fclose(f);
}

static bool exists(const struct place *p, const char *name)
{
	char path[128];

	path_of(p, name, path, sizeof(path));
	return access(path, F_OK) == 0;
}

static struct ledger_change *place(const char *id, enum hold_class hold_class,
				   const char *realserver, int effect)
{
	struct ledger_change *c = calloc(1, sizeof(*c));
	struct hold like = {
		.id = (char *)(uintptr_t)id,
		.hold_class = hold_class,
		.service = (char *)(uintptr_t)"web",
		.realserver = (char *)(uintptr_t)realserver,
		.holder = (char *)(uintptr_t)"ann",
		.effect = effect,
		.reason = (char *)(uintptr_t)"said \"so\" — twice",
		.since_wall_ms = 1700000000000,
		.until_wall_ms = 1700000003600,
	};

	c->record = (struct record){ .type = RECORD_PLACE, .hold = hold_new(&like) };
	return c;
}

static struct ledger_change *lift(const char *id)
{
	struct ledger_change *c = calloc(1, sizeof(*c));

	c->record = (struct record){ .type = RECORD_LIFT, .id = strdup(id) };
	return c;
}

static struct ledger_change *own(enum record_type type, const char *address, uint32_t fwmark)
{
	struct ledger_change *c = calloc(1, sizeof(*c));

	c->record.type = type;
	c->record.key.fwmark = fwmark;
	if (fwmark) {
		c->record.key.addr.family = AF_INET6;
		return c;
	}
	c->record.key.proto = IPPROTO_TCP;
	assert_int_equal(addr_parse(address, &c->record.key.addr), 0);
	return c;
}

/* Commits one change; returns its error. */
static int commit(struct ledger_file *f, struct ledger_change *c)
{
	int r;

	ledger_file_commit(f, &c, 1);
	r = c->error;
	ledger_change_fini(c);
	free(c);
	return r;
}

static void add_hold(const struct hold *h, struct buf *out)
{
	buf_printf(out, "%s %s %s/%s %s %d '%s' %lld %lld\n", h->id,
		   hold_class_names[h->hold_class], h->service, h->realserver, h->holder, h->effect,
		   h->reason, (long long)h->since_wall_ms, (long long)h->until_wall_ms);
}

/* The state as text, to compare; frees it. */
static void describe(struct ledger_state *s, struct buf *out)
{
	buf_reset(out);
	for (size_t i = 0; i < s->n_holds; i++) {
		assert_true(s->holds[i]->recorded);
		add_hold(s->holds[i], out);
	}
	for (size_t i = 0; i < s->n_owned; i++) {
		buf_printf(out, "own %u %u %u ", s->owned[i].proto, s->owned[i].fwmark,
			   s->owned[i].addr.family);
		addr_format(out, &s->owned[i].addr);
		buf_putc(out, '\n');
	}
	ledger_state_fini(s);
}

/* What the file says, without touching it. */
static void describe_file(struct place *p, struct buf *out)
{
	struct ledger_state s;

	assert_int_equal(ledger_read(p->dir, &p->why, &s), 0);
	assert_false(s.damaged);
	describe(&s, out);
}

static struct ledger_file *open_file(struct place *p, struct ledger_state *ret_state)
{
	struct ledger_file *f;
	int r;

	buf_reset(&p->why);
	r = ledger_file_open(p->dir, &p->why, ret_state, &f);
	if (r != 0)
		print_error("%s\n", buf_str(&p->why));
	assert_int_equal(r, 0);
	return f;
}

static struct ledger_file *open_any(struct place *p)
{
	struct ledger_state s;
	struct ledger_file *f = open_file(p, &s);

	ledger_state_fini(&s);
	return f;
}

/* A log in which every kind of record stands. */
static void write_sample(struct place *p)
{
	struct ledger_file *f = open_any(p);

	assert_int_equal(commit(f, own(RECORD_OWN, "10.1.2.15:80", 0)), 0);
	assert_int_equal(commit(f, place("op-1", HOLD_OPERATOR, "web1", 0)), 0);
	assert_int_equal(commit(f, place("rule-2", HOLD_RULE, "web2", 50)), 0);
	assert_int_equal(commit(f, own(RECORD_OWN, "[2001:db8::1]:443", 0)), 0);
	assert_int_equal(commit(f, own(RECORD_OWN, NULL, 7)), 0);
	assert_int_equal(commit(f, lift("rule-2")), 0);
	assert_int_equal(commit(f, place("op-3", HOLD_OPERATOR, "web1", -1)), 0);
	assert_int_equal(commit(f, own(RECORD_DISOWN, "10.1.2.15:80", 0)), 0);
	assert_int_equal(commit(f, place("al-4", HOLD_ALERT, "web3", 1)), 0);
	ledger_file_free(f);
}

/* --- tests ------------------------------------------------------------------- */

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

/* Every prefix of the file opens with the state of its complete records. */
static void test_cut_at_every_byte(void **state)
{
	struct place *p = *state;
	struct buf file = BUF_INIT, expected = BUF_INIT, got = BUF_INIT;
	struct ledger_state s;
	struct ledger_file *f;

	write_sample(p);
	get_file(p, "ledger", &file);
	assert_true(file.len > 500);
	for (size_t len = 0; len <= file.len; len++) {
		size_t whole = len;

		while (whole > 0 && file.data[whole - 1] != '\n')
			whole--;
		put_file(p, "ledger", file.data, whole);
		describe_file(p, &expected);
		put_file(p, "ledger", file.data, len);
		f = open_file(p, &s);
		assert_false(s.damaged);
		assert_null(s.set_aside);
		describe(&s, &got);
		assert_string_equal(buf_str(&got), buf_str(&expected));
		/* It goes on, and what is written now is read next time. */
		assert_int_equal(commit(f, lift("nobody")), 0);
		ledger_file_free(f);
		describe_file(p, &got);
		assert_string_equal(buf_str(&got), buf_str(&expected));
	}
	/* Zeros instead of the tail, as a crash of the machine may leave. */
	memset(file.data + file.len - 20, 0, 20);
	put_file(p, "ledger", file.data, file.len);
	f = open_file(p, &s);
	assert_false(s.damaged);
	assert_int_equal(s.n_holds, 1);
	ledger_state_fini(&s);
	ledger_file_free(f);
	buf_fini(&file);
	buf_fini(&expected);
	buf_fini(&got);
}

/* Every flipped bit is told, or cost no more than the last record. */
static void test_flip_every_bit(void **state)
{
	struct place *p = *state;
	struct buf file = BUF_INIT, whole = BUF_INIT, forgotten = BUF_INIT, got = BUF_INIT;
	struct ledger_state s;
	size_t last, n_damaged = 0, n_forgotten = 0;

	write_sample(p);
	get_file(p, "ledger", &file);
	describe_file(p, &whole);
	for (last = file.len - 1; file.data[last - 1] != '\n';)
		last--;
	put_file(p, "ledger", file.data, last);
	describe_file(p, &forgotten);
	assert_string_not_equal(buf_str(&whole), buf_str(&forgotten));
	for (size_t i = 0; i < file.len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			file.data[i] ^= (char)(1 << bit);
			put_file(p, "ledger", file.data, file.len);
			file.data[i] ^= (char)(1 << bit);
			buf_reset(&p->why);
			assert_int_equal(ledger_read(p->dir, &p->why, &s), 0);
			if (s.damaged) {
				assert_int_equal(s.n_owned, 0);
				assert_non_null(strstr(s.damage, "line "));
				ledger_state_fini(&s);
				n_damaged++;
				continue;
			}
			describe(&s, &got);
			assert_true(i >= last);
			assert_string_equal(buf_str(&got), buf_str(&forgotten));
			n_forgotten++;
		}
	}
	/* Only the last newline's bits make a whole record look cut off. */
	assert_int_equal(n_forgotten, 8);
	assert_int_equal(n_damaged, 8 * (file.len - 1));
	buf_fini(&file);
	buf_fini(&whole);
	buf_fini(&forgotten);
	buf_fini(&got);
}

static void test_set_aside(void **state)
{
	struct place *p = *state;
	struct buf file = BUF_INIT, kept = BUF_INIT;
	struct ledger_state s;
	struct ledger_file *f;
	char *name;

	write_sample(p);
	get_file(p, "ledger", &file);
	/* In the record that lifts rule-2: that hold stands again, and is told of. */
	strstr(file.data, "\"lift\"")[2] ^= 1;
	put_file(p, "ledger", file.data, file.len);
	f = open_file(p, &s);
	assert_true(s.damaged);
	assert_string_equal(s.damage, "line 7 has a checksum that does not match");
	assert_int_equal(s.n_owned, 0);
	assert_int_equal(s.n_holds, 2);
	assert_string_equal(s.holds[0]->id, "op-1");
	assert_string_equal(s.holds[1]->id, "rule-2");
	name = s.set_aside + strlen(p->dir) + 1;
	assert_int_equal(strncmp(name, "ledger.damaged-2", 16), 0);
	get_file(p, name, &kept);
	assert_int_equal(kept.len, file.len);
	assert_memory_equal(kept.data, file.data, kept.len);
	ledger_state_fini(&s);
	ledger_file_free(f);
	/* The next start finds a whole one. */
	f = open_file(p, &s);
	assert_false(s.damaged);
	assert_int_equal(s.n_holds, 2);
	ledger_state_fini(&s);
	ledger_file_free(f);
	buf_fini(&file);
	buf_fini(&kept);
}

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
	assert_int_equal(commit(f, place("d", HOLD_RULE, "web4", 101)), -EINVAL);
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

/* Whole lines, but not ours: the checksum is right in each. */
static void test_hostile(void **state)
{
	static const struct {
		const char *line; /* "SEQUENCE json"; the checksum is put before it */
		int error;        /* 0 = damaged */
		const char *why;
	} cases[] = {
		{ "0 {\"ledger\":2}", -EPROTONOSUPPORT,
		  "line 1 was written by a newer ipvs-agent (format 2; this one knows 1)" },
		{ "0 {\"ledger\":0}", 0, "line 1 is not a ledger's header" },
		{ "0 {\"ledger\":\"1\"}", 0, "line 1 is not a ledger's header" },
		{ "0 [1]", 0, "line 1 is not a JSON object" },
		{ "1 {\"type\":\"merge\"}", -EPROTONOSUPPORT,
		  "line 2 is of type 'merge', which only a newer ipvs-agent knows" },
		{ "1 {\"type\":7}", 0, "line 2 has no good \"type\"" },
		{ "2 {\"type\":\"lift\",\"id\":\"a\"}", 0, "line 2 is not number 1 of the sequence" },
		{ "1 {\"type\":\"lift\",\"id\":\"\"}", 0, "line 2 has no good \"id\"" },
		{ "1 {\"type\":\"lift\",\"id\":1}", 0, "line 2 has no good \"id\"" },
		{ "1 {\"type\":\"lift\",\"id\":\"a\",\"id\":\"b\"}", 0, "line 2 is not a JSON object" },
		{ "1 {\"type\":\"own\",\"proto\":\"tcp\"}", 0, "line 2 has no good \"address\"" },
		{ "1 {\"type\":\"own\",\"proto\":\"icmp\",\"address\":\"10.0.0.1:80\"}", 0,
		  "line 2 has no good \"proto\"" },
		{ "1 {\"type\":\"own\",\"fwmark\":0,\"family\":\"inet\"}", 0,
		  "line 2 has no good \"fwmark\"" },
		{ "1 {\"type\":\"own\",\"fwmark\":1,\"family\":\"unix\"}", 0,
		  "line 2 has no good \"family\"" },
		{ "1 {\"type\":\"place\",\"id\":\"a\",\"class\":\"king\"}", 0,
		  "line 2 has no good \"class\"" },
		{ "1 {\"type\":\"place\",\"id\":\"a\",\"class\":\"rule\",\"service\":\"s\",\"realserver\":"
		  "\"r\",\"holder\":\"h\",\"effect\":101,\"reason\":\"\",\"since\":0,\"until\":0}",
		  0, "line 2 has no good \"effect\"" },
		{ "1 {\"type\":\"place\",\"id\":\"a\",\"class\":\"rule\",\"service\":\"s\",\"realserver\":"
		  "\"r\",\"holder\":\"h\",\"effect\":0.5,\"reason\":\"\",\"since\":0,\"until\":0}",
		  0, "line 2 has no good \"effect\"" },
		{ "1 [[[[[[", 0, "line 2 is not a JSON object" },
	};
	struct place *p = *state;
	struct buf file = BUF_INIT;
	struct ledger_state s;
	char crc[16];

	for (size_t i = 0; i < countof(cases); i++) {
		buf_reset(&file);
		if (cases[i].line[0] != '0')
			assert_int_equal(record_put_header(&file), 0);
		snprintf(crc, sizeof(crc), "%08lx ",
			 crc32(0, (const Bytef *)cases[i].line, (uInt)strlen(cases[i].line)));
		buf_puts(&file, crc);
		buf_puts(&file, cases[i].line);
		buf_putc(&file, '\n');
		put_file(p, "ledger", file.data, file.len);
		buf_reset(&p->why);
		assert_int_equal(ledger_read(p->dir, &p->why, &s), cases[i].error);
		if (cases[i].error != 0) {
			assert_non_null(strstr(buf_str(&p->why), cases[i].why));
			continue;
		}
		assert_true(s.damaged);
		assert_string_equal(s.damage, cases[i].why);
		ledger_state_fini(&s);
	}
	buf_fini(&file);
}

static void test_newer_is_left_alone(void **state)
{
	static const char body[] = "0 {\"ledger\":9}";
	struct place *p = *state;
	struct buf file = BUF_INIT, after = BUF_INIT;
	struct ledger_state s;
	struct ledger_file *f = NULL;

	buf_printf(&file, "%08lx %s\n", crc32(0, (const Bytef *)body, strlen(body)), body);
	put_file(p, "ledger", file.data, file.len);
	assert_int_equal(ledger_file_open(p->dir, &p->why, &s, &f), -EPROTONOSUPPORT);
	assert_null(f);
	assert_non_null(strstr(buf_str(&p->why), "upgrade ipvs-agent, or move the file away"));
	get_file(p, "ledger", &after);
	assert_string_equal(buf_str(&after), buf_str(&file));
	/* Nor is what is no file at all read or replaced. */
	empty_dir(p);
	buf_reset(&after);
	buf_printf(&after, "%s/ledger", p->dir);
	assert_int_equal(mkfifo(buf_str(&after), 0600), 0);
	assert_int_equal(ledger_file_open(p->dir, &p->why, &s, &f), -EINVAL);
	buf_fini(&file);
	buf_fini(&after);
}

static void test_long_tail(void **state)
{
	struct place *p = *state;
	struct buf file = BUF_INIT;
	struct ledger_state s;

	assert_int_equal(record_put_header(&file), 0);
	for (int i = 0; i < 70000; i++)
		buf_putc(&file, 'x');
	put_file(p, "ledger", file.data, file.len);
	assert_int_equal(ledger_read(p->dir, &p->why, &s), 0);
	assert_true(s.damaged);
	assert_string_equal(s.damage, "line 2 is longer than any record");
	ledger_state_fini(&s);
	buf_reset(&file);
	for (int i = 0; i < 100; i++)
		buf_putc(&file, '\0');
	put_file(p, "ledger", file.data, file.len);
	assert_int_equal(ledger_read(p->dir, &p->why, &s), 0);
	assert_true(s.damaged);
	ledger_state_fini(&s);
	buf_fini(&file);
}

/* --- a process that is killed ------------------------------------------------- */

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

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_roundtrip),	    test(test_missing),
		test(test_two_agents),	    test(test_cut_at_every_byte),
		test(test_flip_every_bit),  test(test_set_aside),
		test(test_full_disk),	    test(test_full_disk_stays),
		test(test_compaction_cut),  test(test_compaction),
		test(test_removed),	    test(test_refused),
		test(test_hostile),	    test(test_newer_is_left_alone),
		test(test_long_tail),	    test(test_killed),
	};

	return cmocka_run_group_tests_name("ledger_file", tests, NULL, NULL);
}
