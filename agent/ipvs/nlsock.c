/* nlsock.c: netlink by hand where it is hot. libnl opens the socket; its own
 * send and receive paths allocate and copy each message and forget the errno, so they
 * are two system calls here, from and into buffers that live as long as the socket.
 *
 * Requests run inside sendmsg(): when it returns, everything has been carried out and
 * every answer lies in the receive queue, or was dropped because that was full. The
 * receive deadline is there for kernels that behave otherwise. */
#include "agent/ipvs/nlsock.h"

#include <errno.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "agent/base/attr.h"

/* An answer takes 832 bytes of this, 64 of them 52 KiB; a dump goes on while half of it
 * is free. */
enum { RECEIVE_BUFFER = 1 << 20 };

/* --- a datagram of answers ----------------------------------------------- */

static void note_error(struct talk *t, int error)
{
	if (!t->error)
		t->error = error;
}

/* NLMSG_ERROR and NLMSG_DONE: the end of one request. */
static void take_result(struct talk *t, const struct nlmsghdr *h, uint32_t which)
{
	int result = 0;

	if (h->nlmsg_len >= NLMSG_HDRLEN + sizeof(result))
		memcpy(&result, (const char *)h + NLMSG_HDRLEN, sizeof(result));
	else if (h->nlmsg_type == NLMSG_ERROR)
		note_error(t, -EBADMSG);
	if (result > 0) {
		note_error(t, -EBADMSG);
		result = 0;
	}
	t->results[which] = result;
	if (which == t->n - 1)
		t->finished = true;
}

static void take_message(struct talk *t, const struct nlmsghdr *h)
{
	uint32_t which = h->nlmsg_seq - t->seq;
	int r;

	if (which >= t->n || t->finished)
		return;
	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		t->interrupted = true;
	if (h->nlmsg_type == NLMSG_ERROR || h->nlmsg_type == NLMSG_DONE) {
		take_result(t, h, which);
	} else if (h->nlmsg_type == NLMSG_OVERRUN) {
		note_error(t, -ENOBUFS);
	} else if (h->nlmsg_type >= NLMSG_MIN_TYPE && t->fn && !t->error) {
		r = t->fn(t->arg, h);
		if (r)
			note_error(t, r);
	}
}

int talk_feed(struct talk *t, const void *bytes, size_t len)
{
	const char *at = bytes;
	const struct nlmsghdr *h;
	size_t step;

	while (len) {
		h = (const struct nlmsghdr *)(const void *)at;
		if (len < NLMSG_HDRLEN || h->nlmsg_len < NLMSG_HDRLEN || h->nlmsg_len > len) {
			note_error(t, -EBADMSG);
			return -EBADMSG;
		}
		take_message(t, h);
		step = NLMSG_ALIGN((size_t)h->nlmsg_len);
		if (step > len)
			step = len;
		at += step;
		len -= step;
	}
	return 0;
}

/* --- the socket ------------------------------------------------------------ */

static int set_options(int fd, int64_t timeout_ms)
{
	const struct timeval deadline = { .tv_sec = timeout_ms / 1000,
					  .tv_usec = timeout_ms % 1000 * 1000 };
	const int size = RECEIVE_BUFFER, on = 1;

	/* Forcing needs CAP_NET_ADMIN; without it nothing but errors comes anyway. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) == -1)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	/* Errors need not carry the request that they are about; old kernels send it. */
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline)) == -1)
		return -errno;
	return 0;
}

int nlsock_open(struct nlsock *s, int64_t timeout_ms, size_t datagram)
{
	int r;

	*s = (struct nlsock){ .seq = 1, .datagram = datagram };
	s->sk = nl_socket_alloc();
	s->out = malloc((size_t)NLSOCK_BATCH * NLSOCK_REQUEST_MAX);
	s->in = malloc(NLSOCK_DATAGRAMS * datagram);
	r = -ENOMEM;
	if (!s->sk || !s->out || !s->in)
		goto fail;
	/* libnl leaves errno as the failed call set it; its own codes say less. */
	errno = 0;
	if (nl_connect(s->sk, NETLINK_GENERIC) < 0) {
		r = errno ? -errno : -EPROTONOSUPPORT;
		goto fail;
	}
	r = set_options(nl_socket_get_fd(s->sk), timeout_ms);
	if (r)
		goto fail;
	return 0;
fail:
	nlsock_close(s);
	return r;
}

void nlsock_close(struct nlsock *s)
{
	if (s->sk)
		nl_socket_free(s->sk);
	free(s->out);
	free(s->in);
	*s = (struct nlsock){ 0 };
}

