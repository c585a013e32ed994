/* ini.h: one INI file's bytes as events. Strict where inih is not: exact line
 * numbers, no over-long lines, no ':' as separator, no junk in headers. */
#ifndef CONF_INI_H
#define CONF_INI_H

#include <stdbool.h>
#include <stddef.h>

enum { INI_LINE_MAX = 8192 }; /* bytes of a line, without its end */

/* What a file says, in order. Strings are lent for the call. */
struct ini_sink {
	/* [type] or [type NAME]; name is NULL, or of the form of a name. */
	void (*section)(void *arg, const char *type, const char *name, unsigned int line);
	/* `key = value`, both trimmed; value may be "". */
	void (*key)(void *arg, const char *key, const char *value, unsigned int line);
	/* A line that is neither; a bad header, or another. After a bad header the keys
	 * below are not told. */
	void (*problem)(void *arg, unsigned int line, const char *text, bool header);
};

/* Reads `len` bytes. 0, or -ENOMEM; what is wrong goes to sink->problem. Callable
 * from every thread. */
int ini_read(const char *bytes, size_t len, const struct ini_sink *sink, void *arg);

#endif
