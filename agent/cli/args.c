/* args.c: the command line, read by tables. Not getopt: options may stand before or
 * after the subcommand, each subcommand takes its own, and a wrong one is answered
 * with the name that was probably meant. */
#include "agent/cli/cli.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/parse.h"

struct option {
	const char *name;  /* without the dashes */
	char letter;       /* 0 = none */
	const char *value; /* "FILE"; NULL = it takes none */
	unsigned int bit;  /* of enum cli_options; 0 = every subcommand takes it */
	size_t offset;     /* of a const char pointer, or of a bool */
	const char *help;
};

static const struct option options[] = {
	{ "config", 'c', "FILE", CLI_CONFIG, offsetof(struct cli_args, config),
	  "read this configuration (default " CLI_DEFAULT_CONFIG ")" },
	{ "socket", 's', "PATH", CLI_SOCKET, offsetof(struct cli_args, socket),
	  "ask the agent on this unix socket (default: as the configuration says)" },
	{ "json", 0, NULL, CLI_JSON, offsetof(struct cli_args, json), "print JSON" },
	{ "strict", 0, NULL, CLI_STRICT_OPTION, offsetof(struct cli_args, strict),
	  "exit 3 when there are warnings" },
	{ "sample", 0, NULL, CLI_SAMPLE, offsetof(struct cli_args, sample),
	  "print the sample file: every key at its default" },
	{ "run", 0, "PATTERN", CLI_TEST, offsetof(struct cli_args, pattern),
	  "run the tests of that name only (* ? [ ])" },
	{ "junit", 0, "FILE", CLI_TEST, offsetof(struct cli_args, junit),
	  "write the results there as JUnit XML" },
	{ "verbose", 0, NULL, CLI_VERBOSE, offsetof(struct cli_args, verbose),
	  "print every decision with its time" },
	{ "help", 'h', NULL, 0, offsetof(struct cli_args, help), "print this help" },
	{ "version", 'V', NULL, 0, offsetof(struct cli_args, version), "print the version" },
};

/* The row for "--name", "--name=…", "-x" or "-x…"; *ret_value is what is joined to it,
 * NULL = nothing. */
static const struct option *find_option(const char *arg, const char **ret_value)
{
	size_t len = strcspn(arg, "=");

	*ret_value = NULL;
	for (size_t i = 0; i < countof(options); i++) {
		const struct option *o = &options[i];

		if (arg[1] == '-' && strlen(o->name) == len - 2 &&
		    strncmp(arg + 2, o->name, len - 2) == 0) {
			if (arg[len] == '=')
				*ret_value = arg + len + 1;
			return o;
		}
		if (arg[1] != '-' && o->letter == arg[1] && (o->value || !arg[2])) {
			if (arg[2])
				*ret_value = arg + 2;
			return o;
		}
	}
	return NULL;
}

static int unknown_option(const char *arg, struct buf *why)
{
	const char *names[countof(options)];
	char *name = strndup(arg, strcspn(arg, "="));
	const char *near = NULL;

	for (size_t i = 0; i < countof(options); i++)
		names[i] = options[i].name;
	if (!name)
		return -ENOMEM;
	if (strncmp(name, "--", 2) == 0)
		near = nearest_name(name + 2, names, countof(names));
	buf_printf(why, "unknown option '%s'", name);
	if (near)
		buf_printf(why, "; did you mean '--%s'?", near);
	free(name);
	return -EINVAL;
}

static const struct cli_command *find_command(const struct cli_command *commands, const char *name)
{
	for (; commands->name; commands++) {
		if (strcmp(commands->name, name) == 0)
			return commands;
	}
	return NULL;
}

