/* completion_fish.c: the script for fish. */
#include "agent/cli/completion.h"

static void put_value(enum cli_value kind, const char *words, struct buf *out)
{
	switch (kind) {
	case CLI_VALUE_FILE:
		buf_puts(out, " -F");
		break;
	case CLI_VALUE_TARGET:
		buf_puts(out, " -a '(__ipvs_agent_targets)'");
		break;
	case CLI_VALUE_SERVICE:
		buf_puts(out, " -a '(__ipvs_agent_targets services)'");
		break;
	case CLI_VALUE_WORDS:
		buf_printf(out, " -a '%s'", words);
		break;
	case CLI_VALUE_COMMAND:
	case CLI_VALUE_NONE:
	case CLI_VALUE_TEXT:
		break;
	}
}

static void put_option(const struct cli_option *o, const char *condition, struct buf *out)
{
	buf_puts(out, "complete -c ipvs-agent");
	if (condition)
		buf_printf(out, " -n '__fish_seen_subcommand_from %s'", condition);
	if (o->letter)
		buf_printf(out, " -s %c", o->letter);
	buf_printf(out, " -l %s", o->name);
	/* -x: a value, and no file. */
	if (o->value)
		buf_puts(out, o->kind == CLI_VALUE_FILE ? " -r" : " -x");
	put_value(o->kind, o->words, out);
	buf_puts(out, " -d '");
	completion_put_quoted(out, o->help, "");
	buf_puts(out, "'\n");
}

static void put_command(const struct cli_command *c, const struct cli_command *commands,
			struct buf *out)
{
	buf_printf(out, "complete -c ipvs-agent -n __fish_use_subcommand -a %s -d '", c->name);
	completion_put_quoted(out, c->help, "");
	buf_puts(out, "'\n");
	if (c->rest_kind != CLI_VALUE_NONE) {
		buf_printf(out, "complete -c ipvs-agent -n '__fish_seen_subcommand_from %s'",
			   c->name);
		if (c->rest_kind == CLI_VALUE_COMMAND) {
			buf_puts(out, " -a '");
			completion_put_commands(commands, out);
			buf_puts(out, "'");
		} else {
			put_value(c->rest_kind, c->rest_words, out);
			if (c->rest_kind == CLI_VALUE_WORDS && c->max_rest > 1)
				buf_puts(out, " -F");
		}
		buf_puts(out, "\n");
	}
	for (const struct cli_option *o = cli_option_table; o->name; o++) {
		if (o->bits & c->options & ~(unsigned int)(CLI_CONFIG | CLI_SOCKET))
			put_option(o, c->name, out);
	}
}

void completion_fish(const struct cli_command *commands, struct buf *out)
{
	buf_puts(out,
		 "# fish completion for ipvs-agent: printed by `ipvs-agent completion fish`.\n\n"
		 "# What the agent knows; as it is asked in the line that is being written.\n"
		 "function __ipvs_agent_targets\n"
		 "    set -l agent\n"
		 "    set -l words (commandline -opc)\n"
		 "    for i in (seq (count $words))\n"
		 "        switch $words[$i]\n"
		 "            case -c --config -s --socket\n"
		 "                set -a agent $words[$i] $words[(math $i + 1)]\n"
		 "        end\n"
		 "    end\n"
		 "    ipvs-agent targets $agent $argv 2>/dev/null\n"
		 "end\n\n"
		 "complete -c ipvs-agent -f\n");
	for (const struct cli_option *o = cli_option_table; o->name; o++) {
		if (!o->bits || (o->bits & (CLI_CONFIG | CLI_SOCKET)))
			put_option(o, NULL, out);
	}
	for (const struct cli_command *c = commands; c->name; c++) {
		if (!c->hidden)
			put_command(c, commands, out);
	}
}
