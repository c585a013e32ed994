/* probe_tls.c: does a server there shake hands by TLS, with a certificate that is good, and
 * for long enough? No request follows: it does for whatever is spoken inside. */
#include <string.h>

#include "agent/base/attr.h"
#include "agent/base/fetch.h"
#include "agent/probe.h"
#include "collectors/probe_fetch.h"
#include "collectors/table.h"
#include "conf/key.h"

struct tls_conf {
	struct probe_tls_conf tls;
};

static void on_fetched(void *arg, const struct fetch_result *r)
{
	struct probe_run *run = arg;
	const struct tls_conf *c = run->conf->head.part_conf;
	struct probe_report report = probe_fetch_report(r, &c->tls);

	probe_done(run, &report);
}

static void tls_start(struct probe_run *run)
{
	const struct tls_conf *c = run->conf->head.part_conf;
	struct fetch_request req = { .connect_only = true };
	struct buf url = BUF_INIT;

	probe_fetch_tls(&req, &c->tls);
	req.want_expiry = true;
	req.server_name = NULL; /* it is the host: nobody sees a Host header */
	buf_puts(&url, "https://");
	probe_fetch_url(&url, strstr(run->conf->url, "://") + 3, c->tls.server_name, &run->addr);
	probe_fetch_start(run, &req, &url, on_fetched);
}

static const struct conf_key keys[] = {
	PROBE_TLS_KEYS(struct tls_conf, tls),
};

static const struct probe_scheme schemes[] = {
	{ .name = "tls", .port = 443, .needs_port = true },
	{ .name = NULL },
};

const struct probe_type probe_tls = {
	.name = "tls",
	.schemes = schemes,
	.help = "Does a TLS handshake and judges the certificate.",
	.part = { .name = "tls",
		  .keys = keys,
		  .n_keys = countof(keys),
		  .size = sizeof(struct tls_conf) },
	.run_size = sizeof(struct probe_fetch_run),
	.start = tls_start,
	.cancel = probe_fetch_cancel,
};
