/* ipvsadm_line.h: PURE: a line of a shell script or of ipvsadm -S as one of ipvsadm's
 * commands. */
#ifndef IMPORT_IPVSADM_LINE_H
#define IMPORT_IPVSADM_LINE_H

#include "agent/import/director.h"
#include "agent/ipvs/ipvs.h"

enum { ADM_WORDS_MAX = 64, ADM_DEFAULT_PERSISTENCE = 300 };

enum adm_verb {
	ADM_NOTHING = 0,
	ADM_ADD_SERVICE,
	ADM_EDIT_SERVICE,
	ADM_DELETE_SERVICE,
	ADM_ADD_SERVER,
	ADM_EDIT_SERVER,
	ADM_DELETE_SERVER,
	ADM_CLEAR,
	ADM_RESTORE,
	ADM_SET,
	ADM_START_DAEMON,
	ADM_STOP_DAEMON,
	ADM_LOOK, /* prints or zeroes counters */
};

/* Texts are pieces of the line. Key and address are not read yet: a name may stand there. */
struct adm_command {
	enum adm_verb verb;
	const char *vip;             /* of -t, -u, --sctp-service; NULL = not given */
	const char *mask;            /* of -M */
	const char *real;            /* of -r */
	uint8_t proto;               /* of vip */
	bool six;                    /* -6 */
	struct ipvs_service service; /* scheduler, engine, flags, timeout; a mark in its key */
	struct ipvs_dest dest;       /* all but its address */
	uint64_t timeouts[DIRECTOR_TIMEOUTS];
	size_t n_timeouts;         /* all of them, of --set */
	unsigned int daemon_state; /* of --start-daemon, --stop-daemon */
	struct daemon daemon;
};

/* Reads a line, which it cuts up. False for one that says nothing (blank, a comment). Where
 * it is no command of ipvsadm, or a wrong one, *ret_why says why, else it is NULL. */
bool adm_read(char *line, struct adm_command *ret_command, const char **ret_why);

#endif
