/* terminal.h: a whole terminal for ourselves, keys as they are pressed, and everything as
 * it was afterwards. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>

#include "agent/base/buf.h"

struct terminal {
	int in, out;
	struct termios before;
	sigset_t signals_before;
	int signal_fd;
	bool open, raw;
};

/* Takes stdin and stdout. -ENOTTY where they are none, -errno: nothing has changed. */
int terminal_open(struct terminal *t);
/* Puts all back. A second call does nothing. */
void terminal_close(struct terminal *t);

void terminal_size(const struct terminal *t, size_t *ret_width, size_t *ret_height);

/* Shows this from the top left on, in place of what stood there. -errno. */
int terminal_show(struct terminal *t, const struct buf *screen);

enum terminal_event {
	TERMINAL_NOTHING = 0, /* the time is up */
	TERMINAL_KEY,
	TERMINAL_CHANGED, /* show all anew: another size, or back from a stop */
	TERMINAL_END,     /* a signal, in *ret_key, or nobody is there any more (0) */
};
/* Waits for one, so long at most. Ctrl-Z stops the process with a terminal as it was
 * before, and goes on with it later. */
enum terminal_event terminal_wait(struct terminal *t, int64_t timeout_ms, int *ret_key);

#endif
