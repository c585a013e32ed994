/* test_cli_operate.c: the subcommands by which operators ask for something: what they ask
 * the agent, in whose name, and what they print. */
#include <jansson.h>
#include <signal.h>
#include <unistd.h>

#include "agent/base/attr.h"
#include "tests/unit/cli_agent.h"
#include "tests/unit/t.h"

#define TARGET(n, f) .run = f, .min_rest = 1, .max_rest = n, .rest_kind = CLI_VALUE_TARGET

static const struct cli_command commands[] = {
	{ .name = "undrain", TARGET(1, cmd_undrain), .options = CLI_AGENT | CLI_HOLDER },
	{ .name = "admit",
	  TARGET(1, cmd_admit),
	  .options = CLI_AGENT | CLI_FOR | CLI_REASON | CLI_END },
	{ .name = "weight", TARGET(2, cmd_weight), .options = CLI_AGENT | CLI_FOR | CLI_REASON },
	{ .name = "freeze", .run = cmd_freeze, .options = CLI_AGENT | CLI_FOR | CLI_REASON },
	{ .name = "thaw", .run = cmd_thaw, .options = CLI_AGENT },
	{ .name = "holds", .run = cmd_holds, .max_rest = 1, .options = CLI_AGENT | CLI_CLASS },
	{ .name = "rules", .run = cmd_rules, .options = CLI_AGENT },
	{ .name = "status", .run = cmd_status, .max_rest = 1, .options = CLI_AGENT },
	{ .name = "config", .run = cmd_config, .options = CLI_AGENT | CLI_RUNNING },
	{ .name = "journal",
	  .run = cmd_journal,
	  .max_rest = 1,
	  .options = CLI_AGENT | CLI_JOURNAL },
	{ .name = "targets", .run = cmd_targets, .max_rest = 1, .options = CLI_AGENT },
	{ .name = "top", .run = cmd_top, .max_rest = 1, .options = CLI_AGENT | CLI_TOP },
	{ .name = NULL },
};

#define HOLD(id, effect)                                                                           \
	"{\"id\":\"" id "\",\"class\":\"operator\",\"service\":\"web\",\"realserver\":\"web1\","   \
	"\"holder\":\"alice\",\"effect\":" effect ",\"reason\":\"deploy\","                        \
	"\"since\":\"2026-11-22T14:02:07.000Z\",\"until\":null}"
#define LIFTED(l) "{\"lifted\":[" l "],\"remaining\":[]}"
#define PLACED(h) "{\"id\":\"o1\",\"hold\":" h ",\"holds\":[" h "],\"overrode\":[]}"
#define EXPLAIN                                                                                    \
	"{\"targets\":[{\"service\":\"web\",\"realserver\":\"web1\",\"weight\":10,"                \
	"\"configured\":100,\"returns\":\"in steps for 30s\"}]}"
#define FROZEN HOLD("o7", "\"freeze\"")
#define SERVICES                                                                                   \
	"{\"services\":[{\"name\":\"web\",\"managed\":true,\"addresses\":[{\"address\":"           \
	"\"tcp://10.0.0.1:80\",\"scheduler\":\"rr\",\"destinations\":[{\"realserver\":\"web1\","   \
	"\"in_kernel\":true,\"weight\":100,\"active_connections\":7,\"connections_total\":100}]"   \
	"}],\"realservers\":[{\"name\":\"web1\",\"state\":\"up\",\"effective_weight\":100,"        \
	"\"configured_weight\":100,\"probes\":[]}]}],\"time\":\"%s\",\"troubles\":[]}"

static struct fake_answer answers[] = {
	{ "DELETE /api/v1/holds", 200, LIFTED(HOLD("o1", "0")), false },
	{ "GET /api/v1/explain", 200, EXPLAIN, false },
	{ "GET /api/v1/holds", 200, "{\"frozen\":null,\"holds\":[" HOLD("o1", "0") "]}", false },
	{ "POST /api/v1/holds", 201, PLACED(HOLD("o1", "{\"replace\":50}")), false },
	{ "POST /api/v1/freeze", 200, "{\"frozen\":" FROZEN "}", false },
	{ "DELETE /api/v1/freeze", 200, "{\"frozen\":null,\"lifted\":[" FROZEN "]}", false },
	{ "GET /api/v1/rules", 200, "{\"rules\":[]}", false },
	{ "GET /api/v1/config", 200,
	  "{\"files\":[\"/a.ini\"],\"sections\":[{\"type\":\"agent\",\"name\":\"\",\"file\":"
	  "\"/a.ini\",\"line\":1,\"keys\":[]}]}",
	  false },
	{ "GET /api/v1/journal", 200,
	  "{\"lines\":[{\"t\":1795356000000,\"seq\":4,\"what\":\"stop\",\"reason\":\"\"}]}",
	  false },
	{ "GET /api/v1/services", 200, SERVICES, false },
	{ NULL, 0, NULL, false },
};

