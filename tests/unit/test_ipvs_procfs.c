/* test_ipvs_procfs.c: texts of /proc/net/ip_vs: whole ones with what they shall mean
 * beside them (tests/golden/proc), and lines that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/base/attr.h"
#include "agent/base/buf.h"
#include "agent/ipvs/ipvs.h"
#include "agent/ipvs/procfs.h"

#define GOLDEN "tests/golden/proc/"

static void read_file(const char *path, struct buf *out)
{
	FILE *in = fopen(path, "re");
	int c;

	assert_non_null(in);
	while ((c = getc(in)) != EOF)
		buf_putc(out, (char)c);
	fclose(in);
	assert_true(buf_ok(out));
}

static void print_table(struct buf *out, const struct ipvs_table *t, const struct ipvs_info *info)
{
	buf_printf(out, "%u.%u.%u %u\n", info->version >> 16, info->version >> 8 & 0xff,
		   info->version & 0xff, info->conn_tab_size);
	for (uint32_t i = 0; i < t->n_services; i++) {
		const struct ipvs_service *s = &t->services[i];

		ipvs_key_format(out, &s->key);
		buf_printf(out, " %s flags %u netmask ", s->scheduler, s->flags);
		if (s->key.addr.family == AF_INET6)
			buf_printf(out, "%u\n", s->netmask);
		else
			buf_printf(out, "%08x\n", ntohl(s->netmask));
		for (uint32_t j = 0; j < s->n_dests; j++) {
			const struct ipvs_dest *d = &t->dests[s->first_dest + j];

			buf_puts(out, "  ");
			addr_format(out, &d->addr);
			buf_printf(out, " %s %u %u %u\n", ipvs_forward_name(d->forward), d->weight,
				   d->active, d->inactive);
		}
	}
}

static int parse(const char *text, struct ipvs_table *t, struct ipvs_info *info)
{
	FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	int r;

	assert_non_null(in);
	r = procfs_parse(in, t, info);
	fclose(in);
	return r;
}

static void check_golden(const char *name)
{
	struct buf path = BUF_INIT, text = BUF_INIT, want = BUF_INIT, got = BUF_INIT;
	struct ipvs_info info = { 0 };
	struct ipvs_table t;

	buf_printf(&path, GOLDEN "%s.txt", name);
	read_file(buf_str(&path), &text);
	buf_reset(&path);
	buf_printf(&path, GOLDEN "%s.want", name);
	read_file(buf_str(&path), &want);
	assert_int_equal(parse(buf_str(&text), &t, &info), 0);
	print_table(&got, &t, &info);
	assert_string_equal(buf_str(&got), buf_str(&want));
	ipvs_table_fini(&t);
	buf_fini(&path);
	buf_fini(&text);
	buf_fini(&want);
	buf_fini(&got);
}

static void test_all(void **state)
{
	(void)state;
	check_golden("all");
}

static void test_empty(void **state)
{
	(void)state;
	check_golden("empty");
}

/* Each line alone behind `head` spoils a reading that has one service and one dest. */
static void check_bad(const char *file, const char *head)
{
	struct buf lines = BUF_INIT, text = BUF_INIT;
	struct ipvs_info info = { .version = 5 };
	struct ipvs_table t;
	char *line, *save;
	int n = 0;

	read_file(file, &lines);
	for (line = strtok_r(lines.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		buf_reset(&text);
		buf_printf(&text, "IP Virtual Server version 1.2.1 (size=4096)\n%s%s\n", head,
			   line);
		if (parse(buf_str(&text), &t, &info) != -EBADMSG)
			fail_msg("not refused: %s", line);
		assert_int_equal(t.n_services, *head ? 1 : 0);
		assert_int_equal(info.version, 5);
		ipvs_table_fini(&t);
		n++;
	}
	assert_true(n > 5);
	buf_fini(&lines);
	buf_fini(&text);
}

static void test_bad_lines(void **state)
{
	(void)state;
	check_bad(GOLDEN "bad.txt", "");
	check_bad(GOLDEN "bad_dest.txt", "TCP  0A01020F:0050 wlc \n");
}

static void test_bad_title(void **state)
{
	static const char *const titles[] = { "", "\n", "IP Virtual Server version 1.2\n",
					      "IP Virtual Server version x.2.1 (size=4096)\n",
					      "IP Virtual Server version 1.2.1 (size=)\n" };
	struct ipvs_info info;
	struct ipvs_table t;

	(void)state;
	for (size_t i = 0; i < countof(titles); i++) {
		FILE *in = fmemopen(NULL, 256, "w+");

		fputs(titles[i], in);
		rewind(in);
		assert_int_equal(procfs_parse(in, &t, &info), -EBADMSG);
		ipvs_table_fini(&t);
		fclose(in);
	}
}

static void test_files(void **state)
{
	char root[] = "/tmp/ipvs-procfs-XXXXXX";
	struct buf path = BUF_INIT;
	struct ipvs_info info;
	struct ipvs_table t;
	FILE *out;

	(void)state;
	assert_non_null(mkdtemp(root));
	assert_int_equal(procfs_read(root, &t, &info), -ENOENT);
	assert_false(procfs_present(root));
	buf_printf(&path, "%s/net", root);
	assert_int_equal(mkdir(buf_str(&path), 0700), 0);
	buf_puts(&path, "/ip_vs");
	out = fopen(buf_str(&path), "we");
	assert_non_null(out);
	fputs("IP Virtual Server version 1.2.1 (size=64)\n", out);
	fclose(out);
	assert_true(procfs_present(root));
	assert_int_equal(procfs_read(root, &t, &info), 0);
	assert_int_equal(info.conn_tab_size, 64);
	assert_int_equal(t.n_services, 0);
	ipvs_table_fini(&t);
	assert_int_equal(unlink(buf_str(&path)), 0);
	buf_reset(&path);
	buf_printf(&path, "%s/net", root);
	rmdir(buf_str(&path));
	rmdir(root);
	buf_fini(&path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),       cmocka_unit_test(test_empty),
		cmocka_unit_test(test_bad_lines), cmocka_unit_test(test_bad_title),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests_name("ipvs_procfs", tests, NULL, NULL);
}
