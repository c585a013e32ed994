/* api_journal.c: GET /api/v1/journal: the last lines of the journal. They are read on the
 * work queue, since a disk may hang, and two at a time, since others need it too. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/loop.h"
#include "agent/base/parse.h"
#include "agent/holds/journal_tail.h"
#include "agent/http/ask.h"
#include "agent/http/internal.h"
#include "agent/http/routes.h"
#include "agent/http/wait.h"

enum { LINES = 100, READ_MS = 20 * 1000, READERS_MAX = 2 };

struct reading {
	struct http_server *server;
	struct http_wait *wait;
	struct journal_filter filter;
	char *names; /* of the filter */
	struct http_result result;
};

/* --- what is asked for ----------------------------------------------------------------- */

static int read_kind(const char *name, uint32_t *kinds, struct buf *why)
{
	enum journal_kind kind;

	if (journal_kind_find(name, &kind)) {
		*kinds |= UINT32_C(1) << kind;
		return 0;
	}
	buf_puts(why, "what: there are");
	for (int i = 0; i < JOURNAL_N_KINDS; i++)
		buf_printf(why, "%s %s", i == 0 ? "" : ",", journal_kinds[i].name);
	return -EINVAL;
}

/* "hold,release"; without one, all but samples, which would hide everything else. */
static int read_kinds(const char *text, uint32_t *ret_kinds, struct buf *why)
{
	uint32_t kinds = 0;
	char name[32];
	int r = 0;

	if (!text) {
		*ret_kinds = ~(UINT32_C(1) << JOURNAL_SAMPLE);
		return 0;
	}
	for (;; text++) {
		size_t len = strcspn(text, ",");

		*name = '\0';
		if (len < sizeof(name)) {
			memcpy(name, text, len);
			name[len] = '\0';
		}
		r = read_kind(name, &kinds, why);
		text += len;
		if (r < 0 || !*text)
			break;
	}
	if (r == 0)
		*ret_kinds = kinds;
	return r;
}

static int read_target(struct reading *job, const char *text, struct buf *why)
{
	char *slash;
	int r;

	if (!text)
		return 0;
	r = ask_target(text, &job->names, why);
	if (r < 0)
		return r;
	slash = strchr(job->names, '/');
	if (!slash) {
		job->filter.either = job->names;
		return 0;
	}
	*slash = '\0';
	job->filter.service = job->names;
	job->filter.realserver = slash + 1;
	return 0;
}

static int read_query(const struct http_request *r, struct reading *job, struct buf *why)
{
	const char *limit = http_query(r, "limit");
	uint64_t n = LINES;

	if (limit && (parse_u64(limit, &n) < 0 || n < 1 || n > JOURNAL_TAIL_MAX)) {
		buf_printf(why, "limit: is not a number from 1 to %d", JOURNAL_TAIL_MAX);
		return -EINVAL;
	}
	job->filter.limit = (size_t)n;
	if (read_kinds(http_query(r, "what"), &job->filter.kinds, why) < 0)
		return -EINVAL;
	return read_target(job, http_query(r, "target"), why);
}

/* --- reading ------------------------------------------------------------------------- */

static void reading_free(struct reading *job)
{
	atomic_fetch_sub(&job->server->readers, 1);
	if (job->wait)
		http_wait_end(job->wait, &job->result);
	free(job->names);
	free(job);
}

static void read_work(void *arg)
{
	struct reading *job = arg;
	struct buf *out = &job->result.text;
	struct journal_tail tail;
	int r = journal_tail(job->server->state_dir, &job->filter, &tail);

	job->result.value = r;
	if (r < 0)
		return;
	buf_puts(out, "{\"lines\":[");
	buf_put(out, buf_str(&tail.lines), tail.lines.len);
	buf_printf(out, "]%s}\n", tail.cut ? ",\"cut\":true" : "");
	buf_fini(&tail.lines);
}

static void read_done(void *arg)
{
	reading_free(arg);
}

static void read_post(void *arg)
{
	struct reading *job = arg;

	job->result.value = -ESHUTDOWN;
	if (loop_work(job->server->env.loop, "http-journal", read_work, read_done, job) < 0)
		reading_free(job);
}

static void after(struct http_request *r)
{
	struct http_result *result = http_wait_result(r);

	if (result->outcome == HTTP_WAIT_TIMEOUT)
		http_error(r, 504, "the journal could not be read in time");
	else if (result->outcome == HTTP_WAIT_STOPPING || result->value == -ESHUTDOWN)
		http_error(r, 503, "the agent is stopping");
	else if (result->value < 0)
		http_error(r, 500, "the journal cannot be read: %s", strerror(-result->value));
	else
		http_answer(r, 200, "application/json", &result->text);
}

/* The job is his who ends the wait, from here on. */
static void start(struct http_request *r, struct reading *job)
{
	job->wait = http_wait_begin(r, READ_MS, after);
	if (!job->wait) {
		reading_free(job);
		return;
	}
	job->result.value = -ESHUTDOWN;
	if (loop_post(job->server->env.loop, "http-journal", read_post, job) < 0)
		reading_free(job);
}

void http_journal(struct http_request *r)
{
	struct reading *job = calloc(1, sizeof(*job));
	struct buf why = BUF_INIT;
	int error;

	if (!job) {
		http_error(r, 500, "out of memory");
		return;
	}
	job->server = r->server;
	error = read_query(r, job, &why);
	if (error < 0) {
		http_error(r, error == -ENOMEM ? 500 : 400, "%s", buf_str(&why));
		free(job->names);
		free(job);
	} else if (atomic_fetch_add(&r->server->readers, 1) >= READERS_MAX) {
		http_add_header(r, "Retry-After", "1");
		http_error(r, 503, "the journal is being read already");
		reading_free(job);
	} else {
		start(r, job);
	}
	buf_fini(&why);
}
