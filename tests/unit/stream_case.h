/* stream_case.h: for tests of kinds that talk: a server that goes by a script, and what is
 * the same for all of them. */
#ifndef TESTS_STREAM_CASE_H
#define TESTS_STREAM_CASE_H

#include "tests/unit/kind_case.h"
#include "tests/unit/wire_server.h"

enum stream_op {
	SAY,   /* sends the bytes */
	HEAR,  /* reads as many bytes as `bytes` has, or to the end */
	DRIP,  /* sends them one by one, with 10 ms between */
	FLOOD, /* sends them again and again, 10 MB in all, or until nobody reads */
	STAY,  /* reads until the other side ends */
	RESET, /* resets the connection */
};

struct stream_step {
	enum stream_op op;
	const char *bytes; /* NULL ends a script, and the connection in good order */
	size_t len;        /* 0 = by strlen() */
};

#define END_OF_SCRIPT                                                                              \
	{                                                                                          \
		SAY, NULL, 0                                                                       \
	}

/* One that goes by the script with each client. */
struct stream_server {
	struct wire_server wire; /* first */
	const struct stream_step *script;
	/* afterwards */
	struct buf heard;
	size_t flooded;
	int end; /* of the other side: 0 in good order, else the errno; -1 = not awaited */
};

void stream_server_start(struct stream_server *s, const struct stream_step *script);
/* Waits for the script's end. What was heard stays until buf_fini(). */
void stream_server_stop(struct stream_server *s);

/* One attempt at a server of that script; `ret_server` (may be NULL) is the server when it
 * is over, heard to be freed. */
struct target stream_case_talk(struct kind_case *k, const struct stream_step *script,
			       struct stream_server *ret_server);

/* What every kind that talks does where nothing comes of it: refused, silence, a black
 * hole, a reset, an end without a word, no port, and a want of descriptors. */
void stream_case_no_answers(struct kind_case *k, const struct stream_step *up);

/* 10 MB of `bytes`, again and again: malformed, long before the last of them. */
void stream_case_flood(struct kind_case *k, const char *bytes, size_t len);

/* The script's server never comes to an end: one deadline for all of it. */
void stream_case_endless(struct kind_case *k, const struct stream_step *script);

#endif
