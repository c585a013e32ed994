/* server.c: libmicrohttpd, here alone. One daemon a listener, each with an epoll
 * thread of its own, so that TLS handshakes and large answers stay off the loop,
 * and a flooded TCP listener off the unix socket. Handlers see none of it: a
 * request goes to routes.c as a value, its answer comes back as one. */
#include "agent/http/server.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "agent/base/log.h"
#include "agent/base/parse.h"
#include "agent/http/auth.h"
#include "agent/http/internal.h"
#include "agent/http/routes.h"
#include "agent/http/wait.h"

enum {
	CONNECTION_MEMORY = 32 * 1024, /* headers, and the chunks of an answer */
	UNIX_CONNECTIONS = 64,
	NEWCOMERS = 32,    /* above max_connections, until somebody has made room */
	IDLE_SLACK_S = 30, /* over the watch's idle time: the second line */
	SWALLOW_MAX = 1 << 20,
	LARGE_BODIES = 8,
};

/* --- what was asked -------------------------------------------------------------- */

const char *http_header(const struct http_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND, name);
}

struct query {
	const char *name;
	bool (*fn)(void *arg, const char *value);
	void *arg;
};

static enum MHD_Result on_query(void *cls, enum MHD_ValueKind kind, const char *key,
				const char *value)
{
	struct query *q = cls;

	(void)kind;
	if (strcmp(key, q->name) != 0)
		return MHD_YES;
	return q->fn(q->arg, value ? value : "") ? MHD_YES : MHD_NO;
}

void http_query_each(const struct http_request *r, const char *name,
		     bool (*fn)(void *arg, const char *value), void *arg)
{
	struct query q = { name, fn, arg };

	MHD_get_connection_values(r->mhd, MHD_GET_ARGUMENT_KIND, on_query, &q);
}

static bool take_first(void *arg, const char *value)
{
	*(const char **)arg = value;
	return false;
}

const char *http_query(const struct http_request *r, const char *name)
{
	const char *value = NULL;

	http_query_each(r, name, take_first, &value);
	return value;
}

struct other {
	const char *const *known;
	const char *found;
};

static enum MHD_Result on_name(void *cls, enum MHD_ValueKind kind, const char *key,
			       const char *value)
{
	struct other *o = cls;

	(void)kind;
	(void)value;
	for (const char *const *known = o->known; *known; known++)
		if (strcmp(key, *known) == 0)
			return MHD_YES;
	o->found = key;
	return MHD_NO;
}

const char *http_query_other(const struct http_request *r, const char *const *known)
{
	struct other o = { .known = known };

	MHD_get_connection_values(r->mhd, MHD_GET_ARGUMENT_KIND, on_name, &o);
	return o.found;
}

bool http_is_head(const struct http_request *r)
{
	return strcmp(r->method, "HEAD") == 0;
}

bool http_client_certified(const struct http_request *r, char **ret_name)
{
	const union MHD_ConnectionInfo *info;

	if (!r->conn->daemon->tls || !r->conn->daemon->tls->client_ca)
		return false;
	info = MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (!info || !tls_client_ok(info->tls_session))
		return false;
	*ret_name = tls_client_name(info->tls_session);
	return true;
}

void http_suspend(struct http_request *r)
{
	r->suspended = true;
	MHD_suspend_connection(r->mhd);
}

void http_resume(struct http_request *r)
{
	r->suspended = false;
	MHD_resume_connection(r->mhd);
}

/* --- a request's life ---------------------------------------------------------------- */

static struct http_conn *conn_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* The headers are there. What cannot be answered well is refused now, before its body
 * is sent: libmicrohttpd then closes the connection, and only after POST and PUT (after
 * others it would take the body for the next request). */
static bool refused_early(struct http_request *r)
{
	const char *length = http_header(r, "Content-Length");
	uint64_t n = 0;

	if (strcmp(r->method, "POST") != 0 && strcmp(r->method, "PUT") != 0)
		return false;
	if (!r->route)
		http_dispatch(r);
	else if (length && (parse_u64(length, &n) < 0 || n > r->route->max_body))
		http_error(r, 413, "the body is too large: %zu bytes at most", r->route->max_body);
	else if (r->route->write)
		auth_early(r);
	return r->answer.status;
}

