/* probe_ftp.c: does an FTP server greet? Only 220 says that it serves: 120 promises it for
 * later, 421 is a server that is full or going away. Nobody logs in. The farewell is sent
 * and the connection closed in good order, since servers log one that breaks off. */
#include <ctype.h>
#include <string.h>

#include "collectors/stream.h"
#include "collectors/table.h"

enum { GREETING_MAX = 16384, READY = 220, CODE = 3 };

static void ftp_begin(struct stream *s)
{
	s->max = GREETING_MAX;
}

/* Three digits, and a blank, '-' where more lines follow, or nothing; as far as it came. */
static bool makes_sense(const char *reply, size_t len)
{
	size_t i;

	for (i = 0; i < len && i < CODE; i++)
		if (!isdigit((unsigned char)reply[i]))
			return false;
	return len <= CODE || (reply[CODE] && strchr(" -\r\n", reply[CODE]));
}

/* Whether the reply has come to its end: one of many lines ends with the one that begins
 * with its code and a blank. */
static bool is_whole(const char *reply, size_t len)
{
	const char end[] = { '\n', reply[0], reply[1], reply[2], ' ' };
	const char *last = reply;

	if (reply[CODE] == '-')
		last = memmem(reply, len, end, sizeof(end));
	return last && memchr(last + 1, '\n', (size_t)(reply + len - last - 1));
}

static int code_of(const char *reply)
{
	return (reply[0] - '0') * 100 + (reply[1] - '0') * 10 + reply[2] - '0';
}

static enum stream_next ftp_judge(struct stream *s, bool last ATTR_UNUSED,
				  struct probe_report *verdict)
{
	const char *reply = s->in.data;

	if (!makes_sense(reply, s->in.len)) {
		verdict->reason = PROBE_ANSWER_MALFORMED;
		return STREAM_END;
	}
	if (s->in.len <= CODE || !is_whole(reply, s->in.len))
		return STREAM_MORE;
	*verdict = (struct probe_report){ .status = code_of(reply) };
	if (verdict->status == READY) {
		buf_puts(&s->out, "QUIT\r\n");
		return STREAM_LEAVE;
	}
	verdict->reason = PROBE_ANSWER_STATUS;
	verdict->text = stream_text(s, reply, strcspn(reply, "\r\n"));
	return STREAM_END;
}

static const struct stream_talk talk = {
	.name = "probe_ftp",
	.begin = ftp_begin,
	.judge = ftp_judge,
};

static void ftp_start(struct probe_run *run)
{
	stream_start(run, &talk);
}

static const struct probe_scheme schemes[] = {
	{ .name = "ftp", .port = 21, .needs_port = true },
	{ .name = NULL },
};

const struct probe_type probe_ftp = {
	.name = "ftp",
	.schemes = schemes,
	.help = "Waits for an FTP server's greeting, which must be 220.",
	.part = { .name = "ftp" },
	.run_size = sizeof(struct stream),
	.start = ftp_start,
	.expire = stream_expire,
	.cancel = stream_cancel,
};
