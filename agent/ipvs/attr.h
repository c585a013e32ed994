/* attr.h: netlink attributes ⇄ values. Requests are appended to what has its headers
 * already; replies are read from raw bytes, every length checked. */
#ifndef IPVS_ATTR_H
#define IPVS_ATTR_H

#include "agent/ipvs/ipvs.h"

struct nlmsghdr;
struct nlreq;

/* Appends IPVS_CMD_ATTR_SERVICE: what the service is known by, and with `full` all
 * that NEW_SERVICE and SET_SERVICE set. nlreq_finish() tells whether it
 * fitted. */
void attr_put_service(struct nlreq *q, const struct ipvs_service *s, bool full);

/* Appends IPVS_CMD_ATTR_DEST; `full` for NEW_DEST and SET_DEST, which replace every
 * attribute: what is left out becomes 0. */
void attr_put_dest(struct nlreq *q, const struct ipvs_dest *d, bool full);

/* Both: a dest, and the service that it is one of. */
void attr_put_dest_of(struct nlreq *q, const struct ipvs_service *s, const struct ipvs_dest *d,
		      bool full);

/* The same bytes for a full dest, in a tenth of the instructions; false, and nothing
 * appended, for a service by fwmark, a tunnel, or when it does not fit. What
 * attr_put_dest_of() tries first. */
bool attr_quick_put(struct nlreq *q, const struct ipvs_service *s, const struct ipvs_dest *d);

/* Whether its tunnel's attributes are to be sent. */
static inline bool attr_says_tunnel(const struct ipvs_dest *d)
{
	return d->forward == IPVS_TUNNEL || d->tun_type || d->tun_port || d->tun_flags;
}

/* Each reads the body of one reply. -EBADMSG for anything cut short, out of range or
 * without what belongs there; *ret_… is untouched then. Unknown attributes are passed
 * over. `h` must lie whole (nlmsg_len bytes) in memory. */
int attr_get_service(const struct nlmsghdr *h, struct ipvs_service *ret_service);

/* `family` is the service's: kernels before 3.18 do not tell the dest's own. */
int attr_get_dest(const struct nlmsghdr *h, uint8_t family, struct ipvs_dest *ret_dest);

/* The same for a reply as kernels since 5.3 lay it out; false, and nothing read, for one
 * that looks in any way different. What attr_get_dest() tries first. */
bool attr_quick_dest(const struct nlmsghdr *h, struct ipvs_dest *ret_dest);

/* Replies to GET_INFO and to GET_CONFIG, each of which fills its part. */
int attr_get_info(const struct nlmsghdr *h, struct ipvs_info *ret_info);
int attr_get_config(const struct nlmsghdr *h, struct ipvs_info *ret_info);

/* nlctrl's reply to GETFAMILY: the family's id. */
int attr_get_family_id(const struct nlmsghdr *h, uint16_t *ret_id);

#endif
