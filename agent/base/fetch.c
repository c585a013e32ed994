/* fetch.c: libcurl's multi interface on our loop. Easy handles are set up once and
 * used again, since a new one costs more than a request.
 *
 * Set here once, each because its default hurts: no DNS cache (it is walked whole
 * after every transfer), no CA directory (it disables the cache of the CA store:
 * 28 ms a handshake instead of 1), no proxy from the environment, no redirects, no
 * connection kept, sockets closed by reset so that probing leaves no TIME_WAIT. */
#include "agent/base/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/attr.h"
#include "agent/base/loop.h"

enum {
	MAX_HEADERS = 65536,
	KEEP_BODY = 65536, /* a pooled handle's buffer that is larger is given back */
	POOL_MAX = 256,
	CA_CACHE_S = 3600, /* a replaced CA file is noticed after that */
	PROBE_BUFFER = 4096,
	WAIT_BUFFER = 262144,
};

struct fetch {
	CURL *easy;
	struct fetch_multi *multi; /* NULL in fetch_wait() */
	struct fetch *prev, *next; /* under way, or in the pool (next) */
	fetch_fn *fn;
	void *arg;
	struct fetch_result result;
	struct curl_slist *headers, *connect_to;
	size_t max_body;
	bool https, reporting;
	bool watched;    /* a socket of it waited: connect() did not fail at once */
	int local_errno; /* socket(), memory: what curl does not tell */
	char words[CURL_ERROR_SIZE];
};

struct fetch_multi {
	CURLM *curlm;
	struct loop *loop;
	struct loop_timer *timer;
	struct fetch *running, *pool;
	unsigned int n_pool;
};

struct fetch_socket {
	struct loop_io *io;
	struct fetch_multi *multi;
	curl_socket_t fd;
};

/* --- what curl calls -------------------------------------------------------- */

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct fetch *f = arg;
	size_t len = size * n, room = f->max_body - f->result.body.len;

	buf_put(&f->result.body, data, len > room ? room : len);
	if (!buf_ok(&f->result.body)) {
		f->local_errno = ENOMEM;
		return 0;
	}
	if (len <= room)
		return len;
	f->result.truncated = true;
	return 0; /* less than given ends the transfer */
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
	struct fetch *f = arg;
	size_t len = size * n;

	/* an interim answer's lines give way to the final one's */
	if (len >= 5 && !memcmp(data, "HTTP/", 5))
		f->result.headers.len = 0;
	if (f->result.headers.len + len > MAX_HEADERS)
		return 0;
	buf_put(&f->result.headers, data, len);
	if (buf_ok(&f->result.headers))
		return len;
	f->local_errno = ENOMEM;
	return 0;
}

static curl_socket_t on_open(void *arg, curlsocktype purpose ATTR_UNUSED, struct curl_sockaddr *a)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	struct fetch *f = arg;
	int fd = socket(a->family, a->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->protocol);

	if (fd == -1) {
		f->local_errno = errno;
		return CURL_SOCKET_BAD;
	}
	if (a->family != AF_UNIX)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	return fd;
}

static void report_all(struct fetch_multi *m);

static void on_io(void *arg, int events)
{
	struct fetch_socket *sock = arg;
	struct fetch_multi *m = sock->multi;
	int running, bits = (events & LOOP_READ ? CURL_CSELECT_IN : 0) |
			    (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0);

	curl_multi_socket_action(m->curlm, sock->fd, bits, &running);
	report_all(m);
}

static void on_timer(void *arg)
{
	struct fetch_multi *m = arg;
	int running;

	curl_multi_socket_action(m->curlm, CURL_SOCKET_TIMEOUT, 0, &running);
	report_all(m);
}

static int on_timeout_changed(CURLM *curlm ATTR_UNUSED, long timeout_ms, void *arg)
{
	struct fetch_multi *m = arg;

	if (timeout_ms < 0)
		loop_timer_stop(m->timer);
	else
		loop_timer_start(m->timer, timeout_ms);
	return 0;
}

static void socket_forget(struct fetch_multi *m, struct fetch_socket *sock)
{
	curl_multi_assign(m->curlm, sock->fd, NULL);
	loop_io_free(sock->io);
	free(sock);
}

static int socket_watch(struct fetch_multi *m, curl_socket_t fd, int events)
{
	struct fetch_socket *sock = malloc(sizeof(*sock));
	int r = -ENOMEM;

	if (!sock)
		return r;
	*sock = (struct fetch_socket){ .multi = m, .fd = fd };
	r = loop_io_new(m->loop, "fetch", fd, events, on_io, sock, &sock->io);
	if (r)
		free(sock);
	else
		curl_multi_assign(m->curlm, fd, sock);
	return r;
}

