/* fetch_easy.c: one libcurl handle: what it is told and what its end means. It is set
 * up once and used again, since a new one costs more than a request.
 *
 * Set once, each because its default hurts: no DNS cache (it is walked whole after
 * every transfer), no CA directory (it disables the cache of the CA store: 28 ms a
 * handshake instead of 1), no proxy from the environment, no redirects, no connection
 * kept, sockets closed by reset so that probing leaves no TIME_WAIT. */
#include "agent/base/fetch_easy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/base/attr.h"
#include "agent/base/fetch_mail.h"

enum {
	MAX_HEADERS = 65536,
	KEEP_BODY = 65536, /* a pooled handle's buffer that is larger is given back */
	CA_CACHE_S = 3600, /* a replaced CA file is noticed after that */
	PROBE_BUFFER = 4096,
	WAIT_BUFFER = 262144,
	MAIL_WINDOW = 16384, /* libcurl reads a line for as long as more of it is there */
};

/* --- what curl calls -------------------------------------------------------- */

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct fetch *f = arg;
	size_t len = size * n, room = f->max_body - f->taken, take = len > room ? room : len;
	long status = 0;

	if (f->on_data)
		curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status / 100 == 2) {
		f->result.truncated = !f->on_data(f->data_arg, data, len);
		return f->result.truncated ? 0 : len;
	}
	f->taken += take;
	if (f->see)
		f->see(f->data_arg, data, take);
	if (!f->discard)
		buf_put(&f->result.body, data, take);
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

	if (f->mail && !f->result.headers.len && !f->mail->greets(data, len))
		return 0; /* libcurl would wait for a better one */
	/* an interim answer's lines give way to the final one's */
	if (len >= 5 && !memcmp(data, "HTTP/", 5)) {
		f->result.headers.len = 0;
		f->heading = true;
	}
	f->heading &= *data != '\r' && *data != '\n';
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
	int fd = socket(a->family, a->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->protocol), e;

	if (fd == -1) {
		f->local_errno = errno;
		return CURL_SOCKET_BAD;
	}
	e = way_out_take(fd, &f->from);
	if (e) {
		f->local_errno = -e;
		close(fd);
		return CURL_SOCKET_BAD;
	}
	if (a->family != AF_UNIX)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (f->mail)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){ MAIL_WINDOW }, sizeof(int));
	return fd;
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
	if (!f->result.connect_us && !f->connected)
		return FETCH_TIMEOUT_CONNECT;
	return f->tls && !f->result.tls_us ? FETCH_TIMEOUT_TLS : FETCH_TIMEOUT_ANSWER;
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
	{ CURLE_USE_SSL_FAILED, FETCH_TLS }, /* no STARTTLS there */
	{ CURLE_PEER_FAILED_VERIFICATION, FETCH_TLS_VERIFY },
	{ CURLE_SSL_ISSUER_ERROR, FETCH_TLS_VERIFY },
	{ CURLE_SSL_INVALIDCERTSTATUS, FETCH_TLS_VERIFY },
	{ CURLE_SSL_PINNEDPUBKEYNOTMATCH, FETCH_TLS_VERIFY },
	{ CURLE_WEIRD_SERVER_REPLY, FETCH_PROTOCOL },
	{ CURLE_REMOTE_ACCESS_DENIED, FETCH_PROTOCOL }, /* of mail: EHLO refused */
	{ CURLE_UNSUPPORTED_PROTOCOL, FETCH_PROTOCOL }, /* HTTP/0.9 */
	{ CURLE_BAD_CONTENT_ENCODING, FETCH_PROTOCOL },
	{ CURLE_TOO_MANY_REDIRECTS, FETCH_PROTOCOL },
	{ CURLE_HTTP2, FETCH_PROTOCOL },
	{ CURLE_HTTP2_STREAM, FETCH_PROTOCOL },
	{ CURLE_WRITE_ERROR, FETCH_PROTOCOL }, /* too many headers, no greeting */
	{ CURLE_SSL_CACERT_BADFILE, FETCH_LOCAL_CONFIG },
	{ CURLE_SSL_CRL_BADFILE, FETCH_LOCAL_CONFIG },
	{ CURLE_SSL_CERTPROBLEM, FETCH_LOCAL_CONFIG },
	{ CURLE_SSL_CIPHER, FETCH_LOCAL_CONFIG },
	{ CURLE_URL_MALFORMAT, FETCH_LOCAL_CONFIG },
	{ CURLE_BAD_FUNCTION_ARGUMENT, FETCH_LOCAL_CONFIG },
};

/* The code for a header line over 100 KB, too, which is the server's. Where memory is out
 * in the midst of an answer, it is mostly in our own callbacks, and local_errno says so. */
static enum fetch_error memory_error(const struct fetch *f)
{
	curl_off_t first = 0;

	curl_easy_getinfo(f->easy, CURLINFO_STARTTRANSFER_TIME_T, &first);
	return first ? FETCH_PROTOCOL : FETCH_LOCAL;
}

static enum fetch_error error_of(const struct fetch *f, CURLcode code)
{
	long header_bytes = 0;
	size_t i;

