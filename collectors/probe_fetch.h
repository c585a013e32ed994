/* probe_fetch.h: what the kinds share that ask by libcurl (agent/base/fetch.h): how an
 * attempt begins, what its end means as a reason, and the keys of TLS. */
#ifndef COLLECTORS_PROBE_FETCH_H
#define COLLECTORS_PROBE_FETCH_H

#include "agent/base/fetch.h"
#include "agent/probe.h"
#include "conf/key.h"

/* The state of an attempt; a kind that needs more has it first. */
struct probe_fetch_run {
	struct fetch *fetch;
};

/* The keys of TLS; all zero but verify = the system's certificates, any date. */
struct probe_tls_conf {
	const char *ca_file;     /* NULL = the system's */
	const char *server_name; /* NULL = the host's */
	uint32_t min_days;       /* 0 = off */
	bool verify;
};

/* A host name without a port. Field: const char *. */
extern const struct conf_type probe_host_type;

/* The rows of these keys, for the table of a kind whose struct is `s` and has them in `f`. */
/* clang-format off */
#define PROBE_TLS_KEYS(s, f)                                                                       \
	{ .name = "ca_file", .type = &conf_path, .offset = offsetof(s, f.ca_file),                 \
	  .help = "Certificates to trust instead of the system's, in PEM form." },                 \
	{ .name = "min_days", .type = &conf_u32, .offset = offsetof(s, f.min_days),                \
	  .def = "0", .min = 0, .max = 3650,                                                       \
	  .help = "The certificate must be valid for so many days more; 0 = not asked." },         \
	{ .name = "server_name", .type = &probe_host_type, .offset = offsetof(s, f.server_name),   \
	  .help = "Name to send as SNI and to verify, in the place of the host's." },              \
	{ .name = "verify", .type = &conf_bool, .offset = offsetof(s, f.verify),                   \
	  .def = "on",                                                                             \
	  .help = "Whether the certificate must be valid for the host's name." }
/* clang-format on */

/* Puts the keys of TLS into a request. */
void probe_fetch_tls(struct fetch_request *req, const struct probe_tls_conf *tls);

/* Appends `url`, with or without its scheme, with {address} and {port} as the realserver's;
 * `host` stands in the place of its host where it is not NULL, the address where it has none. */
void probe_fetch_url(struct buf *out, const char *url, const char *host, const struct addr *a);

/* Begins `req`, to the run's address within its time; `url` is used up. Where it cannot
 * begin, that is reported: the run must not be touched afterwards. The run's state is a
 * struct probe_fetch_run. */
void probe_fetch_start(struct probe_run *run, struct fetch_request *req, struct buf *url,
		       fetch_fn *fn);
void probe_fetch_cancel(struct probe_run *run);

/* What an end says before anybody looks into the answer: the reason is PROBE_OK where one
 * came, by a certificate that is valid for long enough. `tls` may be NULL. The text is the
 * result's. */
struct probe_report probe_fetch_report(const struct fetch_result *r,
				       const struct probe_tls_conf *tls);

#endif
