/* conns.c: reads the kernel's list of connections, line by line, and counts those of a
 * few dests. Format: ip_vs_conn_seq_show() in net/netfilter/ipvs/ip_vs_conn.c.
 *
 *   Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
 *   TCP 0A090002 9C40 0A090064 0050 0A01000B 0050 ESTABLISHED     890
 *   UDP fd09:…:0002 9C40 fd09:…:0100 0035 fd01:…:0011 0035 UDP   297
 *
 * The counters know active (ESTABLISHED, SYN_RECV …) from inactive; among the inactive
 * are half of a download whose client has sent all, and what ended a minute ago. */
#include "agent/ipvs/conns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/attr.h"
#include "agent/base/clock.h"

enum {
	WORDS = 9,
	LINE_MAX_LEN = 1024, /* with a SIP call's name; the kernel's own part is under 200 */
	PIECE = 64 * 1024,
};

struct conns {
	struct conns_dest *dests;
	uint32_t n;
	struct conns_limits limits;
	uint64_t bytes;
	size_t len; /* of the line that is not complete */
	char line[LINE_MAX_LEN];
};

/* One line, as far as it matters. */
struct conn {
	uint8_t proto;
	bool template;
	struct addr vip, dest;
	const char *state;
	uint32_t expires;
};

static int cmp_dest(const void *a, const void *b)
{
	const struct conns_dest *da = a, *db = b;
	int c = addr_cmp(&da->dest, &db->dest);

	return c ? c : ipvs_key_cmp(&da->service, &db->service);
}

int conns_new(struct conns_dest *dests, uint32_t n, const struct conns_limits *limits,
	      struct conns **ret_conns)
{
	struct conns *c = malloc(sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->dests = dests;
	c->n = n;
	c->limits = *limits;
	c->bytes = c->len = 0;
	for (uint32_t i = 0; i < n; i++) {
		dests[i].open = dests[i].talking = dests[i].over = dests[i].templates = 0;
		dests[i].open_s = dests[i].sticky_s = 0;
	}
	if (n)
		qsort(dests, n, sizeof(*dests), cmp_dest);
	*ret_conns = c;
	return 0;
}

void conns_free(struct conns *c)
{
	free(c);
}

/* --- a line ------------------------------------------------------------------ */

static int read_hex(const char *text, uint32_t max, uint32_t *ret_n)
{
	uint64_t n = 0;
	const char *p;

	for (p = text; *p; p++) {
		const char *digits = "0123456789ABCDEF", *d = strchr(digits, *p);

		if (!d || p - text >= 8)
			return -EBADMSG;
		n = n << 4 | (uint64_t)(d - digits);
	}
	if (p == text || n > max)
		return -EBADMSG;
	*ret_n = (uint32_t)n;
	return 0;
}

static int read_seconds(const char *text, uint32_t *ret_n)
{
	uint64_t n = 0;
	const char *p;

	for (p = text; *p; p++) {
		if (*p < '0' || *p > '9' || p - text >= 10)
			return -EBADMSG;
		n = n * 10 + (uint64_t)(*p - '0');
	}
	if (p == text)
		return -EBADMSG;
	/* A timer that is due already is printed as one that wrapped. */
	*ret_n = n > INT32_MAX ? 0 : (uint32_t)n;
	return 0;
}

/* 0A090064, or an IPv6 address in full. */
static int read_addr(const char *ip, const char *port, struct addr *ret_addr)
{
	struct addr a = { 0 };
	uint32_t n;

	if (read_hex(port, UINT16_MAX, &n))
		return -EBADMSG;
	a.port = (uint16_t)n;
	if (strchr(ip, ':')) {
		if (inet_pton(AF_INET6, ip, a.bytes) != 1)
			return -EBADMSG;
		a.family = AF_INET6;
	} else {
		if (strlen(ip) != 8 || read_hex(ip, UINT32_MAX, &n))
			return -EBADMSG;
		n = htonl(n);
		memcpy(a.bytes, &n, sizeof(n));
		a.family = AF_INET;
	}
	*ret_addr = a;
	return 0;
}

static uint8_t read_proto(const char *word)
{
	static const struct {
		const char *word;
		uint8_t proto;
	} known[] = {
		{ "TCP", IPPROTO_TCP },
		{ "UDP", IPPROTO_UDP },
		{ "SCTP", IPPROTO_SCTP },
		{ "IP", IPPROTO_IP }, /* a template of a mark */
	};

	for (size_t i = 0; i < countof(known); i++)
		if (strcmp(word, known[i].word) == 0)
			return known[i].proto;
	return UINT8_MAX; /* AH, ESP: nobody's of ours */
}

/* Cuts the line up. */
static int read_conn(char *line, struct conn *ret_conn)
{
	char *words[WORDS], *save, *word = strtok_r(line, " \t", &save);
	struct addr client;
	int n = 0;

	for (; word && n < WORDS; word = strtok_r(NULL, " \t", &save))
		words[n++] = word;
	if (n < WORDS || read_addr(words[1], words[2], &client) ||
	    read_addr(words[3], words[4], &ret_conn->vip) ||
	    read_addr(words[5], words[6], &ret_conn->dest) ||
	    read_seconds(words[8], &ret_conn->expires))
		return -EBADMSG;
	ret_conn->proto = read_proto(words[0]);
	ret_conn->state = words[7];
	ret_conn->template = !client.port && (strcmp(ret_conn->state, "NONE") == 0 ||
					      strcmp(ret_conn->state, "ASSURED") == 0);
	return 0;
}

/* --- whose ------------------------------------------------------------------- */

static bool is_of(const struct conns_dest *d, const struct conn *c)
{
	/* A template names the port 0, or a mark in the address's place. */
	if (c->template || d->service.fwmark)
		return true;
	return d->service.proto == c->proto && addr_cmp(&d->service.addr, &c->vip) == 0;
}

static struct conns_dest *find(const struct conns *s, const struct conn *c, uint16_t port)
{
	struct addr at = c->dest;
	uint32_t low = 0, high = s->n;

