/* sysctl.c: every number below /proc/sys/net/ipv4/vs, whatever the running kernel
 * has there: values differ between releases and some come with modules. One of
 * them, run_estimation, has a family of its own: at 0 every counter stands still. Beside
 * what is stands what the file asks for, and what would suit its services. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/arena.h"
#include "agent/base/parse.h"
#include "agent/base/procfile.h"
#include "agent/model/sysctl_advice.h"
#include "agent/model/sysctl_conf.h"
#include "agent/model/view.h"
#include "collectors/table.h"

/* A directory of strangers: bounds on how much of it is believed. */
enum { MAX_FILE = 4096, MAX_FILES = 1024, MAX_NUMBERS = 16 };

struct value {
	const char *name; /* "drop_entry"; of further numbers "sync_threshold[1]" */
	int64_t n;
};

struct sysctls {
	struct value *values; /* sorted by name */
	uint32_t n;
	bool knows_estimation, estimates;
	struct arena arena;
};

/* A list of processors: "2" is no number there. */
static const char estimation_cpus[] = "est_cpulist";

static int add(struct sysctls *s, const char *file, unsigned int index, int64_t n)
{
	struct value *grown = arena_grow(&s->arena, s->values, s->n, sizeof(*grown));
	struct buf name = BUF_INIT;
	char *copy;

	if (!grown)
		return -ENOMEM;
	s->values = grown;
	buf_puts(&name, file);
	if (index) {
		buf_putc(&name, '[');
		buf_put_u64(&name, index);
		buf_putc(&name, ']');
	}
	copy = buf_ok(&name) ? arena_strdup(&s->arena, buf_str(&name)) : NULL;
	buf_fini(&name);
	if (!copy)
		return -ENOMEM;
	s->values[s->n++] = (struct value){ .name = copy, .n = n };
	return 0;
}

static bool parse_number(const char *text, int64_t *ret_n)
{
	bool negative = *text == '-';
	uint64_t n;

	if (parse_u64(text + negative, &n) || n > INT64_MAX)
		return false;
	*ret_n = negative ? -(int64_t)n : (int64_t)n;
	return true;
}

/* Numbers only, or it is a text and passed over. */
static int add_numbers(struct sysctls *s, const char *file, char *text)
{
	int64_t numbers[MAX_NUMBERS];
	unsigned int i, n = 0;
	char *save = NULL, *word;
	int r = 0;

	for (word = strtok_r(text, " \t\n", &save); word; word = strtok_r(NULL, " \t\n", &save)) {
		if (n == MAX_NUMBERS || !parse_number(word, &numbers[n]))
			return 0;
		n++;
	}
	for (i = 0; i < n && !r; i++)
		r = add(s, file, i, numbers[i]);
	return r;
}

/* An empty list of processors stops the estimation as well (Linux 6.2 and later). */
static void take_estimation(struct sysctls *s, const char *file, const char *text)
{
	bool off;

	if (!strcmp(file, "run_estimation"))
		off = !strcmp(text, "0\n") || !strcmp(text, "0");
	else if (!strcmp(file, estimation_cpus))
		off = !text[strspn(text, " \t\n")];
	else
		return;
	s->estimates = !off && (s->estimates || !s->knows_estimation);
	s->knows_estimation = true;
}

/* A value that cannot be read (one may vanish with its module) is not shown; the
 * others are. */
static int take_file(struct sysctls *s, int dir, const char *file, struct buf *text)
{
	int r;

	buf_reset(text);
	r = procfile_read(dir, file, MAX_FILE, text);
	if (r == -ENOMEM)
		return r;
	if (r || !text->data)
		return 0;
	take_estimation(s, file, text->data);
	if (!strcmp(file, estimation_cpus))
		return 0;
	return add_numbers(s, file, text->data);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct value *)a)->name, ((const struct value *)b)->name);
}

