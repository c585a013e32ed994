/* journal_line.h: a line of the journal: what kinds there are, and how one is put
 * together. The order of members is the table's, and equal values give equal bytes:
 * what a replay decides is compared with what was recorded as text. */
#ifndef HOLDS_JOURNAL_LINE_H
#define HOLDS_JOURNAL_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"

enum { JOURNAL_LINE_MAX = 64 * 1024 }; /* bytes, newline included */

enum journal_kind {
	/* What the agent was told or saw: */
	JOURNAL_START = 0,
	JOURNAL_STOP,
	JOURNAL_CONFIG,
	JOURNAL_RESTORED,
	JOURNAL_KERNEL,
	JOURNAL_VERDICT,
	JOURNAL_SAMPLE,
	JOURNAL_ASKED,
	JOURNAL_ENDED,
	JOURNAL_ORDER,
	/* What it decided: */
	JOURNAL_RULE,
	JOURNAL_HOLD,
	JOURNAL_RELEASE,
	JOURNAL_REFUSED,
	JOURNAL_PANIC,
	JOURNAL_WEIGHT,
	JOURNAL_FREEZE,
	JOURNAL_RAMP,
	JOURNAL_DRIFT,
	JOURNAL_DRAIN,
	JOURNAL_N_KINDS,
};

enum journal_type {
	JOURNAL_TEXT = 0,
	JOURNAL_INT,
	JOURNAL_NUMBER, /* a double; what is not finite is null */
	JOURNAL_BOOL,
	JOURNAL_VALUES, /* an object of numbers by name */
};

struct journal_field {
	const char *name;
	enum journal_type type;
	const char *help;
};

struct journal_kind_row {
	const char *name; /* "what" */
	const char *help;
	bool input;
	const struct journal_field *fields; /* in the order of the line */
	size_t n_fields;
};
extern const struct journal_kind_row journal_kinds[JOURNAL_N_KINDS];
/* False where no kind has that name. */
bool journal_kind_find(const char *name, enum journal_kind *ret_kind);

struct journal_line {
	struct buf text;
	enum journal_kind kind;
	size_t next;    /* field of the kind that may come next */
	bool in_values; /* an object of values is open */
	bool first;     /* and nothing stands in it */
	int error;
};

void journal_line_fini(struct journal_line *l);

/* {"t":…,"m":…,"seq":…,"what":"…" : forgets what stood in it. */
void journal_line_begin(struct journal_line *l, enum journal_kind kind, int64_t wall_ms,
			int64_t mono_ms, uint64_t seq);
/* Each adds a member, in the order of the kind's table; any may be left out. A NULL line
 * is fine. A text of NULL is left out, one over 8 KB is cut. */
void journal_line_text(struct journal_line *l, const char *name, const char *value);
void journal_line_int(struct journal_line *l, const char *name, int64_t value);
void journal_line_number(struct journal_line *l, const char *name, double value);
void journal_line_bool(struct journal_line *l, const char *name, bool value);
/* Opens the object, and adds one number to it. */
void journal_line_values(struct journal_line *l, const char *name);
void journal_line_value(struct journal_line *l, const char *name, double value);
/* Closes the line with its newline. -EINVAL for a member that the table does not have
 * there, -EMSGSIZE, -ENOMEM. */
int journal_line_end(struct journal_line *l);

/* Appends the shortest decimal that reads back the same; "null" for what is not finite. */
void journal_put_number(struct buf *out, double value);

#endif
