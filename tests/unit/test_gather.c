/* test_gather.c: what the doctor makes of the files below /proc: as a kernel writes them,
 * and as nobody should. */
#include <errno.h>
#include <sys/stat.h>

#include "agent/doctor/gather.h"
#include "tests/unit/model_fixture.h"

static char dir[] = "/tmp/gather-XXXXXX";

static void put(const char *path, const char *text, size_t len)
{
	struct buf whole = BUF_INIT;
	char *slash;
	FILE *f;

	buf_printf(&whole, "%s/%s", dir, path);
	for (slash = whole.data + strlen(dir) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		(void)mkdir(whole.data, 0700);
		*slash = '/';
	}
	f = fopen(buf_str(&whole), "we");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	buf_fini(&whole);
}

#define PUT(path, text) put(path, text, sizeof(text) - 1)

static struct facts gather(const struct layout *l, const char *state_dir)
{
	struct gather_asked asked = { .layout = l,
				      .procfs = dir,
				      .state_dir = state_dir,
				      .socket = "/nowhere/agent.sock",
				      .max_probes = 10 };
	struct facts f;

	assert_int_equal(facts_gather(&asked, &f), 0);
	return f;
}

static void test_numbers(void **state)
{
	struct fact n;

	(void)state;
	PUT("one", "42\n");
	PUT("two", "32768\t60999\n");
	PUT("text", "fq_codel\n");
	PUT("tail", "1 2 3\n");
	PUT("large", "99999999999999999999999\n");
	PUT("empty", "");
	n = gather_numbers(dir, "one");
	assert_int_equal(n.error, 0);
	assert_int_equal(n.value, 42);
	n = gather_numbers(dir, "two");
	assert_int_equal(n.value, 32768);
	assert_int_equal(n.second, 60999);
	assert_int_equal(gather_numbers(dir, "text").error, -EBADMSG);
	assert_int_equal(gather_numbers(dir, "tail").error, -EBADMSG);
	assert_int_equal(gather_numbers(dir, "large").error, -EBADMSG);
	assert_int_equal(gather_numbers(dir, "empty").error, -EBADMSG);
	assert_int_equal(gather_numbers(dir, "nothing").error, -ENOENT);
	assert_int_equal(gather_numbers(dir, "one/below").error, -ENOENT);
}

static void test_lines(void **state)
{
	static const char text[] =
		"Name:\tx\nCapEff:\t0000000000003000\nMax open files   1024 4096\n"
		"Max stack  unlimited unlimited\nBad: x\nLast: 7";

	(void)state;
	assert_int_equal(gather_line(text, "CapEff", 16).value, 0x3000);
	assert_int_equal(gather_line(text, "Max open files", 10).value, 1024);
	assert_int_equal(gather_line(text, "Max stack", 10).value, INT64_MAX);
	assert_int_equal(gather_line(text, "Last", 10).value, 7);
	assert_int_equal(gather_line(text, "Bad", 10).error, -EBADMSG);
	assert_int_equal(gather_line(text, "None", 10).error, -ENOENT);
	assert_int_equal(gather_line("", "None", 10).error, -ENOENT);
}