static int take_all(struct sysctls *s, DIR *d)
{
	struct buf text = BUF_INIT;
	struct dirent *entry;
	unsigned int files = 0;
	int r = 0;

	while (!r && (entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		r = ++files > MAX_FILES ? -E2BIG : take_file(s, dirfd(d), entry->d_name, &text);
	}
	buf_fini(&text);
	return r;
}

static int collect(const struct collect_env *env, void *values)
{
	struct sysctls *s = values;
	struct buf path = BUF_INIT;
	DIR *d;
	int r;

	buf_puts(&path, env->procfs);
	buf_puts(&path, "/sys/net/ipv4/vs");
	errno = ENOMEM;
	d = buf_ok(&path) ? opendir(buf_str(&path)) : NULL;
	r = d ? 0 : -errno;
	buf_fini(&path);
	if (!d)
		return r == -ENOENT ? -ENODATA : r;
	r = take_all(s, d);
	closedir(d);
	if (!r && s->n)
		qsort(s->values, s->n, sizeof(*s->values), by_name);
	return r;
}

static void fini(void *values)
{
	arena_fini(&((struct sysctls *)values)->arena);
}

static uint32_t count(const struct view *v ATTR_UNUSED, const void *values)
{
	return ((const struct sysctls *)values)->n;
}

static void labels(const struct view *v ATTR_UNUSED, const void *values, uint32_t row,
		   struct buf *out)
{
	metric_label(out, "name", ((const struct sysctls *)values)->values[row].name);
}

static bool number(const struct view *v ATTR_UNUSED, const void *values, uint32_t row,
		   uint32_t sub ATTR_UNUSED, struct metric_value *ret_value)
{
	*ret_value = metric_i64(((const struct sysctls *)values)->values[row].n);
	return true;
}

static bool estimation(const struct view *v ATTR_UNUSED, const void *values,
		       uint32_t row ATTR_UNUSED, uint32_t sub ATTR_UNUSED,
		       struct metric_value *ret_value)
{
	const struct sysctls *s = values;

	*ret_value = metric_u64(s->estimates);
	return s->knows_estimation;
}

/* --- what the file asks for, and what suits its services --- */

static const struct sysctl_conf *conf_of(const struct view *v)
{
	return v->conf ? config_section(v->conf, &sysctl_section) : NULL;
}

static uint32_t count_wanted(const struct view *v, const void *values ATTR_UNUSED)
{
	const struct sysctl_conf *c = conf_of(v);
	struct buf name = BUF_INIT;
	const char *value;
	uint32_t n = 0;

	while (c && sysctl_conf_at(c, n, &name, &value))
		n++;
	buf_fini(&name);
	return n;
}

/* Those below net.ipv4.vs as ipvs_sysctl has them, others by their whole name. */
static void label_wanted(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
			 struct buf *out)
{
	static const char vs[] = "net/ipv4/vs/";
	struct buf path = BUF_INIT, name = BUF_INIT;
	const char *value;

	(void)sysctl_conf_at(conf_of(v), row, &path, &value);
	if (!strncmp(buf_str(&path), vs, strlen(vs)))
		buf_puts(&name, buf_str(&path) + strlen(vs));
	else
		buf_puts(&name, buf_str(&path));
	metric_label(out, "name", buf_str(&name));
	buf_fini(&path);
	buf_fini(&name);
}

/* Of one with several numbers the first, as ipvs_sysctl's row without an index. */
static bool wanted(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
		   uint32_t sub ATTR_UNUSED, struct metric_value *ret_value)
{
	struct buf name = BUF_INIT;
	const char *value;
	bool there = sysctl_conf_at(conf_of(v), row, &name, &value);

	buf_fini(&name);
	if (there)
		*ret_value = metric_i64(strtoll(value, NULL, 10));
	return there;
}

static uint32_t count_advised(const struct view *v, const void *values ATTR_UNUSED)
{
	uint32_t n = 0;

	while (v->layout && sysctl_advice_at(v->layout, n))
		n++;
	return n;
}

static void label_advised(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
			  struct buf *out)
{
	metric_label(out, "name", sysctl_advice_at(v->layout, row)->name);
}

static bool advised(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
		    uint32_t sub ATTR_UNUSED, struct metric_value *ret_value)
{
	*ret_value = metric_i64(sysctl_advice_at(v->layout, row)->value);
	return true;
}

static const struct metric_rows wanted_rows = { .count = count_wanted,
						.labels = label_wanted,
						.names = "name" };
static const struct metric_rows advised_rows = { .count = count_advised,
						 .labels = label_advised,
						 .names = "name" };
static const struct metric_rows rows = { .count = count, .labels = labels, .names = "name" };

static const struct metric metrics[] = {
	{ .name = "ipvs_run_estimation",
	  .help = "Whether the kernel brings its IPVS counters up to date; 0 = all of them stand "
		  "still (run_estimation is 0, or est_cpulist empty).",
	  .rows = &metric_one,
	  .get = estimation },
	{ .name = "ipvs_sysctl",
	  .help = "Value of net.ipv4.vs.NAME; of one with several numbers the second is NAME[1].",
	  .rows = &rows,
	  .get = number },
	{ .name = "ipvs_sysctl_advised",
	  .help = "Value of net.ipv4.vs.NAME that suits the configured services.",
	  .rows = &advised_rows,
	  .get = advised },
	{ .name = "ipvs_sysctl_configured",
	  .help = "Value that [sysctl] asks for; of one with several numbers the first.",
	  .rows = &wanted_rows,
	  .get = wanted },
};

const struct collector collector_sysctl = {
	.name = "sysctl",
	.help = "Values below net.ipv4.vs",
	.metrics = metrics,
	.n_metrics = countof(metrics),
	.values_size = sizeof(struct sysctls),
	.collect = collect,
	.fini = fini,
};
