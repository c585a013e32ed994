/* check.c: ipvs-agent check: loads a configuration and says what is wrong with it.
 * Touches nothing else. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "agent/cli/cli.h"
#include "agent/model/service_conf.h"
#include "agent/probes/probe_conf.h"
#include "agent/sections.h"

static void put_count(struct buf *out, const char *sep, size_t n, const char *noun)
{
	buf_printf(out, "%s%zu %s%s", sep, n, noun, n == 1 ? "" : "s");
}

/* "site.ini: ok: 3 services, 12 realservers, 2 probes" */
static void put_ok(struct buf *out, const char *path, const struct config *c)
{
	size_t services, probes, realservers = 0, i;
	void *const *s = config_sections(c, &service_section, &services);

	config_sections(c, &probe_section, &probes);
	for (i = 0; i < services; i++)
		realservers += ((const struct service_conf *)s[i])->n_realservers;
	buf_printf(out, "%s: ok: ", path);
	put_count(out, "", services, "service");
	put_count(out, ", ", realservers, "realserver");
	put_count(out, ", ", probes, "probe");
	buf_putc(out, '\n');
}

/* {"errors": 1, "warnings": 0, "problems": [{"file", "line", "severity", "message"}]} */
static int print_json(const struct config *c)
{
	size_t n, i;
	const struct conf_problem *p = config_problems(c, &n);
	json_t *list = json_array(), *all;
	int r = 0;

	for (i = 0; i < n && !r; i++) {
		/* a file's name may be any bytes */
		json_t *file = json_string(p[i].file) ?: json_string("(not UTF-8)");

		r = json_array_append_new(
			list,
			json_pack("{s:o, s:i, s:s, s:s}", "file", file, "line", (int)p[i].line,
				  "severity", conf_severity_name(p[i].severity),
				  "message", p[i].text));
	}
	all = json_pack("{s:I, s:I, s:o}", "errors", (json_int_t)config_errors(c), "warnings",
			(json_int_t)config_warnings(c), "problems", list);
	if (!all || json_dumpf(all, stdout, JSON_INDENT(2)))
		r = -1;
	putchar('\n');
	json_decref(all);
	return r ? -ENOMEM : 0;
}

static int print_text(const char *path, const struct config *c)
{
	struct buf out = BUF_INIT;
	int r = 0;

	config_format_problems(c, &out);
	if (!config_errors(c) && !config_warnings(c)) /* with advice or without */
		put_ok(&out, path, c);
	if (buf_ok(&out))
		fwrite(out.data, 1, out.len, stdout);
	else
		r = -ENOMEM;
	buf_fini(&out);
	return r;
}

int cmd_check(const struct cli_args *args)
{
	struct config *c;
	int r, code = CLI_OK;

	if (args->n_rest) {
		fprintf(stderr,
			"ipvs-agent check: unexpected argument '%s' (the file is given by "
			"-c FILE)\n",
			args->rest[0]);
		return CLI_USAGE;
	}
	r = agent_config_load(args->config, &c);
	if (!r) {
		r = args->json ? print_json(c) : print_text(args->config, c);
		if (config_errors(c))
			code = CLI_ERROR;
		else if (args->strict && config_warnings(c))
			code = CLI_STRICT;
		config_unref(c);
	}
	if (r || fflush(stdout)) {
		fprintf(stderr, "ipvs-agent check: %s\n",
			strerrordesc_np(r ? -r : errno) ?: "failed");
		return CLI_ERROR;
	}
	return code;
}
