/* nlsock.h: one long-lived generic netlink socket and how to talk over it: some
 * requests in one sendmsg(), then replies until the last one is answered. Knows
 * netlink, not IPVS. */
#ifndef IPVS_NLSOCK_H
#define IPVS_NLSOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/ipvs/nlreq.h"

struct nl_sock;
struct nlmsghdr;

enum {
	NLSOCK_BATCH = 64,        /* requests in one sendmsg() */
	NLSOCK_REQUEST_MAX = 512, /* bytes of one request */
	NLSOCK_DATAGRAM = 32768,  /* the kernel fills dumps up to this … */
	NLSOCK_SMALL = 7872,      /* … or to this: with its own overhead 8 KB */
	NLSOCK_DATAGRAMS = 2,     /* first, at once: the rows and the end of a dump */
};

/* Called for each reply with content; the message is whole but its content is not
 * checked. Non-zero ends reading content: the talk fails with it. */
typedef int nlsock_fn(void *arg, const struct nlmsghdr *h);

/* What is awaited: answers to the requests seq … seq + n - 1. */
struct talk {
	uint32_t seq, n;
	int *results; /* n of them: 0 or the kernel's -errno */
	nlsock_fn *fn;
	void *arg;
	bool finished;    /* the last request was answered */
	bool interrupted; /* a dump was not of one piece */
	int error;        /* first of: malformed reply, fn's refusal */
};

/* Takes one datagram: results and content go where they belong, what does not belong
 * to the talk is passed over. 0, or -EBADMSG for bytes that are no messages. */
int talk_feed(struct talk *t, const void *bytes, size_t len);

struct nlsock {
	struct nl_sock *sk;   /* NULL while closed */
	struct nlreq request; /* under construction, in `out` */
	uint8_t *out;         /* finished requests */
	size_t out_len;
	uint32_t seq; /* of the next request */
	uint32_t n_out;
	uint8_t *in; /* NLSOCK_DATAGRAMS × datagram */
	size_t datagram;
	/* Set by who uses it, NULL for none: called while a talk goes on, before the next
	 * datagram of a long answer is made. Not to talk over this one. */
	void (*between)(void *arg);
	void *between_arg;
};

/* Opens it in the thread's network namespace. `datagram`: NLSOCK_DATAGRAM, or
 * NLSOCK_SMALL for dumps that are short: the kernel makes, and on most systems zeroes,
 * as much for each datagram of a dump as was ever asked for over the socket
 * (netlink_dump(), net/netlink/af_netlink.c). -EPROTONOSUPPORT, -EPERM, -EMFILE, … */
int nlsock_open(struct nlsock *s, int64_t timeout_ms, size_t datagram);
/* Also on a zeroed or half-opened one; it can be opened again. */
void nlsock_close(struct nlsock *s);

/* Starts a request; `flags` besides NLM_F_REQUEST. NULL when a batch is full. Append
 * attributes, then nlsock_end(): -EMSGSIZE, and the request is dropped. */
struct nlreq *nlsock_begin(struct nlsock *s, uint16_t type, uint8_t cmd, uint16_t flags);
int nlsock_end(struct nlsock *s);

/* Sends what was ended and awaits the answer to the last of them, which must be an
 * acknowledged one or a dump. 0 and the results, one a request; or -errno:
 *   of sendmsg():  nothing was carried out, results are -ECANCELED;
 *   -ENOBUFS       all was, but answers got lost: every result that is 0 has been
 *                  turned to -ENOBUFS: not known;
 *   -ETIMEDOUT     likewise, results are -ETIMEDOUT;
 *   -EBADMSG       likewise; or fn's refusal;
 *   -EINTR         a dump that the kernel calls interrupted.
 * After -ETIMEDOUT, -EBADMSG, -ENOBUFS it has been closed: stray answers go with it. */
int nlsock_talk(struct nlsock *s, int *results, nlsock_fn *fn, void *arg);

#endif
