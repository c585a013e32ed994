/* nlreq.h: a generic netlink request written where it will be sent from. libnl's
 * nla_put() takes ten times as long, and writing the requests was half of the time that
 * a cold apply of 11,000 took beyond the kernel's. */
#ifndef IPVS_NLREQ_H
#define IPVS_NLREQ_H

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Failure is sticky: write on, ask nlreq_finish(). */
struct nlreq {
	uint8_t *start; /* aligned for struct nlmsghdr */
	size_t len, room;
	bool full;
};

/* Bytes for an attribute or header of `len`, its padding zeroed; NULL when full. */
static inline uint8_t *nlreq_take(struct nlreq *q, size_t len)
{
	size_t padded = NLA_ALIGN(len);
	uint8_t *at = q->start + q->len;

	if (q->full || padded > q->room - q->len) {
		q->full = true;
		return NULL;
	}
	if (padded != len)
		memset(at + padded - NLA_ALIGNTO, 0, NLA_ALIGNTO);
	q->len += padded;
	return at;
}

static inline void nlreq_put(struct nlreq *q, unsigned int type, const void *data, size_t len)
{
	struct nlattr a = { .nla_len = (uint16_t)(NLA_HDRLEN + len), .nla_type = (uint16_t)type };
	uint8_t *at = nlreq_take(q, NLA_HDRLEN + len);

	if (!at)
		return;
	memcpy(at, &a, sizeof(a));
	memcpy(at + NLA_HDRLEN, data, len);
}

/* Both headers; the length is told by nlreq_finish(). */
static inline void nlreq_start(struct nlreq *q, uint16_t type, uint16_t flags, uint32_t seq,
			       uint8_t cmd, uint8_t version)
{
	struct nlmsghdr h = { .nlmsg_type = type, .nlmsg_flags = flags, .nlmsg_seq = seq };
	struct genlmsghdr g = { .cmd = cmd, .version = version };
	uint8_t *at = nlreq_take(q, NLMSG_HDRLEN + GENL_HDRLEN);

	if (!at)
		return;
	memcpy(at, &h, sizeof(h));
	memcpy(at + NLMSG_HDRLEN, &g, sizeof(g));
}

/* Starts a nest; what it returns is for nlreq_nest_end(). */
static inline size_t nlreq_nest(struct nlreq *q, unsigned int type)
{
	size_t at = q->len;

	nlreq_put(q, type | NLA_F_NESTED, "", 0);
	return at;
}

static inline void nlreq_nest_end(struct nlreq *q, size_t nest)
{
	uint16_t len = (uint16_t)(q->len - nest);

	if (!q->full)
		memcpy(q->start + nest, &len, sizeof(len));
}

/* False when it did not fit. */
static inline bool nlreq_finish(struct nlreq *q)
{
	uint32_t len = (uint32_t)q->len;

	if (!q->full)
		memcpy(q->start, &len, sizeof(len));
	return !q->full;
}

#endif
