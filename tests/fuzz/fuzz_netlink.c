/* fuzz_netlink.c: datagrams from a kernel that lies: the walk over messages, then each
 * reader over each message's bytes. What is accepted must be written and read again as
 * the same.
 *
 *   clang -fsanitize=fuzzer,address,undefined … tests/fuzz/fuzz_netlink.c agent/ipvs/…
 */
#include <linux/genetlink.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ipvs/attr.h"
#include "agent/ipvs/nlreq.h"
#include "agent/ipvs/nlsock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_service(const struct ipvs_service *s)
{
	uint32_t words[NLSOCK_REQUEST_MAX / 4];
	struct nlreq q = { .start = (uint8_t *)words, .room = sizeof(words) };
	struct ipvs_service again;

	check(memchr(s->scheduler, 0, sizeof(s->scheduler)) != NULL);
	check(memchr(s->engine, 0, sizeof(s->engine)) != NULL);
	check(!(s->flags & ~(uint32_t)IPVS_SVC_FLAGS));
	if (!*s->scheduler)
		return;
	nlreq_start(&q, 0x20, 0, 1, 1, 1);
	attr_put_service(&q, s, true);
	check(nlreq_finish(&q));
	check(attr_get_service((struct nlmsghdr *)(void *)words, &again) == 0);
	check(memcmp(&again.key, &s->key, sizeof(again.key)) == 0);
	check(strcmp(again.scheduler, s->scheduler) == 0 && again.netmask == s->netmask);
}

static void check_dest(const struct ipvs_dest *d)
{
	uint32_t words[NLSOCK_REQUEST_MAX / 4];
	struct nlreq q = { .start = (uint8_t *)words, .room = sizeof(words) };
	struct ipvs_dest again;

	nlreq_start(&q, 0x20, 0, 1, 1, 1);
	attr_put_dest(&q, d, true);
	check(nlreq_finish(&q));
	check(attr_get_dest((struct nlmsghdr *)(void *)words, 0, &again) == 0);
	check(memcmp(&again.addr, &d->addr, sizeof(again.addr)) == 0);
	check(ipvs_dest_same(&again, d));
}

/* The same message for every reader. */
static int on_message(void *arg, const struct nlmsghdr *h)
{
	uint32_t *n = arg;
	struct ipvs_info info = { 0 };
	struct ipvs_service s;
	struct ipvs_dest d;
	uint16_t id;

	if (attr_get_service(h, &s) == 0)
		check_service(&s);
	if (attr_get_dest(h, 2, &d) == 0)
		check_dest(&d);
	attr_get_info(h, &info);
	attr_get_config(h, &info);
	attr_get_family_id(h, &id);
	return ++*n == 100 ? -1 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1); /* aligned, and no byte more */
	int results[4] = { 0 };
	uint32_t n = 0;
	struct talk t = { .seq = 1, .n = 4, .results = results, .fn = on_message, .arg = &n };

	check(exact != NULL);
	if (size)
		memcpy(exact, data, size);
	talk_feed(&t, exact, size);
	for (int i = 0; i < 4; i++)
		check(results[i] <= 0);
	free(exact);
	return 0;
}
