/* client.c: asks the running agent over its unix socket, where the file's permissions
 * are the authentication. What those say who ask once, is in ask.c. */
#include "agent/cli/client.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/fetch.h"
#include "agent/cli/text.h"
#include "agent/http/http_conf.h"
#include "agent/sections.h"

enum {
	ANSWER_MS = 15000,
	SILENCE_MS = 35000, /* of a stream: three heartbeats are missing */
	BODY_MAX = 256 * 1024 * 1024,
};

/* The first unix listener of the configuration. A configuration with errors is read as
 * far as it goes: the running agent has its own. */
static int socket_of_config(const struct cli_args *args, struct buf *ret_path)
{
	const struct http_conf *http;
	struct config *c;

	if (access(args->config, R_OK) == -1) {
		if (!args->config_given) {
			buf_puts(ret_path, CLI_DEFAULT_SOCKET);
			return CLI_OK;
		}
		fprintf(stderr, "ipvs-agent: cannot read %s: %s\n", args->config, strerror(errno));
		return CLI_ERROR;
	}
	if (agent_config_load(args->config, &c) != 0) {
		fprintf(stderr, "ipvs-agent: cannot read %s: out of memory\n", args->config);
		return CLI_ERROR;
	}
	http = config_section(c, &http_section);
	for (uint32_t i = 0; i < http->n_listens && ret_path->len == 0; i++) {
		if (http->listens[i].unix_path)
			buf_puts(ret_path, http->listens[i].unix_path);
	}
	config_unref(c);
	if (ret_path->len > 0)
		return CLI_OK;
	fprintf(stderr,
		"ipvs-agent: [http] of %s has no unix socket; add 'listen = unix:%s', or give "
		"--socket PATH\n",
		args->config, CLI_DEFAULT_SOCKET);
	return CLI_ERROR;
}

static bool good(const struct client_answer *answer)
{
	return answer->status / 100 == 2;
}

int client_open(const struct cli_args *args, struct client *ret_client)
{
	struct client c = { 0 };
	int r = CLI_OK;

	if (args->socket)
		/* As the INI writes it is fine, too. */
		buf_puts(&c.socket_path,
			 args->socket + (strncmp(args->socket, "unix:", 5) == 0 ? 5 : 0));
	else
		r = socket_of_config(args, &c.socket_path);
	if (r == CLI_OK && !buf_ok(&c.socket_path)) {
		fputs("ipvs-agent: out of memory\n", stderr);
		r = CLI_ERROR;
	}
	if (r == CLI_OK)
		*ret_client = c;
	else
		client_close(&c);
	return r;
}

void client_close(struct client *c)
{
	buf_fini(&c->socket_path);
}

/* Fetches, with somebody at the other end. 0, or -errno with a sentence. */
static int fetch_from(const struct client *c, const char *path, struct fetch_request *req,
		      struct buf *why, struct fetch_result *ret_result)
{
	struct fetch_result result = { 0 };
	struct buf url = BUF_INIT;
	int r = client_knock(buf_str(&c->socket_path), why);

	if (r != 0)
		return r;
	buf_printf(&url, "http://localhost%s", path);
	req->url = buf_str(&url);
	req->unix_path = buf_str(&c->socket_path);
	r = buf_ok(&url) ? fetch_wait(req, &result) : -ENOMEM;
	buf_fini(&url);
	buf_fini(&result.headers);
	if (r == 0 && result.error == FETCH_OK && (req->on_data || !result.truncated)) {
		*ret_result = result;
		return 0;
	}
	buf_printf(why, "the agent on %s gives no answer%s%s%s", buf_str(&c->socket_path),
		   result.text[0] ? " (" : "", result.text, result.text[0] ? ")" : "");
	buf_fini(&result.body);
	return r != 0 ? r : -EIO;
}

int client_call(const struct client *c, const struct client_question *q, struct buf *why,
		struct client_answer *ret_answer)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	char *body = q->body ? json_dumps(q->body, JSON_COMPACT) : NULL;
	struct fetch_request req = { .method = q->method,
				     .body = body,
				     .body_len = body ? strlen(body) : 0,
				     .headers = body ? headers : NULL,
				     .timeout_ms = q->timeout_ms ? q->timeout_ms : ANSWER_MS,
				     .max_body = BODY_MAX };
	struct fetch_result result = { 0 };
	int r;

	if (q->body && !body) {
		buf_puts(why, "out of memory");
		return -ENOMEM;
	}
	r = fetch_from(c, q->path, &req, why, &result);
	free(body);
	if (r != 0)
		return r;
	*ret_answer = (struct client_answer){ .status = result.status, .body = result.body };
	return 0;
}

int client_stream(const struct client *c, const char *path,
		  bool (*on_data)(void *arg, const char *bytes, size_t len), void *arg,
		  struct buf *why)
{
	struct fetch_request req = { .timeout_ms = ANSWER_MS,
				     .max_body = BODY_MAX,
				     .on_data = on_data,
				     .data_arg = arg,
				     .idle_ms = SILENCE_MS };
	struct fetch_result result = { 0 };
	struct client_answer answer;
	int r = fetch_from(c, path, &req, why, &result);

	if (r != 0)
		return r;
	answer = (struct client_answer){ .status = result.status, .body = result.body };
	if (!good(&answer)) {
		client_format_error(why, &answer);
		r = -EPROTO;
	}
	buf_fini(&result.body);
	return r;
}

void client_format_error(struct buf *out, const struct client_answer *answer)
{
	json_t *o = json_loadb(buf_str(&answer->body), answer->body.len, 0, NULL);
	const char *message =
		json_string_value(json_object_get(json_object_get(o, "error"), "message"));
	const char *text = message ? message : buf_str(&answer->body);
	size_t before = out->len;

	text_put_lines(out, text);
	while (out->len > before && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0';
	if (out->len == before)
		buf_printf(out, "the agent answers HTTP status %d", answer->status);
	json_decref(o);
}

void client_put_encoded(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (isalnum((unsigned char)*text) || strchr("-._~", *text))
			buf_putc(out, *text);
		else
			buf_printf(out, "%%%02X", (unsigned int)(unsigned char)*text);
	}
}
