/* test_lane.c: marks: equal ways share one, they are the same on every start and whatever
 * else there is, and what the kernel has of them is told apart. */
#include "agent/model/lane.h"
#include "tests/unit/kernel_text.h"

enum { MANY = 5000 };

static struct lane draft(const char *dest, enum ipvs_forward forward)
{
	return (struct lane){
		.key.addr.family = AF_INET,
		.dest = { .addr = addr_of(dest), .forward = forward & 15, .weight = 1 }
	};
}

static void test_shared(void **state)
{
	struct lane drafts[] = { draft("10.1.2.22", IPVS_ROUTE),  draft("10.1.2.21", IPVS_ROUTE),
				 draft("10.1.2.22", IPVS_ROUTE),  draft("10.1.2.22", IPVS_TUNNEL),
				 draft("10.1.2.22", IPVS_TUNNEL), draft("10.1.2.22", IPVS_ROUTE) };
	uint32_t index[6], n, i;
	struct lane *lanes;

	(void)state;
	drafts[4].dest.tun_port = 6080;
	drafts[5].key.addr.family = AF_INET6;
	assert_int_equal(lanes_assign(drafts, 6, index, &lanes, &n), 0);
	assert_int_equal(n, 5);
	assert_int_equal(index[0], index[2]);
	for (i = 0; i < 6; i++) {
		assert_in_range(index[i], 0, n - 1);
		assert_int_equal(lane_cmp(&lanes[index[i]], &drafts[i]), 0);
		assert_true(lane_is_key(&lanes[index[i]].key));
		assert_int_equal(lanes_find(lanes, n, &lanes[index[i]].key), index[i]);
	}
	for (i = 1; i < n; i++) {
		assert_true(ipvs_key_cmp(&lanes[i - 1].key, &lanes[i].key) < 0);
		assert_int_not_equal(lanes[i - 1].key.fwmark, lanes[i].key.fwmark);
	}
	free(lanes);
}

static void fill_many(struct lane *drafts)
{
	uint32_t i;

	for (i = 0; i < MANY; i++) {
		drafts[i] = draft("10.1.0.0", IPVS_ROUTE);
		drafts[i].dest.addr.bytes[2] = (uint8_t)(i >> 8);
		drafts[i].dest.addr.bytes[3] = (uint8_t)i;
	}
}

/* In another order and without a tenth of them: the same marks, but where hashes met. */
static void test_stable(void **state)
{
	struct lane *drafts = calloc(MANY, sizeof(*drafts)), *all, *some;
	uint32_t *index = calloc(MANY, sizeof(*index)), n, m, i, j, moved = 0;

	(void)state;
	fill_many(drafts);
	assert_int_equal(lanes_assign(drafts, MANY, index, &all, &n), 0);
	assert_int_equal(n, MANY);
	for (i = j = 0; i < MANY; i++)
		if (i % 10)
			drafts[j++] = all[index[MANY - 1 - i]];
	for (i = 0; i < j; i++)
		drafts[i].key.fwmark = 0;
	assert_int_equal(lanes_assign(drafts, j, index, &some, &m), 0);
	assert_int_equal(m, j);
	for (i = 0; i < m; i++) {
		uint32_t k = lanes_find(all, n, &some[i].key);

		moved += k == n || !lane_same(&some[i], &all[k]);
	}
	assert_in_range(moved, 0, 20);
	free(drafts);
	free(index);
	free(all);
	free(some);
}

