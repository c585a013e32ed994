/* completion_zsh.c: the function for zsh: _ipvs-agent of a directory of fpath. */
#include <string.h>

#include "agent/cli/completion.h"

/* An action of _arguments for a value. */
static void put_action(enum cli_value kind, const char *words, struct buf *out)
{
	switch (kind) {
	case CLI_VALUE_FILE:
		buf_puts(out, "_files");
		break;
	case CLI_VALUE_TARGET:
		buf_puts(out, "_ipvs_agent_targets");
		break;
	case CLI_VALUE_SERVICE:
		buf_puts(out, "_ipvs_agent_services");
		break;
	case CLI_VALUE_COMMAND:
		buf_puts(out, "_ipvs_agent_commands");
		break;
	case CLI_VALUE_WORDS:
		buf_printf(out, "(%s)", words);
		break;
	case CLI_VALUE_NONE:
	case CLI_VALUE_TEXT:
		buf_puts(out, " ");
		break;
	}
}

/* '(-c --config)'{-c,--config}'[help]:FILE:_files', or '--json[help]'. */
static void put_option(const struct cli_option *o, const char *indent, struct buf *out)
{
	buf_puts(out, indent);
	if (o->letter)
		buf_printf(out, "'(-%c --%s)'{-%c%s,--%s%s}'[", o->letter, o->name, o->letter,
			   o->value ? "+" : "", o->name, o->value ? "=" : "");
	else
		buf_printf(out, "'--%s%s[", o->name, o->value ? "=" : "");
	completion_put_quoted(out, o->help, "[]:\\");
	buf_puts(out, "]");
	if (o->value) {
		buf_printf(out, ":%s:", o->value);
		put_action(o->kind, o->words, out);
	}
	buf_puts(out, "' \\\n");
}

static void put_command(const struct cli_command *c, struct buf *out)
{
	buf_printf(out, "\t\t%s)\n\t\t\t_arguments -s -S \\\n", c->name);
	for (const struct cli_option *o = cli_option_table; o->name; o++) {
		if (completion_takes(c, o))
			put_option(o, "\t\t\t\t", out);
	}
	if (c->rest) {
		buf_puts(out, c->max_rest > 2 ? "\t\t\t\t'*:" : "\t\t\t\t'1:");
		completion_put_quoted(out, c->rest, "[]:\\");
		buf_putc(out, ':');
		put_action(c->rest_kind, c->rest_words, out);
		if (c->rest_kind == CLI_VALUE_WORDS && c->max_rest > 1)
			buf_puts(out, "' \\\n\t\t\t\t'2:FILE:_files");
		buf_puts(out, "' && ret=0\n");
	} else {
		buf_puts(out, "\t\t\t\t&& ret=0\n");
	}
	buf_puts(out, "\t\t\t;;\n");
}

static void put_commands(const struct cli_command *commands, struct buf *out)
{
	buf_puts(out, "_ipvs_agent_commands()\n{\n\tlocal -a commands=(\n");
	for (const struct cli_command *c = commands; c->name; c++) {
		if (c->hidden)
			continue;
		buf_printf(out, "\t\t'%s:", c->name);
		completion_put_quoted(out, c->help, ":\\");
		buf_puts(out, "'\n");
	}
	buf_puts(out, "\t)\n\t_describe subcommand commands\n}\n\n");
}

void completion_zsh(const struct cli_command *commands, struct buf *out)
{
	buf_puts(out, "#compdef ipvs-agent\n"
		      "# zsh completion for ipvs-agent: printed by `ipvs-agent completion zsh`.\n\n"
		      "# What the agent knows; as it is asked in the line that is being written.\n"
		      "_ipvs_agent_ask()\n{\n"
		      "\tlocal -a agent names\n"
		      "\t[[ -n ${opt_args[--config]:-${opt_args[-c]}} ]] &&\n"
		      "\t\tagent+=(-c ${(Q)opt_args[--config]:-${opt_args[-c]}})\n"
		      "\t[[ -n ${opt_args[--socket]:-${opt_args[-s]}} ]] &&\n"
		      "\t\tagent+=(-s ${(Q)opt_args[--socket]:-${opt_args[-s]}})\n"
		      "\tnames=(${(f)\"$(ipvs-agent targets $agent $@ 2>/dev/null)\"})\n"
		      "\tcompadd -a names\n}\n\n"
		      "_ipvs_agent_targets()\n{\n\t_ipvs_agent_ask\n}\n\n"
		      "_ipvs_agent_services()\n{\n\t_ipvs_agent_ask services\n}\n\n");
	put_commands(commands, out);
	buf_puts(out, "_ipvs_agent()\n{\n"
		      "\tlocal context state state_descr line ret=1\n"
		      "\ttypeset -A opt_args\n\n"
		      "\t_arguments -s -S -C \\\n");
	for (const struct cli_option *o = cli_option_table; o->name; o++) {
		if (!o->bits || (o->bits & (CLI_CONFIG | CLI_SOCKET)))
			put_option(o, "\t\t", out);
	}
	buf_puts(out, "\t\t'1:subcommand:_ipvs_agent_commands' \\\n"
		      "\t\t'*::argument:->argument' && ret=0\n"
		      "\tif [[ $state == argument ]]; then\n"
		      "\t\tcase $line[1] in\n");
	for (const struct cli_command *c = commands; c->name; c++) {
		if (!c->hidden)
			put_command(c, out);
	}
	buf_puts(out, "\t\tesac\n\tfi\n\treturn ret\n}\n\n"
		      "_ipvs_agent \"$@\"\n");
}
