/* netlink.c: the kernel over generic netlink: which requests make a reading, which a
 * batch of writes, and what their errors mean.
 *
 * A reading is one dump of the services and one of the dests of each. The kernel makes
 * every request wait for one lock that all namespaces share, so reading over several
 * sockets would gain nothing; what counts is few system calls: a dump of up to 91 dests is
 * one sendmsg() and one recvmmsg(). Where services have few dests, those are asked for
 * over a socket with small datagrams: the kernel has less to zero. Writes have a socket
 * of their own, so that they can go out in the middle of a longer dump.
 *
 * Writes go 64 to a sendmsg() with one acknowledgement, of the last: errors are always
 * reported, so silence of the others means success once the last is answered. So few
 * answers cannot overflow the receive buffer; if they do all the same, what was not
 * told is reported as unknown, never as done.
 *
 * The family's id changes when ip_vs is unloaded and loaded. A reading asks for it
 * first. A write that says -ENOENT may mean that (then nothing was carried out) or that
 * a dest or a scheduler is missing: the id is asked for, and where it changed the
 * refused ones are sent again. */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/base/clock.h"
#include "agent/ipvs/attr.h"
#include "agent/ipvs/ipvs.h"
#include "agent/ipvs/nlsock.h"
#include "agent/ipvs/port.h"
#include "agent/ipvs/procfs.h"
#include "agent/ipvs/table.h"

enum {
	ANSWER_MS = 5000, /* the kernel answers before sendmsg() returns; this is for none */
	LOAD_MS = 60000,  /* how often the kernel is made to look for the module */
	DUMP_TRIES = 3,   /* when it was reloaded or interrupted on the way */
	FEW = 16,         /* dests of a service on average: they fit a small datagram */
};

struct netlink_kernel {
	struct ipvs_kernel kernel;
	struct nlsock reads, writes;
	struct nlsock few;    /* for the dests of services which have few; or closed */
	bool few_unfit;       /* the kernel's datagrams are larger than a small one */
	uint16_t family;      /* 0 = not known */
	int64_t load_next_ms; /* not before this */
	char *procfs;
	/* Rows of the last reading, so that the next one has its room at once. */
	uint32_t last_services, last_dests;
};

/* --- the family ------------------------------------------------------------ */

static int on_family(void *arg, const struct nlmsghdr *h)
{
	return attr_get_family_id(h, arg);
}

/* Opens the socket where it is closed and asks for the family's id over it. -ENOPROTOOPT
 * when there is none. */
static int find_family(struct netlink_kernel *n, struct nlsock *sock)
{
	struct nlreq *q;
	uint16_t id = 0;
	int result, r;

	n->family = 0;
	if (!sock->sk) {
		r = nlsock_open(sock, ANSWER_MS, NLSOCK_DATAGRAM);
		if (r)
			return r;
	}
	if (!procfs_present(n->procfs)) {
		if (clock_mono_ms() < n->load_next_ms)
			return -ENOPROTOOPT;
		n->load_next_ms = clock_mono_ms() + LOAD_MS;
	}
	q = nlsock_begin(sock, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_ACK);
	if (!q)
		return -EMSGSIZE;
	nlreq_put(q, CTRL_ATTR_FAMILY_NAME, IPVS_GENL_NAME, sizeof(IPVS_GENL_NAME));
	r = nlsock_end(sock);
	if (r)
		return r;
	r = nlsock_talk(sock, &result, on_family, &id);
	r = r ? r : result;
	if (r == -ENOENT)
		return -ENOPROTOOPT;
	if (!r && id < GENL_MIN_ID)
		return -EBADMSG;
	if (!r)
		n->family = id;
	return r;
}

/* --- reading --------------------------------------------------------------- */

struct reading {
	struct table_draft draft;
	uint8_t family; /* of the service whose dests are read */
	bool few;       /* over the socket for few */
};

static int on_service(void *arg, const struct nlmsghdr *h)
{
	struct reading *r = arg;
	struct ipvs_service *s = table_add_service(&r->draft);
	int error;

	if (!s)
		return -ENOMEM;
	error = attr_get_service(h, s);
	if (error)
		r->draft.table->n_services--;
	return error;
}

static int on_dest(void *arg, const struct nlmsghdr *h)
{
	struct reading *r = arg;
	struct ipvs_dest *d = table_add_dest(&r->draft);
	int error;

	if (!d)
		return -ENOMEM;
	error = attr_get_dest(h, r->family, d);
	if (error)
		r->draft.table->n_dests--;
	return error;
}