static void test_none(void **state)
{
	struct ipvs_key key = key_of("tcp://10.1.2.15:80");
	struct lane *lanes = NULL;
	uint32_t n = 7;

	(void)state;
	assert_int_equal(lanes_assign(NULL, 0, NULL, &lanes, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(lanes_find(lanes, n, &key), 0);
	free(lanes);
	assert_false(lane_is_key(&key));
	key = key_of("fwmark://7");
	assert_false(lane_is_key(&key));
	key.fwmark = LANE_FIRST_MARK - 1;
	assert_false(lane_is_key(&key));
	key.fwmark = LANE_FIRST_MARK + LANE_N_MARKS;
	assert_false(lane_is_key(&key));
	key.fwmark--;
	assert_true(lane_is_key(&key));
	assert_true(lane_same(NULL, NULL));
}

static void test_kernel_form(void **state)
{
	struct lane lane = draft("10.1.2.21", IPVS_MASQ);
	struct ipvs_service s;

	(void)state;
	lane_kernel(&lane, &s);
	assert_string_equal(s.scheduler, "rr");
	assert_int_equal(s.flags, 0);
	assert_int_equal(s.netmask, UINT32_MAX);
	lane.dest.forward = IPVS_TUNNEL;
	lane.key.addr.family = AF_INET6;
	lane_kernel(&lane, &s);
	assert_int_equal(s.flags, IPVS_SVC_ONEPACKET);
	assert_int_equal(s.netmask, 128);
}

static void put_service(struct table_draft *d, const char *key, uint32_t mark,
			const char *scheduler, uint32_t n_dests)
{
	struct ipvs_service *s = table_add_service(d);
	uint32_t i;

	*s = (struct ipvs_service){ .key = key_of(key), .first_dest = d->table->n_dests };
	s->key.fwmark = mark;
	snprintf(s->scheduler, sizeof(s->scheduler), "%s", scheduler);
	for (i = 0; i < n_dests; i++) {
		struct ipvs_dest *e = table_add_dest(d);

		*e = (struct ipvs_dest){ .addr = addr_of("10.1.2.21"), .weight = 1 };
		e->addr.bytes[3] = (uint8_t)(21 + i);
	}
	s = &d->table->services[d->table->n_services - 1];
	table_close_service(d->table, s, s->first_dest);
}

/* Behind the others, in their order, with their dests. */
static void test_split(void **state)
{
	struct ipvs_table t = { .complete = true };
	struct table_draft d = { .table = &t };
	uint32_t n = 9, i;

	(void)state;
	put_service(&d, "fwmark://7", 7, "wlc", 1);
	put_service(&d, "fwmark://7", LANE_FIRST_MARK + 1, "rr", 1);
	put_service(&d, "fwmark://7", LANE_FIRST_MARK + 2, "rr", 2);
	put_service(&d, "fwmark6://7", 7, "wlc", 0);
	put_service(&d, "fwmark6://7", LANE_FIRST_MARK, "rr", 0);
	put_service(&d, "tcp://10.1.2.15:80", 0, "wlc", 2);
	assert_int_equal(lanes_split(&t, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(t.n_services, 3);
	assert_int_equal(t.services[0].key.fwmark, 7);
	assert_int_equal(t.services[1].key.addr.family, AF_INET6);
	assert_int_equal(t.services[2].key.proto, IPPROTO_TCP);
	assert_int_equal(t.services[2].first_dest, 4);
	for (i = 0; i < n; i++)
		assert_true(lane_is_key(&t.services[3 + i].key));
	assert_int_equal(t.services[3].key.fwmark, LANE_FIRST_MARK + 1);
	assert_int_equal(t.services[4].first_dest, 2);
	assert_int_equal(t.services[5].key.addr.family, AF_INET6);
	assert_true(lane_is_left(&t, &t.services[3]));
	assert_false(lane_is_left(&t, &t.services[4]));
	assert_true(lane_is_left(&t, &t.services[5]));
	t.dests[t.services[3].first_dest].weight = 2;
	assert_false(lane_is_left(&t, &t.services[3]));
	snprintf(t.services[5].scheduler, sizeof(t.services[5].scheduler), "wlc");
	assert_false(lane_is_left(&t, &t.services[5]));
	ipvs_table_fini(&t);
	assert_int_equal(lanes_split(&t, &n), 0);
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared), cmocka_unit_test(test_stable),
		cmocka_unit_test(test_none),   cmocka_unit_test(test_kernel_form),
		cmocka_unit_test(test_split),
	};

	return cmocka_run_group_tests_name("lane", tests, NULL, NULL);
}
