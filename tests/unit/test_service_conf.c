/* test_service_conf.c: from lines to what the kernel is asked for. */
#include <arpa/inet.h>
#include <unistd.h>

#include "agent/model/service_conf.h"
#include "agent/sections.h"
#include "tests/unit/fake_probes.h"
#include "tests/unit/t.h"

/* Loads a text that must be free of errors. */
static struct config *load(const char *text)
{
	char path[] = "/tmp/service-XXXXXX";
	int fd = mkstemp(path);
	struct buf problems = BUF_INIT;
	struct config *c;

	assert_true(fd != -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(agent_config_load(path, &c), 0);
	unlink(path);
	config_format_problems(c, &problems);
	if (config_errors(c))
		fail_msg("%s", buf_str(&problems));
	buf_fini(&problems);
	return c;
}

static const struct service_conf *service(const struct config *c, const char *name)
{
	const struct service_conf *s = config_named(c, &service_section, name);

	assert_non_null(s);
	return s;
}

static void defaults_of_the_kernel(void **state ATTR_UNUSED)
{
	struct config *c = load("[service web]\naddress = tcp://10.1.2.15:80\n"
				"address = fwmark6://9\nrealserver = a 10.1.2.21\n");
	struct ipvs_service k;

	service_conf_kernel(service(c, "web"), 0, &k);
	assert_int_equal(k.key.proto, IPPROTO_TCP);
	assert_int_equal(k.key.addr.family, AF_INET);
	assert_int_equal(k.key.addr.port, 80);
	assert_int_equal(k.key.fwmark, 0);
	assert_string_equal(k.scheduler, "wlc");
	assert_string_equal(k.engine, "");
	assert_int_equal(k.flags, 0);
	assert_int_equal(k.timeout, 0);
	assert_int_equal(k.netmask, 0xffffffff);
	service_conf_kernel(service(c, "web"), 1, &k);
	assert_int_equal(k.key.proto, 0);
	assert_int_equal(k.key.addr.family, AF_INET6);
	assert_int_equal(k.key.addr.port, 0);
	assert_int_equal(k.key.fwmark, 9);
	assert_int_equal(k.netmask, 128);
	config_unref(c);
}

static void options_of_the_kernel(void **state ATTR_UNUSED)
{
	struct config *c = load("[service sip]\naddress = udp://10.1.2.15:5060\n"
				"address = udp://[2001:db8::15]:5060\nscheduler = mh\n"
				"scheduler_flags = mh-fallback, mh-port, flag-3\npersistence = 5m\n"
				"persistence_netmask = 255.255.240.0\npersistence_netmask6 = /64\n"
				"persistence_engine = sip\none_packet = on\n");
	struct ipvs_service k;

	service_conf_kernel(service(c, "sip"), 0, &k);
	assert_int_equal(k.flags, IPVS_SVC_PERSISTENT | IPVS_SVC_ONEPACKET | IPVS_SVC_SCHED1 |
					  IPVS_SVC_SCHED2 | IPVS_SVC_SCHED3);
	assert_int_equal(k.timeout, 300);
	assert_int_equal(k.netmask, inet_addr("255.255.240.0"));
	assert_string_equal(k.engine, "sip");
	service_conf_kernel(service(c, "sip"), 1, &k);
	assert_int_equal(k.netmask, 64);
	config_unref(c);
}

static void destinations(void **state ATTR_UNUSED)
{
	struct config *c = load(
		"[service web]\naddress = tcp://10.1.2.15:80\naddress = tcp://[2001:db8::15]:443\n"
		"weight = 7\nupper = 100\nlower = 50\n"
		"realserver = a 10.1.2.21 2001:db8::21\n"
		"realserver = b 10.1.2.22:8080 forward=masq weight=0 upper=0 lower=0\n"
		"backup = c 10.1.2.23 forward=tunnel tunnel=gue:6080,remcsum\n");
	const struct service_conf *s = service(c, "web");
	struct ipvs_dest d;

	assert_int_equal(s->n_realservers, 3);
	assert_true(service_conf_dest(s, 0, &s->realservers[0], &d));
	assert_int_equal(d.addr.family, AF_INET);
	assert_int_equal(d.addr.port, 80);
	assert_int_equal(d.forward, IPVS_ROUTE);
	assert_int_equal(d.weight, 7);
	assert_int_equal(d.upper, 100);
	assert_int_equal(d.lower, 50);
	assert_true(service_conf_dest(s, 1, &s->realservers[0], &d));
	assert_int_equal(d.addr.family, AF_INET6);
	assert_int_equal(d.addr.port, 443);

	assert_true(service_conf_dest(s, 0, &s->realservers[1], &d));
	assert_int_equal(d.addr.port, 8080);
	assert_int_equal(d.forward, IPVS_MASQ);
	assert_int_equal(d.weight, 0);
	assert_int_equal(d.upper, 0);
	assert_int_equal(d.tun_type, 0);
	assert_false(service_conf_dest(s, 1, &s->realservers[1], &d));

	/* a tunnel serves the other family too */
	assert_true(s->realservers[2].backup);
	assert_true(service_conf_dest(s, 1, &s->realservers[2], &d));
	assert_int_equal(d.addr.family, AF_INET);
	assert_int_equal(d.addr.port, 443);
	assert_int_equal(d.tun_type, IPVS_TUN_GUE);
	assert_int_equal(d.tun_port, 6080);
	assert_int_equal(d.tun_flags, IPVS_TUN_REMCSUM);
	config_unref(c);
}

static void where_probes_go(void **state ATTR_UNUSED)
{
	struct config *c =
		load("[service web]\naddress = fwmark://3\naddress = tcp://10.1.2.15:81\n"
		     "forward = masq\nprobe = plain own web\n"
		     "realserver = a 10.1.2.21:8080\nrealserver = b 10.1.2.22\n"
		     "realserver = c 10.1.2.23:8080 probe_address=192.168.1.23\n"
		     "realserver = d 10.1.2.24 probe_address=[2001:db8::24]:99\n"
		     "[service mark]\naddress = fwmark://4\nrealserver = a 10.1.2.21\n"
		     "probe = web\n"
		     "[probe plain]\nurl = tcp://\n[probe own]\nurl = tcp://{address}:25\n"
		     "[probe web]\nurl = http://www.example.net:{port}/{address}?x\n");
	const struct service_conf *s = service(c, "web");
	struct addr elsewhere;
	const struct probe_conf *plain = config_named(c, &probe_section, "plain");
	const struct probe_conf *own = config_named(c, &probe_section, "own");
	const struct probe_conf *web = config_named(c, &probe_section, "web");

	assert_int_equal(service_conf_probe_addr(s, &s->realservers[0], 0, plain).port, 8080);
	assert_int_equal(service_conf_probe_addr(s, &s->realservers[1], 0, plain).port, 81);
	assert_int_equal(service_conf_probe_addr(s, &s->realservers[0], 0, own).port, 25);
	assert_int_equal(service_conf_probe_addr(s, &s->realservers[1], 0, web).port, 81);
	/* Elsewhere, at the port that it would have at its own. */
	elsewhere = service_conf_probe_addr(s, &s->realservers[2], 0, plain);
	assert_int_equal(elsewhere.port, 8080);
	assert_int_equal(elsewhere.bytes[0], 192);
	assert_int_equal(service_conf_probe_addr(s, &s->realservers[2], 0, own).port, 25);
	assert_int_equal(service_conf_probe_addr(s, &s->realservers[3], 0, plain).port, 99);
	assert_int_equal(realserver_conf_n_probed(&s->realservers[2]), 1);
	assert_ptr_equal(s->realservers[2].terms, s->realservers[1].terms);
	s = service(c, "mark");
	assert_int_equal(service_conf_probe_addr(s, &s->realservers[0], 0, plain).port, 0);
	assert_int_equal(service_conf_probe_addr(s, &s->realservers[0], 0, web).port, 80);
	assert_string_equal(web->scheme->name, "http");
	assert_string_equal(web->host, "www.example.net");
	assert_string_equal(web->path, "/{address}?x");
	assert_string_equal(plain->host, "{address}");
	assert_string_equal(plain->path, "");
	assert_ptr_equal(web->type, &fake_http);
	assert_string_equal(((const struct fake_http_conf *)web->head.part_conf)->method, "GET");
	config_unref(c);
}

static void defaults_fill_in_whatever_the_order(void **state ATTR_UNUSED)
{
	struct config *c = load("[service web]\naddress = tcp://10.1.2.15:80\nweight = 3\n"
				"realserver = a 10.1.2.21\nrealserver = b 10.1.2.22 probe=t,u\n"
				"[probe t]\nurl = tcp://\n[probe u]\nurl = tcp://\n"
				"[defaults]\nprobe = t\nweight = 5\nforward = nat\n"
				"min_available = 40% weight\n");
	const struct service_conf *s = service(c, "web");

	assert_int_equal(s->weight, 3);
	assert_int_equal(s->terms.forward, IPVS_MASQ);
	assert_int_equal(s->min_available.kind, MIN_WEIGHT);
	assert_int_equal(s->min_available.n, 40);
	assert_int_equal(s->realservers[0].weight, 3);
	assert_int_equal(s->realservers[0].terms->forward, IPVS_MASQ);
	assert_int_equal(s->realservers[0].terms->probes.n, 1);
	assert_false(s->realservers[0].terms->has_probes);
	assert_int_equal(s->realservers[1].terms->probes.n, 2);
	assert_true(s->realservers[1].terms->has_probes);
	assert_int_equal(conf_key_line(c, s, "weight"), 3);
	assert_int_equal(conf_key_line(c, s, "probe"), 11);
	assert_int_equal(conf_key_line(c, s, "scheduler"), 1);
	assert_true(conf_key_given(s, "weight"));
	assert_false(conf_key_given(s, "probe"));
	config_unref(c);
}

/* What lines say alike is there once; what one says otherwise is its own. */
static void terms_are_shared(void **state ATTR_UNUSED)
{
	struct config *c = load("[service web]\naddress = tcp://10.1.2.15:80\nupper = 9\n"
				"realserver = a 10.1.2.21 weight=7\n"
				"realserver = b 10.1.2.22 domain=east probe=t\n"
				"realserver = c 10.1.2.23 domain=west probe=t\n"
				"realserver = d 10.1.2.24 probe=t domain=east\n"
				"realserver = e 10.1.2.25 domain=east\n"
				"realserver = f 10.1.2.26 domain=east upper=9 enabled=no\n"
				"realserver = g 10.1.2.27\n"
				"[probe t]\nurl = tcp://\n");
	const struct realserver_conf *r = service(c, "web")->realservers;
	uint32_t i;

	assert_int_equal(r[0].weight, 7);
	assert_ptr_equal(r[0].terms, &service(c, "web")->terms);
	assert_ptr_equal(r[6].terms, r[0].terms);
	assert_ptr_equal(r[3].terms, r[1].terms);
	assert_string_equal(r[2].terms->domain, "west");
	assert_string_equal(r[4].terms->domain, "east");
	assert_int_equal(r[4].terms->probes.n, 0);
	assert_ptr_not_equal(r[5].terms, r[4].terms); /* it says so itself */
	assert_false(r[5].enabled);
	for (i = 0; i < 7; i++)
		assert_int_equal(r[i].terms->upper, 9);
	config_unref(c);
}

static void two_times_the_same_host(void **state ATTR_UNUSED)
{
	/* other ports: other realservers */
	struct config *c = load("[service web]\naddress = tcp://10.1.2.15:80\nforward = masq\n"
				"realserver = a 10.1.2.21:8080\nrealserver = b 10.1.2.21:8081\n"
				"realserver = c 10.1.2.21\n");

	assert_int_equal(service(c, "web")->n_realservers, 3);
	config_unref(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_of_the_kernel),
		cmocka_unit_test(options_of_the_kernel),
		cmocka_unit_test(destinations),
		cmocka_unit_test(where_probes_go),
		cmocka_unit_test(defaults_fill_in_whatever_the_order),
		cmocka_unit_test(terms_are_shared),
		cmocka_unit_test(two_times_the_same_host),
	};

	return cmocka_run_group_tests_name("service_conf", tests, NULL, NULL);
}
