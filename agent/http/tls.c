/* tls.c: certificates by GnuTLS. libmicrohttpd takes PEM texts and says little of
 * what is wrong with them, so they are tried here first, where the sentence can
 * name the file. */
#include "agent/http/tls.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "agent/http/secrets.h"

static int refuse(struct buf *why, const char *key, const char *file, int code)
{
	buf_printf(why, "%s %s: %s", key, file, gnutls_strerror(code));
	return code == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -EINVAL;
}

static gnutls_datum_t datum(char *text)
{
	return (gnutls_datum_t){ (unsigned char *)text, (unsigned int)strlen(text) };
}

/* Each on its own first: of a pair GnuTLS does not say which half is bad. */
static int try_cert(struct tls *t, const char *file, struct buf *why)
{
	gnutls_datum_t text = datum(t->cert);
	gnutls_x509_crt_t *list = NULL;
	unsigned int n = 0;
	int code = gnutls_x509_crt_list_import2(&list, &n, &text, GNUTLS_X509_FMT_PEM, 0);

	if (code < 0)
		return refuse(why, "tls_cert_file", file, code);
	for (unsigned int i = 0; i < n; i++)
		gnutls_x509_crt_deinit(list[i]);
	gnutls_free(list);
	return 0;
}

static int try_key(struct tls *t, const char *file, struct buf *why)
{
	gnutls_datum_t text = datum(t->key);
	gnutls_x509_privkey_t key;
	int code = gnutls_x509_privkey_init(&key);

	if (code < 0)
		return refuse(why, "tls_key_file", file, code);
	code = gnutls_x509_privkey_import2(key, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
	gnutls_x509_privkey_deinit(key);
	return code < 0 ? refuse(why, "tls_key_file", file, code) : 0;
}

static int try_together(struct tls *t, const char *key_file, const char *ca_file, struct buf *why)
{
	gnutls_datum_t cert = datum(t->cert), key = datum(t->key), ca;
	gnutls_certificate_credentials_t c;
	int code = gnutls_certificate_allocate_credentials(&c);

	if (code < 0)
		return refuse(why, "tls_key_file", key_file, code);
	code = gnutls_certificate_set_x509_key_mem(c, &cert, &key, GNUTLS_X509_FMT_PEM);
	if (code < 0) {
		gnutls_certificate_free_credentials(c);
		return refuse(why, "tls_key_file", key_file, code);
	}
	if (t->client_ca) {
		ca = datum(t->client_ca);
		code = gnutls_certificate_set_x509_trust_mem(c, &ca, GNUTLS_X509_FMT_PEM);
		if (code == 0)
			code = GNUTLS_E_NO_CERTIFICATE_FOUND;
	}
	gnutls_certificate_free_credentials(c);
	return code < 0 ? refuse(why, "client_ca_file", ca_file, code) : 0;
}

static int load(struct tls *t, const char *cert_file, const char *key_file,
		const char *client_ca_file, struct buf *why)
{
	struct buf cert = BUF_INIT, key = BUF_INIT, ca = BUF_INIT;
	int error = secret_read("tls_cert_file", cert_file, why, &cert);

	t->cert = buf_take(&cert);
	if (error == 0)
		error = secret_read("tls_key_file", key_file, why, &key);
	t->key = buf_take(&key);
	if (error == 0 && client_ca_file) {
		error = secret_read("client_ca_file", client_ca_file, why, &ca);
		t->client_ca = buf_take(&ca);
	}
	if (error < 0)
		return error;
	if (!t->cert || !t->key || (client_ca_file && !t->client_ca)) {
		buf_puts(why, "a file of [http] is empty: certificate, key or client CA");
		return -EINVAL;
	}
	error = try_cert(t, cert_file, why);
	if (error == 0)
		error = try_key(t, key_file, why);
	if (error == 0)
		error = try_together(t, key_file, client_ca_file, why);
	return error;
}

int tls_load(const char *cert_file, const char *key_file, const char *client_ca_file,
	     struct buf *why, struct tls **ret_tls)
{
	struct tls *t;
	int error;

	if (!cert_file != !key_file || (client_ca_file && !cert_file)) {
		buf_puts(why, client_ca_file && !cert_file
				      ? "client_ca_file needs tls_cert_file and tls_key_file"
				      : "tls_cert_file and tls_key_file need each other");
		return -EINVAL;
	}
	if (!cert_file) {
		*ret_tls = NULL;
		return 0;
	}
	t = calloc(1, sizeof(*t));
	if (!t) {
		buf_puts(why, "out of memory");
		return -ENOMEM;
	}
	atomic_init(&t->refs, 1);
	error = load(t, cert_file, key_file, client_ca_file, why);
	if (error < 0) {
		tls_unref(t);
		return error;
	}
	*ret_tls = t;
	return 0;
}

struct tls *tls_ref(struct tls *t)
{
	if (t)
		atomic_fetch_add(&t->refs, 1);
	return t;
}

void tls_unref(struct tls *t)
{
	if (!t || atomic_fetch_sub(&t->refs, 1) != 1)
		return;
	free(t->cert);
	secret_free(t->key);
	free(t->client_ca);
	free(t);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool tls_same(const struct tls *a, const struct tls *b)
{
	if (!a || !b)
		return a == b;
	return same_text(a->cert, b->cert) && same_text(a->key, b->key) &&
	       same_text(a->client_ca, b->client_ca);
}

bool tls_client_ok(void *session)
{
	gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID };
	unsigned int n = 0, status = 0;

	purpose.data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT;
	if (!gnutls_certificate_get_peers(session, &n) || n == 0)
		return false;
	return gnutls_certificate_verify_peers(session, &purpose, 1, &status) == 0 && status == 0;
}

char *tls_client_name(void *session)
{
	char name[256];
	size_t len = sizeof(name);
	const gnutls_datum_t *certs;
	gnutls_x509_crt_t crt;
	char *copy = NULL;
	unsigned int n = 0;

	certs = gnutls_certificate_get_peers(session, &n);
	if (!certs || n == 0 || gnutls_x509_crt_init(&crt) != 0)
		return NULL;
	if (gnutls_x509_crt_import(crt, &certs[0], GNUTLS_X509_FMT_DER) == 0 &&
	    gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &len) == 0)
		copy = strndup(name, len);
	gnutls_x509_crt_deinit(crt);
	return copy;
}
