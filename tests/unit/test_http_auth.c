/* test_http_auth.c: who may write: every credential over every transport, TLS with
 * certificates made here. */
#include "tests/unit/http_fixture.h"

#include <crypt.h>
#include <curl/curl.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/clock.h"
#include "agent/http/auth.h"
#include "agent/http/secrets.h"

/* --- the header ------------------------------------------------------------------- */

static void test_credentials(void **state)
{
	static const struct {
		const char *header;
		enum credentials_kind kind;
		const char *user, *secret;
	} cases[] = {
		{ NULL, CREDENTIALS_NONE, NULL, NULL },
		{ "", CREDENTIALS_BAD, NULL, NULL },
		{ "Basic", CREDENTIALS_BAD, NULL, NULL },
		{ "Basic  ", CREDENTIALS_BAD, NULL, NULL },
		{ "Basic YW5uOnNlY3JldA==", CREDENTIALS_BASIC, "ann", "secret" },
		{ "bAsIc \t YW5uOnNlY3JldA== ", CREDENTIALS_BASIC, "ann", "secret" },
		{ "Basic YW5uOnM6eDo=", CREDENTIALS_BASIC, "ann", "s:x:" },
		{ "Basic Og==", CREDENTIALS_BASIC, "", "" },
		{ "Basic YW5u", CREDENTIALS_BAD, NULL, NULL },             /* no colon */
		{ "Basic YW46bgBu", CREDENTIALS_BAD, NULL, NULL },         /* a NUL */
		{ "Basic YW5uOnNlY3JldA=", CREDENTIALS_BAD, NULL, NULL },  /* padding */
		{ "Basic YW5uOnNl=3JldA==", CREDENTIALS_BAD, NULL, NULL }, /* in the middle */
		{ "Basic YW5uOnNlY3Jl*A==", CREDENTIALS_BAD, NULL, NULL },
		{ "Basic ====", CREDENTIALS_BAD, NULL, NULL },
		{ "Basic YW5uOnNlY3JldA== x", CREDENTIALS_BAD, NULL, NULL },
		{ "BasicYW5uOnNlY3JldA==", CREDENTIALS_BAD, NULL, NULL },
		{ "Bearer 0123456789abcdef", CREDENTIALS_BEARER, NULL, "0123456789abcdef" },
		{ "bearer x", CREDENTIALS_BEARER, NULL, "x" },
		{ "Bearer a b", CREDENTIALS_BAD, NULL, NULL },
		{ "Bearer \x80", CREDENTIALS_BAD, NULL, NULL },
		{ "Digest x=y", CREDENTIALS_BAD, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct credentials c;

		assert_int_equal(credentials_parse(cases[i].header, &c), 0);
		if (c.kind != cases[i].kind)
			fail_msg("'%s' is of kind %d", cases[i].header, (int)c.kind);
		if (cases[i].user)
			assert_string_equal(c.user, cases[i].user);
		if (cases[i].secret)
			assert_string_equal(c.secret, cases[i].secret);
		credentials_fini(&c);
	}
}

/* --- files -------------------------------------------------------------------------- */

#define HASH "$2y$04$abcdefghijklmnopqrstuuJ0mQ5sGDdgGGpT9bWbK8bXh0bkfXl2q"

static void test_files(void **state)
{
	static const struct {
		const char *users, *tokens, *why; /* NULL = good */
	} cases[] = {
		{ "ann:" HASH "\n", NULL, NULL },
		{ "# who\n\nann:" HASH "  \r\nbob:" HASH, NULL, NULL },
		{ "", NULL, "users_file %: nothing in it" },
		{ "ann\n", NULL, "%:1: not of the form name:$2y$…" },
		{ ":" HASH "\n", NULL, "%:1: not of the form name:$2y$…" },
		{ "\nann:$apr1$x$y\n", NULL,
		  "%:2: not a bcrypt hash ($2y$…), as 'htpasswd -B' makes it" },
		{ "ann:" HASH "x\n", NULL,
		  "%:1: not a bcrypt hash ($2y$…), as 'htpasswd -B' makes it" },
		{ "ann:$2y$31$abcdefghijklmnopqrstuuJ0mQ5sGDdgGGpT9bWbK8bXh0bkfXl2q\n", NULL,
		  "%:1: bcrypt cost 31 is not from 4 to 16" },
		{ "ann:" HASH "\nann:" HASH "\n", NULL, "%:2: this user stands there twice" },
		{ NULL, "0123456789abcdef\n", NULL },
		{ NULL, "0123456789abcdef\n0123456789abcdeX\n", NULL },
		{ NULL, "0123456789abcde\n", "%:1: a token has at least 16 characters" },
		{ NULL, "0123456789 abcdef\n", "%:1: a token has no blanks and is plain ASCII" },
		{ NULL, "\n", "token_file %: nothing in it" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < countof(cases); i++) {
		const char *text = cases[i].users ? cases[i].users : cases[i].tokens;
		char *path = file_with(w, "secrets", text);
		struct buf why = BUF_INIT, want = BUF_INIT;
		struct secrets *s = NULL;
		int r = secrets_load(cases[i].users ? path : NULL, cases[i].tokens ? path : NULL,
				     &why, &s);

		for (const char *c = cases[i].why ? cases[i].why : ""; *c; c++) {
			if (*c == '%')
				buf_puts(&want, path);
			else
				buf_putc(&want, *c);
		}
		assert_string_equal(buf_str(&why), buf_str(&want));
		assert_true((r < 0) == (cases[i].why != NULL));
		secrets_free(s);
		buf_fini(&why);
		buf_fini(&want);
		free(path);
	}
}

static void test_missing_files(void **state)
{
	struct world *w = *state;
	struct http_env env = world_env(w);
	struct buf why = BUF_INIT;

	w->conf.users_file = "/nonexistent/users";
	assert_int_equal(http_new(&w->conf, &env, &why, &w->server), -ENOENT);
	assert_string_equal(buf_str(&why),
			    "users_file /nonexistent/users: No such file or directory");
	buf_reset(&why);
	w->conf.users_file = w->dir;
	assert_int_equal(http_new(&w->conf, &env, &why, &w->server), -EISDIR);
	assert_non_null(strstr(buf_str(&why), "is not a file"));
	assert_null(w->server);
	assert_int_equal(client_connect(w, NULL), -1);
	buf_fini(&why);
}

/* --- the matrix ----------------------------------------------------------------------- */

static char *users_with(struct world *w)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];
	struct buf text = BUF_INIT;
	char *path;

	assert_non_null(crypt_gensalt_rn("$2b$", 4, "0123456789abcdef", 16, salt, sizeof(salt)));
	buf_printf(&text, "ann:%s\n", crypt_r("secret", salt, data));
	path = file_with(w, "users", buf_str(&text));
	buf_fini(&text);
	free(data);
	return path;
}

