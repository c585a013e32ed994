/* client.c: asks the running agent over its unix socket, where the file's permissions
 * are the authentication. Most of this file is about the answer that never comes: who
 * sits at a broken director needs to read which file, whose group, what to start. */
#include "agent/cli/client.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/base/fetch.h"
#include "agent/cli/text.h"
#include "agent/http/http_conf.h"
#include "agent/sections.h"

enum { GET_TIMEOUT_MS = 15000, BODY_MAX = 256 * 1024 * 1024 };

static const char START_HINT[] =
	"  start it:        systemctl start ipvs-agent (or: ipvs-agent run)\n"
	"  another socket:  --socket PATH, or -c FILE with its 'listen = unix:PATH'";

/* The owner of what stands at `path`, for who may not connect to it. */
static void explain_denied(const char *path, struct buf *why)
{
	struct stat st;
	struct group group, *found = NULL;
	char names[4096];

	buf_printf(why, "permission denied on %s", path);
	if (stat(path, &st) == -1) {
		buf_puts(why, ": a directory above it is not yours to enter; use sudo");
		return;
	}
	buf_printf(why, ": it is for user %u and group ", (unsigned int)st.st_uid);
	if (getgrgid_r(st.st_gid, &group, names, sizeof(names), &found) == 0 && found)
		buf_printf(why, "'%s'", group.gr_name);
	else
		buf_printf(why, "%u", (unsigned int)st.st_gid);
	buf_printf(why, " (mode %04o); join that group, or use sudo",
		   (unsigned int)(st.st_mode & 07777));
}

int client_knock(const char *socket_path, struct buf *why)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int r = 0, fd;

	if (strlen(socket_path) >= sizeof(un.sun_path)) {
		buf_printf(why, "the socket's path is too long (over %zu bytes): %s",
			   sizeof(un.sun_path) - 1, socket_path);
		return -ENAMETOOLONG;
	}
	memcpy(un.sun_path, socket_path, strlen(socket_path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || connect(fd, (struct sockaddr *)&un, sizeof(un)) == -1)
		r = -errno;
	if (fd != -1)
		close(fd);
	switch (-r) {
	case 0:
		break;
	case ENOENT:
		buf_printf(why, "the agent does not run here: there is no %s\n%s", socket_path,
			   START_HINT);
		break;
	case ECONNREFUSED:
		buf_printf(why, "the agent does not run: nobody listens on %s any more\n%s",
			   socket_path, START_HINT);
		break;
	case EACCES:
	case EPERM:
		explain_denied(socket_path, why);
		break;
	default:
		buf_printf(why, "cannot connect to %s: %s", socket_path, strerror(-r));
		break;
	}
	return r;
}

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
		out->len--;
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
