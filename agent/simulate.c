/* simulate.c: ipvs-agent test: rules against series, in virtual time. It has the
 * agent's own code for all that is decided (world.c), reads files and writes none but
 * the report. */
#include "agent/simulate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cli/cli.h"
#include "agent/rules/rule_conf.h"

static const struct conf_section *const test_sections[] = { &sim_section, NULL };

/* --- a file --------------------------------------------------------------------------- */

static int run_all(struct sim_file *f, const struct sim_options *options)
{
	void *const *tests;
	size_t n, i;
	int e = 0;

	tests = config_sections(f->conf, &sim_section, &n);
	f->results = calloc(n + 1, sizeof(*f->results));
	if (!f->results)
		return -ENOMEM;
	for (i = 0; !e && i < n; i++) {
		const struct sim_conf *t = tests[i];

		if (options->pattern && !rule_pattern_matches(options->pattern, t->head.name))
			continue;
		e = sim_run(t, options->timeline, &f->results[f->n_results++]);
	}
	if (!e && !n)
		buf_printf(&f->problems, "%s: error: there is no [test NAME] in it\n", f->path);
	return e;
}

int sim_file_run(const char *path, const struct sim_options *options, struct sim_file *ret_file)
{
	int e;

	*ret_file = (struct sim_file){ .path = path };
	e = config_load(path, test_sections, NULL, &ret_file->conf);
	if (!e && config_errors(ret_file->conf))
		config_format_problems(ret_file->conf, &ret_file->problems);
	else if (!e)
		e = run_all(ret_file, options);
	return e || buf_ok(&ret_file->problems) ? e : -ENOMEM;
}

void sim_file_fini(struct sim_file *f)
{
	size_t i, j;

	for (i = 0; i < f->n_results; i++) {
		for (j = 0; j < f->results[i].n_messages; j++)
			free(f->results[i].messages[j].text);
		free(f->results[i].messages);
		buf_fini(&f->results[i].timeline);
	}
	free(f->results);
	buf_fini(&f->problems);
	config_unref(f->conf);
	*f = (struct sim_file){ 0 };
}

/* --- the subcommand ---------------------------------------------------------------------- */

static int write_junit(const struct sim_file *files, size_t n, const char *path)
{
	struct buf out = BUF_INIT;
	FILE *to = fopen(path, "we");
	int e = to ? 0 : -errno;

	sim_report_junit(files, n, &out);
	if (!e && !buf_ok(&out))
		e = -ENOMEM;
	if (!e && fwrite(out.data, 1, out.len, to) != out.len)
		e = -errno;
	if (to && fclose(to) && !e)
		e = -errno;
	buf_fini(&out);
	if (e)
		fprintf(stderr, "ipvs-agent test: cannot write %s: %s\n", path,
			strerrordesc_np(-e) ?: "unknown error");
	return e;
}

static int print(const struct sim_file *files, size_t n, bool json)
{
	struct buf out = BUF_INIT;
	size_t i;
	int code;

	for (i = 0; i < n; i++)
		if (files[i].problems.len)
			fputs(buf_str(&files[i].problems), stderr);
	if (!json)
		sim_report_text(files, n, &out);
	else if (sim_report_json(files, n, &out))
		out.failed = true;
	code = cli_print(&out);
	buf_fini(&out);
	return code;
}

static int tell(const struct sim_file *files, size_t n, const struct cli_args *args)
{
	size_t results = 0, i;
	int code = sim_report_status(files, n);

	for (i = 0; i < n; i++)
		results += files[i].n_results;
	if (print(files, n, args->json))
		code = CLI_ERROR;
	if (args->junit && write_junit(files, n, args->junit))
		code = CLI_ERROR;
	/* A wrong pattern must not pass for a success. */
	if (args->pattern && !results && code == CLI_OK) {
		fprintf(stderr, "ipvs-agent test: no test matches '%s'\n", args->pattern);
		code = CLI_ERROR;
	}
	return code;
}

int cmd_test(const struct cli_args *args)
{
	const struct sim_options options = { args->pattern, args->verbose };
	struct sim_file *files = calloc((size_t)args->n_rest + 1, sizeof(*files));
	size_t n = 0;
	int code = CLI_ERROR, e = files ? 0 : -ENOMEM;

	while (!e && n < (size_t)args->n_rest) {
		e = sim_file_run(args->rest[n], &options, &files[n]);
		n++;
	}
	if (e)
		fprintf(stderr, "ipvs-agent test: %s\n", strerrordesc_np(-e) ?: "failed");
	else
		code = tell(files, n, args);
	for (size_t i = 0; i < n; i++)
		sim_file_fini(&files[i]);
	free(files);
	return code;
}
