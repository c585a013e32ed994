/* test_expose.c: whole expositions against golden files, and rules that every family keeps. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/metrics/describe.h"
#include "agent/metrics/expose.h"
#include "agent/metrics/format.h"
#include "agent/metrics/round.h"
#include "agent/metrics/self.h"
#include "collectors/table.h"
#include "tests/unit/golden.h"
#include "tests/unit/view_fixture.h"

#define DIR "tests/golden/expose/"
/* In the registry's order; the registry itself also names the kinds of probes. */
static const struct collector *const collectors[] = {
	&collector_ipvs,      &collector_ip_vs_proc,
	&collector_sysctl,    &collector_probes,
	&collector_decisions, &collector_duties,
	&collector_peers,     &collector_agent,
	&collector_process,   NULL,
};
enum { N_COLLECTORS = countof(collectors) - 1 };

static void expose_all(const struct view *v, const struct expose_request *req, size_t enough,
		       struct buf *out)
{
	struct buf chunk = BUF_INIT;
	struct expose *e;
	bool more;

	assert_int_equal(expose_new(v, req, &e), 0);
	do {
		buf_reset(&chunk);
		more = expose_next(e, &chunk, enough);
		assert_true(buf_ok(&chunk));
		/* A chunk is bounded: by what was asked for, and one row. */
		if (enough != SIZE_MAX)
			assert_true(chunk.len < enough + 2000);
		buf_put(out, chunk.data, chunk.len);
	} while (more);
	expose_free(e);
	buf_fini(&chunk);
}

/* What differs from run to run: durations, and the revision. */
static void settle(struct buf *text)
{
	static const char *const loose[] = {
		"ipvs_agent_collector_duration_seconds{",
		"ipvs_agent_build_info{",
	};
	struct buf settled = BUF_INIT;
	const char *line = buf_str(text), *end;
	size_t i;

	for (; *line; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		for (i = 0; i < countof(loose); i++) {
			if (!strncmp(line, loose[i], strlen(loose[i])))
				break;
		}
		if (i == 0)
			buf_put(&settled, line, strcspn(line, "}") + 1);
		else if (i < countof(loose))
			buf_puts(&settled, "ipvs_agent_build_info{version=\"0\",revision=\"0\"}");
		else
			buf_put(&settled, line, (size_t)(end - line));
		buf_puts(&settled, i == 0 ? " 0\n" : i < countof(loose) ? " 1\n" : "\n");
	}
	buf_fini(text);
	*text = settled;
}

static void with_all(struct view *v ATTR_UNUSED)
{
}

static void with_node_names(struct view *v)
{
	v->node_exporter_names = true;
}

static void without_realservers(struct view *v)
{
	v->realserver_series = false;
}

static void from_proc(struct view *v)
{
	v->table.source = IPVS_FROM_PROC;
}

static void without_kernel(struct view *v)
{
	uint32_t i;

	v->table = (struct ipvs_table){ 0 };
	v->agent.kernel_ok = false;
	v->agent.kernel_error = -2;
	v->agent.info = (struct ipvs_info){ 0 };
	v->n_vips = 1;
	v->n_dests = 2;
	for (i = 0; i < v->n_vips; i++)
		v->vips[i].table = VIEW_NONE;
	for (i = 0; i < v->n_dests; i++)
		v->dests[i].table = VIEW_NONE;
}

struct golden_case {
	const char *file;
	enum expose_format format;
	void (*change)(struct view *v);
	const char *procfs;
	const char *chosen; /* one letter a collector; NULL = all */
};

/* The last case spoils the fixture's rows. */
static const struct golden_case golden_cases[] = {
	{ "full.txt", EXPOSE_TEXT, with_all, "tests/golden/proc/full", NULL },
	{ "full.openmetrics.txt", EXPOSE_OPENMETRICS, with_all, "tests/golden/proc/full", NULL },
	{ "node-names.txt", EXPOSE_TEXT, with_node_names, "tests/golden/proc/full", "yy------" },
	{ "no-realservers.txt", EXPOSE_TEXT, without_realservers, "tests/golden/proc/none", NULL },
	{ "from-proc.txt", EXPOSE_TEXT, from_proc, "tests/golden/proc/full", "y-------" },
	{ "chosen.txt", EXPOSE_OPENMETRICS, with_all, "tests/golden/proc/full", "--y-----" },
	{ "no-kernel.txt", EXPOSE_TEXT, without_kernel, "tests/golden/proc/none", "yyy-----" },
};

