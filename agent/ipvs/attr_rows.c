/* attr_rows.c: a row for each attribute of the IPVS family that we know; a new one is a
 * row. Source of numbers and widths: include/uapi/linux/ip_vs.h and the policies in
 * net/netfilter/ipvs/ip_vs_ctl.c. */
#include "agent/ipvs/attr_rows.h"

#include <stddef.h>

#include "agent/ipvs/ipvs.h"

#define ROW(f, w, type, member, u)                                                                 \
	{                                                                                          \
		.form = (f), .wire = (w), .size = sizeof(((type *)0)->member), .use = (u),         \
		.offset = offsetof(type, member)                                                   \
	}
#define SVC(f, w, member, u)   ROW(f, w, struct ipvs_service, member, u)
#define DEST(f, w, member, u)  ROW(f, w, struct attr_dest, d.member, u)
#define SPLIT(f, w, member, u) ROW(f, w, struct attr_dest, member, u)
#define INFO(member)           ROW(FORM_U32, 4, struct ipvs_info, member, 0)

const struct attr_row attr_service_rows[] = {
	[IPVS_SVC_ATTR_AF] = SVC(FORM_HOST, 2, key.addr.family, USE_KEY),
	[IPVS_SVC_ATTR_PROTOCOL] = SVC(FORM_HOST, 2, key.proto, USE_BY_ADDR),
	[IPVS_SVC_ATTR_ADDR] = SVC(FORM_ADDR, 16, key.addr.bytes, USE_BY_ADDR),
	[IPVS_SVC_ATTR_PORT] = SVC(FORM_NET, 2, key.addr.port, USE_BY_ADDR),
	[IPVS_SVC_ATTR_FWMARK] = SVC(FORM_U32, 4, key.fwmark, USE_BY_MARK),
	[IPVS_SVC_ATTR_SCHED_NAME] = SVC(FORM_NAME, IPVS_NAME_LEN, scheduler, USE_FULL),
	[IPVS_SVC_ATTR_FLAGS] = SVC(FORM_FLAGS, 8, flags, USE_FULL),
	[IPVS_SVC_ATTR_TIMEOUT] = SVC(FORM_U32, 4, timeout, USE_FULL),
	[IPVS_SVC_ATTR_NETMASK] = SVC(FORM_U32, 4, netmask, USE_FULL),
	[IPVS_SVC_ATTR_STATS] = SVC(FORM_STATS, 0, stats, 0),
	[IPVS_SVC_ATTR_PE_NAME] = SVC(FORM_NAME, IPVS_NAME_LEN, engine, USE_FULL),
	[IPVS_SVC_ATTR_STATS64] = SVC(FORM_STATS64, 0, stats, 0),
};

const struct attr_row attr_dest_rows[] = {
	[IPVS_DEST_ATTR_ADDR] = DEST(FORM_ADDR, 16, addr.bytes, USE_KEY),
	[IPVS_DEST_ATTR_PORT] = DEST(FORM_NET, 2, addr.port, USE_KEY),
	[IPVS_DEST_ATTR_FWD_METHOD] = SPLIT(FORM_U32, 4, forward, USE_FULL),
	[IPVS_DEST_ATTR_WEIGHT] = DEST(FORM_U32, 4, weight, USE_FULL),
	[IPVS_DEST_ATTR_U_THRESH] = DEST(FORM_U32, 4, upper, USE_FULL),
	[IPVS_DEST_ATTR_L_THRESH] = DEST(FORM_U32, 4, lower, USE_FULL),
	[IPVS_DEST_ATTR_ACTIVE_CONNS] = DEST(FORM_U32, 4, active, 0),
	[IPVS_DEST_ATTR_INACT_CONNS] = DEST(FORM_U32, 4, inactive, 0),
	[IPVS_DEST_ATTR_PERSIST_CONNS] = DEST(FORM_U32, 4, persistent, 0),
	[IPVS_DEST_ATTR_STATS] = DEST(FORM_STATS, 0, stats, 0),
	[IPVS_DEST_ATTR_ADDR_FAMILY] = DEST(FORM_HOST, 2, addr.family, USE_KEY),
	[IPVS_DEST_ATTR_STATS64] = DEST(FORM_STATS64, 0, stats, 0),
	[IPVS_DEST_ATTR_TUN_TYPE] = SPLIT(FORM_HOST, 1, tun_type, USE_TUNNEL),
	[IPVS_DEST_ATTR_TUN_PORT] = DEST(FORM_NET, 2, tun_port, USE_TUNNEL),
	[IPVS_DEST_ATTR_TUN_FLAGS] = SPLIT(FORM_HOST, 2, tun_flags, USE_TUNNEL),
};

const struct attr_row attr_info_rows[] = {
	[IPVS_INFO_ATTR_VERSION] = INFO(version),
	[IPVS_INFO_ATTR_CONN_TAB_SIZE] = INFO(conn_tab_size),
};

const struct attr_row attr_config_rows[] = {
	[IPVS_CMD_ATTR_TIMEOUT_TCP] = INFO(tcp_timeout),
	[IPVS_CMD_ATTR_TIMEOUT_TCP_FIN] = INFO(tcp_fin_timeout),
	[IPVS_CMD_ATTR_TIMEOUT_UDP] = INFO(udp_timeout),
};

const struct attr_row attr_family_rows[] = {
	[CTRL_ATTR_FAMILY_ID] = ROW(FORM_HOST, 2, struct attr_family, id, 0),
};