/* Never fails towards curl, which would give up all transfers: one whose socket
 * cannot be watched ends by its deadline, as our error. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *assigned)
{
	int events =
		(what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0);
	struct fetch_socket *sock = assigned;
	struct fetch *f = NULL;
	int r;

	if (what == CURL_POLL_REMOVE) {
		if (sock)
			socket_forget(arg, sock);
		return 0;
	}
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &f);
	r = sock ? loop_io_set(sock->io, events) : socket_watch(arg, fd, events);
	if (f) {
		f->watched = true;
		if (r)
			f->local_errno = -r;
	}
	return 0;
}

/* --- results ---------------------------------------------------------------- */

static enum fetch_error connect_error(const struct fetch *f)
{
	switch (f->result.os_errno) {
	case ECONNREFUSED:
		return FETCH_REFUSED;
	case ECONNRESET:
	case ECONNABORTED:
	case EPIPE:
		return FETCH_RESET;
	case ETIMEDOUT:
		return FETCH_TIMEOUT_CONNECT;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case ENONET:
	case EACCES:
	case EPROTO:
	case ENOPROTOOPT:
		return f->watched ? FETCH_UNREACHABLE : FETCH_LOCAL;
	default:
		return FETCH_LOCAL;
	}
}

static enum fetch_error timeout_error(const struct fetch *f)
{
	if (!f->result.connect_us)
		return FETCH_TIMEOUT_CONNECT;
	return f->https && !f->result.tls_us ? FETCH_TIMEOUT_TLS : FETCH_TIMEOUT_ANSWER;
}

/* curl's codes that mean one thing; what is not listed is our side's. */
static const struct code_row {
	CURLcode code;
	enum fetch_error error;
} code_rows[] = {
	{ CURLE_OK, FETCH_OK },
	{ CURLE_GOT_NOTHING, FETCH_RESET },
	{ CURLE_RECV_ERROR, FETCH_RESET },
	{ CURLE_SEND_ERROR, FETCH_RESET },
	{ CURLE_PARTIAL_FILE, FETCH_RESET },
	{ CURLE_SSL_CONNECT_ERROR, FETCH_TLS },
	{ CURLE_PEER_FAILED_VERIFICATION, FETCH_TLS_VERIFY },
	{ CURLE_SSL_ISSUER_ERROR, FETCH_TLS_VERIFY },
	{ CURLE_SSL_INVALIDCERTSTATUS, FETCH_TLS_VERIFY },
	{ CURLE_SSL_PINNEDPUBKEYNOTMATCH, FETCH_TLS_VERIFY },
	{ CURLE_WEIRD_SERVER_REPLY, FETCH_PROTOCOL },
	{ CURLE_UNSUPPORTED_PROTOCOL, FETCH_PROTOCOL }, /* HTTP/0.9 */
	{ CURLE_BAD_CONTENT_ENCODING, FETCH_PROTOCOL },
	{ CURLE_TOO_MANY_REDIRECTS, FETCH_PROTOCOL },
	{ CURLE_HTTP2, FETCH_PROTOCOL },
	{ CURLE_HTTP2_STREAM, FETCH_PROTOCOL },
	{ CURLE_WRITE_ERROR, FETCH_PROTOCOL }, /* too many headers */
	{ CURLE_OUT_OF_MEMORY, FETCH_LOCAL },  /* a header line over 100 KB, too */
	{ CURLE_SSL_CACERT_BADFILE, FETCH_LOCAL_CONFIG },
	{ CURLE_SSL_CRL_BADFILE, FETCH_LOCAL_CONFIG },
	{ CURLE_SSL_CERTPROBLEM, FETCH_LOCAL_CONFIG },
	{ CURLE_SSL_CIPHER, FETCH_LOCAL_CONFIG },
	{ CURLE_URL_MALFORMAT, FETCH_LOCAL_CONFIG },
	{ CURLE_BAD_FUNCTION_ARGUMENT, FETCH_LOCAL_CONFIG },
};

static enum fetch_error error_of(const struct fetch *f, CURLcode code)
{
	size_t i;

	if (code == CURLE_WRITE_ERROR && f->result.truncated)
		return FETCH_OK;
	if (code != CURLE_OK && f->local_errno)
		return FETCH_LOCAL;
	if (code == CURLE_COULDNT_CONNECT)
		return connect_error(f);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return timeout_error(f);
	for (i = 0; i < countof(code_rows); i++)
		if (code_rows[i].code == code)
			return code_rows[i].error;
	return FETCH_LOCAL;
}

