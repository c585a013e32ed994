/* fetch_mail.h: what fetch has to know of a protocol of mail. It goes as far as one may
 * without a login: greeting, capabilities, STARTTLS. That all went well is the answer. */
#ifndef BASE_FETCH_MAIL_H
#define BASE_FETCH_MAIL_H

#include <stdbool.h>
#include <stddef.h>

struct fetch_mail {
	/* Whether a server's first line is one of that protocol; if not, that is the end of
	 * it, as FETCH_PROTOCOL. */
	bool (*greets)(const char *line, size_t len);
	const char *farewell; /* is sent, and no answer awaited */
};

#endif
