/* cli_agent.h: an agent that is none: it answers on a unix socket what the test wants, and
 * remembers what it was asked. And subcommands run against it as a process would. */
#ifndef TESTS_CLI_AGENT_H
#define TESTS_CLI_AGENT_H

#include <pthread.h>
#include <sys/types.h>

#include "agent/base/buf.h"
#include "agent/cli/cli.h"

/* An answer to "METHOD PATH" (a prefix of what is asked). Of several in a row that fit,
 * each is given once, the last again and again. */
struct fake_answer {
	const char *asked;
	int status;
	const char *body;
	bool given;
};

struct fake_agent {
	char dir[64], path[80];
	int fd;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct fake_answer *answers; /* until one without `asked` */
	struct buf seen;             /* a line each: "POST /api/v1/holds {…}" */
	unsigned int n_seen;
};

void fake_agent_start(struct fake_agent *a, struct fake_answer *answers);
void fake_agent_stop(struct fake_agent *a);
/* Waits until so many questions were asked. */
void fake_agent_wait(struct fake_agent *a, unsigned int n);
/* Forgets what was asked. */
void fake_agent_forget(struct fake_agent *a);
/* What was asked, then forgotten. Fails where it is not that. */
void assert_asked(struct fake_agent *a, const char *lines);

/* Runs a command line (split at blanks; '_' in a word is a blank) against it, as the user
 * alice by sudo, TZ=UTC. What it prints goes to out and err (may be NULL). A process of its
 * own is this program anew, not a fork of it: that has threads. So main() begins with
 * fake_run_child(), and ends with its code where that is true. */
bool fake_run_child(const struct cli_command *commands, int *ret_code);

struct fake_run {
	pid_t pid;
	int out_fd, err_fd; /* -1 = on a terminal */
};
void fake_run_start(const struct fake_agent *a, const char *line, struct fake_run *ret_run);
/* The same with the terminal of that name as its own. */
void fake_run_on_terminal(const struct fake_agent *a, const char *line, const char *terminal,
			  struct fake_run *ret_run);
/* Its exit code, or minus the signal that ended it. */
int fake_run_end(struct fake_run *run, struct buf *out, struct buf *err);
int fake_run(const struct fake_agent *a, const char *line, struct buf *out, struct buf *err);

#endif
