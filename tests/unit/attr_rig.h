/* attr_rig.h: requests and addresses for the tests of the codec. */
#ifndef UNIT_ATTR_RIG_H
#define UNIT_ATTR_RIG_H

#include <stdlib.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/ipvs/attr.h"
#include "agent/ipvs/nlreq.h"

/* A request in memory of its own. */
static inline struct nlreq request(size_t room)
{
	struct nlreq q = { .start = calloc(1, room), .room = room };

	assert_non_null(q.start);
	nlreq_start(&q, 0x20, NLM_F_REQUEST, 1, IPVS_CMD_NEW_DEST, 1);
	return q;
}

/* The message; free() it. */
static inline struct nlmsghdr *finished(struct nlreq *q)
{
	assert_true(nlreq_finish(q));
	return (struct nlmsghdr *)(void *)q->start;
}

static inline struct nlmsghdr *service_request(const struct ipvs_service *s, bool full)
{
	struct nlreq q = request(512);

	attr_put_service(&q, s, full);
	return finished(&q);
}

static inline struct nlmsghdr *dest_request(const struct ipvs_dest *d, bool full)
{
	struct nlreq q = request(512);

	attr_put_dest(&q, d, full);
	return finished(&q);
}

static inline struct addr address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

/* --- golden bytes ------------------------------------------------------------- */

#endif
