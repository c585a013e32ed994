/* import.c: ipvs-agent import: somebody else's configuration, or the kernel's table, as an
 * INI on standard output. What is printed was loaded before, as `check` does it: a
 * mistake of ours is told, never handed on. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/cli/cli.h"
#include "agent/import/run.h"
#include "agent/ipvs/ipvs.h"
#include "agent/ipvs/kernel.h"
#include "agent/sections.h"

static int usage(const char *format)
{
	const struct import_format *f;

	fprintf(stderr, "ipvs-agent import: there is no format '%s'; there are:\n", format);
	for (f = import_formats; f->name; f++)
		fprintf(stderr, "  %-12s %s\n", f->name, f->help);
	return CLI_USAGE;
}

/* --- the source -------------------------------------------------------------------- */

static void nothing(void *arg)
{
	(void)arg;
}

static int read_kernel(struct import *im, const struct import_format *format)
{
	struct ipvs_table table = { 0 };
	struct ipvs_kernel *kernel;
	int e = ipvs_netlink_new("/proc", &kernel);

	if (e)
		return e;
	e = kernel->ops->dump(kernel, nothing, NULL, &table);
	kernel->ops->free(kernel);
	if (!e && !ipvs_table_may_act(&table))
		e = table.error ? table.error : -EIO;
	if (!e)
		e = import_read_table(im, format, &table);
	else
		e = import_refuse(im, (struct import_at){ "kernel", 0 }, "%s",
				  e == -ENOPROTOOPT ? "it has no ip_vs (modprobe ip_vs)"
				  : e == -EPERM
					  ? "reading its IPVS table needs CAP_NET_ADMIN (sudo)"
					  : strerrordesc_np(-e) ?: "its table cannot be read");
	ipvs_table_fini(&table);
	return e;
}

static int read_source(struct import *im, const struct import_format *format, const char *path)
{
	return format->read ? import_read_file(im, format, path) : read_kernel(im, format);
}

/* --- the check ------------------------------------------------------------------------- */

static int write_all(int fd, const struct buf *text)
{
	size_t done = 0;
	ssize_t n;

	while (done < text->len) {
		n = write(fd, text->data + done, text->len - done);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

/* Whether the agent would take it; what it says otherwise is in `problems`. */
static int verify(const struct buf *ini, struct buf *problems)
{
	int fd = memfd_create("imported", MFD_CLOEXEC), e = fd == -1 ? -errno : 0;
	struct config *c = NULL;
	char path[64];

	if (!e)
		e = write_all(fd, ini);
	if (!e) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		e = agent_config_load(path, &c);
	}
	if (!e && config_errors(c)) {
		config_format_problems(c, problems);
		e = -EINVAL;
	}
	config_unref(c);
	if (fd != -1)
		close(fd);
	return e;
}

/* --- what is printed --------------------------------------------------------------------- */

/* The list goes to stderr, so that the INI alone can be a file. */
static int print(const struct import *im, const struct buf *ini, bool json)
{
	struct buf text = BUF_INIT;
	int code = CLI_ERROR;

	if (json) {
		if (import_put_json(im, &text))
			text.failed = true;
		code = cli_print(&text);
	} else {
		import_put_list(im, &text);
		if (buf_ok(&text))
			fputs(buf_str(&text), stderr);
		code = buf_ok(&text) ? cli_print(ini) : CLI_ERROR;
	}
	buf_fini(&text);
	if (code == CLI_OK &&
	    (import_count(im, IMPORT_APPROXIMATED) || import_count(im, IMPORT_DROPPED)))
		code = CLI_STRICT;
	return code;
}

static int tell(const struct import *im, bool json)
{
	struct buf ini = BUF_INIT, problems = BUF_INIT;
	int code = CLI_ERROR, e;

	import_put_ini(im, &ini);
	e = buf_ok(&ini) ? verify(&ini, &problems) : -ENOMEM;
	if (!e)
		code = print(im, &ini, json);
	else if (problems.len)
		fprintf(stderr,
			"ipvs-agent import: what was made of it does not pass 'ipvs-agent check'. "
			"This is a mistake of ipvs-agent: please report it, with the source and "
			"these lines.\n%s",
			buf_str(&problems));
	else
		fprintf(stderr, "ipvs-agent import: %s\n", strerrordesc_np(-e) ?: "failed");
	buf_fini(&ini);
	buf_fini(&problems);
	return code;
}

int cmd_import(const struct cli_args *args)
{
	const struct import_format *format = import_format_find(args->rest[0]);
	struct import *im = NULL;
	int code = CLI_ERROR, e;

	if (!format)
		return usage(args->rest[0]);
	if ((format->read != NULL) != (args->n_rest == 2)) {
		fprintf(stderr,
			format->read
				? "ipvs-agent import: '%s' needs a FILE (- is standard input)\n"
				: "ipvs-agent import: '%s' takes no FILE\n",
			format->name);
		return CLI_USAGE;
	}
	e = import_new(NULL, &im);
	if (!e)
		e = read_source(im, format, args->n_rest == 2 ? args->rest[1] : NULL);
	if (!e)
		code = tell(im, args->json);
	else
		fprintf(stderr, "ipvs-agent import: %s\n",
			e == -EINVAL && im ? import_why(im) : strerrordesc_np(-e) ?: "failed");
	import_free(im);
	return code;
}