static void expose_case(const struct golden_case *c, size_t enough, struct buf *out)
{
	struct collect_env env = { .procfs = c->procfs };
	struct view v = view_fixture();
	bool chosen[N_COLLECTORS];
	struct expose_request req = { .format = c->format, .collectors = collectors };
	size_t i;

	c->change(&v);
	v.rounds = round_run(collectors, &env);
	assert_non_null(v.rounds);
	for (i = 0; c->chosen && i < N_COLLECTORS; i++)
		chosen[i] = c->chosen[i] == 'y';
	if (c->chosen)
		req.chosen = chosen;
	expose_all(&v, &req, enough, out);
	round_free(v.rounds);
}

static void test_golden(void **state)
{
	const struct golden_case *c = *state;
	struct buf text = BUF_INIT, path = BUF_INIT;

	expose_case(c, 4096, &text);
	settle(&text);
	buf_puts(&path, DIR);
	buf_puts(&path, c->file);
	assert_true(golden_same(buf_str(&path), &text));
	buf_fini(&path);
	buf_fini(&text);
}

/* The same bytes, however small the pieces that are asked for. */
static void test_chunks(void **state ATTR_UNUSED)
{
	static const size_t sizes[] = { 1, 100, 65536 };
	struct buf whole = BUF_INIT, pieces = BUF_INIT;
	size_t i;

	expose_case(&golden_cases[1], SIZE_MAX, &whole);
	settle(&whole);
	assert_true(whole.len > 10000);
	for (i = 0; i < countof(sizes); i++) {
		expose_case(&golden_cases[1], sizes[i], &pieces);
		settle(&pieces);
		assert_string_equal(buf_str(&pieces), buf_str(&whole));
		buf_fini(&pieces);
	}
	buf_fini(&whole);
}

/* --- rules for every line --- */

static bool seen(const char *const *names, size_t n, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (strlen(names[i]) == len && !memcmp(names[i], name, len))
			return true;
	}
	return false;
}

/* Is that one of its samples? A histogram has three, of which only the first, the
 * buckets, has the further label. */
static bool is_sample(const struct metric *m, const char *line, size_t len, bool *ret_label)
{
	uint32_t sub, n = m->type == METRIC_HISTOGRAM ? m->n_subs : 1;
	bool is = false;

	for (sub = 0; sub < n && !is; sub++) {
		struct buf name = BUF_INIT;
		const char *text;

		buf_printf(&name, "%s%s", m->name, metric_suffix(m, sub));
		text = buf_str(&name);
		is = seen(&text, 1, line, len);
		if (is)
			*ret_label = m->type != METRIC_HISTOGRAM || m->sub(sub);
		buf_fini(&name);
	}
	return is;
}

static const struct metric *family_of(const char *line, bool *ret_label)
{
	size_t c, m, len = strcspn(line, "{ ");

	for (c = 0; c <= N_COLLECTORS; c++) {
		const struct collector *of = c < N_COLLECTORS ? collectors[c] : &metric_self;

		for (m = 0; m < of->n_metrics; m++) {
			if (is_sample(&of->metrics[m], line, len, ret_label))
				return &of->metrics[m];
		}
	}
	return NULL;
}

/* Appends the names of a line's labels, as `names` of the tables has them. */
static void put_label_names(const char *line, struct buf *out)
{
	const char *s = line + strcspn(line, "{ ");

	if (*s != '{')
		return;
	for (s++; *s != '}'; s += *s == ',') {
		size_t len = strcspn(s, "=");

		if (out->len)
			buf_putc(out, ',');
		buf_put(out, s, len);
		for (s += len + 2; *s != '"'; s++)
			s += *s == '\\';
		s++;
	}
}

static void add_names(struct buf *out, const char *names)
{
	if (!names)
		return;
	if (out->len)
		buf_putc(out, ',');
	buf_puts(out, names);
}

