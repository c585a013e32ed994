/* ask.c: a subcommand's question to the agent, and what is said where there is no good
 * answer: on stderr in words, or with --json on stdout as the agent put it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/cli/client.h"
#include "agent/cli/text.h"

static const char STRANGE[] = "the answer is not one that this version (" VERSION
			      ") understands; was the agent restarted after the upgrade?";

static void say(const struct buf *why)
{
	fprintf(stderr, "ipvs-agent: %s\n", buf_ok(why) ? buf_str(why) : "out of memory");
}

int client_ask(const struct cli_args *args, const struct client_question *q,
	       struct client_answer *ret_answer)
{
	struct buf why = BUF_INIT;
	struct client client;
	int r = client_open(args, &client);

	if (r != CLI_OK)
		return r;
	r = client_call(&client, q, &why, ret_answer) == 0 ? CLI_OK : CLI_ERROR;
	if (r != CLI_OK)
		say(&why);
	client_close(&client);
	buf_fini(&why);
	return r;
}

/* The object of a good answer; NULL = it is none. */
static json_t *object_of(const struct client_answer *answer)
{
	return answer->status / 100 == 2
		       ? json_loadb(buf_str(&answer->body), answer->body.len, 0, NULL)
		       : NULL;
}

int client_call_json(const struct client *c, const struct client_question *q, struct buf *why,
		     json_t **ret_json)
{
	struct client_answer answer = { 0 };
	json_t *json;
	int r = client_call(c, q, why, &answer);

	if (r != 0)
		return r;
	json = object_of(&answer);
	if (json) {
		*ret_json = json;
	} else if (answer.status / 100 == 2) {
		buf_puts(why, STRANGE);
		r = -EBADMSG;
	} else {
		client_format_error(why, &answer);
		r = -EPROTO;
	}
	buf_fini(&answer.body);
	return r;
}

int client_refused(const struct cli_args *args, const struct client_answer *answer)
{
	json_t *json = json_loadb(buf_str(&answer->body), answer->body.len, 0, NULL);
	const json_t *error = json_object_get(json, "error");
	const char *guard = json_string_value(json_object_get(error, "guard"));
	struct buf text = BUF_INIT;

	if (args->json && error) {
		text_put_json(&text, json);
		cli_print(&text);
	} else {
		if (guard) {
			buf_puts(&text, "refused by guard ");
			text_put(&text, guard);
			buf_puts(&text, ": ");
		}
		client_format_error(&text, answer);
		if (guard && (args->command->options & CLI_FORCE) &&
		    !strstr(buf_str(&text), "--force"))
			buf_puts(&text, "\n  nothing was changed; --force does it all the same");
		say(&text);
	}
	buf_fini(&text);
	json_decref(json);
	return CLI_ERROR;
}

int client_json(const struct cli_args *args, struct client_answer *answer, json_t **ret_json)
{
	json_t *json = object_of(answer);
	int r = CLI_OK;

	if (json) {
		*ret_json = json;
	} else if (answer->status / 100 == 2) {
		fprintf(stderr, "ipvs-agent: %s\n", STRANGE);
		r = CLI_ERROR;
	} else {
		r = client_refused(args, answer);
	}
	buf_fini(&answer->body);
	return r;
}

int client_ask_json(const struct cli_args *args, const struct client_question *q, json_t **ret_json)
{
	struct client_answer answer = { 0 };
	int r = client_ask(args, q, &answer);

	return r == CLI_OK ? client_json(args, &answer, ret_json) : r;
}
