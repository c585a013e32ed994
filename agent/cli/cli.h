/* cli.h: the subcommands: one file each, one row each in the program's table. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>

#include "agent/base/buf.h"

#define CLI_DEFAULT_CONFIG "/etc/ipvs-agent/ipvs-agent.ini"
#define CLI_DEFAULT_SOCKET "/run/ipvs-agent/agent.sock"

enum cli_exit {
	CLI_OK = 0,
	CLI_ERROR = 1,
	CLI_CHANGES = 2, /* or: not drained in time */
	CLI_STRICT = 3,  /* warnings under --strict */
	CLI_USAGE = 64,
};

/* Which options a subcommand takes beside --help. */
enum cli_options {
	CLI_CONFIG = 1,
	CLI_SOCKET = 2,
	CLI_JSON = 4,
	CLI_STRICT_OPTION = 8,
	CLI_SAMPLE = 16,
	CLI_TEST = 32, /* --run, --junit */
	CLI_VERBOSE = 64,
};

struct cli_args;

/* A row of the program's table. */
struct cli_command {
	const char *name; /* NULL ends the table */
	int (*run)(const struct cli_args *args);
	const char *rest; /* its arguments for the help: "TARGET"; NULL = none */
	int min_rest, max_rest;
	unsigned int options; /* enum cli_options */
	const char *help;     /* one sentence without a full stop */
	const char *more;     /* what its own help says beyond; NULL = nothing */
};

/* What the command line said; strings are argv's. */
struct cli_args {
	const char *config;          /* -c FILE; never NULL */
	const char *socket;          /* --socket PATH; NULL = as the configuration says */
	bool config_given;           /* by -c */
	const char *pattern, *junit; /* of `test`; NULL = not given */
	bool strict, json, sample, verbose, help, version;
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

/* Writes to stdout; a full disk or a closed pipe is an error (CLI_ERROR). */
int cli_print(const struct buf *text);

/* Each returns an exit code. */
int cmd_run(const struct cli_args *args);
int cmd_check(const struct cli_args *args);
int cmd_plan(const struct cli_args *args);
int cmd_status(const struct cli_args *args);
int cmd_explain(const struct cli_args *args);
int cmd_config(const struct cli_args *args);
int cmd_test(const struct cli_args *args);
int cmd_replay(const struct cli_args *args);
int cmd_reload(const struct cli_args *args);
int cmd_version(const struct cli_args *args);
int cmd_help(const struct cli_args *args);

#endif
