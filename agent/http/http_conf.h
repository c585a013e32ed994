/* http_conf.h: the [http] section. */
#ifndef HTTP_HTTP_CONF_H
#define HTTP_HTTP_CONF_H

#include "agent/base/addr.h"
#include "conf/config.h"

/* "127.0.0.1:10015", "[::1]:10015", ":10015" (every address), "unix:/path". */
struct listen_conf {
	const char *text;
	const char *unix_path; /* NULL = by address */
	struct addr addr;
	unsigned int line;
};

struct http_conf {
	struct conf_head head;
	struct listen_conf *listens; /* default: 127.0.0.1:10015 and the socket in /run */
	uint32_t n_listens;
	const char *users_file, *token_file;
	const char *tls_cert_file, *tls_key_file, *client_ca_file;
	bool loopback_writes;
	uint32_t max_connections;
};

extern const struct conf_section http_section;

#endif
