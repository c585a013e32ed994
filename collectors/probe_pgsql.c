/* probe_pgsql.c: does a PostgreSQL server take requests? It is asked whether it would
 * encrypt by GSSAPI, not by TLS: after a yes to TLS the server logs each connection that
 * goes away without a handshake, whichever way it is closed, whereas a client that thinks
 * better of GSSAPI is nothing to it. After a no it waits for a login, and takes an end in
 * good order in silence, but logs a reset. Who is not there to be logged in is not logged
 * either, so nobody is. */
#include <string.h>

#include "collectors/stream.h"
#include "collectors/table.h"

enum { ANSWER_MAX = 1024 };

/* Length 8, code 1234.5680. */
static const unsigned char gssenc_request[] = { 0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30 };

/* What servers before 12 say of it, which are at work as well. */
static const char too_old[] = "unsupported frontend protocol";

static void pgsql_begin(struct stream *s)
{
	s->max = ANSWER_MAX;
	buf_put(&s->out, gssenc_request, sizeof(gssenc_request));
}

/* An error comes with its text, and the server's end of the connection behind it. */
static enum stream_next judge_error(struct stream *s, bool last, struct probe_report *verdict)
{
	if (memmem(s->in.data, s->in.len, too_old, sizeof(too_old) - 1)) {
		verdict->reason = PROBE_OK;
		return STREAM_END;
	}
	if (!last)
		return STREAM_MORE;
	*verdict = (struct probe_report){ .reason = PROBE_ANSWER_BODY,
					  .text = stream_text(s, s->in.data, s->in.len) };
	return STREAM_END;
}

static enum stream_next pgsql_judge(struct stream *s, bool last, struct probe_report *verdict)
{
	if (!s->in.len)
		return STREAM_MORE;
	switch (s->in.data[0]) {
	case 'G':
		verdict->reason = PROBE_OK;
		return STREAM_END;
	case 'N':
		verdict->reason = PROBE_OK;
		return STREAM_LEAVE;
	case 'E':
		return judge_error(s, last, verdict);
	default:
		verdict->reason = PROBE_ANSWER_MALFORMED;
		return STREAM_END;
	}
}

static const struct stream_talk talk = {
	.name = "probe_pgsql",
	.begin = pgsql_begin,
	.judge = pgsql_judge,
};

static void pgsql_start(struct probe_run *run)
{
	stream_start(run, &talk);
}

static const struct probe_scheme schemes[] = {
	{ .name = "pgsql", .port = 5432, .needs_port = true },
	{ .name = NULL },
};

const struct probe_type probe_pgsql = {
	.name = "pgsql",
	.schemes = schemes,
	.help = "Asks a PostgreSQL server for encryption, and takes yes and no for an answer.",
	.part = { .name = "pgsql" },
	.run_size = sizeof(struct stream),
	.start = pgsql_start,
	.expire = stream_expire,
	.cancel = stream_cancel,
};
