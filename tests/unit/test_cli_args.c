/* test_cli_args.c: command lines, good and wrong, and the help. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/base/attr.h"
#include "agent/cli/cli.h"
#include "agent/cli/completion.h"

static int cmd_none(const struct cli_args *args)
{
	(void)args;
	return 42;
}

static const struct cli_command commands[] = {
	{ .name = "run", .run = cmd_none, .options = CLI_CONFIG, .help = "Run" },
	{ .name = "check",
	  .run = cmd_none,
	  .options = CLI_CONFIG | CLI_JSON | CLI_STRICT_OPTION,
	  .help = "Check" },
	{ .name = "status",
	  .run = cmd_none,
	  .rest = "[SERVICE]",
	  .max_rest = 1,
	  .options = CLI_SOCKET | CLI_JSON,
	  .help = "Show" },
	{ .name = "explain",
	  .run = cmd_none,
	  .rest = "TARGET",
	  .min_rest = 1,
	  .max_rest = 1,
	  .options = CLI_SOCKET | CLI_JSON,
	  .help = "Tell why",
	  .more = "More of it." },
	{ .name = "config",
	  .run = cmd_none,
	  .max_rest = 1,
	  .options = CLI_CONFIG | CLI_SAMPLE,
	  .help = "Print" },
	{ .name = "drain",
	  .run = cmd_none,
	  .rest = "TARGET",
	  .min_rest = 1,
	  .max_rest = 1,
	  .rest_kind = CLI_VALUE_TARGET,
	  .options = CLI_AGENT | CLI_WAIT | CLI_FOR | CLI_REASON | CLI_FORCE,
	  .help = "Drain: it's done" },
	{ .name = "secret",
	  .run = cmd_none,
	  .rest = "bash|fish",
	  .max_rest = 1,
	  .rest_kind = CLI_VALUE_WORDS,
	  .rest_words = "bash fish",
	  .help = "Nobody knows",
	  .hidden = true },
	{ .name = NULL },
};

/* Splits at blanks; a word "" is empty. */
static int parse(const char *line, struct buf *why, struct cli_args *ret_args, char *copy,
		 char **argv)
{
	int argc = 1;

	argv[0] = copy;
	memcpy(copy, line, strlen(line) + 1);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		argv[argc++] = strcmp(word, "\"\"") == 0 ? word + 2 : word;
	argv[argc] = NULL;
	buf_reset(why);
	return cli_parse(commands, argc, argv, why, ret_args);
}

