/* cli.h: the subcommands: one file each, one row each in the program's table. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>

#include "agent/base/buf.h"
#include "agent/cli/options.h"

#define CLI_DEFAULT_CONFIG "/etc/ipvs-agent/ipvs-agent.ini"
#define CLI_DEFAULT_SOCKET "/run/ipvs-agent/agent.sock"

enum cli_exit {
	CLI_OK = 0,
	CLI_ERROR = 1,
	CLI_CHANGES = 2, /* or: not drained in time */
	CLI_STRICT = 3,  /* warnings under --strict; not all was imported as it was */
	CLI_USAGE = 64,
};

struct cli_args;

/* A row of the program's table. */
struct cli_command {
	const char *name;                        /* NULL ends the table */
	int (*run)(const struct cli_args *args); /* an exit code */
	const char *rest; /* its arguments for the help: "TARGET"; NULL = none */
	int min_rest, max_rest;
	enum cli_value rest_kind; /* what they are, */
	const char *rest_words;   /* … of CLI_VALUE_WORDS which; a second one is a file */
	unsigned int options;     /* enum cli_options */
	const char *help;         /* one sentence without a full stop */
	const char *more;         /* what its own help says beyond; NULL = nothing */
	bool hidden;              /* for the completions: no help tells of it */
};

/* What the command line said; strings are argv's. */
struct cli_args {
	const char *config; /* -c FILE; never NULL */
	const char *socket; /* --socket PATH; NULL = as the configuration says */
	bool config_given;  /* by -c */
	/* NULL = not given, false likewise: see options.c */
	const char *pattern, *junit, *timeout, *lasts, *reason, *holder, *of_class, *limit,
		*interval, *sort;
	bool strict, json, sample, verbose, help, version, wait, force, all, end, follow, running,
		once, count;
	char **rest; /* what follows the subcommand, without the options */
	int n_rest;
	const struct cli_command *command;  /* NULL = none was named */
	const struct cli_command *commands; /* the table */
};

/* Reads a command line. -EINVAL with a sentence in `why`, -ENOMEM; else
 * cli_args_fini() is due. */
int cli_parse(const struct cli_command *commands, int argc, char **argv, struct buf *why,
	      struct cli_args *ret_args);
void cli_args_fini(struct cli_args *args);

/* All of main(): reads, runs, tells what is wrong with the usage. An exit code. */
int cli_main(const struct cli_command *commands, int argc, char **argv);

/* Appends the help: of all, or of one subcommand. */
void cli_format_help(struct buf *out, const struct cli_command *commands,
		     const struct cli_command *one);

/* The row of a name; NULL = there is none, and the second says so. -EINVAL, -ENOMEM. */
const struct cli_command *cli_find_command(const struct cli_command *commands, const char *name);
int cli_unknown_command(const struct cli_command *commands, const char *name, struct buf *why);

/* Writes to stdout; a full disk or a closed pipe is an error (CLI_ERROR). */
int cli_print(const struct buf *text);

/* Each returns an exit code. */
typedef int cli_run(const struct cli_args *args);
cli_run cmd_run, cmd_check, cmd_plan, cmd_status, cmd_top, cmd_explain, cmd_drain, cmd_undrain,
	cmd_admit, cmd_weight, cmd_freeze, cmd_thaw, cmd_holds, cmd_rules, cmd_journal, cmd_config,
	cmd_test, cmd_replay, cmd_import, cmd_reload, cmd_probe, cmd_completion, cmd_targets,
	cmd_role, cmd_doctor, cmd_version, cmd_help;

#endif
