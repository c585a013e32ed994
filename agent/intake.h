/* intake.h: alerts on their way in. Requests are taken one after the other: read and
 * matched on the work queue, judged on the loop in turns, answered when the ledger has
 * what they ask for, and only then may the rules act. */
#ifndef AGENT_INTAKE_H
#define AGENT_INTAKE_H

#include <stdint.h>

#include "agent/command.h"
#include "agent/holds/alert.h"

struct agent;
struct hold;
struct intake;

int intake_new(struct agent *a, struct intake **ret_intake);
/* Who still waits is told that the agent stops. After the placer. NULL is fine. */
void intake_free(struct intake *in);
/* An alert's hold was placed (or was there at the start), or ended. */
void intake_note(struct intake *in, const struct hold *h, bool ended);
/* COMMAND_ALERTS: takes over cmd's body. */
void intake_take(struct intake *in, struct command *cmd, command_fn *fn, void *arg);
/* Alerts since the start, by what came of them; of those that failed the requests. */
void intake_counts(const struct intake *in, uint64_t ret_counts[static ALERT_N_OUTCOMES]);

#endif
