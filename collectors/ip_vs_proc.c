/* ip_vs_proc.c: totals of the network namespace from /proc/net/ip_vs_stats: netlink
 * does not tell them, and the file needs no capability. (/proc/net/ip_vs, the
 * fallback for the table itself, is read where the table is read.) */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/procfile.h"
#include "agent/model/view.h"
#include "collectors/node_names.h"
#include "collectors/table.h"

enum { MAX_FILE = 16384, HEAD_LINES = 2 };

/* In the order of the file's columns. */
enum total { CONNS = 0, IN_PACKETS, OUT_PACKETS, IN_BYTES, OUT_BYTES, N_TOTALS };

struct totals {
	uint64_t n[N_TOTALS];
};

/* The file's numbers are bare hexadecimal. */
static bool parse_hex(const char *text, uint64_t *ret_n)
{
	size_t len = strspn(text, "0123456789abcdefABCDEF");

	if (!len || len > 16 || text[len])
		return false;
	*ret_n = strtoull(text, NULL, 16);
	return true;
}

/* Two lines of headings, then one of exactly five numbers; what follows are the
 * kernel's rates, which Prometheus makes better ones of. */
static int parse(char *text, struct totals *t)
{
	char *line = NULL, *word, *save = NULL;
	unsigned int i;

	for (i = 0; i <= HEAD_LINES; i++)
		line = text ? strsep(&text, "\n") : NULL;
	if (!line || !text)
		return -EBADMSG;
	word = strtok_r(line, " \t", &save);
	for (i = 0; i < N_TOTALS; i++) {
		if (!word || !parse_hex(word, &t->n[i]))
			return -EBADMSG;
		word = strtok_r(NULL, " \t", &save);
	}
	return word ? -EBADMSG : 0;
}

/* Without ip_vs in the kernel there is no such file. */
static int collect(const struct collect_env *env, void *values)
{
	struct buf text = BUF_INIT;
	int r = procfile_read_below(env->procfs, "net/ip_vs_stats", MAX_FILE, &text);

	if (r == -ENOENT)
		r = -ENODATA;
	if (!r)
		r = parse(text.data, values);
	buf_fini(&text);
	return r;
}

#define GETTER(name, at)                                                                           \
	static bool name(const struct view *v ATTR_UNUSED, const void *values,                     \
			 uint32_t row ATTR_UNUSED, uint32_t sub ATTR_UNUSED,                       \
			 struct metric_value *ret_value)                                           \
	{                                                                                          \
		*ret_value = metric_u64(((const struct totals *)values)->n[at]);                   \
		return true;                                                                       \
	}

GETTER(conns, CONNS)
GETTER(in_packets, IN_PACKETS)
GETTER(out_packets, OUT_PACKETS)
GETTER(in_bytes, IN_BYTES)
GETTER(out_bytes, OUT_BYTES)

#define TOTAL(prefix, suffix, set, fn, text)                                                       \
	{                                                                                          \
		.name = prefix "ipvs_" suffix "_total", .type = METRIC_COUNTER, .help = text,      \
		.rows = &(set), .get = (fn)                                                        \
	}

static const struct metric metrics[] = {
	TOTAL("", "connections", metric_one, conns, "Connections made, over all services."),
	TOTAL("", "incoming_packets", metric_one, in_packets,
	      "Packets from clients, over all services."),
	TOTAL("", "outgoing_packets", metric_one, out_packets,
	      "Packets to clients that passed the director, over all services."),
	TOTAL("", "incoming_bytes", metric_one, in_bytes, "Bytes from clients, over all services."),
	TOTAL("", "outgoing_bytes", metric_one, out_bytes,
	      "Bytes to clients that passed the director, over all services."),
	TOTAL("node_", "connections", node_one, conns, "The total number of connections made."),
	TOTAL("node_", "incoming_bytes", node_one, in_bytes, "The total amount of incoming data."),
	TOTAL("node_", "incoming_packets", node_one, in_packets,
	      "The total number of incoming packets."),
	TOTAL("node_", "outgoing_bytes", node_one, out_bytes, "The total amount of outgoing data."),
	TOTAL("node_", "outgoing_packets", node_one, out_packets,
	      "The total number of outgoing packets."),
};

const struct collector collector_ip_vs_proc = {
	.name = "ip_vs_proc",
	.help = "Totals over all services",
	.metrics = metrics,
	.n_metrics = countof(metrics),
	.values_size = sizeof(struct totals),
	.collect = collect,
};
