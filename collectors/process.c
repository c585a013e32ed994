/* process.c: the standard process_* set of this process. What cannot be read, or
 * is unlimited, is left out. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/parse.h"
#include "agent/base/procfile.h"
#include "agent/model/view.h"
#include "collectors/table.h"

/* /proc/stat has a number for every interrupt of the machine. */
enum { MAX_FILE = 65536, MAX_STAT = 4 << 20 };

enum what {
	CPU = 0, /* microseconds */
	MAX_FDS,
	OPEN_FDS,
	RESIDENT,
	START, /* milliseconds since the epoch */
	THREADS,
	VIRTUAL,
	VIRTUAL_MAX,
	N_WHATS,
};

struct process {
	uint64_t n[N_WHATS];
	bool has[N_WHATS];
};

static void take(struct process *p, enum what what, uint64_t n)
{
	p->n[what] = n;
	p->has[what] = true;
}

/* Fields of /proc/self/stat, counted as proc(5) does. */
enum { UTIME = 14, STIME = 15, N_THREADS = 20, STARTTIME = 22, VSIZE = 23, RSS = 24 };

/* ret_fields[i] = field i as a number, 0 where it is none. The name in field 2 may
 * have blanks and parentheses: what counts is behind its last one. */
static int parse_stat(char *text, uint64_t ret_fields[RSS + 1])
{
	char *save = NULL, *word = strrchr(text, ')');
	unsigned int i;

	if (!word)
		return -EBADMSG;
	word = strtok_r(word + 1, " \n", &save);
	for (i = 3; word && i <= RSS; i++) {
		if (parse_u64(word, &ret_fields[i]))
			ret_fields[i] = 0;
		word = strtok_r(NULL, " \n", &save);
	}
	return i > RSS ? 0 : -EBADMSG;
}

/* The boot time, without which a start time is not known. */
static bool read_boot(const char *procfs, uint64_t *ret_seconds)
{
	struct buf text = BUF_INIT;
	char *rest, *line;
	bool found = false;

	if (!procfile_read_below(procfs, "stat", MAX_STAT, &text)) {
		rest = text.data;
		while (!found && (line = strsep(&rest, "\n"))) {
			if (!strncmp(line, "btime ", 6))
				found = !parse_u64(line + 6, ret_seconds);
		}
	}
	buf_fini(&text);
	return found;
}

static int read_stat(const struct collect_env *env, struct process *p)
{
	uint64_t fields[RSS + 1] = { 0 }, boot;
	struct buf text = BUF_INIT;
	long ticks = sysconf(_SC_CLK_TCK), page = sysconf(_SC_PAGESIZE);
	int r = procfile_read_below(env->procfs, "self/stat", MAX_FILE, &text);

	if (!r)
		r = parse_stat(text.data, fields);
	buf_fini(&text);
	if (r)
		return r;
	take(p, THREADS, fields[N_THREADS]);
	take(p, VIRTUAL, fields[VSIZE]);
	if (page > 0)
		take(p, RESIDENT, fields[RSS] * (uint64_t)page);
	if (ticks <= 0)
		return 0;
	take(p, CPU, (fields[UTIME] + fields[STIME]) * 1000000 / (uint64_t)ticks);
	if (read_boot(env->procfs, &boot))
		take(p, START, boot * 1000 + fields[STARTTIME] * 1000 / (uint64_t)ticks);
	return 0;
}

/* The soft limit of a line such as "Max open files   1024   524288   files". */
static void take_limit(struct process *p, const char *line, const char *name, enum what what)
{
	size_t len = strlen(name);
	char number[24];
	uint64_t n;

	if (strncmp(line, name, len) || line[len] != ' ')
		return;
	line += len;
	line += strspn(line, " ");
	len = strcspn(line, " ");
	if (len >= sizeof(number))
		return;
	memcpy(number, line, len);
	number[len] = '\0';
	if (!parse_u64(number, &n))
		take(p, what, n);
}

