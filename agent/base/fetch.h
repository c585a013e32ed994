/* fetch.h: the only user of libcurl. Probes and notifications fetch on the loop;
 * the command line fetches from the agent's unix socket and waits. */
#ifndef BASE_FETCH_H
#define BASE_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/addr.h"
#include "agent/base/buf.h"
#include "agent/base/way_out.h"

struct loop;
struct fetch_multi;
struct fetch;
struct fetch_mail;

/* What to fetch; strings are copied by fetch_start(). */
struct fetch_request {
	const char *url;       /* http, https; with `mail` smtp, imap, pop3, each also with an s */
	const char *method;    /* NULL = GET */
	const struct addr *to; /* connect here, whatever the URL's host; NULL = resolve */
	struct way_out from;   /* by which way it goes out; its device is copied */
	const char *const *headers; /* "Name: value"; NULL-terminated, may be NULL */
	const char *body;           /* NULL = none */
	size_t body_len;
	const char *unix_path;   /* connect to this unix socket instead */
	const char *ca_file;     /* NULL = the system's bundle */
	const char *server_name; /* SNI and name to verify; NULL = the URL's host */
	bool insecure;           /* do not verify the certificate */
	bool http2;              /* over TLS where the server has it, else at once */
	bool connect_only;       /* no request: an answer is a connection, with https a handshake */
	const struct fetch_mail *mail; /* NULL = it is not; must outlive the fetch */
	enum fetch_starttls { FETCH_PLAIN = 0, FETCH_STARTTLS_TRY, FETCH_STARTTLS } starttls;
	bool want_expiry;   /* of the certificate: tls_not_after */
	int64_t timeout_ms; /* one deadline for all of it */
	size_t max_body;    /* more is cut off: `truncated` */
	/* For what never ends, by fetch_wait(): the body of a good answer (2xx) is given here
	 * as it comes, and not kept; false ends it, as `truncated`. Then timeout_ms is that of
	 * connecting, and silence for idle_ms is FETCH_TIMEOUT_ANSWER. */
	bool (*on_data)(void *arg, const char *bytes, size_t len);
	void *data_arg;
	int64_t idle_ms;
	/* By fetch_start(): is shown the body as it comes, up to max_body; the argument is
	 * data_arg. With `discard` it is not kept. */
	void (*see)(void *arg, const char *bytes, size_t len);
	bool discard;
};

enum fetch_error {
	FETCH_OK = 0,
	FETCH_REFUSED, /* connection refused */
	/* ICMP, or silence to ARP or ND: it came back after connect() had begun. What
	 * connect() itself says is our own routing: FETCH_LOCAL */
	FETCH_UNREACHABLE,
	FETCH_RESET, /* closed or reset before an answer */
	FETCH_TIMEOUT_CONNECT,
	FETCH_TIMEOUT_TLS,
	FETCH_TIMEOUT_ANSWER,
	FETCH_TLS,          /* handshake failed */
	FETCH_TLS_VERIFY,   /* certificate not accepted */
	FETCH_PROTOCOL,     /* not HTTP, too large a header, … */
	FETCH_LOCAL,        /* our side: descriptors, memory, no route, no source address;
			       os_errno says which */
	FETCH_LOCAL_CONFIG, /* our side: CA bundle unreadable, URL or address unusable */
};

struct fetch_result {
	enum fetch_error error;
	int os_errno;   /* where known, else 0 */
	char text[128]; /* libcurl's words for people; "" where none */
	int status;     /* HTTP status; 0 = none came */
	struct buf body;
	struct buf headers; /* raw header lines of the final answer */
	bool truncated;
	int64_t tls_not_after; /* end of the server's certificate, wall s; 0 = not known */
	int64_t connect_us, tls_us, first_byte_us, total_us; /* phases; 0 = not reached */
};

typedef void fetch_fn(void *arg, const struct fetch_result *result);

/* SIGPIPE must be ignored: OpenSSL writes without MSG_NOSIGNAL. */
int fetch_multi_new(struct loop *loop, struct fetch_multi **ret_multi);
/* Cancels what is under way without calling back; not from within a fetch_fn. Takes NULL. */
void fetch_multi_free(struct fetch_multi *m);

/* Begins; fn(arg, result) comes once, on the loop, never from within this call.
 * The result is borrowed for the call. -errno when it could not begin. */
int fetch_start(struct fetch_multi *m, const struct fetch_request *req, fetch_fn *fn, void *arg,
		struct fetch **ret_fetch);
/* Ends one under way; fn is not called. From within any fetch_fn, too; for the fetch
 * that just reports it does nothing. */
void fetch_cancel(struct fetch *f);

/* Waits for the answer; result->body and headers are the caller's to buf_fini(). */
int fetch_wait(const struct fetch_request *req, struct fetch_result *ret_result);

#endif