/* Of the family at hand. */
static void check_sample(const char *line, const char *family)
{
	bool label = false;
	const struct metric *m = family_of(line, &label);
	struct buf is = BUF_INIT, want = BUF_INIT;

	assert_non_null(m);
	assert_string_equal(family, m->name);
	put_label_names(line, &is);
	add_names(&want, m->rows->names);
	add_names(&want, label ? m->label : NULL);
	add_names(&want, m->info_names);
	assert_string_equal(buf_str(&is), buf_str(&want));
	buf_fini(&is);
	buf_fini(&want);
}

/* Every series once, every family in one piece under its own head, and labels as
 * the tables document them. */
static void test_lines(void **state ATTR_UNUSED)
{
	const char *families[200] = { 0 }, *samples[1000];
	size_t n_families = 0, n_samples = 0, len;
	struct golden_case c = golden_cases[0];
	struct buf text = BUF_INIT;
	char *line, *rest;

	c.change = with_node_names;
	expose_case(&c, 4096, &text);
	rest = text.data;
	while ((line = strsep(&rest, "\n")) && *line) {
		if (!strncmp(line, "# TYPE ", 7)) {
			line += 7;
			len = strcspn(line, " ");
			line[len] = '\0';
			assert_false(seen(families, n_families, line, len));
			assert_true(n_families < countof(families));
			families[n_families++] = line;
		} else if (*line != '#') {
			assert_true(n_families);
			check_sample(line, families[n_families - 1]);
			*strrchr(line, ' ') = '\0';
			assert_false(seen(samples, n_samples, line, strlen(line)));
			assert_true(n_samples < countof(samples));
			samples[n_samples++] = line;
		}
	}
	assert_true(n_families > 60);
	assert_true(n_samples > 300);
	buf_fini(&text);
}

/* promlint's words: units that are no base units, and types. */
static void check_tokens(const char *name)
{
	static const char *const bad[] = {
		"s",    "ms",    "us",      "ns",      "sec",     "b",     "kb",     "mb",
		"gb",   "tb",    "pb",      "m",       "h",       "d",     "count",  "sum",
		"bits", "hours", "minutes", "percent", "counter", "gauge", "bucket", "milliseconds",
	};

	while (*name) {
		size_t len = strcspn(name, "_");

		assert_false(seen(bad, countof(bad), name, len));
		name += len + (name[len] == '_');
	}
}

static void check_family(const struct metric *m, const char *const *names, size_t n)
{
	size_t len = strlen(m->name);
	bool total = len > 6 && !strcmp(m->name + len - 6, "_total");
	bool info = len > 5 && !strcmp(m->name + len - 5, "_info");

	assert_int_equal(strspn(m->name, "abcdefghijklmnopqrstuvwxyz_"), len);
	assert_int_equal(total, m->type == METRIC_COUNTER);
	assert_int_equal(info, m->type == METRIC_INFO);
	check_tokens(m->name);
	assert_false(seen(names, n, m->name, len));
	assert_true(strlen(m->help) > 10);
	assert_int_equal(m->help[strlen(m->help) - 1], '.');
	assert_non_null(m->rows);
	assert_non_null(m->get);
	assert_int_equal(!m->rows->labels, !m->rows->names);
	assert_int_equal(!m->info, !m->info_names);
	assert_int_equal(!m->label, !m->n_subs);
	assert_int_equal(!m->label, !m->subs && !m->sub);
}

/* Whatever the fixture shows or not. */
static void test_tables(void **state ATTR_UNUSED)
{
	const char *names[200];
	size_t c, m, n = 0;

	for (c = 0; c <= N_COLLECTORS; c++) {
		const struct collector *of = c < N_COLLECTORS ? collectors[c] : &metric_self;

		for (m = 0; m < of->n_metrics; m++) {
			check_family(&of->metrics[m], names, n);
			assert_true(n < countof(names));
			names[n++] = of->metrics[m].name;
		}
		assert_int_equal(!of->collect, !of->values_size);
	}
	assert_true(n > 70);
}

static void test_describe(void **state ATTR_UNUSED)
{
	struct buf text = BUF_INIT;

	metrics_describe(collectors, &text);
	assert_true(golden_same(DIR "metrics.md", &text));
	buf_fini(&text);
}