	curl_easy_getinfo(f->easy, CURLINFO_HEADER_SIZE, &header_bytes);
	if (code == CURLE_WRITE_ERROR && f->result.truncated)
		return FETCH_OK;
	if (code == CURLE_OK && f->heading)
		return FETCH_RESET; /* closed within the headers, which libcurl lets pass */
	if (code != CURLE_OK && f->local_errno)
		return FETCH_LOCAL;
	if (code == CURLE_COULDNT_CONNECT)
		return connect_error(f);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return timeout_error(f);
	if (code == CURLE_OUT_OF_MEMORY)
		return memory_error(f);
	if (code == CURLE_SSL_CONNECT_ERROR && f->result.os_errno == ECONNRESET)
		return FETCH_RESET;
	/* what is not HTTP/2 at all; a connection that was closed is CURLE_PARTIAL_FILE there */
	if (code == CURLE_GOT_NOTHING && f->h2c)
		return FETCH_PROTOCOL;
	if (code != CURLE_OK && header_bytes > MAX_HEADERS)
		return FETCH_PROTOCOL; /* libcurl's own limit has a reset's code */
	for (i = 0; i < countof(code_rows); i++)
		if (code_rows[i].code == code)
			return code_rows[i].error;
	return FETCH_LOCAL;
}

static int64_t phase(int64_t from, int64_t to)
{
	return to > from ? to - from : 0;
}

/* When the server's own certificate ends, which is the first one of the chain; 0 = the
 * library does not say. */
static int64_t not_after(const struct fetch *f)
{
	static const char field[] = "Expire date:";
	const struct curl_certinfo *chain = NULL;
	const struct curl_slist *line;
	int64_t t = -1;

	if (!f->expiry || curl_easy_getinfo(f->easy, CURLINFO_CERTINFO, &chain) || !chain ||
	    chain->num_of_certs < 1)
		return 0;
	for (line = chain->certinfo[0]; line && t < 0; line = line->next)
		if (!strncmp(line->data, field, sizeof(field) - 1))
			t = curl_getdate(line->data + sizeof(field) - 1, NULL);
	return t > 0 ? t : 0;
}

void fetch_fill(struct fetch *f, CURLcode code)
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
	r->tls_not_after = not_after(f);
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
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(e, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(e, CURLOPT_CA_CACHE_TIMEOUT, (long)CA_CACHE_S);
	curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "ipvs-agent/" VERSION);
	curl_easy_setopt(e, CURLOPT_BUFFERSIZE, (long)(f->multi ? PROBE_BUFFER : WAIT_BUFFER));
}

struct fetch *fetch_new(struct fetch_multi *m)
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

void fetch_reset(struct fetch *f)
{
	curl_easy_setopt(f->easy, CURLOPT_HTTPHEADER, NULL);
	curl_easy_setopt(f->easy, CURLOPT_CONNECT_TO, NULL);
	curl_slist_free_all(f->headers);
	curl_slist_free_all(f->connect_to);
	f->headers = f->connect_to = NULL;
	free(f->device);
	f->device = NULL;
	if (f->result.body.cap > KEEP_BODY)
		buf_fini(&f->result.body);
	buf_reset(&f->result.body);
	buf_reset(&f->result.headers);
	f->result = (struct fetch_result){ .body = f->result.body, .headers = f->result.headers };
	f->watched = f->connected = f->reporting = f->heading = false;
	f->local_errno = 0;
	f->taken = 0;
	f->words[0] = '\0';
}

void fetch_free(struct fetch *f)
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

/* "::HOST:PORT": whatever the URL's host and port, connect there. `url_host` NULL: the
 * URL's own stands. */
static int set_connect_to(struct fetch *f, const struct fetch_request *req, const char *url_host)
{
	struct buf entry = BUF_INIT;
	struct addr host;
	int r;

	if (!req->to && !url_host)
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
static int set_server_name(struct fetch *f, const struct fetch_request *req)
{
	CURLU *u = curl_url();
	char *host = NULL, *port = NULL, *whole = NULL;
	struct buf line = BUF_INIT;
	int r = -ENOMEM;

	if (!u)
		return r;
	r = -EINVAL;
	if (curl_url_set(u, CURLUPART_URL, req->url, CURLU_PATH_AS_IS) ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0) ||
	    curl_url_set(u, CURLUPART_HOST, req->server_name, 0))
		goto out;
	r = -ENOMEM;
	curl_url_get(u, CURLUPART_PORT, &port, 0); /* it may have none */
	buf_printf(&line, "Host: %s%s%s", host, port ? ":" : "", port ? port : "");
	if (!buf_ok(&line) || add_line(&f->headers, line.data) ||
	    curl_url_get(u, CURLUPART_URL, &whole, 0) ||
	    curl_easy_setopt(f->easy, CURLOPT_URL, whole))
		goto out;
	r = set_connect_to(f, req, host);
out:
	buf_fini(&line);
	curl_free(whole);
	curl_free(port);
	curl_free(host);
	curl_url_cleanup(u);
	return r;
}