static int64_t phase(int64_t from, int64_t to)
{
	return to > from ? to - from : 0;
}

static void fill_result(struct fetch *f, CURLcode code)
{
	struct fetch_result *r = &f->result;
	curl_off_t lookup = 0, connected = 0, tls = 0, pre = 0, first = 0, total = 0;
	long os_errno = 0, status = 0;
	const char *words = f->words[0] ? f->words : curl_easy_strerror(code);

	curl_easy_getinfo(f->easy, CURLINFO_NAMELOOKUP_TIME_T, &lookup);
	curl_easy_getinfo(f->easy, CURLINFO_CONNECT_TIME_T, &connected);
	curl_easy_getinfo(f->easy, CURLINFO_APPCONNECT_TIME_T, &tls);
	curl_easy_getinfo(f->easy, CURLINFO_PRETRANSFER_TIME_T, &pre);
	curl_easy_getinfo(f->easy, CURLINFO_STARTTRANSFER_TIME_T, &first);
	curl_easy_getinfo(f->easy, CURLINFO_TOTAL_TIME_T, &total);
	curl_easy_getinfo(f->easy, CURLINFO_OS_ERRNO, &os_errno);
	curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
	/* a connection may be quicker than a microsecond, but was reached */
	r->connect_us = connected ? phase(lookup, connected) + !phase(lookup, connected) : 0;
	r->tls_us = phase(connected, tls);
	r->first_byte_us = first ? phase(pre, first) : 0;
	r->total_us = total;
	r->os_errno = f->local_errno ? f->local_errno : (int)os_errno;
	r->status = (int)status;
	r->error = error_of(f, code);
	if (r->error != FETCH_OK)
		memcpy(r->text, words, strnlen(words, sizeof(r->text) - 1));
}

/* --- setting up ------------------------------------------------------------- */

static void set_constants(struct fetch *f)
{
	CURL *e = f->easy;

	curl_easy_setopt(e, CURLOPT_PRIVATE, f);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, f->words);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, f);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, f);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, f);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(e, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(e, CURLOPT_CA_CACHE_TIMEOUT, (long)CA_CACHE_S);
	curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "ipvs-agent/" VERSION);
	curl_easy_setopt(e, CURLOPT_BUFFERSIZE, (long)(f->multi ? PROBE_BUFFER : WAIT_BUFFER));
}

static struct fetch *fetch_new(struct fetch_multi *m)
{
	struct fetch *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->multi = m;
	f->easy = curl_easy_init();
	if (!f->easy) {
		free(f);
		return NULL;
	}
	set_constants(f);
	return f;
}

/* Forgets the request, keeps the handle. */
static void fetch_reset(struct fetch *f)
{
	curl_easy_setopt(f->easy, CURLOPT_HTTPHEADER, NULL);
	curl_easy_setopt(f->easy, CURLOPT_CONNECT_TO, NULL);
	curl_slist_free_all(f->headers);
	curl_slist_free_all(f->connect_to);
	f->headers = f->connect_to = NULL;
	if (f->result.body.cap > KEEP_BODY)
		buf_fini(&f->result.body);
	buf_reset(&f->result.body);
	buf_reset(&f->result.headers);
	f->result = (struct fetch_result){ .body = f->result.body, .headers = f->result.headers };
	f->watched = f->reporting = false;
	f->local_errno = 0;
	f->words[0] = '\0';
}

static void fetch_free(struct fetch *f)
{
	if (!f)
		return;
	fetch_reset(f);
	curl_easy_cleanup(f->easy);
	buf_fini(&f->result.body);
	buf_fini(&f->result.headers);
	free(f);
}

static int add_line(struct curl_slist **list, const char *line)
{
	struct curl_slist *more = curl_slist_append(*list, line);

	if (!more)
		return -ENOMEM;
	*list = more;
	return 0;
}

/* "::HOST:PORT": whatever the URL's host and port, connect there. */
static int set_connect_to(struct fetch *f, const struct fetch_request *req, const char *url_host)
{
	struct buf entry = BUF_INIT;
	struct addr host;
	int r;

	if (!req->to && !req->server_name) /* the URL's own host */
		return 0;
	buf_puts(&entry, "::");
	if (req->to) {
		host = *req->to;
		buf_puts(&entry, host.family == AF_INET6 ? "[" : "");
		addr_format_host(&entry, &host);
		buf_puts(&entry, host.family == AF_INET6 ? "]:" : ":");
		if (host.port)
			buf_put_u64(&entry, host.port);
	} else {
		buf_printf(&entry, "%s:", url_host);
	}
	r = buf_ok(&entry) ? add_line(&f->connect_to, entry.data) : -ENOMEM;
	buf_fini(&entry);
	if (!r && curl_easy_setopt(f->easy, CURLOPT_CONNECT_TO, f->connect_to))
		r = -ENOMEM;
	return r;
}

