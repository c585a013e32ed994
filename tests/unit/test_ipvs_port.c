/* test_ipvs_port.c: the thread between the loop and a fake kernel: order, overtaking,
 * freeing with jobs under way, and that the fake answers as the kernel does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/base/clock.h"
#include "agent/base/loop.h"
#include "agent/ipvs/ipvs.h"
#include "agent/sync/diff.h"
#include "tests/unit/fake_kernel.h"

struct fixture {
	struct loop *loop;
	struct fake_kernel *fake;
	struct ipvs_port *port;
	int to_come; /* callbacks until the loop stops */
	char order[32];
	struct ipvs_table table;
	struct ipvs_info info;
	int info_error;
	int results[4];
	int apply_error;
};

static struct ipvs_service service(unsigned int n)
{
	struct ipvs_service s = { .scheduler = "wlc", .netmask = UINT32_MAX };

	s.key.proto = IPPROTO_TCP;
	s.key.addr = (struct addr){ .family = AF_INET, .port = 80, .bytes = { 10, 1 } };
	s.key.addr.bytes[2] = (uint8_t)(n / 250);
	s.key.addr.bytes[3] = (uint8_t)(n % 250);
	return s;
}

static struct ipvs_dest dest(unsigned int n, uint32_t weight)
{
	struct ipvs_dest d = { .forward = IPVS_ROUTE, .weight = weight };

	d.addr = (struct addr){ .family = AF_INET, .port = 80, .bytes = { 10, 9 } };
	d.addr.bytes[3] = (uint8_t)n;
	return d;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct ipvs_service s;
	struct ipvs_dest d;

