/* procfile.h: small files below /proc, read whole and never trusted. */
#ifndef BASE_PROCFILE_H
#define BASE_PROCFILE_H

#include <stddef.h>

#include "agent/base/buf.h"

/* Appends the content of `path`, relative to the directory dirfd or AT_FDCWD.
 * -errno of open or read (-ENOENT where it is missing), -EFBIG where it is larger
 * than `max`, -ENOMEM. NUL bytes end the text for every reader of it. */
int procfile_read(int dirfd, const char *path, size_t max, struct buf *out);

/* The same for procfs/path. */
int procfile_read_below(const char *procfs, const char *path, size_t max, struct buf *out);

#endif
