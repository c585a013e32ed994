/* gather_processes.c: the running agent, and who else on this machine writes IPVS tables:
 * processes by their names, in our network namespace, as far as it may be seen. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/base/attr.h"
#include "agent/base/parse.h"
#include "agent/base/procfile.h"
#include "agent/doctor/gather.h"

enum { MAX_SMALL = 64 * 1024, MAX_CONFIG = 4 * 1024 * 1024 };

/* Who writes tables. Where there is a word, he does so only when a line of his
 * configuration begins with it. */
static const struct writer_kind {
	const char *name; /* as in /proc/PID/comm */
	const char *word, *other_word;
	const char *config;
} kinds[] = {
	{ .name = "keepalived",
	  .word = "virtual_server",
	  .other_word = "vrrp_instance",
	  .config = "/etc/keepalived/keepalived.conf" },
	{ .name = "ldirectord" },
	{ .name = "kube-proxy" },
	{ .name = "kube-router" },
	{ .name = "surealived" },
	{ .name = "nanny" },
	{ .name = "lvsd" },
};

static int read_of(const char *procfs, int pid, const char *file, size_t max, struct buf *out)
{
	struct buf path = BUF_INIT;
	int e;

	buf_printf(&path, "%d/%s", pid, file);
	e = buf_ok(&path) ? procfile_read_below(procfs, buf_str(&path), max, out) : -ENOMEM;
	buf_fini(&path);
	return e;
}

/* Is it in our network namespace? One that may not be asked is taken to be. */
static bool is_here(const char *procfs, int pid)
{
	char theirs[64], ours[64];
	struct buf path = BUF_INIT;
	ssize_t n = -1, own = -1;

	buf_printf(&path, "%s/%d/ns/net", procfs, pid);
	if (buf_ok(&path))
		n = readlink(buf_str(&path), theirs, sizeof(theirs));
	buf_reset(&path);
	buf_printf(&path, "%s/self/ns/net", procfs);
	if (buf_ok(&path))
		own = readlink(buf_str(&path), ours, sizeof(ours));
	buf_fini(&path);
	return n == -1 || own == -1 || (n == own && !memcmp(theirs, ours, (size_t)n));
}

/* Does a line of the text begin with the word, after blanks? */
static bool has_line(const char *text, const char *word)
{
	const char *line;

	for (line = text; line && *line; line = strchr(line, '\n'), line += line != NULL)
		if (!strncmp(line + strspn(line, " \t"), word, strlen(word)))
			return true;
	return false;
}

/* The value of "-f FILE", "-fFILE" or "--use-file=FILE" among the arguments. */
static const char *config_of(const struct buf *args, const char *otherwise)
{
	const char *at = args->data, *end = args->data + args->len;

	for (; at && at < end; at += strlen(at) + 1) {
		if (!strncmp(at, "--use-file=", 11))
			return at + 11;
		if ((!strcmp(at, "-f") || !strcmp(at, "--use-file")) && at + strlen(at) + 1 < end)
			return at + strlen(at) + 1;
		if (!strncmp(at, "-f", 2) && at[2])
			return at + 2;
	}
	return otherwise;
}

/* Whether that process writes tables; then *w is filled but for its pid. */
static bool writes_tables(const char *procfs, int pid, const struct writer_kind *kind,
			  struct facts_writer *w)
{
	struct buf args = BUF_INIT, text = BUF_INIT;
	bool writes = true;

	w->name = kind->name;
	if (kind->word) {
		(void)read_of(procfs, pid, "cmdline", MAX_SMALL, &args);
		buf_puts(&w->config, config_of(&args, kind->config));
		/* One that may not be read says nothing against it. */
		if (!procfile_read(AT_FDCWD, buf_str(&w->config), MAX_CONFIG, &text)) {
			writes = has_line(buf_str(&text), kind->word);
			w->also_vrrp = has_line(buf_str(&text), kind->other_word);
		}
	}
	buf_fini(&args);
	buf_fini(&text);
	if (!writes)
		buf_fini(&w->config);
	return writes;
}

