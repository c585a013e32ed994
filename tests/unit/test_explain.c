/* test_explain.c: whom a target of `explain` means, and what is said of one that means
 * nobody. */
#include <jansson.h>

#include "agent/agent.h"
#include "agent/base/loop.h"
#include "agent/holds/place.h"
#include "agent/rules/engine.h"
#include "tests/unit/model_fixture.h"

static const char ini[] = "[service web]\naddress = tcp://10.1.2.15:80\n"
			  "address = tcp://[fd00::15]:80\nforward = masq\n"
			  "realserver = a 10.1.2.21\nrealserver = b 10.1.2.21:8080\n"
			  "realserver = c 10.1.2.23 [fd00::23]\n"
			  "[service mail]\naddress = tcp://10.1.2.15:25\nforward = masq\n"
			  "realserver = a 10.1.2.21\nrealserver = out 10.1.2.29 enabled=no\n"
			  "[service empty]\naddress = fwmark://7\n";

struct rig {
	struct agent a;
};

static void nothing(void *arg, const char *service, const char *realserver)
{
	(void)arg;
	(void)service;
	(void)realserver;
}

static void open_rig(struct rig *r)
{
	struct buf why = BUF_INIT;
	struct agent_rules rules;

	*r = (struct rig){ 0 };
	r->a.state = make_state(ini);
	assert_int_equal(loop_new(&r->a.loop), 0);
	assert_int_equal(holds_new(&r->a.holds), 0);
	assert_int_equal(placer_new(r->a.loop, NULL, r->a.holds, nothing, r, &r->a.placer), 0);
	assert_int_equal(agent_rules_new(&r->a), 0);
	assert_int_equal(
		agent_rules_prepare(r->a.state->layout->conf, r->a.state->layout, &why, &rules), 0);
	agent_rules_put(&r->a, r->a.state, &rules);
}

static void close_rig(struct rig *r)
{
	engine_free(r->a.engine);
	decider_fini(&r->a.decider);
	placer_free(r->a.placer);
	holds_free(r->a.holds);
	loop_free(r->a.loop);
	state_free(r->a.state);
}

/* "web/a mail/a", as it is answered; or the message for one that is not found. */
static void meant(const struct rig *r, const char *target, struct buf *out)
{
	struct buf text = BUF_INIT;
	enum command_status status = explain_target(&r->a, target, &text);
	json_t *root, *one;
	size_t i;

	buf_reset(out);
	if (status != COMMAND_OK) {
		assert_int_equal(status, COMMAND_NOT_FOUND);
		buf_puts(out, buf_str(&text));
	} else {
		root = json_loads(buf_str(&text), 0, NULL);
		assert_non_null(root);
		json_array_foreach (json_object_get(root, "targets"), i, one)
			buf_printf(out, "%s%s/%s", i ? " " : "",
				   json_string_value(json_object_get(one, "service")),
				   json_string_value(json_object_get(one, "realserver")));
		json_decref(root);
	}
	buf_fini(&text);
}

struct meaning {
	const char *target, *want;
};

static void they_mean(const struct meaning *cases, size_t n)
{
	struct buf got = BUF_INIT;
	struct rig r;
	size_t i;

	open_rig(&r);
	for (i = 0; i < n; i++) {
		meant(&r, cases[i].target, &got);
		assert_string_equal(buf_str(&got), cases[i].want);
	}
	buf_fini(&got);
	close_rig(&r);
}

static void finds_whom_it_means(void **state ATTR_UNUSED)
{
	static const struct meaning cases[] = {
		{ "web/a", "web/a" },
		{ "a", "web/a mail/a" },
		{ "mail", "mail/a mail/out" },
		{ "10.1.2.21", "web/a web/b mail/a" },
		{ "10.1.2.21:8080", "web/b" },
		{ "10.1.2.21:80", "web/a" },
		{ "10.1.2.21:25", "mail/a" },
		{ "10.1.2.21:9", "no service or realserver '10.1.2.21:9'" },
		{ "[fd00::23]:80", "web/c" },
		{ "fd00::23", "web/c" },
		{ "10.1.2.29", "mail/out" },
	};

	they_mean(cases, countof(cases));
}

static void says_why_there_is_nobody(void **state ATTR_UNUSED)
{
	static const struct meaning cases[] = {
		{ "empty", "service empty has no realserver" },
		{ "emty", "no service or realserver 'emty'; did you mean 'empty'?" },
		{ "web/d", "no service or realserver 'web/d'; did you mean realserver 'a'?" },
	};

	they_mean(cases, countof(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_whom_it_means),
		cmocka_unit_test(says_why_there_is_nobody),
	};

	return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
