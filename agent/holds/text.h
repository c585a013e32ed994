/* text.h: what people and servers wrote, as a JSON string. */
#ifndef HOLDS_TEXT_H
#define HOLDS_TEXT_H

#include <jansson.h>
#include <stddef.h>

/* A JSON string of at most `max` bytes; bytes that are not UTF-8 become '?'. NULL =
 * memory is out. */
json_t *text_value(const char *text, size_t max);

#endif
