/* kernel_test.c: the codec against a real ip_vs. Each row of the table is applied by
 * agent/ipvs/netlink.c, seen by ipvsadm, read back, changed and deleted. For a fresh
 * network namespace, as root; run by scenarios/10-kernel.sh.
 *
 *   kernel_test            everything but what follows
 *   kernel_test reload     also unloads and loads ip_vs, which is of the whole machine
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/attr.h"
#include "agent/ipvs/ipvs.h"
#include "agent/ipvs/port.h"
#include "tests/guest/kernel_cases.h"
#include "tests/guest/kernel_replies.h"
#include "tests/guest/tap.h"

/* --- applying and reading ---------------------------------------------------------------- */

/* The op for each dest, or one for the service; the first result that is not 0. */
static int apply(struct ipvs_kernel *k, enum ipvs_op_kind kind, struct built *b)
{
	struct ipvs_op ops[3];
	struct ipvs_batch batch = { .services = &b->service,
				    .n_services = 1,
				    .dests = b->dests,
				    .n_dests = b->n_dests,
				    .ops = ops,
				    .n_ops = kind < IPVS_NEW_DEST ? 1 : b->n_dests };
	int r;

	for (uint32_t i = 0; i < batch.n_ops; i++)
		ops[i] = (struct ipvs_op){ .kind = kind, .dest = i };
	r = k->ops->apply(k, &batch);
	for (uint32_t i = 0; !r && i < batch.n_ops; i++)
		r = ops[i].result;
	return r;
}

static bool same_service(const struct ipvs_service *a, const struct ipvs_service *b)
{
	return memcmp(&a->key, &b->key, sizeof(a->key)) == 0 &&
	       strcmp(a->scheduler, b->scheduler) == 0 && strcmp(a->engine, b->engine) == 0 &&
	       a->flags == b->flags && a->timeout == b->timeout && a->netmask == b->netmask;
}

static bool same_dest(const struct ipvs_dest *a, const struct ipvs_dest *b)
{
	return memcmp(&a->addr, &b->addr, sizeof(a->addr)) == 0 && a->forward == b->forward &&
	       a->weight == b->weight && a->upper == b->upper && a->lower == b->lower &&
	       a->tun_type == b->tun_type && a->tun_port == b->tun_port &&
	       a->tun_flags == b->tun_flags;
}

