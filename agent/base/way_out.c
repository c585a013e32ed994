/* way_out.c: all is set before anything is sent, or nothing is sent. */
#include "agent/base/way_out.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

bool way_out_same(const struct way_out *a, const struct way_out *b)
{
	return !addr_cmp(&a->source, &b->source) && a->mark == b->mark &&
	       !a->device == !b->device && (!a->device || !strcmp(a->device, b->device));
}

/* A port is chosen by connect(), which knows the other end: chosen here it would be one
 * of 28,000 for all of them. */
static int bind_to(int fd, const struct addr *source)
{
	static const int on = 1;
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(source, &ss);

	if (!source->port)
		(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&ss, len) != -1)
		return 0;
	/* connect() says EADDRNOTAVAIL too, when it is out of ports: that is another thing. */
	return errno == EADDRNOTAVAIL ? -ENODEV : -errno;
}

int way_out_take(int fd, const struct way_out *w)
{
	if (w->device && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, w->device,
				    (socklen_t)strlen(w->device)) == -1)
		return -errno;
	if (w->mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &w->mark, sizeof(w->mark)) == -1)
		return -errno;
	return w->source.family ? bind_to(fd, &w->source) : 0;
}
