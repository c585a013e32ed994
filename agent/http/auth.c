/* auth.c: may this request write? bcrypt is slow by design, so passwords are
 * checked on the work queue, two at a time, and what was good is remembered for
 * some minutes; who waits is set aside. Reading needs no authentication. */
#include "agent/http/auth.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/loop.h"
#include "agent/http/internal.h"
#include "agent/http/routes.h"
#include "agent/http/secrets.h"
#include "agent/http/wait.h"

enum {
	HEADER_MAX = 4096,
	RUNNING_MAX = 2,  /* checks at a time: the queue has four threads for all */
	WAITING_MAX = 32, /* requests under check; more are 503 */
	CHECK_MS = 30 * 1000,
};

struct auth {
	atomic_uint refs;
	struct secrets *secrets;
	bool loopback_writes, client_ca;
	atomic_uint pending; /* checks asked for and not done */
	/* the loop thread's */
	unsigned int running;
	struct check *first, **last;
};

/* One password under check. */
struct check {
	struct auth *auth;
	struct loop *loop;
	struct http_wait *wait;
	struct credentials credentials;
	bool good;
	struct check *next;
};

/* --- the header -------------------------------------------------------------------- */

static int base64_value(char c)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				       "0123456789+/";
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

/* Strict: whole groups, padding at the end only. Returns the length, or -1. */
static ssize_t base64_decode(const char *text, size_t len, char *out)
{
	size_t n = 0, pad = 0;

	if (len % 4 != 0 || len == 0)
		return -1;
	while (pad < 2 && text[len - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < len; i += 4) {
		uint32_t bits = 0;

		for (size_t j = 0; j < 4; j++) {
			bool padding = i + j >= len - pad;
			int value = padding ? 0 : base64_value(text[i + j]);

			if (value < 0)
				return -1;
			bits = bits << 6 | (uint32_t)value;
		}
		for (size_t j = 0; j < 3; j++)
			out[n++] = (char)(bits >> (16 - 8 * j));
	}
	return (ssize_t)(n - pad);
}

static int parse_basic(const char *text, size_t len, struct credentials *c)
{
	char *plain = malloc(len + 1), *colon;
	ssize_t n;

	if (!plain)
		return -ENOMEM;
	n = base64_decode(text, len, plain);
	colon = n > 0 ? memchr(plain, ':', (size_t)n) : NULL;
	if (colon && !memchr(plain, '\0', (size_t)n)) {
		plain[n] = '\0';
		*colon = '\0';
		c->user = strdup(plain);
		c->secret = strdup(colon + 1);
		c->kind = c->user && c->secret ? CREDENTIALS_BASIC : CREDENTIALS_NONE;
	} else {
		c->kind = CREDENTIALS_BAD;
	}
	explicit_bzero(plain, len + 1);
	free(plain);
	return c->kind == CREDENTIALS_NONE ? -ENOMEM : 0;
}

static int parse_bearer(const char *text, size_t len, struct credentials *c)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			len = 0;
	if (len == 0) {
		c->kind = CREDENTIALS_BAD;
		return 0;
	}
	c->secret = strndup(text, len);
	c->kind = CREDENTIALS_BEARER;
	return c->secret ? 0 : -ENOMEM;
}

int credentials_parse(const char *header, struct credentials *ret_credentials)
{
	struct credentials c = { .kind = CREDENTIALS_NONE };
	size_t scheme, len;
	const char *text;
	int error = 0;

	if (!header) {
		*ret_credentials = c;
		return 0;
	}
	header += strspn(header, " \t");
	scheme = strcspn(header, " \t");
	text = header + scheme;
	text += strspn(text, " \t");
	len = strlen(text);
	while (len > 0 && strchr(" \t", text[len - 1]))
		len--;
	c.kind = CREDENTIALS_BAD;
	if (len > 0 && len <= HEADER_MAX) {
		if (scheme == 5 && strncasecmp(header, "Basic", 5) == 0)
			error = parse_basic(text, len, &c);
		else if (scheme == 6 && strncasecmp(header, "Bearer", 6) == 0)
			error = parse_bearer(text, len, &c);
	}
	if (error < 0)
		credentials_fini(&c);
	else
		*ret_credentials = c;
	return error;
}

