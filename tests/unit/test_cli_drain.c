/* test_cli_drain.c: drain, with and without waiting, and what it is answered. */
#include <jansson.h>
#include <signal.h>

#include "agent/base/attr.h"
#include "tests/unit/cli_agent.h"
#include "tests/unit/t.h"

static const struct cli_command commands[] = {
	{ .name = "drain",
	  .run = cmd_drain,
	  .min_rest = 1,
	  .max_rest = 1,
	  .options = CLI_AGENT | CLI_WAIT | CLI_FOR | CLI_REASON | CLI_FORCE },
	{ .name = NULL },
};

#define HOLD(id, realserver, drain)                                                                \
	"{\"id\":\"" id                                                                            \
	"\",\"class\":\"operator\",\"service\":\"web\",\"realserver\":\"" realserver               \
	"\",\"holder\":\"alice\",\"effect\":0,\"reason\":\"deploy\","                              \
	"\"since\":\"2026-11-22T14:02:07.000Z\",\"until\":null,\"waiting\":false" drain "}"
#define DRAIN(state, active)                                                                       \
	",\"drain\":{\"state\":\"" state "\",\"active\":" active                                   \
	",\"inactive\":7,\"persistent\":0,\"begun_with\":9,\"elapsed_seconds\":4.2,"               \
	"\"rate\":1.5,\"eta_seconds\":2.0,\"deadline\":\"2096-11-22T14:07:07.000Z\","              \
	"\"why\":\"they idle\"}"
#define PLACED(holds, more) "{\"id\":\"o1\",\"hold\":{},\"holds\":[" holds "]" more "}"
#define HOLDS(holds)        "{\"frozen\":null,\"holds\":[" holds "]}"
#define ASKED               "POST /api/v1/holds {\"target\":\"web/web1\",\"holder\":\"alice\""
#define LOOK                "GET /api/v1/holds?target=web%2Fweb1\n"

static struct fake_agent agent;
static struct buf out, err;

static int run(struct fake_answer *answers, const char *line)
{
	int r;

	fake_agent_start(&agent, answers);
	r = fake_run(&agent, line, &out, &err);
	return r;
}

static void test_plain(void **state)
{
	struct fake_answer answers[] = {
		{ "POST /api/v1/holds", 201, PLACED(HOLD("o1", "web1", DRAIN("draining", "3")), ""),
		  false },
		{ NULL, 0, NULL, false },
	};

	(void)state;
	assert_int_equal(run(answers, "drain web/web1 --for 1h --timeout 5m --reason the_deploy"),
			 0);
	assert_asked(&agent, ASKED ",\"reason\":\"the deploy\",\"ttl\":\"1h\",\"timeout\":\"5m\","
				   "\"weight\":0}\n");
	fake_agent_stop(&agent);
	assert_non_null(strstr(buf_str(&out), "web/web1  draining since 2026-11-22 14:02:07"));
	assert_non_null(strstr(buf_str(&out), " until it is ended: deploy; 3 active, 7 inactive, "
					      "about 2s to go; late at 2096-11-22 14:07:07\n"));
	assert_non_null(strstr(buf_str(&out), "\nundo: ipvs-agent undrain web/web1\n"));
	assert_string_equal(buf_str(&err), "");
}

static void test_refused(void **state)
{
	struct fake_answer answers[] = {
		{ "POST /api/v1/holds", 409,
		  "{\"error\":{\"code\":\"conflict\",\"guard\":\"min_available\","
		  "\"message\":\"web would have 1 of 2 realservers, 2 are asked for\"}}",
		  false },
		{ NULL, 0, NULL, false },
	};

	(void)state;
	assert_int_equal(run(answers, "drain web/web1"), 1);
	assert_string_equal(buf_str(&out), "");
	assert_string_equal(buf_str(&err),
			    "ipvs-agent: refused by guard min_available: web would have 1 of 2 "
			    "realservers, 2 are asked for\n"
			    "  nothing was changed; --force does it all the same\n");
	assert_int_equal(fake_run(&agent, "drain web/web1 --json", &out, &err), 1);
	assert_string_equal(buf_str(&err), "");
	assert_non_null(strstr(buf_str(&out), "\"guard\": \"min_available\""));
	fake_agent_stop(&agent);
}