static void test_good(void **state)
{
	static const struct {
		const char *line, *command, *config, *socket, *rest;
		bool strict, json, help, version;
	} cases[] = {
		{ "run", "run", CLI_DEFAULT_CONFIG, NULL, NULL, 0, 0, 0, 0 },
		{ "-c a.ini run", "run", "a.ini", NULL, NULL, 0, 0, 0, 0 },
		{ "-ca.ini run", "run", "a.ini", NULL, NULL, 0, 0, 0, 0 },
		{ "run -c a.ini", "run", "a.ini", NULL, NULL, 0, 0, 0, 0 },
		{ "run --config a.ini", "run", "a.ini", NULL, NULL, 0, 0, 0, 0 },
		{ "--config=a.ini check --strict --json", "check", "a.ini", NULL, NULL, 1, 1, 0,
		  0 },
		{ "--json status", "status", CLI_DEFAULT_CONFIG, NULL, NULL, 0, 1, 0, 0 },
		{ "status web --json", "status", CLI_DEFAULT_CONFIG, NULL, "web", 0, 1, 0, 0 },
		{ "explain --socket /s web/web1", "explain", CLI_DEFAULT_CONFIG, "/s", "web/web1",
		  0, 0, 0, 0 },
		{ "explain -- --odd", "explain", CLI_DEFAULT_CONFIG, NULL, "--odd", 0, 0, 0, 0 },
		{ "explain -", "explain", CLI_DEFAULT_CONFIG, NULL, "-", 0, 0, 0, 0 },
		{ "config --sample", "config", CLI_DEFAULT_CONFIG, NULL, NULL, 0, 0, 0, 0 },
		{ "--help", NULL, CLI_DEFAULT_CONFIG, NULL, NULL, 0, 0, 1, 0 },
		{ "-h explain", "explain", CLI_DEFAULT_CONFIG, NULL, NULL, 0, 0, 1, 0 },
		{ "--version", NULL, CLI_DEFAULT_CONFIG, NULL, NULL, 0, 0, 0, 1 },
		{ "-V --json", NULL, CLI_DEFAULT_CONFIG, NULL, NULL, 0, 1, 0, 1 },
	};
	struct buf why = BUF_INIT;
	char copy[200], *argv[20];
	struct cli_args a;

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		assert_int_equal(parse(cases[i].line, &why, &a, copy, argv), 0);
		assert_string_equal(buf_str(&why), "");
		if (cases[i].command)
			assert_string_equal(a.command->name, cases[i].command);
		else
			assert_null(a.command);
		assert_string_equal(a.config, cases[i].config);
		assert_int_equal(a.config_given, strstr(cases[i].line, "a.ini") != NULL);
		assert_int_equal(a.n_rest, cases[i].rest ? 1 : 0);
		assert_int_equal(a.sample, strstr(cases[i].line, "--sample") != NULL);
		if (cases[i].rest)
			assert_string_equal(a.rest[0], cases[i].rest);
		if (cases[i].socket)
			assert_string_equal(a.socket, cases[i].socket);
		else
			assert_null(a.socket);
		assert_int_equal(a.strict, cases[i].strict);
		assert_int_equal(a.json, cases[i].json);
		assert_int_equal(a.help, cases[i].help);
		assert_int_equal(a.version, cases[i].version);
		cli_args_fini(&a);
	}
	buf_fini(&why);
}

static void test_wrong(void **state)
{
	static const char *const cases[][2] = {
		{ "", "no subcommand" },
		{ "\"\"", "unknown subcommand ''" },
		{ "statsu", "unknown subcommand 'statsu'; did you mean 'status'?" },
		{ "frobnicate", "unknown subcommand 'frobnicate'" },
		{ "--jsn status", "unknown option '--jsn'; did you mean '--json'?" },
		{ "--xyzzy=1 status", "unknown option '--xyzzy'" },
		{ "-x status", "unknown option '-x'" },
		{ "-hx", "unknown option '-hx'" },
		{ "-c", "option '--config' needs a FILE" },
		{ "run --config=", "option '--config' needs a FILE" },
		{ "check --strict=yes", "option '--strict' takes no value" },
		{ "status --strict", "'status' takes no option '--strict'" },
		{ "run --sample", "'run' takes no option '--sample'" },
		{ "run --json", "'run' takes no option '--json'" },
		{ "explain", "'explain' needs TARGET" },
		{ "explain a b", "'explain' does not know what to do with 'b'" },
		{ "run away", "'run' does not know what to do with 'away'" },
		{ "drain web --fro 1h", "unknown option '--fro'; did you mean '--for'?" },
		{ "drain web --for", "option '--for' needs a DURATION" },
		{ "drain web --wait=1", "option '--wait' takes no value" },
		{ "drain", "'drain' needs TARGET" },
		{ "status --wait", "'status' takes no option '--wait'" },
	};
	struct buf why = BUF_INIT;
	char copy[200], *argv[20];
	struct cli_args a;

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		assert_int_equal(parse(cases[i][0], &why, &a, copy, argv), -EINVAL);
		assert_string_equal(buf_str(&why), cases[i][1]);
	}
	buf_fini(&why);
}

