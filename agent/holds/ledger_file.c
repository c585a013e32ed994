/* ledger_file.c: the file that outlives the process. It is only ever appended to at
 * the end of the last good record, or replaced as a whole by rename, so a crash at any
 * byte leaves the old state, the new one, or a tail that reading forgets.
 *
 * After a failed write or fdatasync the file is not trusted any more (the kernel may
 * have dropped the pages and report the next fdatasync as good): it is cut back, and
 * the next write is a new file. */
#include "agent/holds/ledger_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/base/clock.h"

static const char FILE_NAME[] = "ledger", NEW_NAME[] = "ledger.new", LOCK_NAME[] = "lock";
static const uint64_t COMPACT_MIN = 1024 * 1024, FILE_MAX = 256 * 1024 * 1024;

struct ledger_file {
	int dir_fd, lock_fd, fd; /* -1 = none */
	struct replay replay;    /* what the file says, or shall say */
	uint64_t size;           /* up to the end of the last good record */
	uint64_t next;           /* sequence of the next record */
	uint64_t base;           /* size when it was last written anew */
	uint64_t compact_min;
	int error; /* 0, or why it cannot be written */
};

void ledger_change_fini(struct ledger_change *c)
{
	record_fini(&c->record);
	free(c->placed_id);
	hold_free(c->old);
	c->placed_id = NULL;
	c->old = NULL;
}

static int say(struct buf *why, int error, const char *what, const char *dir, const char *name)
{
	buf_printf(why, "%s %s%s%s: %s", what, dir, *name ? "/" : "", name, strerror(-error));
	return error;
}

/* --- reading ----------------------------------------------------------------- */

static int read_all(int fd, struct buf *out)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) == -1)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOTSUP;
	if ((uint64_t)st.st_size > FILE_MAX)
		return -EFBIG;
	do {
		if (!buf_reserve(out, 64 * 1024))
			return -ENOMEM;
		n = read(fd, out->data + out->len, 64 * 1024);
		if (n == -1 && errno != EINTR)
			return -errno;
		if (n > 0)
			out->len += (size_t)n;
	} while (n != 0 && out->len <= FILE_MAX);
	return n == 0 ? 0 : -EFBIG;
}

/* Reads dir/ledger into an empty replay; a missing file is an empty one. */
static int load(int dir_fd, const char *dir, struct replay *p, struct buf *why,
		struct replay_end *ret_end, struct buf *damage)
{
	struct buf data = BUF_INIT;
	int fd = openat(dir_fd, FILE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int r;

	if (fd == -1 && errno == ENOENT) {
		*ret_end = (struct replay_end){ 0 };
		return 0;
	}
	if (fd == -1)
		return say(why, -errno, "cannot open", dir, FILE_NAME);
	r = read_all(fd, &data);
	close(fd);
	if (r == -ENOTSUP) {
		buf_printf(why, "%s/%s is not a plain file", dir, FILE_NAME);
	} else if (r != 0) {
		say(why, r, "cannot read", dir, FILE_NAME);
	} else {
		r = replay_read(p, data.data ? data.data : "", data.len, damage, ret_end);
		if (r == -ENOMEM)
			say(why, r, "cannot read", dir, FILE_NAME);
		if (r == -EPROTONOSUPPORT)
			buf_printf(why, "%s/%s: %s; upgrade ipvs-agent, or move the file away", dir,
				   FILE_NAME, buf_str(damage));
	}
	buf_fini(&data);
	return r;
}

static int state_of(const struct replay *p, const struct replay_end *end, struct buf *damage,
		    struct ledger_state *ret_state)
{
	int r = replay_to_state(p, ret_state);

