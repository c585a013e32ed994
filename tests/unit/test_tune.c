/* test_tune.c: settings of the kernel: what is to be done with one, the record of what was
 * there before, and the tuner on a real loop and port with a directory for /proc. */
#include <errno.h>
#include <sys/stat.h>

#include "agent/base/log.h"
#include "agent/base/loop.h"
#include "agent/ipvs/tunable.h"
#include "agent/sync/tune_file.h"
#include "agent/sync/tuner.h"
#include "tests/unit/fake_kernel.h"
#include "tests/unit/model_fixture.h"

static char dir[] = "/tmp/tune-XXXXXX";

/* --- one setting --- */

static void test_judge(void **state)
{
	struct tuned ours = { .name = "n", .before = "0", .ours = "1" };

	(void)state;
	assert_int_equal(tune_judge("1", NULL, "1"), TUNE_NOTHING);
	assert_int_equal(tune_judge("1", NULL, "0"), TUNE_SET);
	assert_int_equal(tune_judge("1", &ours, "0"), TUNE_SET);
	assert_int_equal(tune_judge("1", &ours, "1"), TUNE_NOTHING);
	assert_int_equal(tune_judge("2", &ours, "1"), TUNE_SET);
	assert_int_equal(tune_judge(NULL, NULL, "1"), TUNE_NOTHING);
	assert_int_equal(tune_judge(NULL, &ours, "1"), TUNE_BACK);
	assert_int_equal(tune_judge(NULL, &ours, "3"), TUNE_FORGET);
}

static void test_list(void **state)
{
	struct tuned_list l = { 0 };

	(void)state;
	assert_int_equal(tuned_put(&l, "a", "0", "1"), 0);
	assert_int_equal(tuned_put(&l, "b", "5", "6"), 0);
	/* what was there first is what comes back */
	assert_int_equal(tuned_put(&l, "a", "1", "2"), 0);
	assert_int_equal(l.n, 2);
	assert_string_equal(tuned_find(&l, "a")->before, "0");
	assert_string_equal(tuned_find(&l, "a")->ours, "2");
	tuned_drop(&l, tuned_find(&l, "a"));
	assert_null(tuned_find(&l, "a"));
	assert_string_equal(tuned_find(&l, "b")->ours, "6");
	tuned_fini(&l);
}

/* --- the record --- */

static void test_file_text(void **state)
{
	static const char good[] = "ipvs-agent sysctl 1 boot\nnet/ipv4/vs/conntrack\t0\t1\n"
				   "timeout/tcp\t900\t60\nnet/a\t3 50\t5 60\nend\n";
	static const char *const bad[] = {
		"",
		"end\n",
		"ipvs-agent sysctl 2 boot\nend\n",
		"ipvs-agent sysctl 1 boot\n",
		"ipvs-agent sysctl 1 boot\nend",
		"ipvs-agent sysctl 1 boot\nend\nmore\n",
		"ipvs-agent sysctl 1 boot\nnet/a\t0\nend\n",
		"ipvs-agent sysctl 1 boot\nnet/a\t0\t\nend\n",
		"ipvs-agent sysctl 1 boot\nnet/a\t0\tx\nend\n",
		"ipvs-agent sysctl 1 boot\nnet/a\t0\t1 \nend\n",
		"ipvs-agent sysctl 1 boot\nnet/../kernel/core_pattern\t0\t1\nend\n",
		"ipvs-agent sysctl 1 boot\nkernel/panic\t0\t1\nend\n",
		"ipvs-agent sysctl 1 boot\nnet/a b\t0\t1\nend\n",
		"ipvs-agent sysctl 1 boot\nnet/a\t0\t1\nnet/a\t0\t1\nend\n",
	};
	struct tuned_list l = { 0 };
	struct buf text = BUF_INIT;
	size_t i;

	(void)state;
	assert_int_equal(tune_file_parse(good, "boot", &l), 0);
	assert_int_equal(l.n, 3);
	tune_file_format(&l, "boot", &text);
	assert_string_equal(buf_str(&text), good);
	tuned_fini(&l);
	/* of another boot: nothing of it holds */
	assert_int_equal(tune_file_parse(good, "other", &l), 0);
	assert_int_equal(l.n, 0);
	for (i = 0; i < countof(bad); i++) {
		assert_int_equal(tune_file_parse(bad[i], "boot", &l), -EBADMSG);
		assert_int_equal(l.n, 0);
	}
	/* cut anywhere */
	for (i = 0; i < strlen(good); i++) {
		char *cut = strndup(good, i);

		assert_int_equal(tune_file_parse(cut, "boot", &l), -EBADMSG);
		free(cut);
	}
	buf_fini(&text);
}

