/* wait.h: waiting for a drain. */
#ifndef CLI_WAIT_H
#define CLI_WAIT_H

#include "agent/cli/client.h"
#include "agent/cli/drain_sum.h"

/* Asks every second how far the holds of `placed` (the API's answer) are, and tells it on
 * stderr, until they are drained, late or ended. CLI_OK with *ret_end and the holds as
 * they are then; CLI_ERROR where the agent stays away, which was said. A signal (Ctrl-C)
 * ends the process, after saying that the drain goes on, and how to undo it. */
int wait_drained(const struct cli_args *args, const json_t *placed, enum drain_end *ret_end,
		 json_t **ret_holds);

/* Appends "ipvs-agent undrain TARGET", with what was given of --holder. */
void wait_put_undo(const struct cli_args *args, struct buf *out);

#endif
