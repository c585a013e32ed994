/* probe_dns.c: does a name server there answer? One query over UDP, or over TCP where
 * it is asked for or the answer was cut. An answer counts only from the address that was
 * asked (the socket is connected), with our id and our question; anything else is passed
 * over until the deadline. Over TCP there is nobody else who could speak, so the first
 * message that is no answer to us is the server's fault. */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/base/clock.h"
#include "agent/base/dns.h"
#include "agent/base/loop.h"
#include "agent/probe.h"
#include "collectors/probe_socket.h"
#include "collectors/table.h"
#include "conf/setter.h"

enum {
	MAX_DATAGRAM = 4096, /* a longer one is read over TCP; without EDNS none is */
	TURN = 16,           /* datagrams or reads, then others get their turn */
	PREFIX = 2,          /* TCP: the length before each message */
};

enum transport { OVER_UDP = 0, OVER_TCP };

struct dns_conf {
	const char *name; /* from the URL */
	uint32_t type;
	uint32_t expect_rcode; /* bits */
	const char *expect_answer;
	bool recursion;
	int transport;
};

struct dns_run {
	int fd;
	struct loop_io *io;
	struct loop_timer *timer;
	struct buf query;
	struct buf stream; /* TCP: prefix and query to send, then prefix and answer */
	size_t sent;
	bool tcp, connected, sending;
	int64_t begin_us, connect_us;
};

/* --- ends --------------------------------------------------------------------- */

static void close_socket(struct dns_run *d)
{
	loop_io_free(d->io);
	d->io = NULL;
	if (d->fd != -1)
		close(d->fd);
	d->fd = -1;
}

static void release(struct dns_run *d)
{
	close_socket(d);
	loop_timer_free(d->timer);
	buf_fini(&d->query);
	buf_fini(&d->stream);
}

static void finish_with(struct probe_run *run, struct probe_report *report)
{
	struct dns_run *d = run->state;

	report->connect_us = d->connect_us;
	release(d);
	probe_done(run, report);
}

static void end(struct probe_run *run, enum probe_reason reason, int os_errno)
{
	finish_with(run, &(struct probe_report){ .reason = reason, .os_errno = os_errno });
}

static void on_deadline(void *arg)
{
	struct probe_run *run = arg;
	const struct dns_run *d = run->state;

	end(run, d->tcp && !d->connected ? PROBE_CONNECT_TIMEOUT : PROBE_ANSWER_TIMEOUT, 0);
}

/* What is told of an answer that is not the expected one. */
static void say(struct buf *text, const struct dns_conf *c, const struct dns_answer *a)
{
	const char *name = dns_rcode_name(a->rcode);

	if (c->expect_rcode & 1u << a->rcode)
		buf_printf(text, "%u %s records, none is as expected", a->n,
			   dns_type_name((uint16_t)c->type));
	else
		buf_printf(text, "rcode %u%s%s", a->rcode, name ? " " : "", name ? name : "");
}

static void judge(struct probe_run *run, const struct dns_answer *a)
{
	const struct dns_conf *c = run->conf->head.part_conf;
	const struct dns_run *d = run->state;
	struct probe_report report = { .status = (int)a->rcode,
				       .first_byte_us =
					       clock_mono_us() - d->begin_us - d->connect_us };
	struct buf text = BUF_INIT;

	if (!(c->expect_rcode & 1u << a->rcode))
		report.reason = PROBE_ANSWER_STATUS;
	else if (c->expect_answer && !a->found)
		report.reason = PROBE_ANSWER_BODY;
	if (report.reason) {
		say(&text, c, a);
		report.text = buf_str(&text);
	}
	finish_with(run, &report);
	buf_fini(&text);
}

static enum dns_said read_answer(struct probe_run *run, const void *message, size_t len,
				 struct dns_answer *ret_answer)
{
	const struct dns_conf *c = run->conf->head.part_conf;
	const struct dns_run *d = run->state;

	return dns_read(message, len, &d->query, c->expect_answer, ret_answer);
}

