/* stream.h: a short conversation over a TCP connection, for kinds of probes. A kind says
 * what is sent and judges what comes; sockets, phases and ends are here. */
#ifndef COLLECTORS_STREAM_H
#define COLLECTORS_STREAM_H

#include "agent/base/buf.h"
#include "agent/probe.h"

struct stream;

enum stream_next {
	STREAM_MORE,  /* what s->out has been given is sent, and more is read */
	STREAM_END,   /* the verdict stands: the connection is given up by reset */
	STREAM_QUIT,  /* it stands: s->out has a word at which the server closes; then a reset
			 is no loss to it, and neither side keeps a TIME_WAIT */
	STREAM_LEAVE, /* it stands: s->out is sent, then this side closes first and in order, for
			 servers that know no such word; TIME_WAIT may stay here */
};

/* A kind's part. */
struct stream_talk {
	const char *name; /* of its callbacks on the loop */
	/* Whether anything is said at all; if not, the connection is the answer. NULL = yes. */
	bool (*wants)(const struct probe_run *run);
	/* What is said first, into s->out; and s->max, how much is read at most. */
	void (*begin)(struct stream *s);
	/* Judges all of s->in, after each piece; `last` = no more will come or be read.
	 * STREAM_MORE after the last: closed too early, or too long to make sense. */
	enum stream_next (*judge)(struct stream *s, bool last, struct probe_report *verdict);
};

/* The first member of a kind's run state. */
struct stream {
	struct probe_run *run;
	const struct stream_talk *talk;
	int fd;
	struct loop_io *io;
	int64_t begin_us, connect_us, first_byte_us; /* 0 = not reached */
	bool leaving;                                /* the verdict stands … */
	bool shutting;                               /* … and this side is to close first */
	struct buf in, out, text;
	size_t max;
	struct probe_report verdict;
};

/* The three functions of such a kind's descriptor; start with its talk. */
void stream_start(struct probe_run *run, const struct stream_talk *talk);
void stream_cancel(struct probe_run *run);
void stream_expire(struct probe_run *run);

/* For a report's text: what a server said, with nothing in it that a terminal obeys, and
 * not all of it where it is long. Lives until the run's end; NULL when memory is out. */
const char *stream_text(struct stream *s, const char *bytes, size_t len);

#endif
