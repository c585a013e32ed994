/* test_layout.c: unfolding a configuration: every index leads back to where it came
 * from, and what is probed alike is probed once. */
#include "conf/print.h"
#include "tests/unit/kernel_text.h"

#define PROBES "[probe a]\nurl = http://x/\n[probe b]\nurl = tcp://\n"

static int cmp_dests(const struct layout *l, uint32_t a, uint32_t b)
{
	struct addr x = layout_dest_addr(l, a), y = layout_dest_addr(l, b);

	return addr_cmp(&x, &y);
}

/* Every row is reached by its owner, and by nobody else. */
static void check(const struct layout *l)
{
	uint32_t i, j, n = 0;

	for (i = 0; i < l->n_vips; i++)
		for (j = l->vips[i].first_dest; j < l->vips[i].first_dest + l->vips[i].n_dests;
		     j++, n++) {
			assert_int_equal(l->dests[j].vip, i);
			assert_int_equal(l->realservers[l->dests[j].realserver].service,
					 l->vips[i].service);
			if (j > l->vips[i].first_dest)
				assert_true(cmp_dests(l, j - 1, j) < 0);
		}
	assert_int_equal(n, l->n_dests);
	for (i = n = 0; i < l->n_realservers; i++) {
		const struct layout_realserver *r = &l->realservers[i];

		for (j = r->first_dest_link; j < r->first_dest_link + r->n_dest_links; j++, n++)
			assert_int_equal(l->dests[l->dest_links[j]].realserver, i);
	}
	assert_int_equal(n, l->n_dests);
	for (i = n = 0; i < l->n_targets; i++)
		for (j = l->targets[i].first_user; j < l->targets[i + 1].first_user; j++, n++)
			assert_true(l->users[j] < l->n_realservers);
	assert_int_equal(n, l->n_links);
	for (i = 1; i < l->n_vips; i++)
		assert_true(ipvs_key_cmp(&l->vips[l->vips_by_key[i - 1]].key,
					 &l->vips[l->vips_by_key[i]].key) < 0);
	for (i = 0; i < l->n_vips; i++)
		assert_int_equal(layout_find_vip(l, &l->vips[i].key), i);
	for (i = 0; i < l->n_services; i++)
		assert_int_equal(layout_find_service(l, l->services[i].conf->head.name), i);
	for (i = 0; i < l->n_realservers; i++)
		assert_int_equal(layout_find_realserver(l, l->realservers[i].service,
							l->realservers[i].conf->name),
				 i);
}

static void test_empty(void **state)
{
	struct layout *l = make_layout("");
	struct ipvs_key key = key_of("tcp://10.1.2.15:80");

	(void)state;
	check(l);
	assert_int_equal(l->n_services, 0);
	assert_int_equal(layout_find_vip(l, &key), LAYOUT_NONE);
	assert_int_equal(layout_find_service(l, "web"), LAYOUT_NONE);
	layout_unref(l);
}

static void test_shapes(void **state)
{
	struct layout *l = make_layout(
		"[service web]\naddress = tcp://10.1.2.15:443\naddress = tcp://10.1.2.15:80\n"
		"address = tcp://[2001:db8::15]:80\nprobe = a\n"
		"realserver = c 10.1.2.23\nrealserver = b 10.1.2.22 2001:db8::22\n"
		"realserver = t 10.1.2.21 forward=tunnel\n"
		"[service none]\naddress = tcp://10.1.2.16:80\n"
		"[service app]\naddress = fwmark://7\nrealserver = b 10.1.2.22:80 "
		"probe=b\n" PROBES);

	(void)state;
	check(l);
	assert_int_equal(l->n_vips, 5);
	assert_int_equal(l->n_dests, 3 + 3 + 2 + 1);
	assert_int_equal(layout_find_realserver(l, layout_find_service(l, "web"), "x"),
			 LAYOUT_NONE);
	layout_unref(l);
}

/* Out of service: no VIP, nobody to probe, the realservers stay known. */
static void test_disabled(void **state)
{
	struct layout *l = make_layout(
		"[service off]\naddress = tcp://10.1.2.15:80\nenabled = no\nprobe = a\n"
		"realserver = a 10.1.2.21\n"
		"[service on]\naddress = tcp://10.1.2.16:80\nprobe = a\n"
		"realserver = a 10.1.2.21 enabled=no\nrealserver = b 10.1.2.22\n" PROBES);

	(void)state;
	check(l);
	assert_int_equal(l->n_vips, 1);
	assert_int_equal(l->n_realservers, 3);
	assert_int_equal(l->n_dests, 2); /* drained, where the kernel has it */
	assert_int_equal(l->n_targets, 1);
	layout_unref(l);
}

/* m:n: one address and probe is one target, whoever uses it. */
static void test_targets_are_shared(void **state)
{
	struct layout *l = make_layout("[service x]\naddress = tcp://10.1.2.15:80\nprobe = a b\n"
				       "realserver = one 10.1.2.21\nrealserver = two 10.1.2.22\n"
				       "[service y]\naddress = tcp://10.1.2.16:80\nprobe = a\n"
				       "realserver = uno 10.1.2.21\n"
				       "[service z]\naddress = tcp://10.1.2.17:8080\nprobe = b\n"
				       "realserver = eins 10.1.2.21\n" PROBES);
	uint32_t shared = l->links[l->realservers[id_of(l, "x/one")].first_link];

	(void)state;
	check(l);
	/* a and b at 21:80, the same at 22:80, and b at 21:8080 */
	assert_int_equal(l->n_links, 6);
	assert_int_equal(l->n_targets, 5);
	assert_int_equal(l->links[l->realservers[id_of(l, "y/uno")].first_link], shared);
	assert_int_equal(l->targets[shared + 1].first_user - l->targets[shared].first_user, 2);
	layout_unref(l);
}