	if (r != 0 || !end->damaged)
		return r;
	ret_state->damaged = true;
	ret_state->damage = buf_take(damage);
	if (ret_state->damage)
		return 0;
	ledger_state_fini(ret_state);
	return -ENOMEM;
}

int ledger_read(const char *state_dir, struct buf *why, struct ledger_state *ret_state)
{
	struct replay p = { 0 };
	struct replay_end end = { 0 };
	struct buf damage = BUF_INIT;
	int dir_fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = replay_init(&p);

	if (dir_fd == -1 && errno != ENOENT)
		r = say(why, -errno, "cannot open", state_dir, "");
	if (r == 0 && dir_fd != -1)
		r = load(dir_fd, state_dir, &p, why, &end, &damage);
	if (r == 0)
		r = state_of(&p, &end, &damage, ret_state);
	if (dir_fd != -1)
		close(dir_fd);
	buf_fini(&damage);
	replay_fini(&p);
	return r;
}

/* --- writing ----------------------------------------------------------------- */

static int write_all(int fd, const struct buf *b, uint64_t offset)
{
	size_t done = 0;
	ssize_t n;

	while (done < b->len) {
		n = pwrite(fd, b->data + done, b->len - done, (off_t)(offset + done));
		if (n == -1 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -EIO;
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

/* Makes the whole state a new file and puts it in the old one's place. On failure the
 * old file is as it was, but for a failed fsync of the directory, after which either
 * may be there: both are whole. */
static int write_anew(struct ledger_file *f)
{
	struct buf out = BUF_INIT;
	uint64_t next;
	int fd = -1;
	int r = replay_write(&f->replay, &out, &next);

	if (r != 0)
		goto out;
	fd = openat(f->dir_fd, NEW_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		    0640);
	if (fd == -1) {
		r = -errno;
		goto out;
	}
	r = write_all(fd, &out, 0);
	if (r == 0 && fsync(fd) == -1)
		r = -errno;
	if (r == 0 && renameat(f->dir_fd, NEW_NAME, f->dir_fd, FILE_NAME) == -1)
		r = -errno;
	if (r != 0) {
		unlinkat(f->dir_fd, NEW_NAME, 0);
		goto out;
	}
	/* The new file is in place: what was open is not the ledger any more. */
	if (f->fd != -1)
		close(f->fd);
	f->fd = fd;
	fd = -1;
	f->size = f->base = out.len;
	f->next = next;
	if (fsync(f->dir_fd) == -1)
		r = f->error = -errno;
out:
	if (fd != -1)
		close(fd);
	buf_fini(&out);
	return r;
}

int ledger_file_repair(struct ledger_file *f)
{
	f->error = write_anew(f);
	return f->error;
}

int ledger_file_error(const struct ledger_file *f)
{
	return f->error;
}

void ledger_file_set_compact_min(struct ledger_file *f, uint64_t bytes)
{
	f->compact_min = bytes;
}

void ledger_file_tend(struct ledger_file *f)
{
	if (f->error != 0 || f->size <= f->compact_min || f->size / 4 <= f->base)
		return;
	/* Where there is no room for a second file the first goes on, and the next
	 * attempt is made when it is four times larger still. */
	if (write_anew(f) != 0)
		f->base = f->size;
}

/* --- a batch ----------------------------------------------------------------- */

/* Encodes a change and applies it to the state. What must not stand unless it is on
 * disk is marked by its id. */
static int take_in(struct ledger_file *f, struct ledger_change *c, struct buf *out, uint64_t next)
{
	size_t before = out->len;
	int r;

	if (c->record.type == RECORD_PLACE && c->record.hold->hold_class != HOLD_RULE) {
		c->placed_id = strdup(c->record.hold->id);
		c->seen_before = seen_get(&f->replay.seen, c->record.hold->origin);
		if (!c->placed_id)
			return -ENOMEM;
	}
	r = record_put(out, next, &c->record);
	if (r == 0)
		r = replay_apply(&f->replay, &c->record, &c->old);
	if (r != 0)
		out->len = before;
	return r;
}

/* Takes an operator's or an alert's hold back that could not be recorded; the one
 * it had replaced stands again. */
static void take_back(struct ledger_file *f, struct ledger_change *c)
{
	struct hold *h = holds_take(f->replay.holds, c->placed_id);

	/* Or it would be known to have ended. */
	if (h && h->number)
		seen_lower(&f->replay.seen, h->origin, c->seen_before);
	hold_free(h);
	/* Memory is out: the old one is not in the ledger until it is placed again. */
	if (c->old && holds_place(f->replay.holds, c->old, NULL) == 0)
		c->old = NULL;
}

static int append(struct ledger_file *f, const struct buf *out)
{
	struct stat st;
	int r = write_all(f->fd, out, f->size);

	if (r == 0 && fdatasync(f->fd) == -1)
		r = -errno;
	/* Somebody removed the file: what is in it is lost with the process. */
	if (r == 0 && fstat(f->fd, &st) == 0 && st.st_nlink == 0)
		r = -ESTALE;
	if (r == 0)
		return 0;
	/* Nothing half-written and nothing refused may stay. Should even that fail: the
	 * file is replaced before anything else is written. */
	if (ftruncate(f->fd, (off_t)f->size) == 0)
		fdatasync(f->fd);
	return r;
}

void ledger_file_commit(struct ledger_file *f, struct ledger_change *const *changes, size_t n)
{
	struct buf out = BUF_INIT;
	uint64_t next = f->next;
	int r = f->error;

	for (size_t i = 0; i < n; i++) {
		changes[i]->error = take_in(f, changes[i], &out, next);
		if (changes[i]->error == 0)
			next++;
	}
	if (r == 0 && out.len > 0)
		r = f->error = append(f, &out);
	/* A removed file needs no free space, only a new one. */
	if (r == -ESTALE)
		r = ledger_file_repair(f);
	else if (r == 0) {
		f->size += out.len;
		f->next = next;
	}
	for (size_t i = n; r != 0 && i-- > 0;) {
		if (changes[i]->error != 0)
			continue;
		changes[i]->error = r;
		if (changes[i]->placed_id)
			take_back(f, changes[i]);
	}
	buf_fini(&out);
}

/* --- opening ----------------------------------------------------------------- */

static int open_dir(struct ledger_file *f, const char *dir, struct buf *why)
{
	if (mkdir(dir, 0750) == -1 && errno != EEXIST)
		return say(why, -errno, "cannot create", dir, "");
	f->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dir_fd == -1)
		return say(why, -errno, "cannot open", dir, "");
	/* A file of its own: the ledger itself is replaced, its lock would go with it. */
	f->lock_fd = openat(f->dir_fd, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (f->lock_fd == -1)
		return say(why, -errno, "cannot open", dir, LOCK_NAME);
	if (flock(f->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return say(why, -errno, "cannot lock", dir, LOCK_NAME);
	buf_printf(why, "another ipvs-agent is running: it holds the lock on %s/%s", dir,
		   LOCK_NAME);
	return -EBUSY;
}

/* ledger → ledger.damaged-20260304T050607.891Z */
static int set_aside(struct ledger_file *f, const char *dir, struct buf *why, char **ret_path)
{
	struct buf stamp = BUF_INIT, path = BUF_INIT;
	size_t dir_len = strlen(dir) + 1;
	int r = 0;

	clock_format_wall(&stamp, clock_wall_ms());
	buf_printf(&path, "%s/%s.damaged-", dir, FILE_NAME);
	for (const char *c = buf_str(&stamp); *c; c++) {
		if (*c != ':' && *c != '-')
			buf_putc(&path, *c);
	}
	if (!buf_ok(&stamp) || !buf_ok(&path))
		r = say(why, -ENOMEM, "cannot set aside", dir, FILE_NAME);
	else if (renameat(f->dir_fd, FILE_NAME, f->dir_fd, path.data + dir_len) == -1)
		r = say(why, -errno, "cannot set aside the damaged", dir, FILE_NAME);
	else
		*ret_path = buf_take(&path);
	buf_fini(&stamp);
	buf_fini(&path);
	return r;
}

int ledger_file_open(const char *state_dir, struct buf *why, struct ledger_state *ret_state,
		     struct ledger_file **ret_file)
{
	struct ledger_file *f = calloc(1, sizeof(*f));
	struct ledger_state state = { 0 };
	struct replay_end end = { 0 };
	struct buf damage = BUF_INIT;
	int r;

	if (!f)
		return say(why, -ENOMEM, "cannot open", state_dir, FILE_NAME);
	f->dir_fd = f->lock_fd = f->fd = -1;
	f->compact_min = COMPACT_MIN;
	r = open_dir(f, state_dir, why);
	if (r != 0)
		goto out;
	r = replay_init(&f->replay);
	if (r == 0)
		r = load(f->dir_fd, state_dir, &f->replay, why, &end, &damage);
	if (r != 0)
		goto out;
	r = state_of(&f->replay, &end, &damage, &state);
	if (r != 0) {
		say(why, r, "cannot read", state_dir, FILE_NAME);
		goto out;
	}
	if (end.damaged)
		r = set_aside(f, state_dir, why, &state.set_aside);
	if (r != 0)
		goto out;
	f->error = write_anew(f);
	*ret_state = state;
	state = (struct ledger_state){ 0 };
	*ret_file = f;
	f = NULL;
out:
	buf_fini(&damage);
	ledger_state_fini(&state);
	ledger_file_free(f);
	return r;
}

void ledger_file_free(struct ledger_file *f)
{
	if (!f)
		return;
	replay_fini(&f->replay);
	if (f->fd != -1)
		close(f->fd);
	if (f->lock_fd != -1)
		close(f->lock_fd);
	if (f->dir_fd != -1)
		close(f->dir_fd);
	free(f);
}
