/* gather.h: looks at this machine, once, and changes nothing of it: no module is loaded by
 * being asked for. */
#ifndef DOCTOR_GATHER_H
#define DOCTOR_GATHER_H

#include "agent/doctor/facts.h"

struct gather_asked {
	const struct layout *layout;             /* borrowed by the facts */
	const char *procfs, *state_dir, *socket; /* socket: NULL = the file names none */
	uint64_t journal_size;
	uint32_t max_probes;
};

/* Fills them; facts_fini() is due. What could not be looked at says so itself; -ENOMEM is
 * the only failure. */
int facts_gather(const struct gather_asked *asked, struct facts *ret_facts);

/* Its parts, each in a file of its own: interfaces, addresses, routes; other processes and
 * the running agent; the state directory; what [sysctl] names. Memory that runs out is noted in
 * f->failed. */
void gather_net(const struct gather_asked *asked, struct facts *f);
void gather_processes(const struct gather_asked *asked, struct facts *f);
void gather_state(const struct gather_asked *asked, struct facts *f);
void gather_settings(const struct gather_asked *asked, struct facts *f);

/* The numbers of a file below procfs. */
struct fact gather_numbers(const char *procfs, const char *path);
/* That of "NAME: 123" or "NAME 123" in a text of lines; -ENOENT. */
struct fact gather_line(const char *text, const char *name, int base);

#endif