/* Ends the attempt by what came. */
static void conclude(struct probe_run *run, enum dns_said said, const struct dns_answer *a)
{
	if (said == DNS_ANSWER)
		judge(run, a);
	else if (said == DNS_NO_MEMORY)
		end(run, PROBE_LOCAL_RESOURCES, ENOMEM);
	else
		end(run, PROBE_ANSWER_MALFORMED, 0);
}

/* --- over TCP ----------------------------------------------------------------- */

/* Takes one message if it is whole. True when the attempt has ended. */
static bool take_stream(struct probe_run *run)
{
	struct dns_run *d = run->state;
	const unsigned char *p = (const unsigned char *)d->stream.data;
	struct dns_answer a;
	size_t len;

	if (d->stream.len < PREFIX)
		return false;
	len = (size_t)p[0] << 8 | p[1];
	if (d->stream.len < PREFIX + len)
		return false;
	conclude(run, read_answer(run, p + PREFIX, len, &a), &a);
	return true;
}

/* The prefix says how much there is to be read, 64 KB at most. */
static void receive_stream(struct probe_run *run)
{
	struct dns_run *d = run->state;
	char bytes[MAX_DATAGRAM];
	ssize_t n;
	int turn;

	for (turn = 0; turn < TURN; turn++) {
		n = recv(d->fd, bytes, sizeof(bytes), 0);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			end(run, n ? probe_reason_of_connect(errno, false) : PROBE_CONNECT_RESET,
			    n ? errno : 0);
			return;
		}
		buf_put(&d->stream, bytes, (size_t)n);
		if (!buf_ok(&d->stream)) {
			end(run, PROBE_LOCAL_RESOURCES, ENOMEM);
			return;
		}
		if (take_stream(run))
			return;
	}
}

static void send_stream(struct probe_run *run)
{
	struct dns_run *d = run->state;
	ssize_t n = send(d->fd, d->stream.data + d->sent, d->stream.len - d->sent, MSG_NOSIGNAL);
	int r;

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == -1) {
		end(run, probe_reason_of_connect(errno, false), errno);
		return;
	}
	d->sent += (size_t)n;
	if (d->sent < d->stream.len)
		return;
	d->sending = false;
	buf_reset(&d->stream);
	r = loop_io_set(d->io, LOOP_READ);
	if (r)
		end(run, probe_reason_of_connect(-r, true), -r);
}

static void on_stream(void *arg, int events)
{
	struct probe_run *run = arg;
	struct dns_run *d = run->state;
	int error = 0;
	socklen_t len = sizeof(error);

	if (!d->connected) {
		if (getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
			error = errno;
		if (error) {
			end(run, probe_reason_of_connect(error, false), error);
			return;
		}
		d->connected = true;
		if (!d->connect_us)
			d->connect_us = clock_mono_us() - d->begin_us;
	}
	if (d->sending)
		send_stream(run);
	else if (events & LOOP_READ)
		receive_stream(run);
}

/* Opens a socket and connects it; 0 = done or under way, else errno. */
static int open_socket(struct probe_run *run, int type, int events, loop_io_fn *fn)
{
	struct dns_run *d = run->state;
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&run->addr, &ss);
	int fd = probe_socket(run, type, 0);

	if (fd < 0)
		return -fd;
	d->fd = fd;
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (connect(fd, (struct sockaddr *)&ss, len) == -1 && errno != EINPROGRESS)
		return errno;
	return -loop_io_new(run->loop, "probe_dns", fd, events, fn, run, &d->io);
}

static void ask_stream(struct probe_run *run)
{
	struct dns_run *d = run->state;
	const unsigned char prefix[PREFIX] = { (unsigned char)(d->query.len >> 8),
					       (unsigned char)d->query.len };
	int error;

	close_socket(d);
	d->tcp = d->sending = true;
	buf_put(&d->stream, prefix, sizeof(prefix));
	buf_put(&d->stream, d->query.data, d->query.len);
	error = buf_ok(&d->stream) ? open_socket(run, SOCK_STREAM, LOOP_WRITE, on_stream) : ENOMEM;
	if (error)
		end(run, probe_reason_of_connect(error, true), error);
}