static int unknown_command(const struct cli_command *commands, const char *name, struct buf *why)
{
	const char **names;
	const char *near;
	size_t n = 0;

	while (commands[n].name)
		n++;
	names = calloc(n + 1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		names[i] = commands[i].name;
	near = nearest_name(name, names, n);
	buf_printf(why, "unknown subcommand '%s'", name);
	if (near)
		buf_printf(why, "; did you mean '%s'?", near);
	free(names);
	return -EINVAL;
}

/* Takes one option; *i stands on it and moves over its value. */
static int take_option(struct cli_args *a, int argc, char **argv, int *i, unsigned int *given,
		       struct buf *why)
{
	const char *arg = argv[*i], *value;
	const struct option *o = find_option(arg, &value);

	if (!o)
		return unknown_option(arg, why);
	*given |= 1u << (o - options);
	if (!o->value) {
		if (value) {
			buf_printf(why, "option '--%s' takes no value", o->name);
			return -EINVAL;
		}
		*(bool *)(void *)((char *)a + o->offset) = true;
		return 0;
	}
	if (!value && *i + 1 < argc)
		value = argv[++*i];
	if (!value || !*value) {
		buf_printf(why, "option '--%s' needs a %s", o->name, o->value);
		return -EINVAL;
	}
	*(const char **)(void *)((char *)a + o->offset) = value;
	return 0;
}

/* What was read, against what the subcommand takes. */
static int check_args(const struct cli_args *a, unsigned int given, struct buf *why)
{
	const struct cli_command *c = a->command;

	if (a->help || a->version)
		return 0;
	if (!c) {
		buf_puts(why, "no subcommand");
		return -EINVAL;
	}
	for (size_t i = 0; i < countof(options); i++) {
		/* A file or a socket that is not needed does no harm. */
		if (given & (1u << i) && options[i].bit &&
		    !(options[i].bit & (c->options | CLI_CONFIG | CLI_SOCKET))) {
			buf_printf(why, "'%s' takes no option '--%s'", c->name, options[i].name);
			return -EINVAL;
		}
	}
	if (a->n_rest < c->min_rest) {
		buf_printf(why, "'%s' needs %s", c->name, c->rest ? c->rest : "arguments");
		return -EINVAL;
	}
	if (a->n_rest > c->max_rest) {
		buf_printf(why, "'%s' does not know what to do with '%s'", c->name,
			   a->rest[c->max_rest]);
		return -EINVAL;
	}
	return 0;
}

int cli_parse(const struct cli_command *commands, int argc, char **argv, struct buf *why,
	      struct cli_args *ret_args)
{
	struct cli_args a = { .config = CLI_DEFAULT_CONFIG, .commands = commands };
	unsigned int given = 0;
	bool only_rest = false;
	int r = 0;

	a.rest = calloc((size_t)(argc > 0 ? argc : 0) + 1, sizeof(*a.rest));
	if (!a.rest)
		return -ENOMEM;
	for (int i = 1; r == 0 && i < argc; i++) {
		if (!only_rest && strcmp(argv[i], "--") == 0) {
			only_rest = true;
		} else if (!only_rest && argv[i][0] == '-' && argv[i][1]) {
			r = take_option(&a, argc, argv, &i, &given, why);
		} else if (a.command) {
			a.rest[a.n_rest++] = argv[i];
		} else {
			a.command = find_command(commands, argv[i]);
			if (!a.command)
				r = unknown_command(commands, argv[i], why);
		}
	}
	a.config_given = given & 1; /* the first row */
	if (r == 0)
		r = check_args(&a, given, why);
	if (r != 0)
		cli_args_fini(&a);
	else
		*ret_args = a;
	return r;
}

void cli_args_fini(struct cli_args *args)
{
	free(args->rest);
	args->rest = NULL;
	args->n_rest = 0;
}

/* --- help -------------------------------------------------------------------- */

static void put_options(struct buf *out, unsigned int bits)
{
	buf_puts(out, "\nOptions:\n");
	for (size_t i = 0; i < countof(options); i++) {
		const struct option *o = &options[i];
		char left[40];

		if (o->bit && !(o->bit & bits))
			continue;
		snprintf(left, sizeof(left), "%c%c%s--%s%s%s", o->letter ? '-' : ' ',
			 o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name,
			 o->value ? " " : "", o->value ? o->value : "");
		buf_printf(out, "  %-20s  %s\n", left, o->help);
	}
}

void cli_format_help(struct buf *out, const struct cli_command *commands,
		     const struct cli_command *one)
{
	char left[40];

	if (one) {
		buf_printf(out, "Usage: ipvs-agent %s [options]%s%s\n\n%s.\n", one->name,
			   one->rest ? " " : "", one->rest ? one->rest : "", one->help);
		if (one->more)
			buf_printf(out, "%s\n", one->more);
		put_options(out, one->options);
		return;
	}
	buf_puts(out, "Usage: ipvs-agent [-c FILE] SUBCOMMAND [options] [arguments]\n\n"
		      "Manages, watches and explains the IPVS services of this director.\n\n"
		      "Subcommands:\n");
	for (const struct cli_command *c = commands; c->name; c++) {
		snprintf(left, sizeof(left), "%s%s%s", c->name, c->rest ? " " : "",
			 c->rest ? c->rest : "");
		buf_printf(out, "  %-20s  %s\n", left, c->help);
	}
	put_options(out, ~0u);
	buf_puts(out, "\nExit codes: 0 done, 1 error, 2 changes, 3 warnings under --strict, "
		      "64 usage.\n'ipvs-agent help SUBCOMMAND' tells more.\n");
}

int cmd_help(const struct cli_args *args)
{
	const struct cli_command *one = NULL;
	struct buf text = BUF_INIT;
	int r;

	if (args->help)
		one = args->command;
	if (args->n_rest > 0 && !args->help) {
		one = find_command(args->commands, args->rest[0]);
		if (!one) {
			unknown_command(args->commands, args->rest[0], &text);
			fprintf(stderr, "ipvs-agent: %s\n", buf_str(&text));
			buf_fini(&text);
			return CLI_USAGE;
		}
	}
	cli_format_help(&text, args->commands, one);
	r = cli_print(&text);
	buf_fini(&text);
	return r;
}

int cli_print(const struct buf *text)
{
	if (!buf_ok(text)) {
		fputs("ipvs-agent: out of memory\n", stderr);
		return CLI_ERROR;
	}
	if (text->len > 0 && fwrite(text->data, 1, text->len, stdout) != text->len)
		goto out;
	if (fflush(stdout) == 0)
		return CLI_OK;
out:
	fprintf(stderr, "ipvs-agent: cannot write: %s\n", strerror(errno));
	return CLI_ERROR;
}

int cli_main(const struct cli_command *commands, int argc, char **argv)
{
	struct cli_args args;
	struct buf why = BUF_INIT;
	int r = cli_parse(commands, argc, argv, &why, &args);

	if (r != 0) {
		fprintf(stderr, "ipvs-agent: %s\nTry 'ipvs-agent help'.\n",
			r == -ENOMEM ? "out of memory" : buf_str(&why));
		buf_fini(&why);
		return r == -ENOMEM ? CLI_ERROR : CLI_USAGE;
	}
	if (args.help)
		r = cmd_help(&args);
	else if (args.version)
		r = cmd_version(&args);
	else if (args.command) /* always, as cli_parse() asks for one */
		r = args.command->run(&args);
	cli_args_fini(&args);
	buf_fini(&why);
	return r;
}
