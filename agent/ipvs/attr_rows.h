/* attr_rows.h: the tables that say where each attribute of the IPVS family lies in our
 * values; for attr.c, which reads by them, and attr_put.c, which writes. */
#ifndef IPVS_ATTR_ROWS_H
#define IPVS_ATTR_ROWS_H

#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "agent/ipvs/values.h"

enum attr_form {
	FORM_NONE = 0, /* passed over */
	FORM_U32,      /* 32 bits in host order, in both: the most frequent */
	FORM_HOST,     /* an integer in host order */
	FORM_NET,      /* an integer in network order */
	FORM_ADDR,     /* 16 bytes; shorter ones leave the rest 0 */
	FORM_NAME,     /* text with its NUL */
	FORM_FLAGS,    /* struct ip_vs_flags */
	FORM_STATS,    /* nested counters: 32 bits, or 64 */
	FORM_STATS64,  /* the same, and better where both are there */
};

/* When an attribute is sent. */
enum {
	USE_KEY = 0x1,     /* in every request */
	USE_BY_ADDR = 0x2, /* in the key of a service without a fwmark */
	USE_BY_MARK = 0x4, /* in the key of one with a fwmark */
	USE_FULL = 0x8,    /* in NEW and SET */
	USE_TUNNEL = 0x10, /* there too, where it says something: absent is 0 */
};

struct attr_row {
	uint8_t form;
	uint8_t wire; /* bytes in the message */
	uint8_t size; /* bytes in the value */
	uint8_t use;
	uint16_t offset; /* in the value */
};

/* By attribute number. */
enum {
	ATTR_SERVICE_ROWS = IPVS_SVC_ATTR_STATS64 + 1,
	ATTR_DEST_ROWS = IPVS_DEST_ATTR_TUN_FLAGS + 1,
	ATTR_INFO_ROWS = IPVS_INFO_ATTR_CONN_TAB_SIZE + 1,
	ATTR_CONFIG_ROWS = IPVS_CMD_ATTR_TIMEOUT_UDP + 1,
	ATTR_FAMILY_ROWS = CTRL_ATTR_FAMILY_ID + 1,
};
extern const struct attr_row attr_service_rows[ATTR_SERVICE_ROWS];
extern const struct attr_row attr_dest_rows[ATTR_DEST_ROWS];
extern const struct attr_row attr_info_rows[ATTR_INFO_ROWS];
extern const struct attr_row attr_config_rows[ATTR_CONFIG_ROWS];
extern const struct attr_row attr_family_rows[ATTR_FAMILY_ROWS];

/* A dest as the rows address it: what has less than a byte there, or less than the
 * kernel gives it, has a place of its own here. */
struct attr_dest {
	struct ipvs_dest d;
	uint32_t forward;
	uint16_t tun_flags;
	uint8_t tun_type;
};

/* What nlctrl says that we want to know. */
struct attr_family {
	uint16_t id;
};

/* An integer of 1, 2, 4 or 8 bytes. */
static inline uint64_t attr_load(const uint8_t *at, unsigned int width, bool network)
{
	uint64_t v64;
	uint32_t v32;
	uint16_t v16;

	switch (width) {
	case 1:
		return *at;
	case 2:
		memcpy(&v16, at, 2);
		return network ? ntohs(v16) : v16;
	case 4:
		memcpy(&v32, at, 4);
		return network ? ntohl(v32) : v32;
	default:
		memcpy(&v64, at, 8);
		return v64;
	}
}

#endif
