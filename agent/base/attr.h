/* attr.h: the few macros that every file may use; the only compiler-specific
 * ones stand here. */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#include <stddef.h>

#define countof(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define ATTR_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define ATTR_UNUSED             __attribute__((unused))
#define ATTR_NORETURN           __attribute__((noreturn))
#define ATTR_WARN_UNUSED        __attribute__((warn_unused_result))

#endif