static void test_names(void **state)
{
	static const char *const bad[] = { "",        "net",      "net/", "/net/a",   "net//a",
					   "net/a/.", "net/../x", "vm/a", "net/a\nb", "timeout/x" };
	struct buf out = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < countof(bad); i++)
		assert_false(tunable_name_ok(bad[i]));
	assert_true(tunable_name_ok("net/ipv4/conf/eth0.5/rp_filter"));
	assert_true(tunable_name_ok("timeout/tcp_fin"));
	assert_true(tunable_value_ok("-1 50"));
	assert_false(tunable_value_ok(""));
	assert_false(tunable_value_ok("1  2"));
	assert_false(tunable_value_ok("1 "));
	assert_false(tunable_value_ok("-"));
	tunable_format(&out, "net/ipv4/vs/conntrack");
	tunable_format(&out, "net/ipv4/conf/eth0.5/x");
	tunable_format(&out, "timeout/udp");
	assert_string_equal(buf_str(&out),
			    "net.ipv4.vs.conntracknet/ipv4/conf/eth0.5/xudp_timeout");
	assert_int_equal(tunable_read(dir, "vm/swappiness", &out), -EINVAL);
	assert_int_equal(tunable_write(dir, "net/a", "x"), -EINVAL);
	buf_fini(&out);
}

/* --- the tuner --- */

struct rig {
	struct loop *loop;
	struct fake_kernel *kernel;
	struct ipvs_port *port;
	struct tuner *tuner;
	struct loop_timer *deadline;
	struct config *conf;
	const char *path, *value; /* until it is there */
	uint64_t failures, drift;
	bool removed, late;
};

static void put(const char *path, const char *text)
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
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	buf_fini(&whole);
}

static bool is(const char *path, const char *text)
{
	struct buf whole = BUF_INIT;
	char got[4096];
	size_t n = 0;
	FILE *f;

	buf_printf(&whole, "%s/%s", dir, path);
	f = fopen(buf_str(&whole), "re");
	if (f) {
		n = fread(got, 1, sizeof(got) - 1, f);
		(void)fclose(f);
	}
	got[n] = '\0';
	buf_fini(&whole);
	return f && !strcmp(got, text);
}

static void on_deadline(void *arg)
{
	struct rig *r = arg;

	r->late = true;
	loop_stop(r->loop);
}

static void on_sleep(void *arg)
{
	struct rig *r = arg;
	struct tuner_stats stats;

	tuner_stats(r->tuner, &stats);
	if ((r->path && is(r->path, r->value)) || (r->failures && stats.failures >= r->failures) ||
	    (r->drift && stats.drift >= r->drift)) {
		r->path = NULL;
		r->failures = r->drift = 0;
		loop_stop(r->loop);
	}
}

static void on_removed(void *arg)
{
	struct rig *r = arg;

	r->removed = true;
	loop_stop(r->loop);
}

/* An agent's start, on a configuration. */
static struct rig start(const char *text)
{
	struct rig r = { .conf = load_conf(text) };
	struct tuner_env env = { .state_dir = dir, .procfs = dir };

	assert_int_equal(loop_new(&r.loop), 0);
	r.kernel = fake_kernel_new();
	assert_int_equal(ipvs_port_new(r.loop, fake_kernel_door(r.kernel), &r.port), 0);
	env.loop = r.loop;
	env.port = r.port;
	assert_int_equal(tuner_new(&env, &r.tuner), 0);
	assert_int_equal(tuner_set(r.tuner, config_section(r.conf, &sysctl_section), 20), 0);
	return r;
}

static void run(struct rig *r)
{
	assert_int_equal(loop_timer_new(r->loop, "deadline", on_deadline, r, &r->deadline), 0);
	loop_timer_start(r->deadline, 30000);
	loop_before_sleep(r->loop, "until", on_sleep, r);
	loop_run(r->loop);
	loop_timer_free(r->deadline);
	assert_false(r->late);
}

static void until(struct rig *r, const char *path, const char *value)
{
	r->path = path;
	r->value = value;
	run(r);
}

/* kill -9: nothing is put back. */
static void stop(struct rig *r)
{
	ipvs_port_free(r->port);
	tuner_free(r->tuner);
	loop_free(r->loop);
	fake_kernel_free(r->kernel);
	config_unref(r->conf);
}

static void stop_and_remove(struct rig *r)
{
	tuner_remove(r->tuner, on_removed, r);
	if (!r->removed)
		run(r);
	assert_true(r->removed);
	stop(r);
}

#define VS "sys/net/ipv4/vs/"

static int begin(void **state)
{
	(void)state;
	log_set_level(LOG_ERROR);
	put("sys/kernel/random/boot_id", "boot\n");
	put(VS "conntrack", "0\n");
	put(VS "sync_threshold", "3\t50\n");
	put("sys/net/ipv4/conf/eth1/rp_filter", "1\n");
	return 0;
}

static int end(void **state)
{
	struct buf path = BUF_INIT;

	(void)state;
	buf_printf(&path, "%s/sysctl", dir);
	(void)unlink(buf_str(&path));
	buf_fini(&path);
	return 0;
}

#define TWO "[sysctl]\nconntrack = on\nsync_threshold = 5 60\n"

