/* said.h: what somebody outside said, for one line of the log. */
#ifndef ACTIONS_SAID_H
#define ACTIONS_SAID_H

#include <string.h>

#include "agent/base/buf.h"

enum { SAID_MAX = 200 };

/* Appends ": " and the first line of it; nothing where there is none. */
static inline void said_first_line(struct buf *out, const char *text)
{
	size_t len;

	text += strspn(text, " \t\r\n");
	len = strcspn(text, "\r\n");
	if (len)
		buf_printf(out, "%s%.*s", out->len ? ": " : "",
			   (int)(len < SAID_MAX ? len : SAID_MAX), text);
}

#endif
