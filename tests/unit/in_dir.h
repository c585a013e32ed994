/* in_dir.h: a test group in a directory of its own, and files in it. */
#ifndef TESTS_IN_DIR_H
#define TESTS_IN_DIR_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/base/attr.h"
#include "tests/unit/t.h"

static char dir[] = "/tmp/ipvs-agent-test-XXXXXX";

static ATTR_UNUSED int set_up(void **state ATTR_UNUSED)
{
	return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static ATTR_UNUSED int tear_down(void **state ATTR_UNUSED)
{
	return chdir("/") == 0 && rmdir(dir) == 0 ? 0 : -1;
}

static ATTR_UNUSED void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

#endif