void credentials_fini(struct credentials *c)
{
	free(c->user);
	secret_free(c->secret);
	*c = (struct credentials){ .kind = CREDENTIALS_NONE };
}

/* --- one configuration's --------------------------------------------------------------- */

int auth_new(const struct http_conf *conf, struct buf *why, struct auth **ret_auth)
{
	struct auth *a = calloc(1, sizeof(*a));
	int error;

	if (!a) {
		buf_puts(why, "out of memory");
		return -ENOMEM;
	}
	atomic_init(&a->refs, 1);
	atomic_init(&a->pending, 0);
	a->last = &a->first;
	a->loopback_writes = conf->loopback_writes;
	a->client_ca = conf->client_ca_file != NULL;
	error = secrets_load(conf->users_file, conf->token_file, why, &a->secrets);
	if (error < 0) {
		auth_unref(a);
		return error;
	}
	*ret_auth = a;
	return 0;
}

struct auth *auth_ref(struct auth *a)
{
	if (a)
		atomic_fetch_add(&a->refs, 1);
	return a;
}

void auth_unref(struct auth *a)
{
	if (!a || atomic_fetch_sub(&a->refs, 1) != 1)
		return;
	secrets_free(a->secrets);
	free(a);
}

/* --- passwords, on the work queue ---------------------------------------------------------- */

static void check_free(struct check *c)
{
	struct http_result result = { .value = c->good };

	if (c->wait)
		http_wait_end(c->wait, &result);
	atomic_fetch_sub(&c->auth->pending, 1);
	credentials_fini(&c->credentials);
	auth_unref(c->auth);
	free(c);
}

static void check_work(void *arg)
{
	struct check *c = arg;
	bool known;
	const char *hash = secrets_hash(c->auth->secrets, c->credentials.user, &known);

	c->good = secrets_verify(hash, c->credentials.secret) && known;
	if (c->good)
		secrets_remember(c->auth->secrets, c->credentials.user, c->credentials.secret,
				 clock_mono_ms());
}

static void check_start(struct check *c);

static void check_done(void *arg)
{
	struct check *c = arg;
	struct auth *a = c->auth;
	struct check *next = a->first;

	a->running--;
	if (next)
		a->first = next->next;
	if (!a->first)
		a->last = &a->first;
	check_free(c); /* perhaps with `a`, unless the next one needs it */
	if (next)
		check_start(next);
}

static void check_start(struct check *c)
{
	c->auth->running++;
	if (loop_work(c->loop, "http-password", check_work, check_done, c) < 0)
		check_done(c); /* not good */
}

static void check_post(void *arg)
{
	struct check *c = arg;
	struct auth *a = c->auth;

	if (a->running < RUNNING_MAX) {
		check_start(c);
		return;
	}
	*a->last = c;
	a->last = &c->next;
}

/* --- the answer ---------------------------------------------------------------------------- */

/* What the request goes on with, once it may. */
struct pass {
	struct auth *auth;
	http_handler *next;
	char *user;
};

static void pass_free(void *state)
{
	struct pass *p = state;

	auth_unref(p->auth);
	free(p->user);
	free(p);
}

static void allow(struct http_request *r, const char *how)
{
	struct pass *p = r->state;
	http_handler *next = p->next;

	log_event(LOG_INFO, "write request", LOG_STR("method", r->method),
		  LOG_STR("path", r->route->path), LOG_STR("by", how),
		  LOG_STR("user", p->user ? p->user : ""));
	r->state = NULL;
	r->state_free = NULL;
	pass_free(p);
	next(r);
}

