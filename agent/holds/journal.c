/* journal.c: the journal's thread and its file. The thread is its own, because a disk
 * that hangs must hold neither the loop nor the ledger nor the work queue. Nothing is
 * synced but what is rotated: a kill costs what still queues, a few milliseconds; a power
 * cut may cost some seconds. */
#include "agent/holds/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/base/clock.h"

enum {
	QUEUE_MAX = 4 * 1024 * 1024, /* bytes that wait; as many may be on their way */
	KEPT = 256 * 1024,           /* of a queue that was emptied */
	RETRY_MS = 1000,
};

static const char FILE_NAME[] = "journal", OLD_NAME[] = "journal.1";

struct journal {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wake; /* on CLOCK_MONOTONIC */
	struct buf waiting;  /* whole lines */
	uint64_t size_max;
	bool stop;
	struct journal_stats stats;
	/* The loop's own: */
	struct journal_line line;
	struct journal_tap tap; /* all NULL = none */
	uint64_t seq;
	/* The thread's own: */
	char *dir;
	int fd;         /* -1 = not open */
	uint64_t size;  /* of the file */
	bool torn;      /* it ends in the middle of a line */
	struct buf out; /* lines that were taken from those that wait */
	size_t done;    /* bytes of them that are written */
};

static uint64_t count_lines(const char *bytes, size_t len)
{
	const char *at = bytes, *end = bytes + len;
	uint64_t n = 0;

	while (at < end && (at = memchr(at, '\n', (size_t)(end - at)))) {
		at++;
		n++;
	}
	return n;
}

/* --- the file ----------------------------------------------------------------- */

/* Where the last whole line ends, if it can be seen from the file's end. */
static int find_end(int fd, uint64_t size, uint64_t *ret_end, bool *ret_torn)
{
	size_t len = size < JOURNAL_LINE_MAX ? (size_t)size : JOURNAL_LINE_MAX;
	char *tail = malloc(JOURNAL_LINE_MAX);
	const char *newline;
	ssize_t n;
	int r = 0;

	if (!tail)
		return -ENOMEM;
	n = pread(fd, tail, len, (off_t)(size - len));
	newline = n > 0 ? memrchr(tail, '\n', (size_t)n) : NULL;
	if (n == -1) {
		r = -errno;
	} else if ((size_t)n != len) {
		r = -EIO;
	} else if (newline) {
		*ret_end = size - len + (size_t)(newline - tail) + 1;
	} else if (len == size) {
		*ret_end = 0;
	} else {
		/* No line of ours: it stays, and the next one begins a line below. */
		*ret_end = size;
		*ret_torn = true;
	}
	free(tail);
	return r;
}

static int open_file(struct journal *j)
{
	struct buf path = BUF_INIT;
	struct stat st;
	uint64_t end = 0;
	bool torn = false;
	int fd, r = 0;

	buf_printf(&path, "%s/%s", j->dir, FILE_NAME);
	if (!buf_ok(&path))
		return -ENOMEM;
	fd = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);
	buf_fini(&path);
	if (fd == -1)
		return -errno;
	if (fstat(fd, &st) == -1)
		r = -errno;
	else if (!S_ISREG(st.st_mode))
		r = -ENOTSUP;
	if (r == 0)
		r = find_end(fd, (uint64_t)st.st_size, &end, &torn);
	if (r == 0 && end < (uint64_t)st.st_size && ftruncate(fd, (off_t)end) == -1)
		r = -errno;
	if (r != 0) {
		close(fd);
		return r;
	}
	j->fd = fd;
	j->size = end;
	j->torn = torn;
	return 0;
}

static void close_file(struct journal *j)
{
	if (j->fd != -1)
		close(j->fd);
	j->fd = -1;
}

