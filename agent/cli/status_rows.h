/* status_rows.h: PURE: one row a realserver, from a service of GET /api/v1/services. */
#ifndef CLI_STATUS_ROWS_H
#define CLI_STATUS_ROWS_H

#include <jansson.h>

/* The service's realservers, each with what its destinations say put in:
 * "addresses":[…], "active_connections", "inactive_connections", and "kernel_weight"
 * where the kernel has another weight than it should (null = it has none). Behind
 * them those destinations that nobody configured, with "state":"foreign". A new array;
 * NULL when memory is out. */
json_t *status_rows(const json_t *service);

#endif