/* A command line, what it asks (NULL = nothing is looked at), its code, what it prints. */
static const struct {
	const char *line, *asked;
	int code;
	const char *out, *err;
} cases[] = {
	{ "undrain web/web1",
	  "DELETE /api/v1/holds?target=web%2Fweb1&kind=drain&holder=alice\n"
	  "GET /api/v1/explain?target=web%2Fweb1\n",
	  0, "ended    web/web1: operator alice's drain, since 2026-11-22 14:02:07", "" },
	{ "undrain web/web1", NULL, 0, "\nnow      web/web1: weight 10 of 100; returns: in steps ",
	  "" },
	{ "undrain web/web1 --all",
	  "DELETE /api/v1/holds?target=web%2Fweb1&kind=drain&all=1\n"
	  "GET /api/v1/explain?target=web%2Fweb1\n",
	  0, "ended", "" },
	{ "undrain web/web1 --holder bob --json",
	  "DELETE /api/v1/holds?target=web%2Fweb1&kind=drain&holder=bob\n", 0, "\"lifted\": [",
	  "" },
	/* An id is known among the holds; a name that looks like one is a target. */
	{ "undrain o1",
	  "GET /api/v1/holds\nDELETE /api/v1/holds/o1\nGET /api/v1/explain?target=web%2Fweb1\n", 0,
	  "ended", "" },
	{ "undrain web1",
	  "GET /api/v1/holds\nDELETE /api/v1/holds?target=web1&kind=drain&holder=alice\n"
	  "GET /api/v1/explain?target=web%2Fweb1\n",
	  0, "ended", "" },
	{ "admit web1 --for 2h --reason it_lies",
	  "POST /api/v1/holds {\"target\":\"web1\",\"holder\":\"alice\",\"reason\":\"it lies\","
	  "\"ttl\":\"2h\",\"admit\":true}\n",
	  0, "web/web1  ", "" },
	{ "admit web/web1 --end",
	  "DELETE /api/v1/holds?target=web%2Fweb1&kind=admit&holder=alice\n"
	  "GET /api/v1/explain?target=web%2Fweb1\n",
	  0, "ended", "" },
	{ "weight web/web1 50",
	  "POST /api/v1/holds {\"target\":\"web/web1\",\"holder\":\"alice\",\"replace\":50}\n", 0,
	  "web/web1  weight 50 since", "" },
	{ "weight web/web1 150%",
	  "POST /api/v1/holds {\"target\":\"web/web1\",\"holder\":\"alice\","
	  "\"replace\":\"150%\"}\n",
	  0, "web/web1", "" },
	{ "weight web/web1 reset",
	  "DELETE /api/v1/holds?target=web%2Fweb1&kind=weight&holder=alice\n"
	  "GET /api/v1/explain?target=web%2Fweb1\n",
	  0, "ended", "" },
	{ "weight web/web1 0", "", CLI_USAGE, "", "use 'ipvs-agent drain'" },
	{ "weight web/web1 half", "", CLI_USAGE, "", "'half' is no weight" },
	{ "weight web/web1 65536", "", CLI_USAGE, "", "'65536' is no weight" },
	{ "weight web/web1 %", "", CLI_USAGE, "", "'%' is no weight" },
	{ "freeze --for 1h --reason disks",
	  "POST /api/v1/freeze {\"holder\":\"alice\",\"reason\":\"disks\",\"ttl\":\"1h\"}\n", 0,
	  "FROZEN by alice since", "" },
	{ "thaw", "DELETE /api/v1/freeze\n", 0, "thawed: alice's freeze, since", "" },
	{ "holds", "GET /api/v1/holds\n", 0, "  web/web1  drain   operator  alice", "" },
	{ "holds web --class rule", "GET /api/v1/holds?target=web&class=rule\n", 0, "TARGET", "" },
	{ "holds --json", "GET /api/v1/holds\n", 0, "\"frozen\": null", "" },
	{ "rules", "GET /api/v1/rules\n", 0, "there are no rules\n", "" },
	{ "config --running", "GET /api/v1/config\n", 0, "a.ini:1  [agent]\n", "" },
	{ "config --json", "", CLI_USAGE, "", "--json goes with --running" },
	{ "journal web/web1 -n 7", "GET /api/v1/journal?limit=7&target=web%2Fweb1\n", 0,
	  "2026-11-22 14:00:00.000  -                   the agent ends\n", "" },
	{ "journal --limit 0", "", CLI_USAGE, "", "--limit: 1 to 10000 lines" },
	{ "status", "GET /api/v1/services?max_age=0\nGET /api/v1/holds\n", 0,
	  "  web1        up        100       7  operator alice: deploy\n", "" },
	{ "status --json", "GET /api/v1/services?max_age=0\n", 0, "\"troubles\": []", "" },
	{ "targets", "GET /api/v1/services\n", 0, "web\nweb/web1\nweb1\n", "" },
	{ "targets services", "GET /api/v1/services\n", 0, "web\n", "" },
	{ "top --sort size", "", CLI_USAGE, "", "--sort: connections, rate" },
	{ "top --interval 1ms", "", CLI_USAGE, "", "--interval: a duration" },
};