enum { USERS = 1, TOKEN = 2, LOOPBACK = 4 };
#define ANN   "Authorization: Basic YW5uOnNlY3JldA==\r\n"
#define WRONG "Authorization: Basic YW5uOnNlY3JlVA==\r\n" /* ann:secreT */
#define BOB   "Authorization: Basic Ym9iOnNlY3JldA==\r\n"
#define GOOD  "Authorization: Bearer 0123456789abcdef\r\n"
#define BAD   "Authorization: Bearer 0123456789abcdeX\r\n"

static const struct {
	int configured;
	const char *headers;
	int status;
	const char *has;
} matrix[] = {
	{ 0, NULL, 403,
	  "set users_file, token_file or client_ca_file in [http], or "
	  "loopback_writes = on, or use the unix socket" },
	{ 0, ANN, 403, NULL },
	{ LOOPBACK, NULL, 200, NULL },
	{ LOOPBACK, ANN, 200, NULL },
	{ LOOPBACK, "Origin: http://evil.example\r\n", 403, "another site" },
	{ LOOPBACK, "Origin: null\r\n", 403, "another site" },
	{ LOOPBACK, "Origin: http://localhost\r\n", 200, NULL },
	{ LOOPBACK, "Sec-Fetch-Site: cross-site\r\n", 403, "another site" },
	{ LOOPBACK, "Sec-Fetch-Site: same-site\r\n", 403, "another site" },
	{ LOOPBACK, "Sec-Fetch-Site: same-origin\r\nOrigin: http://as.seen.by.me\r\n", 200, NULL },
	{ LOOPBACK, "Sec-Fetch-Site: none\r\n", 200, NULL },
	{ LOOPBACK, "Content-Type: text/plain\r\n", 415, "application/json" },
	{ LOOPBACK, "Content-Type: application/json; charset=utf-8\r\n", 200, NULL },
	{ USERS, NULL, 401, "WWW-Authenticate: Basic realm=\"ipvs-agent\"" },
	{ USERS, ANN, 200, NULL },
	{ USERS, ANN, 200, NULL }, /* from the cache */
	{ USERS, WRONG, 401, "wrong user" },
	{ USERS, BOB, 401, "wrong user" },
	{ USERS, GOOD, 401, NULL },
	{ USERS, "Authorization: Basic !\r\n", 401, NULL },
	{ USERS | LOOPBACK, NULL, 200, NULL },
	{ USERS | LOOPBACK, WRONG, 401, NULL },
	{ TOKEN, NULL, 401, "WWW-Authenticate: Bearer" },
	{ TOKEN, GOOD, 200, NULL },
	{ TOKEN, BAD, 401, NULL },
	{ TOKEN, ANN, 401, NULL },
	{ USERS | TOKEN, ANN, 200, NULL },
	{ USERS | TOKEN, GOOD, 200, NULL },
	{ USERS | TOKEN, NULL, 401, "WWW-Authenticate: Bearer" },
};

