/* fake_kernel.h: IPVS in memory, with the real one's answers and with faults on
 * order. The store outlives the doors to it, as the kernel outlives an agent. All
 * functions may be called from any thread. */
#ifndef UNIT_FAKE_KERNEL_H
#define UNIT_FAKE_KERNEL_H

#include "agent/ipvs/port.h"

struct fake_kernel;

struct fake_kernel *fake_kernel_new(void);
/* After all doors were freed. */
void fake_kernel_free(struct fake_kernel *f);

/* A door for ipvs_port_new(), which frees it; or for calling its ops directly. */
struct ipvs_kernel *fake_kernel_door(struct fake_kernel *f);

/* Somebody else writes (ipvsadm, keepalived): neither counted nor failed by order.
 * 0 or the kernel's -errno. `d` may be NULL for services. */
int fake_kernel_write(struct fake_kernel *f, enum ipvs_op_kind kind, const struct ipvs_service *s,
		      const struct ipvs_dest *d);

/* Traffic: what the counters of a dest say from now on. False: no such dest. */
bool fake_kernel_traffic(struct fake_kernel *f, const struct ipvs_key *key, const struct addr *addr,
			 uint32_t active, uint32_t inactive, const struct ipvs_stats *stats);

/* Looks: false when it is not there. */
bool fake_kernel_service(struct fake_kernel *f, const struct ipvs_key *key,
			 struct ipvs_service *ret_service);
bool fake_kernel_dest(struct fake_kernel *f, const struct ipvs_key *key, const struct addr *addr,
		      struct ipvs_dest *ret_dest);

/* Ops carried out through doors, refused ones included; all kinds: IPVS_N_OPS. */
uint32_t fake_kernel_writes(struct fake_kernel *f, enum ipvs_op_kind kind);
/* Finished dumps. */
uint32_t fake_kernel_dumps(struct fake_kernel *f);

/* --- faults --- */

/* From the `nth` (1 = next) op of that kind on, `times` of them end with `error` and do
 * nothing. One order a kind; times 0 takes it back. */
void fake_kernel_fail(struct fake_kernel *f, enum ipvs_op_kind kind, uint32_t nth, uint32_t times,
		      int error);

/* Dumps, infos and applies end with `error`: -EPERM (dumps are then from /proc),
 * -ENOPROTOOPT (module gone; services are lost), -ETIMEDOUT; 0 takes it back. */
void fake_kernel_break(struct fake_kernel *f, int error);

/* Dumps end with `error` after so many services' dests; error 0 takes it back. */
void fake_kernel_cut_dump(struct fake_kernel *f, uint32_t after_services, int error);

/* The next dump finds that somebody deletes this service after the services were
 * listed. */
void fake_kernel_vanish(struct fake_kernel *f, const struct ipvs_key *key);

/* The next dump stops before the dests of its service `index`, or after all with a
 * larger index, until fake_kernel_go_on(); fake_kernel_await_halt() returns when it
 * stands. */
void fake_kernel_halt(struct fake_kernel *f, uint32_t index);
void fake_kernel_await_halt(struct fake_kernel *f);
void fake_kernel_go_on(struct fake_kernel *f);

#endif