/* One GET request, about `s` where there is one. */
static int ask_over(struct netlink_kernel *n, struct nlsock *sock, uint8_t cmd, uint16_t flags,
		    const struct ipvs_service *s, nlsock_fn *fn, void *arg)
{
	struct nlreq *q;
	int result, r;

	if (!sock->sk)
		return -ENOTCONN;
	q = nlsock_begin(sock, n->family, cmd, flags);
	if (!q)
		return -EMSGSIZE;
	if (s)
		attr_put_service(q, s, false);
	r = nlsock_end(sock);
	if (!r)
		r = nlsock_talk(sock, &result, fn, arg);
	return r ? r : result;
}

static int ask(struct netlink_kernel *n, uint8_t cmd, uint16_t flags, const struct ipvs_service *s,
	       nlsock_fn *fn, void *arg)
{
	return ask_over(n, &n->reads, cmd, flags, s, fn, arg);
}

/* Whether services have few dests, as far as the last reading tells; then there is a
 * socket for that. */
static bool has_few(struct netlink_kernel *n)
{
	if (n->few_unfit || !n->last_dests || n->last_dests / FEW >= n->last_services)
		return false;
	return n->few.sk || !nlsock_open(&n->few, ANSWER_MS, NLSOCK_SMALL);
}

/* An empty answer means no dests, or no such service any more. */
static int has_vanished(struct netlink_kernel *n, const struct ipvs_service *s, bool *ret_gone)
{
	int r = ask(n, IPVS_CMD_GET_SERVICE, NLM_F_ACK, s, NULL, NULL);

	if (r && r != -ESRCH)
		return r;
	*ret_gone = r == -ESRCH;
	return 0;
}

static int read_dests(struct netlink_kernel *n, struct reading *r, struct ipvs_service *s,
		      bool *ret_gone)
{
	struct ipvs_table *t = r->draft.table;
	uint32_t first = t->n_dests;
	int error;

	*ret_gone = false;
	r->family = s->key.addr.family;
	error = ask_over(n, r->few ? &n->few : &n->reads, IPVS_CMD_GET_DEST, NLM_F_DUMP, s, on_dest,
			 r);
	/* A kernel with larger pages makes larger datagrams: they were cut. */
	if (error == -EBADMSG && r->few)
		n->few_unfit = true;
	/* After a failure too: what is there may be shown. */
	table_close_service(t, s, first);
	if (!error && !s->n_dests)
		error = has_vanished(n, s, ret_gone);
	return error;
}

/* Rows whose dests were not read are left out of a table that is not complete. */
static int read_all(struct netlink_kernel *n, struct reading *r, void (*between)(void *arg),
		    void *arg)
{
	struct ipvs_table *t = r->draft.table;
	uint32_t n_services, kept = 0;
	bool gone;
	int error;

	n->reads.between = n->few.between = between;
	n->reads.between_arg = n->few.between_arg = arg;
	error = ask(n, IPVS_CMD_GET_SERVICE, NLM_F_DUMP, NULL, on_service, r);
	table_sort_services(t);
	n_services = t->n_services;
	for (uint32_t i = 0; !error && i < n_services; i++) {
		if (between && i)
			between(arg);
		error = read_dests(n, r, &t->services[i], &gone);
		if (gone)
			continue;
		if (kept != i)
			t->services[kept] = t->services[i];
		kept++;
	}
	t->n_services = kept;
	n->reads.between = n->few.between = NULL;
	return error;
}

/* Room for as much as last time and an eighth more. Failure is no harm. */
static void make_room(struct netlink_kernel *n, struct table_draft *d)
{
	struct ipvs_table *t = d->table;
	uint32_t services = n->last_services + n->last_services / 8;
	uint32_t dests = n->last_dests + n->last_dests / 8;

	t->services = services ? reallocarray(NULL, services, sizeof(*t->services)) : NULL;
	if (t->services)
		d->room_services = services;
	t->dests = dests ? reallocarray(NULL, dests, sizeof(*t->dests)) : NULL;
	if (t->dests)
		d->room_dests = dests;
}

static int dump_netlink(struct netlink_kernel *n, void (*between)(void *arg), void *arg,
			struct ipvs_table *t)
{
	struct reading r;
	int error;