	assert_non_null(f);
	f->fake = fake_kernel_new();
	for (unsigned int i = 1; i <= 3; i++) {
		s = service(i);
		assert_int_equal(fake_kernel_write(f->fake, IPVS_NEW_SERVICE, &s, NULL), 0);
		for (unsigned int j = 1; j <= i; j++) {
			d = dest(j, 100);
			assert_int_equal(fake_kernel_write(f->fake, IPVS_NEW_DEST, &s, &d), 0);
		}
	}
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(ipvs_port_new(f->loop, fake_kernel_door(f->fake), &f->port), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	ipvs_port_free(f->port);
	loop_free(f->loop);
	ipvs_table_fini(&f->table);
	fake_kernel_free(f->fake);
	free(f);
	return 0;
}

static void came(struct fixture *f, char what)
{
	f->order[strlen(f->order)] = what;
	if (--f->to_come == 0)
		loop_stop(f->loop);
}

static void on_dump(void *arg, struct ipvs_table *t)
{
	struct fixture *f = arg;

	ipvs_table_fini(&f->table);
	f->table = *t;
	came(f, 'd');
}

static void on_info(void *arg, const struct ipvs_info *info, int error)
{
	struct fixture *f = arg;

	f->info_error = error;
	if (info)
		f->info = *info;
	came(f, 'i');
}

static void take_results(struct fixture *f, struct ipvs_batch *b, int error)
{
	f->apply_error = error;
	for (uint32_t i = 0; i < b->n_ops && i < countof(f->results); i++)
		f->results[i] = b->ops[i].result;
	ipvs_batch_free(b);
}

static void on_apply(void *arg, struct ipvs_batch *b, int error)
{
	take_results(arg, b, error);
	came(arg, 'a');
}

static void on_urgent(void *arg, struct ipvs_batch *b, int error)
{
	take_results(arg, b, error);
	came(arg, 'u');
}

/* A batch of one op. */
static struct ipvs_batch *batch(enum ipvs_op_kind kind, struct ipvs_service s, struct ipvs_dest d)
{
	struct ipvs_batch *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->services = calloc(1, sizeof(s));
	b->dests = calloc(1, sizeof(d));
	b->ops = calloc(1, sizeof(*b->ops));
	assert_true(b->services && b->dests && b->ops);
	b->services[0] = s;
	b->dests[0] = d;
	b->ops[0].kind = kind;
	b->n_services = b->n_dests = b->n_ops = 1;
	return b;
}

static void run(struct fixture *f, int callbacks)
{
	f->to_come = callbacks;
	loop_run(f->loop);
	assert_int_equal(f->to_come, 0);
}

static void test_jobs(void **state)
{
	struct fixture *f = *state;
	struct ipvs_dest d = dest(1, 50), found;
	struct ipvs_service s = service(2);

	assert_int_equal(ipvs_port_info(f->port, on_info, f), 0);
	assert_int_equal(ipvs_port_apply(f->port, batch(IPVS_SET_DEST, s, d), false, on_apply, f),
			 0);
	assert_int_equal(ipvs_port_dump(f->port, on_dump, f), 0);
	run(f, 3);
	assert_string_equal(f->order, "iad");
	assert_int_equal(f->info.tcp_timeout, 900);
	assert_int_equal(f->results[0], 0);
	assert_true(fake_kernel_dest(f->fake, &s.key, &d.addr, &found));
	assert_int_equal(found.weight, 50);
	assert_true(ipvs_table_may_act(&f->table));
	assert_int_equal(f->table.n_services, 3);
	assert_int_equal(f->table.n_dests, 6);
	assert_int_equal(f->table.dests[1].weight, 50);
	assert_int_equal(fake_kernel_writes(f->fake, IPVS_SET_DEST), 1);
	assert_int_equal(fake_kernel_writes(f->fake, IPVS_N_OPS), 1);
}

/* The dests of the services asked for, and nothing of the others. */
static void test_dests_of_some(void **state)
{
	struct fixture *f = *state;
	struct ipvs_key *keys = calloc(2, sizeof(*keys));
	struct addr second = dest(2, 0).addr;
	const struct ipvs_service *found;

	assert_non_null(keys);
	keys[0] = service(2).key;
	keys[1] = service(7).key; /* nobody's */
	assert_int_equal(ipvs_port_dests(f->port, keys, 2, on_dump, f), 0);
	run(f, 1);
	assert_int_equal(f->table.error, 0);
	assert_int_equal(f->table.n_services, 2);
	assert_int_equal(f->table.n_dests, 2);
	found = ipvs_table_service(&f->table, &(struct ipvs_key){ 0 });
	assert_null(found);
	found = ipvs_table_service(&f->table, &f->table.services[0].key);
	assert_int_equal(found->n_dests, 2);
	assert_non_null(ipvs_table_dest(&f->table, found, &second));
	assert_int_equal(f->table.services[1].n_dests, 0);
	assert_int_equal(fake_kernel_dumps(f->fake), 0);

	fake_kernel_break(f->fake, -EPERM);
	keys = calloc(1, sizeof(*keys));
	assert_non_null(keys);
	assert_int_equal(ipvs_port_dests(f->port, keys, 1, on_dump, f), 0);
	run(f, 1);
	assert_int_equal(f->table.error, -EPERM);
	assert_false(f->table.complete);
}

/* While a dump stands still, an urgent write passes it; the next one may not pass a
 * write that is waiting. */
static void test_overtaking(void **state)
{
	struct fixture *f = *state;
	struct ipvs_service s = service(3);

	fake_kernel_halt(f->fake, 1);
	assert_int_equal(ipvs_port_dump(f->port, on_dump, f), 0);
	fake_kernel_await_halt(f->fake);
	assert_int_equal(ipvs_port_dump(f->port, on_dump, f), 0);
	assert_int_equal(
		ipvs_port_apply(f->port, batch(IPVS_SET_DEST, s, dest(1, 0)), true, on_urgent, f),
		0);
	assert_int_equal(
		ipvs_port_apply(f->port, batch(IPVS_SET_DEST, s, dest(1, 7)), false, on_apply, f),
		0);
	assert_int_equal(
		ipvs_port_apply(f->port, batch(IPVS_SET_DEST, s, dest(1, 9)), true, on_urgent, f),
		0);
	fake_kernel_go_on(f->fake);
	run(f, 5);
	assert_string_equal(f->order, "uddau");
	assert_int_equal(f->table.dests[3].weight, 0);
}

/* The first of the two urgent ones went between dumps: that dump saw it. */
static void test_dump_sees_urgent(void **state)
{
	struct fixture *f = *state;

	fake_kernel_halt(f->fake, 1);
	assert_int_equal(ipvs_port_dump(f->port, on_dump, f), 0);
	fake_kernel_await_halt(f->fake);
	assert_int_equal(ipvs_port_apply(f->port, batch(IPVS_SET_DEST, service(3), dest(2, 0)),
					 true, on_urgent, f),
			 0);
	fake_kernel_go_on(f->fake);
	run(f, 2);
	assert_string_equal(f->order, "ud");
	assert_int_equal(f->table.dests[4].weight, 0);
	assert_int_equal(f->table.dests[3].weight, 100);
}

static void test_errors_arrive(void **state)
{
	struct fixture *f = *state;

	fake_kernel_fail(f->fake, IPVS_SET_DEST, 2, 1, -EINVAL);
	for (int i = 0; i < 3; i++) {
		f->order[0] = '\0';
		assert_int_equal(ipvs_port_apply(f->port,
						 batch(IPVS_SET_DEST, service(1), dest(1, 5)),
						 false, on_apply, f),
				 0);
		run(f, 1);
		assert_int_equal(f->results[0], i == 1 ? -EINVAL : 0);
	}
	fake_kernel_break(f->fake, -ENOPROTOOPT);
	ipvs_port_apply(f->port, batch(IPVS_SET_DEST, service(1), dest(1, 5)), false, on_apply, f);
	ipvs_port_dump(f->port, on_dump, f);
	ipvs_port_info(f->port, on_info, f);
	run(f, 3);
	assert_int_equal(f->apply_error, -ENOPROTOOPT);
	assert_int_equal(f->results[0], -ECANCELED);
	assert_int_equal(f->table.error, -ENOPROTOOPT);
	assert_false(f->table.complete);
	assert_int_equal(f->info_error, -ENOPROTOOPT);
}

static void test_partial_dumps(void **state)
{
	struct ipvs_service gone = service(2);
	struct fixture *f = *state;

	fake_kernel_cut_dump(f->fake, 2, -ETIMEDOUT);
	ipvs_port_dump(f->port, on_dump, f);
	run(f, 1);
	assert_false(f->table.complete);
	assert_int_equal(f->table.error, -ETIMEDOUT);
	assert_int_equal(f->table.n_services, 2);
	assert_int_equal(f->table.n_dests, 3);
	fake_kernel_cut_dump(f->fake, 0, 0);
	fake_kernel_vanish(f->fake, &gone.key);
	ipvs_port_dump(f->port, on_dump, f);
	run(f, 1);
	assert_true(ipvs_table_may_act(&f->table));
	assert_int_equal(f->table.n_services, 2);
	assert_null(ipvs_table_service(&f->table, &gone.key));
	fake_kernel_break(f->fake, -EPERM);
	ipvs_port_dump(f->port, on_dump, f);
	run(f, 1);
	assert_true(f->table.complete);
	assert_false(ipvs_table_may_act(&f->table));
	assert_int_equal(f->table.source, IPVS_FROM_PROC);
	assert_int_equal(fake_kernel_dumps(f->fake), 3);
}

/* Freed with a dump under way, a dump and a batch waiting and a result not fetched: no
 * callback, no leak (ASan). */
static void test_free_under_way(void **state)
{
	struct fixture *f = *state;

	ipvs_port_info(f->port, on_info, f);
	fake_kernel_halt(f->fake, 0);
	ipvs_port_dump(f->port, on_dump, f);
	ipvs_port_dump(f->port, on_dump, f);
	ipvs_port_apply(f->port, batch(IPVS_SET_DEST, service(1), dest(1, 5)), false, on_apply, f);
	fake_kernel_await_halt(f->fake);
	fake_kernel_go_on(f->fake);
	ipvs_port_free(f->port);
	f->port = NULL;
	assert_string_equal(f->order, "");
}

static void free_within(void *arg, const struct ipvs_info *info, int error)
{
	struct fixture *f = arg;

	on_info(arg, info, error);
	ipvs_port_free(f->port);
	f->port = NULL;
}

/* A callback frees the port: what came at the same time is not called. */
static void test_free_within_callback(void **state)
{
	struct fixture *f = *state;

	ipvs_port_info(f->port, free_within, f);
	ipvs_port_dump(f->port, on_dump, f);
	ipvs_port_dump(f->port, on_dump, f);
	run(f, 1);
	assert_string_equal(f->order, "i");
	ipvs_port_free(NULL);
}

static void test_alive(void **state)
{
	struct fixture *f = *state;
	int64_t before = clock_mono_ms();

	ipvs_port_info(f->port, on_info, f);
	run(f, 1);
	assert_true(ipvs_port_alive_ms(f->port) >= before);
	assert_true(ipvs_port_alive_ms(f->port) <= clock_mono_ms());
}

/* --- the fake ------------------------------------------------------------------------------ */

static void test_fake_answers(void **state)
{
	struct fixture *f = *state;
	struct ipvs_service s = service(1), none = service(77), found;
	struct ipvs_dest d = dest(1, 3), other = dest(9, 3), got;
	const struct ipvs_stats stats = { .conns = 8 };

	assert_int_equal(fake_kernel_write(f->fake, IPVS_NEW_SERVICE, &s, NULL), -EEXIST);
	assert_int_equal(fake_kernel_write(f->fake, IPVS_SET_SERVICE, &none, NULL), -ESRCH);
	assert_int_equal(fake_kernel_write(f->fake, IPVS_DEL_SERVICE, &none, NULL), -ESRCH);
	assert_int_equal(fake_kernel_write(f->fake, IPVS_NEW_DEST, &none, &d), -ESRCH);
	assert_int_equal(fake_kernel_write(f->fake, IPVS_NEW_DEST, &s, &d), -EEXIST);
	assert_int_equal(fake_kernel_write(f->fake, IPVS_SET_DEST, &s, &other), -ENOENT);
	assert_int_equal(fake_kernel_write(f->fake, IPVS_DEL_DEST, &s, &other), -ENOENT);
	strcpy(none.scheduler, "nosuch");
	assert_int_equal(fake_kernel_write(f->fake, IPVS_NEW_SERVICE, &none, NULL), -ENOENT);
	other.lower = 1;
	assert_int_equal(fake_kernel_write(f->fake, IPVS_NEW_DEST, &s, &other), -ERANGE);
	/* SET_DEST replaces all but what traffic made. */
	assert_true(fake_kernel_traffic(f->fake, &s.key, &d.addr, 4, 5, &stats));
	d.upper = 10;
	assert_int_equal(fake_kernel_write(f->fake, IPVS_SET_DEST, &s, &d), 0);
	d.upper = 0;
	assert_int_equal(fake_kernel_write(f->fake, IPVS_SET_DEST, &s, &d), 0);
	assert_true(fake_kernel_dest(f->fake, &s.key, &d.addr, &got));
	assert_int_equal(diff_dest(&d, &got), 0);
	assert_int_equal(got.active, 4);
	assert_int_equal(got.stats.conns, 8);
	assert_int_equal(fake_kernel_write(f->fake, IPVS_DEL_SERVICE, &s, NULL), 0);
	assert_false(fake_kernel_dest(f->fake, &s.key, &d.addr, NULL));
	assert_int_equal(fake_kernel_write(f->fake, IPVS_NEW_SERVICE, &s, NULL), 0);
	assert_true(fake_kernel_service(f->fake, &s.key, &found));
	assert_int_equal(found.n_dests, 0);
	assert_int_equal(fake_kernel_writes(f->fake, IPVS_N_OPS), 0);
}

#define with_port(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_port(test_jobs),           with_port(test_overtaking),
		with_port(test_dests_of_some),  with_port(test_dump_sees_urgent),
		with_port(test_errors_arrive),  with_port(test_partial_dumps),
		with_port(test_free_under_way), with_port(test_free_within_callback),
		with_port(test_alive),          with_port(test_fake_answers),
	};

	return cmocka_run_group_tests_name("ipvs_port", tests, NULL, NULL);
}