static void test_matrix(void **state)
{
	struct world *w = *state;
	char *users = users_with(w), *token = file_with(w, "token", "0123456789abcdef\n");
	unsigned int good = 0;

	world_serve(w);
	for (size_t i = 0; i < countof(matrix); i++) {
		struct buf why = BUF_INIT;
		char *answer;

		w->conf.users_file = matrix[i].configured & USERS ? users : NULL;
		w->conf.token_file = matrix[i].configured & TOKEN ? token : NULL;
		w->conf.loopback_writes = matrix[i].configured & LOOPBACK;
		/* The cache lives as long as its configuration. */
		if (i == 0 || matrix[i].configured != matrix[i - 1].configured)
			assert_int_equal(http_reload(w->server, &w->conf, &why), 0);
		answer = ask(w, i % 2 ? "POST /-/reload" : "PUT /-/reload", matrix[i].headers);
		if (status_of(answer) != matrix[i].status ||
		    (matrix[i].has && !strstr(answer, matrix[i].has)))
			fail_msg("case %zu: %s", i, answer);
		good += matrix[i].status == 200;
		free(answer);
		answer = ask(w, "GET /metrics", NULL); /* reading is free for all */
		assert_int_equal(status_of(answer), 200);
		free(answer);
		buf_fini(&why);
	}
	assert_int_equal(atomic_load(&w->reloads), good);
	free(users);
	free(token);
}

static void *wrong_thread(void *arg)
{
	return ask(arg, "POST /-/reload", WRONG);
}

/* A flood of passwords: each is told 401, or 503 where too many wait. */
static void test_password_flood(void **state)
{
	struct world *w = *state;
	char *users = users_with(w);
	pthread_t threads[60];
	int denied = 0;

	w->conf.users_file = users;
	world_serve(w);
	for (size_t i = 0; i < countof(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, wrong_thread, w), 0);
	for (size_t i = 0; i < countof(threads); i++) {
		void *answer;

		pthread_join(threads[i], &answer);
		assert_true(status_of(answer) == 401 || status_of(answer) == 503);
		denied += status_of(answer) == 401;
		free(answer);
	}
	assert_true(denied >= 1);
	assert_int_equal(atomic_load(&w->reloads), 0);
	free(users);
}

