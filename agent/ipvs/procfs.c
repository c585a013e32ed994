/* procfs.c: the kernel's text about its services, read line by line: an agent without
 * CAP_NET_ADMIN is still an exporter. Format: ip_vs_info_seq_show() in
 * net/netfilter/ipvs/ip_vs_ctl.c.
 *
 *   IP Virtual Server version 1.2.1 (size=4096)
 *   Prot LocalAddress:Port Scheduler Flags
 *     -> RemoteAddress:Port Forward Weight ActiveConn InActConn
 *   TCP  0A010205:0050 wlc persistent 75000 FFFFFFFF
 *     -> 0A010215:0050      Route   100    0          0
 *   UDP  [2001:0db8:0000:0000:0000:0000:0000:0001]:0035 rr
 *   FWM  00000007 sh ops
 */
#include "agent/ipvs/procfs.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "agent/base/attr.h"
#include "agent/base/buf.h"
#include "agent/ipvs/ipvs.h"
#include "agent/ipvs/table.h"

enum { MAX_WORDS = 8 };

struct reader {
	struct table_draft draft;
	struct ipvs_service open; /* the service whose dests are being read */
	bool is_open;
	struct ipvs_info info;
};

/* All of `text` as a number of that base, at most `max`. */
static int read_number(const char *text, int base, uint64_t max, uint64_t *ret_n)
{
	unsigned long long n;
	char *end;

	/* strtoull() takes blanks, signs and 0x; the kernel prints none. */
	if (!isxdigit((unsigned char)text[0]) || strpbrk(text, "xX"))
		return -EBADMSG;
	errno = 0;
	n = strtoull(text, &end, base);
	if (errno || *end || n > max)
		return -EBADMSG;
	*ret_n = n;
	return 0;
}

/* 0A010205:0050 or [2001:0db8:…]:0050. Cuts the text up. */
static int read_addr(char *text, struct addr *ret_addr)
{
	struct addr a = { 0 };
	char *colon = strrchr(text, ':');
	uint64_t n;
	uint32_t ip;
	size_t len;

	if (!colon || read_number(colon + 1, 16, UINT16_MAX, &n))
		return -EBADMSG;
	a.port = (uint16_t)n;
	*colon = '\0';
	len = (size_t)(colon - text);
	if (text[0] == '[') {
		if (text[len - 1] != ']')
			return -EBADMSG;
		text[len - 1] = '\0';
		if (inet_pton(AF_INET6, text + 1, a.bytes) != 1)
			return -EBADMSG;
		a.family = AF_INET6;
	} else {
		if (len != 8 || read_number(text, 16, UINT32_MAX, &n))
			return -EBADMSG;
		ip = htonl((uint32_t)n);
		memcpy(a.bytes, &ip, sizeof(ip));
		a.family = AF_INET;
	}
	*ret_addr = a;
	return 0;
}

/* Words at blanks; what is beyond the last one is left out. */
static int split(char *line, char *ret_words[static MAX_WORDS])
{
	char *save, *word;
	int n = 0;

	for (word = strtok_r(line, " \t\n", &save); word && n < MAX_WORDS;
	     word = strtok_r(NULL, " \t\n", &save))
		ret_words[n++] = word;
	return n;
}

/* The service's dests are all there. */
static int close_service(struct reader *r)
{
	struct ipvs_table *t = r->draft.table;
	struct ipvs_service *s;

	if (!r->is_open)
		return 0;
	r->is_open = false;
	s = table_add_service(&r->draft);
	if (!s)
		return -ENOMEM;
	*s = r->open;
	table_close_service(t, s, s->first_dest);
	return 0;
}

/* "ops", "persistent TICKS MASK": in that order, each there or not. */
static int read_flags(char **words, int n, struct ipvs_service *s)
{
	uint64_t mask;
	int i = 0;

	s->netmask = s->key.addr.family == AF_INET6 ? 128 : UINT32_MAX;
	if (i < n && strcmp(words[i], "ops") == 0) {
		s->flags |= IPVS_SVC_ONEPACKET;
		i++;
	}
	if (i == n)
		return 0;
	if (n - i != 3 || strcmp(words[i], "persistent") != 0)
		return -EBADMSG;
	if (read_number(words[i + 2], 16, UINT32_MAX, &mask))
		return -EBADMSG;
	s->flags |= IPVS_SVC_PERSISTENT;
	/* Printed through ntohl(), an IPv6 prefix length too. */
	s->netmask = htonl((uint32_t)mask);
	return 0;
}

static int read_service(struct reader *r, char **words, int n, uint8_t proto)
{
	struct ipvs_service s = { .key.proto = proto, .first_dest = r->draft.table->n_dests };
	uint64_t mark;
	int error;

	if (n < 3 || strlen(words[2]) >= sizeof(s.scheduler))
		return -EBADMSG;
	memcpy(s.scheduler, words[2], strlen(words[2]) + 1);
	if (proto) {
		error = read_addr(words[1], &s.key.addr);
	} else {
		error = read_number(words[1], 16, UINT32_MAX, &mark);
		if (!error && !mark)
			error = -EBADMSG;
		if (!error)
			s.key.fwmark = (uint32_t)mark;
		s.key.addr.family = AF_INET;
	}
	if (!error)
		error = read_flags(words + 3, n - 3, &s);
	if (error)
		return error;
	r->open = s;
	r->is_open = true;
	return 0;
}

