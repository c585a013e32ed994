/* help.c: ipvs-agent help [SUBCOMMAND]: the tables of subcommands and options as text. */
#include <stdio.h>
#include <string.h>

#include "agent/cli/cli.h"
#include "agent/cli/text.h"

enum { LEFT_MIN = 20 };

/* "  left   text", the texts one below the other. */
static void put_row(struct buf *out, const char *left, size_t width, const char *text)
{
	buf_printf(out, "  %s%*s  %s\n", left, (int)(width - text_len(left)), "", text);
}

static void put_left(const struct cli_option *o, struct buf *out)
{
	if (o->letter)
		buf_printf(out, "-%c, ", o->letter);
	else
		buf_puts(out, "    ");
	buf_printf(out, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
}

static void put_options(struct buf *out, unsigned int bits)
{
	struct buf left = BUF_INIT;
	size_t width = LEFT_MIN;

	buf_puts(out, "\nOptions:\n");
	for (int pass = 0; pass < 2; pass++) {
		for (const struct cli_option *o = cli_option_table; o->name; o++) {
			if (o->bits && !(o->bits & bits))
				continue;
			buf_reset(&left);
			put_left(o, &left);
			if (pass == 1)
				put_row(out, buf_str(&left), width, o->help);
			else if (left.len > width)
				width = left.len;
		}
	}
	buf_fini(&left);
}

static void put_commands(struct buf *out, const struct cli_command *commands)
{
	struct buf left = BUF_INIT;
	size_t width = LEFT_MIN;

	buf_puts(out, "Subcommands:\n");
	for (int pass = 0; pass < 2; pass++) {
		for (const struct cli_command *c = commands; c->name; c++) {
			if (c->hidden)
				continue;
			buf_reset(&left);
			buf_printf(&left, "%s%s%s", c->name, c->rest ? " " : "",
				   c->rest ? c->rest : "");
			if (pass == 1)
				put_row(out, buf_str(&left), width, c->help);
			else if (text_len(buf_str(&left)) > width)
				width = text_len(buf_str(&left));
		}
	}
	buf_fini(&left);
}

void cli_format_help(struct buf *out, const struct cli_command *commands,
		     const struct cli_command *one)
{
	if (one) {
		buf_printf(out, "Usage: ipvs-agent %s [options]%s%s\n\n%s.\n", one->name,
			   one->rest ? " " : "", one->rest ? one->rest : "", one->help);
		if (one->more)
			buf_printf(out, "%s\n", one->more);
		put_options(out, one->options);
		return;
	}
	buf_puts(out, "Usage: ipvs-agent [-c FILE] SUBCOMMAND [options] [arguments]\n\n"
		      "Manages, watches and explains the IPVS services of this director.\n\n");
	put_commands(out, commands);
	put_options(out, CLI_AGENT);
	buf_puts(out, "\nTARGET is SERVICE/REALSERVER, SERVICE, or a realserver's name or address "
		      "wherever\nit serves. "
		      "'ipvs-agent help SUBCOMMAND' tells the other options.\n"
		      "Exit codes: 0 done, 1 error, 2 changes or not drained in time, 3 warnings "
		      "under\n--strict, 64 usage.\n");
}

int cmd_help(const struct cli_args *args)
{
	const struct cli_command *one = NULL;
	struct buf text = BUF_INIT;
	int r;

	if (args->help)
		one = args->command;
	if (args->n_rest > 0 && !args->help) {
		one = cli_find_command(args->commands, args->rest[0]);
		if (!one) {
			cli_unknown_command(args->commands, args->rest[0], &text);
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
