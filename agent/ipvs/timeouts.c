/* timeouts.c: GET_CONFIG and SET_CONFIG. */
#include "agent/ipvs/timeouts.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>

#include "agent/base/attr.h"
#include "agent/ipvs/attr.h"
#include "agent/ipvs/nlsock.h"

enum { ANSWER_MS = 5000 };

static int on_family(void *arg, const struct nlmsghdr *h)
{
	return attr_get_family_id(h, arg);
}

static int on_config(void *arg, const struct nlmsghdr *h)
{
	return attr_get_config(h, arg);
}

static int talk(struct nlsock *sock, nlsock_fn *fn, void *arg)
{
	int result, e = nlsock_end(sock);

	if (!e)
		e = nlsock_talk(sock, &result, fn, arg);
	return e ? e : result;
}

static int find_family(struct nlsock *sock, uint16_t *ret_id)
{
	struct nlreq *q = nlsock_begin(sock, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_ACK);
	int e;

	if (!q)
		return -EMSGSIZE;
	nlreq_put(q, CTRL_ATTR_FAMILY_NAME, IPVS_GENL_NAME, sizeof(IPVS_GENL_NAME));
	e = talk(sock, on_family, ret_id);
	if (e == -ENOENT)
		return -ENOPROTOOPT;
	return !e && *ret_id < GENL_MIN_ID ? -EBADMSG : e;
}

static int ask(uint8_t cmd, const struct ipvs_info *set, struct ipvs_info *get)
{
	struct nlsock sock = { 0 };
	uint16_t family = 0;
	struct nlreq *q;
	int e = nlsock_open(&sock, ANSWER_MS, NLSOCK_SMALL);

	if (e)
		return e;
	e = find_family(&sock, &family);
	q = e ? NULL : nlsock_begin(&sock, family, cmd, NLM_F_ACK);
	if (!e && !q)
		e = -EMSGSIZE;
	if (q && set) {
		const uint32_t values[] = { set->tcp_timeout, set->tcp_fin_timeout,
					    set->udp_timeout };
		size_t i;

		for (i = 0; i < countof(values); i++)
			nlreq_put(q, IPVS_CMD_ATTR_TIMEOUT_TCP + (unsigned int)i, &values[i],
				  sizeof(values[i]));
	}
	if (q)
		e = talk(&sock, get ? on_config : NULL, get);
	nlsock_close(&sock);
	return e;
}

int timeouts_get(struct ipvs_info *ret_info)
{
	struct ipvs_info info = { 0 };
	int e = ask(IPVS_CMD_GET_CONFIG, NULL, &info);

	if (!e)
		*ret_info = info;
	return e;
}

int timeouts_set(const struct ipvs_info *info)
{
	return ask(IPVS_CMD_SET_CONFIG, info, NULL);
}
