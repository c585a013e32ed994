/* test_doctor.c: each check of the doctor: what was planted in the facts is found, with the
 * command that mends it, and it is silent about the same facts mended. */
#include <errno.h>

#include "agent/doctor_text.h"
#include "tests/unit/doctor_facts.h"

/* One fault is planted: it alone is found. */
static void test_fault(void **state)
{
	const struct fault *fault = *state;
	struct facts f = healthy();
	struct doctor d;

	fault->plant(&f);
	assert_int_equal(doctor_judge(&f, &d), 0);
	if (d.n_findings != 1)
		for (uint32_t i = 0; i < d.n_findings; i++)
			print_message("# %s: %s\n", d.findings[i].check->slug,
				      buf_str(&d.findings[i].subject));
	assert_int_equal(d.n_findings, 1);
	assert_string_equal(d.findings[0].check->slug, fault->slug);
	assert_int_equal(d.findings[0].severity, fault->severity);
	assert_true(d.findings[0].subject.len > 0);
	if (strncmp(buf_str(&d.findings[0].command), fault->command, strlen(fault->command)))
		fail_msg("'%s' is not '%s'", buf_str(&d.findings[0].command), fault->command);
	assert_int_equal(d.counts[fault->severity], 1);
	doctor_fini(&d);
	facts_fini(&f);
}

static void test_healthy(void **state)
{
	struct facts f = healthy();
	struct doctor d;

	(void)state;
	assert_int_equal(doctor_judge(&f, &d), 0);
	assert_int_equal(d.n_findings, 0);
	assert_int_equal(d.n_unseen, 0);
	assert_true(d.n_checks >= 25);
	doctor_fini(&d);
	facts_fini(&f);
}

/* Every check says what it looks at and what it means, and has a fault here. */
static void test_table(void **state)
{
	static const char *const elsewhere[] = { "names", "ping" };
	const struct doctor_check *c, *other;
	size_t i;

	(void)state;
	for (c = doctor_checks; c->slug; c++) {
		bool planted = false;

		assert_non_null(c->looks);
		assert_non_null(c->judge);
		assert_true(c->means && *c->means && c->means[strlen(c->means) - 1] == '.');
		for (other = doctor_checks; other != c; other++)
			assert_string_not_equal(other->slug, c->slug);
		for (i = 0; i < countof(faults); i++)
			planted |= !strcmp(faults[i].slug, c->slug);
		for (i = 0; i < countof(elsewhere); i++)
			planted |= !strcmp(elsewhere[i], c->slug);
		if (!planted)
			fail_msg("no fault is planted for %s", c->slug);
	}
}

/* What could not be looked at is said, and is no finding. */
static void test_unseen(void **state)
{
	struct facts f = healthy();
	struct doctor d;
	size_t i;

	(void)state;
	for (i = 0; i < SYS_N; i++)
		f.sysctls[i].error = -EACCES;
	f.unsynchronised.error = -EPERM;
	f.connections.error = -EPERM;
	f.agent.capabilities.error = -EACCES;
	f.state.error = -EACCES;
	f.hosts[0].error = -EAGAIN;
	f.net_error = 0;
	buf_reset(&f.available);
	assert_int_equal(doctor_judge(&f, &d), 0);
	assert_int_equal(d.n_findings, 0);
	assert_true(d.n_unseen >= 15);
	doctor_fini(&d);
	/* A kernel that has no such thing: nothing is wrong with that. */
	for (i = 0; i < SYS_N; i++)
		f.sysctls[i].error = i == SYS_DISABLE6 ? 0 : -ENOENT;
	f.unsynchronised.error = f.connections.error = f.agent.capabilities.error = -ENOENT;
	f.state.error = f.hosts[0].error = 0;
	buf_puts(&f.available, "\nip_vs_mh\nip_vs_wlc\n");
	assert_int_equal(doctor_judge(&f, &d), 0);
	assert_int_equal(d.n_findings + d.n_unseen, 0);
	doctor_fini(&d);
	facts_fini(&f);
}

/* Nothing was gathered at all, of a file that asks for nothing. */
static void test_nothing(void **state)
{
	struct layout *empty = make_layout("");
	struct facts f = { .layout = empty, .default_interface = FACTS_NONE };
	struct doctor d;

	(void)state;
	f.ip_vs.value = 1;
	f.kernel_major = 6;
	f.state.free_bytes.error = -ENOENT;
	assert_int_equal(doctor_judge(&f, &d), 0);
	assert_int_equal(d.n_findings, 0);
	doctor_fini(&d);
	layout_unref(empty);
}

