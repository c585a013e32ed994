/* fuzz_ledger.c: a ledger from anybody's hands. The bytes are read twice: as a file,
 * and line by line as the JSON of records that get the right checksum and sequence, for
 * no fuzzer guesses those. What is accepted must be written and read again as the same.
 *
 *   clang -fsanitize=fuzzer,address,undefined … tests/fuzz/fuzz_ledger.c agent/holds/…
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "agent/holds/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* Writes what was read, reads that, and writes it again: both must be the same. */
static void check_again(const struct replay *p)
{
	struct buf first = BUF_INIT, second = BUF_INIT, why = BUF_INIT;
	struct replay again = { 0 };
	struct replay_end end;
	uint64_t next;

	check(replay_write(p, &first, &next) == 0);
	check(replay_init(&again) == 0);
	check(replay_read(&again, first.data, first.len, &why, &end) == 0);
	check(!end.damaged && !end.torn && end.good == first.len && end.next == next);
	check(replay_write(&again, &second, &next) == 0);
	check(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
	replay_fini(&again);
	buf_fini(&first);
	buf_fini(&second);
	buf_fini(&why);
}

static void read_file(const char *data, size_t len)
{
	struct replay p = { 0 };
	struct replay_end end;
	struct buf why = BUF_INIT;
	struct ledger_state s;
	int r;

	check(replay_init(&p) == 0);
	r = replay_read(&p, data, len, &why, &end);
	check(r == 0 || r == -EPROTONOSUPPORT);
	check((why.len > 0) == (r != 0 || end.damaged));
	if (r == 0) {
		check(end.good <= len);
		check_again(&p);
		check(replay_to_state(&p, &s) == 0);
		check(!end.damaged || s.n_owned + s.n_holds == 0);
		ledger_state_fini(&s);
	}
	replay_fini(&p);
	buf_fini(&why);
}

static void frame(struct buf *out, uint64_t sequence, const char *json, size_t len)
{
	struct buf line = BUF_INIT;

	buf_printf(&line, "%" PRIu64 " ", sequence);
	buf_put(&line, json, len);
	buf_printf(out, "%08lx ",
		   crc32(crc32(0, NULL, 0), (const Bytef *)line.data, (uInt)line.len));
	buf_put(out, line.data, line.len);
	buf_putc(out, '\n');
	buf_fini(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size, *newline;
	struct buf file = BUF_INIT;
	uint64_t sequence = 1;

	read_file(size ? at : "", size);
	check(record_put_header(&file) == 0);
	while (at < end) {
		newline = memchr(at, '\n', (size_t)(end - at));
		newline = newline ? newline : end;
		frame(&file, sequence++, at, (size_t)(newline - at));
		at = newline + 1;
	}
	read_file(file.data, file.len);
	buf_fini(&file);
	return 0;
}