/* --- groups ------------------------------------------------------------------------ */

enum { GROUP = 3, GROUP_ROWS = 12 };

static unsigned int groups_made;

static uint32_t grouped_count(const struct view *v ATTR_UNUSED, const void *values ATTR_UNUSED)
{
	return GROUP_ROWS;
}

static uint32_t grouped(const struct view *v ATTR_UNUSED, uint32_t row, uint32_t *at,
			struct buf *out)
{
	/* As for those that look for it from there. */
	assert_true(*at <= row / GROUP);
	*at = row / GROUP;
	groups_made++;
	buf_printf(out, "group=\"%u", *at);
	return (*at + 1) * GROUP;
}

static void grouped_labels(const struct view *v ATTR_UNUSED, const void *values ATTR_UNUSED,
			   uint32_t row, struct buf *out)
{
	buf_printf(out, " row %u\"", row);
}

static const struct metric_rows grouped_rows = {
	.count = grouped_count, .group = grouped, .labels = grouped_labels, .names = "group"
};
static const struct metric_rows other_rows = {
	.count = grouped_count, .group = grouped, .labels = grouped_labels, .names = "group"
};

static bool every(const struct view *v ATTR_UNUSED, const void *values ATTR_UNUSED,
		  uint32_t row ATTR_UNUSED, uint32_t sub ATTR_UNUSED,
		  struct metric_value *ret_value)
{
	*ret_value = metric_u64(1);
	return true;
}

/* Comes into the second group in its middle, and passes the third over. */
static bool some(const struct view *v, const void *values, uint32_t row, uint32_t sub,
		 struct metric_value *ret_value)
{
	return (row == 4 || row >= 9) && every(v, values, row, sub, ret_value);
}

#define GROUPED(n, r, g)                                                                           \
	{                                                                                          \
		.name = (n), .help = "Grouped.", .rows = (r), .get = (g)                           \
	}

static const struct metric grouped_metrics[] = {
	GROUPED("all", &grouped_rows, every), GROUPED("again", &grouped_rows, every),
	GROUPED("other", &other_rows, some),  GROUPED("others", &other_rows, every),
	GROUPED("back", &grouped_rows, some),
};

static const struct collector grouped_collector = { .name = "grouped",
						    .metrics = grouped_metrics,
						    .n_metrics = countof(grouped_metrics) };

/* Each line has the labels of its own group, which are made as seldom as can be. */
static void test_groups(void **state ATTR_UNUSED)
{
	static const struct collector *const only[] = { &grouped_collector, NULL };
	struct expose_request req = { .collectors = only };
	struct view v = { .realserver_series = true };
	struct buf text = BUF_INIT, expected = BUF_INIT;
	uint32_t m, row;

	groups_made = 0;
	expose_all(&v, &req, 1, &text);
	for (m = 0; m < countof(grouped_metrics); m++) {
		const struct metric *of = &grouped_metrics[m];
		struct metric_value value;

		buf_printf(&expected, "# HELP %s Grouped.\n# TYPE %s gauge\n", of->name, of->name);
		for (row = 0; row < GROUP_ROWS; row++)
			if (of->get(&v, NULL, row, 0, &value))
				buf_printf(&expected, "%s{group=\"%u row %u\"} 1\n", of->name,
					   row / GROUP, row);
	}
	assert_memory_equal(buf_str(&text), buf_str(&expected), expected.len);
	/* Four of `all`, none again; two of `other`, and of `others` those that were missed,
	 * and the one that was come to too late; two again. */
	assert_int_equal(groups_made, 4 + 2 + 3 + 2);
	buf_fini(&text);
	buf_fini(&expected);
}

#define GOLDEN(i)                                                                                  \
	{                                                                                          \
		golden_cases[i].file, test_golden, NULL, NULL, (void *)&golden_cases[i]            \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_describe),
		GOLDEN(0),
		GOLDEN(1),
		GOLDEN(2),
		GOLDEN(3),
		GOLDEN(4),
		GOLDEN(5),
		GOLDEN(6),
	};

	return cmocka_run_group_tests_name("expose", tests, NULL, NULL);
}
