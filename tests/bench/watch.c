/* watch.c: when realservers reach a weight in the kernel, by the kernel's own word and
 * not by that of whoever wrote it. It asks for the realservers of a few services again
 * and again, with 5 ms between two rounds, and prints a line for each realserver which
 * it sees at that weight for the first time:
 *
 *   watch WEIGHT COUNT < SERVICES       services as ADDRESS:PORT, TCP over IPv4
 *   1764000000123456 10.96.0.1:80 10.32.0.1:80      microseconds since the epoch
 *
 * It ends when it has seen COUNT of them. A line `ready` is printed first, after one
 * whole round, in which what has the weight already is taken as seen without a line. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/ip_vs.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

enum { PAUSE_NS = 5000000, LINE = 64 };

struct server {
	uint32_t address;
	uint16_t port; /* both in network order */
};

struct service {
	struct server at;
	struct server *seen;
	size_t n_seen;
};

struct watch {
	struct nl_sock *sock;
	int family;
	uint32_t weight;
	unsigned long wanted, reached;
	bool started;
	struct service *services, *now;
	size_t n_services;
};

static struct nla_policy policy[IPVS_DEST_ATTR_MAX + 1] = {
	[IPVS_DEST_ATTR_ADDR] = { .type = NLA_UNSPEC, .minlen = 4 },
	[IPVS_DEST_ATTR_PORT] = { .type = NLA_U16 },
	[IPVS_DEST_ATTR_WEIGHT] = { .type = NLA_U32 },
};

/* Prints ADDRESS:PORT. */
static void print_server(const struct server *s)
{
	char text[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &s->address, text, sizeof(text));
	printf(" %s:%u", text, ntohs(s->port));
}

/* Notes a realserver at the weight; prints it unless it was there from the start. */
static int note(struct watch *w, const struct server *found)
{
	struct service *s = w->now;
	struct server *grown;
	struct timeval now;
	size_t i;

	for (i = 0; i < s->n_seen; i++)
		if (s->seen[i].address == found->address && s->seen[i].port == found->port)
			return NL_OK;
	grown = realloc(s->seen, (s->n_seen + 1) * sizeof(*grown));
	if (!grown)
		return -NLE_NOMEM;
	s->seen = grown;
	s->seen[s->n_seen++] = *found;
	if (!w->started)
		return NL_OK;
	gettimeofday(&now, NULL);
	printf("%lld", (long long)now.tv_sec * 1000000 + now.tv_usec);
	print_server(&s->at);
	print_server(found);
	putchar('\n');
	w->reached++;
	return NL_OK;
}

static int on_dest(struct nl_msg *msg, void *arg)
{
	struct nlattr *outer[IPVS_CMD_ATTR_MAX + 1], *a[IPVS_DEST_ATTR_MAX + 1];
	struct watch *w = arg;
	struct server found;

	if (genlmsg_parse(nlmsg_hdr(msg), 0, outer, IPVS_CMD_ATTR_MAX, NULL) ||
	    !outer[IPVS_CMD_ATTR_DEST] ||
	    nla_parse_nested(a, IPVS_DEST_ATTR_MAX, outer[IPVS_CMD_ATTR_DEST], policy) ||
	    !a[IPVS_DEST_ATTR_ADDR] || !a[IPVS_DEST_ATTR_PORT] || !a[IPVS_DEST_ATTR_WEIGHT])
		return -NLE_PARSE_ERR;
	if (nla_get_u32(a[IPVS_DEST_ATTR_WEIGHT]) != w->weight)
		return NL_OK;
	memcpy(&found.address, nla_data(a[IPVS_DEST_ATTR_ADDR]), sizeof(found.address));
	found.port = nla_get_u16(a[IPVS_DEST_ATTR_PORT]);
	return note(w, &found);
}

/* The realservers of one service. */
static int ask(struct watch *w, struct service *s)
{
	struct nl_msg *msg = nlmsg_alloc();
	struct nlattr *key;
	int r = -NLE_NOMEM;

	w->now = s;
	if (!msg || !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, w->family, 0, NLM_F_DUMP,
				 IPVS_CMD_GET_DEST, IPVS_GENL_VERSION))
		goto out;
	key = nla_nest_start(msg, IPVS_CMD_ATTR_SERVICE);
	if (!key || nla_put_u16(msg, IPVS_SVC_ATTR_AF, AF_INET) ||
	    nla_put_u16(msg, IPVS_SVC_ATTR_PROTOCOL, IPPROTO_TCP) ||
	    nla_put(msg, IPVS_SVC_ATTR_ADDR, sizeof(s->at.address), &s->at.address) ||
	    nla_put_u16(msg, IPVS_SVC_ATTR_PORT, s->at.port))
		goto out;
	nla_nest_end(msg, key);
	r = nl_send_auto(w->sock, msg);
	if (r >= 0)
		r = nl_recvmsgs_default(w->sock);
out:
	nlmsg_free(msg);
	return r < 0 ? r : 0;
}

/* SERVICES on the standard input. */
static int read_services(struct watch *w)
{
	struct service *grown, *s;
	char line[LINE], *colon;

	while (fgets(line, sizeof(line), stdin)) {
		grown = realloc(w->services, (w->n_services + 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		w->services = grown;
		s = &grown[w->n_services];
		memset(s, 0, sizeof(*s));
		colon = strchr(line, ':');
		if (!colon)
			return -EINVAL;
		*colon = '\0';
		s->at.port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
		if (inet_pton(AF_INET, line, &s->at.address) != 1)
			return -EINVAL;
		w->n_services++;
	}
	return w->n_services ? 0 : -EINVAL;
}

static int connect_kernel(struct watch *w)
{
	w->sock = nl_socket_alloc();
	if (!w->sock || genl_connect(w->sock))
		return -NLE_NOMEM;
	nl_socket_set_buffer_size(w->sock, 1024 * 1024, 0);
	nl_socket_disable_auto_ack(w->sock);
	nl_socket_modify_cb(w->sock, NL_CB_VALID, NL_CB_CUSTOM, on_dest, w);
	w->family = genl_ctrl_resolve(w->sock, IPVS_GENL_NAME);
	return w->family < 0 ? w->family : 0;
}

static int look(struct watch *w)
{
	static const struct timespec pause = { .tv_nsec = PAUSE_NS };
	size_t i;
	int r;

	while (!w->started || w->reached < w->wanted) {
		for (i = 0; i < w->n_services; i++) {
			r = ask(w, &w->services[i]);
			if (r)
				return r;
		}
		if (!w->started)
			puts("ready");
		w->started = true;
		fflush(stdout);
		nanosleep(&pause, NULL);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct watch w = { 0 };
	size_t i;
	int r;

	if (argc != 3) {
		fputs("usage: watch WEIGHT COUNT < SERVICES\n", stderr);
		return EXIT_FAILURE;
	}
	w.weight = (uint32_t)strtoul(argv[1], NULL, 10);
	w.wanted = strtoul(argv[2], NULL, 10);
	r = read_services(&w);
	if (r) {
		fputs("watch: not a list of services\n", stderr);
	} else {
		r = connect_kernel(&w);
		if (!r)
			r = look(&w);
		if (r)
			fprintf(stderr, "watch: %s\n", nl_geterror(r));
	}
	for (i = 0; i < w.n_services; i++)
		free(w.services[i].seen);
	free(w.services);
	nl_socket_free(w.sock);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}
