/* maintenance.h: maintenance_dir: a file named after a realserver, its address or
 * SERVICE.REALSERVER is an operator's hold at 0 for as long as it is there. */
#ifndef AGENT_MAINTENANCE_H
#define AGENT_MAINTENANCE_H

struct agent;
struct maintenance;

extern const char maintenance_holder[]; /* "maintenance" */

/* Looks once at once, then whenever the directory changes, and every minute. */
int maintenance_new(struct agent *a, struct maintenance **ret_maintenance);
/* NULL is fine. */
void maintenance_free(struct maintenance *m);
/* After a reload: names and the directory may be others. */
void maintenance_again(struct maintenance *m);

#endif
