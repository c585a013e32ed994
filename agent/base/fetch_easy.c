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

#include "agent/base/attr.h"

enum {
	MAX_HEADERS = 65536,
	KEEP_BODY = 65536, /* a pooled handle's buffer that is larger is given back */
	CA_CACHE_S = 3600, /* a replaced CA file is noticed after that */
	PROBE_BUFFER = 4096,
	WAIT_BUFFER = 262144,
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
	size_t i;

	if (code == CURLE_WRITE_ERROR && f->result.truncated)
		return FETCH_OK;
	if (code != CURLE_OK && f->local_errno)
		return FETCH_LOCAL;
	if (code == CURLE_COULDNT_CONNECT)
		return connect_error(f);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return timeout_error(f);
	if (code == CURLE_OUT_OF_MEMORY)
		return memory_error(f);
	for (i = 0; i < countof(code_rows); i++)
		if (code_rows[i].code == code)
			return code_rows[i].error;
	return FETCH_LOCAL;
}

static int64_t phase(int64_t from, int64_t to)
{
	return to > from ? to - from : 0;
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
	if (f->result.body.cap > KEEP_BODY)
		buf_fini(&f->result.body);
	buf_reset(&f->result.body);
	buf_reset(&f->result.headers);
	f->result = (struct fetch_result){ .body = f->result.body, .headers = f->result.headers };
	f->watched = f->connected = f->reporting = false;
	f->local_errno = 0;
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
	char *host = NULL, *whole = NULL;
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
	buf_printf(&line, "Host: %s", host);
	if (!buf_ok(&line) || add_line(&f->headers, line.data) ||
	    curl_url_get(u, CURLUPART_URL, &whole, 0) ||
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

static int set_url(struct fetch *f, const struct fetch_request *req)
{
	f->https = !strncasecmp(req->url, "https:", 6);
	if (req->server_name)
		return set_server_name(f, req);
	if (curl_easy_setopt(f->easy, CURLOPT_URL, req->url))
		return -ENOMEM;
	return set_connect_to(f, req, NULL);
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

int fetch_set(struct fetch *f, const struct fetch_request *req)
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