	for (int tries = 0;; tries++) {
		*t = (struct ipvs_table){ 0 };
		r = (struct reading){ .draft.table = t, .few = has_few(n) };
		error = find_family(n, &n->reads);
		if (!error) {
			make_room(n, &r.draft);
			error = read_all(n, &r, between, arg);
			table_trim(&r.draft);
		}
		if ((error != -ENOENT && error != -EINTR && !(r.few && n->few_unfit)) ||
		    tries + 1 == DUMP_TRIES)
			break;
		ipvs_table_fini(t);
	}
	if (error)
		return error;
	n->last_services = t->n_services;
	n->last_dests = t->n_dests;
	return 0;
}

static int netlink_dump(struct ipvs_kernel *k, void (*between)(void *arg), void *arg,
			struct ipvs_table *ret_table)
{
	struct netlink_kernel *n = container_of(k, struct netlink_kernel, kernel);
	int64_t started_us = clock_mono_us();
	struct ipvs_info info;
	int error;

	error = dump_netlink(n, between, arg, ret_table);
	ret_table->complete = !error;
	ret_table->error = error;
	if (error == -EPERM || error == -EACCES) {
		ipvs_table_fini(ret_table);
		error = procfs_read(n->procfs, ret_table, &info);
		ret_table->source = IPVS_FROM_PROC;
		ret_table->complete = !error;
		ret_table->error = error ? error : -EPERM;
	}
	ret_table->started_us = started_us;
	ret_table->taken_us = clock_mono_us() - started_us;
	ret_table->wall_ms = clock_wall_ms();
	return error;
}

/* Of the services nothing but their keys. */
static int netlink_dests(struct ipvs_kernel *k, const struct ipvs_key *keys, uint32_t n_keys,
			 struct ipvs_table *ret_table)
{
	struct netlink_kernel *n = container_of(k, struct netlink_kernel, kernel);
	struct reading r = { .draft.table = ret_table };
	int error = find_family(n, &n->reads);
	bool gone;

	for (uint32_t i = 0; !error && i < n_keys; i++) {
		struct ipvs_service *s = table_add_service(&r.draft);

		if (s)
			*s = (struct ipvs_service){ .key = keys[i] };
		error = s ? read_dests(n, &r, s, &gone) : -ENOMEM;
	}
	return error;
}

static int on_info(void *arg, const struct nlmsghdr *h)
{
	return attr_get_info(h, arg);
}

static int on_config(void *arg, const struct nlmsghdr *h)
{
	return attr_get_config(h, arg);
}

static int netlink_info(struct ipvs_kernel *k, struct ipvs_info *ret_info)
{
	struct netlink_kernel *n = container_of(k, struct netlink_kernel, kernel);
	struct ipvs_info info = { 0 };
	struct ipvs_table t;
	int r;

	r = find_family(n, &n->reads);
	if (!r)
		r = ask(n, IPVS_CMD_GET_INFO, NLM_F_ACK, NULL, on_info, &info);
	if (!r)
		r = ask(n, IPVS_CMD_GET_CONFIG, NLM_F_ACK, NULL, on_config, &info);
	if (r == -EPERM || r == -EACCES) {
		r = procfs_read(n->procfs, &t, &info);
		ipvs_table_fini(&t);
	}
	if (!r)
		*ret_info = info;
	return r;
}

/* --- writing --------------------------------------------------------------- */

static const struct op_request {
	uint8_t cmd;
	bool service_full;
	bool dest, dest_full;
} op_requests[IPVS_N_OPS] = {
	[IPVS_NEW_SERVICE] = { .cmd = IPVS_CMD_NEW_SERVICE, .service_full = true },
	[IPVS_SET_SERVICE] = { .cmd = IPVS_CMD_SET_SERVICE, .service_full = true },
	[IPVS_DEL_SERVICE] = { .cmd = IPVS_CMD_DEL_SERVICE },
	[IPVS_NEW_DEST] = { .cmd = IPVS_CMD_NEW_DEST, .dest = true, .dest_full = true },
	[IPVS_SET_DEST] = { .cmd = IPVS_CMD_SET_DEST, .dest = true, .dest_full = true },
	[IPVS_DEL_DEST] = { .cmd = IPVS_CMD_DEL_DEST, .dest = true },
};

/* Some ops that go in one sendmsg(). */
struct chunk {
	struct ipvs_op *ops[NLSOCK_BATCH];
	uint32_t n;
};

