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
#include "agent/base/loop.h"
#include "agent/http/internal.h"
#include "agent/http/origin.h"
#include "agent/http/routes.h"
#include "agent/http/secrets.h"
#include "agent/http/wait.h"

enum {
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
	char *certified; /* the name in a certificate */
};

static void pass_free(void *state)
{
	struct pass *p = state;

	auth_unref(p->auth);
	free(p->user);
	free(p->certified);
	free(p);
}

static void allow(struct http_request *r, const char *how)
{
	struct pass *p = r->state;
	http_handler *next = p->next;

	r->by = how;
	r->who = p->user ? p->user : strdup(how);
	p->user = NULL;
	r->state = NULL;
	r->state_free = NULL;
	pass_free(p);
	next(r);
}

static void refuse(struct http_request *r)
{
	struct pass *p = r->state;
	const struct auth *a = p->auth;
	bool users = secrets_have_users(a->secrets), tokens = secrets_have_tokens(a->secrets);
	bool asked = http_header(r, "Authorization") != NULL;

	r->who = p->user; /* as he says */
	p->user = NULL;
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

/* What is to be done with a request, as far as its headers tell. */
enum verdict {
	VERDICT_ALLOW = 0,
	VERDICT_REFUSE,
	VERDICT_FOREIGN,  /* another site's page sent it */
	VERDICT_HOST,     /* over loopback, by a name that is not this machine's */
	VERDICT_TYPE,     /* of a type that a page can send anywhere */
	VERDICT_PASSWORD, /* to be checked */
};

/* `how` and the pass's user are set where it is let in, or claims to be somebody. */
static enum verdict judge_credentials(const struct http_request *r, struct pass *p,
				      const struct credentials *c, const struct origin *origin,
				      const char **how)
{
	struct secrets *secrets = p->auth->secrets;
	bool judged = (c->kind == CREDENTIALS_BASIC && secrets_have_users(secrets)) ||
		      (c->kind == CREDENTIALS_BEARER && secrets_have_tokens(secrets));

	if (http_client_certified(r, &p->certified)) {
		free(p->user);
		p->user = p->certified;
		p->certified = NULL;
		*how = "certificate";
		return VERDICT_ALLOW;
	}
	if (judged && c->kind == CREDENTIALS_BASIC)
		return VERDICT_PASSWORD;
	*how = judged ? "token" : "loopback";
	if (judged && !secrets_token_ok(secrets, c->secret))
		return VERDICT_REFUSE;
	if (!judged && (!p->auth->loopback_writes || !http_from_loopback(r)))
		return VERDICT_REFUSE;
	if (!judged && !origin_host_is_loopback(origin))
		return VERDICT_HOST;
	/* Whoever he says he is: nobody has looked. */
	free(p->user);
	p->user = NULL;
	return VERDICT_ALLOW;
}

static enum verdict judge(const struct http_request *r, struct pass *p, const struct credentials *c,
			  const char **how)
{
	const struct origin origin = { .site = http_header(r, "Sec-Fetch-Site"),
				       .origin = http_header(r, "Origin"),
				       .host = http_header(r, "Host"),
				       .type = http_header(r, "Content-Type") };
	enum verdict verdict;

	if (http_transport(r) == HTTP_UNIX) {
		p->user = http_peer_user(r);
		*how = "socket";
		return VERDICT_ALLOW;
	}
	p->user = c->kind == CREDENTIALS_BASIC ? strdup(c->user) : NULL;
	if (origin_foreign(&origin))
		return VERDICT_FOREIGN;
	verdict = judge_credentials(r, p, c, &origin, how);
	if ((verdict == VERDICT_ALLOW || verdict == VERDICT_PASSWORD) && !origin_type_ok(&origin))
		verdict = VERDICT_TYPE;
	return verdict;
}

static void refuse_as(struct http_request *r, enum verdict verdict)
{
	if (verdict == VERDICT_FOREIGN)
		http_error(r, 403, "this request comes from another site's page");
	else if (verdict == VERDICT_HOST)
		http_error(r, 403,
			   "without authentication this host is written to by the name "
			   "localhost or by a loopback address only");
	else if (verdict == VERDICT_TYPE)
		http_error(r, 415, "Content-Type must be application/json");
	else
		refuse(r);
}

/* Reads the headers; NULL when memory is out, the request being answered then. */
static struct pass *pass_new(struct http_request *r, http_handler *next,
			     struct credentials *ret_credentials)
{
	struct pass *p = calloc(1, sizeof(*p));

	if (!p || credentials_parse(http_header(r, "Authorization"), ret_credentials) < 0) {
		free(p);
		http_error(r, 500, "out of memory");
		return NULL;
	}
	*p = (struct pass){ .auth = http_auth(r->server), .next = next };
	r->state = p;
	r->state_free = pass_free;
	return p;
}

static void pass_drop(struct http_request *r)
{
	pass_free(r->state);
	r->state = NULL;
	r->state_free = NULL;
}

void auth_early(struct http_request *r)
{
	struct credentials credentials;
	enum verdict verdict;
	struct pass *p;
	const char *how;

	if (http_transport(r) == HTTP_UNIX)
		return;
	p = pass_new(r, NULL, &credentials);
	if (!p)
		return;
	verdict = judge(r, p, &credentials, &how);
	if (verdict != VERDICT_ALLOW && verdict != VERDICT_PASSWORD)
		refuse_as(r, verdict);
	credentials_fini(&credentials);
	pass_drop(r);
}

void auth_then(struct http_request *r, http_handler *next)
{
	struct credentials credentials;
	struct pass *p = pass_new(r, next, &credentials);
	enum verdict verdict;
	const char *how;

	if (!p)
		return;
	verdict = judge(r, p, &credentials, &how);
	if (verdict == VERDICT_ALLOW)
		allow(r, how);
	else if (verdict == VERDICT_PASSWORD)
		check_password(r, &credentials);
	else
		refuse_as(r, verdict);
	credentials_fini(&credentials);
}

void auth_known(struct http_request *r, http_handler *next)
{
	struct credentials credentials;
	struct pass *p = pass_new(r, next, &credentials);
	const char *how;

	if (!p)
		return;
	if (http_header(r, "Authorization") || judge(r, p, &credentials, &how) == VERDICT_ALLOW) {
		pass_drop(r);
		auth_then(r, next);
	} else {
		pass_drop(r);
		next(r);
	}
	credentials_fini(&credentials);
}
