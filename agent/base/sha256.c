/* sha256.c: GnuTLS' handle by a name of ours: it is linked already, for HTTPS. */
#include "agent/base/sha256.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

static gnutls_hash_hd_t handle(struct sha256 *s)
{
	return (gnutls_hash_hd_t)(void *)s;
}

static int error_of(int r)
{
	return r == 0 ? 0 : r == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -EIO;
}

int sha256_add(struct sha256 **s, const void *bytes, size_t len)
{
	gnutls_hash_hd_t h;
	int r = 0;

	if (!*s) {
		r = gnutls_hash_init(&h, GNUTLS_DIG_SHA256);
		if (r)
			return error_of(r);
		*s = (struct sha256 *)(void *)h;
	}
	if (len)
		r = gnutls_hash(handle(*s), bytes, len);
	return error_of(r);
}

int sha256_end(struct sha256 **s, unsigned char ret_sum[static SHA256_SIZE])
{
	int r = sha256_add(s, NULL, 0);

	if (!r)
		gnutls_hash_deinit(handle(*s), ret_sum);
	*s = NULL;
	return r;
}

void sha256_free(struct sha256 *s)
{
	if (s)
		gnutls_hash_deinit(handle(s), NULL);
}