/* Set, put right, left alone, put back at the end. */
static void test_life(void **state)
{
	struct rig r = start(TWO "rp_filter = eth1 1\n");

	(void)state;
	until(&r, VS "sync_threshold", "5 60\n");
	assert_true(is(VS "conntrack", "1\n"));
	assert_true(is("sysctl", "ipvs-agent sysctl 1 boot\nnet/ipv4/vs/conntrack\t0\t1\n"
				 "net/ipv4/vs/sync_threshold\t3 50\t5 60\nend\n"));
	put(VS "conntrack", "0\n");
	r.drift = 1;
	run(&r);
	assert_true(is(VS "conntrack", "1\n"));
	stop_and_remove(&r);
	assert_true(is(VS "conntrack", "0\n"));
	assert_true(is(VS "sync_threshold", "3 50\n"));
	assert_true(is("sys/net/ipv4/conf/eth1/rp_filter", "1\n"));
	assert_true(is("sysctl", "ipvs-agent sysctl 1 boot\nend\n"));
}

/* After a kill -9 what left the file goes back, but not what somebody has set since. */
static void test_killed(void **state)
{
	struct rig r = start(TWO);

	(void)state;
	until(&r, VS "sync_threshold", "5 60\n");
	stop(&r);
	put(VS "sync_threshold", "7 70\n");
	r = start("");
	until(&r, "sysctl", "ipvs-agent sysctl 1 boot\nend\n");
	assert_true(is(VS "conntrack", "0\n"));
	assert_true(is(VS "sync_threshold", "7 70\n"));
	stop(&r);
}

/* A record of another boot says nothing; a damaged one is set aside. */
static void test_other_records(void **state)
{
	struct rig r;

	(void)state;
	put("sysctl", "ipvs-agent sysctl 1 earlier\nnet/ipv4/vs/conntrack\t1\t0\nend\n");
	r = start("[sysctl]\nsync_threshold = 5 60\n");
	until(&r, VS "sync_threshold", "5 60\n");
	assert_true(is(VS "conntrack", "0\n"));
	stop_and_remove(&r);
	assert_true(is(VS "conntrack", "0\n"));
	put("sysctl", "junk\n");
	log_set_level((enum log_level) - 1);
	r = start(TWO);
	until(&r, VS "sync_threshold", "5 60\n");
	assert_true(is("sysctl.damaged", "junk\n"));
	stop_and_remove(&r);
}

/* What cannot be set does not keep the others from it. */
static void test_refused(void **state)
{
	struct rig r;

	(void)state;
	log_set_level((enum log_level) - 1);
	r = start("[sysctl]\nrp_filter = eth7 2\nsloppy_tcp = on\nconntrack = on\n");
	r.failures = 4;
	run(&r);
	assert_true(is(VS "conntrack", "1\n"));
	stop_and_remove(&r);
	assert_true(is(VS "conntrack", "0\n"));
}

/* The record cannot be written: then nothing is. */
static void test_no_record(void **state)
{
	struct buf path = BUF_INIT;
	struct rig r;

	(void)state;
	log_set_level((enum log_level) - 1);
	buf_printf(&path, "%s/sysctl.new", dir);
	assert_int_equal(mkdir(buf_str(&path), 0700), 0);
	r = start(TWO);
	r.failures = 2;
	run(&r);
	assert_true(is(VS "conntrack", "0\n"));
	assert_int_equal(rmdir(buf_str(&path)), 0);
	until(&r, VS "conntrack", "1\n");
	stop_and_remove(&r);
	buf_fini(&path);
}

struct planned {
	struct buf text;
};

static void on_planned(void *arg, const char *name, const char *found, const char *value, int error)
{
	buf_printf(&((struct planned *)arg)->text, "%s %s %s %d\n", name, found, value, error);
}

static void test_plan(void **state)
{
	struct config *c = load_conf(TWO "rp_filter = eth1 1\nrp_filter = eth7 0\n");
	struct planned p = { 0 };

	(void)state;
	assert_int_equal(tuner_plan(config_section(c, &sysctl_section), dir, dir, on_planned, &p),
			 0);
	assert_string_equal(buf_str(&p.text), "net/ipv4/vs/conntrack 0 1 0\n"
					      "net/ipv4/vs/sync_threshold 3 50 5 60 0\n"
					      "net/ipv4/conf/eth7/rp_filter  0 -2\n");
	assert_true(is(VS "conntrack", "0\n"));
	buf_fini(&p.text);
	config_unref(c);
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
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_file_text),
		cmocka_unit_test(test_names),
		cmocka_unit_test_setup_teardown(test_life, begin, end),
		cmocka_unit_test_setup_teardown(test_killed, begin, end),
		cmocka_unit_test_setup_teardown(test_other_records, begin, end),
		cmocka_unit_test_setup_teardown(test_refused, begin, end),
		cmocka_unit_test_setup_teardown(test_no_record, begin, end),
		cmocka_unit_test_setup_teardown(test_plan, begin, end),
	};

	return cmocka_run_group_tests_name("tune", tests, make_dir, remove_dir);
}
