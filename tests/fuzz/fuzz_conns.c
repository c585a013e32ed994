/* fuzz_conns.c: any text as /proc/net/ip_vs_conn, whole and in pieces: both say the same,
 * and no more connections are counted than there are lines.
 *
 *   clang -fsanitize=fuzzer,address,undefined … tests/fuzz/fuzz_conns.c agent/ipvs/…
 */
#include <stdlib.h>
#include <string.h>

#include "agent/ipvs/conns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { N = 3 };

static int feed(struct conns_dest dests[static N], const char *text, size_t size, size_t piece)
{
	const struct conns_limits limits = { 1 << 20, 1000, 120, 300 };
	struct conns *c;
	int e;

	if (conns_new(dests, N, &limits, &c))
		abort();
	for (e = 0; !e && size; size -= piece, text += piece) {
		piece = piece < size ? piece : size;
		e = conns_feed(c, text, piece);
	}
	conns_free(c);
	return e;
}

static uint32_t sum(const struct conns_dest *d)
{
	return d->open + d->talking + d->over + d->templates;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conns_dest whole[N] = { 0 }, pieces[N];
	const char *text = (const char *)data;
	uint32_t lines = 0, counted = 0;
	size_t i;

	for (i = 0; i < N; i++) {
		whole[i].service.proto = IPPROTO_TCP;
		whole[i].service.addr =
			(struct addr){ .family = AF_INET, .port = 80, .bytes = { 10, 9, 0, 100 } };
		whole[i].dest =
			(struct addr){ .family = AF_INET, .port = 80, .bytes = { 10, 1, 0, 11 } };
		whole[i].dest.bytes[3] += (uint8_t)i;
		whole[i].one_way = i == 1;
	}
	whole[2].service = (struct ipvs_key){ .fwmark = 7, .addr.family = AF_INET };
	memcpy(pieces, whole, sizeof(pieces));
	if (feed(whole, text, size, size ? size : 1) != feed(pieces, text, size, 7))
		abort();
	for (i = 0; i < size; i++)
		lines += text[i] == '\n';
	for (i = 0; i < N; i++) {
		if (sum(&whole[i]) != sum(&pieces[i]) || whole[i].open != pieces[i].open)
			abort();
		counted += sum(&whole[i]);
	}
	if (counted > lines)
		abort();
	return 0;
}