/* Elsewhere than where they serve: once, for who says the same place. */
static void test_probe_address(void **state)
{
	struct layout *l = make_layout(
		"[service x]\naddress = tcp://10.1.2.15:80\naddress = tcp://[2001:db8::15]:80\n"
		"probe = a\nrealserver = one 10.1.2.21 2001:db8::21 probe_address=192.168.1.1\n"
		"realserver = two 10.1.2.22 probe_address=192.168.1.1:80\n"
		"realserver = three 192.168.1.1\n" PROBES);
	struct buf text = BUF_INIT;

	(void)state;
	check(l);
	assert_int_equal(l->n_links, 3);
	assert_int_equal(l->n_targets, 1);
	addr_format(&text, &l->targets[0].addr);
	assert_string_equal(buf_str(&text), "192.168.1.1:80");
	buf_reset(&text);
	config_print(l->conf, &text);
	assert_non_null(strstr(buf_str(&text), "one 10.1.2.21 2001:db8::21 "
					       "probe_address=192.168.1.1\n"));
	assert_non_null(strstr(buf_str(&text), "two 10.1.2.22 probe_address=192.168.1.1:80\n"));
	buf_fini(&text);
	layout_unref(l);
}

static void test_two_addresses_two_targets(void **state)
{
	struct layout *l = make_layout("[service web]\naddress = tcp://10.1.2.15:80\n"
				       "address = tcp://[2001:db8::15]:80\nprobe = a\n"
				       "realserver = both 10.1.2.21 2001:db8::21\n" PROBES);

	(void)state;
	check(l);
	assert_int_equal(l->n_targets, 2);
	assert_int_equal(l->n_dests, 2);
	layout_unref(l);
}

static const struct lane *lane_at(const struct layout *l, const char *target, uint32_t link)
{
	return l->targets[l->links[l->realservers[id_of(l, target)].first_link + link]].lane;
}

/* By the director's forwarding: each address of the service is asked of each realserver,
 * by one lane for all of them; what differs in its protocol alone is asked once. */
static void test_via_forward(void **state)
{
	struct layout *l = make_layout(
		"[service x]\naddress = tcp://10.1.2.15:53\naddress = udp://10.1.2.15:53\n"
		"address = tcp://10.1.2.15:80\naddress = fwmark://7\nprobe = b v\n"
		"realserver = one 10.1.2.21\nrealserver = two 10.1.2.22\n"
		"realserver = nat 10.1.2.23:8080 forward=masq\n"
		"[service y]\naddress = tcp://10.1.2.16:80\nprobe = v\nrealserver = uno 10.1.2.21\n"
		"realserver = out 10.1.2.24 enabled=no\n"
		"[probe v]\nurl = tcp://\nvia = forward\n" PROBES);
	const struct layout_target *t;

	(void)state;
	check(l);
	assert_int_equal(l->n_lanes, 3);
	assert_int_equal(l->n_links, 3 * 3 + 1);
	assert_int_equal(l->n_targets, 3 * 3 + 1);
	assert_null(lane_at(l, "x/one", 0));
	assert_ptr_equal(lane_at(l, "x/one", 1), lane_at(l, "x/one", 2));
	assert_ptr_equal(lane_at(l, "x/one", 1), lane_at(l, "y/uno", 0));
	assert_ptr_not_equal(lane_at(l, "x/one", 1), lane_at(l, "x/two", 1));
	assert_int_equal(lane_at(l, "x/two", 1)->dest.addr.port, 0);
	assert_int_equal(lane_at(l, "x/nat", 1)->dest.addr.port, 8080);
	t = &l->targets[l->links[l->realservers[id_of(l, "x/two")].first_link + 2]];
	assert_int_equal(t->addr.bytes[3], 15);
	assert_int_equal(t->addr.port, 80);
	layout_unref(l);
}

static void test_large(void **state)
{
	struct buf ini = BUF_INIT;
	struct layout *l;
	unsigned int i, j;

	(void)state;
	for (i = 0; i < 2000; i++) {
		buf_printf(&ini, "[service s%u]\naddress = tcp://10.1.%u.%u:80\nprobe = b\n", i,
			   i / 250, i % 250 + 1);
		for (j = 0; j < 10; j++)
			buf_printf(&ini, "realserver = r%u 10.2.%u.%u\n", j, (i + j) / 250,
				   (i + j) % 250 + 1);
	}
	buf_puts(&ini, PROBES);
	l = make_layout(buf_str(&ini));
	assert_int_equal(l->n_dests, 20000);
	assert_int_equal(l->n_links, 20000);
	assert_int_equal(l->n_targets, 2009);
	check(l);
	layout_unref(l);
	buf_fini(&ini);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_disabled),
		cmocka_unit_test(test_targets_are_shared),
		cmocka_unit_test(test_probe_address),
		cmocka_unit_test(test_two_addresses_two_targets),
		cmocka_unit_test(test_via_forward),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
