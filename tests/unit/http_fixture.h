/* http_fixture.h: a whole server on loopback for the tests: a real loop on a thread
 * of its own, a door whose agent is made of switches, a small view, and a client
 * that sends the very bytes of a case. */
#ifndef TESTS_UNIT_HTTP_FIXTURE_H
#define TESTS_UNIT_HTTP_FIXTURE_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

#include "agent/collector.h"
#include "agent/http/server.h"
#include "agent/model/view.h"

struct world {
	struct loop *loop;
	pthread_t thread;
	struct http_server *server;
	struct config *config;
	char dir[64]; /* for files of the case */
	uint16_t port;
	int claim; /* on the port */
	struct listen_conf listens[4];
	struct http_conf conf;
	struct http_limits limits;

	pthread_mutex_t lock; /* of what follows */
	struct view *view;
	bool hold_rounds; /* the next rounds are not answered until release_rounds() */
	struct held_round {
		command_fn *fn;
		void *arg;
	} held[256];
	size_t n_held;
	enum command_status reload_status;
	const char *reload_text;
	void (*on_reload)(struct world *w);
	struct buf asked; /* the last other command, as text */
	unsigned int n_asked;
	enum command_status reply_status; /* how it is answered */
	const char *reply_text, *reply_guard;
	atomic_uint rounds, reloads;
	atomic_bool was_read;
};

extern const struct collector *const test_collectors[];

/* A small view with one reference: services web and empty, a foreign one,
 * realservers, a hold, hostile bytes. */
struct view *view_make(struct world *w);
/* Publishes it; takes the reference over. NULL = none yet. */
void world_view(struct world *w, struct view *v);

/* Everything but the server; no snapshot that it makes is ever too old. */
void world_init(struct world *w);
void world_serve(struct world *w);
void world_fini(struct world *w);
/* For cmocka: a world, freed with what is in it. */
int world_setup(void **state);
int world_teardown(void **state);
#define CASE(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

/* The door, for a server that the case makes itself. */
struct http_env world_env(struct world *w);
/* Answers the rounds that were held, and holds no more. */
void release_rounds(struct world *w);
/* How many are held. */
size_t held_rounds(struct world *w);
/* "hold target=web/web1 who=ann ttl=1000": the last command but for rounds, reloads and
 * explanations, without what is 0 or not given; "" = none. Malloc'd, told once. */
char *take_asked(struct world *w);

/* "dir/name", malloc'd; with a file of that text. */
char *path_in(const struct world *w, const char *name);
char *file_with(const struct world *w, const char *name, const char *text);

/* To the unix socket, or to the port where that is NULL; -1 when refused. */
int client_connect(const struct world *w, const char *unix_path);
void client_send(int fd, const char *bytes, size_t len);
/* What comes until the server closes; 20 s without a byte fail the case. */
void client_read(int fd, struct buf *out);
/* Sends the bytes, returns the answer: malloc'd, head and body. Closes. */
char *ask_on(int fd, const char *bytes, size_t len);
/* One request of HTTP/1.0: "GET /metrics", header lines each with \r\n. */
char *ask(const struct world *w, const char *line, const char *headers);
/* 0 when there was none. */
int status_of(const char *answer);
const char *body_of(const char *answer);

#endif
