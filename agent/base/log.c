/* log.c: one logfmt line a call, made whole before it is written, so that
 * threads never mix. The rate limit is per message text: a storm of one kind
 * never hides the first line of another. */
#include "agent/base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/buf.h"
#include "agent/base/clock.h"

enum { RATE_SLOTS = 64, RATE_LINES = 100, RATE_WINDOW_MS = 10000 };

const char *const log_level_names[] = { "error", "warn", "info", "debug", NULL };

static _Atomic enum log_level level_now = LOG_INFO;

/* A slot counts the lines of one message text; collisions share the limit. */
static struct {
	int64_t since_ms;
	unsigned int lines, dropped;
} rate[RATE_SLOTS];
static pthread_mutex_t rate_lock = PTHREAD_MUTEX_INITIALIZER;

void log_set_level(enum log_level level)
{
	atomic_store(&level_now, level);
}

bool log_enabled(enum log_level level)
{
	return level <= atomic_load(&level_now);
}

/* True when the line may be written; tells how many were dropped before it. */
static bool rate_admit(const char *msg, unsigned int *ret_dropped)
{
	uint32_t hash = 2166136261u;
	int64_t now = clock_mono_ms();
	const char *c;
	bool admit;
	size_t slot;

	for (c = msg; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	slot = hash % RATE_SLOTS;
	pthread_mutex_lock(&rate_lock);
	if (now - rate[slot].since_ms >= RATE_WINDOW_MS) {
		rate[slot].since_ms = now;
		rate[slot].lines = 0;
	}
	admit = rate[slot].lines < RATE_LINES;
	if (admit) {
		rate[slot].lines++;
		*ret_dropped = rate[slot].dropped;
		rate[slot].dropped = 0;
	} else {
		rate[slot].dropped++;
	}
	pthread_mutex_unlock(&rate_lock);
	return admit;
}

static bool plain(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == '"' || *s == '=' || *s == '\\' ||
		    (unsigned char)*s >= 127)
			return false;
	return true;
}

/* Quoted where it must be; control characters never reach the terminal. */
static void put_text(struct buf *line, const char *s)
{
	if (plain(s)) {
		buf_puts(line, s);
		return;
	}
	buf_putc(line, '"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			buf_printf(line, "\\%c", c);
		else if (c == '\n')
			buf_puts(line, "\\n");
		else if (c < ' ' || c == 127)
			buf_printf(line, "\\x%02x", c);
		else
			buf_putc(line, (char)c);
	}
	buf_putc(line, '"');
}

static void put_fact(struct buf *line, const struct log_fact *f)
{
	int64_t ms = f->num;

	buf_printf(line, " %s=", f->key);
	switch (f->kind) {
	case LOG_KIND_STR:
		put_text(line, f->str ? f->str : "");
		break;
	case LOG_KIND_MS:
		buf_printf(line, "%s%lld.%03llds", ms < 0 ? "-" : "",
			   (long long)(ms < 0 ? -ms : ms) / 1000,
			   (long long)(ms < 0 ? -ms : ms) % 1000);
		break;
	case LOG_KIND_ERRNO:
		put_text(line,
			 strerrordesc_np((int)(f->num < 0 ? -f->num : f->num)) ?: "unknown error");
		break;
	case LOG_KIND_INT:
	case LOG_KIND_NONE:
		buf_put_i64(line, f->num);
		break;
	}
}

void log_facts(enum log_level level, const char *msg, const struct log_fact *facts, int n)
{
	struct buf line = BUF_INIT;
	unsigned int dropped = 0;
	int saved = errno;
	int i;

	if (!log_enabled(level) || !rate_admit(msg, &dropped))
		return;
	buf_puts(&line, "ts=");
	clock_format_wall(&line, clock_wall_ms());
	buf_printf(&line, " level=%s msg=", log_level_names[level]);
	put_text(&line, msg);
	for (i = 0; i < n; i++)
		put_fact(&line, &facts[i]);
	if (dropped)
		buf_printf(&line, " left_out=%u", dropped);
	buf_putc(&line, '\n');
	if (buf_ok(&line) && write(STDERR_FILENO, line.data, line.len) == -1)
		errno = saved; /* nobody is left to tell */
	buf_fini(&line);
	errno = saved;
}