/* --- over UDP ----------------------------------------------------------------- */

/* Of `n` bytes, of which `room` are there. True when the attempt has ended, or goes on
 * over TCP. */
static bool take_datagram(struct probe_run *run, const char *bytes, size_t n, size_t room)
{
	struct dns_answer a;
	enum dns_said said = read_answer(run, bytes, n < room ? n : room, &a);
	bool cut = (said == DNS_ANSWER && a.cut) || (said == DNS_BROKEN && n > room);

	if (said == DNS_FOREIGN)
		return false;
	if (cut)
		ask_stream(run);
	else
		conclude(run, said, &a);
	return true;
}

static void on_datagram(void *arg, int events ATTR_UNUSED)
{
	struct probe_run *run = arg;
	struct dns_run *d = run->state;
	char bytes[MAX_DATAGRAM];
	ssize_t n;
	int turn;

	for (turn = 0; turn < TURN; turn++) {
		n = recv(d->fd, bytes, sizeof(bytes), MSG_TRUNC);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n == -1) {
			end(run, probe_reason_of_connect(errno, false), errno);
			return;
		}
		if (take_datagram(run, bytes, (size_t)n, sizeof(bytes)))
			return;
	}
}

static void ask_datagram(struct probe_run *run)
{
	struct dns_run *d = run->state;
	int error = open_socket(run, SOCK_DGRAM, LOOP_READ, on_datagram);

	if (!error && send(d->fd, d->query.data, d->query.len, 0) == -1)
		error = errno;
	if (error)
		end(run, probe_reason_of_connect(error, true), error);
}

/* --- an attempt --------------------------------------------------------------- */

static int prepare(struct probe_run *run)
{
	const struct dns_conf *c = run->conf->head.part_conf;
	struct dns_run *d = run->state;
	uint16_t id;
	int r;

	if (getrandom(&id, sizeof(id), GRND_NONBLOCK) != sizeof(id))
		return -EAGAIN;
	r = dns_query(c->name, (uint16_t)c->type, id, c->recursion, &d->query);
	if (!r)
		r = loop_timer_new(run->loop, "probe_dns deadline", on_deadline, run, &d->timer);
	return r;
}

static void dns_start(struct probe_run *run)
{
	const struct dns_conf *c = run->conf->head.part_conf;
	struct dns_run *d = run->state;
	int r;

	d->fd = -1;
	d->begin_us = clock_mono_us();
	r = prepare(run);
	if (r) {
		end(run, PROBE_LOCAL_RESOURCES, -r);
		return;
	}
	loop_timer_start(d->timer, run->timeout_ms);
	if (c->transport == OVER_TCP)
		ask_stream(run);
	else
		ask_datagram(run);
}

static void dns_cancel(struct probe_run *run)
{
	release(run->state);
}

/* --- keys --------------------------------------------------------------------- */

static int set_type(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
		    struct conf_env *env)
{
	uint16_t type;

	if (dns_type(text, &type))
		return conf_refuse(env, text, "is not one of %s", dns_type_names);
	*(uint32_t *)field = type;
	return 0;
}

static void get_type(const void *field, const struct conf_key *key ATTR_UNUSED,
		     size_t i ATTR_UNUSED, struct buf *out)
{
	buf_puts(out, dns_type_name((uint16_t) * (const uint32_t *)field));
}

static const struct conf_type record_type = { .name = "type of record",
					      .set = set_type,
					      .get = get_type };

static int set_rcodes(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
		      struct conf_env *env)
{
	struct conf_strings words;
	unsigned int rcode;
	uint32_t bits = 0;
	size_t i;
	int r = conf_split(env->arena, text, &words);

	if (r)
		return r;
	for (i = 0; i < words.n; i++) {
		if (dns_rcode(words.items[i], &rcode))
			return conf_refuse(env, words.items[i],
					   "is not an rcode, such as NOERROR or NXDOMAIN");
		bits |= 1u << rcode;
	}
	if (!bits)
		return conf_refuse(env, text, "holds no rcode, such as NOERROR");
	*(uint32_t *)field = bits;
	return 0;
}

