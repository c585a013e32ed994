/* probe_redis.c: does a Redis server serve? PING needs no password to say so: a server that
 * asks for one is at work. One that is loading, or that has lost its master and was told
 * not to answer then, is not. Valkey, KeyDB and the like say the same. */
#include <string.h>

#include "collectors/stream.h"
#include "collectors/table.h"

enum { LINE_MAX_BYTES = 4096 }; /* why protected mode refuses takes 1 KB */

#define PING "*1\r\n$4\r\nPING\r\n"

/* How lines begin that are told by a server at work. */
static const char *const served[] = {
	"+PONG",
	"-NOAUTH",                      /* it wants a password … */
	"-ERR operation not permitted", /* … and before Redis 2.8 */
	"-NOPERM",                      /* this user may not ping */
	"-ERR unknown command",         /* PING was renamed */
};

static void redis_begin(struct stream *s)
{
	s->max = LINE_MAX_BYTES;
	buf_put(&s->out, PING, sizeof(PING) - 1);
}

static enum stream_next redis_judge(struct stream *s, bool last ATTR_UNUSED,
				    struct probe_report *verdict)
{
	const char *line = s->in.data, *end = s->in.len ? memchr(line, '\n', s->in.len) : NULL;
	size_t i;

	if (s->in.len && *line != '+' && *line != '-') {
		verdict->reason = PROBE_ANSWER_MALFORMED;
		return STREAM_END;
	}
	if (!end)
		return STREAM_MORE;
	*verdict = (struct probe_report){ .reason = PROBE_ANSWER_BODY,
					  .text = stream_text(s, line, (size_t)(end - line)) };
	for (i = 0; i < countof(served); i++)
		if (!strncmp(line, served[i], strlen(served[i])))
			verdict->reason = PROBE_OK;
	return STREAM_END;
}

static const struct stream_talk talk = {
	.name = "probe_redis",
	.begin = redis_begin,
	.judge = redis_judge,
};

static void redis_start(struct probe_run *run)
{
	stream_start(run, &talk);
}

static const struct probe_scheme schemes[] = {
	{ .name = "redis", .port = 6379, .needs_port = true },
	{ .name = NULL },
};

const struct probe_type probe_redis = {
	.name = "redis",
	.schemes = schemes,
	.help = "Asks a Redis server whether it serves (PING); one that wants a password does.",
	.part = { .name = "redis" },
	.run_size = sizeof(struct stream),
	.start = redis_start,
	.expire = stream_expire,
	.cancel = stream_cancel,
};
