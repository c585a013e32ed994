/* port.h: the one door to the kernel. A thread of its own owns one long-lived
 * netlink socket, for requests run inside sendmsg() and can block there. Jobs go
 * in, values come out on the loop. */
#ifndef IPVS_PORT_H
#define IPVS_PORT_H

#include "agent/ipvs/kernel.h"

struct loop;
struct ipvs_port;

/* Takes the kernel over; starts the thread. On failure the kernel is still the
 * caller's. */
int ipvs_port_new(struct loop *loop, struct ipvs_kernel *kernel, struct ipvs_port **ret_port);
/* On the loop's thread, also within a callback. Finishes the job under way, joins, frees
 * the other jobs: no callback comes any more. NULL is fine. */
void ipvs_port_free(struct ipvs_port *p);

/* All of these: fn(arg, …) comes once, on the loop, unless the port is freed before;
 * -ENOMEM when the job could not be taken. */
/* fn gets the table's arrays for its own: ipvs_table_fini(). */
typedef void ipvs_dump_fn(void *arg, struct ipvs_table *table);
int ipvs_port_dump(struct ipvs_port *p, ipvs_dump_fn *fn, void *arg);

/* The dests of some services alone; takes `keys` (malloc'd, in the order of
 * ipvs_key_cmp(); not on failure). The table says only this: of which service which dests
 * were there; its `error` is 0 or why it is not whole. */
int ipvs_port_dests(struct ipvs_port *p, struct ipvs_key *keys, uint32_t n_keys, ipvs_dump_fn *fn,
		    void *arg);

/* Takes the batch (not on failure); fn gets it back with results: ipvs_batch_free().
 * Batches are carried out in the order given; an `urgent` one overtakes dumps, also one
 * under way, but no other batch. */
typedef void ipvs_apply_fn(void *arg, struct ipvs_batch *batch, int error);
int ipvs_port_apply(struct ipvs_port *p, struct ipvs_batch *batch, bool urgent, ipvs_apply_fn *fn,
		    void *arg);

/* `info` is NULL on an error. */
typedef void ipvs_info_fn(void *arg, const struct ipvs_info *info, int error);
int ipvs_port_info(struct ipvs_port *p, ipvs_info_fn *fn, void *arg);

/* Something else to be done in the kernel: run() on the port's thread, in the order of the
 * applies; then done() on the loop. Where the port is freed before: drop(), in its place.
 * The errand is its giver's. Nothing else of the kernel's thread is touched by it. */
struct ipvs_errand {
	void (*run)(struct ipvs_errand *e);
	void (*done)(struct ipvs_errand *e);
	void (*drop)(struct ipvs_errand *e);
};
int ipvs_port_run(struct ipvs_port *p, struct ipvs_errand *e);

/* Milliseconds (monotonic) of the thread's last sign of life; for the watchdog. */
int64_t ipvs_port_alive_ms(const struct ipvs_port *p);

#endif
