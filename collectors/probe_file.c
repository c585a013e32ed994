/* probe_file.c: somebody writes into a file how the realserver is: up, down, or a share of
 * its weight. The file is read anew for each attempt, on the work queue: a disk, or what
 * is mounted there, may take its time. Nothing but a regular file is read, so that no pipe
 * and no device holds us; and what is wrong with the file says nothing of the server. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/base/attr.h"
#include "agent/base/loop.h"
#include "agent/probe.h"
#include "collectors/probe_path.h"
#include "collectors/probe_turn.h"
#include "collectors/table.h"
#include "conf/key.h"

enum {
	MAX_READ = 256, /* the first line is looked at, and the first word of it counts */
	AT_ONCE = 2,    /* of the work queue's four threads: others need them too */
};

struct file_conf {
	int absent; /* enum probe_reason */
	bool dynamic;
};

/* Stays until the last job is back, which may be after its scheduler. */
struct file_commons {
	struct loop *loop;
	struct turns turns;
	unsigned int users;
};

/* One reading; the attempt may be gone before it ends. */
struct file_job {
	struct probe_run *run; /* NULL = gone */
	struct file_commons *commons;
	struct turn turn;
	char *path;
	int error;
	bool under_way;
	size_t len;
	char text[MAX_READ + 1];
};

struct file_run {
	struct file_job *job;
};

/* --- jobs --------------------------------------------------------------------- */

static void commons_unref(struct file_commons *c)
{
	if (!--c->users)
		free(c);
}

static void job_free(struct file_job *j)
{
	struct file_commons *c = j->commons;

	turn_give(&c->turns, &j->turn);
	free(j->path);
	free(j);
	commons_unref(c);
}

/* On the work queue. */
static int read_file(struct file_job *j)
{
	int fd = open(j->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), r = 0;
	struct stat st;
	ssize_t n;

	if (fd == -1)
		return -errno;
	if (fstat(fd, &st) == -1)
		r = -errno;
	else if (!S_ISREG(st.st_mode))
		r = -EINVAL;
	while (!r && j->len < MAX_READ) {
		n = read(fd, j->text + j->len, MAX_READ - j->len);
		if (n == -1 && errno != EINTR)
			r = -errno;
		if (n == 0)
			break;
		j->len += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	return r;
}

static void work(void *arg)
{
	struct file_job *j = arg;

	j->error = read_file(j);
}

/* --- judging ------------------------------------------------------------------ */

static bool is_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	return !strncmp(text, word, len) && (!text[len] || strchr(" \t\r\n", text[len]));
}

static enum probe_reason of_error(const struct file_conf *c, int error)
{
	switch (error) {
	case -ENOENT:
	case -ENOTDIR:
		return (enum probe_reason)c->absent;
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
		return PROBE_LOCAL_RESOURCES;
	default:
		return PROBE_LOCAL_CONFIG;
	}
}

static void judge(const struct file_conf *c, const struct file_job *j, struct probe_report *r,
		  struct probe_advice *a)
{
	const char *text = j->text + strspn(j->text, " \t\r\n");

	bool up = is_word(text, "up"), share = probe_share(text, &(uint32_t){ 0 });

	*a = probe_share_advice(text);
	if (c->dynamic && (up || share))
		r->advice = a;
	if (up)
		return;
	if (is_word(text, "down")) {
		r->reason = PROBE_FILE_DOWN;
	} else if (!share) {
		r->reason = PROBE_LOCAL_CONFIG;
		r->text = "the file begins with neither up, down nor a share such as 75%";
	} else if (!c->dynamic) {
		r->reason = PROBE_LOCAL_CONFIG;
		r->text = "the file says a share of the weight, and dynamic is off";
	}
}

