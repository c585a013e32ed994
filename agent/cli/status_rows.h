/* status_rows.h: PURE: one row a realserver, from a service of GET /api/v1/services. */
#ifndef CLI_STATUS_ROWS_H
#define CLI_STATUS_ROWS_H

#include <jansson.h>

/* Holds (of GET /api/v1/holds, may be NULL) by service and realserver, for status_rows():
 * a new object; NULL when memory is out. */
json_t *status_holds(const json_t *holds);

/* The service's realservers, each with what its destinations say put in:
 * "addresses":[…], the sums of connections and of what passed, and "kernel_weight"
 * where the kernel has another weight than it should (null = it has none); and with its
 * "holds":[HOLD…] of `by_name` (status_holds()). Behind them those destinations that
 * nobody configured, with "state":"foreign". A new array; NULL when memory is out. */
json_t *status_rows(const json_t *service, const json_t *by_name);

#endif
