/* fake_probes.h: a registry of three kinds of probes for tests of the configuration:
 * the real kinds bring libraries and a loop with them. Defines probe_table, so that
 * collectors/table.c is not pulled from the archive. */
#ifndef TESTS_FAKE_PROBES_H
#define TESTS_FAKE_PROBES_H

#include "collectors/table.h"

struct fake_http_conf {
	const char *expect_status, *method;
	bool tls_verify;
};

#define FAKE_FIELD(f) .offset = offsetof(struct fake_http_conf, f)

static const struct conf_key fake_http_keys[] = {
	{ .name = "expect_status",
	  .type = &conf_string,
	  FAKE_FIELD(expect_status),
	  .def = "200-299",
	  .help = "Statuses that are good." },
	{ .name = "method",
	  .type = &conf_string,
	  FAKE_FIELD(method),
	  .def = "GET",
	  .help = "The request's method." },
	{ .name = "tls_verify",
	  .type = &conf_bool,
	  FAKE_FIELD(tls_verify),
	  .def = "on",
	  .help = "Whether the certificate is verified." },
};

static const struct probe_scheme fake_http_schemes[] = {
	{ .name = "http", .port = 80, .path = true, .needs_port = true },
	{ .name = "https", .port = 443, .path = true, .needs_port = true },
	{ .name = NULL },
};
static const struct probe_scheme fake_tcp_schemes[] = {
	{ .name = "tcp", .needs_port = true },
	{ .name = NULL },
};

static const struct probe_type fake_http = {
	.name = "http",
	.schemes = fake_http_schemes,
	.help = "HTTP",
	.part = { .name = "http",
		  .keys = fake_http_keys,
		  .n_keys = countof(fake_http_keys),
		  .size = sizeof(struct fake_http_conf) },
};

static const struct probe_type fake_tcp = {
	.name = "tcp",
	.schemes = fake_tcp_schemes,
	.help = "TCP",
	.part = { .name = "tcp", .size = 1 },
};

static const struct probe_scheme fake_agent_schemes[] = {
	{ .name = "agent", .needs_port = true },
	{ .name = NULL },
};

static const struct probe_type fake_agent = {
	.name = "agent",
	.schemes = fake_agent_schemes,
	.help = "Advice",
	.part = { .name = "agent", .size = 1 },
	.advises = true,
};

const struct probe_type *const probe_table[] = { &fake_tcp, &fake_http, &fake_agent, NULL };

#endif