/* journal → journal.1; the next write opens a new one. */
static int rotate(struct journal *j)
{
	struct buf from = BUF_INIT, to = BUF_INIT;
	int r = 0;

	buf_printf(&from, "%s/%s", j->dir, FILE_NAME);
	buf_printf(&to, "%s/%s", j->dir, OLD_NAME);
	if (!buf_ok(&from) || !buf_ok(&to))
		r = -ENOMEM;
	else if (rename(from.data, to.data) == -1 && errno != ENOENT)
		r = -errno;
	buf_fini(&from);
	buf_fini(&to);
	if (r == 0) {
		(void)fdatasync(j->fd);
		close_file(j);
	}
	return r;
}

/* Appends whole lines; the file is as it was on failure, where that can be had. */
static int append(struct journal *j, const char *bytes, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = pwrite(j->fd, bytes + done, len - done, (off_t)(j->size + done));
		if (n > 0) {
			done += (size_t)n;
		} else if (n == 0 || errno != EINTR) {
			int r = n == 0 ? -EIO : -errno;

			if (done > 0 && ftruncate(j->fd, (off_t)j->size) == -1) {
				j->size += done;
				j->torn = true;
			}
			return r;
		}
	}
	j->size += len;
	return 0;
}

/* How many bytes of whole lines fit below the limit: at least one line in an empty file,
 * however long. */
static size_t fitting(const struct journal *j, uint64_t size_max)
{
	const char *at = j->out.data + j->done;
	size_t left = j->out.len - j->done;
	uint64_t room = size_max > j->size ? size_max - j->size : 0;
	const char *newline;

	if (left <= room)
		return left;
	newline = memrchr(at, '\n', (size_t)room);
	if (!newline && j->size == 0)
		newline = memchr(at, '\n', left);
	return newline ? (size_t)(newline - at) + 1 : 0;
}

static void count_written(struct journal *j, size_t len)
{
	uint64_t n = count_lines(j->out.data + j->done, len);

	pthread_mutex_lock(&j->mutex);
	j->stats.lines += n;
	pthread_mutex_unlock(&j->mutex);
	j->done += len;
}

/* Somebody may have removed the file, or cut it. */
static void look(struct journal *j)
{
	struct stat st;

	if (j->fd == -1 || fstat(j->fd, &st) == -1)
		return;
	if (st.st_nlink == 0)
		close_file(j);
	else if ((uint64_t)st.st_size < j->size)
		j->size = (uint64_t)st.st_size;
}

/* Writes all that was taken. */
static int write_out(struct journal *j, uint64_t size_max)
{
	size_t len;
	int r = 0;

	look(j);
	while (r == 0 && j->done < j->out.len) {
		if (j->fd == -1)
			r = open_file(j);
		if (r == 0 && j->torn) {
			r = append(j, "\n", 1);
			j->torn = r != 0;
		}
		if (r != 0)
			break;
		len = fitting(j, size_max);
		if (len == 0) {
			r = rotate(j);
			continue;
		}
		r = append(j, j->out.data + j->done, len);
		if (r == 0)
			count_written(j, len);
	}
	if (r != 0)
		return r;
	j->done = 0;
	/* A storm's memory is given back. */
	if (j->out.cap > KEPT)
		buf_fini(&j->out);
	else
		buf_reset(&j->out);
	return 0;
}

/* --- the thread --------------------------------------------------------------- */

/* Waits for lines, for the time to try again, or for the end. */
static void wait_lines(struct journal *j, bool failed)
{
	int64_t until = clock_mono_ms() + RETRY_MS;
	struct timespec ts = { .tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000 };
	int r = 0;

	while (!j->stop && r != ETIMEDOUT && (failed || !j->waiting.len)) {
		if (failed)
			r = pthread_cond_timedwait(&j->wake, &j->mutex, &ts);
		else
			pthread_cond_wait(&j->wake, &j->mutex);
	}
}

static void *run(void *arg)
{
	struct journal *j = arg;
	uint64_t size_max;
	bool last = false;
	int r = 0;

	while (!last) {
		pthread_mutex_lock(&j->mutex);
		wait_lines(j, r != 0);
		last = j->stop;
		size_max = j->size_max;
		if (j->out.len == 0) {
			struct buf empty = j->out;

			j->out = j->waiting;
			j->waiting = empty;
		}
		/* The very last attempt is for both. */
		last = last && j->waiting.len == 0;
		pthread_mutex_unlock(&j->mutex);
		r = write_out(j, size_max ? size_max : UINT64_MAX);
		pthread_mutex_lock(&j->mutex);
		j->stats.errors += r != 0;
		j->stats.error = r;
		last = last || (j->stop && r != 0);
		pthread_mutex_unlock(&j->mutex);
	}
	return NULL;
}

