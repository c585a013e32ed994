/* stream_case.c: the server of a script, and what is the same for all kinds that talk. */
#include "tests/unit/stream_case.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>

enum { FLOOD_BYTES = 10 << 20, DRIP_MS = 10 };

/* --- the server --------------------------------------------------------------- */

static bool say(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static void drip(int fd, const char *bytes, size_t len)
{
	struct pollfd gone = { .fd = fd }; /* by reset: an end in good order is none of it */
	size_t i;

	for (i = 0; i < len && say(fd, bytes + i, 1); i++)
		if (poll(&gone, 1, DRIP_MS) > 0)
			return;
}

static void flood(struct stream_server *s, int fd, const char *bytes, size_t len)
{
	while (s->flooded < FLOOD_BYTES && say(fd, bytes, len))
		s->flooded += len;
}

/* Up to `len` bytes more. */
static void hear(struct stream_server *s, int fd, size_t len)
{
	char piece[256];
	ssize_t n = 1;

	while (len && n > 0) {
		n = recv(fd, piece, len < sizeof(piece) ? len : sizeof(piece), 0);
		if (n <= 0) {
			s->end = n ? errno : 0;
			return;
		}
		buf_put(&s->heard, piece, (size_t)n);
		len -= (size_t)n;
	}
}

static void reset(int fd)
{
	const struct linger hard = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
}

static void play(struct stream_server *s, int fd)
{
	const struct stream_step *step = s->script;
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	for (; step->bytes; step++) {
		size_t len = step->len ? step->len : strlen(step->bytes);

		if (step->op == SAY)
			say(fd, step->bytes, len);
		else if (step->op == DRIP)
			drip(fd, step->bytes, len);
		else if (step->op == FLOOD)
			flood(s, fd, step->bytes, len);
		else if (step->op == RESET)
			reset(fd);
		else
			hear(s, fd, step->op == STAY ? SIZE_MAX : len);
	}
}

static void *serve(void *arg)
{
	struct stream_server *s = arg;
	struct pollfd fds[2] = { { .fd = s->listener, .events = POLLIN },
				 { .fd = s->stop[0], .events = POLLHUP } };
	int fd;

	poll(fds, 2, -1);
	if (!(fds[0].revents & POLLIN))
		return NULL;
	fd = accept(s->listener, NULL, NULL);
	if (fd == -1)
		return NULL;
	s->served = true;
	play(s, fd);
	close(fd);
	return NULL;
}

void stream_server_start(struct stream_server *s, const struct stream_step *script)
{
	*s = (struct stream_server){ .script = script, .end = -1 };
	s->listener = case_listen(8, &s->addr);
	assert_int_equal(pipe(s->stop), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

void stream_server_stop(struct stream_server *s)
{
	close(s->stop[1]);
	assert_int_equal(pthread_join(s->thread, NULL), 0);
	close(s->stop[0]);
	close(s->listener);
}

/* --- the probe ---------------------------------------------------------------- */

void kind_case_init(struct kind_case *k, const struct probe_type *type)
{
	const struct conf_part *part = &type->part;

	*k = (struct kind_case){ 0 };
	k->env = (struct conf_env){ .arena = &k->arena, .section = "probe t", .why = &k->why };
	k->conf = (struct probe_conf){ .head.name = "t",
				       .head.part = part,
				       .url = "x://{address}",
				       .type = type,
				       .interval = 3600000,
				       .timeout = 10000,
				       .rise = 1,
				       .fall = 1 };
	k->conf.head.part_conf = arena_alloc(&k->arena, part->size ? part->size : 1);
	assert_int_equal(conf_defaults(k->conf.head.part_conf, part->keys, part->n_keys, &k->env),
			 0);
}

void kind_case_fini(struct kind_case *k)
{
	arena_fini(&k->arena);
	buf_fini(&k->why);
}

static const struct conf_key *key_of(struct kind_case *k, const char *name)
{
	const struct conf_part *part = k->conf.head.part;
	const struct conf_key *key = conf_find(name, part->keys, part->n_keys, NULL);

	assert_non_null(key);
	buf_reset(&k->why);
	return key;
}

int kind_case_set(struct kind_case *k, const char *name, const char *text)
{
	const struct conf_key *key = key_of(k, name);

	return key->type->set((char *)k->conf.head.part_conf + key->offset, text, key, &k->env);
}

const char *kind_case_get(struct kind_case *k, const char *name)
{
	const struct conf_key *key = key_of(k, name);

	key->type->get((char *)k->conf.head.part_conf + key->offset, key, 0, &k->why);
	return buf_str(&k->why);
}

struct target kind_case_probe(struct kind_case *k, const struct addr *to)
{
	struct probe_case c;
	struct target t;

	case_init(&c, false);
	t = case_probe(&c, &k->conf, to, 1);
	case_fini(&c);
	return t;
}

struct target kind_case_talk(struct kind_case *k, const struct stream_step *script,
			     struct stream_server *ret_server)
{
	struct stream_server own = { 0 }, *s = ret_server ? ret_server : &own;
	struct target t;

	stream_server_start(s, script);
	t = kind_case_probe(k, &s->addr);
	stream_server_stop(s);
	if (!ret_server)
		buf_fini(&s->heard);
	return t;
}

static void check_no_descriptors(struct kind_case *k, const struct stream_step *up)
{
	struct stream_server s;
	struct probe_case c;
	struct rlimit before;
	struct target t;

	case_init(&c, false);
	stream_server_start(&s, up);
	case_no_descriptors(&before);
	t = case_probe(&c, &k->conf, &s.addr, 1);
	case_descriptors(&before);
	assert_int_equal(t.health.reason, PROBE_LOCAL_RESOURCES);
	assert_int_equal(t.last_errno, EMFILE);
	assert_int_equal(t.health.verdict, VERDICT_NONE);
	t = case_probe(&c, &k->conf, &s.addr, 1);
	assert_int_equal(t.health.reason, PROBE_OK);
	case_fini(&c);
	stream_server_stop(&s);
	buf_fini(&s.heard);
}

void kind_case_no_answers(struct kind_case *k, const struct stream_step *up)
{
	static const struct stream_step silence[] = { { STAY, "", 0 }, END_OF_SCRIPT };
	static const struct stream_step gone[] = { { RESET, "", 0 }, END_OF_SCRIPT };
	static const struct stream_step closed[] = { END_OF_SCRIPT };
	struct addr to;
	int fd = case_listen(-1, &to), fds[4], i;
	struct target t = kind_case_probe(k, &to);

	assert_int_equal(t.health.reason, PROBE_CONNECT_REFUSED);
	close(fd);
	assert_int_equal(kind_case_talk(k, closed, NULL).health.reason, PROBE_CONNECT_RESET);
	assert_int_equal(kind_case_talk(k, gone, NULL).health.reason, PROBE_CONNECT_RESET);
	check_no_descriptors(k, up);
	/* Long enough for a busy machine: a stall of our own would be told as such. */
	k->conf.timeout = 1000;
	t = kind_case_talk(k, silence, NULL);
	assert_int_equal(t.health.reason, PROBE_ANSWER_TIMEOUT);
	assert_true(t.connect_us > 0 && t.last_us >= 1000000);
	fd = case_listen(0, &to);
	case_fill(&to, fds);
	t = kind_case_probe(k, &to);
	assert_int_equal(t.health.reason, PROBE_CONNECT_TIMEOUT);
	for (i = 0; i < 4; i++)
		close(fds[i]);
	close(fd);
	k->conf.timeout = 10000;
	to.port = 0;
	assert_int_equal(kind_case_probe(k, &to).health.reason, PROBE_LOCAL_CONFIG);
}

void kind_case_flood(struct kind_case *k, const char *bytes, size_t len)
{
	const struct stream_step script[] = { { FLOOD, bytes, len }, END_OF_SCRIPT };
	struct stream_server s;

	assert_int_equal(kind_case_talk(k, script, &s).health.reason, PROBE_ANSWER_MALFORMED);
	assert_true(s.flooded < 10 << 20);
	buf_fini(&s.heard);
}

void kind_case_endless(struct kind_case *k, const struct stream_step *script)
{
	struct target t;

	k->conf.timeout = 1000;
	t = kind_case_talk(k, script, NULL);
	assert_int_equal(t.health.reason, PROBE_ANSWER_TIMEOUT);
	assert_true(t.last_us >= 1000000 && t.last_us < 5000000);
}
