/* wire_case.h: for tests of kinds that fetch: what each of them does where nothing comes of
 * it, as a table of what a server does on the wire. */
#ifndef TESTS_WIRE_CASE_H
#define TESTS_WIRE_CASE_H

#include "tests/unit/kind_case.h"
#include "tests/unit/wire_server.h"

struct wire_case {
	const char *what, *url;
	void (*serve)(struct wire_server *w, int fd);
	const char *bytes;
	size_t n;
	enum probe_reason reason; /* timeouts come after a second, others long before ten */
};

/* One attempt at each, without a look at certificates. */
void wire_cases(const struct probe_type *type, const struct wire_case *cases, size_t n);

/* A port that nobody has. */
void wire_refused(const struct probe_type *type, const char *url);

/* No descriptors are left here, which says nothing of the server. */
void wire_no_descriptors(const struct probe_type *type, const char *url);

#endif
