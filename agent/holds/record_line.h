/* record_line.h: what writing and reading a record share. */
#ifndef HOLDS_RECORD_LINE_H
#define HOLDS_RECORD_LINE_H

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

#endif
