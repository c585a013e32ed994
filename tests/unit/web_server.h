/* web_server.h: for tests: a web server of canned answers, one connection at a time,
 * with TLS where a certificate is given. */
#ifndef TESTS_WEB_SERVER_H
#define TESTS_WEB_SERVER_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/probe_case.h"

struct web_server {
	const char *answer; /* NULL = none: the connection is held until the client goes */
	size_t answer_len;
	bool silent; /* does not even read (TLS: no handshake) */
	bool speaks_first;
	gnutls_certificate_credentials_t tls; /* NULL = plain */
	struct addr addr;
	int listener;
	pthread_t thread;
	char request[8192]; /* of the last connection */
	char sni[256];
	struct addr peer; /* who it came from */
};

struct web_stream {
	int fd;
	gnutls_session_t tls;
};

static inline ssize_t web_read(struct web_stream *s, char *to, size_t n)
{
	return s->tls ? gnutls_record_recv(s->tls, to, n) : read(s->fd, to, n);
}

static inline ssize_t web_write(struct web_stream *s, const char *from, size_t n)
{
	return s->tls ? gnutls_record_send(s->tls, from, n) : send(s->fd, from, n, MSG_NOSIGNAL);
}

static inline void web_converse(struct web_server *w, struct web_stream *s)
{
	size_t len = 0, done = 0, name_len = sizeof(w->sni) - 1;
	unsigned int type;
	ssize_t n = 1;
	char byte;

	if (s->tls)
		gnutls_server_name_get(s->tls, w->sni, &name_len, &type, 0);
	w->request[0] = '\0';
	while (n > 0 && !w->speaks_first && !strstr(w->request, "\r\n\r\n") &&
	       len < sizeof(w->request) - 1) {
		n = web_read(s, w->request + len, sizeof(w->request) - 1 - len);
		len += n > 0 ? (size_t)n : 0;
		w->request[len] = '\0';
	}
	while (w->answer && done < w->answer_len) {
		n = web_write(s, w->answer + done, w->answer_len - done);
		if (n <= 0)
			return;
		done += (size_t)n;
	}
	if (!w->answer)
		while (web_read(s, &byte, 1) > 0)
			;
}

static inline void web_serve(struct web_server *w, int fd)
{
	struct web_stream s = { .fd = fd };
	char byte;

	if (w->silent) {
		while (read(fd, &byte, 1) > 0)
			;
		return;
	}
	if (w->tls) {
		gnutls_init(&s.tls, GNUTLS_SERVER);
		gnutls_set_default_priority(s.tls);
		gnutls_credentials_set(s.tls, GNUTLS_CRD_CERTIFICATE, w->tls);
		gnutls_transport_set_int(s.tls, fd);
		if (gnutls_handshake(s.tls) < 0) {
			gnutls_deinit(s.tls);
			return;
		}
	}
	web_converse(w, &s);
	if (s.tls) {
		gnutls_bye(s.tls, GNUTLS_SHUT_WR);
		gnutls_deinit(s.tls);
	}
}

static inline void *web_main(void *arg)
{
	struct web_server *w = arg;
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int fd;

	while ((fd = accept(w->listener, (struct sockaddr *)&ss, &len)) != -1) {
		(void)addr_from_sockaddr((struct sockaddr *)&ss, &w->peer);
		web_serve(w, fd);
		close(fd);
	}
	return NULL;
}

/* `answer` stands until web_stop(). */
static inline void web_start(struct web_server *w, const char *answer,
			     gnutls_certificate_credentials_t tls)
{
	w->answer = answer;
	w->answer_len = answer ? strlen(answer) : 0;
	w->tls = tls;
	w->listener = case_listen(16, &w->addr);
	assert_int_equal(pthread_create(&w->thread, NULL, web_main, w), 0);
}

static inline void web_stop(struct web_server *w)
{
	shutdown(w->listener, SHUT_RDWR); /* accept() returns */
	pthread_join(w->thread, NULL);
	close(w->listener);
}

/* --- a certificate that signs itself, for one name --------------------------- */

struct web_cert {
	gnutls_certificate_credentials_t credentials;
	char path[64]; /* of the certificate in PEM form, to trust */
};

static inline void web_cert_write(struct web_cert *c, const gnutls_datum_t *pem)
{
	int fd;

	snprintf(c->path, sizeof(c->path), "/tmp/ipvs-agent-test-XXXXXX");
	fd = mkstemp(c->path);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, pem->data, pem->size), pem->size);
	close(fd);
}

static inline void web_cert_new(struct web_cert *c, const char *name)
{
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	gnutls_datum_t pem;
	time_t now = time(NULL);

	gnutls_x509_privkey_init(&key);
	gnutls_x509_crt_init(&crt);
	assert_int_equal(
		gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
					     GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
		0);
	gnutls_x509_crt_set_version(crt, 3);
	gnutls_x509_crt_set_serial(crt, "\x01", 1);
	gnutls_x509_crt_set_activation_time(crt, now - 3600);
	gnutls_x509_crt_set_expiration_time(crt, now + 86400);
	gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
				      (unsigned int)strlen(name));
	gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name,
					     (unsigned int)strlen(name), GNUTLS_FSAN_SET);
	gnutls_x509_crt_set_basic_constraints(crt, 1, -1);
	gnutls_x509_crt_set_key(crt, key);
	assert_int_equal(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0), 0);
	assert_int_equal(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem), 0);
	web_cert_write(c, &pem);
	gnutls_free(pem.data);
	gnutls_certificate_allocate_credentials(&c->credentials);
	assert_int_equal(gnutls_certificate_set_x509_key(c->credentials, &crt, 1, key), 0);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
}

static inline void web_cert_free(struct web_cert *c)
{
	unlink(c->path);
	gnutls_certificate_free_credentials(c->credentials);
}

#endif