static enum MHD_Result begin(struct http_daemon *d, struct http_conn *conn, const char *url,
			     const char *method, struct MHD_Connection *c, void **con_cls)
{
	struct http_request *r = conn ? calloc(1, sizeof(*r)) : NULL;

	if (!r)
		return MHD_NO;
	*r = (struct http_request){ .server = d->server, .conn = conn, .mhd = c };
	r->path = url;
	r->method = method;
	r->route = http_route(url, method);
	*con_cls = r;
	pthread_mutex_lock(&d->server->lock);
	d->requests++;
	pthread_mutex_unlock(&d->server->lock);
	http_conn_step(conn, HTTP_PHASE_BODY, d->server->limits.body_ms);
	return refused_early(r) ? http_respond(r) : MHD_YES;
}

/* Large bodies, of which a route may have some, are in memory at a time in a number that
 * this machine can bear; one that is too much is read to its end, and told so. */
static bool room_for(struct http_request *r, size_t size)
{
	size_t max = r->route ? r->route->max_body : 0;

	if (r->swallowed > 0 || r->body.len + size > max)
		return false;
	if (r->large || r->body.len + size <= HTTP_SMALL_BODY)
		return true;
	if (atomic_fetch_add(&r->server->large, 1) < LARGE_BODIES) {
		r->large = true;
		return true;
	}
	atomic_fetch_sub(&r->server->large, 1);
	r->crowded = true;
	return false;
}

static enum MHD_Result take_body(struct http_request *r, const char *data, size_t *size)
{
	if (room_for(r, *size))
		buf_put(&r->body, data, *size);
	else
		r->swallowed += *size;
	*size = 0;
	return r->swallowed <= SWALLOW_MAX ? MHD_YES : MHD_NO;
}

static void refuse_body(struct http_request *r)
{
	if (r->crowded) {
		http_add_header(r, "Retry-After", "1");
		http_error(r, 503, "too many large requests at once");
	} else {
		http_error(r, 413, "the body is too large: %zu bytes at most",
			   r->route ? r->route->max_body : 0);
	}
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *size, void **con_cls)
{
	struct http_request *r = *con_cls;
	http_handler *next;

	(void)version;
	if (!r)
		return begin(cls, conn_of(c), url, method, c, con_cls);
	if (*size > 0)
		return take_body(r, data, size);
	next = r->next;
	r->next = NULL;
	if (next)
		next(r);
	else if (r->swallowed > 0)
		refuse_body(r);
	else
		http_dispatch(r);
	if (r->answer.status)
		return http_respond(r);
	/* Set aside, perhaps already taken up again: the next call goes on. */
	return r->next ? MHD_YES : MHD_NO;
}

static void on_completed(void *cls, struct MHD_Connection *c, void **con_cls,
			 enum MHD_RequestTerminationCode code)
{
	struct http_daemon *d = cls;
	struct http_request *r = *con_cls;

	(void)c;
	(void)code;
	if (!r)
		return;
	*con_cls = NULL;
	http_conn_step(r->conn, HTTP_PHASE_IDLE, d->server->limits.idle_ms);
	http_answer_fini(&r->answer);
	http_wait_fini(r);
	if (r->state_free)
		r->state_free(r->state);
	buf_fini(&r->body);
	if (r->large)
		atomic_fetch_sub(&d->server->large, 1);
	free(r->who);
	free(r->about);
	free(r);
	pthread_mutex_lock(&d->server->lock);
	d->requests--;
	pthread_cond_signal(&d->server->idle);
	pthread_mutex_unlock(&d->server->lock);
}

