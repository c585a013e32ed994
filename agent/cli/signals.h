/* signals.h: signals that are waited for, not handled: nothing is global. */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* Blocks those by which a person or a system ends a program; with `terminal` also those
 * of a terminal: stop, and another size. */
void signals_block(bool terminal, sigset_t *ret_blocked, sigset_t *ret_before);

/* Lets a signal that was waited for do what it does by itself, so that a shell sees it.
 * Returns where it does nothing. */
void signals_die(int signo, const sigset_t *before);

#endif
