/* floor.c: what the kernel itself takes, as the measure for every other figure. Raw
 * netlink, no library, nothing of the agent's: a read is one dump of the services and
 * one dump of the realservers of each, the answers only counted; an apply sends 64
 * requests a sendmsg() and asks for one acknowledgement a batch (errors are answered
 * in any case). A program that does less than this cannot know the table.
 *
 *   floor read                         times one reading of the whole table
 *   floor apply SERVICES EACH [FIRST]  adds that many services, EACH realservers each
 *   floor change N                     one SET_DEST, the first realserver's weight to N
 *   floor sink PORT                    accepts connections for ever, and closes them
 *
 * Prints `services=… dests=… wall=… cpu=…` (seconds). Addresses are those that the
 * harness (lib.sh) writes into everybody's configuration. */
#include <stdio.h>

#include "tests/bench/raw.h"

enum { WEIGHT = 100 };

static void take(struct service *s, const struct nlattr *a)
{
	static const struct {
		size_t offset, size;
	} rows[] = {
		[IPVS_SVC_ATTR_AF] = { offsetof(struct service, af), 2 },
		[IPVS_SVC_ATTR_PROTOCOL] = { offsetof(struct service, protocol), 2 },
		[IPVS_SVC_ATTR_ADDR] = { offsetof(struct service, addr), 16 },
		[IPVS_SVC_ATTR_PORT] = { offsetof(struct service, port), 2 },
		[IPVS_SVC_ATTR_FWMARK] = { offsetof(struct service, fwmark), 4 },
	};
	unsigned int type = a->nla_type & NLA_TYPE_MASK;
	size_t len;
	const void *value = first_in(a, &len);

	if (type >= sizeof(rows) / sizeof(rows[0]) || !rows[type].size)
		return;
	memcpy((unsigned char *)s + rows[type].offset, value,
	       len < rows[type].size ? len : rows[type].size);
}

