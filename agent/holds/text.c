/* text.c: text that users and servers gave, as JSON takes it. jansson refuses what is
 * not UTF-8; a hold or a decision is not lost for that. */
#include "agent/holds/text.h"

#include <stdlib.h>
#include <string.h>

json_t *text_value(const char *text, size_t max)
{
	size_t len = strnlen(text, max + 1);
	json_t *value;
	char *ascii;

	if (len > max) {
		/* Not in the middle of a character. */
		for (len = max; len > 0 && (text[len] & 0xc0) == 0x80;)
			len--;
	}
	value = json_stringn(text, len);
	if (value)
		return value;
	ascii = strndup(text, len);
	if (!ascii)
		return NULL;
	for (char *c = ascii; *c; c++) {
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	}
	value = json_string(ascii);
	free(ascii);
	return value;
}