static int read_forward(const char *name, struct ipvs_dest *d)
{
	for (unsigned int i = IPVS_MASQ; i <= IPVS_BYPASS; i++) {
		if (strcasecmp(name, ipvs_forward_name(i)) != 0)
			continue;
		d->forward = i & IPVS_OTHER;
		return 0;
	}
	return -EBADMSG;
}

/* -> 0A010215:0050 Route 100 0 0 */
static int read_dest(struct reader *r, char **words, int n)
{
	struct ipvs_dest d = { 0 }, *row;
	uint64_t weight, active, inactive;
	int error = -EBADMSG;

	if (!r->is_open || n != 6)
		return -EBADMSG;
	/* Connections are printed with %d and can be seen just below 0. */
	if (read_addr(words[1], &d.addr) || read_forward(words[2], &d) ||
	    read_number(words[3], 10, INT32_MAX, &weight) ||
	    read_number(words[4][0] == '-' ? "0" : words[4], 10, UINT32_MAX, &active) ||
	    read_number(words[5][0] == '-' ? "0" : words[5], 10, UINT32_MAX, &inactive))
		return error;
	d.weight = (uint32_t)weight;
	d.active = (uint32_t)active;
	d.inactive = (uint32_t)inactive;
	/* A mark's family is not printed; tunnels aside, it is its dests'. */
	if (r->open.key.fwmark && d.addr.family == AF_INET6 && d.forward != IPVS_TUNNEL) {
		r->open.key.addr.family = AF_INET6;
		if (!(r->open.flags & IPVS_SVC_PERSISTENT))
			r->open.netmask = 128;
	}
	row = table_add_dest(&r->draft);
	if (!row)
		return -ENOMEM;
	*row = d;
	return 0;
}

/* IP Virtual Server version 1.2.1 (size=4096) */
static int read_title(const char *line, struct ipvs_info *info)
{
	unsigned int major, minor, patch, size;

	if (sscanf(line, "IP Virtual Server version %3u.%3u.%3u (size=%9u)", &major, &minor, &patch,
		   &size) != 4)
		return -EBADMSG;
	info->version = (major & 0xff) << 16 | (minor & 0xff) << 8 | (patch & 0xff);
	info->conn_tab_size = size;
	return 0;
}

static int read_line(struct reader *r, char *line)
{
	static const struct {
		const char *word;
		uint8_t proto;
	} kinds[] = {
		{ "FWM", 0 },
		{ "TCP", IPPROTO_TCP },
		{ "UDP", IPPROTO_UDP },
		{ "SCTP", IPPROTO_SCTP },
		/* Nobody balances these; netlink takes any protocol all the same. */
		{ "ICMP", IPPROTO_ICMP },
		{ "ICMPv6", IPPROTO_ICMPV6 },
	};
	char *words[MAX_WORDS];
	uint64_t proto;
	int error, n;

	n = split(line, words);
	if (!n)
		return 0;
	if (strcmp(words[0], "->") == 0)
		return n > 1 && strncmp(words[1], "Remote", 6) == 0 ? 0 : read_dest(r, words, n);
	if (strcmp(words[0], "Prot") == 0)
		return 0;
	error = close_service(r);
	if (error)
		return error;
	for (size_t i = 0; i < countof(kinds); i++)
		if (strcmp(words[0], kinds[i].word) == 0)
			return read_service(r, words, n, kinds[i].proto);
	if (strncmp(words[0], "IP_", 3) == 0 && !read_number(words[0] + 3, 10, 255, &proto) &&
	    proto)
		return read_service(r, words, n, (uint8_t)proto);
	return -EBADMSG;
}

int procfs_parse(FILE *in, struct ipvs_table *ret_table, struct ipvs_info *ret_info)
{
	struct reader r = { .draft.table = ret_table };
	char *line = NULL;
	size_t room = 0;
	int error = -EBADMSG, closed;

	*ret_table = (struct ipvs_table){ 0 };
	if (getline(&line, &room, in) > 0)
		error = read_title(line, &r.info);
	while (!error && getline(&line, &room, in) > 0)
		error = read_line(&r, line);
	if (!error && ferror(in))
		error = -EIO;
	free(line);
	closed = close_service(&r);
	if (!error)
		error = closed;
	closed = table_sort(ret_table);
	if (!error)
		error = closed;
	if (!error)
		*ret_info = r.info;
	return error;
}

static char *path_of(const char *root)
{
	struct buf path = BUF_INIT;

	buf_puts(&path, root);
	buf_puts(&path, "/net/ip_vs");
	return buf_take(&path);
}

int procfs_read(const char *root, struct ipvs_table *ret_table, struct ipvs_info *ret_info)
{
	char *path = path_of(root);
	FILE *in;
	int r = 0;

	*ret_table = (struct ipvs_table){ 0 };
	if (!path)
		return -ENOMEM;
	in = fopen(path, "re");
	if (!in)
		r = -errno;
	free(path);
	if (!in)
		return r;
	r = procfs_parse(in, ret_table, ret_info);
	fclose(in);
	return r;
}

bool procfs_present(const char *root)
{
	char *path = path_of(root);
	bool there = path && access(path, F_OK) == 0;

	free(path);
	return there;
}