/* The kernel's table is exactly this. */
static bool reads_back(struct ipvs_kernel *k, const struct built *b)
{
	const struct ipvs_dest *d;
	struct ipvs_table t;
	bool same;

	if (k->ops->dump(k, NULL, NULL, &t))
		return false;
	same = ipvs_table_may_act(&t) && t.n_services == 1 && t.n_dests == b->n_dests &&
	       t.services[0].n_dests == b->n_dests && same_service(&t.services[0], &b->service);
	for (uint32_t i = 0; same && i < b->n_dests; i++) {
		d = ipvs_table_dest(&t, &t.services[0], &b->dests[i].addr);
		same = d && same_dest(d, &b->dests[i]);
	}
	ipvs_table_fini(&t);
	return same;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines of a text in order, blanks at their ends taken off. */
static char *in_order(const char *text)
{
	char *copy = strdup(text), *lines[64], *save, *line;
	struct buf out = BUF_INIT;
	size_t n = 0, len;

	for (line = strtok_r(copy, "\n", &save); line && n < countof(lines);
	     line = strtok_r(NULL, "\n", &save)) {
		len = strlen(line);
		while (len && line[len - 1] == ' ')
			line[--len] = '\0';
		lines[n++] = line;
	}
	qsort(lines, n, sizeof(*lines), compare_lines);
	for (size_t i = 0; i < n; i++)
		buf_printf(&out, "%s\n", lines[i]);
	free(copy);
	return buf_take(&out);
}

static char *ipvsadm_says(const char *command)
{
	FILE *in = popen(command, "re");
	struct buf out = BUF_INIT;
	char *sorted;
	int c;

	while (in && (c = getc(in)) != EOF)
		buf_putc(&out, (char)c);
	if (!in || pclose(in) != 0)
		buf_puts(&out, "ipvsadm failed\n");
	sorted = in_order(buf_str(&out));
	buf_fini(&out);
	return sorted;
}

static char *should_say(const struct kernel_case *c, uint32_t n_dests)
{
	size_t name = strcspn(c->shown, " ") + 1;
	struct buf out = BUF_INIT;
	char *sorted;

	name += strcspn(c->shown + name, " ");
	if (strncmp(c->shown + name, " -6", 3) == 0)
		name += 3;
	buf_printf(&out, "-A %s\n", c->shown);
	for (uint32_t i = 0; i < n_dests; i++) {
		struct addr a = address(c->dests[i].addr);

		buf_printf(&out, "-a %.*s -r ", (int)name, c->shown);
		if (!a.port) {
			a.port = 1;
			addr_format(&out, &a);
			out.data[out.len - 1] = '0';
		} else {
			addr_format(&out, &a);
		}
		buf_printf(&out, " %s\n", c->dests[i].shown);
	}
	sorted = in_order(buf_str(&out));
	buf_fini(&out);
	return sorted;
}

static void check_shown(const struct kernel_case *c, const struct built *b)
{
	char *got, *wanted;

	for (uint32_t i = 0; i < b->n_dests; i++)
		if (!c->dests[i].shown)
			return;
	got = ipvsadm_says("ipvsadm -Sn 2>&1");
	wanted = should_say(c, b->n_dests);
	if (!ok(strcmp(got, wanted) == 0, "%s: ipvsadm -Sn", c->name))
		printf("# got\n%s# expected\n%s", got, wanted);
	free(got);
	free(wanted);
}

/* ipvsadm -S leaves thresholds out. */
static void check_thresholds(const struct kernel_case *c, const struct ipvs_dest *d)
{
	struct buf wanted = BUF_INIT;
	char *got;

	if (!d->upper)
		return;
	got = ipvsadm_says("ipvsadm -Ln --thresholds 2>&1 | tr -s ' '");
	buf_printf(&wanted, "-> %s %u %u 0 0\n", c->dests[0].addr, d->upper, d->lower);
	if (!ok(strstr(got, buf_str(&wanted)) != NULL, "%s: ipvsadm --thresholds", c->name))
		printf("# got\n%s# expected\n%s", got, buf_str(&wanted));
	buf_fini(&wanted);
	free(got);
}

static void run_case(struct ipvs_kernel *k, const struct kernel_case *c)
{
	struct built b = build(c);
	int r;

	r = apply(k, IPVS_NEW_SERVICE, &b);
	if (!r)
		r = apply(k, IPVS_NEW_DEST, &b);
	if (!ok(!r, "%s: applied", c->name))
		printf("# %s\n", strerror(-r));
	ok(reads_back(k, &b), "%s: read back", c->name);
	check_shown(c, &b);
	check_thresholds(c, &b.dests[0]);
	/* What replaces everything, sent as it is, changes nothing. */
	for (uint32_t i = 0; i < b.n_dests; i++)
		b.dests[i].weight /= 2;
	r = apply(k, IPVS_SET_SERVICE, &b);
	if (!r)
		r = apply(k, IPVS_SET_DEST, &b);
	ok(!r && reads_back(k, &b), "%s: only the weight changes", c->name);
	if (b.n_dests)
		r = apply(k, IPVS_DEL_DEST, &b);
	b.n_dests = 0;
	ok(!r && reads_back(k, &b), "%s: servers deleted", c->name);
	r = apply(k, IPVS_DEL_SERVICE, &b);
	ok(!r && !reads_back(k, &b), "%s: service deleted", c->name);
}

/* --- errors -------------------------------------------------------------------------------- */

static void check_errors(struct ipvs_kernel *k)
{
	struct built b = build(&cases[0]), other;
	const struct kernel_case gue =
		DEST4("", "", .forward = IPVS_TUNNEL, .weight = 1, .tun_type = IPVS_TUN_GUE);

	is_int(apply(k, IPVS_SET_SERVICE, &b), -ESRCH, "set_service without the service");
	is_int(apply(k, IPVS_NEW_DEST, &b), -ESRCH, "new_dest without the service");
	is_int(apply(k, IPVS_NEW_SERVICE, &b), 0, "new_service");
	is_int(apply(k, IPVS_NEW_SERVICE, &b), -EEXIST, "new_service again");
	is_int(apply(k, IPVS_SET_DEST, &b), -ENOENT, "set_dest without the dest");
	is_int(apply(k, IPVS_DEL_DEST, &b), -ENOENT, "del_dest without the dest");
	is_int(apply(k, IPVS_NEW_DEST, &b), 0, "new_dest");
	is_int(apply(k, IPVS_NEW_DEST, &b), -EEXIST, "new_dest again");
	other = b;
	strcpy(other.service.scheduler, "nosuch");
	is_int(apply(k, IPVS_SET_SERVICE, &other), -ENOENT, "a scheduler that is not there");
	other = b;
	other.dests[0].weight = UINT32_MAX;
	is_int(apply(k, IPVS_SET_DEST, &other), -ERANGE, "a negative weight");
	other = b;
	other.dests[0].lower = 9;
	is_int(apply(k, IPVS_SET_DEST, &other), -ERANGE, "lower above upper threshold");
	other = build(&gue);
	is_int(apply(k, IPVS_SET_DEST, &other), -EINVAL, "gue without a port");
	ok(reads_back(k, &b), "refused writes change nothing");
	is_int(apply(k, IPVS_DEL_SERVICE, &b), 0, "del_service with its dests");
}

/* In the middle of a service's dump one of its dests is written. */
struct overtaking {
	struct ipvs_kernel *k;
	struct ipvs_service *service;
	struct ipvs_dest *dest;
	int calls, failed;
};

static void write_between(void *arg)
{
	struct overtaking *o = arg;
	struct ipvs_op op = { .kind = IPVS_SET_DEST };
	struct ipvs_batch batch = { .services = o->service,
				    .n_services = 1,
				    .dests = o->dest,
				    .n_dests = 1,
				    .ops = &op,
				    .n_ops = 1 };

	o->calls++;
	o->failed += o->k->ops->apply(o->k, &batch) || op.result;
}

/* 1,000 dests in one batch, each seventh twice: results belong to their ops; a dump of
 * several datagrams has each once, and lets writes through between any two of them. */
static void check_batch(struct ipvs_kernel *k)
{
	enum { N = 1000 };
	struct built b = build(&cases[0]);
	struct ipvs_dest *dests = calloc(N, sizeof(*dests));
	struct ipvs_op *ops = calloc(2 * N, sizeof(*ops));
	struct ipvs_batch batch = {
		.services = &b.service, .n_services = 1, .dests = dests, .n_dests = N, .ops = ops
	};
	uint32_t wrong = 0;
	struct overtaking o;
	struct replies replies = { 0 };
	struct ipvs_table t;

	ops[batch.n_ops++] = (struct ipvs_op){ .kind = IPVS_NEW_SERVICE };
	for (uint32_t i = 0; i < N; i++) {
		dests[i] = b.dests[0];
		dests[i].addr.bytes[2] = (uint8_t)(i / 250);
		dests[i].addr.bytes[3] = (uint8_t)(i % 250 + 1);
		dests[i].weight = i;
		ops[batch.n_ops++] = (struct ipvs_op){ .kind = IPVS_NEW_DEST, .dest = i };
		if (i % 7 == 0)
			ops[batch.n_ops++] = (struct ipvs_op){ .kind = IPVS_NEW_DEST, .dest = i };
	}
	ops[batch.n_ops++] = (struct ipvs_op){ .kind = IPVS_NEW_DEST, .service = 1 };
	ops[batch.n_ops++] = (struct ipvs_op){ .kind = IPVS_NEW_DEST, .dest = N };
	is_int(k->ops->apply(k, &batch), 0, "a batch of over 1,000");
	for (uint32_t i = 1; i + 2 < batch.n_ops; i++) {
		bool again = i > 1 && ops[i].dest == ops[i - 1].dest;

		wrong += ops[i].result != (again ? -EEXIST : 0);
	}
	is_int(wrong, 0, "each op has its own result");
	is_int(ops[batch.n_ops - 1].result, -EINVAL, "an op about no dest of the batch");
	is_int(ops[batch.n_ops - 2].result, -EINVAL, "an op about no service of the batch");
	o = (struct overtaking){ .k = k, .service = &b.service, .dest = &dests[3] };
	is_int(k->ops->dump(k, write_between, &o, &t), 0, "a dump of several datagrams");
	ok(o.calls >= 9, "writes need not wait for its end");
	is_int(o.failed, 0, "and are carried out");
	is_int(replies_count(&b.service, &replies), 0, "its replies looked at");
	is_int(replies.n, N, "all of them");
	is_int(replies.quick, N, "each is laid out as the quick way of reading has it");
	is_int(t.n_dests, N, "each is there once");
	for (uint32_t i = 0; i < t.n_dests; i++)
		wrong += t.dests[i].weight != i;
	is_int(wrong, 0, "in order");
	ipvs_table_fini(&t);
	apply(k, IPVS_DEL_SERVICE, &b);
	free(dests);
	free(ops);
}

/* Between two services' dumps the second one is deleted. */
struct deletion {
	struct ipvs_kernel *k;
	struct built b;
	int calls;
};

static void delete_between(void *arg)
{
	struct deletion *d = arg;

	if (!d->calls++)
		apply(d->k, IPVS_DEL_SERVICE, &d->b);
}

static void check_vanishing(struct ipvs_kernel *k)
{
	struct deletion d = { .k = k };
	struct built b = build(&cases[0]);
	struct ipvs_table t;

	for (int i = 1; i <= 3; i++) {
		b.service.key.addr.port = (uint16_t)i;
		apply(k, IPVS_NEW_SERVICE, &b);
		if (i != 3)
			apply(k, IPVS_NEW_DEST, &b);
		if (i == 2)
			d.b = b;
	}
	is_int(k->ops->dump(k, delete_between, &d, &t), 0, "a write between dumps");
	is_int(d.calls, 2, "between() is called between services");
	is_int(t.n_services, 2, "a vanished service is not in the table");
	ok(t.n_services == 2 && t.services[0].key.addr.port == 1 &&
		   t.services[1].key.addr.port == 3 && t.services[1].n_dests == 0,
	   "one without dests is");
	ipvs_table_fini(&t);
	for (int i = 1; i <= 3; i++) {
		b.service.key.addr.port = (uint16_t)i;
		apply(k, IPVS_DEL_SERVICE, &b);
	}
}

static void check_info(struct ipvs_kernel *k)
{
	struct ipvs_info info = { 0 };

	is_int(k->ops->info(k, &info), 0, "info");
	ok(info.version >= 0x010201, "version %x", info.version);
	ok(info.conn_tab_size >= 256, "conn_tab_size %u", info.conn_tab_size);
	is_int(info.tcp_timeout, 900, "tcp timeout");
	is_int(info.tcp_fin_timeout, 120, "tcp fin timeout");
	is_int(info.udp_timeout, 300, "udp timeout");
}

/* Unloads ip_vs and what needs it; namespaces that are being deleted may hold it a while. */
#define UNLOAD                                                                                     \
	"n=0; while grep -q '^ip_vs ' /proc/modules; do"                                           \
	" modprobe -r $(sed -n 's/^\\(ip_vs_[a-z_]*\\) .*/\\1/p' /proc/modules) ip_vs "            \
	"2>/dev/null;"                                                                             \
	" n=$((n + 1)); [ $n -lt 100 ] || exit 1; sleep 0.1; done; ! test -e /proc/net/ip_vs"

static void reload(const char *what)
{
	is_int(system(UNLOAD " && modprobe ip_vs"), 0, what);
}

/* The socket stays, the family's id becomes another. */
static void check_reload(struct ipvs_kernel *k)
{
	struct built b = build(&cases[0]);
	struct ipvs_table t;

	reload("ip_vs is unloaded and loaded");
	is_int(apply(k, IPVS_NEW_SERVICE, &b), 0, "a write finds the family's new id");
	is_int(apply(k, IPVS_NEW_DEST, &b), 0, "and the next one knows it");
	is_int(apply(k, IPVS_DEL_SERVICE, &b), 0, "and deletes");
	reload("once more");
	is_int(k->ops->dump(k, NULL, NULL, &t), 0, "a dump finds it too");
	ok(ipvs_table_may_act(&t) && t.n_services == 0, "and is empty");
	ipvs_table_fini(&t);
}

/* No module at all: every call says so, and the kernel is not made to look for it each
 * time. */
static void check_absent(void)
{
	struct built b = build(&cases[0]);
	struct ipvs_kernel *k;
	struct ipvs_info info;
	struct ipvs_table t;

	is_int(system(UNLOAD " && echo /bin/false >/proc/sys/kernel/modprobe"), 0,
	       "ip_vs is away and does not come when called");
	if (ipvs_netlink_new("/proc", &k))
		exit(1);
	for (int i = 0; i < 2; i++) {
		is_int(k->ops->dump(k, NULL, NULL, &t), -ENOPROTOOPT, "a dump without ip_vs");
		ok(!t.complete && t.error == -ENOPROTOOPT && !t.n_services, "an empty table");
		ipvs_table_fini(&t);
		is_int(apply(k, IPVS_NEW_SERVICE, &b), -ENOPROTOOPT, "a write without ip_vs");
		is_int(k->ops->info(k, &info), -ENOPROTOOPT, "info without ip_vs");
	}
	is_int(system("echo /sbin/modprobe >/proc/sys/kernel/modprobe; modprobe ip_vs"), 0,
	       "ip_vs comes");
	is_int(k->ops->dump(k, NULL, NULL, &t), 0, "and is seen at once");
	ipvs_table_fini(&t);
	k->ops->free(k);
}

/* As nobody: /proc/net/ip_vs. */
static void check_unprivileged(struct ipvs_kernel *k)
{
	struct built b = build(&cases[0]), mark = { 0 };
	struct ipvs_kernel *poor;
	struct ipvs_table t;
	struct ipvs_info info = { 0 };

	mark.service = (struct ipvs_service){ .key.fwmark = 9,
					      .key.addr.family = AF_INET6,
					      .scheduler = "rr",
					      .netmask = 48,
					      .timeout = 10,
					      .flags = IPVS_SVC_PERSISTENT };
	mark.n_dests = 1;
	mark.dests[0] = (struct ipvs_dest){ .addr = address("2001:db8::21"),
					    .forward = IPVS_ROUTE,
					    .weight = 3 };
	apply(k, IPVS_NEW_SERVICE, &b);
	apply(k, IPVS_NEW_DEST, &b);
	apply(k, IPVS_NEW_SERVICE, &mark);
	apply(k, IPVS_NEW_DEST, &mark);
	if (setresuid(65534, 65534, 0) == -1 || ipvs_netlink_new("/proc", &poor)) {
		ok(false, "becoming nobody");
		return;
	}
	is_int(poor->ops->dump(poor, NULL, NULL, &t), 0, "nobody may read /proc");
	is_int(t.error, -EPERM, "the table says why");
	ok(t.source == IPVS_FROM_PROC && t.complete && !ipvs_table_may_act(&t),
	   "it may be shown, not acted upon");
	ok(t.n_services == 2 && t.n_dests == 2 &&
		   memcmp(&t.services[1].key, &b.service.key, sizeof(b.service.key)) == 0 &&
		   memcmp(&t.services[0].key, &mark.service.key, sizeof(b.service.key)) == 0 &&
		   t.services[0].netmask == 48 && t.dests[1].weight == 100 &&
		   memcmp(&t.dests[0].addr, &mark.dests[0].addr, sizeof(struct addr)) == 0,
	   "and has both services");
	ipvs_table_fini(&t);
	is_int(poor->ops->info(poor, &info), 0, "info, as nobody");
	ok(info.version >= 0x010201 && !info.tcp_timeout, "what /proc tells");
	is_int(apply(poor, IPVS_DEL_SERVICE, &b), -EPERM, "nobody may not write");
	poor->ops->free(poor);
	if (setresuid(0, 0, 0) == -1)
		printf("Bail out! cannot become root again\n");
	apply(k, IPVS_DEL_SERVICE, &b);
	apply(k, IPVS_DEL_SERVICE, &mark);
}

int main(int argc, char **argv)
{
	struct ipvs_kernel *k;

	if (ipvs_netlink_new("/proc", &k))
		return 1;
	check_info(k);
	for (size_t i = 0; i < countof(cases); i++)
		run_case(k, &cases[i]);
	check_errors(k);
	check_batch(k);
	check_vanishing(k);
	check_unprivileged(k);
	if (argc > 1 && strcmp(argv[1], "reload") == 0)
		check_reload(k);
	if (argc > 1 && strcmp(argv[1], "reload") == 0)
		check_absent();
	k->ops->free(k);
	printf("1..%d\n", tests);
	return failures ? 1 : 0;
}