static struct fake_agent agent;
static struct buf out, err;

static void test_cases(void **state)
{
	(void)state;
	fake_agent_start(&agent, answers);
	for (size_t i = 0; i < countof(cases); i++) {
		int code = fake_run(&agent, cases[i].line, &out, &err);
		bool good = code == cases[i].code && strstr(buf_str(&out), cases[i].out) &&
			    strstr(buf_str(&err), cases[i].err) &&
			    (*cases[i].err || err.len == 0) && (*cases[i].out || out.len == 0);

		if (!good)
			print_error("%s: %d\n%s\n%s\n", cases[i].line, code, buf_str(&out),
				    buf_str(&err));
		assert_true(good);
		if (!cases[i].asked)
			fake_agent_forget(&agent);
		else
			assert_asked(&agent, cases[i].asked);
	}
	fake_agent_stop(&agent);
}

/* --- what goes wrong ------------------------------------------------------------- */

static void test_refused(void **state)
{
	static const struct {
		int status;
		const char *body, *said;
	} wrong[] = {
		{ 404,
		  "{\"error\":{\"code\":\"not_found\",\"message\":\"no service or realserver "
		  "'wbe'; did you mean 'web'?\"}}",
		  "ipvs-agent: no service or realserver 'wbe'; did you mean 'web'?\n" },
		{ 503, "{\"error\":{\"message\":\"the ledger cannot be written\"}}",
		  "ipvs-agent: the ledger cannot be written\n" },
		{ 500, "", "ipvs-agent: the agent answers HTTP status 500\n" },
		{ 200, "<html>", "ipvs-agent: the answer is not one that this version" },
		{ 200, "{}", "ipvs-agent: the answer is not one that this version" },
		{ 409, "a\033[31mb", "ipvs-agent: a?[31mb\n" },
	};

	(void)state;
	for (size_t i = 0; i < countof(wrong); i++) {
		struct fake_answer one[] = { { "GET", wrong[i].status, wrong[i].body, false },
					     { NULL, 0, NULL, false } };

		fake_agent_start(&agent, one);
		assert_int_equal(fake_run(&agent, "holds wbe", &out, &err), 1);
		assert_non_null(strstr(buf_str(&err), wrong[i].said));
		assert_string_equal(buf_str(&out), "");
		fake_agent_stop(&agent);
	}
}

/* What is not the caller's stays, and he is told how to end it. */
static void test_not_yours(void **state)
{
	struct fake_answer one[] = {
		{ "DELETE", 200,
		  "{\"lifted\":[],\"remaining\":[" HOLD("o1", "0") "," HOLD("o2", "\"50%\"") "]}",
		  false },
		{ NULL, 0, NULL, false },
	};

	(void)state;
	fake_agent_start(&agent, one);
	assert_int_equal(fake_run(&agent, "undrain web/web1 --holder bob", &out, &err), 1);
	fake_agent_stop(&agent);
	assert_non_null(strstr(buf_str(&out), "nothing of yours was there to end\nremains  "
					      "web/web1: operator alice's drain, since"));
	assert_non_null(
		strstr(buf_str(&out), "to end it: ipvs-agent undrain web/web1 --holder alice\n"));
	assert_non_null(strstr(buf_str(&out), "to end it: ipvs-agent undrain o2\n"));
}

static void test_not_running(void **state)
{
	static const char *const lines[] = { "holds",      "status",       "journal --follow",
					     "top --once", "undrain web1", "freeze" };
	struct fake_answer none[] = { { NULL, 0, NULL, false } };
	char line[200];

	(void)state;
	fake_agent_start(&agent, none);
	fake_agent_stop(&agent);
	for (size_t i = 0; i < countof(lines); i++) {
		snprintf(line, sizeof(line), "%s --socket /tmp/nobody-is-here.sock", lines[i]);
		assert_int_equal(fake_run(NULL, line, &out, &err), 1);
		assert_non_null(strstr(buf_str(&err), "the agent does not run here"));
	}
}

