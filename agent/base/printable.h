/* printable.h: PURE: text from elsewhere, fit for one line of a log, a terminal or JSON. */
#ifndef BASE_PRINTABLE_H
#define BASE_PRINTABLE_H

#include "agent/base/buf.h"

/* Length of the UTF-8 sequence of several bytes at s, 0 = none is there: RFC 3629, so no
 * overlong forms, no surrogates, nothing above U+10FFFF. Stops at NUL by itself. */
size_t utf8_len(const unsigned char *s);

/* Appends at most `max` bytes of the text, whole characters: control characters become
 * blanks, what is no UTF-8 '?'; no blanks at either end. */
void printable_put(struct buf *out, const char *text, size_t max);

#endif
