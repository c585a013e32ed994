/* test_http_api.c: what operators ask over HTTP: each request as the loop sees it, each
 * wrong one refused with a sentence, each reply with its status. */
#include "tests/unit/http_fixture.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A request with a body; malloc'd answer. */
static char *ask_body(const struct world *w, const char *line, const char *body)
{
	struct buf headers = BUF_INIT;
	char *answer;

	/* ask() ends the head: the body's first bytes follow it. */
	buf_printf(&headers, "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
	answer = ask(w, line, buf_str(&headers));
	buf_fini(&headers);
	return answer;
}

#define POST "POST /api/v1/holds"

static const struct {
	const char *line, *body;
	const char *asked; /* by loopback; NULL = nothing reaches the loop */
	int status;
	const char *says; /* in the answer */
} cases[] = {
	{ POST, "{\"target\":\"web/web1\",\"weight\":0}", "hold target=web/web1 who=loopback", 201,
	  "{}" },
	{ POST,
	  "{\"target\":\"10.1.2.3:80\",\"weight\":\"50%\",\"reason\":\"d\xc3\xa9ploy\","
	  "\"ttl\":\"1h\",\"holder\":\"ann@host\",\"force\":true}",
	  "hold target=10.1.2.3:80 who=loopback holder=ann@host reason=d\xc3\xa9ploy effect=50 "
	  "ttl=3600000 force=1",
	  201, "{}" },
	{ POST, "{\"timeout\":\"5m\",\"weight\":0,\"target\":\"web\",\"force\":false}",
	  "hold target=web who=loopback drain=300000", 201, "{}" },
	{ POST, "{\"target\":\"w\",\"admit\":true}",
	  "hold target=w who=loopback effect=103 ttl=3600000", 201, "{}" },
	{ POST, "{\"target\":\"w\",\"admit\":true,\"ttl\":\"7d\"}",
	  "hold target=w who=loopback effect=103 ttl=604800000", 201, "{}" },
	{ POST, "{\"target\":\"w\",\"replace\":65535}",
	  "hold target=w who=loopback effect=104 weight=65535", 201, "{}" },
	{ POST, "{\"target\":\"w\",\"replace\":\"200%\"}",
	  "hold target=w who=loopback effect=105 weight=200", 201, "{}" },
	/* wrong ones */
	{ POST, "", NULL, 400, "not JSON" },
	{ POST, "[]", NULL, 400, "not a JSON object" },
	{ POST, "{}", NULL, 400, "target: is missing" },
	{ POST, "{\"target\":\"w\"}", NULL, 400, "one of weight, admit and replace is missing" },
	{ POST, "{\"target\":\"w\",\"weight\":0", NULL, 400, "not JSON, at line 1" },
	{ POST, "{\"target\":\"w\",\"weight\":0}x", NULL, 400, "not JSON" },
	{ POST, "{\"target\":\"w\",\"weight\":0,\"weight\":0}", NULL, 400, "stands there twice" },
	{ POST, "{\"target\":\"w\",\"wieght\":0}", NULL, 400,
	  "unknown member 'wieght'; did you mean 'weight'?" },
	{ POST, "{\"target\":\"w\",\"weight\":0,\"\\u001b[2J\":1}", NULL, 400,
	  "unknown member '?[2J'" },
	{ POST, "{\"target\":\"w\",\"weight\":0,\"admit\":true}", NULL, 400, "only one of them" },
	{ POST, "{\"target\":\"w\",\"replace\":3,\"weight\":0}", NULL, 400, "only one of them" },
	{ POST, "{\"target\":7,\"weight\":0}", NULL, 400, "target: is not a string" },
	{ POST, "{\"target\":\"\",\"weight\":0}", NULL, 400, "target: is not SERVICE/REALSERVER" },
	{ POST, "{\"target\":\"a b\",\"weight\":0}", NULL, 400, "target: a name has no such" },
	{ POST, "{\"target\":\"w\",\"weight\":1}", NULL, 400, "weight: is neither 0 nor a share" },
	{ POST, "{\"target\":\"w\",\"weight\":0.0}", NULL, 400, "weight: is neither" },
	{ POST, "{\"target\":\"w\",\"weight\":\"0%\"}", NULL, 400, "weight: is neither" },
	{ POST, "{\"target\":\"w\",\"weight\":\"101%\"}", NULL, 400, "weight: is neither" },
	{ POST, "{\"target\":\"w\",\"weight\":\"50\"}", NULL, 400, "weight: is neither" },
	{ POST, "{\"target\":\"w\",\"weight\":\"+5%\"}", NULL, 400, "weight: is neither" },
	{ POST, "{\"target\":\"w\",\"weight\":\"00000000050%\"}", NULL, 400, "weight: is neither" },
	{ POST, "{\"target\":\"w\",\"weight\":null}", NULL, 400, "weight: is neither" },
	{ POST, "{\"target\":\"w\",\"admit\":false}", NULL, 400, "admit: is not true" },
	{ POST, "{\"target\":\"w\",\"admit\":true,\"ttl\":\"8d\"}", NULL, 400, "7d at most" },
	{ POST, "{\"target\":\"w\",\"admit\":true,\"timeout\":\"5m\"}", NULL, 400,
	  "timeout: is of a drain" },
	{ POST, "{\"target\":\"w\",\"replace\":0}", NULL, 400, "a weight of 0 is a drain" },
	{ POST, "{\"target\":\"w\",\"replace\":-1}", NULL, 400, "replace: is neither" },
	{ POST, "{\"target\":\"w\",\"replace\":65536}", NULL, 400, "replace: is neither" },
	{ POST, "{\"target\":\"w\",\"replace\":\"1001%\"}", NULL, 400, "replace: is neither" },
	{ POST, "{\"target\":\"w\",\"weight\":0,\"ttl\":3600}", NULL, 400, "ttl: is not a string" },
	{ POST, "{\"target\":\"w\",\"weight\":0,\"ttl\":\"0\"}", NULL, 400, "ttl: is not a dur" },
	{ POST, "{\"target\":\"w\",\"weight\":0,\"ttl\":\"-1h\"}", NULL, 400, "ttl: is not a dur" },
	{ POST, "{\"target\":\"w\",\"weight\":0,\"ttl\":\"99999y\"}", NULL, 400, "ttl: is not" },
	{ POST, "{\"target\":\"w\",\"weight\":0,\"timeout\":\"5\"}", NULL, 400, "timeout: is not" },
	{ POST, "{\"target\":\"w\",\"weight\":0,\"force\":1}", NULL, 400, "force: is not true" },
	{ POST, "{\"target\":\"w\",\"weight\":0,\"holder\":\"a b\"}", NULL, 400, "holder: has" },
	{ POST, "{\"target\":\"w\",\"weight\":0,\"holder\":\"\"}", NULL, 400, "holder: has" },
	{ POST, "{\"target\":\"w\",\"weight\":0,\"reason\":\"a\\nb\"}", NULL, 400, "reason: has" },
	{ POST, "{\"target\":\"w\",\"weight\":0,\"reason\":\"\\u0000\"}", NULL, 400, "not JSON" },
	/* lifting */
	{ "DELETE /api/v1/holds/h-1a2b-3", "", "lift who=loopback id=h-1a2b-3", 200, "{}" },
	{ "DELETE /api/v1/holds/../x", "", NULL, 404, "no hold has such an id" },
	{ "DELETE /api/v1/holds/", "", NULL, 404, "nothing here" },
	{ "DELETE /api/v1/holds?target=web/web1", "", "lift target=web/web1 who=loopback", 200,
	  "{}" },
	{ "DELETE /api/v1/holds?target=w&holder=ann&all=1&kind=drain", "",
	  "lift target=w who=loopback holder=ann only=drain all=1", 200, "{}" },
	{ "DELETE /api/v1/holds?target=w&all=0", "", "lift target=w who=loopback", 200, "{}" },
	{ "DELETE /api/v1/holds?target=w&all", "", "lift target=w who=loopback all=1", 200, "{}" },
	{ "DELETE /api/v1/holds", "", NULL, 400, "target: is missing" },
	{ "DELETE /api/v1/holds?target=w&kind=all", "", NULL, 400,
	  "kind: is not drain, weight or admit" },
	{ "DELETE /api/v1/holds?target=w&all=some", "", NULL, 400, "all: is not 1 or 0" },
	{ "DELETE /api/v1/holds?target=w&holder=%20", "", NULL, 400, "holder: has" },
	{ "DELETE /api/v1/holds?target=w&kidn=drain", "", NULL, 400,
	  "unknown 'kidn' in the query; there are target, holder, kind and all" },
	{ "DELETE /api/v1/freeze?target=w", "", NULL, 400, "unknown 'target'" },
	{ "GET /api/v1/holds?x%1b=1", "", NULL, 400, "unknown 'x?'" },
	/* attempts */
	{ "POST /api/v1/probe", "{\"target\":\"web/web1\"}", "probe target=web/web1 who=loopback",
	  200, "{}" },
	{ "POST /api/v1/probe", "{\"target\":\"w\",\"probe\":\"a.b-c_1\",\"count\":true}",
	  "probe target=w who=loopback only=a.b-c_1 count=1", 200, "{}" },
	{ "POST /api/v1/probe", "", NULL, 400, "not JSON" },
	{ "POST /api/v1/probe", "{}", NULL, 400, "target: is missing" },
	{ "POST /api/v1/probe", "{\"target\":\"w\",\"probe\":\"\"}", NULL, 400,
	  "probe: is not a probe's name" },
	{ "POST /api/v1/probe", "{\"target\":\"w\",\"probe\":\"a b\"}", NULL, 400,
	  "probe: is not a probe's name" },
	{ "POST /api/v1/probe", "{\"target\":\"w\",\"probe\":7}", NULL, 400,
	  "probe: is not a string" },
	{ "POST /api/v1/probe", "{\"target\":\"w\",\"count\":1}", NULL, 400,
	  "count: is not true or false" },
	{ "POST /api/v1/probe", "{\"target\":\"w\",\"weight\":0}", NULL, 400,
	  "unknown member 'weight'" },
	{ "GET /api/v1/probe?target=w", "", NULL, 405, "only POST here" },
	/* the others */
	{ "GET /api/v1/holds", "", "holds", 200, "{}" },
	{ "GET /api/v1/holds?target=w&class=operator&holder=ann", "",
	  "holds target=w holder=ann only=operator", 200, "{}" },
	{ "GET /api/v1/holds?class=x", "", NULL, 400, "class: is not rule, alert or operator" },
	{ "POST /api/v1/freeze", "", "freeze who=loopback", 200, "{}" },
	{ "POST /api/v1/freeze", "{\"reason\":\"migration\",\"ttl\":\"2h\",\"holder\":\"ann\"}",
	  "freeze who=loopback holder=ann reason=migration ttl=7200000", 200, "{}" },
	{ "POST /api/v1/freeze", "{\"target\":\"w\"}", NULL, 400, "unknown member 'target'" },
	{ "DELETE /api/v1/freeze", "", "thaw who=loopback", 200, "{}" },
	{ "DELETE /api/v1/freeze?holder=ann&all=1", "", "thaw who=loopback holder=ann all=1", 200,
	  "{}" },
	{ "GET /api/v1/role", "", "role", 200, "{}" },
	{ "POST /api/v1/role", "{\"role\":\"master\",\"reason\":\"vrrp\"}",
	  "set-role who=loopback reason=vrrp only=master", 200, "{}" },
	{ "POST /api/v1/role", "{}", NULL, 400, "role: is missing: master, backup or fault" },
	{ "POST /api/v1/role", "", NULL, 400, "not JSON" },
	{ "POST /api/v1/role", "{\"role\":\"unknown\"}", NULL, 400,
	  "role: is not master, backup or fault" },
	{ "POST /api/v1/role", "{\"role\":1}", NULL, 400, "role: is not a string" },
	{ "POST /api/v1/role", "{\"role\":\"fault\",\"ttl\":\"1h\"}", NULL, 400,
	  "unknown member 'ttl'" },
	{ "GET /api/v1/rules", "", "rules", 200, "{}" },
	{ "POST /api/v1/alerts", "{\"version\":\"4\"}", "alerts who=loopback body=15", 200, "{}" },
	{ "POST /api/v1/alerts", "", NULL, 400, "version 4, is expected" },
	/* methods */
	{ "PUT /api/v1/holds", "", NULL, 405, "Allow: GET, HEAD, POST, DELETE" },
	{ "GET /api/v1/freeze", "", NULL, 405, "Allow: POST, DELETE" },
	{ "POST /api/v1/rules", "{}", NULL, 405, "Allow: GET, HEAD" },
	{ "GET /api/v1/holds/h-1", "", NULL, 405, "Allow: DELETE" },
	{ "BREW /api/v1/holds", "", NULL, 405, "method_not_allowed" },
};

static void test_requests(void **state)
{
	struct world *w = *state;

	w->conf.loopback_writes = true;
	world_serve(w);
	for (size_t i = 0; i < countof(cases); i++) {
		char *answer = *cases[i].body ? ask_body(w, cases[i].line, cases[i].body)
					      : ask(w, cases[i].line, NULL);
		char *asked = take_asked(w);

		if (status_of(answer) != cases[i].status || !strstr(answer, cases[i].says) ||
		    strcmp(asked, cases[i].asked ? cases[i].asked : "") != 0)
			fail_msg("case %zu: %s %s\nasked '%s'\n%s", i, cases[i].line, cases[i].body,
				 asked, answer);
		if (cases[i].status >= 400)
			assert_non_null(strstr(answer, "{\"error\":{\"code\":\""));
		free(asked);
		free(answer);
	}
}

static void test_replies(void **state)
{
	static const struct {
		enum command_status status;
		const char *text, *guard;
		int http;
		const char *answer;
	} replies[] = {
		{ COMMAND_OK, "{\"id\":\"h-1\"}", NULL, 201, "{\"id\":\"h-1\"}" },
		{ COMMAND_INVALID, "no", NULL, 400,
		  "{\"error\":{\"code\":\"bad_request\",\"message\":\"no\"}}\n" },
		{ COMMAND_NOT_FOUND, "no 'w'", NULL, 404,
		  "{\"error\":{\"code\":\"not_found\",\"message\":\"no 'w'\"}}\n" },
		{ COMMAND_CONFLICT, "web: 1 of 2", "min_available", 409,
		  "{\"error\":{\"code\":\"refused\",\"message\":\"web: 1 of 2\","
		  "\"guard\":\"min_available\"}}\n" },
		{ COMMAND_CONFLICT, "ambiguous", NULL, 409,
		  "{\"error\":{\"code\":\"refused\",\"message\":\"ambiguous\"}}\n" },
		{ COMMAND_UNAVAILABLE, "disk", NULL, 503,
		  "{\"error\":{\"code\":\"unavailable\",\"message\":\"disk\"}}\n" },
		{ COMMAND_FAILED, "", NULL, 500,
		  "{\"error\":{\"code\":\"internal\",\"message\":\"it could not be done\"}}\n" },
		{ COMMAND_STOPPING, "", NULL, 503, "the agent is stopping" },
	};
	struct world *w = *state;

	w->conf.loopback_writes = true;
	world_serve(w);
	for (size_t i = 0; i < countof(replies); i++) {
		char *answer;

		w->reply_status = replies[i].status;
		w->reply_text = replies[i].text;
		w->reply_guard = replies[i].guard;
		answer = ask_body(w, POST, "{\"target\":\"w\",\"weight\":0}");
		if (status_of(answer) != replies[i].http ||
		    !strstr(body_of(answer), replies[i].answer))
			fail_msg("case %zu: %s", i, answer);
		assert_non_null(strstr(answer, "Content-Type: application/json"));
		free(answer);
	}
}

/* Without credentials every write over TCP is refused, and reaches nobody. */
static void test_no_credentials(void **state)
{
	static const char *const writes[] = {
		"POST /-/reload",
		"POST /api/v1/holds",
		"DELETE /api/v1/holds?target=web",
		"DELETE /api/v1/holds/h-1",
		"POST /api/v1/freeze",
		"DELETE /api/v1/freeze",
		"POST /api/v1/role",
		"POST /api/v1/alerts",
	};
	struct world *w = *state;
	char *token = file_with(w, "token", "0123456789abcdef\n");

	w->conf.token_file = token;
	world_serve(w);
	for (size_t i = 0; i < countof(writes); i++) {
		char *answer = ask_body(w, writes[i], "{\"target\":\"w\",\"weight\":0}");

		if (status_of(answer) != 401)
			fail_msg("%s: %s", writes[i], answer);
		free(answer);
	}
	assert_int_equal(w->n_asked, 0);
	assert_int_equal(atomic_load(&w->reloads), 0);
	free(token);
}

/* The unix socket knows the user at its other end, whatever he says he is. */
static void test_who(void **state)
{
	static const char request[] = "POST /api/v1/freeze HTTP/1.0\r\n"
				      "Content-Type: application/x-www-form-urlencoded\r\n"
				      "Authorization: Basic YW5uOnNlY3JldA==\r\n\r\n";
	struct world *w = *state;
	const struct passwd *me = getpwuid(getuid());
	struct listen_conf *l = &w->listens[w->conf.n_listens++];
	struct buf want = BUF_INIT;
	char *path = path_in(w, "a.sock"), *asked;

	l->unix_path = l->text = path;
	world_serve(w);
	free(ask_on(client_connect(w, path), request, strlen(request)));
	asked = take_asked(w);
	if (me)
		buf_printf(&want, "freeze who=%s", me->pw_name);
	else
		buf_printf(&want, "freeze who=uid%u", (unsigned int)getuid());
	assert_string_equal(asked, buf_str(&want));
	buf_fini(&want);
	free(asked);
	free(path);
}

/* --- journal, configuration ------------------------------------------------------- */

static const struct {
	const char *line;
	int status;
	const char *says;
} journal_cases[] = {
	{ "GET /api/v1/journal", 200,
	  "{\"lines\":[{\"t\":1,\"m\":1,\"seq\":1,\"what\":\"start\"},{" },
	{ "GET /api/v1/journal?limit=1", 200,
	  "{\"lines\":[{\"t\":3,\"m\":3,\"seq\":3,\"what\":\"hold\",\"service\":\"web\","
	  "\"realserver\":\"web1\"}]}\n" },
	{ "GET /api/v1/journal?what=sample", 200,
	  "{\"lines\":[{\"t\":2,\"m\":2,\"seq\":2,\"what\":\"sample\"}]}\n" },
	{ "GET /api/v1/journal?what=start,sample&limit=10000", 200, "\"seq\":2" },
	{ "GET /api/v1/journal?target=web/web1", 200, "{\"lines\":[{\"t\":3," },
	{ "GET /api/v1/journal?target=web1", 200, "{\"lines\":[{\"t\":3," },
	{ "GET /api/v1/journal?target=dns", 200, "{\"lines\":[]}\n" },
	{ "GET /api/v1/journal?limit=0", 400, "limit: is not a number from 1 to 10000" },
	{ "GET /api/v1/journal?limit=10001", 400, "limit: is not" },
	{ "GET /api/v1/journal?limit=", 400, "limit: is not" },
	{ "GET /api/v1/journal?what=", 400, "what: there are start, stop," },
	{ "GET /api/v1/journal?what=hold,", 400, "what: there are" },
	{ "GET /api/v1/journal?what=hold,x", 400, "what: there are" },
	{ "GET /api/v1/journal?target=a%20b", 400, "target: a name" },
};

static void test_journal(void **state)
{
	struct world *w = *state;
	char *path = file_with(w, "journal",
			       "{\"t\":1,\"m\":1,\"seq\":1,\"what\":\"start\"}\n"
			       "{\"t\":2,\"m\":2,\"seq\":2,\"what\":\"sample\"}\n"
			       "{\"t\":3,\"m\":3,\"seq\":3,\"what\":\"hold\",\"service\":\"web\","
			       "\"realserver\":\"web1\"}\n");
	char *answer;

	world_serve(w);
	for (size_t i = 0; i < countof(journal_cases); i++) {
		answer = ask(w, journal_cases[i].line, NULL);
		if (status_of(answer) != journal_cases[i].status ||
		    !strstr(body_of(answer), journal_cases[i].says))
			fail_msg("%s: %s", journal_cases[i].line, answer);
		free(answer);
	}
	assert_int_equal(unlink(path), 0);
	answer = ask(w, "GET /api/v1/journal", NULL);
	assert_string_equal(body_of(answer), "{\"lines\":[]}\n");
	free(answer);
	assert_int_equal(mkdir(path, 0700), 0);
	answer = ask(w, "GET /api/v1/journal", NULL);
	assert_int_equal(status_of(answer), 500);
	assert_non_null(strstr(answer, "the journal cannot be read: "));
	free(answer);
	free(path);
}

static void test_config(void **state)
{
	struct world *w = *state;
	struct buf want = BUF_INIT;
	char *answer;

	world_serve(w);
	answer = ask(w, "GET /api/v1/config", NULL);
	assert_int_equal(status_of(answer), 200);
	buf_printf(&want, "{\"files\":[\"%s/test.ini\"],\"sections\":[", w->dir);
	if (!strstr(body_of(answer), buf_str(&want)))
		fail_msg("%s", answer);
	assert_non_null(strstr(answer, "\"type\":\"metrics\",\"name\":null,\"file\":"));
	assert_non_null(strstr(answer, "{\"key\":\"max_age\",\"value\":\"5m\",\"default\":false,"
				       "\"line\":2}"));
	assert_non_null(strstr(answer, "\"default\":true}"));
	free(answer);
	/* Also when nobody has asked for a snapshot of late. */
	world_view(w, NULL);
	answer = ask(w, "GET /api/v1/config", NULL);
	assert_int_equal(status_of(answer), 200);
	free(answer);
	buf_fini(&want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_requests), CASE(test_replies), CASE(test_no_credentials),
		CASE(test_who),      CASE(test_journal), CASE(test_config),
	};

	return cmocka_run_group_tests_name("http api", tests, NULL, NULL);
}
