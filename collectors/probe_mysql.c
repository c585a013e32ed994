/* probe_mysql.c: does a MySQL or MariaDB server take clients? It greets, or says why it
 * does not. To leave then would be enough, but the server counts each client that goes in
 * the middle of the handshake, and after max_connect_errors (100) of them it blocks the
 * director's address: all servers of a pool would then be seen to fail. So the handshake is
 * gone through, as a user without a password. One who is let in sets the count back, and
 * quits in good order; one who is turned down is no error of that kind. Either way the
 * server has judged a login, and serves. */
#include <string.h>

#include "collectors/stream.h"
#include "collectors/table.h"
#include "conf/key.h"

enum {
	HEAD = 4, /* of a packet: three bytes of length, one that counts them */
	PACKET_LEN_MAX = 4096,
	ANSWER_MAX = 4 * PACKET_LEN_MAX,
};

/* The first byte of a packet. */
enum {
	PACKET_OK = 0x00,
	PACKET_METHOD = 0x01, /* goes on about the method of authentication */
	GREETING_9 = 9,       /* servers before 3.22 */
	GREETING_10 = 10,
	PACKET_SWITCH = 0xfe, /* to another method */
	PACKET_ERROR = 0xff,
};

/* Capabilities, as bits of both sides. */
enum {
	LONG_PASSWORD = 0x1,
	PROTOCOL_41 = 0x200,
	SECURE_CONNECTION = 0x8000,
	PLUGIN_AUTH = 0x80000,
	OURS = LONG_PASSWORD | PROTOCOL_41 | SECURE_CONNECTION | PLUGIN_AUTH,
	CHARSET = 33, /* UTF-8 */
};

struct mysql_conf {
	const char *user;
};

struct mysql_run {
	struct stream stream; /* first */
	size_t at;            /* of the next packet in stream.in */
	bool greeted;
};

struct packet {
	const unsigned char *bytes;
	size_t len;           /* 1 at least */
	unsigned char number; /* ours has the next one */
};

/* By these a server that is at work turns one client down; by any other it does not serve. */
static const uint16_t turned_down[] = {
	1045, /* access denied */
	1130, /* to whoever comes from this host */
	1251, /* to this client's way of authentication */
	1524, /* the account's method is not loaded */
	1698, /* access denied without a password */
	3118, /* the account is locked … */
	3159, /* only with TLS */
	4151, /* … and by MariaDB */
};

/* --- what is said ----------------------------------------------------------------- */

static void put_number(struct buf *out, uint32_t n, int bytes)
{
	for (; bytes > 0; bytes--, n >>= 8)
		buf_putc(out, (char)(n & 0xff));
}

static void put_head(struct buf *out, size_t len, unsigned int number)
{
	put_number(out, (uint32_t)len, 3);
	buf_putc(out, (char)number);
}

static void put_login(struct buf *out, const char *user, unsigned int number)
{
	static const char rest[23], method[] = "mysql_native_password";
	size_t user_size = strlen(user) + 1;

	put_head(out, 4 + 4 + 1 + sizeof(rest) + user_size + 1 + sizeof(method), number);
	put_number(out, OURS, 4);
	put_number(out, PACKET_LEN_MAX, 4);
	buf_putc(out, CHARSET);
	buf_put(out, rest, sizeof(rest));
	buf_put(out, user, user_size);
	buf_putc(out, 0); /* no password */
	buf_put(out, method, sizeof(method));
}

/* No password, as the method says that: most by an empty packet. */
static void put_no_password(struct buf *out, const struct packet *p)
{
	static const char by_nul[] = "\xfe"
				     "sha256_password";
	bool nul = p->len == 1 || /* the method of 4.0, which has no name */
		   (p->len >= sizeof(by_nul) && !memcmp(p->bytes, by_nul, sizeof(by_nul)));

	put_head(out, nul, p->number + 1u);
	if (nul)
		buf_putc(out, 0);
}

static void put_quit(struct buf *out)
{
	static const char quit[] = { 1, 0, 0, 0, 1 };

	buf_put(out, quit, sizeof(quit));
}

/* --- what comes ------------------------------------------------------------------- */

/* 1 = a whole packet, 0 = more must come, -1 = nothing that such a server says. */
static int next_packet(struct mysql_run *m, struct packet *ret_packet)
{
	const struct buf *in = &m->stream.in;
	const unsigned char *p = (const unsigned char *)in->data + m->at;
	size_t have = in->len - m->at, len;

	if (have < HEAD)
		return 0;
	len = (size_t)(p[0] | p[1] << 8 | p[2] << 16);
	if (!len || len > PACKET_LEN_MAX)
		return -1;
	if (have < HEAD + len)
		return 0;
	*ret_packet = (struct packet){ p + HEAD, len, p[3] };
	m->at += HEAD + len;
	return 1;
}

