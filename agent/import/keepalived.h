/* keepalived.h: a keepalived.conf as a tree of statements, and what its reader is made of; for
 * import/keepalived*.c only. */
#ifndef IMPORT_KEEPALIVED_H
#define IMPORT_KEEPALIVED_H

#include "agent/base/arena.h"
#include "agent/import/import.h"

/* A keyword with its words, and the block behind it. */
struct ka_stmt {
	const char *const *words; /* one at least; NULL behind the last */
	uint32_t n_words;
	bool has_block;
	struct import_at at;
	struct ka_stmt *first, *next; /* first: of its block */
};

/* Text becomes statements (keepalived_words.c). Blocks may begin in one file and end in
 * another, as included text stands for itself. */
enum { KA_DEPTH_MAX = 16 };
struct ka_words {
	struct import *im;
	struct arena *arena; /* of the tree */
	struct ka_level {
		struct ka_stmt *owner; /* NULL: the file's own level */
		struct ka_stmt **end, *last;
	} levels[KA_DEPTH_MAX + 1];
	unsigned int depth;
	const char **words; /* of the statement in hand */
	uint32_t n_words;
	struct import_at at;
};
/* Reads a line without its comment. 0, -EINVAL (refused), -ENOMEM. */
int ka_words_line(struct ka_words *w, const char *text, struct import_at at);
/* Every block must be closed. */
int ka_words_end(struct ka_words *w);

/* A file and all that it includes as a tree, definitions and conditions applied
 * (keepalived_text.c). 0, -EINVAL (refused), -ENOMEM. */
int ka_parse(struct import *im, struct import_source *source, struct arena *arena,
	     struct ka_stmt **ret_first);

/* Where a comment begins in a line, or its end. */
char *ka_comment(char *line);

/* --- what statements say (keepalived_says.c) --- */

/* A word's value; word 1 where it stands behind the keyword. NULL = there is none. */
const char *ka_word(const struct ka_stmt *s, uint32_t i);
/* Appends the statement as the source says it, without its block. */
void ka_put(struct buf *out, const struct ka_stmt *s);
/* import_note() about a statement. */
struct ka {
	struct import *im;
	struct arena *arena;
	const struct ka_stmt *first; /* the file's statements */
	bool said_start, said_panic, said_deadline;
	bool oom;
};
void ka_note(struct ka *k, struct import_part *p, enum import_fate fate, const struct ka_stmt *s,
	     const char *fmt, ...) ATTR_PRINTF(5, 6);

/* What a keyword sets, each a field of a struct at `offset`: ms, int64_t; a count, int64_t; a
 * flag, int8_t; the statement itself, const struct ka_stmt *. The last of several counts. */
enum ka_type { KA_NOTE = 0, KA_TIMER, KA_COUNT, KA_FLAG, KA_STMT, KA_ELSEWHERE };
struct ka_key {
	const char *word; /* NULL ends a table */
	enum ka_type type;
	size_t offset;
	enum import_fate fate; /* of KA_NOTE, with its reason */
	const char *why;
};
/* Fields that nothing set. */
enum { KA_UNSET = -1 };
/* Sets the fields of `to`; what is badly written is dropped and noted in p. */
void ka_set(struct ka *k, struct import_part *p, const struct ka_stmt *first,
	    const struct ka_key *keys, void *to);
/* Notes in p all that has no place with us: KA_NOTE rows, and what no row knows. */
void ka_notes(struct ka *k, struct import_part *p, const struct ka_stmt *first,
	      const struct ka_key *keys);

#endif