/* curl takes SNI and the name to verify from the URL: for another one the URL gets
 * it, and the Host header what the URL had. */
static int set_url(struct fetch *f, const struct fetch_request *req)
{
	CURLU *u = curl_url();
	char *host = NULL, *whole = NULL;
	struct buf line = BUF_INIT;
	int r = -ENOMEM;

	if (!u)
		return r;
	r = -EINVAL;
	if (curl_url_set(u, CURLUPART_URL, req->url, 0) ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0))
		goto out;
	f->https = !strncasecmp(req->url, "https:", 6);
	if (req->server_name) {
		buf_printf(&line, "Host: %s", host);
		if (curl_url_set(u, CURLUPART_HOST, req->server_name, 0))
			goto out;
		r = buf_ok(&line) ? add_line(&f->headers, line.data) : -ENOMEM;
		if (r)
			goto out;
	}
	r = -ENOMEM;
	if (curl_url_get(u, CURLUPART_URL, &whole, 0) ||
	    curl_easy_setopt(f->easy, CURLOPT_URL, whole))
		goto out;
	r = set_connect_to(f, req, host);
out:
	buf_fini(&line);
	curl_free(whole);
	curl_free(host);
	curl_url_cleanup(u);
	return r;
}

static int set_source(struct fetch *f, const struct addr *source)
{
	struct buf text = BUF_INIT;
	CURLcode code = CURLE_OUT_OF_MEMORY;

	if (!source)
		return curl_easy_setopt(f->easy, CURLOPT_INTERFACE, NULL) ? -ENOMEM : 0;
	buf_puts(&text, "host!");
	addr_format_host(&text, source);
	if (buf_ok(&text))
		code = curl_easy_setopt(f->easy, CURLOPT_INTERFACE, text.data);
	buf_fini(&text);
	return code ? -ENOMEM : 0;
}

