/* completion.c: ipvs-agent completion bash|zsh|fish. What `make install` puts into place
 * are the files of contrib/completion, which are these texts; the lint compares them. */
#include "agent/cli/completion.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/attr.h"

static const struct {
	const char *name;
	void (*put)(const struct cli_command *commands, struct buf *out);
} shells[] = {
	{ "bash", completion_bash },
	{ "zsh", completion_zsh },
	{ "fish", completion_fish },
};

void completion_put_commands(const struct cli_command *commands, struct buf *out)
{
	const char *before = "";

	for (const struct cli_command *c = commands; c->name; c++) {
		if (c->hidden)
			continue;
		buf_printf(out, "%s%s", before, c->name);
		before = " ";
	}
}

void completion_put_quoted(struct buf *out, const char *text, const char *also)
{
	for (; *text; text++) {
		if (*text == '\'') {
			buf_puts(out, "'\\''");
			continue;
		}
		if (strchr(also, *text))
			buf_putc(out, '\\');
		buf_putc(out, *text);
	}
}

int cmd_completion(const struct cli_args *args)
{
	struct buf out = BUF_INIT;
	int r = CLI_USAGE;

	for (size_t i = 0; i < countof(shells); i++) {
		if (strcmp(shells[i].name, args->rest[0]) == 0) {
			shells[i].put(args->commands, &out);
			r = cli_print(&out);
		}
	}
	buf_fini(&out);
	if (r == CLI_USAGE)
		fprintf(stderr, "ipvs-agent: completion: bash, zsh or fish; not '%s'\n",
			args->rest[0]);
	return r;
}