static void on_read(void *arg)
{
	struct file_job *j = arg;
	struct probe_run *run = j->run;
	struct probe_advice advice;
	struct probe_report report = { 0 };

	if (run && j->error) {
		report.reason = of_error(run->conf->head.part_conf, j->error);
		report.os_errno = report.reason == PROBE_OK ? 0 : -j->error;
		report.text = j->error == -EINVAL ? "not a regular file" : NULL;
	} else if (run) {
		judge(run->conf->head.part_conf, j, &report, &advice);
	}
	job_free(j);
	if (run)
		probe_done(run, &report);
}

/* --- an attempt --------------------------------------------------------------- */

static void on_turn(void *arg)
{
	struct file_job *j = arg;
	struct probe_run *run = j->run;
	int r = loop_work(j->commons->loop, "probe_file", work, on_read, j);

	j->under_way = !r;
	if (!r)
		return;
	job_free(j);
	probe_done(run, &(struct probe_report){ .reason = PROBE_LOCAL_RESOURCES, .os_errno = -r });
}

static struct file_job *job_new(struct probe_run *run)
{
	struct file_job *j = calloc(1, sizeof(*j));
	struct buf path = BUF_INIT;

	if (!j)
		return NULL;
	probe_path(&path, run->conf, &run->addr);
	j->path = buf_take(&path);
	if (!j->path) {
		free(j);
		return NULL;
	}
	j->run = run;
	j->commons = run->commons;
	j->commons->users++;
	return j;
}

static void file_start(struct probe_run *run)
{
	struct file_run *f = run->state;
	struct file_job *j = job_new(run);

	if (!j) {
		probe_done(run, &(struct probe_report){ .reason = PROBE_LOCAL_RESOURCES,
							.os_errno = ENOMEM });
		return;
	}
	f->job = j;
	turn_ask(&j->commons->turns, &j->turn, AT_ONCE, on_turn, j);
}

static void file_cancel(struct probe_run *run)
{
	struct file_run *f = run->state;

	f->job->run = NULL;
	if (!f->job->under_way)
		job_free(f->job);
}

/* --- what all share ----------------------------------------------------------- */

static int file_commons_new(struct loop *loop, void **ret_commons)
{
	struct file_commons *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->loop = loop;
	c->users = 1;
	turns_init(&c->turns);
	*ret_commons = c;
	return 0;
}

static void file_commons_free(void *commons)
{
	commons_unref(commons);
}

/* --- keys --------------------------------------------------------------------- */

static int file_finish(struct probe_conf *conf, struct arena *arena ATTR_UNUSED, struct buf *why)
{
	return probe_path_check(conf, why);
}

static const struct conf_enum absents[] = { { "up", PROBE_OK },
					    { "down", PROBE_FILE_DOWN },
					    { "unknown", PROBE_LOCAL_CONFIG },
					    { .name = NULL } };

/* clang-format off */
static const struct conf_key keys[] = {
	{ .name = "absent", .type = &conf_enum_type, .offset = offsetof(struct file_conf, absent),
	  .def = "unknown", .extra = absents,
	  .help = "up | down | unknown: what it means that there is no such file." },
	{ .name = "dynamic", .type = &conf_bool, .offset = offsetof(struct file_conf, dynamic),
	  .def = "off",
	  .help = "Whether the file may say a share of the weight, such as 75%." },
};
/* clang-format on */

static const struct probe_scheme schemes[] = {
	{ .name = "file", .path = true },
	{ .name = NULL },
};

const struct probe_type probe_file = {
	.name = "file",
	.schemes = schemes,
	.help = "Reads from a file how the realserver is.",
	.part = { .name = "file",
		  .keys = keys,
		  .n_keys = countof(keys),
		  .size = sizeof(struct file_conf) },
	.run_size = sizeof(struct file_run),
	.finish = file_finish,
	.commons_new = file_commons_new,
	.commons_free = file_commons_free,
	.on_timeout = PROBE_LOCAL_RESOURCES, /* the disk is ours */
	.start = file_start,
	.cancel = file_cancel,
};
