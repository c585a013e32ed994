/* tls.h: certificate, key and the CA of clients, read and checked before they are
 * taken into force. */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include <stdatomic.h>

#include "agent/base/buf.h"

/* PEM texts, reference-counted. */
struct tls {
	char *cert, *key;
	char *client_ca; /* NULL = clients need no certificate */
	atomic_uint refs;
};

/* *ret_tls is NULL where no certificate is configured. -errno with a sentence. */
int tls_load(const char *cert_file, const char *key_file, const char *client_ca_file,
	     struct buf *why, struct tls **ret_tls);
/* NULL is fine. */
struct tls *tls_ref(struct tls *t);
void tls_unref(struct tls *t);
bool tls_same(const struct tls *a, const struct tls *b);
/* The session's (gnutls_session_t) peer certificate stands the test against
 * client_ca_file, as a client's. */
bool tls_client_ok(void *session);
/* The common name in the session's peer certificate; malloc'd, NULL = it has none. */
char *tls_client_name(void *session);

#endif
