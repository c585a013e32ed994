/* main.c: the table of subcommands. What a subcommand does stands in its own file;
 * `run` and `plan` are the agent itself. */
#include <limits.h>

#include "agent/agent.h"
#include "agent/cli/cli.h"
#include "agent/doctor_run.h"

int cmd_run(const struct cli_args *args)
{
	return agent_run(args->config);
}

int cmd_plan(const struct cli_args *args)
{
	return agent_plan(args->config, args->json);
}

int cmd_doctor(const struct cli_args *args)
{
	return agent_doctor(args->config, args->socket, args->json);
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
	{ .name = "doctor",
	  .run = cmd_doctor,
	  .options = CLI_AGENT,
	  .help = "Look for what is wrong with this director, and tell the command that mends it",
	  .more = "Sysctls, modules, addresses, routes, limits, the clock, other programs; with "
		  "or\n"
		  "without a running agent. Changes nothing. What it may not look at it says. "
		  "Exits\n"
		  "0 when nothing is wrong, 2 with errors, 3 with warnings alone." },
	{ .name = "status",
	  .run = cmd_status,
	  .rest = "[SERVICE]",
	  .max_rest = 1,
	  .rest_kind = CLI_VALUE_SERVICE,
	  .options = CLI_AGENT,
	  .help = "Show services and realservers, their weights, probes and holds" },
	{ .name = "top",
	  .run = cmd_top,
	  .rest = "[SERVICE]",
	  .max_rest = 1,
	  .rest_kind = CLI_VALUE_SERVICE,
	  .options = CLI_AGENT | CLI_TOP,
	  .help = "Watch realservers live: connections, rates, latency",
	  .more = "Keys: c connections, r rate, l latency, w weight, n name, s state (again: the\n"
		  "other way round), / filter, q quit. Where the output is no terminal it prints "
		  "once." },
	{ .name = "explain",
	  .run = cmd_explain,
	  .rest = "TARGET",
	  .min_rest = 1,
	  .max_rest = 1,
	  .options = CLI_AGENT,
	  .help = "Tell why a realserver has the weight that it has",
	  .rest_kind = CLI_VALUE_TARGET,
	  .more = "TARGET is SERVICE/REALSERVER, SERVICE, a realserver's name or its address." },
	{ .name = "probe",
	  .run = cmd_probe,
	  .rest = "TARGET [PROBE]",
	  .min_rest = 1,
	  .max_rest = 2,
	  .rest_kind = CLI_VALUE_TARGET,
	  .options = CLI_AGENT | CLI_COUNT,
	  .help = "Probe a realserver once, now, and show every step",
	  .more = "By all of its probes, or by PROBE. Exits 0 when all passed, 2 when one did not. "
		  "It\n"
		  "changes no verdict unless --count." },
	{ .name = "drain",
	  .run = cmd_drain,
	  .rest = "TARGET",
	  .min_rest = 1,
	  .max_rest = 1,
	  .rest_kind = CLI_VALUE_TARGET,
	  .options = CLI_AGENT | CLI_WAIT | CLI_FOR | CLI_REASON | CLI_FORCE,
	  .help = "Give a realserver no new connections, until undrain",
	  .more = "Those that it has go on. It stays out until 'undrain', or for --for, also over\n"
		  "restarts. What leaves a service with too little is refused unless --force. "
		  "With\n"
		  "--wait: exits 0 when it can be stopped, 2 when not in time, 1 when it\n"
		  "cannot be done; Ctrl-C ends the waiting, not the drain." },
	{ .name = "undrain",
	  .run = cmd_undrain,
	  .rest = "TARGET|ID",
	  .min_rest = 1,
	  .max_rest = 1,
	  .rest_kind = CLI_VALUE_TARGET,
	  .options = CLI_AGENT | CLI_HOLDER,
	  .help = "End your drain, and let it come back",
	  .more = "Ends yours only: those of others stay, and are told. ID is that of a hold, as\n"
		  "'holds' prints it, of whatever kind and whoever's." },
	{ .name = "admit",
	  .run = cmd_admit,
	  .rest = "TARGET",
	  .min_rest = 1,
	  .max_rest = 1,
	  .rest_kind = CLI_VALUE_TARGET,
	  .options = CLI_AGENT | CLI_FOR | CLI_REASON | CLI_END,
	  .help = "Ignore all rules there for a while: the check is wrong",
	  .more = "For --for, or an hour. Holds of operators and alerts go on. --end ends it." },
	{ .name = "weight",
	  .run = cmd_weight,
	  .rest = "TARGET N|N%|reset",
	  .min_rest = 2,
	  .max_rest = 2,
	  .rest_kind = CLI_VALUE_TARGET,
	  .options = CLI_AGENT | CLI_FOR | CLI_REASON,
	  .help = "Let another weight stand for the configured one",
	  .more = "N% is a share of the configured weight, and may be above 100%. Holds apply on "
		  "top\n"
		  "of it. To take a realserver out, use drain." },
	{ .name = "freeze",
	  .run = cmd_freeze,
	  .options = CLI_AGENT | CLI_FOR | CLI_REASON,
	  .help = "Stop all rules and alerts: nothing automatic changes a weight",
	  .more = "What operators ask for is still done." },
	{ .name = "thaw", .run = cmd_thaw, .options = CLI_AGENT, .help = "End the freeze" },
	{ .name = "role",
	  .run = cmd_role,
	  .rest = "[master|backup|fault]",
	  .max_rest = 1,
	  .rest_kind = CLI_VALUE_WORDS,
	  .rest_words = "master backup fault",
	  .options = CLI_AGENT,
	  .help = "Show the role in a pair, the VIPs and the sync daemons, or say which role it is",
	  .more = "For keepalived's notify script. A standby decides and writes its table like "
		  "the\n"
		  "master; notify, exec and VIPs wait. Needs [agent] roles = on." },
	{ .name = "holds",
	  .run = cmd_holds,
	  .rest = "[TARGET]",
	  .max_rest = 1,
	  .rest_kind = CLI_VALUE_TARGET,
	  .options = CLI_AGENT | CLI_CLASS,
	  .help = "List who holds what, since when, until when and why" },
	{ .name = "rules",
	  .run = cmd_rules,
	  .options = CLI_AGENT,
	  .help = "Show the rules: what fires, where, and what guards refuse" },
	{ .name = "journal",
	  .run = cmd_journal,
	  .rest = "[TARGET]",
	  .max_rest = 1,
	  .rest_kind = CLI_VALUE_TARGET,
	  .options = CLI_AGENT | CLI_JOURNAL,
	  .help = "Tell what happened: verdicts, decisions, orders" },
	{ .name = "config",
	  .run = cmd_config,
	  .options = CLI_AGENT | CLI_SAMPLE | CLI_RUNNING,
	  .help = "Print the configuration with all its defaults",
	  .more = "That of the file; with --running that of the running agent, and where each key\n"
		  "stands (--json goes with it)." },
	{ .name = "test",
	  .run = cmd_test,
	  .rest = "FILE …",
	  .min_rest = 1,
	  .max_rest = INT_MAX,
	  .rest_kind = CLI_VALUE_FILE,
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
	  .rest_kind = CLI_VALUE_FILE,
	  .options = CLI_CONFIG | CLI_JSON | CLI_VERBOSE,
	  .help = "Tell what these rules would have done with what was recorded",
	  .more = "Reads JOURNAL.1 too, where it is there. Needs neither privileges nor a kernel\n"
		  "with IPVS. Exits 0 when it comes to the same decisions, 2 when to others." },
	{ .name = "import",
	  .run = cmd_import,
	  .rest = "FORMAT [FILE]",
	  .min_rest = 1,
	  .max_rest = 2,
	  .rest_kind = CLI_VALUE_WORDS,
	  .rest_words = "lvs.cf ipvsadm running keepalived ldirectord",
	  .options = CLI_JSON,
	  .help = "Print somebody else's configuration as ours",
	  .more = "FORMAT is keepalived, ldirectord, lvs.cf, ipvsadm (what 'ipvsadm -S' prints,\n"
		  "or a script), or running: the kernel's table, without FILE. What could not be\n"
		  "carried over as it was is told on stderr, with its line, and in comments.\n"
		  "Exits 0 when there is nothing of that, 3 when there is." },
	{ .name = "reload",
	  .run = cmd_reload,
	  .options = CLI_AGENT,
	  .help = "Have the running agent read its configuration again",
	  .more = "With an error in the configuration the old one stays in force: all errors are\n"
		  "printed, and the exit code is 1." },
	{ .name = "completion",
	  .run = cmd_completion,
	  .rest = "bash|zsh|fish",
	  .min_rest = 1,
	  .max_rest = 1,
	  .rest_kind = CLI_VALUE_WORDS,
	  .rest_words = "bash zsh fish",
	  .help = "Print the completion script for a shell" },
	{ .name = "targets",
	  .run = cmd_targets,
	  .rest = "[services]",
	  .max_rest = 1,
	  .options = CLI_CONFIG | CLI_SOCKET,
	  .help = "Print what a TARGET may be, a line each",
	  .hidden = true },
	{ .name = "version", .run = cmd_version, .options = CLI_JSON, .help = "Print the version" },
	{ .name = "help",
	  .run = cmd_help,
	  .rest = "[SUBCOMMAND]",
	  .max_rest = 1,
	  .rest_kind = CLI_VALUE_COMMAND,
	  .help = "Print this help, or a subcommand's" },
	{ .name = NULL },
};

int main(int argc, char **argv)
{
	return cli_main(commands, argc, argv);
}
