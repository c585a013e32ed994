/* kernel.h: what stands behind the port's thread: what can be asked of a kernel, and what
 * can be written. */
#ifndef IPVS_KERNEL_H
#define IPVS_KERNEL_H

#include "agent/ipvs/ipvs.h"

enum ipvs_op_kind {
	IPVS_NEW_SERVICE = 0,
	IPVS_SET_SERVICE,
	IPVS_DEL_SERVICE,
	IPVS_NEW_DEST,
	IPVS_SET_DEST,
	IPVS_DEL_DEST,
	IPVS_N_OPS,
};
/* "new_service", …: label values of ipvs_agent_kernel_writes_total{op}. */
extern const char *const ipvs_op_names[IPVS_N_OPS];

struct ipvs_op {
	enum ipvs_op_kind kind;
	uint32_t service; /* index into the batch's services */
	uint32_t dest;    /* index into the batch's dests; service ops ignore it */
	/* Out: 0, -errno of the kernel, -ECANCELED: not sent; or -ENOBUFS, -ETIMEDOUT,
	 * -EBADMSG: sent, but the answer got lost: read the table again to know. */
	int result;
};

/* Writes, carried out in order. A batch is one allocation's owner: its arrays are
 * freed with it. */
struct ipvs_batch {
	struct ipvs_service *services; /* stats and dest rows are ignored */
	struct ipvs_dest *dests;       /* every attribute is sent, always */
	struct ipvs_op *ops;
	uint32_t n_services, n_dests, n_ops;
};
void ipvs_batch_free(struct ipvs_batch *b);

/* What stands behind the thread: netlink, or a fake that injects faults. All are
 * called on the port's thread. */
struct ipvs_kernel {
	const struct ipvs_kernel_ops *ops;
	/* Set by who uses it, NULL for none: called by a long apply as it gets on. */
	void (*progress)(void *arg);
	void *progress_arg;
};
struct ipvs_kernel_ops {
	int (*info)(struct ipvs_kernel *k, struct ipvs_info *ret_info);
	/* Reads all. between(arg), where not NULL, is called between the services' dumps
	 * and may call apply(), so that waiting writes need not wait for the end. On
	 * failure the table has what was read, with complete = false and the reason in
	 * error, which is returned too. *ret_table need not be initialised. */
	int (*dump)(struct ipvs_kernel *k, void (*between)(void *arg), void *arg,
		    struct ipvs_table *ret_table);
	/* Reads the dests of some services, keys in the order of ipvs_key_cmp(), into an
	 * empty table, whose services are nothing but keys. One that is not there has no
	 * dests. After a failure the table has what was read. */
	int (*dests)(struct ipvs_kernel *k, const struct ipvs_key *keys, uint32_t n_keys,
		     struct ipvs_table *ret_table);
	/* Carries out a batch; each op gets its result. -errno when it could not go on
	 * (-EPERM, -ENOPROTOOPT: no ip_vs, …): ops that were not sent are -ECANCELED. */
	int (*apply)(struct ipvs_kernel *k, struct ipvs_batch *batch);
	void (*free)(struct ipvs_kernel *k);
};

/* netlink.c: the real one. The socket is opened on first use, in the namespace of the
 * thread that uses it. Asking for the family makes the kernel load ip_vs; where it has
 * none that is tried once a minute, and in between a look at `procfs` ("/proc") tells
 * whether somebody else loaded it. Without CAP_NET_ADMIN dump and info fall back to what
 * stands there. -ENOMEM. */
int ipvs_netlink_new(const char *procfs, struct ipvs_kernel **ret_kernel);

#endif