static void set_method(struct fetch *f, const struct fetch_request *req)
{
	const char *method = req->method ? req->method : "GET";

	curl_easy_setopt(f->easy, CURLOPT_HTTPGET, 1L);
	curl_easy_setopt(f->easy, CURLOPT_POSTFIELDS, NULL);
	if (req->body) {
		curl_easy_setopt(f->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
		curl_easy_setopt(f->easy, CURLOPT_COPYPOSTFIELDS, req->body);
	} else {
		curl_easy_setopt(f->easy, CURLOPT_HTTPGET, 1L);
		curl_easy_setopt(f->easy, CURLOPT_NOBODY, (long)!strcmp(method, "HEAD"));
	}
	curl_easy_setopt(f->easy, CURLOPT_CUSTOMREQUEST, strcmp(method, "GET") ? method : NULL);
}

static void set_tls(struct fetch *f, const struct fetch_request *req)
{
	const char *bundle = curl_version_info(CURLVERSION_NOW)->cainfo;

	if (req->ca_file)
		bundle = req->ca_file;
	if (!bundle)
		bundle = "/etc/ssl/certs/ca-certificates.crt";
	curl_easy_setopt(f->easy, CURLOPT_CAINFO, req->insecure ? NULL : bundle);
	curl_easy_setopt(f->easy, CURLOPT_SSL_VERIFYPEER, (long)!req->insecure);
	curl_easy_setopt(f->easy, CURLOPT_SSL_VERIFYHOST, req->insecure ? 0L : 2L);
}

static long http_version(const struct fetch *f, const struct fetch_request *req)
{
	if (!req->http2)
		return CURL_HTTP_VERSION_1_1;
	return f->https ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
}

static int set_request(struct fetch *f, const struct fetch_request *req)
{
	long timeout = req->timeout_ms > 0 ? (long)req->timeout_ms : 1;
	const char *const *h;
	int r = set_url(f, req);

	if (!r)
		r = set_source(f, req->source);
	for (h = req->headers; !r && h && *h; h++)
		r = add_line(&f->headers, *h);
	if (!r && req->body) /* no waiting for "100 Continue" */
		r = add_line(&f->headers, "Expect:");
	if (r)
		return r;
	f->max_body = req->max_body;
	set_method(f, req);
	set_tls(f, req);
	curl_easy_setopt(f->easy, CURLOPT_HTTPHEADER, f->headers);
	curl_easy_setopt(f->easy, CURLOPT_HTTP_VERSION, http_version(f, req));
	curl_easy_setopt(f->easy, CURLOPT_TIMEOUT_MS, timeout);
	curl_easy_setopt(f->easy, CURLOPT_CONNECTTIMEOUT_MS, timeout);
	return curl_easy_setopt(f->easy, CURLOPT_UNIX_SOCKET_PATH, req->unix_path) ? -ENOMEM : 0;
}

/* --- on the loop ------------------------------------------------------------ */

int fetch_multi_new(struct loop *loop, struct fetch_multi **ret_multi)
{
	struct fetch_multi *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->loop = loop;
	if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
		free(m);
		return -ENOMEM;
	}
	m->curlm = curl_multi_init();
	r = m->curlm ? loop_timer_new(loop, "fetch", on_timer, m, &m->timer) : -ENOMEM;
	if (r) {
		fetch_multi_free(m);
		return r;
	}
	curl_multi_setopt(m->curlm, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(m->curlm, CURLMOPT_SOCKETDATA, m);
	curl_multi_setopt(m->curlm, CURLMOPT_TIMERFUNCTION, on_timeout_changed);
	curl_multi_setopt(m->curlm, CURLMOPT_TIMERDATA, m);
	*ret_multi = m;
	return 0;
}

static void unlink_running(struct fetch *f)
{
	struct fetch_multi *m = f->multi;

	curl_multi_remove_handle(m->curlm, f->easy);
	if (f->prev)
		f->prev->next = f->next;
	else
		m->running = f->next;
	if (f->next)
		f->next->prev = f->prev;
	f->prev = f->next = NULL;
}

static void give_back(struct fetch *f)
{
	struct fetch_multi *m = f->multi;

	if (m->n_pool >= POOL_MAX) {
		fetch_free(f);
		return;
	}
	fetch_reset(f);
	f->next = m->pool;
	m->pool = f;
	m->n_pool++;
}

void fetch_multi_free(struct fetch_multi *m)
{
	struct fetch *f;

	if (!m)
		return;
	while (m->running)
		fetch_cancel(m->running);
	while ((f = m->pool)) {
		m->pool = f->next;
		fetch_free(f);
	}
	curl_multi_cleanup(m->curlm);
	loop_timer_free(m->timer);
	curl_global_cleanup();
	free(m);
}

static void report_all(struct fetch_multi *m)
{
	CURLMsg *msg;
	int left;

	/* fn may start and cancel: curl drops the messages of a removed handle */
	while ((msg = curl_multi_info_read(m->curlm, &left))) {
		struct fetch *f = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &f);
		fill_result(f, msg->data.result);
		unlink_running(f);
		f->reporting = true;
		f->fn(f->arg, &f->result);
		give_back(f);
	}
}

int fetch_start(struct fetch_multi *m, const struct fetch_request *req, fetch_fn *fn, void *arg,
		struct fetch **ret_fetch)
{
	struct fetch *f = m->pool;
	int r, running;

	if (f) {
		m->pool = f->next;
		m->n_pool--;
		f->next = NULL;
	} else {
		f = fetch_new(m);
	}
	if (!f)
		return -ENOMEM;
	f->fn = fn;
	f->arg = arg;
	r = set_request(f, req);
	if (!r && curl_multi_add_handle(m->curlm, f->easy))
		r = -ENOMEM;
	if (r) {
		give_back(f);
		return r;
	}
	f->next = m->running;
	if (f->next)
		f->next->prev = f;
	m->running = f;
	*ret_fetch = f;
	/* Connects now: curl's own wish to be called at once would wait for the next
	 * millisecond. What ends right here is reported by that timer. */
	curl_multi_socket_action(m->curlm, CURL_SOCKET_TIMEOUT, 0, &running);
	loop_timer_start(m->timer, 0);
	return 0;
}

void fetch_cancel(struct fetch *f)
{
	if (!f || f->reporting)
		return;
	unlink_running(f);
	give_back(f);
}

int fetch_wait(const struct fetch_request *req, struct fetch_result *ret_result)
{
	struct fetch *f;
	int r = -ENOMEM;

	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return r;
	f = fetch_new(NULL);
	if (f) {
		r = set_request(f, req);
		if (!r) {
			fill_result(f, curl_easy_perform(f->easy));
			*ret_result = f->result;
			f->result = (struct fetch_result){ 0 };
		}
		fetch_free(f);
	}
	curl_global_cleanup();
	return r;
}
