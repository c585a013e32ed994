/* record_line.h: what writing and reading a record share. */
#ifndef HOLDS_RECORD_LINE_H
#define HOLDS_RECORD_LINE_H

#include <jansson.h>

#include "agent/holds/record.h"

enum {
	RECORD_CRC_LEN = 8,
	RECORD_NAME_MAX = 256,  /* bytes of a name, … */
	RECORD_TEXT_MAX = 8192, /* … and of a reason */
	RECORD_N_PROTOS = 3,
};

/* The year 2286, in milliseconds: ten digits of seconds. */
#define RECORD_TIME_MAX INT64_C(9999999999999)

struct record_proto {
	const char *name;
	uint8_t proto;
};

extern const char *const record_types[RECORD_N_TYPES];
extern const struct record_proto record_protos[RECORD_N_PROTOS];
uint32_t record_checksum(const char *bytes, size_t len);

/* A hold as the members of an object, here and in what peers tell each other. Setting
 * is false where memory is out, or `o` is NULL. -EMSGSIZE, -EINVAL: reading would refuse
 * it. */
int record_check_hold(const struct hold *hold);
bool record_set_hold(json_t *o, const struct hold *hold);
/* -EBADMSG: `why` says which member is wrong. -ENOMEM. */
int record_get_hold(const json_t *o, struct buf *why, struct hold **ret_hold);

#endif
