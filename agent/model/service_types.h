/* service_types.h: the types of keys that only a service has. */
#ifndef MODEL_SERVICE_TYPES_H
#define MODEL_SERVICE_TYPES_H

#include "conf/key.h"

/* Fields: int64_t ms in whole seconds; uint32_t prefix length (key->max 32: IPv4,
 * which takes 255.255.255.0 as well); struct min_available; struct addr, of a
 * realserver, which is not any address. */
extern const struct conf_type conf_persistence, conf_netmask, conf_min_available,
	conf_realserver_addr;

#endif
