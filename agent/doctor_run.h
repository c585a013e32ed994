/* doctor_run.h: `ipvs-agent doctor`: looks at the machine and tells what is wrong with it. */
#ifndef AGENT_DOCTOR_RUN_H
#define AGENT_DOCTOR_RUN_H

#include <stdbool.h>

/* Changes nothing. `socket`: where the agent is looked for; NULL = as the configuration
 * says. 0: no error and no warning; 1: could not be done; 2: errors; 3: warnings. */
int agent_doctor(const char *config_path, const char *socket, bool json);

#endif
