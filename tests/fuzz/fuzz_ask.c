/* fuzz_ask.c: the bodies of operators' requests. What is accepted is a command within
 * its bounds; what is refused is told, and leaves the command as it was.
 *
 *   clang -fsanitize=fuzzer,address,undefined … tests/fuzz/fuzz_ask.c build/lib.a …
 */
#include <stdlib.h>
#include <string.h>

#include "agent/holds/hold.h"
#include "agent/http/ask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_holder(const char *holder)
{
	struct buf why = BUF_INIT;
	char *again = NULL;

	check(ask_holder(holder, &again, &why) == 0 && strcmp(again, holder) == 0);
	free(again);
	buf_fini(&why);
}

static void check_common(const struct command *c)
{
	check(c->ttl_ms == 0 || c->ttl_ms >= 1000);
	check(!c->reason || strlen(c->reason) <= ASK_REASON_MAX);
	if (c->holder)
		check_holder(c->holder);
	check(strcmp(c->who, "ann") == 0 && !c->id && !c->only && !c->all);
}

static void check_hold(const struct command *c)
{
	check(c->kind == COMMAND_HOLD && c->target && *c->target);
	check(strlen(c->target) <= ASK_TARGET_MAX);
	check((c->effect >= HOLD_ZERO && c->effect <= 100) || c->effect == HOLD_ADMIT ||
	      c->effect == HOLD_REPLACE || c->effect == HOLD_REPLACE_SHARE);
	check((c->weight > 0) == (c->effect >= HOLD_REPLACE) && c->weight <= 65535);
	check(c->drain_ms == 0 || c->effect == HOLD_ZERO);
	check(c->effect != HOLD_ADMIT || (c->ttl_ms > 0 && c->ttl_ms <= ASK_ADMIT_MAX_MS));
}

static void ask(const struct buf *body, enum command_kind kind,
		int (*fn)(const struct buf *, struct command *, struct buf *))
{
	struct command cmd = { .kind = kind, .who = strdup("ann") };
	struct buf why = BUF_INIT;

	if (fn(body, &cmd, &why) == 0) {
		check(why.len == 0);
		check_common(&cmd);
		if (kind == COMMAND_HOLD)
			check_hold(&cmd);
	} else {
		check(why.len > 0 && why.len < 1000);
		check(!cmd.target && !cmd.holder && !cmd.reason && cmd.effect == 0);
	}
	buf_fini(&why);
	command_fini(&cmd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf body = BUF_INIT;
	char *name;

	buf_put(&body, data, size);
	ask(&body, COMMAND_HOLD, ask_hold);
	ask(&body, COMMAND_FREEZE, ask_freeze);
	name = ask_as_holder(buf_str(&body));
	check(name != NULL);
	check_holder(name);
	free(name);
	buf_fini(&body);
	return 0;
}
