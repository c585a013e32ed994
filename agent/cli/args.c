/* args.c: the command line, read by tables. Not getopt: options may stand before or
 * after the subcommand, each subcommand takes its own, and a wrong one is answered
 * with the name that was probably meant. */
#include "agent/cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/parse.h"

/* The row for "--name", "--name=…", "-x" or "-x…"; *ret_value is what is joined to it,
 * NULL = nothing. */
static const struct cli_option *find_option(const char *arg, const char **ret_value)
{
	size_t len = strcspn(arg, "=");

	*ret_value = NULL;
	for (const struct cli_option *o = cli_option_table; o->name; o++) {
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

static const char *nearest_option(const char *name)
{
	const char **names, *near = NULL;
	size_t n = 0;

	while (cli_option_table[n].name)
		n++;
	names = calloc(n + 1, sizeof(*names));
	for (size_t i = 0; names && i < n; i++)
		names[i] = cli_option_table[i].name;
	if (names)
		near = nearest_name(name, names, n);
	free(names);
	return near;
}

static int unknown_option(const char *arg, struct buf *why)
{
	char *name = strndup(arg, strcspn(arg, "="));
	const char *near;

	if (!name)
		return -ENOMEM;
	near = strncmp(name, "--", 2) == 0 ? nearest_option(name + 2) : NULL;
	buf_printf(why, "unknown option '%s'", name);
	if (near)
		buf_printf(why, "; did you mean '--%s'?", near);
	free(name);
	return -EINVAL;
}

const struct cli_command *cli_find_command(const struct cli_command *commands, const char *name)
{
	for (; commands->name; commands++) {
		if (strcmp(commands->name, name) == 0)
			return commands;
	}
	return NULL;
}

int cli_unknown_command(const struct cli_command *commands, const char *name, struct buf *why)
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
	const struct cli_option *o = find_option(arg, &value);

	if (!o)
		return unknown_option(arg, why);
	*given |= 1u << (o - cli_option_table);
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
	for (size_t i = 0; cli_option_table[i].name; i++) {
		const struct cli_option *o = &cli_option_table[i];

		/* A file or a socket that is not needed does no harm. */
		if (given & (1u << i) && o->bits &&
		    !(o->bits & (c->options | CLI_CONFIG | CLI_SOCKET))) {
			buf_printf(why, "'%s' takes no option '--%s'", c->name, o->name);
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
			a.command = cli_find_command(commands, argv[i]);
			if (!a.command)
				r = cli_unknown_command(commands, argv[i], why);
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
