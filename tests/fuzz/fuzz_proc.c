/* fuzz_proc.c: any text as /proc/net/ip_vs. Whatever comes out holds together.
 *
 *   clang -fsanitize=fuzzer,address,undefined … tests/fuzz/fuzz_proc.c agent/ipvs/…
 */
#include <stdlib.h>
#include <string.h>

#include "agent/ipvs/procfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FILE *in = size ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;
	struct ipvs_info info = { 0 };
	struct ipvs_table t;
	uint32_t n = 0;

	if (!in)
		return 0;
	procfs_parse(in, &t, &info);
	fclose(in);
	for (uint32_t i = 0; i < t.n_services; i++) {
		const struct ipvs_service *s = &t.services[i];

		check(s->first_dest == n && s->n_dests <= t.n_dests - n);
		check(memchr(s->scheduler, 0, sizeof(s->scheduler)) != NULL);
		check(!i || ipvs_key_cmp(&t.services[i - 1].key, &s->key) < 0);
		check(ipvs_table_service(&t, &s->key) == s);
		n += s->n_dests;
	}
	check(n == t.n_dests);
	ipvs_table_fini(&t);
	return 0;
}
