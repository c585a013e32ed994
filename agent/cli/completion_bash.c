/* completion_bash.c: the script for bash. It stands alone: the package bash-completion
 * loads it by its name, but none of its functions is needed. */
#include <string.h>

#include "agent/cli/completion.h"

/* "--config|-c|--socket|-s": the patterns of the options that pass `wanted`. */
static void put_patterns(struct buf *out, bool (*wanted)(const struct cli_option *o))
{
	const char *before = "";

	for (const struct cli_option *o = cli_option_table; o->name; o++) {
		if (!wanted(o))
			continue;
		buf_printf(out, "%s--%s", before, o->name);
		if (o->letter)
			buf_printf(out, "|-%c", o->letter);
		before = "|";
	}
}

static bool takes_value(const struct cli_option *o)
{
	return o->value;
}

static bool takes_file(const struct cli_option *o)
{
	return o->value && o->kind == CLI_VALUE_FILE;
}

static bool takes_text(const struct cli_option *o)
{
	return o->value && o->kind == CLI_VALUE_TEXT;
}

/* What else a value may be. */
static void put_words(struct buf *out)
{
	for (const struct cli_option *o = cli_option_table; o->name; o++) {
		if (o->kind == CLI_VALUE_WORDS)
			buf_printf(out,
				   "\t--%s)\n\t\tmapfile -t COMPREPLY < <(compgen -W '%s' -- "
				   "\"$cur\")\n\t\treturn ;;\n",
				   o->name, o->words);
	}
}

static void put_options(const struct cli_command *c, struct buf *out)
{
	for (const struct cli_option *o = cli_option_table; o->name; o++) {
		if (completion_takes(c, o))
			buf_printf(out, " --%s", o->name);
	}
}

/* What the arguments are: words, or what a command prints. */
static void put_rest(const struct cli_command *c, const struct cli_command *commands,
		     struct buf *out)
{
	switch (c->rest_kind) {
	case CLI_VALUE_TARGET:
		buf_puts(out, " rest='$(_ipvs_agent_targets)'");
		break;
	case CLI_VALUE_SERVICE:
		buf_puts(out, " rest='$(_ipvs_agent_targets services)'");
		break;
	case CLI_VALUE_FILE:
		buf_puts(out, " files=1");
		break;
	case CLI_VALUE_WORDS:
		buf_printf(out, " rest='%s'%s", c->rest_words, c->max_rest > 1 ? " files=1" : "");
		break;
	case CLI_VALUE_COMMAND:
		buf_puts(out, " rest='");
		completion_put_commands(commands, out);
		buf_puts(out, "'");
		break;
	case CLI_VALUE_NONE:
	case CLI_VALUE_TEXT:
		break;
	}
}

static void put_cases(const struct cli_command *commands, struct buf *out)
{
	buf_puts(out, "\tcase $command in\n");
	for (const struct cli_command *c = commands; c->name; c++) {
		if (c->hidden)
			continue;
		buf_printf(out, "\t%s) options='", c->name);
		put_options(c, out);
		buf_puts(out, "'");
		put_rest(c, commands, out);
		buf_puts(out, " ;;\n");
	}
	buf_puts(out, "\t'') options='--config --socket --help --version' rest='");
	completion_put_commands(commands, out);
	buf_puts(out, "' ;;\n\tesac\n");
}

static const char HEAD[] =
	"# bash completion for ipvs-agent: printed by `ipvs-agent completion bash`.\n"
	"# shellcheck shell=bash disable=SC2016 # compgen expands what stands in $rest\n\n"
	"# What the agent knows; as it is asked in the line that is being written.\n"
	"_ipvs_agent_targets()\n"
	"{\n"
	"\tipvs-agent targets \"${agent[@]}\" \"$@\" 2>/dev/null\n"
	"}\n\n"
	"_ipvs_agent()\n"
	"{\n"
	"\tlocal line=${COMP_LINE:0:COMP_POINT} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	"\tlocal cur=${line##*[[:space:]]} command='' options='' rest='' files='' word i\n"
	"\tlocal -a agent=()\n\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\tcase $word in\n"
	"\t\t";

static const char WORDS[] = ")\n"
			    "\t\t\t# Bash breaks words at = and :, too.\n"
			    "\t\t\t[ \"${COMP_WORDS[i + 1]}\" != = ] || ((i++))\n"
			    "\t\t\t((i++))\n"
			    "\t\t\tcase $word in\n"
			    "\t\t\t--config|-c|--socket|-s) agent+=(\"$word\" "
			    "\"${COMP_WORDS[i]}\") ;;\n"
			    "\t\t\tesac ;;\n"
			    "\t\t-*) ;;\n"
			    "\t\t*) [ -n \"$command\" ] || command=$word ;;\n"
			    "\t\tesac\n"
			    "\tdone\n"
			    "\tif [[ $cur == --*=* ]]; then\n"
			    "\t\tprev=${cur%%=*}\n"
			    "\t\tcur=${cur#*=}\n"
			    "\tfi\n"
			    "\tCOMPREPLY=()\n"
			    "\tcase $prev in\n"
			    "\t";

static const char TAIL[] =
	"\tif [[ $cur == -* ]]; then\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
	"\telif [ -n \"$files\" ] && [[ -z $rest || \" $rest \" == *\" $prev \"* ]]; then\n"
	"\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	"\telse\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$rest\" -- \"$cur\")\n"
	"\tfi\n"
	"\t# What stands before the last colon is a word of its own.\n"
	"\tif [[ $cur == *:* ]]; then\n"
	"\t\tword=${cur%:*}:\n"
	"\t\tCOMPREPLY=(\"${COMPREPLY[@]#\"$word\"}\")\n"
	"\tfi\n"
	"}\n\n"
	"complete -F _ipvs_agent ipvs-agent\n";

void completion_bash(const struct cli_command *commands, struct buf *out)
{
	buf_puts(out, HEAD);
	put_patterns(out, takes_value);
	buf_puts(out, WORDS);
	put_patterns(out, takes_file);
	buf_puts(out, ")\n\t\tcompopt -o filenames 2>/dev/null\n"
		      "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n\t\treturn ;;\n");
	put_words(out);
	buf_puts(out, "\t");
	put_patterns(out, takes_text);
	buf_puts(out, ") return ;;\n\tesac\n");
	put_cases(commands, out);
	buf_puts(out, TAIL);
}
