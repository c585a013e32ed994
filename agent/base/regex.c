/* regex.c: the only user of PCRE2. Its match limit is counted anew from each place where a
 * match may begin, so that it alone bounds nothing in a long subject: each item of a
 * pattern is compiled with a callout, and the callouts are counted. No JIT: its code is not
 * in the arena, and what is matched is short. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "agent/base/regex.h"

#include <errno.h>
#include <pcre2.h>
#include <string.h>

enum {
	STEPS = 100000,      /* for any subject … */
	STEPS_BYTE = 8,      /* … and for each byte of it: `.*` goes there and back */
	DEPTH = 10000,       /* backtracking points at once */
	HEAP_KB = 8192,      /* for them */
	MAX_PATTERN = 10000, /* bytes */
	WHY_MAX = 256,       /* PCRE2 says that its longest is shorter */
};

struct regex {
	pcre2_code *code;
};

/* --- compiling ------------------------------------------------------------------ */

static void *take(size_t size, void *arena)
{
	return arena_alloc(arena, size);
}

static void leave(void *p ATTR_UNUSED, void *arena ATTR_UNUSED)
{
}

static int explain(int code, size_t offset, struct buf *why, unsigned int *ret_column)
{
	PCRE2_UCHAR text[WHY_MAX];

	if (code == PCRE2_ERROR_HEAP_FAILED)
		return -ENOMEM;
	*ret_column = (unsigned int)offset + 1;
	if (pcre2_get_error_message(code, text, sizeof(text)) >= 0)
		buf_puts(why, (const char *)text);
	return -EINVAL;
}

int regex_compile(struct arena *arena, const char *pattern, struct buf *why,
		  unsigned int *ret_column, const struct regex **ret_regex)
{
	/* All of it lies in the arena, which is what frees it. */
	pcre2_general_context *memory = pcre2_general_context_create(take, leave, arena);
	pcre2_compile_context *how = memory ? pcre2_compile_context_create(memory) : NULL;
	struct regex *r = arena_alloc(arena, sizeof(*r));
	PCRE2_SIZE offset = 0;
	int code = 0;

	if (!how || !r)
		return -ENOMEM;
	pcre2_set_newline(how, PCRE2_NEWLINE_ANYCRLF);
	pcre2_set_max_pattern_length(how, MAX_PATTERN);
	r->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
				PCRE2_AUTO_CALLOUT | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP, &code,
				&offset, how);
	if (!r->code)
		return explain(code, offset, why, ret_column);
	*ret_regex = r;
	return 0;
}

/* --- matching ------------------------------------------------------------------- */

uint32_t regex_steps(size_t len)
{
	return len < (UINT32_MAX - STEPS) / STEPS_BYTE ? STEPS + STEPS_BYTE * (uint32_t)len
						       : UINT32_MAX;
}

static int count(pcre2_callout_block *at ATTR_UNUSED, void *arg)
{
	uint32_t *steps = arg;

	if (!*steps)
		return PCRE2_ERROR_CALLOUT;
	(*steps)--;
	return 0;
}

/* What a negative answer means. What is not listed is one that bytes without UTF cannot
 * bring about. */
static const struct {
	int code, error;
} errors[] = {
	{ PCRE2_ERROR_NOMATCH, 0 },
	{ PCRE2_ERROR_NOMEMORY, -ENOMEM },
};

static int read_code(int code)
{
	size_t i;

	for (i = 0; i < countof(errors) && code < 0; i++)
		if (errors[i].code == code)
			return errors[i].error;
	return code < 0 ? -E2BIG : 1;
}

int regex_match(const struct regex *r, const char *subject, size_t len, uint32_t *steps)
{
	/* Not by the pattern's own memory, which is the arena's. */
	pcre2_match_data *found = pcre2_match_data_create(1, NULL);
	pcre2_match_context *how = pcre2_match_context_create(NULL);
	int code = PCRE2_ERROR_NOMEMORY;

	if (found && how) {
		pcre2_set_match_limit(how, *steps);
		pcre2_set_depth_limit(how, DEPTH);
		pcre2_set_heap_limit(how, HEAP_KB);
		pcre2_set_callout(how, count, steps);
		code = pcre2_match(r->code, (PCRE2_SPTR)(subject ? subject : ""), len, 0, 0, found,
				   how);
	}
	pcre2_match_context_free(how);
	pcre2_match_data_free(found);
	return read_code(code);
}