static bool op_is_sound(const struct ipvs_batch *b, const struct ipvs_op *op)
{
	if ((unsigned int)op->kind >= IPVS_N_OPS || op->service >= b->n_services)
		return false;
	return !op_requests[op->kind].dest || op->dest < b->n_dests;
}

static int build(struct netlink_kernel *n, const struct ipvs_batch *b, const struct ipvs_op *op,
		 bool last)
{
	const struct op_request *is = &op_requests[op->kind];
	const struct ipvs_service *s = &b->services[op->service];
	struct nlreq *q = nlsock_begin(&n->writes, n->family, is->cmd, last ? NLM_F_ACK : 0);

	if (!q)
		return -EMSGSIZE;
	if (is->dest)
		attr_put_dest_of(q, s, &b->dests[op->dest], is->dest_full);
	else
		attr_put_service(q, s, is->service_full);
	return nlsock_end(&n->writes);
}

/* -errno when the talk failed; the results are there in every case. */
static int send_chunk(struct netlink_kernel *n, const struct ipvs_batch *b, const struct chunk *c)
{
	int results[NLSOCK_BATCH];
	int r = 0;

	for (uint32_t i = 0; !r && i < c->n; i++)
		r = build(n, b, c->ops[i], i + 1 == c->n);
	if (r) {
		/* Cannot be: a request has its most in sizes known. Start anew. */
		nlsock_close(&n->writes);
		return r;
	}
	r = nlsock_talk(&n->writes, results, NULL, NULL);
	for (uint32_t i = 0; i < c->n; i++)
		c->ops[i]->result = results[i];
	return r;
}

static struct chunk failed_with(const struct chunk *c, int error)
{
	struct chunk failed = { .n = 0 };

	for (uint32_t i = 0; i < c->n; i++)
		if (c->ops[i]->result == error)
			failed.ops[failed.n++] = c->ops[i];
	return failed;
}

/* Sends it; and, when the family's id has changed, what that made fail once more. */
static int carry_out(struct netlink_kernel *n, const struct ipvs_batch *b, const struct chunk *c)
{
	uint16_t family = n->family;
	struct chunk failed;
	int r;

	r = send_chunk(n, b, c);
	if (r)
		return r;
	failed = failed_with(c, -EPERM);
	if (failed.n == c->n)
		return -EPERM;
	failed = failed_with(c, -ENOENT);
	if (!failed.n)
		return 0;
	r = find_family(n, &n->writes);
	if (r == -ENOPROTOOPT)
		for (uint32_t i = 0; i < failed.n; i++)
			failed.ops[i]->result = r;
	if (r || n->family == family)
		return r;
	return send_chunk(n, b, &failed);
}

static int netlink_apply(struct ipvs_kernel *k, struct ipvs_batch *b)
{
	struct netlink_kernel *n = container_of(k, struct netlink_kernel, kernel);
	struct chunk c = { .n = 0 };
	int r = 0;

	for (uint32_t i = 0; i < b->n_ops; i++)
		b->ops[i].result = -ECANCELED;
	if (b->n_ops && (!n->writes.sk || !n->family))
		r = find_family(n, &n->writes);
	for (uint32_t i = 0; !r && i < b->n_ops; i++) {
		if (op_is_sound(b, &b->ops[i]))
			c.ops[c.n++] = &b->ops[i];
		else
			b->ops[i].result = -EINVAL;
		if (!c.n || (c.n < NLSOCK_BATCH && i + 1 < b->n_ops))
			continue;
		r = carry_out(n, b, &c);
		c.n = 0;
		if (k->progress)
			k->progress(k->progress_arg);
	}
	return r;
}

static void netlink_free(struct ipvs_kernel *k)
{
	struct netlink_kernel *n = container_of(k, struct netlink_kernel, kernel);

	nlsock_close(&n->reads);
	nlsock_close(&n->few);
	nlsock_close(&n->writes);
	free(n->procfs);
	free(n);
}

int ipvs_netlink_new(const char *procfs, struct ipvs_kernel **ret_kernel)
{
	static const struct ipvs_kernel_ops ops = {
		.info = netlink_info,
		.dump = netlink_dump,
		.dests = netlink_dests,
		.apply = netlink_apply,
		.free = netlink_free,
	};
	struct netlink_kernel *n = calloc(1, sizeof(*n));

	if (n)
		n->procfs = strdup(procfs);
	if (!n || !n->procfs) {
		free(n);
		return -ENOMEM;
	}
	n->kernel.ops = &ops;
	*ret_kernel = &n->kernel;
	return 0;
}