static void test_reload_answers(void **state)
{
	static const struct {
		enum command_status status;
		const char *text;
		int http;
	} cases[] = {
		{ COMMAND_OK, "", 200 },
		{ COMMAND_REFUSED, "a.ini:3: error: x\na.ini:9: error: y\n2 errors\n", 400 },
		{ COMMAND_FAILED, "out of memory", 500 },
		{ COMMAND_STOPPING, "", 503 },
	};
	struct world *w = *state;

	w->conf.loopback_writes = true;
	world_serve(w);
	for (size_t i = 0; i < countof(cases); i++) {
		char *answer;

		w->reload_status = cases[i].status;
		w->reload_text = cases[i].text;
		answer = ask(w, "POST /-/reload", NULL);
		assert_int_equal(status_of(answer), cases[i].http);
		assert_non_null(strstr(body_of(answer), cases[i].text));
		free(answer);
	}
}

/* --- TLS ---------------------------------------------------------------------------------- */

struct pair {
	gnutls_x509_crt_t crt;
	gnutls_x509_privkey_t key;
};

static void write_pem(struct world *w, const char *name, gnutls_datum_t *pem)
{
	free(file_with(w, name, (char *)pem->data));
	gnutls_free(pem->data);
}

/* A certificate for 127.0.0.1, by `ca`, or a CA of its own where that is NULL. */
static struct pair make_pair(struct world *w, const char *name, const struct pair *ca,
			     const char *purpose)
{
	unsigned char serial = (unsigned char)name[0], ip[4] = { 127, 0, 0, 1 };
	struct buf file = BUF_INIT;
	gnutls_datum_t pem;
	struct pair p;

	gnutls_x509_privkey_init(&p.key);
	gnutls_x509_privkey_generate(p.key, GNUTLS_PK_ECDSA,
				     GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	gnutls_x509_crt_init(&p.crt);
	gnutls_x509_crt_set_version(p.crt, 3);
	gnutls_x509_crt_set_serial(p.crt, &serial, 1);
	gnutls_x509_crt_set_dn_by_oid(p.crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
				      (unsigned int)strlen(name));
	gnutls_x509_crt_set_activation_time(p.crt, (time_t)(clock_wall_ms() / 1000 - 3600));
	gnutls_x509_crt_set_expiration_time(p.crt, (time_t)(clock_wall_ms() / 1000 + 3600));
	gnutls_x509_crt_set_key(p.crt, p.key);
	gnutls_x509_crt_set_basic_constraints(p.crt, !ca, -1);
	gnutls_x509_crt_set_key_usage(p.crt,
				      ca ? GNUTLS_KEY_DIGITAL_SIGNATURE : GNUTLS_KEY_KEY_CERT_SIGN);
	gnutls_x509_crt_set_subject_alt_name(p.crt, GNUTLS_SAN_IPADDRESS, ip, sizeof(ip),
					     GNUTLS_FSAN_SET);
	if (purpose)
		gnutls_x509_crt_set_key_purpose_oid(p.crt, purpose, 0);
	assert_int_equal(gnutls_x509_crt_sign2(p.crt, ca ? ca->crt : p.crt, ca ? ca->key : p.key,
					       GNUTLS_DIG_SHA256, 0),
			 0);
	gnutls_x509_crt_export2(p.crt, GNUTLS_X509_FMT_PEM, &pem);
	buf_printf(&file, "%s.crt", name);
	write_pem(w, buf_str(&file), &pem);
	gnutls_x509_privkey_export2(p.key, GNUTLS_X509_FMT_PEM, &pem);
	buf_reset(&file);
	buf_printf(&file, "%s.key", name);
	write_pem(w, buf_str(&file), &pem);
	buf_fini(&file);
	return p;
}

static void free_pair(struct pair *p)
{
	gnutls_x509_crt_deinit(p->crt);
	gnutls_x509_privkey_deinit(p->key);
}

static size_t curl_take(char *data, size_t size, size_t n, void *arg)
{
	buf_put(arg, data, size * n);
	return size * n;
}

/* POST with that client certificate (NULL = none): the status, 0 when there was no
 * connection. */
static long post_path(struct world *w, const char *path, const char *client, long max_version)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type:");
	struct buf url = BUF_INIT, crt = BUF_INIT, key = BUF_INIT, out = BUF_INIT;
	char *ca = path_in(w, "ca.crt");
	CURL *curl = curl_easy_init();
	long status = 0;

	buf_printf(&url, "https://127.0.0.1:%u%s", w->port, path);
	curl_easy_setopt(curl, CURLOPT_URL, buf_str(&url));
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 20L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, curl_take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &out);
	if (max_version)
		curl_easy_setopt(curl, CURLOPT_SSLVERSION, max_version);
	if (client) {
		buf_printf(&crt, "%s/%s.crt", w->dir, client);
		buf_printf(&key, "%s/%s.key", w->dir, client);
		curl_easy_setopt(curl, CURLOPT_SSLCERT, buf_str(&crt));
		curl_easy_setopt(curl, CURLOPT_SSLKEY, buf_str(&key));
	}
	if (curl_easy_perform(curl) == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	buf_fini(&url);
	buf_fini(&crt);
	buf_fini(&key);
	buf_fini(&out);
	free(ca);
	return status;
}