	at.port = port;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (addr_cmp(&s->dests[mid].dest, &at) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < s->n && addr_cmp(&s->dests[low].dest, &at) == 0; low++)
		if (is_of(&s->dests[low], c))
			return &s->dests[low];
	return NULL;
}

/* --- what it is -------------------------------------------------------------- */

/* How long ago its last packet came, by a timer that each packet sets anew. */
static uint32_t idle_s(uint32_t timeout, uint32_t left)
{
	return timeout > left ? timeout - left : 0;
}

static bool is_over(const struct conns_dest *d, const struct conn *c, uint32_t fin_s)
{
	static const char *const states[] = { "TIME_WAIT", "CLOSE", "CLOSED", "REJECTED" };

	for (size_t i = 0; i < countof(states); i++)
		if (strcmp(c->state, states[i]) == 0)
			return true;
	return d->one_way && strcmp(c->state, "FIN_WAIT") == 0 &&
	       idle_s(fin_s, c->expires) >= CONNS_QUIET_S;
}

static void count(struct conns_dest *d, const struct conn *c, const struct conns_limits *l)
{
	if (c->template) {
		d->templates++;
		if (c->expires > d->sticky_s)
			d->sticky_s = c->expires;
	} else if (c->proto == IPPROTO_UDP) {
		if (idle_s(l->udp_s, c->expires) < CONNS_QUIET_S)
			d->talking++;
		else
			d->over++;
	} else if (is_over(d, c, l->fin_s)) {
		d->over++;
	} else {
		d->open++;
		if (c->expires > d->open_s)
			d->open_s = c->expires;
	}
}

static int take_line(struct conns *s)
{
	struct conn c = { 0 };
	struct conns_dest *d;
	int e;

	s->line[s->len] = '\0';
	if (strncmp(s->line, "Pro ", 4) == 0)
		return 0;
	e = read_conn(s->line, &c);
	if (e)
		return e;
	d = find(s, &c, c.dest.port);
	if (!d)
		d = find(s, &c, 0);
	if (d)
		count(d, &c, &s->limits);
	return 0;
}

/* --- all of it --------------------------------------------------------------- */

int conns_feed(struct conns *s, const char *text, size_t len)
{
	int e = 0;

	s->bytes += len;
	if (s->bytes > s->limits.bytes)
		return -E2BIG;
	for (size_t i = 0; !e && i < len; i++) {
		if (text[i] == '\n') {
			e = take_line(s);
			s->len = 0;
		} else if (s->len + 1 == sizeof(s->line) || !text[i]) {
			e = -EBADMSG;
		} else {
			s->line[s->len++] = text[i];
		}
	}
	return e;
}

static int feed_all(struct conns *s, int fd)
{
	int64_t until_ms = clock_mono_ms() + s->limits.ms;
	char *piece = malloc(PIECE);
	ssize_t n = -1;
	int e = piece ? 0 : -ENOMEM;

	while (!e && n) {
		n = read(fd, piece, PIECE);
		if (n < 0)
			e = errno == EINTR ? 0 : -errno;
		else
			e = conns_feed(s, piece, (size_t)n);
		if (!e && n && clock_mono_ms() > until_ms)
			e = -ETIME;
	}
	free(piece);
	return e;
}

int conns_read(const char *root, struct conns_dest *dests, uint32_t n,
	       const struct conns_limits *limits)
{
	struct buf path = BUF_INIT;
	struct conns *s;
	int e = conns_new(dests, n, limits, &s), fd;

	if (e)
		return e;
	buf_puts(&path, root);
	buf_puts(&path, "/net/ip_vs_conn");
	fd = buf_ok(&path) ? open(buf_str(&path), O_RDONLY | O_CLOEXEC) : -1;
	if (fd == -1) {
		e = buf_ok(&path) ? -errno : -ENOMEM;
	} else {
		e = feed_all(s, fd);
		close(fd);
	}
	buf_fini(&path);
	conns_free(s);
	return e;
}