static void test_operator(void **state)
{
	struct buf why = BUF_INIT;
	char copy[200], *argv[20];
	struct cli_args a;

	(void)state;
	assert_int_equal(parse("drain web/web1 -w --timeout 5m -f 1h --reason=deploy --holder bob "
			       "--force",
			       &why, &a, copy, argv),
			 0);
	assert_true(a.wait && a.force && !a.all && !a.end);
	assert_string_equal(a.timeout, "5m");
	assert_string_equal(a.lasts, "1h");
	assert_string_equal(a.reason, "deploy");
	assert_string_equal(a.holder, "bob");
	cli_args_fini(&a);
	assert_int_equal(parse("drain web", &why, &a, copy, argv), 0);
	assert_true(!a.wait && !a.force && !a.timeout && !a.lasts && !a.reason && !a.holder);
	cli_args_fini(&a);
	buf_fini(&why);
}

/* In each shell's script stand subcommands with their options, and none that is hidden. */
static void test_completion(void **state)
{
	static const struct {
		void (*put)(const struct cli_command *commands, struct buf *out);
		const char *lines[4];
	} shells[] = {
		{ completion_bash,
		  { "\tdrain) options=' --config --socket --json --wait --timeout --for --reason "
		    "--force --holder --help --version' rest='$(_ipvs_agent_targets)' ;;\n",
		    "\t--config|-c|--socket|-s|--junit)\n",
		    "\trun) options=", "compgen -W 'rule agent alert operator'" } },
		{ completion_zsh,
		  { "\t\t'drain:Drain\\: it'\\''s done'\n",
		    "'(-w --wait)'{-w,--wait}'[wait until it is drained\\: exit 0; or",
		    "'1:TARGET:_ipvs_agent_targets' && ret=0\n",
		    "'--timeout=[late after that (default\\: drain_timeout" } },
		{ completion_fish,
		  { "-n __fish_use_subcommand -a drain -d 'Drain: it'\\''s done'\n",
		    "'__fish_seen_subcommand_from drain' -a '(__ipvs_agent_targets)'\n",
		    "'__fish_seen_subcommand_from drain' -l timeout -x -d",
		    "complete -c ipvs-agent -s c -l config -r -F -d" } },
	};
	struct buf out = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < countof(shells); i++) {
		buf_reset(&out);
		shells[i].put(commands, &out);
		for (size_t n = 0; n < countof(shells[i].lines); n++) {
			if (!strstr(buf_str(&out), shells[i].lines[n]))
				print_error("%s\n%s\n", shells[i].lines[n], buf_str(&out));
			assert_non_null(strstr(buf_str(&out), shells[i].lines[n]));
		}
		assert_null(strstr(buf_str(&out), "secret"));
	}
	buf_fini(&out);
}

static void test_main(void **state)
{
	char name[] = "ipvs-agent", run[] = "run", odd[] = "odd";
	char *good[] = { name, run, NULL }, *wrong[] = { name, odd, NULL };

	(void)state;
	assert_int_equal(cli_main(commands, 2, good), 42);
	assert_int_equal(cli_main(commands, 2, wrong), CLI_USAGE);
	assert_int_equal(cli_main(commands, 1, good), CLI_USAGE);
}

static void test_help(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	cli_format_help(&b, commands, &commands[3]);
	assert_string_equal(
		buf_str(&b),
		"Usage: ipvs-agent explain [options] TARGET\n\nTell why.\nMore of it.\n\nOptions:\n"
		"  -s, --socket PATH     ask the agent on this unix socket (default: as the "
		"configuration says)\n"
		"      --json            print JSON\n"
		"  -h, --help            print this help\n"
		"  -V, --version         print the version\n");
	buf_reset(&b);
	cli_format_help(&b, commands, NULL);
	/* Every subcommand stands in it, with its sentence. */
	for (const struct cli_command *c = commands; c->name; c++)
		assert_int_equal(strstr(buf_str(&b), c->help) != NULL, !c->hidden);
	assert_non_null(strstr(buf_str(&b), "\n  explain TARGET        Tell why\n"));
	assert_non_null(strstr(buf_str(&b), "  -c, --config FILE  "));
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),     cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_operator), cmocka_unit_test(test_completion),
		cmocka_unit_test(test_main),     cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests_name("cli_args", tests, NULL, NULL);
}