static void refuse(struct http_request *r)
{
	const struct pass *p = r->state;
	const struct auth *a = p->auth;
	bool users = secrets_have_users(a->secrets), tokens = secrets_have_tokens(a->secrets);
	bool asked = http_header(r, "Authorization") != NULL;

	log_event(LOG_WARN, "write request refused", LOG_STR("method", r->method),
		  LOG_STR("path", r->route->path), LOG_STR("user", p->user ? p->user : ""));
	if (users)
		http_add_header(r, "WWW-Authenticate",
				"Basic realm=\"ipvs-agent\", charset=\"UTF-8\"");
	if (tokens)
		http_add_header(r, "WWW-Authenticate", "Bearer realm=\"ipvs-agent\"");
	if (users || tokens)
		http_error(r, 401, "%s",
			   asked ? "wrong user, password or token" : "this needs authentication");
	else if (a->client_ca)
		http_error(r, 403,
			   "this needs a client certificate that client_ca_file vouches for");
	else
		http_error(r, 403,
			   "writing over this address needs authentication, and none is "
			   "configured: set users_file, token_file or client_ca_file in [http]%s, "
			   "or use the unix socket",
			   http_from_loopback(r) ? ", or loopback_writes = on" : "");
}

static void after_check(struct http_request *r)
{
	const struct http_result *result = http_wait_result(r);

	if (result->outcome == HTTP_WAIT_STOPPING)
		http_error(r, 503, "the agent is stopping");
	else if (result->outcome == HTTP_WAIT_TIMEOUT)
		http_error(r, 503, "the password could not be checked in time");
	else if (result->value)
		allow(r, "password");
	else
		refuse(r);
}

static void check_password(struct http_request *r, struct credentials *credentials)
{
	struct pass *p = r->state;
	struct check *c;
	int error;

	if (secrets_cached(p->auth->secrets, credentials->user, credentials->secret,
			   clock_mono_ms())) {
		allow(r, "password");
		return;
	}
	if (atomic_fetch_add(&p->auth->pending, 1) >= WAITING_MAX) {
		atomic_fetch_sub(&p->auth->pending, 1);
		http_add_header(r, "Retry-After", "5");
		http_error(r, 503, "too many passwords are being checked");
		return;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		atomic_fetch_sub(&p->auth->pending, 1);
		http_error(r, 500, "out of memory");
		return;
	}
	c->auth = auth_ref(p->auth);
	c->loop = r->server->env.loop;
	c->credentials = *credentials;
	*credentials = (struct credentials){ .kind = CREDENTIALS_NONE };
	c->wait = http_wait_begin(r, CHECK_MS, after_check);
	if (!c->wait) {
		check_free(c);
		return;
	}
	error = loop_post(c->loop, "http-password", check_post, c);
	if (error < 0)
		check_free(c); /* not good: 401 rather than a guess */
}

/* A page of somebody else's, open in an operator's browser, must not write with
 * his credentials or from his loopback. */
static bool cross_origin(const struct http_request *r)
{
	const char *origin = http_header(r, "Origin"), *host = http_header(r, "Host");
	const char *authority = origin ? strstr(origin, "://") : NULL;

	if (!origin)
		return false;
	return !authority || !host || strcasecmp(authority + 3, host) != 0;
}

static void decide(struct http_request *r, struct credentials *c)
{
	struct pass *p = r->state;
	struct secrets *secrets = p->auth->secrets;
	bool judged = (c->kind == CREDENTIALS_BASIC && secrets_have_users(secrets)) ||
		      (c->kind == CREDENTIALS_BEARER && secrets_have_tokens(secrets));

	if (http_transport(r) == HTTP_UNIX) {
		allow(r, "socket");
	} else if (cross_origin(r)) {
		http_error(r, 403, "this request comes from another site's page");
	} else if (http_client_certified(r)) {
		allow(r, "certificate");
	} else if (judged && c->kind == CREDENTIALS_BASIC) {
		p->user = strdup(c->user);
		check_password(r, c);
	} else if (judged) {
		if (secrets_token_ok(secrets, c->secret))
			allow(r, "token");
		else
			refuse(r);
	} else if (p->auth->loopback_writes && http_from_loopback(r)) {
		allow(r, "loopback");
	} else {
		refuse(r);
	}
}

void auth_then(struct http_request *r, http_handler *next)
{
	struct credentials credentials;
	struct pass *p = calloc(1, sizeof(*p));

	if (!p || credentials_parse(http_header(r, "Authorization"), &credentials) < 0) {
		free(p);
		http_error(r, 500, "out of memory");
		return;
	}
	*p = (struct pass){ .auth = http_auth(r->server), .next = next };
	r->state = p;
	r->state_free = pass_free;
	decide(r, &credentials);
	credentials_fini(&credentials);
}
