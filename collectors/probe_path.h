/* probe_path.h: URLs whose path is one of this machine. */
#ifndef COLLECTORS_PROBE_PATH_H
#define COLLECTORS_PROBE_PATH_H

#include "agent/base/addr.h"
#include "agent/base/buf.h"
#include "agent/probe.h"

/* Appends `text` with {address} and {port} replaced by the realserver's. */
void probe_expand(struct buf *out, const char *text, const struct addr *a);

/* Appends the URL's path, %XX decoded and {address} and {port} replaced. */
void probe_path(struct buf *out, const struct probe_conf *conf, const struct addr *a);

/* For finish(): 0 for the path of a file; -EINVAL with a reason. */
int probe_path_check(const struct probe_conf *conf, struct buf *why);

/* The share of the configured weight that a text begins with, as in "75%": false when its
 * first word is none, or more than 256%. */
bool probe_share(const char *text, uint32_t *ret_percent);

/* The same as advice: where the text says no share, all of the weight, so that a share ends
 * when it is said no more. */
struct probe_advice probe_share_advice(const char *text);

#endif
