/* ledger_dir.h: for the tests of the ledger's file: a directory of its own for each,
 * changes to commit, and what a file says as text. */
#ifndef TESTS_LEDGER_DIR_H
#define TESTS_LEDGER_DIR_H

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

#include "agent/base/attr.h"
#include "agent/holds/ledger_file.h"

struct place {
	char dir[64];
	struct buf why;
};

static ATTR_UNUSED void path_of(const struct place *p, const char *name, char *ret_path,
				size_t size)
{
	snprintf(ret_path, size, "%s/%s", p->dir, name);
}

static ATTR_UNUSED int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	/* In memory where there is such a place: these tests sync thousands of times. */
	snprintf(p->dir, sizeof(p->dir), "%s/test-ledger-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(p->dir));
	*state = p;
	return 0;
}

static ATTR_UNUSED void empty_dir(const struct place *p)
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

static ATTR_UNUSED int teardown(void **state)
{
	struct place *p = *state;

	empty_dir(p);
	rmdir(p->dir);
	buf_fini(&p->why);
	free(p);
	return 0;
}

static ATTR_UNUSED void put_file(const struct place *p, const char *name, const void *bytes,
				 size_t len)
{
	char path[128];
	FILE *f;

	path_of(p, name, path, sizeof(path));
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	fclose(f);
}

static ATTR_UNUSED void get_file(const struct place *p, const char *name, struct buf *out)
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

static ATTR_UNUSED bool exists(const struct place *p, const char *name)
{
	char path[128];

	path_of(p, name, path, sizeof(path));
	return access(path, F_OK) == 0;
}

static ATTR_UNUSED struct ledger_change *place(const char *id, enum hold_class hold_class,
					       const char *realserver, int effect)
{
	struct ledger_change *c = calloc(1, sizeof(*c));
	struct hold like = {
		.id = (char *)(uintptr_t)id,
		.hold_class = hold_class,
		.service = (char *)(uintptr_t) "web",
		.realserver = (char *)(uintptr_t)realserver,
		.holder = (char *)(uintptr_t) "ann",
		.effect = effect,
		.reason = (char *)(uintptr_t) "said \"so\" — twice",
		.since_wall_ms = 1700000000000,
		.until_wall_ms = 1700000003600,
	};

	c->record = (struct record){ .type = RECORD_PLACE, .hold = hold_new(&like) };
	return c;
}

/* One that has all that a hold may have. */
static ATTR_UNUSED struct ledger_change *with_all(const char *id)
{
	struct ledger_change *c = place(id, HOLD_ALERT, "web4", HOLD_REPLACE_SHARE);
	struct hold *h = c->record.hold;

	free(h->rule);
	h->rule = strdup("overloaded");
	h->weight = 150;
	h->starts_wall_ms = 1699999990000;
	h->drain_ms = 300000;
	h->waiting = true;
	return c;
}

static ATTR_UNUSED struct ledger_change *lift(const char *id)
{
	struct ledger_change *c = calloc(1, sizeof(*c));

	c->record = (struct record){ .type = RECORD_LIFT, .id = strdup(id) };
	return c;
}

static ATTR_UNUSED struct ledger_change *own(enum record_type type, const char *address,
					     uint32_t fwmark)
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
static ATTR_UNUSED int commit(struct ledger_file *f, struct ledger_change *c)
{
	int r;

	ledger_file_commit(f, &c, 1);
	r = c->error;
	ledger_change_fini(c);
	free(c);
	return r;
}

static ATTR_UNUSED void add_hold(const struct hold *h, struct buf *out)
{
	buf_printf(out, "%s %s %s/%s %s %d '%s' %lld %lld", h->id, hold_class_names[h->hold_class],
		   h->service, h->realserver, h->holder, h->effect, h->reason,
		   (long long)h->since_wall_ms, (long long)h->until_wall_ms);
	if (*h->rule || h->weight || h->starts_wall_ms || h->drain_ms || h->waiting)
		buf_printf(out, " rule '%s' weight %u starts %lld drain %lld%s", h->rule,
			   (unsigned int)h->weight, (long long)h->starts_wall_ms,
			   (long long)h->drain_ms, h->waiting ? " waiting" : "");
	buf_putc(out, '\n');
}

/* The state as text, to compare; frees it. */
static ATTR_UNUSED void describe(struct ledger_state *s, struct buf *out)
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
static ATTR_UNUSED void describe_file(struct place *p, struct buf *out)
{
	struct ledger_state s;

	assert_int_equal(ledger_read(p->dir, &p->why, &s), 0);
	assert_false(s.damaged);
	describe(&s, out);
}

static ATTR_UNUSED struct ledger_file *open_file(struct place *p, struct ledger_state *ret_state)
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

static ATTR_UNUSED struct ledger_file *open_any(struct place *p)
{
	struct ledger_state s;
	struct ledger_file *f = open_file(p, &s);

	ledger_state_fini(&s);
	return f;
}

/* A log in which every kind of record stands. */
static ATTR_UNUSED void write_sample(struct place *p)
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
	assert_int_equal(commit(f, with_all("al-5")), 0);
	ledger_file_free(f);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
