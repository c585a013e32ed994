/* peers.h: the agents of other directors, with which operators' and alerts' holds are kept
 * alike. Each asks the others for all that they hold (holds/share.h), and makes of it what
 * holds/merge.h says: recorded first, then in force. A peer that is away changes nothing. */
#ifndef AGENT_PEERS_H
#define AGENT_PEERS_H

#include "agent/command.h"
#include "agent/holds/hold.h"

struct agent;
struct json_t;
struct ledger_state;
struct peers;
struct view;

/* With what the ledger kept of them, which is taken over. Borrows the agent. */
int peers_new(struct agent *a, struct ledger_state *kept, struct peers **ret_peers);
/* Nobody is asked any more; before what fetches goes. NULL is fine. */
void peers_stop(struct peers *p);
/* After the placer, which still calls back. NULL is fine. */
void peers_free(struct peers *p);
/* Another configuration is in force; nothing of the old one is referred to after it. */
void peers_reload(struct peers *p);

/* The holds of some realserver changed. NULL is fine. */
void peers_note(struct peers *p);
/* Before the loop sleeps: what a guard had refused acts where none does any more. */
void peers_turn(struct peers *p);

/* COMMAND_PEER: what we hold, for a peer; COMMAND_PEERS: how they are. */
enum command_status peers_share(const struct agent *a, const struct command *cmd, struct buf *out);
enum command_status peers_list(const struct agent *a, const struct command *cmd, struct buf *out);
/* Under which name all directors know it: {"shared": "NODE-NUMBER"} into a hold's object;
 * nothing where none of them is told of it. */
void peers_put_shared(const struct peers *p, const struct hold *h, struct json_t *o);
/* Rows of a view. -ENOMEM. */
int peers_show(const struct peers *p, struct view *v);
/* Of an operator's that waits: the guard that refuses it (rules/guard.h). */
int peers_refused(const struct hold *h);
/* Whether a holder's name, with the peer it came from, is that operator's. */
bool peers_same_holder(const struct hold *h, const char *holder);

#endif
