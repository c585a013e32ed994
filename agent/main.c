/* main.c: the table of subcommands. What a subcommand does stands in its own file;
 * `run` and `plan` are the agent itself. */
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
	{ "run", cmd_run, NULL, 0, 0, CLI_CONFIG, "run the agent in the foreground", NULL },
	{ "check", cmd_check, NULL, 0, 0, CLI_CONFIG | CLI_STRICT_OPTION | CLI_JSON,
	  "say what is wrong with a configuration",
	  "Exits 0 when it will do, 1 when it has errors, 3 when it has warnings under "
	  "--strict." },
	{ "plan", cmd_plan, NULL, 0, 0, CLI_CONFIG | CLI_JSON,
	  "show what run would change in the kernel",
	  "Exits 0 when nothing would change, 2 when something would." },
	{ "status", cmd_status, NULL, 0, 0, CLI_CONFIG | CLI_SOCKET | CLI_JSON,
	  "show services and realservers, their weights and why", NULL },
	{ "explain", cmd_explain, "TARGET", 1, 1, CLI_CONFIG | CLI_SOCKET | CLI_JSON,
	  "say why a weight is what it is",
	  "TARGET is SERVICE/REALSERVER, SERVICE, or a realserver's name or address." },
	{ "reload", cmd_reload, NULL, 0, 0, CLI_CONFIG | CLI_SOCKET,
	  "have the agent read its configuration again", NULL },
	{ "config", cmd_config, NULL, 0, 0, CLI_CONFIG | CLI_SAMPLE,
	  "print the configuration with all its defaults, or the sample file", NULL },
	{ "version", cmd_version, NULL, 0, 0, CLI_JSON, "print the version", NULL },
	{ "help", cmd_help, "[SUBCOMMAND]", 0, 1, 0, "print the help of all or of one", NULL },
	{ 0 },
};

int main(int argc, char **argv)
{
	return cli_main(commands, argc, argv);
}
