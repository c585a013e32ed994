/* conns.h: what becomes of the connections that the kernel counts as inactive, by
 * /proc/net/ip_vs_conn: a connection that is over and one that is half closed are the same
 * to its counters. */
#ifndef IPVS_CONNS_H
#define IPVS_CONNS_H

#include "agent/ipvs/ipvs.h"

/* Whose connections are counted, and what was found. */
struct conns_dest {
	uint32_t user; /* the caller's */
	struct ipvs_key service;
	struct addr dest; /* with port; 0 = any */
	/* The answers don't pass the director (route, tunnel): it never sees the server's
	 * end of a connection, and waits tcp_fin for what is over. */
	bool one_way;
	uint32_t open;      /* would be cut if the server went away now */
	uint32_t talking;   /* UDP entries of which a packet came in the last CONNS_QUIET_S */
	uint32_t over;      /* nobody will miss them */
	uint32_t templates; /* clients whom persistence sends there */
	uint32_t open_s;    /* what is left of the longest timer of the open ones, … */
	uint32_t sticky_s;  /* … and of the templates */
};

enum { CONNS_QUIET_S = 10 };

/* Reading takes the kernel time that grows with the square of the connections. */
struct conns_limits {
	uint64_t bytes;
	int64_t ms;
	uint32_t fin_s, udp_s; /* the kernel's timeouts (struct ipvs_info) */
};

struct conns;

/* Counts into `dests`, borrowed: puts them in its own order and their counts to 0. */
int conns_new(struct conns_dest *dests, uint32_t n, const struct conns_limits *limits,
	      struct conns **ret_conns);
/* NULL is fine. */
void conns_free(struct conns *c);
/* The file's text as it comes, in pieces of any size. -EBADMSG: it is no such text;
 * -E2BIG: more than the limit. */
int conns_feed(struct conns *s, const char *text, size_t len);

/* All of that with ROOT/net/ip_vs_conn; blocks: for the work queue. -E2BIG or -ETIME: a
 * limit was passed, the counts say nothing then; also -errno of the file, -EBADMSG,
 * -ENOMEM. */
int conns_read(const char *root, struct conns_dest *dests, uint32_t n,
	       const struct conns_limits *limits);

#endif