static void get_rcodes(const void *field, const struct conf_key *key ATTR_UNUSED,
		       size_t i ATTR_UNUSED, struct buf *out)
{
	uint32_t bits = *(const uint32_t *)field;
	const char *sep = "";
	unsigned int rcode;

	for (rcode = 0; dns_rcode_name(rcode); rcode++) {
		if (!(bits & 1u << rcode))
			continue;
		buf_printf(out, "%s%s", sep, dns_rcode_name(rcode));
		sep = ",";
	}
}

static const struct conf_type rcodes_type = { .name = "rcodes",
					      .set = set_rcodes,
					      .get = get_rcodes };

/* /NAME[?type=A]; what the URL says goes before the key. */
static int dns_finish(struct probe_conf *conf, struct arena *arena, struct buf *why)
{
	struct dns_conf *c = conf->head.part_conf;
	const char *name = conf->path + (conf->path[0] == '/');
	size_t len = strcspn(name, "?");
	struct buf query = BUF_INIT;
	uint16_t type = (uint16_t)c->type;
	int r;

	if (name[len] && (strncmp(name + len, "?type=", 6) != 0 || dns_type(name + len + 6, &type)))
		buf_printf(why, "url: behind the name only ?type= may stand, with one of %s",
			   dns_type_names);
	c->name = len ? arena_strndup(arena, name, len) : ".";
	c->type = type;
	if (!c->name)
		return -ENOMEM;
	r = strpbrk(c->name, "{}/") ? -EINVAL : dns_query(c->name, type, 0, false, &query);
	buf_fini(&query);
	if (r == -EINVAL)
		buf_printf(why, "%surl: its path is not a name of the DNS", why->len ? "; " : "");
	if (c->expect_answer && !dns_text_ok(type, c->expect_answer))
		buf_printf(why, "%sexpect_answer is not an address, as %s records are",
			   why->len ? "; " : "", dns_type_name(type));
	return r == -ENOMEM || !buf_ok(why) ? -ENOMEM : why->len ? -EINVAL : 0;
}

static const struct conf_enum transports[] = { { "udp", OVER_UDP },
					       { "tcp", OVER_TCP },
					       { .name = NULL } };

/* clang-format off */
static const struct conf_key keys[] = {
	{ .name = "expect_answer", .type = &conf_string,
	  .offset = offsetof(struct dns_conf, expect_answer),
	  .help = "One record that must be among the answers, as its type is written: 192.0.2.1, "
		  "or 10 mail.example.net." },
	{ .name = "expect_rcode", .type = &rcodes_type,
	  .offset = offsetof(struct dns_conf, expect_rcode),
	  .def = "NOERROR",
	  .help = "Rcodes that pass, with commas between them." },
	{ .name = "recursion", .type = &conf_bool, .offset = offsetof(struct dns_conf, recursion),
	  .def = "on",
	  .help = "Whether the server is asked to find the answer elsewhere." },
	{ .name = "transport", .type = &conf_enum_type,
	  .offset = offsetof(struct dns_conf, transport),
	  .def = "udp", .extra = transports,
	  .help = "udp | tcp; what was cut over udp is asked again over tcp." },
	{ .name = "type", .type = &record_type, .offset = offsetof(struct dns_conf, type),
	  .def = "SOA",
	  .help = "Type of the records that are asked for, where the URL has no ?type=." },
};
/* clang-format on */

static const struct probe_scheme schemes[] = {
	{ .name = "dns", .port = DNS_PORT, .path = true, .needs_port = true, .datagrams = true },
	{ .name = NULL },
};

const struct probe_type probe_dns = {
	.name = "dns",
	.schemes = schemes,
	.help = "Asks a name server and judges its answer.",
	.part = { .name = "dns",
		  .keys = keys,
		  .n_keys = countof(keys),
		  .size = sizeof(struct dns_conf) },
	.run_size = sizeof(struct dns_run),
	.finish = dns_finish,
	.start = dns_start,
	.cancel = dns_cancel,
};