/* --- rates ------------------------------------------------------------------------- */

static void test_top_once(void **state)
{
	char first[2000], second[2000];
	struct fake_answer two[] = {
		{ "GET /api/v1/services", 200, first, false },
		{ "GET /api/v1/services", 200, second, false },
		{ "GET /api/v1/holds", 404, "", false },
		{ NULL, 0, NULL, false },
	};
	json_t *json, *row;

	(void)state;
	snprintf(first, sizeof(first), SERVICES, "2026-11-22T14:02:07.000Z");
	snprintf(second, sizeof(second), SERVICES, "2026-11-22T14:02:11.500Z");
	strstr(second, "_total\":100")[9] = '9';
	fake_agent_start(&agent, two);
	assert_int_equal(fake_run(&agent, "top --once --interval 200ms --json", &out, &err), 0);
	fake_agent_stop(&agent);
	json = json_loads(buf_str(&out), 0, NULL);
	assert_non_null(json);
	row = json_array_get(json_object_get(json, "rows"), 0);
	assert_string_equal(json_string_value(json_object_get(row, "target")), "web/web1");
	/* 90 connections in the 4.5 s between the readings, whatever time passed here. */
	assert_true(json_real_value(json_object_get(row, "connections_per_second")) == 20);
	assert_true(json_is_null(json_object_get(row, "incoming_bytes_per_second")));
	assert_int_equal(json_integer_value(json_object_get(row, "active_connections")), 7);
	json_decref(json);
}

/* --- following --------------------------------------------------------------------- */

#define LINE(t, seq, rs)                                                                           \
	"{\"t\":" t ",\"seq\":" seq ",\"what\":\"asked\",\"service\":\"web\",\"realserver\":\"" rs \
	"\",\"class\":\"operator\",\"holder\":\"alice\",\"effect\":0}"
#define EVENT(line) "event: journal\nid: 1\ndata: " line "\n\n"
#define HELLO       "event: hello\ndata: {\"version\":\"1\"}\n\n"

/* Lines that come by both ways are told once, and after a restart of the agent, whose
 * sequence begins anew, none is missed. */
static void test_follow(void **state)
{
	struct fake_answer stream[] = {
		{ "GET /api/v1/explain", 200, EXPLAIN, false },
		{ "GET /api/v1/events", 200,
		  HELLO EVENT(LINE("1002", "8", "web1")) EVENT(LINE("1003", "9", "web1")) EVENT(
			  LINE("1004", "10", "web2")) "event: lost\ndata: {\"dropped\":3}\n\n",
		  false },
		{ "GET /api/v1/events", 200,
		  HELLO EVENT(LINE("2001", "2", "web1")) "event: heartbeat\ndata: {}\n\n", false },
		{ "GET /api/v1/events", 503, "{\"error\":{\"message\":\"enough\"}}", false },
		{ "GET /api/v1/journal?limit=2&target=web%2Fweb1", 200,
		  "{\"lines\":[" LINE("1001", "7", "web1") "," LINE("1002", "8", "web1") "]}",
		  false },
		{ "GET /api/v1/journal?limit=1000&target=web%2Fweb1", 200,
		  "{\"lines\":[" LINE("1003", "9", "web1") "," LINE("2000", "1", "web1") "]}",
		  false },
		{ NULL, 0, NULL, false },
	};

	(void)state;
	fake_agent_start(&agent, stream);
	assert_int_equal(fake_run(&agent, "journal web/web1 -n 2 --follow --json", &out, &err), 1);
	fake_agent_stop(&agent);
	assert_string_equal(
		buf_str(&out),
		LINE("1001", "7", "web1") "\n" LINE("1002", "8", "web1") "\n" LINE(
			"1003", "9", "web1") "\n" LINE("2000", "1", "web1") "\n" LINE("2001", "2",
										      "web1") "\n");
	assert_string_equal(buf_str(&err), "ipvs-agent: 3 lines were lost: this end was too slow\n"
					   "ipvs-agent: the agent is gone; waiting for it\n"
					   "ipvs-agent: the agent is gone; waiting for it\n"
					   "ipvs-agent: enough\n");
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
		cmocka_unit_test(test_cases),     cmocka_unit_test(test_refused),
		cmocka_unit_test(test_not_yours), cmocka_unit_test(test_not_running),
		cmocka_unit_test(test_top_once),  cmocka_unit_test(test_follow),
	};
	int code;

	if (fake_run_child(commands, &code))
		return code;
	return cmocka_run_group_tests_name("cli_operate", tests, NULL, group_fini);
}
