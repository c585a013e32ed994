/* operator.c: who asks, and the requests of those who ask for something. */
#include "agent/cli/operator.h"

#include <ctype.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/parse.h"
#include "agent/cli/client.h"

enum { HOLDER_MAX = 64, NAMES_MAX = 4096 };

static bool is_holder(const char *name)
{
	size_t len = strlen(name);

	for (const char *c = name; *c; c++) {
		if (!isalnum((unsigned char)*c) && !strchr("_.@:+-", *c))
			return false;
	}
	return len > 0 && len <= HOLDER_MAX;
}

/* The name of the user, or his number. */
static void put_user(struct buf *out)
{
	struct passwd user, *found = NULL;
	char names[NAMES_MAX];

	if (getpwuid_r(geteuid(), &user, names, sizeof(names), &found) == 0 && found &&
	    is_holder(user.pw_name))
		buf_puts(out, user.pw_name);
	else
		buf_printf(out, "uid-%u", (unsigned int)geteuid());
}

int operator_holder(const struct cli_args *args, struct buf *out)
{
	const char *sudo = getenv("SUDO_USER");

	if (args->holder) {
		if (!is_holder(args->holder)) {
			fputs("ipvs-agent: --holder: a name has 1 to 64 of A-Z a-z 0-9 _ . @ : + "
			      "-\n",
			      stderr);
			return CLI_USAGE;
		}
		buf_puts(out, args->holder);
	} else if (sudo && is_holder(sudo)) {
		buf_puts(out, sudo);
	} else {
		put_user(out);
	}
	return CLI_OK;
}

/* Adds a duration; a wrong one is told before anybody is asked. */
static int add_duration(json_t *o, const char *key, const char *option, const char *text)
{
	int64_t ms;

	if (!text)
		return CLI_OK;
	if (parse_duration(text, &ms) != 0 || ms <= 0) {
		fprintf(stderr, "ipvs-agent: --%s: '%s' is no duration; write 30s, 5m, 1h30m\n",
			option, text);
		return CLI_USAGE;
	}
	return json_object_set_new(o, key, json_string(text)) == 0 ? CLI_OK
								   : CLI_ERROR; /* memory */
}

/* Adds a text; it may be no UTF-8. */
static int add_text(json_t *o, const char *key, const char *text)
{
	if (!text)
		return CLI_OK;
	if (json_object_set_new(o, key, json_string(text)) == 0)
		return CLI_OK;
	fprintf(stderr, "ipvs-agent: the %s is no UTF-8 text\n", key);
	return CLI_USAGE;
}

int operator_request(const struct cli_args *args, const char *target, json_t **ret_request)
{
	struct buf holder = BUF_INIT;
	json_t *o = json_object();
	int r = operator_holder(args, &holder);

	if (r == CLI_OK)
		r = add_text(o, "target", target);
	if (r == CLI_OK)
		r = add_text(o, "holder", buf_str(&holder));
	if (r == CLI_OK)
		r = add_text(o, "reason", args->reason);
	if (r == CLI_OK)
		r = add_duration(o, "ttl", "for", args->lasts);
	if (r == CLI_OK)
		r = add_duration(o, "timeout", "timeout", args->timeout);
	if (r == CLI_OK && args->force && json_object_set_new(o, "force", json_true()) != 0)
		r = CLI_ERROR;
	buf_fini(&holder);
	if (r == CLI_OK) {
		*ret_request = o;
		return r;
	}
	if (r == CLI_ERROR)
		fputs("ipvs-agent: out of memory\n", stderr);
	json_decref(o);
	return r;
}

int operator_ask(const struct cli_args *args, const char *path, const char *target,
		 const char *member, json_t *value, json_t **ret_answer)
{
	json_t *request = NULL;
	int r = operator_request(args, target, &request);

	if (r != CLI_OK) {
		json_decref(value);
		return r;
	}
	if (member && json_object_set_new(request, member, value) != 0) {
		fputs("ipvs-agent: out of memory\n", stderr);
		r = CLI_ERROR;
	}
	if (r == CLI_OK)
		r = client_ask_json(args,
				    &(struct client_question){
					    .method = "POST", .path = path, .body = request },
				    ret_answer);
	json_decref(request);
	return r;
}

int operator_lift(const struct cli_args *args, const char *target, const char *kind,
		  json_t **ret_answer)
{
	struct buf path = BUF_INIT, holder = BUF_INIT;
	int r = operator_holder(args, &holder);

	buf_puts(&path, "/api/v1/holds?target=");
	client_put_encoded(&path, target);
	buf_printf(&path, "&kind=%s", kind);
	if (args->all) {
		buf_puts(&path, "&all=1");
	} else {
		buf_puts(&path, "&holder=");
		client_put_encoded(&path, buf_str(&holder));
	}
	if (r == CLI_OK)
		r = client_ask_json(
			args,
			&(struct client_question){ .method = "DELETE", .path = buf_str(&path) },
			ret_answer);
	buf_fini(&path);
	buf_fini(&holder);
	return r;
}