static int start_thread(struct journal *j)
{
	pthread_condattr_t attr;
	sigset_t all, old;
	int r;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&j->wake, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&j->mutex, NULL);
	/* Signals are the loop's; SIGXFSZ would end the process where EFBIG is enough. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = -pthread_create(&j->thread, NULL, run, j);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r == 0)
		return 0;
	pthread_mutex_destroy(&j->mutex);
	pthread_cond_destroy(&j->wake);
	return r;
}

/* --- the loop's side ---------------------------------------------------------- */

int journal_new(const char *state_dir, uint64_t size, struct journal **ret_journal)
{
	struct journal *j = calloc(1, sizeof(*j));
	int r = -ENOMEM;

	if (j)
		j->dir = strdup(state_dir);
	if (j && j->dir) {
		j->fd = -1;
		j->size_max = size;
		r = start_thread(j);
	}
	if (r == 0) {
		*ret_journal = j;
		return 0;
	}
	if (j)
		free(j->dir);
	free(j);
	return r;
}

void journal_free(struct journal *j)
{
	if (!j)
		return;
	pthread_mutex_lock(&j->mutex);
	j->stop = true;
	pthread_cond_signal(&j->wake);
	pthread_mutex_unlock(&j->mutex);
	pthread_join(j->thread, NULL);
	pthread_mutex_destroy(&j->mutex);
	pthread_cond_destroy(&j->wake);
	close_file(j);
	journal_line_fini(&j->line);
	buf_fini(&j->waiting);
	buf_fini(&j->out);
	free(j->dir);
	free(j);
}

void journal_set_size(struct journal *j, uint64_t size)
{
	if (!j)
		return;
	pthread_mutex_lock(&j->mutex);
	j->size_max = size;
	pthread_mutex_unlock(&j->mutex);
}

void journal_set_tap(struct journal *j, const struct journal_tap *tap)
{
	if (j)
		j->tap = *tap;
}

static bool tapped(const struct journal *j, enum journal_kind kind)
{
	return j->tap.wants && j->tap.wants(j->tap.arg, kind);
}

struct journal_line *journal_begin(struct journal *j, enum journal_kind kind, int64_t wall_ms,
				   int64_t mono_ms)
{
	/* Only this thread writes it. */
	if (!j || (!j->size_max && !tapped(j, kind)))
		return NULL;
	journal_line_begin(&j->line, kind, wall_ms, mono_ms, ++j->seq);
	return &j->line;
}

void journal_end(struct journal *j, struct journal_line *line)
{
	const struct buf *text;
	bool idle, ok;

	if (!line)
		return;
	ok = journal_line_end(line) == 0;
	text = &line->text;
	if (ok && tapped(j, line->kind))
		j->tap.line(j->tap.arg, text, j->seq);
	if (!j->size_max)
		return;
	pthread_mutex_lock(&j->mutex);
	idle = j->waiting.len == 0;
	ok = ok && text->len <= QUEUE_MAX - j->waiting.len && buf_reserve(&j->waiting, text->len);
	if (ok)
		buf_put(&j->waiting, text->data, text->len);
	else
		j->stats.dropped++;
	/* A reservation that failed is no reason to lose what stands. */
	j->waiting.failed = false;
	if (ok && idle)
		pthread_cond_signal(&j->wake);
	pthread_mutex_unlock(&j->mutex);
}

void journal_stats(struct journal *j, struct journal_stats *ret_stats)
{
	if (!j) {
		*ret_stats = (struct journal_stats){ 0 };
		return;
	}
	pthread_mutex_lock(&j->mutex);
	*ret_stats = j->stats;
	pthread_mutex_unlock(&j->mutex);
}
