/* sha256.h: SHA-256 of bytes as they come. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>

enum { SHA256_SIZE = 32 };

struct sha256;

/* Adds bytes; begins with the first of them, where *s is NULL. -ENOMEM; -EIO: the library
 * has no SHA-256 for us. */
int sha256_add(struct sha256 **s, const void *bytes, size_t len);

/* The sum of what was added, which may be nothing; *s is NULL then. Errors as above, and
 * they free it too. */
int sha256_end(struct sha256 **s, unsigned char ret_sum[static SHA256_SIZE]);

/* NULL is fine. */
void sha256_free(struct sha256 *s);

#endif
