/* peer_conf.c: the keys of [peer NAME], and what is wrong with such sections. */
#include "agent/peer_conf.h"

#include <string.h>

#include "agent/base/addr.h"
#include "agent/base/attr.h"
#include "agent/http/http_conf.h"
#include "agent/rules/notify_conf.h"
#include "conf/setter.h"

#define FIELD(f) .offset = offsetof(struct peer_conf, f)

static const struct conf_key keys[] = {
	{ .name = "url",
	  .type = &notify_url_type,
	  FIELD(url),
	  .max = 1000,
	  .flags = CONF_REQUIRED,
	  .help = "Where the peer's [http] listens, as in https://director2:10015." },
	{ .name = "token_file",
	  .type = &conf_path,
	  FIELD(token_file),
	  .help = "File with the bearer token that is shown to the peer: one of its [http] "
		  "token_file." },
	{ .name = "ca_file",
	  .type = &conf_path,
	  FIELD(ca_file),
	  .help = "Authorities (PEM) that the peer's certificate is checked against; the "
		  "system's without it." },
	{ .name = "interval",
	  .type = &conf_duration,
	  FIELD(interval),
	  .def = "1s",
	  .min = 100,
	  .max = 60 * 1000,
	  .help = "How often the peer is asked; less often, up to every 30s, while it is away." },
	{ .name = "timeout",
	  .type = &conf_duration,
	  FIELD(timeout),
	  .def = "3s",
	  .min = 100,
	  .max = 60 * 1000,
	  .help = "An exchange's deadline." },
};

const struct conf_section peer_section = {
	.name = "peer",
	.help = "Another director's agent: each keeps what operators and alerts hold on the other.",
	.named = true,
	.size = sizeof(struct peer_conf),
	.keys = keys,
	.n_keys = countof(keys),
};

/* --- checks --------------------------------------------------------------------------- */

static bool is_loopback(const char *url)
{
	const char *host = strstr(url, "://") + 3;
	size_t len = strcspn(host, "/?");
	char text[64] = "";
	struct addr a;

	if (len >= sizeof(text))
		return false;
	memcpy(text, host, len);
	if (!strncmp(text, "localhost", 9) && (!text[9] || text[9] == ':'))
		return true;
	return !addr_parse(text, &a) && addr_is_loopback(&a);
}

static void check_url(struct config *c, const struct peer_conf *p)
{
	bool tls = !strncmp(p->url, "https://", 8);

	if (strchr(p->url, '?'))
		conf_report(c, CONF_ERROR, p->head.file, conf_key_line(c, p, "url"),
			    "peer %s: '%s' has a query; only https://HOST:PORT is wanted, and a "
			    "path where a proxy has one",
			    p->head.name, p->url);
	if (!tls && p->ca_file)
		conf_report(c, CONF_WARNING, p->head.file, conf_key_line(c, p, "ca_file"),
			    "peer %s: 'ca_file' does nothing: '%s' is without TLS (https://)",
			    p->head.name, p->url);
	if (!tls && !is_loopback(p->url))
		conf_report(c, CONF_WARNING, p->head.file, conf_key_line(c, p, "url"),
			    "peer %s: whoever is in the network's way can read its token and "
			    "answer in its name: '%s' is without TLS (https://)",
			    p->head.name, p->url);
}

/* It shows its token; nobody here knows one. */
static void check_way_in(struct config *c, const struct peer_conf *p)
{
	const struct http_conf *h = config_section(c, &http_section);

	if (!h->head.bad && !h->token_file && !h->client_ca_file)
		conf_report(c, CONF_WARNING, p->head.file, p->head.line,
			    "peer %s: it cannot ask this agent in turn: [http] has no token_file",
			    p->head.name);
}

void check_peers(struct config *c)
{
	size_t n, i;
	void *const *peers = config_sections(c, &peer_section, &n);

	for (i = 0; i < n; i++) {
		const struct peer_conf *p = peers[i];

		if (i == PEERS_MAX)
			conf_report(c, CONF_ERROR, p->head.file, p->head.line,
				    "peer %s: there are %d peers at most", p->head.name, PEERS_MAX);
		if (!i)
			check_way_in(c, p);
		if (!p->head.bad && p->url)
			check_url(c, p);
	}
}
