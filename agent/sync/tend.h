/* tend.h: the only writer of addresses, dummies and sync daemons: reads what there is,
 * works out the difference, notes in the ledger what is about to be ours, writes it, and
 * looks again every interval. Beside reconcile.h, which does so for the IPVS table; both
 * by the port's thread. */
#ifndef SYNC_TEND_H
#define SYNC_TEND_H

#include "agent/holds/ledger.h"
#include "agent/ipvs/port.h"
#include "agent/sync/duties.h"

struct loop;
struct tend;

/* What it does in the kernel, on the port's thread; the tests have their own. */
struct tend_kernel {
	int (*read)(struct route_table *ret_table);
	int (*read_daemons)(struct daemon ret_rows[DAEMON_N]);
	int (*carry_out)(const struct duty_op *op);
	int (*tell)(const struct route_link *l, const struct addr *a);
};
extern const struct tend_kernel tend_real;

struct tend_env {
	struct loop *loop;
	struct ipvs_port *port;
	struct ledger *ledger;
	const struct tend_kernel *kernel;
	int64_t facts_ms; /* that the ledger is waited for at most; 0 = 200 */
};

int tend_new(const struct tend_env *env, struct tend **ret_tend);
/* Before the port is freed: nothing is done any more. */
void tend_close(struct tend *t);
/* After the port and the ledger. NULL is fine. */
void tend_free(struct tend *t);

/* Something that the ledger says is ours. A fact of another kind is passed over. */
int tend_own(struct tend *t, const char *fact);

/* What is wanted from now on, copied; it looks at once. `daemons_too`: whether those are
 * read and written. */
int tend_want(struct tend *t, const struct duty_want *wants, size_t n,
	      const struct daemon daemons[DAEMON_N], bool daemons_too, int64_t interval_ms);
/* Undoes all that is ours, then calls fn once on the loop. -errno: it is not called. */
int tend_remove(struct tend *t, void (*fn)(void *arg), void *arg);

/* How it stands with want i as of the last look; NULL = there was none yet. */
const struct duty_found *tend_found(const struct tend *t, size_t i);
/* The daemons that run; NULL = not known. */
const struct daemon *tend_daemons(const struct tend *t);
bool tend_owns_daemon(const struct tend *t, unsigned int state);
/* Requests to the kernel: done, refused. */
void tend_counts(const struct tend *t, uint64_t *ret_done, uint64_t *ret_refused);

#endif
