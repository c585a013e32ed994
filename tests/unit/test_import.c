/* test_import.c: the frame of imports: names that are legal and each there once, sections
 * that are shared or go, values that an INI cannot hold, sources that are no text, and the
 * kernel's table of every kind. */
#include <fcntl.h>
#include <sys/stat.h>

#include "agent/base/attr.h"
#include "agent/import/import.h"
#include "tests/unit/import_case.h"
#include "tests/unit/in_dir.h"

static const struct import_at here = { "source", 7 };

static int read_nothing(struct import *im ATTR_UNUSED, struct import_source *source ATTR_UNUSED)
{
	return 0;
}

static const struct import_format format = { "test", "a test", read_nothing, NULL };

static struct import *begin(void)
{
	const struct import_world world = { .host = case_host, .port = case_port };
	struct import *im;

	assert_int_equal(import_new(&world, &im), 0);
	assert_int_equal(import_read_bytes(im, &format, "source", "", 0), 0);
	return im;
}

/* What comes of it, without the head; and the loader takes it. */
static char *end(struct import *im)
{
	struct buf ini = BUF_INIT, problems = BUF_INIT;
	char *body;

	import_put_ini(im, &ini);
	case_check(&ini, &problems);
	assert_string_equal(buf_str(&problems), "");
	body = strstr(buf_str(&ini), "\n\n");
	body = strdup(body ? body + 2 : "");
	buf_fini(&ini);
	import_free(im);
	return body;
}

static void drop_comments(char *text)
{
	char *to = text;

	for (char *line = text, *next; *line; line = next) {
		next = strchrnul(line, '\n');
		next += *next == '\n';
		if (*line == ';')
			continue;
		memmove(to, line, (size_t)(next - line));
		to += next - line;
	}
	*to = '\0';
}

static struct ipvs_key tcp(const char *text)
{
	struct ipvs_key key = { .proto = IPPROTO_TCP };

	assert_int_equal(addr_parse(text, &key.addr), 0);
	return key;
}

