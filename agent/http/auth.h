/* auth.h: may this request write? By the socket's file permissions, a client
 * certificate, a bearer token, a password, or because it comes over loopback and
 * the configuration says so. */
#ifndef HTTP_AUTH_H
#define HTTP_AUTH_H

#include "agent/http/credentials.h"
#include "agent/http/http_conf.h"
#include "agent/http/request.h"

/* The secrets and switches of one configuration, reference-counted. */
struct auth;
int auth_new(const struct http_conf *conf, struct buf *why, struct auth **ret_auth);
struct auth *auth_ref(struct auth *a);
void auth_unref(struct auth *a);

/* Answers a write that is refused by its headers alone, before its body is read; one
 * that may yet be let in is left alone. */
void auth_early(struct http_request *r);
/* Lets the request on to `next`, at once or after the password was checked, or
 * answers 401 or 403. */
void auth_then(struct http_request *r, http_handler *next);
/* The same for what may be asked by anybody: who shows no credentials goes on as nobody
 * (r->who NULL), wrong ones are refused. */
void auth_known(struct http_request *r, http_handler *next);

#endif
