/* lane.c: marks by open addressing: the hash of where a lane leads, then the next that is
 * free, in the order of lane_cmp(). So a configuration alone says which lane has which
 * mark, and one realserver more moves another's mark only where their hashes meet. */
#include "agent/model/lane.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/rows.h"

static const char scheduler[] = "rr";

bool lane_is_key(const struct ipvs_key *key)
{
	return key->fwmark - LANE_FIRST_MARK < LANE_N_MARKS;
}

static int cmp_number(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

/* The method and what belongs to it, as one number. */
static uint32_t method_of(const struct ipvs_dest *d)
{
	return (uint32_t)d->tun_port << 16 | (uint32_t)d->tun_flags << 8 |
	       (uint32_t)d->tun_type << 4 | d->forward;
}

int lane_cmp(const struct lane *a, const struct lane *b)
{
	int c;

	if (!a || !b)
		return (a != NULL) - (b != NULL);
	c = cmp_number(a->key.addr.family, b->key.addr.family);
	if (!c)
		c = addr_cmp(&a->dest.addr, &b->dest.addr);
	return c ? c : cmp_number(method_of(&a->dest), method_of(&b->dest));
}

bool lane_same(const struct lane *a, const struct lane *b)
{
	return !lane_cmp(a, b) && (!a || a->key.fwmark == b->key.fwmark);
}

static uint32_t hash_of(const struct lane *l)
{
	const unsigned char *p = (const unsigned char *)&l->dest.addr;
	uint32_t hash = 2166136261u, rest = method_of(&l->dest);
	size_t i;

	hash = (hash ^ l->key.addr.family) * 16777619u;
	for (i = 0; i < sizeof(l->dest.addr); i++)
		hash = (hash ^ p[i]) * 16777619u;
	for (; rest; rest >>= 8)
		hash = (hash ^ (rest & 0xff)) * 16777619u;
	hash = (hash ^ (hash >> 16)) * 0x85ebca6bu;
	return hash ^ (hash >> 13);
}

/* --- marks ---------------------------------------------------------------------- */

static int cmp_draft(const void *a, const void *b, void *arg)
{
	const struct lane *drafts = arg;

	return lane_cmp(&drafts[*(const uint32_t *)a], &drafts[*(const uint32_t *)b]);
}

static int cmp_key(const void *a, const void *b, void *arg)
{
	(void)arg;
	return ipvs_key_cmp(&((const struct lane *)a)->key, &((const struct lane *)b)->key);
}

/* One of each kind, in the order of lane_cmp(), with its mark. */
static uint32_t give_marks(const struct lane *drafts, const uint32_t *order, uint32_t n,
			   unsigned char *taken, struct lane *lanes)
{
	uint32_t i, slot, made = 0;

	for (i = 0; i < n; i++) {
		const struct lane *d = &drafts[order[i]];

		if (i && !lane_cmp(&drafts[order[i - 1]], d))
			continue;
		if (made == LANE_N_MARKS / 2)
			return made + 1;
		slot = hash_of(d) % LANE_N_MARKS;
		while (taken[slot / 8] >> slot % 8 & 1)
			slot = (slot + 1) % LANE_N_MARKS;
		taken[slot / 8] = (unsigned char)(taken[slot / 8] | 1u << slot % 8);
		lanes[made] = *d;
		lanes[made++].key.fwmark = LANE_FIRST_MARK + slot;
	}
	return made;
}

/* Which of the lanes each draft became: those of one kind stand side by side in `order`,
 * and the kinds in the order of `keys`. */
static void tell_index(const struct lane *drafts, const uint32_t *order, uint32_t n,
		       const struct ipvs_key *keys, const struct lane *lanes, uint32_t n_lanes,
		       uint32_t *ret_index)
{
	uint32_t i, kind = 0;

	for (i = 0; i < n; i++) {
		if (i && lane_cmp(&drafts[order[i - 1]], &drafts[order[i]]))
			kind++;
		ret_index[order[i]] = lanes_find(lanes, n_lanes, &keys[kind]);
	}
}

int lanes_assign(const struct lane *drafts, uint32_t n, uint32_t *ret_index,
		 struct lane **ret_lanes, uint32_t *ret_n)
{
	uint32_t *order = rows_new(n, sizeof(*order));
	unsigned char *taken = calloc(LANE_N_MARKS / 8, 1);
	struct lane *lanes = rows_new(n, sizeof(*lanes));
	struct ipvs_key *keys = rows_new(n, sizeof(*keys));
	uint32_t i, made;
	int e = -ENOMEM;

	if (!order || !taken || !lanes || !keys)
		goto out;
	for (i = 0; i < n; i++)
		order[i] = i;
	rows_sort(order, n, sizeof(*order), cmp_draft, (void *)(uintptr_t)drafts);
	made = give_marks(drafts, order, n, taken, lanes);
	e = made > LANE_N_MARKS / 2 ? -E2BIG : 0;
	if (e)
		goto out;
	for (i = 0; i < made; i++)
		keys[i] = lanes[i].key;
	rows_sort(lanes, made, sizeof(*lanes), cmp_key, NULL);
	tell_index(drafts, order, n, keys, lanes, made, ret_index);
	*ret_lanes = lanes;
	*ret_n = made;
	lanes = NULL;
out:
	free(order);
	free(taken);
	free(lanes);
	free(keys);
	return e;
}

uint32_t lanes_find(const struct lane *lanes, uint32_t n, const struct ipvs_key *key)
{
	uint32_t low = 0, high = n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int c = ipvs_key_cmp(&lanes[mid].key, key);

		if (!c)
			return mid;
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return n;
}

/* --- the kernel's --------------------------------------------------------------- */

/* The kernel keeps a UDP client with the realserver that it met first, by its port, for
 * minutes, and a later probe of another realserver may have that port: so each packet is
 * scheduled by itself. With masq it would not find the way back then. */
void lane_kernel(const struct lane *lane, struct ipvs_service *ret_service)
{
	struct ipvs_service s = { .key = lane->key };

	memcpy(s.scheduler, scheduler, sizeof(scheduler));
	s.flags = lane->dest.forward == IPVS_MASQ ? 0 : IPVS_SVC_ONEPACKET;
	s.netmask = lane->key.addr.family == AF_INET6 ? 128 : UINT32_MAX;
	*ret_service = s;
}

int lanes_split(struct ipvs_table *table, uint32_t *ret_n)
{
	struct ipvs_service *lanes;
	uint32_t n = 0, kept = 0, i;

	for (i = 0; i < table->n_services; i++)
		n += lane_is_key(&table->services[i].key);
	lanes = n ? malloc(n * sizeof(*lanes)) : NULL;
	if (n && !lanes)
		return -ENOMEM;
	*ret_n = n;
	if (!n)
		return 0;
	for (i = n = 0; i < table->n_services; i++) {
		if (lane_is_key(&table->services[i].key))
			lanes[n++] = table->services[i];
		else
			table->services[kept++] = table->services[i];
	}
	memcpy(&table->services[kept], lanes, n * sizeof(*lanes));
	table->n_services = kept;
	free(lanes);
	return 0;
}

bool lane_is_left(const struct ipvs_table *table, const struct ipvs_service *service)
{
	return lane_is_key(&service->key) && !strcmp(service->scheduler, scheduler) &&
	       !(service->flags & IPVS_SVC_FLAGS & ~(uint32_t)IPVS_SVC_ONEPACKET) &&
	       (!service->n_dests ||
		(service->n_dests == 1 && table->dests[service->first_dest].weight == 1));
}
