/* ipvsadm_option.h: PURE: the table of ipvsadm's options; for ipvsadm_line.c only. */
#ifndef IMPORT_IPVSADM_OPTION_H
#define IMPORT_IPVSADM_OPTION_H

#include "agent/import/ipvsadm_line.h"

enum adm_argument { NO_VALUE = 0, VALUE, MAY_HAVE_VALUE };

/* A row is a verb, or what goes with one (ADM_NOTHING), or both. `set` puts the value (NULL
 * where there is none) into the command; it returns why it cannot, else NULL. */
struct adm_option {
	const char *name;
	char letter; /* '\0' = it has none */
	enum adm_argument argument;
	enum adm_verb verb;
	const char *(*set)(struct adm_command *c, const char *value);
};

/* NULL = there is no such option. */
const struct adm_option *adm_option_long(const char *name, size_t len);
const struct adm_option *adm_option_short(char letter);

/* The next of the three numbers of --set. */
const char *adm_add_timeout(struct adm_command *c, const char *value);

#endif