static void on_connection(void *cls, struct MHD_Connection *c, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct http_daemon *d = cls;
	const union MHD_ConnectionInfo *peer;
	struct http_server *s = d->server;
	struct http_conn *conn = *context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		conn = calloc(1, sizeof(*conn));
		*context = conn; /* without one, its first request closes it */
		if (!conn)
			return;
		conn->daemon = d;
		conn->is_unix = d->is_unix;
		conn->fd =
			MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		peer = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
		if (peer && !d->is_unix)
			(void)addr_from_sockaddr(peer->client_addr, &conn->peer);
		pthread_mutex_lock(&s->lock);
		DL_PREPEND(s->conns, conn);
		pthread_mutex_unlock(&s->lock);
		http_conn_step(conn, HTTP_PHASE_IDLE, s->limits.head_ms);
		http_conn_admit(conn);
	} else if (conn) {
		*context = NULL;
		pthread_mutex_lock(&s->lock);
		DL_DELETE(s->conns, conn);
		pthread_mutex_unlock(&s->lock);
		free(conn);
	}
}

/* --- daemons ------------------------------------------------------------------------- */

/* Percent-decodes in place. A NUL would end the string that handlers see, so %00
 * stays as it is written, like what is no escape at all. */
static size_t on_unescape(void *cls, struct MHD_Connection *c, char *text)
{
	char *in = text, *out = text;
	unsigned int byte;

	(void)cls;
	(void)c;
	while (*in) {
		if (in[0] == '%' && strspn(in + 1, "0123456789abcdefABCDEF") >= 2 &&
		    sscanf(in + 1, "%2x", &byte) == 1 && byte != 0) {
			*out++ = (char)byte;
			in += 3;
		} else {
			*out++ = *in++;
		}
	}
	*out = '\0';
	return (size_t)(out - text);
}

/* Clients can cause most of these lines at will. */
ATTR_PRINTF(2, 0) static void on_log(void *cls, const char *fmt, va_list ap)
{
	struct buf text = BUF_INIT, clean = BUF_INIT;

	(void)cls;
	buf_vprintf(&text, fmt, ap);
	http_put_clean(&clean, buf_str(&text));
	log_event(LOG_DEBUG, "http", LOG_STR("detail", buf_str(&clean)));
	buf_fini(&text);
	buf_fini(&clean);
}

ATTR_NORETURN static void on_panic(void *cls, const char *file, unsigned int line,
				   const char *reason)
{
	(void)cls;
	log_event(LOG_ERROR, "libmicrohttpd cannot go on", LOG_STR("file", file),
		  LOG_INT("line", line), LOG_STR("reason", reason ? reason : ""));
	abort();
}

int http_daemon_start(struct http_daemon *d, struct buf *why)
{
	const char *priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE";
	unsigned int flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
			     MHD_USE_ITC | MHD_USE_ERROR_LOG;
	unsigned int idle = (unsigned int)(d->server->limits.idle_ms / 1000) + IDLE_SLACK_S;
	struct MHD_OptionItem tls[5] = { { .option = MHD_OPTION_END } };
	size_t n = 0;

	if (d->tls) {
		flags |= MHD_USE_TLS;
		tls[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_CERT, 0, d->tls->cert };
		tls[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_KEY, 0, d->tls->key };
		tls[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_PRIORITIES, 0,
						    (void *)(uintptr_t)priorities };
		if (d->tls->client_ca)
			tls[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_TRUST, 0,
							    d->tls->client_ca };
		tls[n] = (struct MHD_OptionItem){ .option = MHD_OPTION_END };
	}
	d->is_unix = d->listener->is_unix;
	if (d->is_unix)
		d->max_connections = UNIX_CONNECTIONS;
	MHD_set_panic_func(on_panic, NULL);
	/* clang-format off */
	d->mhd = MHD_start_daemon(flags, 0, NULL, NULL, on_request, d,
		MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, d->listener->fd,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, d,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, d,
		MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, NULL,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)d->max_connections + NEWCOMERS,
		MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_CONNECTION_TIMEOUT, idle,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
	/* clang-format on */
	if (d->mhd)
		return 0;
	buf_printf(why, "cannot serve on %s: libmicrohttpd did not start", d->listener->text);
	return -EIO;
}

void http_daemon_quiesce(struct http_daemon *d)
{
	atomic_store(&d->closing, true);
	if (d->mhd)
		(void)MHD_quiesce_daemon(d->mhd);
}

void http_daemon_free(struct http_daemon *d)
{
	if (!d)
		return;
	if (d->mhd)
		MHD_stop_daemon(d->mhd);
	tls_unref(d->tls);
	listener_free(d->listener);
	free(d);
}
