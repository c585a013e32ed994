/* main.c: the table of subcommands. What a subcommand does stands in its own file;
 * `run` and `plan` are the agent itself. */
#include <limits.h>

#include "agent/agent.h"
#include "agent/cli/cli.h"

int cmd_run(const struct cli_args *args)
{
	return agent_run(args->config);
}

int cmd_plan(const struct cli_args *args)
{
	return agent_plan(args->config, args->json);
}

static const struct cli_command commands[] = {
	{ .name = "run",
	  .run = cmd_run,
	  .options = CLI_CONFIG,
	  .help = "Run the agent in the foreground",
	  .more = "Logs to stderr. SIGHUP reloads the configuration, SIGTERM ends the agent and\n"
		  "leaves the kernel as it is (on_exit)." },
	{ .name = "check",
	  .run = cmd_check,
	  .options = CLI_CONFIG | CLI_JSON | CLI_STRICT_OPTION,
	  .help = "Read the configuration and tell all that is wrong with it" },
	{ .name = "plan",
	  .run = cmd_plan,
	  .options = CLI_CONFIG | CLI_JSON,
	  .help = "Show what the configuration would change in the kernel",
	  .more = "Changes nothing. Exits 0 when the kernel is as it should be, 2 when not." },
	{ .name = "status",
	  .run = cmd_status,
	  .rest = "[SERVICE]",
	  .max_rest = 1,
	  .options = CLI_CONFIG | CLI_SOCKET | CLI_JSON,
	  .help = "Show services and realservers, their weights, probes and holds" },
	{ .name = "explain",
	  .run = cmd_explain,
	  .rest = "TARGET",
	  .min_rest = 1,
	  .max_rest = 1,
	  .options = CLI_CONFIG | CLI_SOCKET | CLI_JSON,
	  .help = "Tell why a realserver has the weight that it has",
	  .more = "TARGET is SERVICE/REALSERVER, SERVICE, a realserver's name or its address." },
	{ .name = "config",
	  .run = cmd_config,
	  .options = CLI_CONFIG | CLI_SAMPLE,
	  .help = "Print the configuration with all its defaults" },
	{ .name = "test",
	  .run = cmd_test,
	  .rest = "FILE …",
	  .min_rest = 1,
	  .max_rest = INT_MAX,
	  .options = CLI_JSON | CLI_TEST | CLI_VERBOSE,
	  .help = "Test rules against series, in virtual time",
	  .more = "Needs neither privileges nor a kernel with IPVS. Exits 1 when a test fails. "
		  "The\n"
		  "files are explained in ipvs-agent-test(5)." },
	{ .name = "replay",
	  .run = cmd_replay,
	  .rest = "JOURNAL",
	  .min_rest = 1,
	  .max_rest = 1,
	  .options = CLI_CONFIG | CLI_JSON | CLI_VERBOSE,
	  .help = "Tell what these rules would have done with what was recorded",
	  .more = "Reads JOURNAL.1 too, where it is there. Needs neither privileges nor a kernel\n"
		  "with IPVS. Exits 0 when it comes to the same decisions, 2 when to others." },
	{ .name = "reload",
	  .run = cmd_reload,
	  .options = CLI_CONFIG | CLI_SOCKET | CLI_JSON,
	  .help = "Have the running agent read its configuration again",
	  .more = "With an error in the configuration the old one stays in force: all errors are\n"
		  "printed, and the exit code is 1." },
	{ .name = "version", .run = cmd_version, .options = CLI_JSON, .help = "Print the version" },
	{ .name = "help",
	  .run = cmd_help,
	  .rest = "[SUBCOMMAND]",
	  .max_rest = 1,
	  .help = "Print this help, or a subcommand's" },
	{ .name = NULL },
};

int main(int argc, char **argv)
{
	return cli_main(commands, argc, argv);
}
