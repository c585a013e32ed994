/* signals.c: see signals.h. */
#include "agent/cli/signals.h"

#include <stdio.h>

void signals_block(bool terminal, sigset_t *ret_blocked, sigset_t *ret_before)
{
	sigemptyset(ret_blocked);
	sigaddset(ret_blocked, SIGINT);
	sigaddset(ret_blocked, SIGTERM);
	sigaddset(ret_blocked, SIGHUP);
	if (terminal) {
		sigaddset(ret_blocked, SIGQUIT);
		sigaddset(ret_blocked, SIGTSTP);
		sigaddset(ret_blocked, SIGWINCH);
	}
	sigprocmask(SIG_BLOCK, ret_blocked, ret_before);
}

void signals_die(int signo, const sigset_t *before)
{
	fflush(NULL);
	signal(signo, SIG_DFL);
	sigprocmask(SIG_SETMASK, before, NULL);
	raise(signo);
}
