/* fuzz_share.c: what somebody who is taken for a peer says. What is accepted is within its
 * bounds, merges with what is held here, and is written and read again as the same.
 *
 *   clang -fsanitize=fuzzer,address,undefined … tests/fuzz/fuzz_share.c build/lib.a …
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/holds/share.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_merge(const struct share *s)
{
	static char ours[] = "0123456789abcdef", origin[] = "aaaaaaaaaaaaaaaa";
	struct hold mine = { .number = 3 }, carried = { .number = 2, .origin = origin };
	const struct hold *list[] = { &mine, &carried };
	struct merge_side theirs = share_side(s);
	struct seen_set seen = { 0 };
	struct merge_side us = { ours, &seen, list, 2 };
	struct merge m;
	size_t i;
	int e;

	check(!seen_raise(&seen, "", 3) && !seen_raise(&seen, origin, 2));
	e = merge(&us, &theirs, &m);
	check(!e || e == -ESTALE || e == -E2BIG);
	for (i = 0; !e && i < m.n; i++)
		check(m.steps[i].kind == MERGE_END || m.steps[i].theirs->number > 0);
	if (!e)
		merge_fini(&m);
	seen_fini(&seen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf why = BUF_INIT, text = BUF_INIT;
	struct share s, again;
	struct merge_side side;
	size_t i;
	int e = share_read(size ? (const char *)data : "", size, &why, &s);

	check(e == 0 || e == -EINVAL || e == -EPROTONOSUPPORT);
	check((e != 0) == (why.len > 0));
	if (!e && !s.unchanged) {
		check(s.n <= SHARE_HOLDS_MAX);
		for (i = 0; i < s.n; i++)
			check(seen_node_ok(s.holds[i]->origin) && s.holds[i]->number > 0);
		check_merge(&s);
		side = share_side(&s);
		check(share_write(&side, s.tag, s.now_wall_ms, &text) == 0);
		check(share_read(text.data, text.len, &why, &again) == 0);
		check(again.n == s.n && again.seen.n == s.seen.n);
		share_fini(&again);
	}
	if (!e)
		share_fini(&s);
	buf_fini(&why);
	buf_fini(&text);
	return 0;
}
