/* options.h: the table of all options. The command line is read by it, the help printed
 * from it, and the completions of the shells made of it. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stddef.h>

/* Which options a subcommand takes beside --help. */
enum cli_options {
	CLI_CONFIG = 1 << 0,
	CLI_SOCKET = 1 << 1,
	CLI_JSON = 1 << 2,
	CLI_STRICT_OPTION = 1 << 3,
	CLI_SAMPLE = 1 << 4,
	CLI_TEST = 1 << 5, /* --run, --junit */
	CLI_VERBOSE = 1 << 6,
	CLI_WAIT = 1 << 7, /* --wait, --timeout */
	CLI_FOR = 1 << 8,
	CLI_REASON = 1 << 9, /* --reason, --holder */
	CLI_FORCE = 1 << 10,
	CLI_HOLDER = 1 << 11, /* --holder without a reason, --all */
	CLI_END = 1 << 12,
	CLI_CLASS = 1 << 13,
	CLI_JOURNAL = 1 << 14, /* --limit, --follow */
	CLI_RUNNING = 1 << 15,
	CLI_TOP = 1 << 16, /* --interval, --sort, --once */
	CLI_COUNT = 1 << 17,
	/* What talks to the running agent. */
	CLI_AGENT = CLI_CONFIG | CLI_SOCKET | CLI_JSON,
};

/* What the value of an option, or an argument, is: for the completions. */
enum cli_value {
	CLI_VALUE_NONE = 0,
	CLI_VALUE_TEXT, /* nobody can guess it */
	CLI_VALUE_FILE,
	CLI_VALUE_TARGET,
	CLI_VALUE_SERVICE,
	CLI_VALUE_COMMAND,
	CLI_VALUE_WORDS, /* one of `words` */
};

struct cli_option {
	const char *name;  /* without the dashes; NULL ends the table */
	char letter;       /* 0 = none */
	const char *value; /* "FILE"; NULL = it takes none */
	enum cli_value kind;
	const char *words; /* of CLI_VALUE_WORDS: "rule alert operator" */
	unsigned int bits; /* of enum cli_options: any of them; 0 = every subcommand takes it */
	size_t offset;     /* in struct cli_args: of a const char pointer, or of a bool */
	const char *help;
};

extern const struct cli_option cli_option_table[];

#endif