static int set_url(struct fetch *f, const struct fetch_request *req)
{
	size_t scheme = strcspn(req->url, ":");

	f->tls = scheme && strchr("sS", req->url[scheme - 1]); /* https, smtps, … */
	if (req->server_name)
		return set_server_name(f, req);
	if (curl_easy_setopt(f->easy, CURLOPT_URL, req->url))
		return -ENOMEM;
	return set_connect_to(f, req, NULL);
}

/* on_open() makes the sockets: what it cannot set is told with its errno, as libcurl's own
 * option would not. */
static int set_from(struct fetch *f, const struct way_out *from)
{
	f->from = *from;
	if (!from->device)
		return 0;
	f->device = strdup(from->device);
	f->from.device = f->device;
	return f->device ? 0 : -ENOMEM;
}

static void set_method(struct fetch *f, const struct fetch_request *req)
{
	const char *method = req->method ? req->method : "GET";

	curl_easy_setopt(f->easy, CURLOPT_POSTFIELDS, NULL);
	curl_easy_setopt(f->easy, CURLOPT_HTTPGET, 1L); /* no POST, no HEAD of before */
	curl_easy_setopt(f->easy, CURLOPT_NOBODY, (long)(!req->body && !strcmp(method, "HEAD")));
	if (req->body) {
		curl_easy_setopt(f->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
		curl_easy_setopt(f->easy, CURLOPT_COPYPOSTFIELDS, req->body);
	}
	curl_easy_setopt(f->easy, CURLOPT_CUSTOMREQUEST, strcmp(method, "GET") ? method : NULL);
}

static void set_tls(struct fetch *f, const struct fetch_request *req)
{
	static const long starttls[] = { CURLUSESSL_NONE, CURLUSESSL_TRY, CURLUSESSL_ALL };
	const char *ours = curl_version_info(CURLVERSION_NOW)->cainfo;
	const char *usual = ours ? ours : "/etc/ssl/certs/ca-certificates.crt";
	const char *bundle = req->ca_file ? req->ca_file : usual;

	curl_easy_setopt(f->easy, CURLOPT_CAINFO, req->insecure ? NULL : bundle);
	curl_easy_setopt(f->easy, CURLOPT_SSL_VERIFYPEER, (long)!req->insecure);
	curl_easy_setopt(f->easy, CURLOPT_SSL_VERIFYHOST, req->insecure ? 0L : 2L);
	if (f->expiry != req->want_expiry)
		curl_easy_setopt(f->easy, CURLOPT_CERTINFO, (long)req->want_expiry);
	curl_easy_setopt(f->easy, CURLOPT_USE_SSL, starttls[req->starttls]);
	f->expiry = req->want_expiry;
}

static long http_version(const struct fetch *f, const struct fetch_request *req)
{
	if (!req->http2)
		return CURL_HTTP_VERSION_1_1;
	return f->tls ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
}

int fetch_set(struct fetch *f, const struct fetch_request *req)
{
	long timeout = req->timeout_ms > 0 ? (long)req->timeout_ms : 1;
	const char *const *h;
	int r = set_url(f, req);

	r = r ? r : set_from(f, &req->from);
	for (h = req->headers; !r && h && *h; h++)
		r = add_line(&f->headers, *h);
	if (!r && req->body) /* no waiting for "100 Continue" */
		r = add_line(&f->headers, "Expect:");
	if (r)
		return r;
	f->h2c = req->http2 && !f->tls;
	f->max_body = req->max_body;
	f->mail = req->mail;
	f->on_data = req->on_data;
	f->see = req->see;
	f->discard = req->discard;
	f->data_arg = req->data_arg;
	set_method(f, req);
	set_tls(f, req);
	curl_easy_setopt(f->easy, CURLOPT_HTTPHEADER, f->headers);
	curl_easy_setopt(f->easy, CURLOPT_HTTP_VERSION, http_version(f, req));
	curl_easy_setopt(f->easy, CURLOPT_CONNECT_ONLY, (long)(req->connect_only || req->mail));
	curl_easy_setopt(f->easy, CURLOPT_PROTOCOLS_STR,
			 req->mail ? "smtp,smtps,imap,imaps,pop3,pop3s" : "http,https");
	curl_easy_setopt(f->easy, CURLOPT_FORBID_REUSE, (long)!req->mail); /* the farewell's */
	curl_easy_setopt(f->easy, CURLOPT_TIMEOUT_MS, req->on_data ? 0L : timeout);
	curl_easy_setopt(f->easy, CURLOPT_LOW_SPEED_LIMIT, req->on_data ? 1L : 0L);
	curl_easy_setopt(f->easy, CURLOPT_LOW_SPEED_TIME,
			 req->on_data ? (long)(req->idle_ms / 1000) : 0L);
	curl_easy_setopt(f->easy, CURLOPT_CONNECTTIMEOUT_MS, timeout);
	return curl_easy_setopt(f->easy, CURLOPT_UNIX_SOCKET_PATH, req->unix_path) ? -ENOMEM : 0;
}
