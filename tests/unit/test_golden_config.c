/* test_golden_config.c: tests/golden/config: each case is the files of a
 * configuration and, behind a line "---", exactly what `ipvs-agent check` says.
 * "=== NAME" begins a file; without one the text is site.ini. The exit code follows
 * from the answer. With GOLDEN_UPDATE=1 the answers are written anew: read the
 * difference before you commit it. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/cli/cli.h"
#include "tests/unit/fake_probes.h"
#include "tests/unit/golden_cases.h"

static char *read_text(const char *path)
{
	struct buf text = BUF_INIT;
	FILE *f = fopen(path, "re");
	char part[4096];
	size_t n;

	if (!f)
		return NULL;
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_put(&text, part, n);
	fclose(f);
	return buf_take(&text);
}

static void write_text(const char *path, const char *text, size_t len)
{
	FILE *f;
	char *slash = strchr(path, '/');

	if (slash) {
		*slash = '\0';
		assert_true(mkdir(path, 0777) == 0 || errno == EEXIST);
		*slash = '/';
	}
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

/* Writes the case's files below the current directory. */
static void write_files(const char *text, const char *end)
{
	while (text < end) {
		const char *next = memmem(text + 1, (size_t)(end - text - 1), "\n=== ", 5);
		char name[64] = "site.ini";
		const char *stop = next ? next + 1 : end;

		if (!strncmp(text, "=== ", 4)) {
			size_t len = strcspn(text + 4, "\n");

			assert_true(len < sizeof(name));
			memcpy(name, text + 4, len);
			name[len] = '\0';
			text += 4 + len + 1;
		}
		write_text(name, text, (size_t)(stop - text));
		text = stop;
	}
}

/* cmd_check() with its standard output in a file. */
static char *run_check(int *ret_code)
{
	struct cli_args args = { .config = "site.ini" };
	int kept = dup(STDOUT_FILENO),
	    fd = open("out", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(kept != -1 && fd != -1);
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	*ret_code = cmd_check(&args);
	fflush(stdout);
	dup2(kept, STDOUT_FILENO);
	close(fd);
	close(kept);
	return read_text("out");
}

static int remove_one(const char *path, const struct stat *st ATTR_UNUSED, int type ATTR_UNUSED,
		      struct FTW *at ATTR_UNUSED)
{
	return remove(path);
}

static void remove_tree(const char *dir)
{
	assert_int_equal(nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void update(const char *path, const char *text, const char *end, const char *answer)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fwrite(text, 1, (size_t)(end - text), f);
	fprintf(f, "---\n%s", answer);
	fclose(f);
}

static void one_case(void **state)
{
	const char *path = *state;
	char *text = read_text(path), *middle, *answer, *where = realpath(path, NULL);
	char dir[] = "/tmp/golden-XXXXXX", *home = getcwd(NULL, 0);
	int code;

	assert_non_null(text);
	middle = strstr(text, "\n---\n");
	assert_non_null(middle);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	write_files(text, middle + 1);
	answer = run_check(&code);
	assert_int_equal(chdir(home), 0);
	if (getenv("GOLDEN_UPDATE"))
		update(where, text, middle + 1, answer);
	else
		assert_string_equal(answer, middle + 5);
	assert_int_equal(code, strstr(answer, ": error: ") ? CLI_ERROR : CLI_OK);
	remove_tree(dir);
	free(answer);
	free(text);
	free(where);
	free(home);
}

int main(void)
{
	return golden_cases("tests/golden/config/*.txt", "golden config", one_case);
}
