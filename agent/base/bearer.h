/* bearer.h: a bearer token from its file to the header that shows it. */
#ifndef BASE_BEARER_H
#define BASE_BEARER_H

#include "agent/base/buf.h"

/* Appends "Authorization: Bearer TOKEN": the first line of the file, which is read each
 * time, so that a new token needs no reload. -errno: `why` says what is wrong with `key`,
 * the name of the key that names the file. Wipe it after use: bearer_wipe(). */
int bearer_header(const char *key, const char *path, struct buf *out, struct buf *why);
void bearer_wipe(struct buf *header);

#endif