static struct addr at(const char *text)
{
	struct addr a = { 0 };

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static void names_are_legal(void **state ATTR_UNUSED)
{
	static const char *const wishes[][2] = {
		{ "web", "web" },
		{ "web", "web-2" },
		{ "web", "web-3" },
		{ "web-2", "web-2-2" },
		{ "tcp://[2001:db8::1]:80", "tcp-2001-db8-1-80" },
		{ "", "service" },
		{ "...", "service-2" },
		{ "\xc3\xbc[]=\x1b", "service-3" },
		{ "0123456789012345678901234567890123456789xyz",
		  "0123456789012345678901234567890123456789" },
		{ "0123456789012345678901234567890123456789xyz",
		  "01234567890123456789012345678901234567-2" },
	};
	struct import *im = begin();
	struct import_part *p;

	for (size_t i = 0; i < countof(wishes); i++) {
		p = import_part(im, "service", wishes[i][0], here);
		assert_string_equal(import_part_name(p), wishes[i][1]);
		import_discard(i == 0 ? NULL : p);
		if (i)
			assert_string_equal(
				import_part_name(import_part(im, "service", wishes[i][1], here)),
				wishes[i][1]);
	}
	import_free(im);
}

static void a_host_has_one_name(void **state ATTR_UNUSED)
{
	struct import *im = begin();
	struct ipvs_key one = tcp("192.0.2.1:80"), two = tcp("192.0.2.2:80");
	struct import_part *a = import_part(im, "service", "a", here);
	struct import_part *b = import_part(im, "service", "b", here);
	struct addr web1 = at("10.0.0.1:80"), web1_8080 = at("10.0.0.1:8080");
	struct addr other = at("10.0.0.2"), nameless = at("2001:db8::1");
	char *ini;

	assert_true(import_address(a, here, &one));
	assert_true(import_address(b, here, &two));
	import_key(a, here, "forward", "masq");
	import_key(b, here, "forward", "tunnel");
	assert_true(import_server(a, here, "realserver", "web1", &web1, "weight=3"));
	assert_true(import_server(a, here, "realserver", "web1", &web1_8080, ""));
	assert_true(import_server(b, here, "realserver", "web1", &web1, ""));
	assert_true(import_server(b, here, "realserver", "web1", &other, ""));
	assert_true(import_server(b, here, "backup", NULL, &nameless, "weight=1"));
	ini = end(im);
	assert_string_equal(ini, "[service a]\n"
				 "address = tcp://192.0.2.1:80\n"
				 "forward = masq\n"
				 "realserver = web1 10.0.0.1 weight=3\n"
				 "realserver = web1-8080 10.0.0.1:8080\n"
				 "\n[service b]\n"
				 "address = tcp://192.0.2.2:80\n"
				 "forward = tunnel\n"
				 "realserver = web1 10.0.0.1\n"
				 "realserver = web1-2 10.0.0.2\n"
				 "backup = rs-2001-db8-1 2001:db8::1 weight=1\n");
	free(ini);
}

static void what_is_there_twice(void **state ATTR_UNUSED)
{
	struct import *im = begin();
	struct ipvs_key one = tcp("192.0.2.1:80"), two = tcp("192.0.2.1:443");
	struct import_part *a = import_part(im, "service", "a", here);
	struct import_part *b = import_part(im, "service", "b", here);
	struct addr any = at("10.0.0.1"), http = at("10.0.0.1:80"), odd = at("10.0.0.1:81");

	assert_true(import_address(a, here, &one));
	assert_false(import_address(b, here, &one));
	assert_false(import_address(a, here, &one));
	assert_true(import_address(a, here, &two));
	assert_true(import_server(a, here, "realserver", NULL, &any, ""));
	assert_false(import_server(a, here, "realserver", NULL, &http, ""));
	assert_true(import_server(a, here, "realserver", NULL, &odd, ""));
	assert_false(import_server(a, here, "realserver", NULL, &odd, ""));
	assert_int_equal(import_count(im, IMPORT_DROPPED), 4);
	/* a service that goes gives its addresses back */
	import_discard(a);
	assert_true(import_address(b, here, &one));
	import_free(im);
}

/* What is left when all is read: no service without an address, no rule about one. */
static int read_leftovers(struct import *im, struct import_source *source ATTR_UNUSED)
{
	struct ipvs_key good = tcp("192.0.2.1:80"), lane = { .fwmark = 1229979648 };
	struct import_part *p[4];

	lane.addr.family = AF_INET;
	for (size_t i = 0; i < countof(p); i++) {
		p[i] = import_part(im, "service", "web", here);
		import_remove_failed(p[i]);
	}
	assert_true(import_address(p[0], here, &good));
	assert_false(import_address(p[1], here, &good));
	assert_false(import_address(p[2], here, &lane));
	good.addr.bytes[3]++;
	assert_true(import_address(p[3], here, &good));
	import_discard(p[3]);
	return 0;
}

static void what_is_left_over(void **state ATTR_UNUSED)
{
	static const struct import_format leftovers = { "l", "l", read_leftovers, NULL };
	struct import *im;
	char *ini;

	assert_int_equal(import_new(NULL, &im), 0);
	assert_int_equal(import_read_bytes(im, &leftovers, "x", "", 0), 0);
	ini = end(im);
	drop_comments(ini);
	assert_string_equal(ini, "\n[service web]\n"
				 "address = tcp://192.0.2.1:80\n"
				 "\n[rule remove-failed]\n"
				 "expr = probe_up == 0\n"
				 "action = remove\n"
				 "service = web\n");
	free(ini);
}

/* No more than the loader takes. */
static void addresses_have_a_bound(void **state ATTR_UNUSED)
{
	struct import *im = begin();
	struct import_part *p = import_part(im, "service", "web", here);
	struct ipvs_key key = tcp("10.0.0.0:80");

	for (unsigned int i = 0; i < 4098; i++) {
		key.addr.bytes[2] = (uint8_t)(i >> 8);
		key.addr.bytes[3] = (uint8_t)i;
		assert_int_equal(import_address(p, here, &key), i < 4096);
	}
	free(end(im));
}

static void probes_are_shared(void **state ATTR_UNUSED)
{
	struct import *im = begin();
	struct import_part *p[3];
	char *ini;

	for (size_t i = 0; i < countof(p); i++) {
		p[i] = import_part(im, "probe", "web", here);
		import_note(im, p[i], IMPORT_DROPPED, here, i == 2 ? "other" : "same", "why");
		import_key(p[i], here, "url", "tcp://:%u", 80);
		import_key(p[i], here, "rise", "%u", i == 1 ? 3u : 2u);
		assert_string_equal(import_share(p[i]), i == 1 ? "web-2" : "web");
	}
	ini = end(im);
	assert_string_equal(ini, "[probe web]\n"
				 "; dropped: source:7: same: why\n"
				 "url = tcp://:80\n"
				 "rise = 2\n"
				 "; dropped: source:7: other: why\n"
				 "\n[probe web-2]\n"
				 "; dropped: source:7: same: why\n"
				 "url = tcp://:80\n"
				 "rise = 3\n");
	free(ini);
}

static void values_that_do_not_fit(void **state ATTR_UNUSED)
{
	static const char *const bad[] = { "", " x", "x\t", "a\nb", "\x1b[1m", "\xff", "\xc2\x85" };
	struct import *im = begin();
	struct import_part *p = import_part(im, "probe", "x", here);
	char *ini;

	for (size_t i = 0; i < countof(bad); i++)
		assert_false(import_key(p, here, "url", "%s", bad[i]));
	assert_false(import_key(p, here, "url", "%08200d", 1));
	assert_true(import_key(p, here, "url", "tcp://"));
	assert_int_equal(import_count(im, IMPORT_DROPPED), countof(bad) + 1);
	ini = end(im);
	/* what is told is one line, whatever stands in it */
	for (const char *s = ini; *s; s++)
		assert_true(*s == '\n' || (unsigned char)*s >= ' ');
	free(ini);
}

/* What only memory lacks for is passed by. */
static void no_part_is_fine(void **state ATTR_UNUSED)
{
	struct ipvs_key key = tcp("192.0.2.1:80");
	struct addr a = at("10.0.0.1");

	assert_false(import_key(NULL, here, "url", "x"));
	assert_false(import_address(NULL, here, &key));
	assert_false(import_server(NULL, here, "realserver", NULL, &a, ""));
	assert_string_equal(import_share(NULL), "");
	assert_string_equal(import_part_name(NULL), "");
	import_remove_failed(NULL);
	import_discard(NULL);
	import_free(NULL);
}

static void refused(const char *bytes, size_t len, const char *why)
{
	struct import *im;

	assert_int_equal(import_new(NULL, &im), 0);
	assert_int_equal(import_read_bytes(im, &format, "x", bytes, len), -EINVAL);
	assert_non_null(strstr(import_why(im), why));
	import_free(im);
}

static void sources_that_are_no_text(void **state ATTR_UNUSED)
{
	char *longest = malloc(9000);
	struct import *im;

	memset(longest, 'a', 9000);
	refused("a\nb\0c\n", 6, "x:2: a NUL byte");
	refused(longest, 9000, "x:1: a NUL byte, or a line of more than 8192 bytes");
	free(longest);
	assert_int_equal(import_new(NULL, &im), 0);
	assert_int_equal(import_read_file(im, &format, "/nonexistent/lvs.cf"), -EINVAL);
	assert_string_equal(import_why(im),
			    "/nonexistent/lvs.cf: cannot be read: No such file or directory");
	import_free(im);
	assert_int_equal(import_new(NULL, &im), 0);
	assert_int_equal(import_read_file(im, &format, "/"), -EINVAL);
	import_free(im);
}

/* Includes itself, then a file that includes the first, then a fifo. */
static int read_includes(struct import *im, struct import_source *source)
{
	struct import_source *inner, *none;

	assert_int_equal(import_include(im, source, "outer", &none), -ELOOP);
	assert_int_equal(import_include(im, source, "fifo", &none), -EINVAL);
	assert_int_equal(import_include(im, source, "missing", &none), -ENOENT);
	assert_int_equal(import_include(im, source, "inner", &inner), 0);
	assert_int_equal(import_include(im, inner, "outer", &none), -ELOOP);
	for (int i = 0; i < 999; i++)
		if (import_include(im, source, "inner", &none) == -EMFILE)
			return 0;
	fail_msg("no end of files");
	return 0;
}

static void includes_have_bounds(void **state ATTR_UNUSED)
{
	static const struct import_format includes = { "i", "i", read_includes, NULL };
	struct import *im;

	put("outer", "x\r\n\r\ny\r");
	put("inner", "\xef\xbb\xbfz");
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(import_new(NULL, &im), 0);
	assert_int_equal(import_read_file(im, &includes, "outer"), 0);
	import_free(im);
	assert_int_equal(unlink("outer") | unlink("inner") | unlink("fifo"), 0);
}

static int read_lines(struct import *im ATTR_UNUSED, struct import_source *s)
{
	static const char *const want[] = { "one", "", "two", "three" };
	char *line;
	size_t i = 0;

	while (import_line(s, &line)) {
		assert_string_equal(line, want[i++]);
		assert_int_equal(s->line, i);
	}
	assert_int_equal(i, countof(want));
	return 0;
}

static void lines_end_anyhow(void **state ATTR_UNUSED)
{
	static const struct import_format lines = { "l", "l", read_lines, NULL };
	static const char text[] = "\xef\xbb\xbfone\r\n\ntwo\r\nthree\r";
	struct import *im;

	assert_int_equal(import_new(NULL, &im), 0);
	assert_int_equal(import_read_bytes(im, &lines, "x", text, sizeof(text) - 1), 0);
	import_free(im);
}

/* --- the kernel's table -------------------------------------------------------------- */

/* Each service with its dests, n of them, from `first`. */
static struct ipvs_service service(const char *addr, uint8_t proto, uint32_t mark, uint32_t flags,
				   uint32_t first, uint32_t n)
{
	struct ipvs_service s = { .scheduler = "wrr", .flags = flags, .netmask = UINT32_MAX };

	s.key.proto = mark ? 0 : proto;
	s.key.fwmark = mark;
	if (addr)
		assert_int_equal(addr_parse(addr, &s.key.addr), 0);
	else
		s.key.addr.family = AF_INET6;
	if (s.key.addr.family == AF_INET6)
		s.netmask = 128;
	s.first_dest = first;
	s.n_dests = n;
	return s;
}

static void every_kind(void **state ATTR_UNUSED)
{
	struct ipvs_service services[] = {
		service("192.0.2.1:80", IPPROTO_TCP, 0, IPVS_SVC_PERSISTENT, 0, 3),
		service("[2001:db8::1]:53", IPPROTO_UDP, 0, IPVS_SVC_ONEPACKET, 3, 1),
		service("192.0.2.2:3868", IPPROTO_SCTP, 0, IPVS_SVC_SCHED1, 4, 1),
		service(NULL, 0, 7, IPVS_SVC_SCHED2, 5, 2),
		service("192.0.2.9", IPPROTO_TCP, 0, 0, 7, 0),
		service("192.0.2.3:80", IPPROTO_UDPLITE, 0, 0, 7, 0),
	};
	struct ipvs_dest dests[] = {
		{ .addr = at("10.0.0.1:80"), .forward = IPVS_MASQ, .weight = 1 },
		{ .addr = at("10.0.0.1:8080"), .forward = IPVS_MASQ, .weight = 0, .upper = 9 },
		{ .addr = at("10.0.0.2:81"), .forward = IPVS_ROUTE, .weight = 70000 },
		{ .addr = at("[2001:db8::2]:53"), .forward = IPVS_LOCAL, .weight = 1, .lower = 3 },
		{ .addr = at("10.0.0.3:3868"), .forward = IPVS_BYPASS },
		{ .addr = at("10.0.0.4"),
		  .forward = IPVS_TUNNEL,
		  .weight = 2,
		  .tun_type = IPVS_TUN_GUE,
		  .tun_port = 6080,
		  .tun_flags = IPVS_TUN_CSUM },
		{ .addr = at("2001:db8::4"), .forward = IPVS_TUNNEL, .weight = 2 },
	};
	const struct ipvs_table table = { .services = services,
					  .dests = dests,
					  .n_services = countof(services),
					  .n_dests = countof(dests) };
	struct buf list = BUF_INIT;
	struct import *im;
	char *ini;

	services[0].timeout = 90;
	services[0].netmask = htonl(0xffffff00);
	memcpy(services[1].engine, "sip", 4);
	memcpy(services[2].scheduler, "mh", 3);
	assert_int_equal(import_new(NULL, &im), 0);
	assert_int_equal(import_read_table(im, import_format_find("running"), &table), 0);
	import_put_list(im, &list);
	ini = end(im);
	drop_comments(ini);
	assert_string_equal(ini, "\n[service tcp-192.0.2.1-80]\n"
				 "address = tcp://192.0.2.1:80\n"
				 "scheduler = wrr\n"
				 "persistence = 1m30s\n"
				 "persistence_netmask = 24\n"
				 "forward = masq\n"
				 "realserver = rs-10.0.0.1 10.0.0.1 weight=1\n"
				 "realserver = rs-10.0.0.1-8080 10.0.0.1:8080 weight=0 upper=9\n"
				 "realserver = rs-10.0.0.2 10.0.0.2 weight=65535 forward=route\n"
				 "\n[service udp-2001-db8-1-53]\n"
				 "address = udp://[2001:db8::1]:53\n"
				 "scheduler = wrr\n"
				 "one_packet = on\n"
				 "persistence_engine = sip\n"
				 "forward = route\n"
				 "realserver = rs-2001-db8-2 2001:db8::2 weight=1\n"
				 "\n[service sctp-192.0.2.2-3868]\n"
				 "address = sctp://192.0.2.2:3868\n"
				 "scheduler = mh\n"
				 "scheduler_flags = mh-fallback\n"
				 "\n[service fwmark6-7]\n"
				 "address = fwmark6://7\n"
				 "scheduler = wrr\n"
				 "scheduler_flags = flag-2\n"
				 "forward = tunnel\n"
				 "tunnel = gue:6080 csum\n"
				 "realserver = rs-10.0.0.4 10.0.0.4 weight=2\n"
				 "realserver = rs-2001-db8-4 2001:db8::4 weight=2 tunnel=ipip\n");
	assert_string_equal(
		buf_str(&list),
		"kernel: approximated: 10.0.0.2:81: only masq changes the port: the service's is "
		"the one that it gets\n"
		"kernel: approximated: 10.0.0.2:81: 65535 is the greatest weight\n"
		"kernel: approximated: [2001:db8::2]:53: forwarding method 'local': route stands "
		"for it, and the kernel delivers to this machine by itself\n"
		"kernel: dropped: [2001:db8::2]:53: a lower threshold above the upper one: three "
		"quarters of the upper one stand\n"
		"kernel: dropped: 10.0.0.3:3868: a forwarding method that is none of route, masq, "
		"tunnel\n"
		"kernel: dropped: tcp://192.0.2.9: port 0, which is every port, needs "
		"persistence\n"
		"kernel: dropped: proto136://192.0.2.3:80: a protocol that is neither TCP, UDP nor "
		"SCTP\n"
		"1 realserver has weight 0: where that was for the moment, write the weight that "
		"belongs there\n"
		"8 imported, 3 approximated, 4 dropped\n");
	free(ini);
	buf_fini(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_legal),          cmocka_unit_test(a_host_has_one_name),
		cmocka_unit_test(what_is_there_twice),      cmocka_unit_test(what_is_left_over),
		cmocka_unit_test(addresses_have_a_bound),   cmocka_unit_test(probes_are_shared),
		cmocka_unit_test(values_that_do_not_fit),   cmocka_unit_test(no_part_is_fine),
		cmocka_unit_test(sources_that_are_no_text), cmocka_unit_test(includes_have_bounds),
		cmocka_unit_test(lines_end_anyhow),         cmocka_unit_test(every_kind),
	};

	return cmocka_run_group_tests_name("import", tests, set_up, tear_down);
}
