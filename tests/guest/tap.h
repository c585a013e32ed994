/* tap.h: for test programs that run in the guest, where cmocka has no place. */
#ifndef GUEST_TAP_H
#define GUEST_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/attr.h"

static int tests, failures;

static bool ok(bool good, const char *fmt, ...) ATTR_PRINTF(2, 3);
static bool ok(bool good, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %d - ", good ? "" : "not ", ++tests);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	failures += !good;
	fflush(stdout);
	return good;
}

static bool is_int(long got, long wanted, const char *what)
{
	if (ok(got == wanted, "%s", what))
		return true;
	printf("#      got: %ld (%s)\n# expected: %ld\n", got, strerror(labs(got)), wanted);
	return false;
}

#endif
