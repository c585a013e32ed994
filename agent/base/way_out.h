/* way_out.h: by which way a socket is to go out, where it is not the kernel's choice. */
#ifndef BASE_WAY_OUT_H
#define BASE_WAY_OUT_H

#include "agent/base/addr.h"

/* All zero = the kernel's choice. */
struct way_out {
	struct addr source; /* family 0 = any; port 0 = the kernel's choice, at connect() */
	const char *device; /* an interface; NULL = any */
	uint32_t mark;      /* SO_MARK; 0 = none */
};

bool way_out_same(const struct way_out *a, const struct way_out *b);

/* Sets a fresh socket of the source's family on its way: device, mark (which needs
 * CAP_NET_ADMIN or CAP_NET_RAW), source. -errno; -ENODEV also for a source address that
 * this machine lacks. Nothing is sent. */
int way_out_take(int fd, const struct way_out *w);

#endif
