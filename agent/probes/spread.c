/* spread.c: the realservers behind one VIP that is asked of each of them differ by their
 * lanes alone. */
#include "agent/probes/spread.h"

/* FNV-1a with a finish that makes near inputs far. */
uint32_t spread_hash(const struct layout_target *t, uint64_t salt)
{
	const char *name = t->conf->head.name ? t->conf->head.name : "";
	const unsigned char *p = (const unsigned char *)&t->addr;
	uint32_t hash = 2166136261u, mark = t->lane ? t->lane->key.fwmark : 0;
	size_t i;

	for (i = 0; i < sizeof(t->addr); i++)
		hash = (hash ^ p[i]) * 16777619u;
	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	for (; mark; mark >>= 8)
		hash = (hash ^ (mark & 0xff)) * 16777619u;
	for (; salt; salt >>= 8)
		hash = (hash ^ (salt & 0xff)) * 16777619u;
	hash = (hash ^ (hash >> 16)) * 0x85ebca6bu;
	hash = (hash ^ (hash >> 13)) * 0xc2b2ae35u;
	return hash ^ (hash >> 16);
}

int64_t spread_share(int64_t whole, uint32_t hash)
{
	return whole * (hash >> 16) >> 16;
}
