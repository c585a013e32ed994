/* fuzz_journal.c: a journal from anybody's hands, and names and numbers from anybody in
 * ours. The bytes are read as a file, whole and in pieces, which must come to the same;
 * then they are put into a line of some kind, which must read back as it was written and
 * be the same bytes again.
 *
 *   clang -fsanitize=fuzzer,address,undefined … tests/fuzz/fuzz_journal.c agent/holds/…
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/holds/journal_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static int tell(void *arg, const struct journal_entry *e)
{
	check(e->len < JOURNAL_LINE_MAX && e->body_len <= e->len);
	check(e->seq > 0 && strcmp(e->what, journal_text(e, "what")) == 0);
	check(!e->known || strcmp(journal_kinds[e->kind].name, e->what) == 0);
	buf_put(arg, e->text, e->len);
	buf_putc(arg, '\n');
	return 0;
}

static void read_pieces(const char *bytes, size_t len, size_t piece, struct buf *out,
			struct journal_read_end *ret_end)
{
	struct journal_reader r = { .fn = tell, .arg = out };

	for (size_t at = 0; at < len; at += piece)
		check(journal_feed(&r, bytes + at, piece < len - at ? piece : len - at) == 0);
	journal_feed_end(&r, true);
	*ret_end = r.end;
}

static void read_file(const char *bytes, size_t len)
{
	struct buf whole = BUF_INIT, pieces = BUF_INIT;
	struct journal_read_end a, b;

	read_pieces(bytes, len, len ? len : 1, &whole, &a);
	read_pieces(bytes, len, 7, &pieces, &b);
	check(a.entries == b.entries && a.bad == b.bad && a.missing == b.missing);
	check(a.torn == b.torn && whole.len == pieces.len);
	check(!whole.len || memcmp(whole.data, pieces.data, whole.len) == 0);
	buf_fini(&whole);
	buf_fini(&pieces);
}

/* What the fields are filled with. */
struct filling {
	char *text;
	double number;
	int64_t n;
};

static void fill(struct journal_line *l, enum journal_kind kind, const struct filling *with)
{
	const struct journal_kind_row *k = &journal_kinds[kind];

	journal_line_begin(l, kind, with->n, with->n, 1);
	for (size_t i = 0; i < k->n_fields; i++) {
		const struct journal_field *f = &k->fields[i];

		if (f->type == JOURNAL_TEXT)
			journal_line_text(l, f->name, with->text);
		else if (f->type == JOURNAL_INT)
			journal_line_int(l, f->name, with->n);
		else if (f->type == JOURNAL_NUMBER)
			journal_line_number(l, f->name, with->number);
		else if (f->type == JOURNAL_BOOL)
			journal_line_bool(l, f->name, with->n & 1);
		else {
			journal_line_values(l, f->name);
			journal_line_value(l, with->text, with->number);
			journal_line_value(l, "z", with->number);
		}
	}
}

struct again {
	struct filling filling;
	uint64_t n;
};

static int take_again(void *arg, const struct journal_entry *e)
{
	struct again *a = arg;
	const struct journal_kind_row *k = &journal_kinds[e->kind];

	a->n++;
	check(e->known && e->wall_ms == a->filling.n);
	for (size_t i = 0; i < k->n_fields; i++) {
		const struct journal_field *f = &k->fields[i];

		if (f->type == JOURNAL_INT)
			check(journal_int(e, f->name) == a->filling.n);
		if (f->type == JOURNAL_NUMBER)
			check(isfinite(a->filling.number)
				      ? journal_number(e, f->name) == a->filling.number
				      : isnan(journal_number(e, f->name)));
		if (f->type == JOURNAL_TEXT) {
			free(a->filling.text);
			a->filling.text = strdup(journal_text(e, f->name));
		}
	}
	return 0;
}

static void write_line(enum journal_kind kind, struct filling *with)
{
	struct again again = { .filling = *with };
	struct journal_reader r = { .fn = take_again, .arg = &again };
	struct journal_line first = { 0 }, second = { 0 };

	fill(&first, kind, with);
	if (journal_line_end(&first) == 0) {
		check(memchr(first.text.data, '\n', first.text.len) ==
		      first.text.data + first.text.len - 1);
		check(journal_feed(&r, first.text.data, first.text.len) == 0);
		/* A value named twice is the one thing that a reader refuses. */
		check(again.n == 1 || kind == JOURNAL_SAMPLE);
		if (again.n == 1) {
			fill(&second, kind, &again.filling);
			check(journal_line_end(&second) == 0);
			check(strcmp(buf_str(&first.text), buf_str(&second.text)) == 0);
		}
	}
	journal_feed_end(&r, true);
	journal_line_fini(&first);
	journal_line_fini(&second);
	*with = again.filling;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct filling with = { 0 };

	read_file(size ? (const char *)data : "", size);
	if (size < sizeof(with.number) + sizeof(with.n))
		return 0;
	memcpy(&with.number, data, sizeof(with.number));
	memcpy(&with.n, data + sizeof(with.number), sizeof(with.n));
	data += sizeof(with.number) + sizeof(with.n);
	with.text = strndup((const char *)data, size - sizeof(with.number) - sizeof(with.n));
	if (with.text)
		write_line((enum journal_kind)((uint64_t)with.n % JOURNAL_N_KINDS), &with);
	free(with.text);
	return 0;
}
