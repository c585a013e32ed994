/* config.c: ipvs-agent config: the configuration of the file with all defaults; with
 * --running that of the running agent, which may be older; with --sample the sample file
 * that conf/ipvs-agent.ini is. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/cli/show.h"
#include "agent/sections.h"
#include "conf/print.h"

/* What is wrong goes to stderr; true when there is a configuration to print. */
static bool load(const char *path, struct buf *out)
{
	struct buf problems = BUF_INIT;
	struct config *c;
	int r = agent_config_load(path, &c);
	bool fine;

	if (r) {
		fprintf(stderr, "ipvs-agent config: %s\n", strerrordesc_np(-r));
		return false;
	}
	fine = config_errors(c) == 0;
	config_format_problems(c, &problems);
	fputs(buf_str(&problems), stderr);
	if (fine)
		config_print(c, out);
	buf_fini(&problems);
	config_unref(c);
	return fine;
}

int cmd_config(const struct cli_args *args)
{
	struct buf out = BUF_INIT;
	int code = CLI_OK;

	if (args->running)
		return show_path(args, "/api/v1/config", render_config);
	if (args->json) {
		fprintf(stderr, "ipvs-agent config: --json goes with --running\n");
		return CLI_USAGE;
	}
	if (args->sample) {
		agent_sections_init();
		config_print_sample(agent_sections, &out);
	} else if (!load(args->config, &out)) {
		code = CLI_ERROR;
	}
	if (!buf_ok(&out) || fputs(buf_str(&out), stdout) == EOF || fflush(stdout)) {
		fprintf(stderr, "ipvs-agent config: cannot write\n");
		code = CLI_ERROR;
	}
	buf_fini(&out);
	return code;
}