struct nlreq *nlsock_begin(struct nlsock *s, uint16_t type, uint8_t cmd, uint16_t flags)
{
	if (s->n_out == NLSOCK_BATCH)
		return NULL;
	s->request = (struct nlreq){ .start = s->out + s->out_len, .room = NLSOCK_REQUEST_MAX };
	nlreq_start(&s->request, type, NLM_F_REQUEST | flags, s->seq, cmd, 1);
	return &s->request;
}

int nlsock_end(struct nlsock *s)
{
	if (!nlreq_finish(&s->request))
		return -EMSGSIZE;
	s->out_len += s->request.len;
	s->n_out++;
	s->seq++;
	return 0;
}

static int send_out(struct nlsock *s)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct iovec iov = { .iov_base = s->out, .iov_len = s->out_len };
	struct msghdr m = {
		.msg_name = &kernel, .msg_namelen = sizeof(kernel), .msg_iov = &iov, .msg_iovlen = 1
	};
	ssize_t n;

	do
		n = sendmsg(nl_socket_get_fd(s->sk), &m, 0);
	while (n == -1 && errno == EINTR);
	return n == -1 ? -errno : 0;
}

/* Up to `some` datagrams into the talk. -ENOBUFS: answers were dropped; -EAGAIN: none
 * came. */
static int receive_some(struct nlsock *s, struct talk *t, unsigned int some, int flags)
{
	struct mmsghdr m[NLSOCK_DATAGRAMS] = { 0 };
	struct sockaddr_nl from[NLSOCK_DATAGRAMS] = { 0 };
	struct iovec iov[NLSOCK_DATAGRAMS];
	int n;

	for (int i = 0; i < NLSOCK_DATAGRAMS; i++) {
		iov[i] = (struct iovec){ .iov_base = s->in + (size_t)i * s->datagram,
					 .iov_len = s->datagram };
		m[i].msg_hdr = (struct msghdr){ .msg_name = &from[i],
						.msg_namelen = sizeof(from[i]),
						.msg_iov = &iov[i],
						.msg_iovlen = 1 };
	}
	do
		n = recvmmsg(nl_socket_get_fd(s->sk), m, some, MSG_WAITFORONE | flags, NULL);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return -errno;
	for (int i = 0; i < n; i++) {
		if (m[i].msg_hdr.msg_namelen < sizeof(from[i]) || from[i].nl_pid != 0)
			continue; /* not the kernel */
		if (m[i].msg_hdr.msg_flags & MSG_TRUNC) {
			note_error(t, -EBADMSG);
			continue;
		}
		talk_feed(t, s->in + (size_t)i * s->datagram, m[i].msg_len);
	}
	return 0;
}

/* What was not told to have failed may have been done, or not. */
static void results_unknown(struct talk *t, int error)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (!t->results[i])
			t->results[i] = error;
}

/* Taking one datagram of a dump has the kernel make the next but one. Most dumps end with
 * the second; from there on they come one by one, with a pause before each. */
static int receive_all(struct nlsock *s, struct talk *t)
{
	unsigned int some = NLSOCK_DATAGRAMS;
	bool lost = false;
	int r;

	for (; !t->finished; some = 1) {
		if (some == 1 && s->between)
			s->between(s->between_arg);
		/* Nothing more is on its way once answers were dropped. */
		r = receive_some(s, t, some, lost ? MSG_DONTWAIT : 0);
		if (r == -ENOBUFS)
			lost = true;
		else if (r == -EAGAIN)
			return lost ? -ENOBUFS : -ETIMEDOUT;
		else if (r)
			return r;
	}
	if (lost)
		return -ENOBUFS;
	if (t->error)
		return t->error;
	return t->interrupted ? -EINTR : 0;
}

int nlsock_talk(struct nlsock *s, int *results, nlsock_fn *fn, void *arg)
{
	struct talk t = {
		.seq = s->seq - s->n_out, .n = s->n_out, .results = results, .fn = fn, .arg = arg
	};
	int r;

	if (!t.n)
		return 0;
	memset(results, 0, t.n * sizeof(*results));
	r = send_out(s);
	s->out_len = 0;
	s->n_out = 0;
	if (r) {
		results_unknown(&t, -ECANCELED);
		return r;
	}
	r = receive_all(s, &t);
	if (r && r != -EINTR) {
		results_unknown(&t, r);
		nlsock_close(s);
	}
	return r;
}