/* Five are told, the others are counted; hostile words are quoted. */
static void test_many(void **state)
{
	struct facts f = healthy();
	struct doctor d;
	struct buf word = BUF_INIT;
	uint32_t i;

	(void)state;
	free(f.hosts);
	f.hosts = calloc(9, sizeof(*f.hosts));
	f.n_hosts = 9;
	for (i = 0; i < 9; i++) {
		f.hosts[i].addr = an_addr("10.1.0.11");
		f.hosts[i].error = -ENETUNREACH;
	}
	assert_int_equal(doctor_judge(&f, &d), 0);
	assert_int_equal(d.n_findings, 5);
	assert_int_equal(d.findings[4].more, 4);
	assert_int_equal(d.counts[DOCTOR_ERROR], 9);
	doctor_fini(&d);
	facts_fini(&f);
	doctor_word(&word, "a'b $(c)");
	doctor_sysctl_name(&word, "net/ipv4/conf/eth0.5/rp_filter");
	doctor_word(&word, "");
	assert_string_equal(buf_str(&word), "'a'\\''b $(c)'net/ipv4/conf/eth0.5/rp_filter''");
	buf_fini(&word);
}

/* One of each severity, as it is printed; narrow, wide, and as JSON. */
static void test_text(void **state)
{
	struct facts f = healthy();
	struct text_style style = { .width = 60 };
	struct buf out = BUF_INIT;
	struct doctor d;

	(void)state;
	no_forward4(&f);
	clock(&f);
	sloppy(&f);
	f.state.error = -EACCES;
	assert_int_equal(doctor_judge(&f, &d), 0);
	doctor_text(&d, &(struct text_style){ 0 }, &out);
	assert_non_null(strstr(buf_str(&out),
			       "error    ip-forward: net.ipv4.ip_forward is 0 (service web)\n"
			       "         What realservers answer comes back"));
	assert_non_null(strstr(buf_str(&out), "\n         sysctl -w net.ipv4.ip_forward=1\n"
					      "warning  clock: "));
	assert_non_null(strstr(buf_str(&out), "\nunseen   state-dir: /var/lib/a b: "));
	assert_non_null(strstr(buf_str(&out),
			       "checks: 1 error, 1 warning, 1 note; 1 could not be looked at"));
	buf_reset(&out);
	doctor_text(&d, &style, &out);
	for (const char *line = buf_str(&out); *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 70);
	buf_reset(&out);
	doctor_json(&d, &out);
	assert_non_null(strstr(buf_str(&out), "\"command\": \"sysctl -w net.ipv4.ip_forward=1\""));
	assert_non_null(strstr(buf_str(&out), "\"errors\": 1"));
	buf_fini(&out);
	doctor_fini(&d);
	facts_fini(&f);
}

/* Names that sound alike, and an icmp probe that may not ask. */
static void test_names(void **state)
{
	struct layout *l = make_layout("[service a]\naddress = tcp://10.9.0.1:80\n"
				       "realserver = Web1 10.1.0.1\nrealserver = web10 10.1.0.2\n"
				       "realserver = web-01 10.1.0.4\n"
				       "[service b]\naddress = tcp://10.9.0.2:80\nprobe = ping\n"
				       "realserver = web01 10.1.0.3\nrealserver = web10 10.1.0.2\n"
				       "realserver = web-1x 10.1.0.5\n"
				       "[probe ping]\nurl = tcp://\n");
	struct facts f = healthy();
	struct doctor d;

	(void)state;
	assert_int_equal(l->n_targets, 3);
	((struct probe_conf *)l->targets[0].conf)->url = "icmp://{address}";
	f.layout = l;
	f.n_vips = f.n_hosts = 0;
	f.agent.capabilities.value = 1 << 12;
	f.sysctls[SYS_PING_GROUPS] = (struct fact){ .value = 1, .second = 0 };
	assert_int_equal(doctor_judge(&f, &d), 0);
	assert_int_equal(d.n_findings, 2);
	assert_string_equal(d.findings[0].check->slug, "ping");
	assert_string_equal(d.findings[1].check->slug, "names");
	assert_non_null(strstr(buf_str(&d.findings[1].subject), "Web1 (service a)"));
	assert_non_null(strstr(buf_str(&d.findings[1].subject), "web01 (service b)"));
	doctor_fini(&d);
	f.sysctls[SYS_PING_GROUPS] = (struct fact){ .value = 0, .second = 100 };
	assert_int_equal(doctor_judge(&f, &d), 0);
	assert_int_equal(d.n_findings, 1);
	doctor_fini(&d);
	facts_fini(&f);
	layout_unref(l);
}

static int begin(void **state)
{
	(void)state;
	layout = make_layout(config);
	return 0;
}

static int end(void **state)
{
	(void)state;
	layout_unref(layout);
	return 0;
}

int main(void)
{
	struct CMUnitTest tests[countof(faults) + 7] = {
		cmocka_unit_test(test_healthy), cmocka_unit_test(test_table),
		cmocka_unit_test(test_unseen),  cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_many),    cmocka_unit_test(test_text),
		cmocka_unit_test(test_names),
	};
	size_t i;

	for (i = 0; i < countof(faults); i++)
		tests[7 + i] = (struct CMUnitTest){ .name = faults[i].slug,
						    .test_func = test_fault,
						    .initial_state = (void *)&faults[i] };
	return cmocka_run_group_tests_name("doctor", tests, begin, end);
}