/* Processes of one program are told once, by the one that has no parent among them. */
static bool is_child(const char *procfs, int pid, const char *name)
{
	struct buf text = BUF_INIT;
	struct fact parent = { .error = -ENOENT };
	bool child = false;

	if (!read_of(procfs, pid, "status", MAX_SMALL, &text))
		parent = gather_line(buf_str(&text), "PPid", 10);
	buf_reset(&text);
	if (!parent.error && parent.value > 1 &&
	    !read_of(procfs, (int)parent.value, "comm", MAX_SMALL, &text))
		child = !strncmp(buf_str(&text), name, strlen(name)) &&
			text.data[strlen(name)] == '\n';
	buf_fini(&text);
	return child;
}

static void look_at_process(const char *procfs, struct facts *f, int pid)
{
	struct facts_writer w = { .pid = pid }, *grown;
	struct buf name = BUF_INIT;
	size_t i;

	if (read_of(procfs, pid, "comm", MAX_SMALL, &name) || !name.len) {
		buf_fini(&name);
		return;
	}
	name.data[strcspn(name.data, "\n")] = '\0';
	for (i = 0; i < countof(kinds); i++)
		if (!strcmp(name.data, kinds[i].name))
			break;
	buf_fini(&name);
	if (i == countof(kinds) || !is_here(procfs, pid) || is_child(procfs, pid, kinds[i].name) ||
	    !writes_tables(procfs, pid, &kinds[i], &w))
		return;
	grown = reallocarray(f->writers, f->n_writers + 1, sizeof(*grown));
	if (!grown) {
		buf_fini(&w.config);
		f->failed = true;
		return;
	}
	f->writers = grown;
	f->writers[f->n_writers++] = w;
}

static void gather_writers(const char *procfs, struct facts *f)
{
	DIR *d = opendir(procfs);
	struct dirent *entry;
	uint64_t pid;

	if (!d) {
		f->writers_error = -errno;
		return;
	}
	while ((entry = readdir(d)))
		if (!parse_u64(entry->d_name, &pid) && pid <= INT32_MAX)
			look_at_process(procfs, f, (int)pid);
	closedir(d);
}

/* Who listens on the socket. */
static int find_agent(const char *path, int *ret_pid)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int fd, e = 0;

	if (strlen(path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	memcpy(sun.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)))
		e = -errno;
	else if (!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		*ret_pid = (int)peer.pid;
	close(fd);
	return e;
}

static void gather_agent(const struct gather_asked *asked, struct facts_agent *a)
{
	struct buf text = BUF_INIT;
	struct rlimit limit;
	int e;

	a->capabilities.error = -ENOENT;
	a->error = -ENOENT;
	if (asked->socket) {
		buf_puts(&a->socket, asked->socket);
		a->error = find_agent(asked->socket, &a->pid);
	}
	if (!a->pid) {
		/* As it would be if it were started from here. */
		a->nofile.error = getrlimit(RLIMIT_NOFILE, &limit) ? -errno : 0;
		a->nofile.value = limit.rlim_max > INT64_MAX ? INT64_MAX : (int64_t)limit.rlim_max;
		return;
	}
	e = read_of(asked->procfs, a->pid, "status", MAX_SMALL, &text);
	a->capabilities.error = e;
	if (!e)
		a->capabilities = gather_line(buf_str(&text), "CapEff", 16);
	buf_reset(&text);
	e = read_of(asked->procfs, a->pid, "limits", MAX_SMALL, &text);
	a->nofile.error = e;
	if (!e)
		a->nofile = gather_line(buf_str(&text), "Max open files", 10);
	buf_fini(&text);
}

void gather_processes(const struct gather_asked *asked, struct facts *f)
{
	gather_agent(asked, &f->agent);
	gather_writers(asked->procfs, f);
	f->failed |= !buf_ok(&f->agent.socket);
}