/* Writers by name, configuration and namespace. */
static void test_writers(void **state)
{
	struct layout *l = make_layout("");
	struct buf args = BUF_INIT;
	struct facts f;

	(void)state;
	PUT("10/comm", "keepalived\n");
	PUT("10/status", "Name:\tkeepalived\nPPid:\t1\n");
	buf_printf(&args, "keepalived%c-n%c-f%c%s/k.conf%c", 0, 0, 0, dir, 0);
	put("10/cmdline", buf_str(&args), args.len);
	PUT("k.conf",
	    "global_defs {\n vrrp_skip_check_adv_addr\n}\n  virtual_server 10.0.0.1 80 {\n}\n");
	/* its child is told with it */
	PUT("11/comm", "keepalived\n");
	PUT("11/status", "PPid:\t10\n");
	put("11/cmdline", buf_str(&args), args.len);
	/* one that moves addresses alone */
	PUT("12/comm", "keepalived\n");
	PUT("12/status", "PPid:\t1\n");
	buf_reset(&args);
	buf_printf(&args, "keepalived%c-f%s/v.conf%c", 0, dir, 0);
	put("12/cmdline", buf_str(&args), args.len);
	PUT("v.conf", "vrrp_instance a {\n}\n# virtual_server\n");
	PUT("13/comm", "ldirectord\n");
	PUT("14/comm", "ldirectordx\n");
	PUT("15/comm", "");
	PUT("x16/comm", "ldirectord\n");
	PUT("99999999999999999999/comm", "ldirectord\n");
	f = gather(l, dir);
	assert_int_equal(f.n_writers, 2);
	for (uint32_t i = 0; i < 2; i++) {
		const struct facts_writer *w = &f.writers[i];

		assert_true(w->pid == 10 || w->pid == 13);
		assert_string_equal(w->name, w->pid == 10 ? "keepalived" : "ldirectord");
		assert_false(w->also_vrrp);
		assert_int_equal(w->config.len > 0, w->pid == 10);
	}
	facts_fini(&f);
	PUT("k.conf", "vrrp_instance a {\n}\nvirtual_server 10.0.0.1 80 {\n}\n");
	f = gather(l, dir);
	assert_int_equal(f.n_writers, 2);
	assert_true(f.writers[0].also_vrrp || f.writers[1].also_vrrp);
	facts_fini(&f);
	buf_fini(&args);
	layout_unref(l);
}

/* What a file names is there in rows, and routes of any shape hurt nobody. */
static void test_rows(void **state)
{
	struct layout *l = make_layout(
		"[service a]\naddress = tcp://127.0.0.1:80\n"
		"address = fwmark://7\n"
		"forward = route\nrealserver = w1 127.0.0.2:80\n"
		"[service b]\naddress = tcp://127.0.0.1:83\naddress = tcp://198.51.100.1:82\n"
		"realserver = w1 127.0.0.2:80\nforward = masq\n"
		"[sysctl]\nconntrack = on\n");
	struct facts f;

	(void)state;
	PUT("net/route", "Iface\tDestination\tGateway\nlo\t0000007F\t0100007F\t0003\t0\t0\t0\t"
			 "000000FF\t0\t0\t0\njunk\n\nlo x y z\n"
			 "averyveryverylongname\t00000000\t00000000\t1\t0\t0\t0\t00000000\n");
	PUT("modules", "ip_vs 1 2 - Live 0x0\nnf_nat 1 0 - Live 0x0\nodd\n");
	PUT("meminfo", "MemTotal: 10 kB\nMemAvailable:   5 kB\n");
	PUT("sys/net/ipv4/ip_forward", "1\n");
	PUT("sys/net/ipv4/vs/conntrack", "0\n");
	f = gather(l, "/nowhere/at/all");
	assert_int_equal(f.n_vips, 2);
	assert_true(f.vips[0].local && f.vips[0].on_loopback);
	assert_false(f.vips[1].local);
	assert_int_equal(f.n_hosts, 2);
	assert_int_equal(f.hosts[0].forward, IPVS_MASQ);
	assert_int_equal(f.hosts[1].forward, IPVS_ROUTE);
	assert_true(f.hosts[0].gateway);
	assert_true(facts_module(&f.modules, "nf_nat"));
	assert_false(facts_module(&f.modules, "nf_na"));
	assert_int_equal(f.memory_kb.value, 5);
	assert_int_equal(f.sysctls[SYS_FORWARD4].value, 1);
	assert_int_equal(f.ip_vs.value, 0);
	assert_int_equal(f.connections.error, -ENOENT);
	assert_int_equal(f.state.error, -ENOENT);
	assert_int_equal(f.agent.error, -ENOENT);
	assert_int_equal(f.n_settings, 1);
	assert_string_equal(buf_str(&f.settings[0].found), "0");
	facts_fini(&f);
	layout_unref(l);
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_writers),
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests_name("gather", tests, make_dir, remove_dir);
}
