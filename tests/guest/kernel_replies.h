/* kernel_replies.h: whether this kernel's replies are laid out as attr_quick.c has it: if
 * not, all is right and everything slow. One user: kernel_test.c. */
#ifndef GUEST_KERNEL_REPLIES_H
#define GUEST_KERNEL_REPLIES_H

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>

#include "agent/ipvs/attr.h"
#include "agent/ipvs/nlsock.h"

struct replies {
	uint16_t family;
	int n, quick;
};

static inline int on_reply_family(void *arg, const struct nlmsghdr *h)
{
	return attr_get_family_id(h, &((struct replies *)arg)->family);
}

static inline int on_reply_dest(void *arg, const struct nlmsghdr *h)
{
	struct replies *r = (struct replies *)arg;
	struct ipvs_dest d;

	r->n++;
	r->quick += attr_quick_dest(h, &d);
	return 0;
}

/* Dumps the dests of a service; 0 or -errno. */
static inline int replies_count(const struct ipvs_service *s, struct replies *ret_replies)
{
	struct replies r = { 0 };
	struct nlsock sock;
	struct nlreq *q;
	int result, e = nlsock_open(&sock, 5000, NLSOCK_DATAGRAM);

	if (e)
		return e;
	q = nlsock_begin(&sock, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_ACK);
	nlreq_put(q, CTRL_ATTR_FAMILY_NAME, IPVS_GENL_NAME, sizeof(IPVS_GENL_NAME));
	e = nlsock_end(&sock);
	if (!e)
		e = nlsock_talk(&sock, &result, on_reply_family, &r);
	q = e ? NULL : nlsock_begin(&sock, r.family, IPVS_CMD_GET_DEST, NLM_F_DUMP);
	if (q) {
		attr_put_service(q, s, false);
		e = nlsock_end(&sock);
		if (!e)
			e = nlsock_talk(&sock, &result, on_reply_dest, &r);
	}
	nlsock_close(&sock);
	*ret_replies = r;
	return e;
}

#endif
