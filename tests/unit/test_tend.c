/* test_tend.c: the writer of addresses, with a kernel in memory: what is ours is in the ledger
 * before it is there, is put back, goes when it is not wanted, and is known again. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "agent/base/clock.h"
#include "agent/base/loop.h"
#include "agent/holds/ledger.h"
#include "agent/sync/tend.h"
#include "tests/unit/fake_kernel.h"
#include "tests/unit/ledger_dir.h"

enum { WAIT_MS = 20000, MOST = 8 };

/* Its addresses, as names of facts; "" = a free place. */
static struct {
	pthread_mutex_t lock;
	char there[MOST][64];
	char ledger[256];      /* where it lies */
	_Atomic int refuse;    /* -errno of the next makings */
	atomic_bool unwritten; /* something was made that no fact spoke of */
	atomic_uint told;
} fake = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool fake_has(const char *name)
{
	bool has = false;

	pthread_mutex_lock(&fake.lock);
	for (int i = 0; i < MOST; i++)
		has |= !strcmp(fake.there[i], name);
	pthread_mutex_unlock(&fake.lock);
	return has;
}

static void fake_set(const char *name, bool there)
{
	pthread_mutex_lock(&fake.lock);
	for (int i = 0; i < MOST; i++)
		if (!strcmp(fake.there[i], there ? "" : name)) {
			snprintf(fake.there[i], sizeof(fake.there[i]), "%s", there ? name : "");
			break;
		}
	pthread_mutex_unlock(&fake.lock);
}

static int fake_read(struct route_table *ret_table)
{
	struct route_table t = { .links = calloc(1, sizeof(*t.links)),
				 .addrs = calloc(MOST, sizeof(*t.addrs)),
				 .n_links = 1 };
	struct duty_own own;

	t.links[0] = (struct route_link){ .index = 1, .name = "eth0" };
	pthread_mutex_lock(&fake.lock);
	for (int i = 0; i < MOST; i++)
		if (*fake.there[i] && duty_own_parse(fake.there[i], &own))
			t.addrs[t.n_addrs++] = (struct route_addr){ own.addr, 1, 32 };
	pthread_mutex_unlock(&fake.lock);
	*ret_table = t;
	return 0;
}

static int fake_daemons(struct daemon ret_rows[DAEMON_N])
{
	memset(ret_rows, 0, DAEMON_N * sizeof(*ret_rows));
	return 0;
}

static bool is_on_disk(const char *name)
{
	char line[512];
	bool found = false;
	FILE *f = fopen(fake.ledger, "re");

	while (f && fgets(line, sizeof(line), f))
		found |= strstr(line, name) && strstr(line, "ours");
	if (f)
		fclose(f);
	return found;
}

static int fake_carry_out(const struct duty_op *op)
{
	struct buf name = BUF_INIT;
	int r = op->kind == DUTY_MAKE ? fake.refuse : 0;

	duty_own_format(&op->what, &name);
	if (op->kind == DUTY_MAKE)
		fake.unwritten = fake.unwritten || !is_on_disk(buf_str(&name));
	if (!r)
		fake_set(buf_str(&name), op->kind == DUTY_MAKE);
	buf_fini(&name);
	return r;
}

static int fake_tell(const struct route_link *l ATTR_UNUSED, const struct addr *a ATTR_UNUSED)
{
	fake.told++;
	return 0;
}

static const struct tend_kernel fake_tend = { fake_read, fake_daemons, fake_carry_out, fake_tell };

/* --- the world ------------------------------------------------------------------------- */

struct world {
	struct loop *loop;
	struct fake_kernel *kernel;
	struct ipvs_port *port;
	struct ledger *ledger;
	struct ledger_state kept;
	struct tend *tend;
	struct loop_timer *timer;
	bool (*until)(struct world *w);
	int64_t deadline_ms;
	bool removed;
};

static void begin(struct world *w, const struct place *p)
{
	struct buf why = BUF_INIT;

	*w = (struct world){ .kernel = fake_kernel_new() };
	snprintf(fake.ledger, sizeof(fake.ledger), "%s/ledger", p->dir);
	assert_int_equal(loop_new(&w->loop), 0);
	assert_int_equal(ledger_open(p->dir, w->loop, &why, &w->kept, &w->ledger), 0);
	assert_int_equal(ipvs_port_new(w->loop, fake_kernel_door(w->kernel), &w->port), 0);
	assert_int_equal(tend_new(&(struct tend_env){ .loop = w->loop,
						      .port = w->port,
						      .ledger = w->ledger,
						      .kernel = &fake_tend,
						      .facts_ms = WAIT_MS },
				  &w->tend),
			 0);
	for (size_t i = 0; i < w->kept.n_facts; i++)
		assert_int_equal(tend_own(w->tend, w->kept.facts[i].name), 0);
	buf_fini(&why);
}

