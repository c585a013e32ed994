/* terminal.c: raw mode and the alternate screen, by termios and the sequences that every
 * terminal of the last decades knows. Signals come by a descriptor: whatever ends the
 * program comes past terminal_close(). */
#include "agent/cli/terminal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent/cli/signals.h"

/* The other screen, no cursor, no wrapping; and back. */
static const char ENTER[] = "\033[?1049h\033[?25l\033[?7l";
static const char LEAVE[] = "\033[?7h\033[?25h\033[?1049l";

static int put(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -errno;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

static int enter(struct terminal *t)
{
	struct termios raw;

	if (tcgetattr(t->in, &t->before) == -1)
		return -errno;
	raw = t->before;
	/* Signals stay: Ctrl-C and Ctrl-Z are as everywhere. */
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(t->in, TCSAFLUSH, &raw) == -1)
		return -errno;
	t->raw = true;
	return put(t->out, ENTER, strlen(ENTER));
}

static void leave(struct terminal *t)
{
	if (!t->raw)
		return;
	put(t->out, LEAVE, strlen(LEAVE));
	tcsetattr(t->in, TCSAFLUSH, &t->before);
	t->raw = false;
}

int terminal_open(struct terminal *t)
{
	sigset_t blocked;
	int r;

	*t = (struct terminal){ .in = STDIN_FILENO, .out = STDOUT_FILENO, .signal_fd = -1 };
	if (!isatty(t->in) || !isatty(t->out))
		return -ENOTTY;
	signals_block(true, &blocked, &t->signals_before);
	t->open = true;
	t->signal_fd = signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK);
	r = t->signal_fd == -1 ? -errno : enter(t);
	if (r != 0)
		terminal_close(t);
	return r;
}

void terminal_close(struct terminal *t)
{
	if (!t->open)
		return;
	leave(t);
	if (t->signal_fd != -1)
		close(t->signal_fd);
	sigprocmask(SIG_SETMASK, &t->signals_before, NULL);
	t->open = false;
}

void terminal_size(const struct terminal *t, size_t *ret_width, size_t *ret_height)
{
	struct winsize size;
	bool known = ioctl(t->out, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;

	*ret_width = known ? size.ws_col : 80;
	*ret_height = known ? size.ws_row : 24;
}

int terminal_show(struct terminal *t, const struct buf *screen)
{
	struct buf out = BUF_INIT;
	int r;

	buf_puts(&out, "\033[H");
	for (size_t i = 0; i < screen->len; i++) {
		/* What stood behind the end of a line goes. */
		if (screen->data[i] == '\n')
			buf_puts(&out, "\033[K");
		buf_putc(&out, screen->data[i]);
	}
	buf_puts(&out, "\033[K\033[J");
	r = buf_ok(&out) && buf_ok(screen) ? put(t->out, out.data, out.len) : -ENOMEM;
	buf_fini(&out);
	return r;
}

static enum terminal_event on_signal(struct terminal *t, int *ret_key)
{
	struct signalfd_siginfo info;

	if (read(t->signal_fd, &info, sizeof(info)) != sizeof(info))
		return TERMINAL_NOTHING;
	switch (info.ssi_signo) {
	case SIGWINCH:
		return TERMINAL_CHANGED;
	case SIGTSTP:
		leave(t);
		raise(SIGSTOP);
		return enter(t) == 0 ? TERMINAL_CHANGED : TERMINAL_END;
	default:
		*ret_key = (int)info.ssi_signo;
		return TERMINAL_END;
	}
}

enum terminal_event terminal_wait(struct terminal *t, int64_t timeout_ms, int *ret_key)
{
	struct pollfd fds[] = { { .fd = t->signal_fd, .events = POLLIN },
				{ .fd = t->in, .events = POLLIN } };
	unsigned char key;

	*ret_key = 0;
	if (poll(fds, 2, timeout_ms > 0 ? (int)timeout_ms : 0) <= 0)
		return TERMINAL_NOTHING;
	if (fds[0].revents)
		return on_signal(t, ret_key);
	if (read(t->in, &key, 1) != 1)
		return TERMINAL_END;
	*ret_key = key;
	return TERMINAL_KEY;
}
