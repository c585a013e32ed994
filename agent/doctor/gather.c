/* gather.c: the kernel: its version, modules, sysctls, connections and clock. */
#include "agent/doctor/gather.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <sys/utsname.h>

#include "agent/base/procfile.h"
#include "agent/ipvs/kernel.h"
#include "agent/ipvs/procfs.h"

enum { MAX_SMALL = 64 * 1024, MAX_LARGE = 16 * 1024 * 1024 };

/* One number, or two. */
static int parse_numbers(const char *text, struct fact *ret_fact)
{
	struct fact f = { 0 };
	char *end;

	errno = 0;
	f.value = strtoll(text, &end, 10);
	if (end == text || errno)
		return -EBADMSG;
	text = end;
	f.second = strtoll(text, &end, 10);
	if (errno || end[strspn(end, " \t\n")])
		return -EBADMSG;
	*ret_fact = f;
	return 0;
}

struct fact gather_numbers(const char *procfs, const char *path)
{
	struct buf text = BUF_INIT;
	struct fact f = { 0 };

	f.error = procfile_read_below(procfs, path, MAX_SMALL, &text);
	/* What is not there is under a directory that is not there, too. */
	if (f.error == -ENOTDIR)
		f.error = -ENOENT;
	if (!f.error)
		f.error = parse_numbers(buf_str(&text), &f);
	buf_fini(&text);
	return f;
}

struct fact gather_line(const char *text, const char *name, int base)
{
	struct fact f = { .error = -ENOENT };
	size_t len = strlen(name);
	const char *line;
	char *end;

	for (line = text; line && *line; line = strchr(line, '\n'), line += line != NULL) {
		if (strncmp(line, name, len))
			continue;
		line += len;
		line += strspn(line, ": \t");
		if (!strncmp(line, "unlimited", 9))
			return (struct fact){ .value = INT64_MAX };
		errno = 0;
		f.value = (int64_t)strtoull(line, &end, base);
		f.error = end == line || errno ? -EBADMSG : 0;
		return f;
	}
	return f;
}

static void gather_version(struct facts *f)
{
	struct utsname name;

	if (!uname(&name))
		(void)sscanf(name.release, "%u.%u", &f->kernel_major, &f->kernel_minor);
}

/* First words of the lines, each between newlines. */
static void take_words(struct buf *out, const char *text)
{
	buf_putc(out, '\n');
	for (; text && *text; text = strchr(text, '\n'), text += text != NULL) {
		buf_put(out, text, strcspn(text, " \n"));
		buf_putc(out, '\n');
	}
}

/* The names of ip_vs's modules in a text of paths: "kernel/…/ip_vs_rr.ko.xz: …". */
static void take_modules(struct buf *out, const char *text)
{
	const char *at = text;

	while ((at = strstr(at, "/ip_vs"))) {
		size_t len = strcspn(++at, "./: \n");

		if (!strncmp(at + len, ".ko", 3)) {
			buf_put(out, at, len);
			buf_putc(out, '\n');
		}
		at += len;
	}
}

/* What could be loaded, as depmod wrote it, and what is built in. */
static void gather_available(struct facts *f)
{
	static const char *const lists[] = { "modules.dep", "modules.builtin" };
	struct utsname name;
	size_t i;

	if (uname(&name))
		return;
	for (i = 0; i < 2; i++) {
		struct buf path = BUF_INIT, text = BUF_INIT;

		buf_printf(&path, "lib/modules/%s/%s", name.release, lists[i]);
		if (buf_ok(&path) && !procfile_read_below("", buf_str(&path), MAX_LARGE, &text)) {
			if (!f->available.len)
				buf_putc(&f->available, '\n');
			take_modules(&f->available, buf_str(&text));
		}
		buf_fini(&path);
		buf_fini(&text);
	}
}

static void gather_modules(const char *procfs, struct facts *f)
{
	struct buf text = BUF_INIT;

	f->ip_vs = (struct fact){ .value = procfs_present(procfs) };
	if (!procfile_read_below(procfs, "modules", MAX_LARGE, &text))
		take_words(&f->modules, buf_str(&text));
	buf_fini(&text);
	(void)procfile_read_below(procfs, "net/ip_vs_app", MAX_SMALL, &f->apps);
	gather_available(f);
}

/* Connections that count towards the table: those of all services, foreign ones too. */
static void gather_connections(const char *procfs, struct facts *f)
{
	struct ipvs_kernel *kernel;
	struct ipvs_table table = { 0 };
	struct ipvs_info info = { 0 };
	int e;

	f->connections.error = f->connection_buckets.error = -ENOENT;
	if (!f->ip_vs.value)
		return;
	e = ipvs_netlink_new(procfs, &kernel);
	if (!e) {
		e = kernel->ops->dump(kernel, NULL, NULL, &table);
		f->connections = (struct fact){ .error = e };
		for (uint32_t i = 0; i < table.n_dests; i++)
			f->connections.value += (int64_t)table.dests[i].active +
						table.dests[i].inactive + table.dests[i].persistent;
		e = kernel->ops->info(kernel, &info);
		f->connection_buckets = (struct fact){ .error = e, .value = info.conn_tab_size };
		ipvs_table_fini(&table);
		kernel->ops->free(kernel);
	}
	f->failed |= e == -ENOMEM;
}

static void gather_memory(const char *procfs, struct facts *f)
{
	struct buf text = BUF_INIT;
	int e = procfile_read_below(procfs, "meminfo", MAX_SMALL, &text);

	f->memory_kb.error = e;
	if (!e)
		f->memory_kb = gather_line(buf_str(&text), "MemAvailable", 10);
	buf_fini(&text);
}

static void gather_clock(struct facts *f)
{
	struct timex t = { 0 };
	int state = adjtimex(&t);

	f->unsynchronised = (struct fact){
		.error = state == -1 ? -errno : 0,
		.value = state == TIME_ERROR || (t.status & STA_UNSYNC),
	};
}

int facts_gather(const struct gather_asked *asked, struct facts *ret_facts)
{
	struct facts f = { .layout = asked->layout,
			   .default_interface = FACTS_NONE,
			   .max_probes = asked->max_probes };
	size_t i;

	for (i = 0; i < SYS_N; i++) {
		struct buf path = BUF_INIT;

		buf_printf(&path, "sys/%s", fact_sysctls[i]);
		f.sysctls[i] = buf_ok(&path) ? gather_numbers(asked->procfs, buf_str(&path))
					     : (struct fact){ .error = -ENOMEM };
		buf_fini(&path);
	}
	gather_version(&f);
	gather_modules(asked->procfs, &f);
	gather_connections(asked->procfs, &f);
	gather_memory(asked->procfs, &f);
	gather_clock(&f);
	gather_net(asked, &f);
	gather_processes(asked, &f);
	gather_state(asked, &f);
	gather_settings(asked, &f);
	if (f.failed || !buf_ok(&f.modules) || !buf_ok(&f.available) || !buf_ok(&f.apps)) {
		facts_fini(&f);
		return -ENOMEM;
	}
	*ret_facts = f;
	return 0;
}
