/* icmp_rig.h: for tests: a network namespace of its own with nothing but loopback, whose
 * echo replies are the kernel's, nobody's, or a function's. */
#ifndef TESTS_ICMP_RIG_H
#define TESTS_ICMP_RIG_H

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "tests/unit/kind_case.h"

/* An echo request that came, and the means to answer it: 127.0.0.1 is on both ends. */
struct icmp_query {
	const unsigned char *ip; /* from the IP header on */
	size_t len, header;      /* of the packet, of its IP header */
};

typedef void icmp_fn(const struct icmp_query *q);

struct icmp_host {
	icmp_fn *fn;
	int fd, stop_fd;
	pthread_t thread;
};

static inline void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static inline void lo_set(unsigned long request, int value)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (request == SIOCSIFMTU)
		ifr.ifr_mtu = value;
	else
		ifr.ifr_flags = (short)value;
	assert_int_equal(ioctl(fd, request, &ifr), 0);
	close(fd);
}

/* False where this user may not have one. Before any thread. */
static inline bool rig_enter(void)
{
	if (unshare(CLONE_NEWNET) == -1 && unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1)
		return false;
	lo_set(SIOCSIFFLAGS, IFF_UP | IFF_LOOPBACK | IFF_RUNNING);
	return true;
}

static inline void kernel_answers(bool yes)
{
	write_file("/proc/sys/net/ipv4/icmp_echo_ignore_all", yes ? "0" : "1");
}

static inline void icmp_sum(unsigned char *p, size_t len)
{
	unsigned int sum = 0;
	size_t i;

	p[2] = p[3] = 0;
	for (i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (unsigned int)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	p[2] = (unsigned char)(~sum >> 8);
	p[3] = (unsigned char)~sum;
}

/* Sends an ICMP packet as it is, from 127.0.0.`from` to 127.0.0.1. */
static inline void icmp_send_from(int from, const void *packet, size_t len)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(0x7f000000 + (unsigned int)from) };
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	assert_int_not_equal(fd, -1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	sin.sin_addr.s_addr = htonl(0x7f000001);
	(void)!sendto(fd, packet, len, 0, (struct sockaddr *)&sin, sizeof(sin));
	close(fd);
}

static inline void *icmp_main(void *arg)
{
	struct icmp_host *h = arg;
	static unsigned char bytes[65536];
	struct icmp_query q = { .ip = bytes };
	struct pollfd p[2] = { { .fd = h->stop_fd, .events = POLLIN },
			       { .fd = h->fd, .events = POLLIN } };
	ssize_t n;

	for (;;) {
		if (poll(p, 2, -1) == -1)
			continue;
		if (p[0].revents)
			return NULL;
		n = recv(h->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n < 28)
			continue;
		q.len = (size_t)n;
		q.header = 4 * (size_t)(bytes[0] & 0xf);
		if (bytes[q.header] == 8)
			h->fn(&q);
	}
}

static inline void icmp_host_start(struct icmp_host *h)
{
	kernel_answers(false);
	h->fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	h->stop_fd = eventfd(0, EFD_CLOEXEC);
	assert_int_not_equal(h->fd, -1);
	assert_int_equal(pthread_create(&h->thread, NULL, icmp_main, h), 0);
}

static inline void icmp_host_stop(struct icmp_host *h)
{
	assert_int_equal(eventfd_write(h->stop_fd, 1), 0);
	assert_int_equal(pthread_join(h->thread, NULL), 0);
	close(h->fd);
	close(h->stop_fd);
	kernel_answers(true);
}

#endif