static void test_forced(void **state)
{
	struct fake_answer answers[] = {
		{ "POST /api/v1/holds", 201,
		  PLACED(HOLD("o1", "web1", ""),
			 ",\"overrode\":[{\"guard\":\"min_available\",\"service\":\"web\","
			 "\"message\":\"1 of 2 would be left\"}]"),
		  false },
		{ NULL, 0, NULL, false },
	};

	(void)state;
	assert_int_equal(run(answers, "drain web/web1 --force --holder bob"), 0);
	assert_asked(&agent, "POST /api/v1/holds {\"target\":\"web/web1\",\"holder\":\"bob\","
			     "\"force\":true,\"weight\":0}\n");
	fake_agent_stop(&agent);
	assert_non_null(strstr(buf_str(&out),
			       "overrode guard min_available of web: 1 of 2 would be left\n"));
	assert_non_null(strstr(buf_str(&out), "undo: ipvs-agent undrain web/web1 --holder bob\n"));
}

static void test_wait(void **state)
{
	static const struct {
		const char *state, *said;
		int code;
	} cases[] = {
		{ HOLDS(HOLD("o1", "web1", DRAIN("drained", "0"))),
		  "drained: web/web1 can be stopped; it stays out\n"
		  "undo: ipvs-agent undrain web/web1\n",
		  0 },
		{ HOLDS(HOLD("o1", "web1", DRAIN("late", "2"))),
		  "not drained in time: web/web1: 2 active, 7 inactive, about 2s to go (they "
		  "idle); it stays out and goes on draining\nundo: ipvs-agent undrain web/web1\n",
		  2 },
		{ HOLDS(HOLD("o9", "web1", DRAIN("drained", "0"))),
		  "ended: the drain of web/web1 was lifted, or its time has passed: it gets "
		  "connections again\n",
		  1 },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct fake_answer answers[] = {
			{ "POST /api/v1/holds", 201, PLACED(HOLD("o1", "web1", ""), ""), false },
			{ "GET /api/v1/holds", 200,
			  HOLDS(HOLD("o1", "web1", DRAIN("draining", "3"))), false },
			{ "GET /api/v1/holds", 200, cases[i].state, false },
			{ NULL, 0, NULL, false },
		};

		assert_int_equal(run(answers, "drain web/web1 --wait"), cases[i].code);
		assert_asked(&agent, ASKED ",\"weight\":0}\n" LOOK LOOK);
		fake_agent_stop(&agent);
		if (!strstr(buf_str(&out), cases[i].said))
			print_error("%s", buf_str(&out));
		assert_non_null(strstr(buf_str(&out), cases[i].said));
		assert_string_equal(buf_str(&err),
				    "draining web/web1 for 4s: 3 active, 7 inactive, 1.5/s go, "
				    "about 2s to go; late at 2096-11-22 14:07:07\n");
	}
}

/* An agent that looks at nothing any more does not say that it is late. */
static void test_wait_overdue(void **state)
{
	struct fake_answer answers[] = {
		{ "POST /api/v1/holds", 201, PLACED(HOLD("o1", "web1", ""), ""), false },
		{ "GET /api/v1/holds", 200,
		  HOLDS(HOLD("o1", "web1",
			     ",\"drain\":{\"state\":\"draining\",\"active\":1,"
			     "\"deadline\":\"2026-01-01T00:00:00.000Z\"}")),
		  false },
		{ NULL, 0, NULL, false },
	};

	(void)state;
	assert_int_equal(run(answers, "drain web/web1 --wait"), 2);
	fake_agent_stop(&agent);
	assert_non_null(strstr(buf_str(&out), "not drained in time: web/web1: 1 active"));
}

