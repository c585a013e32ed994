/* trial.h: attempts that somebody wants to see: `ipvs-agent probe`. */
#ifndef AGENT_TRIAL_H
#define AGENT_TRIAL_H

#include "agent/command.h"

struct agent;
struct trials;

int trials_new(struct agent *a, struct trials **ret_trials);
/* After the scheduler, whose end answers what is under way. NULL is fine. */
void trials_free(struct trials *t);

/* COMMAND_PROBE: one attempt of each probe (or of `only`) of each realserver that the target
 * means, and JSON of all when the last has ended. What several of them share is asked once.
 * Refused: more than 16 at a time, and more than 60 a minute. They count towards rise and
 * fall only if that is asked for. */
void trials_run(struct trials *t, const struct command *cmd, command_fn *fn, void *arg);

#endif
