/* hands.h: what operators do. Each request is one order: judged as a whole, recorded as a
 * whole, and answered then. */
#ifndef AGENT_HANDS_H
#define AGENT_HANDS_H

#include <jansson.h>

#include "agent/command.h"
#include "agent/holds/hold.h"
#include "agent/targets.h"

struct agent;
struct hands;

int hands_new(struct agent *a, struct hands **ret_hands);
/* After the placer, which still calls back. What waits is answered with
 * COMMAND_STOPPING. NULL is fine. */
void hands_free(struct hands *h);

/* COMMAND_HOLD, _LIFT, _FREEZE, _THAW: takes over what *cmd owns; fn is told, perhaps
 * later. Orders are done one after the other, each when the one before is recorded, so
 * that none is judged by what another is about to change. */
void hands_order(struct agent *a, struct command *cmd, command_fn *fn, void *arg);

/* COMMAND_HOLDS and COMMAND_RULES: JSON at once, or a message for people. */
enum command_status hands_list(const struct agent *a, const struct command *cmd, struct buf *out);
enum command_status rules_list(const struct agent *a, const struct command *cmd, struct buf *out);

/* Before `now` is put in force: what is held follows what is called otherwise there. */
void hands_rename(struct agent *a, const struct layout *now);

/* --- what the files of it share --- */

/* Those that need no disk: JSON, or a message for people. */
enum command_status hands_lift(struct agent *a, const struct command *cmd, struct buf *out);
enum command_status hands_thaw(struct agent *a, const struct command *cmd, struct buf *out);

/* In whose name; never empty. */
const char *hands_holder(const struct command *cmd);
/* Finds the one meaning of a target. COMMAND_OK, or why not, in words. */
enum command_status hands_targets(const struct agent *a, const char *target, struct buf *out,
				  struct targets *ret_targets);
/* A hold as JSON, with what keeps it waiting; null for NULL. NULL = memory is out. */
json_t *hands_json(const struct agent *a, const struct hold *h);
/* Takes `root` over: its text. COMMAND_FAILED where memory is out. */
enum command_status hands_text(json_t *root, struct buf *out);
/* Notes an order in the journal; `overrode` may be NULL. */
void hands_note(struct agent *a, const struct command *cmd, const char *outcome,
		const char *overrode);

#endif