static enum stream_next malformed(struct probe_report *verdict)
{
	verdict->reason = PROBE_ANSWER_MALFORMED;
	return STREAM_END;
}

/* 0xff, two bytes of code, and a text, before which "#SSSSS" may stand. */
static enum stream_next judge_error(struct mysql_run *m, const struct packet *p,
				    struct probe_report *verdict)
{
	size_t i;

	if (p->len < 3)
		return malformed(verdict);
	verdict->reason = PROBE_ANSWER_STATUS;
	verdict->status = p->bytes[1] | p->bytes[2] << 8;
	verdict->text = stream_text(&m->stream, (const char *)p->bytes + 3, p->len - 3);
	for (i = 0; i < countof(turned_down); i++)
		if (turned_down[i] == verdict->status)
			verdict->reason = PROBE_OK;
	return STREAM_END;
}

/* Behind its version: a thread (4), part of a challenge (8), 0, capabilities (2). */
static enum stream_next judge_greeting_10(struct mysql_run *m, const struct packet *p,
					  struct probe_report *verdict)
{
	const struct mysql_conf *c = m->stream.run->conf->head.part_conf;
	const unsigned char *nul = memchr(p->bytes, '\0', p->len);

	if (!nul || nul + 15 >= p->bytes + p->len)
		return malformed(verdict);
	if (!((nul[14] | nul[15] << 8) & PROTOCOL_41)) {
		verdict->reason = PROBE_OK; /* before 4.1 */
		return STREAM_END;
	}
	m->greeted = true;
	put_login(&m->stream.out, c->user, p->number + 1u);
	return STREAM_MORE;
}

static enum stream_next judge_greeting(struct mysql_run *m, const struct packet *p,
				       struct probe_report *verdict)
{
	switch (p->bytes[0]) {
	case GREETING_10:
		return judge_greeting_10(m, p, verdict);
	case GREETING_9:
		verdict->reason = PROBE_OK;
		return STREAM_END;
	case PACKET_ERROR:
		return judge_error(m, p, verdict);
	default:
		return malformed(verdict);
	}
}

static enum stream_next judge_reply(struct mysql_run *m, const struct packet *p,
				    struct probe_report *verdict)
{
	switch (p->bytes[0]) {
	case PACKET_OK:
		put_quit(&m->stream.out);
		verdict->reason = PROBE_OK;
		return STREAM_QUIT;
	case PACKET_SWITCH:
		put_no_password(&m->stream.out, p);
		return STREAM_MORE;
	case PACKET_METHOD:
		return STREAM_MORE;
	case PACKET_ERROR:
		return judge_error(m, p, verdict);
	default:
		return malformed(verdict);
	}
}

static enum stream_next mysql_judge(struct stream *s, bool last ATTR_UNUSED,
				    struct probe_report *verdict)
{
	struct mysql_run *m = s->run->state;
	enum stream_next next = STREAM_MORE;
	struct packet p;
	int r = 0;

	while (next == STREAM_MORE && (r = next_packet(m, &p)) > 0)
		next = m->greeted ? judge_reply(m, &p, verdict) : judge_greeting(m, &p, verdict);
	return r < 0 ? malformed(verdict) : next;
}

static void mysql_begin(struct stream *s)
{
	s->max = ANSWER_MAX;
}

static const struct stream_talk talk = {
	.name = "probe_mysql",
	.begin = mysql_begin,
	.judge = mysql_judge,
};

static void mysql_start(struct probe_run *run)
{
	stream_start(run, &talk);
}

static const struct conf_key keys[] = {
	{ .name = "user",
	  .type = &conf_string,
	  .offset = offsetof(struct mysql_conf, user),
	  .def = "ipvs-agent",
	  .max = 80,
	  .help = "Who logs in, without a password; one who is turned down will do." },
};

static const struct probe_scheme schemes[] = {
	{ .name = "mysql", .port = 3306, .needs_port = true },
	{ .name = NULL },
};

const struct probe_type probe_mysql = {
	.name = "mysql",
	.schemes = schemes,
	.help = "Goes through the handshake of a MySQL or MariaDB server.",
	.part = { .name = "mysql",
		  .keys = keys,
		  .n_keys = countof(keys),
		  .size = sizeof(struct mysql_conf) },
	.run_size = sizeof(struct mysql_run),
	.start = mysql_start,
	.expire = stream_expire,
	.cancel = stream_cancel,
};