static void read_limits(const struct collect_env *env, struct process *p)
{
	struct buf text = BUF_INIT;
	char *rest, *line;

	if (!procfile_read_below(env->procfs, "self/limits", MAX_FILE, &text)) {
		rest = text.data;
		while ((line = strsep(&rest, "\n"))) {
			take_limit(p, line, "Max open files", MAX_FDS);
			take_limit(p, line, "Max address space", VIRTUAL_MAX);
		}
	}
	buf_fini(&text);
}

/* One of them is the directory that is being read here. */
static void read_fds(const struct collect_env *env, struct process *p)
{
	struct buf path = BUF_INIT;
	struct dirent *entry;
	uint64_t fd, n = 0;
	DIR *d;

	buf_puts(&path, env->procfs);
	buf_puts(&path, "/self/fd");
	d = buf_ok(&path) ? opendir(buf_str(&path)) : NULL;
	buf_fini(&path);
	if (!d)
		return;
	while ((entry = readdir(d))) {
		if (!parse_u64(entry->d_name, &fd) && fd != (uint64_t)dirfd(d))
			n++;
	}
	closedir(d);
	take(p, OPEN_FDS, n);
}

static int collect(const struct collect_env *env, void *values)
{
	int r = read_stat(env, values);

	if (r)
		return r;
	read_limits(env, values);
	read_fds(env, values);
	return 0;
}

#define GETTER(name, at, make)                                                                     \
	static bool name(const struct view *v ATTR_UNUSED, const void *values,                     \
			 uint32_t row ATTR_UNUSED, uint32_t sub ATTR_UNUSED,                       \
			 struct metric_value *ret_value)                                           \
	{                                                                                          \
		const struct process *p = values;                                                  \
                                                                                                   \
		if (p->has[at])                                                                    \
			*ret_value = make(p->n[at]);                                               \
		return p->has[at];                                                                 \
	}

static struct metric_value from_us(uint64_t n)
{
	return metric_us((int64_t)n);
}

static struct metric_value from_ms(uint64_t n)
{
	return metric_ms((int64_t)n);
}

GETTER(cpu, CPU, from_us)
GETTER(max_fds, MAX_FDS, metric_u64)
GETTER(open_fds, OPEN_FDS, metric_u64)
GETTER(resident, RESIDENT, metric_u64)
GETTER(start, START, from_ms)
GETTER(threads, THREADS, metric_u64)
GETTER(virtual, VIRTUAL, metric_u64)
GETTER(virtual_max, VIRTUAL_MAX, metric_u64)

#define GAUGE(suffix, fn, text)                                                                    \
	{                                                                                          \
		.name = "process_" suffix, .help = text, .rows = &metric_one, .get = (fn)          \
	}

static const struct metric metrics[] = {
	{ .name = "process_cpu_seconds_total",
	  .type = METRIC_COUNTER,
	  .help = "Total user and system CPU time spent in seconds.",
	  .rows = &metric_one,
	  .get = cpu },
	GAUGE("max_fds", max_fds, "Maximum number of open file descriptors."),
	GAUGE("open_fds", open_fds, "Number of open file descriptors."),
	GAUGE("resident_memory_bytes", resident, "Resident memory size in bytes."),
	GAUGE("start_time_seconds", start,
	      "Start time of the process since unix epoch in seconds."),
	GAUGE("threads", threads, "Number of OS threads in the process."),
	GAUGE("virtual_memory_bytes", virtual, "Virtual memory size in bytes."),
	GAUGE("virtual_memory_max_bytes", virtual_max,
	      "Maximum amount of virtual memory available in bytes."),
};

const struct collector collector_process = {
	.name = "process",
	.help = "This process",
	.metrics = metrics,
	.n_metrics = countof(metrics),
	.values_size = sizeof(struct process),
	.collect = collect,
};
