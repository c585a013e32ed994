/* auth.h: may this request write? By the socket's file permissions, a client
 * certificate, a bearer token, a password, or because it comes over loopback and
 * the configuration says so. */
#ifndef HTTP_AUTH_H
#define HTTP_AUTH_H

#include "agent/http/http_conf.h"
#include "agent/http/request.h"

enum credentials_kind {
	CREDENTIALS_NONE = 0,
	CREDENTIALS_BASIC,
	CREDENTIALS_BEARER,
	CREDENTIALS_BAD
};

struct credentials {
	enum credentials_kind kind;
	char *user;   /* basic */
	char *secret; /* password or token */
};

/* Reads an Authorization header; NULL is none. -ENOMEM only. */
int credentials_parse(const char *header, struct credentials *ret_credentials);
void credentials_fini(struct credentials *c);

/* The secrets and switches of one configuration, reference-counted. */
struct auth;
int auth_new(const struct http_conf *conf, struct buf *why, struct auth **ret_auth);
struct auth *auth_ref(struct auth *a);
void auth_unref(struct auth *a);

/* Lets the request on to `next`, at once or after the password was checked, or
 * answers 401 or 403. */
void auth_then(struct http_request *r, http_handler *next);

#endif
