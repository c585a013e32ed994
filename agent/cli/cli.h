/* cli.h: the subcommands: one file each, one row each in the program's table. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>

enum cli_exit {
	CLI_OK = 0,
	CLI_ERROR = 1,
	CLI_CHANGES = 2, /* or: not drained in time */
	CLI_STRICT = 3,  /* warnings under --strict */
	CLI_USAGE = 64,
};

/* What the command line said; strings are argv's. */
struct cli_args {
	const char *config; /* -c FILE; never NULL */
	bool strict, json;
	char **rest; /* what follows the subcommand, without the common options */
	int n_rest;
};

/* Each returns an exit code. */
int cmd_check(const struct cli_args *args);
int cmd_config(const struct cli_args *args);

#endif
