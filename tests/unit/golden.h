/* golden.h: what a program says, against a file of what it is to say. With
 * UPDATE_GOLDEN=1 in the environment the file is written instead: read the diff. */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/buf.h"

static inline void golden_read(const char *path, struct buf *out)
{
	char chunk[4096];
	size_t n;
	FILE *f = fopen(path, "r");

	while (f && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_put(out, chunk, n);
	if (f)
		fclose(f);
}

/* The first line that differs, told on stderr. */
static inline void golden_tell(const char *path, const char *want, const char *is)
{
	unsigned int line = 1;
	const char *end;

	while (*want && *is) {
		size_t a = strcspn(want, "\n"), b = strcspn(is, "\n");

		if (a != b || memcmp(want, is, a))
			break;
		want += a + (want[a] == '\n');
		is += b + (is[b] == '\n');
		line++;
	}
	end = strchr(want, '\n');
	fprintf(stderr, "%s:%u: differs\n  want: %.*s\n", path, line,
		end ? (int)(end - want) : (int)strlen(want), want);
	end = strchr(is, '\n');
	fprintf(stderr, "  is:   %.*s\n", end ? (int)(end - is) : (int)strlen(is), is);
}

static inline bool golden_same(const char *path, const struct buf *is)
{
	const char *update = getenv("UPDATE_GOLDEN");
	struct buf want = BUF_INIT;
	bool same;
	FILE *f;

	if (update && !strcmp(update, "1")) {
		f = fopen(path, "w");
		same = f && fwrite(buf_str(is), 1, is->len, f) == is->len;
		return (!f || !fclose(f)) && same;
	}
	golden_read(path, &want);
	same = want.len == is->len && !strcmp(buf_str(&want), buf_str(is));
	if (!same)
		golden_tell(path, buf_str(&want), buf_str(is));
	buf_fini(&want);
	return same;
}

#endif