static long post_tls(struct world *w, const char *client, long max_version)
{
	return post_path(w, "/-/reload", client, max_version);
}

static void test_tls(void **state)
{
	struct world *w = *state;
	struct pair ca = make_pair(w, "ca", NULL, NULL);
	struct pair other = make_pair(w, "xca", NULL, NULL);
	struct pair pairs[] = {
		make_pair(w, "server", &ca, GNUTLS_KP_TLS_WWW_SERVER),
		make_pair(w, "client", &ca, GNUTLS_KP_TLS_WWW_CLIENT),
		make_pair(w, "stranger", &other, GNUTLS_KP_TLS_WWW_CLIENT),
	};
	char *cert = path_in(w, "server.crt"), *key = path_in(w, "server.key"),
	     *client_ca = path_in(w, "ca.crt"), *wrong = path_in(w, "client.key");
	struct buf why = BUF_INIT;
	char *asked;

	w->conf.tls_cert_file = cert;
	w->conf.tls_key_file = key;
	w->conf.client_ca_file = client_ca;
	world_serve(w);
	assert_int_equal(post_tls(w, NULL, 0), 403);
	assert_int_equal(post_tls(w, "client", 0), 200);
	assert_int_equal(post_path(w, "/api/v1/freeze", "client", 0), 200);
	asked = take_asked(w);
	assert_string_equal(asked, "freeze who=client");
	free(asked);
	assert_int_equal(post_tls(w, "client", CURL_SSLVERSION_MAX_TLSv1_2), 200);
	assert_int_equal(post_tls(w, "client", CURL_SSLVERSION_MAX_TLSv1_1), 0);
	assert_int_equal(post_tls(w, "server", 0), 403); /* not a client's certificate */
	assert_int_not_equal(post_tls(w, "stranger", 0), 200);
	assert_int_equal(atomic_load(&w->reloads), 2);
	/* A key that is another's: the old pair stays in force. */
	w->conf.tls_key_file = wrong;
	assert_int_equal(http_reload(w->server, &w->conf, &why), -EINVAL);
	assert_non_null(strstr(buf_str(&why), "tls_key_file"));
	assert_int_equal(post_tls(w, "client", 0), 200);
	/* Another CA for clients: taken over on the same socket. */
	free(client_ca);
	client_ca = path_in(w, "xca.crt");
	w->conf.tls_key_file = key;
	w->conf.client_ca_file = client_ca;
	assert_int_equal(http_reload(w->server, &w->conf, &why), 0);
	assert_int_equal(post_tls(w, "stranger", 0), 200);
	assert_int_not_equal(post_tls(w, "client", 0), 200);
	free_pair(&ca);
	free_pair(&other);
	for (size_t i = 0; i < countof(pairs); i++)
		free_pair(&pairs[i]);
	buf_fini(&why);
	free(cert);
	free(key);
	free(client_ca);
	free(wrong);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_credentials),
		CASE(test_files),
		CASE(test_missing_files),
		CASE(test_matrix),
		CASE(test_password_flood),
		CASE(test_reload_answers),
		CASE(test_tls),
	};
	int failed;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	failed = cmocka_run_group_tests_name("http auth", tests, NULL, NULL);
	curl_global_cleanup();
	return failed;
}
