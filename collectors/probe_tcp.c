/* probe_tcp.c: does somebody take a TCP connection there, and, where that is asked, does
 * he say what is expected? */
#include "agent/base/attr.h"
#include "collectors/expect.h"
#include "collectors/stream.h"
#include "collectors/table.h"

struct tcp_conf {
	struct expect_bytes send;
	struct expect expect;
};

struct tcp_run {
	struct stream stream; /* first */
	uint32_t steps;       /* of matching, for the whole answer */
};

static const struct tcp_conf *conf_of(const struct probe_run *run)
{
	return run->conf->head.part_conf;
}

static bool tcp_wants(const struct probe_run *run)
{
	const struct tcp_conf *c = conf_of(run);

	return c->send.len || expect_given(&c->expect);
}

static void tcp_begin(struct stream *s)
{
	const struct tcp_conf *c = conf_of(s->run);
	struct tcp_run *t = s->run->state;

	t->steps = regex_steps(c->expect.max_answer);
	s->max = c->expect.max_answer;
	buf_put(&s->out, c->send.data, c->send.len);
}

/* Where nothing is expected any answer will do, but one there must be. */
static enum stream_next tcp_judge(struct stream *s, bool last, struct probe_report *verdict)
{
	struct tcp_run *t = s->run->state;
	int r;

	if (!s->in.len)
		return STREAM_MORE;
	r = expect_match(&conf_of(s->run)->expect, s->in.data, s->in.len, &t->steps);
	if (!r && !last)
		return STREAM_MORE;
	*verdict = expect_report(r);
	return STREAM_END;
}

static const struct stream_talk talk = {
	.name = "probe_tcp",
	.wants = tcp_wants,
	.begin = tcp_begin,
	.judge = tcp_judge,
};

static void tcp_start(struct probe_run *run)
{
	stream_start(run, &talk);
}

/* clang-format off */
static const struct conf_key keys[] = {
	EXPECT_KEYS(tcp_conf, expect),
	{ .name = "send", .type = &expect_bytes_type, .offset = offsetof(struct tcp_conf, send),
	  .max = EXPECT_SEND_MAX,
	  .help = "What is sent once connected, with \\r \\n \\t \\\\ \\xNN; without expect and "
		  "expect_regex any answer passes." },
};
/* clang-format on */

static const struct probe_scheme schemes[] = {
	{ .name = "tcp", .needs_port = true },
	{ .name = NULL },
};

const struct probe_type probe_tcp = {
	.name = "tcp",
	.schemes = schemes,
	.help = "Connects to the realserver's port and gives the connection up, after a question "
		"and its answer where they are given.",
	.part = { .name = "tcp",
		  .keys = keys,
		  .n_keys = countof(keys),
		  .size = sizeof(struct tcp_conf) },
	.run_size = sizeof(struct tcp_run),
	.start = tcp_start,
	.expire = stream_expire,
	.cancel = stream_cancel,
};