static int on_service(struct raw *f, const struct nlmsghdr *h)
{
	const struct nlattr *a, *in;
	size_t len, in_len;
	struct service *more;

	if (f->n_services == f->room) {
		more = realloc(f->services, (f->room * 2 + 64) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		f->services = more;
		f->room = f->room * 2 + 64;
	}
	f->services[f->n_services] = (struct service){ 0 };
	for (a = attrs(h, &len); attr_ok(a, len); a = attr_next(a, &len))
		for (in = first_in(a, &in_len); attr_ok(in, in_len); in = attr_next(in, &in_len))
			take(&f->services[f->n_services], in);
	f->n_services++;
	return 0;
}

static int read_table(struct raw *f)
{
	struct nlmsghdr *h = request(f, f->family, IPVS_CMD_GET_SERVICE, NLM_F_DUMP);
	size_t i;
	int r;

	f->out_len = h->nlmsg_len;
	r = flush(f);
	r = r ? r : receive(f, on_service);
	for (i = 0; !r && i < f->n_services; i++)
		r = raw_dests(f, &f->services[i]);
	return r;
}

static void put_service(struct nlmsghdr *h, const struct service *s)
{
	struct ip_vs_flags flags = { .flags = 0, .mask = ~0u };
	struct nlattr *a = nest(h, IPVS_CMD_ATTR_SERVICE);

	put_key(h, s);
	put(h, IPVS_SVC_ATTR_SCHED_NAME, "wrr", 4);
	put(h, IPVS_SVC_ATTR_FLAGS, &flags, sizeof(flags));
	put_u32(h, IPVS_SVC_ATTR_TIMEOUT, 0);
	put_u32(h, IPVS_SVC_ATTR_NETMASK, ~0u);
	nest_end(h, a);
}

static void put_dest(struct nlmsghdr *h, const struct service *s, uint32_t n, uint32_t weight)
{
	uint8_t addr[16] = { 10, (uint8_t)(32 + n / 62500), (uint8_t)(n / 250 % 250),
			     (uint8_t)(n % 250 + 1) };
	struct nlattr *a = nest(h, IPVS_CMD_ATTR_SERVICE);

	put_key(h, s);
	nest_end(h, a);
	a = nest(h, IPVS_CMD_ATTR_DEST);
	put(h, IPVS_DEST_ATTR_ADDR, addr, sizeof(addr));
	put_u16(h, IPVS_DEST_ATTR_PORT, s->port);
	put_u16(h, IPVS_DEST_ATTR_ADDR_FAMILY, AF_INET);
	put_u32(h, IPVS_DEST_ATTR_FWD_METHOD, IP_VS_CONN_F_MASQ);
	put_u32(h, IPVS_DEST_ATTR_WEIGHT, weight);
	put_u32(h, IPVS_DEST_ATTR_U_THRESH, 0);
	put_u32(h, IPVS_DEST_ATTR_L_THRESH, 0);
	nest_end(h, a);
}

/* A request is complete: sent when it is the batch's last, which is acknowledged. */
static int queued(struct raw *f, struct nlmsghdr *h, unsigned int *n, bool last)
{
	int r;

	f->out_len += NLMSG_ALIGN(h->nlmsg_len);
	if (++*n < BATCH && !last)
		return 0;
	*n = 0;
	h->nlmsg_flags |= NLM_F_ACK;
	r = flush(f);
	return r ? r : receive(f, NULL);
}

static int apply_table(struct raw *f, uint32_t services, uint32_t each, uint32_t first)
{
	struct nlmsghdr *h;
	struct service s;
	unsigned int n = 0;
	uint32_t i, k;
	int r = 0;

	for (i = first; !r && i < first + services; i++) {
		service_key(i, &s);
		h = request(f, f->family, IPVS_CMD_NEW_SERVICE, 0);
		put_service(h, &s);
		r = queued(f, h, &n, each == 0 && i + 1 == first + services);
		for (k = 0; !r && k < each; k++) {
			h = request(f, f->family, IPVS_CMD_NEW_DEST, 0);
			put_dest(h, &s, i * each + k, WEIGHT);
			r = queued(f, h, &n, i + 1 == first + services && k + 1 == each);
		}
	}
	f->n_services = services;
	f->n_dests = (uint64_t)services * each;
	return r;
}

static int change_weight(struct raw *f, uint32_t weight)
{
	struct nlmsghdr *h = request(f, f->family, IPVS_CMD_SET_DEST, 0);
	struct service s;
	unsigned int n = 0;

	service_key(0, &s);
	put_dest(h, &s, 0, weight);
	return queued(f, h, &n, true);
}

static int sink(uint16_t port)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(port) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), peer;

	if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == -1 ||
	    bind(fd, (struct sockaddr *)&here, sizeof(here)) == -1 || listen(fd, 4096) == -1)
		return -errno;
	for (;;) {
		peer = accept(fd, NULL, NULL);
		/* Not by a reset: that may come before whoever connected has looked. */
		if (peer != -1)
			close(peer);
	}
}

static uint32_t number(char **argv, int argc, int i)
{
	return i < argc ? (uint32_t)strtoul(argv[i], NULL, 10) : 0;
}

int main(int argc, char **argv)
{
	static struct raw f;
	const char *what = argc > 1 ? argv[1] : "";
	double wall, cpu;
	int r;

	if (!strcmp(what, "sink"))
		r = sink((uint16_t)number(argv, argc, 2));
	else
		r = raw_open(&f);
	wall = now(CLOCK_MONOTONIC);
	cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	if (r)
		;
	else if (!strcmp(what, "read"))
		r = read_table(&f);
	else if (!strcmp(what, "apply"))
		r = apply_table(&f, number(argv, argc, 2), number(argv, argc, 3),
				number(argv, argc, 4));
	else if (!strcmp(what, "change"))
		r = change_weight(&f, number(argv, argc, 2));
	else
		r = -EINVAL;
	wall = now(CLOCK_MONOTONIC) - wall;
	cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	if (!r && f.errors)
		r = -f.error;
	if (r) {
		fprintf(stderr, "floor %s: %s (%llu requests refused)\n", what, strerror(-r),
			(unsigned long long)f.errors);
		return 1;
	}
	printf("services=%zu dests=%llu wall=%.6f cpu=%.6f\n", f.n_services,
	       (unsigned long long)f.n_dests, wall, cpu);
	free(f.services);
	free(f.in);
	close(f.fd);
	return 0;
}
