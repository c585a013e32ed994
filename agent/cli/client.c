/* client.c: asks the running agent over its unix socket, where the file's permissions
 * are the authentication. Which socket: the one of --socket, else the first that the
 * configuration names, else the default. */
#include "agent/cli/client.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/fetch.h"
#include "agent/cli/text.h"
#include "agent/http/http_conf.h"
#include "agent/sections.h"

enum { GET_TIMEOUT_MS = 15000, BODY_MAX = 256 * 1024 * 1024 };

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

static int find_socket(const struct cli_args *args, struct buf *ret_path)
{
	if (!args->socket)
		return socket_of_config(args, ret_path);
	/* As the INI writes it is fine, too. */
	buf_puts(ret_path, args->socket + (strncmp(args->socket, "unix:", 5) == 0 ? 5 : 0));
	return CLI_OK;
}

int client_ask(const struct cli_args *args, const char *method, const char *path,
	       int64_t timeout_ms, struct client_answer *ret_answer)
{
	struct buf socket_path = BUF_INIT, url = BUF_INIT, why = BUF_INIT;
	struct fetch_result result = { 0 };
	struct fetch_request req;
	int r = find_socket(args, &socket_path);

	if (r != CLI_OK)
		goto out;
	r = CLI_ERROR;
	if (client_knock(buf_str(&socket_path), &why) != 0) {
		fprintf(stderr, "ipvs-agent: %s\n", buf_str(&why));
		goto out;
	}
	buf_printf(&url, "http://localhost%s", path);
	if (!buf_ok(&url) || !buf_ok(&socket_path)) {
		fputs("ipvs-agent: out of memory\n", stderr);
		goto out;
	}
	req = (struct fetch_request){ .url = url.data,
				      .method = method,
				      .unix_path = socket_path.data,
				      .timeout_ms = timeout_ms,
				      .max_body = BODY_MAX };
	if (fetch_wait(&req, &result) != 0 || result.error != FETCH_OK || result.truncated) {
		fprintf(stderr, "ipvs-agent: the agent on %s gives no answer%s%s%s\n",
			socket_path.data, result.text[0] ? " (" : "", result.text,
			result.text[0] ? ")" : "");
		buf_fini(&result.body);
		goto out;
	}
	ret_answer->status = result.status;
	ret_answer->body = result.body;
	r = CLI_OK;
out:
	buf_fini(&result.headers);
	buf_fini(&socket_path);
	buf_fini(&url);
	buf_fini(&why);
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

int client_get(const struct cli_args *args, const char *path, struct client_answer *ret_answer)
{
	struct client_answer answer = { 0 };
	struct buf message = BUF_INIT;
	json_t *json = NULL;
	int r = client_ask(args, "GET", path, GET_TIMEOUT_MS, &answer);

	if (r != CLI_OK)
		return r;
	if (answer.status == 200)
		json = json_loadb(buf_str(&answer.body), answer.body.len, 0, NULL);
	if (!json) {
		if (answer.status == 200)
			buf_puts(&message, "the answer is not one that this version (" VERSION
					   ") understands; was the agent restarted after the "
					   "upgrade?");
		else
			client_format_error(&message, &answer);
		fprintf(stderr, "ipvs-agent: %s\n", buf_str(&message));
		buf_fini(&message);
		buf_fini(&answer.body);
		return CLI_ERROR;
	}
	json_decref(json);
	*ret_answer = answer;
	return CLI_OK;
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
