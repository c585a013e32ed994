/* playback.c: ipvs-agent replay: reads a journal and a configuration, and tells where
 * the two part. It has the agent's own code for all that is decided (world.c). */
#include "agent/playback.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/cli/cli.h"
#include "agent/sections.h"

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "ipvs-agent replay: %s: %s\n", what, why);
	return CLI_ERROR;
}

static int load(const char *path, struct config **ret_conf)
{
	struct buf problems = BUF_INIT;
	struct config *conf;
	int e = agent_config_load(path, &conf);

	if (e) {
		(void)fail(path, strerrordesc_np(-e) ?: "cannot be read");
		return e;
	}
	if (config_errors(conf)) {
		config_format_problems(conf, &problems);
		fputs(buf_str(&problems), stderr);
		buf_fini(&problems);
		config_unref(conf);
		return -EINVAL;
	}
	*ret_conf = conf;
	return 0;
}

static int print(const struct playback *r, const struct cli_args *args)
{
	struct buf out = BUF_INIT;
	int code;

	if (!args->json)
		playback_print(r, args->verbose, &out);
	else if (playback_print_json(r, &out))
		out.failed = true;
	code = cli_print(&out);
	buf_fini(&out);
	if (code == CLI_OK && r->figures.differing)
		code = CLI_CHANGES;
	return code;
}

int cmd_replay(const struct cli_args *args)
{
	struct buf why = BUF_INIT;
	struct config *conf;
	struct playback r;
	int e = load(args->config, &conf), code;

	if (e)
		return CLI_ERROR;
	e = playback_run(args->rest[0], conf, &why, &r);
	if (e)
		code = why.len ? fail(args->config, buf_str(&why))
			       : fail(args->rest[0], strerrordesc_np(-e) ?: "cannot be read");
	else if (!r.figures.lines)
		code = fail(args->rest[0], "there is no line of a journal in it");
	else
		code = print(&r, args);
	playback_fini(&r);
	config_unref(conf);
	buf_fini(&why);
	return code;
}
