/* stream_case.h: for tests of kinds that talk: a server that goes by a script, and the keys
 * of a kind without the loader. */
#ifndef TESTS_STREAM_CASE_H
#define TESTS_STREAM_CASE_H

#include <pthread.h>

#include "tests/unit/probe_case.h"

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

/* A listener on loopback, and a thread that serves one connection. */
struct stream_server {
	const struct stream_step *script;
	struct addr addr;
	int listener, stop[2];
	pthread_t thread;
	/* afterwards */
	struct buf heard;
	size_t flooded;
	bool served;
	int end; /* of the other side: 0 in good order, else the errno; -1 = not awaited */
};

void stream_server_start(struct stream_server *s, const struct stream_step *script);
/* Waits for the script's end, or, where nobody came, ends it. What was heard stays until
 * buf_fini(). */
void stream_server_stop(struct stream_server *s);

/* A probe's section: the kind's keys with their defaults. */
struct kind_case {
	struct arena arena;
	struct buf why;
	struct conf_env env;
	struct probe_conf conf;
};

void kind_case_init(struct kind_case *k, const struct probe_type *type);
void kind_case_fini(struct kind_case *k);
/* Sets a key by its text; what its setter returns. The reason is in k->why. */
int kind_case_set(struct kind_case *k, const char *name, const char *text);
/* A key's value as text, in k->why. */
const char *kind_case_get(struct kind_case *k, const char *name);

/* One attempt. */
struct target kind_case_probe(struct kind_case *k, const struct addr *to);
/* One attempt at a server of that script; `ret_server` (may be NULL) is the server when it
 * is over, heard to be freed. */
struct target kind_case_talk(struct kind_case *k, const struct stream_step *script,
			     struct stream_server *ret_server);

/* What every kind that talks does where nothing comes of it: refused, silence, a black
 * hole, a reset, an end without a word, no port, and a want of descriptors. */
void kind_case_no_answers(struct kind_case *k, const struct stream_step *up);

/* 10 MB of `bytes`, again and again: malformed, long before the last of them. */
void kind_case_flood(struct kind_case *k, const char *bytes, size_t len);

/* The script's server never comes to an end: one deadline for all of it. */
void kind_case_endless(struct kind_case *k, const struct stream_step *script);

#endif
