/* expect.h: what a probe sends, and what must stand in the answer: types of keys, and
 * the match. For every kind that reads an answer. */
#ifndef COLLECTORS_EXPECT_H
#define COLLECTORS_EXPECT_H

#include "agent/base/regex.h"
#include "agent/probe.h"
#include "conf/key.h"

enum { EXPECT_SEND_MAX = 4096 }; /* bytes, for keys of expect_bytes_type */

/* A field of expect_bytes_type: text with \r \n \t \\ and \xNN. At most key->max bytes,
 * where that is not 0. */
struct expect_bytes {
	const char *data; /* NULL = not given */
	size_t len;
};

/* A field of expect_regex_type: a PCRE2 pattern; a mistake is told with its column. */
struct expect_pattern {
	const char *text; /* as it was given; NULL = not given */
	const struct regex *regex;
};

extern const struct conf_type expect_bytes_type, expect_regex_type;

/* What is asked of an answer: all of it that is given. */
struct expect {
	const char *text; /* must stand in it */
	struct expect_pattern pattern;
	uint64_t max_answer; /* so many bytes are read */
};

/* The rows of a key table for member `field` of struct `conf`, a struct expect. */
#define EXPECT_KEYS(conf, field)                                                                   \
	{ .name = "expect",                                                                        \
	  .type = &conf_string,                                                                    \
	  .offset = offsetof(struct conf, field.text),                                             \
	  .help = "Text that must stand within the first max_answer bytes of the answer." },       \
		{ .name = "expect_regex",                                                          \
		  .type = &expect_regex_type,                                                      \
		  .offset = offsetof(struct conf, field.pattern),                                  \
		  .help = "A regular expression (PCRE2, over bytes) that must match within "       \
			  "them." },                                                               \
	{                                                                                          \
		.name = "max_answer", .type = &conf_size,                                          \
		.offset = offsetof(struct conf, field.max_answer), .def = "4KB", .min = 1,         \
		.max = 64 << 10, .help = "How much of the answer is read."                         \
	}

/* Whether anything is asked. */
bool expect_given(const struct expect *e);

/* Whether all that is asked stands in these bytes: 1 or 0. *steps as regex_match() has it,
 * and so have the errors. */
int expect_match(const struct expect *e, const char *bytes, size_t len, uint32_t *steps);

/* The report that such a match makes of an answer. What could not be told is unknown: the
 * pattern is ours. */
struct probe_report expect_report(int match);

#endif
