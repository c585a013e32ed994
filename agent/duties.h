/* duties.h: what the director does beside its table: the role it has in a pair, the
 * addresses that are its own, the kernel's sync daemons. Who may write them is
 * sync/tend.h; here is decided what should be there. */
#ifndef AGENT_DUTIES_H
#define AGENT_DUTIES_H

#include "agent/command.h"
#include "agent/model/view.h"

struct agent;
struct duties;
struct ledger_state;

/* After the port, the ledger and the state; what the ledger kept is taken up. */
int duties_new(struct agent *a, const struct ledger_state *kept, struct duties **ret_duties);
/* Before the port is freed, … */
void duties_close(struct duties *d);
/* … and after the ledger. NULL is fine for both. */
void duties_free(struct duties *d);

/* Another configuration is in force, with its state. -ENOMEM: those of before go on. */
int duties_reload(struct duties *d);
/* Something was decided, perhaps: before the loop sleeps. */
void duties_look(struct duties *d);
/* Takes away all that is ours, then calls fn once on the loop. -errno: it is not. */
int duties_remove(struct duties *d, void (*fn)(void *arg), void *arg);

/* COMMAND_ROLE: JSON of the role, the VIPs and the daemons. */
enum command_status duties_list(const struct agent *a, const struct command *cmd, struct buf *out);
/* COMMAND_SET_ROLE: at once; fn is told when it is on disk, or cannot be. */
void duties_order(struct agent *a, struct command *cmd, command_fn *fn, void *arg);

/* For `plan`: what a start would change, as far as is known before anything was probed; of
 * an agent that has a configuration, a layout and nothing else. -errno. */
struct duty_ops;
int duties_foresee(struct agent *a, const struct ledger_state *kept, struct duty_ops *ret_ops);

/* Rows for a view. -ENOMEM. */
int duties_show(const struct duties *d, struct view *v);

/* --- what the files of it share --- */

/* {"roles":…,"role":…,"since":…,"vips":[…],"sync":[…]} of what duties_show() makes. */
enum command_status duties_json(const struct view_duties *v, int64_t since_wall_ms, int recorded,
				struct buf *out);

#endif