static void end(struct world *w)
{
	tend_close(w->tend);
	ipvs_port_free(w->port);
	ledger_free(w->ledger);
	tend_free(w->tend);
	loop_timer_free(w->timer);
	loop_free(w->loop);
	fake_kernel_free(w->kernel);
	ledger_state_fini(&w->kept);
}

static void on_look(void *arg)
{
	struct world *w = arg;

	if (w->until(w) || clock_mono_ms() > w->deadline_ms)
		loop_stop(w->loop);
	else
		loop_timer_start(w->timer, 5);
}

/* Runs the loop until that is so. */
static void await(struct world *w, bool (*until)(struct world *w))
{
	w->until = until;
	w->deadline_ms = clock_mono_ms() + WAIT_MS;
	if (!w->timer)
		assert_int_equal(loop_timer_new(w->loop, "look", on_look, w, &w->timer), 0);
	loop_timer_start(w->timer, 0);
	loop_run(w->loop);
	assert_true(until(w));
}

static void want(struct world *w, enum duty_wish wish)
{
	static const struct daemon none[DAEMON_N];
	struct duty_want one = { .interface = "eth0", .wish = (uint8_t)wish, .why = DUTY_STANDBY };

	assert_int_equal(addr_parse("10.1.2.3", &one.addr), 0);
	assert_int_equal(tend_want(w->tend, &one, 1, none, true, 50), 0);
}

static const char VIP[] = "vip eth0 10.1.2.3";

static bool is_there(struct world *w)
{
	const struct duty_found *f = tend_found(w->tend, 0);

	return fake_has(VIP) && f && f->present;
}

static bool is_gone(struct world *w)
{
	const struct duty_found *f = tend_found(w->tend, 0);

	return !fake_has(VIP) && f && !f->present;
}

static bool is_told(struct world *w ATTR_UNUSED)
{
	return fake.told >= 2;
}

static bool is_refused(struct world *w)
{
	const struct duty_found *f = tend_found(w->tend, 0);
	uint64_t done, refused;

	tend_counts(w->tend, &done, &refused);
	return refused >= 2 && f && f->reason == DUTY_REFUSED;
}

static bool is_removed(struct world *w)
{
	return w->removed;
}

static void on_removed(void *arg)
{
	((struct world *)arg)->removed = true;
}

static void test_life(void **state)
{
	struct world w;

	begin(&w, *state);
	want(&w, DUTY_IN);
	await(&w, is_there);
	assert_false(fake.unwritten);
	assert_true(is_on_disk(VIP));
	await(&w, is_told); /* at once, and again */
	/* Somebody deletes it. */
	fake_set(VIP, false);
	await(&w, is_there);
	end(&w);
	/* Another agent knows that it is ours. */
	begin(&w, *state);
	assert_int_equal(w.kept.n_facts, 1);
	want(&w, DUTY_OUT);
	await(&w, is_gone);
	end(&w);
	begin(&w, *state);
	assert_int_equal(w.kept.n_facts, 0);
	end(&w);
}

static void test_somebody_elses(void **state)
{
	struct world w;

	begin(&w, *state);
	fake_set(VIP, true);
	want(&w, DUTY_IN);
	await(&w, is_there);
	assert_false(tend_found(w.tend, 0)->ours);
	want(&w, DUTY_OUT);
	/* A look that began after it. */
	await(&w, is_there);
	assert_int_equal(tend_remove(w.tend, on_removed, &w), -ENOENT);
	assert_true(fake_has(VIP));
	fake_set(VIP, false);
	end(&w);
}

static void test_refused(void **state)
{
	struct world w;

	begin(&w, *state);
	fake.refuse = -ENOBUFS;
	want(&w, DUTY_IN);
	await(&w, is_refused);
	fake.refuse = 0;
	await(&w, is_there);
	assert_int_equal(tend_remove(w.tend, on_removed, &w), 0);
	await(&w, is_removed);
	assert_false(fake_has(VIP));
	end(&w);
}

/* What is under way when all ends is thrown away, in each of its steps. */
static void test_ends_under_way(void **state)
{
	struct world w;

	begin(&w, *state);
	want(&w, DUTY_IN);
	want(&w, DUTY_OUT);
	end(&w);
	begin(&w, *state);
	want(&w, DUTY_IN);
	w.until = is_told;
	for (int i = 0; i < 3; i++) {
		w.deadline_ms = 0;
		if (!w.timer)
			assert_int_equal(loop_timer_new(w.loop, "look", on_look, &w, &w.timer), 0);
		loop_timer_start(w.timer, 0);
		loop_run(w.loop);
	}
	end(&w);
	fake_set(VIP, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_life, setup, teardown),
		cmocka_unit_test_setup_teardown(test_somebody_elses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ends_under_way, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