/* Where nobody counts, the waiting has an end all the same. */
static void test_wait_silent(void **state)
{
	struct fake_answer answers[] = {
		{ "POST /api/v1/holds", 201, PLACED(HOLD("o1", "web1", ""), ""), false },
		{ "GET /api/v1/holds", 200, HOLDS(HOLD("o1", "web1", "")), false },
		{ NULL, 0, NULL, false },
	};

	(void)state;
	assert_int_equal(run(answers, "drain web/web1 --wait --timeout 500ms"), 2);
	fake_agent_stop(&agent);
	assert_non_null(strstr(buf_str(&out), "not drained in time: web/web1 has connections that "
					      "the agent cannot count; it stays out"));
	assert_string_equal(buf_str(&err), "draining web/web1: the agent has no figures (yet)\n");
}

static void test_wait_json(void **state)
{
	struct fake_answer answers[] = {
		{ "POST /api/v1/holds", 201, PLACED(HOLD("o1", "web1", ""), ""), false },
		{ "GET /api/v1/holds", 200, HOLDS(HOLD("o1", "web1", DRAIN("late", "2"))), false },
		{ NULL, 0, NULL, false },
	};
	json_t *json;

	(void)state;
	assert_int_equal(run(answers, "drain web/web1 --wait --json"), 2);
	fake_agent_stop(&agent);
	json = json_loads(buf_str(&out), 0, NULL);
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "state")), "late");
	assert_int_equal(json_array_size(json_object_get(json, "holds")), 1);
	json_decref(json);
}

/* Ctrl-C ends the waiting: nothing is asked any more, and the shell sees the signal. */
static void test_interrupted(void **state)
{
	struct fake_answer answers[] = {
		{ "POST /api/v1/holds", 201, PLACED(HOLD("o1", "web1", ""), ""), false },
		{ "GET /api/v1/holds", 200, HOLDS(HOLD("o1", "web1", DRAIN("draining", "3"))),
		  false },
		{ NULL, 0, NULL, false },
	};
	struct fake_run child;

	(void)state;
	fake_agent_start(&agent, answers);
	fake_run_start(&agent, "drain web/web1 -w", &child);
	fake_agent_wait(&agent, 2);
	kill(child.pid, SIGINT);
	assert_int_equal(fake_run_end(&child, &out, &err), -SIGINT);
	assert_null(strstr(buf_str(&agent.seen), "DELETE"));
	assert_non_null(strstr(buf_str(&err), "no longer waiting; web/web1 goes on being drained\n"
					      "  undo: ipvs-agent undrain web/web1\n"));
	fake_agent_stop(&agent);
}

static void test_wrong(void **state)
{
	static const char *const cases[][2] = {
		{ "drain web/web1 --for 5", "--for: '5' is no duration" },
		{ "drain web/web1 --for 0", "--for: '0' is no duration" },
		{ "drain web/web1 --timeout soon", "--timeout: 'soon' is no duration" },
		{ "drain web/web1 --holder a/b", "--holder: a name has" },
		{ "drain web/web1 --reason \xff", "the reason is no UTF-8 text" },
	};
	struct fake_answer answers[] = { { NULL, 0, NULL, false } };

	(void)state;
	fake_agent_start(&agent, answers);
	for (size_t i = 0; i < countof(cases); i++) {
		assert_int_equal(fake_run(&agent, cases[i][0], &out, &err), CLI_USAGE);
		assert_non_null(strstr(buf_str(&err), cases[i][1]));
	}
	assert_asked(&agent, "");
	fake_agent_stop(&agent);
}

static int group_fini(void **state)
{
	(void)state;
	buf_fini(&out);
	buf_fini(&err);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),        cmocka_unit_test(test_refused),
		cmocka_unit_test(test_forced),       cmocka_unit_test(test_wait),
		cmocka_unit_test(test_wait_json),    cmocka_unit_test(test_wait_silent),
		cmocka_unit_test(test_wait_overdue), cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_wrong),
	};
	int code;

	if (fake_run_child(commands, &code))
		return code;
	return cmocka_run_group_tests_name("cli_drain", tests, NULL, group_fini);
}
