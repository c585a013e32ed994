/* http_conf.c: the keys of [http], and the grammar of `listen`. */
#include "agent/http/http_conf.h"

#include <errno.h>
#include <string.h>
#include <sys/un.h>

#include "agent/base/parse.h"
#include "conf/setter.h"

enum { UNIX_PATH_MAX = sizeof(((struct sockaddr_un *)0)->sun_path) - 1 };

/* ":10015" stands for [::]:10015, which takes IPv4 as well. */
static int read_listen(const char *text, struct listen_conf *l, struct conf_env *env)
{
	uint64_t port;

	if (!strncmp(text, "unix:", 5)) {
		if (text[5] != '/')
			return conf_refuse(env, text, "needs an absolute path: unix:/run/…");
		if (strlen(text + 5) > UNIX_PATH_MAX)
			return conf_refuse(env, text, "is too long (%d characters at most)",
					   UNIX_PATH_MAX);
		l->unix_path = l->text + 5;
		return 0;
	}
	if (text[0] == ':') {
		if (parse_u64(text + 1, &port) || port < 1 || port > 65535)
			return conf_refuse(env, text, "has no port between 1 and 65535");
		l->addr = (struct addr){ .family = AF_INET6, .port = (uint16_t)port };
		return 0;
	}
	if (addr_parse(text, &l->addr))
		return conf_refuse(env, text,
				   "is not ADDRESS:PORT, [ADDRESS]:PORT, :PORT or unix:/PATH");
	if (!l->addr.port)
		return conf_refuse(env, text, "has no port");
	return 0;
}

static int set_listen(void *field, const char *text, const struct conf_key *key,
		      struct conf_env *env)
{
	struct http_conf *h = container_of(field, struct http_conf, listens);
	struct listen_conf l = { .text = arena_strdup(env->arena, text), .line = env->line };
	void *array = h->listens;
	struct listen_conf *slot;
	uint32_t i;
	int r;

	if (!l.text)
		return -ENOMEM;
	r = read_listen(text, &l, env);
	if (r)
		return r;
	for (i = 0; i < h->n_listens; i++) {
		const struct listen_conf *o = &h->listens[i];

		if (l.unix_path && o->unix_path
			    ? !strcmp(l.unix_path, o->unix_path)
			    : !l.unix_path && !o->unix_path && !addr_cmp(&l.addr, &o->addr))
			return conf_refuse(env, text, "is there twice; first at %s:%u", env->file,
					   o->line);
	}
	slot = conf_append(env, &array, h->n_listens, sizeof(*slot), conf_lines(env, key->name));
	if (!slot)
		return -ENOMEM;
	*slot = l;
	h->listens = array;
	h->n_listens++;
	return 0;
}

static void get_listen(const void *field, const struct conf_key *key ATTR_UNUSED, size_t i,
		       struct buf *out)
{
	const struct http_conf *h =
		container_of((void *)(uintptr_t)field, struct http_conf, listens);

	if (i < h->n_listens)
		buf_puts(out, h->listens[i].text);
}

static size_t count_listens(const void *field, const struct conf_key *key ATTR_UNUSED)
{
	return container_of((void *)(uintptr_t)field, struct http_conf, listens)->n_listens;
}

static const struct conf_type listen_type = {
	.name = "ADDRESS:PORT | unix:PATH",
	.set = set_listen,
	.get = get_listen,
	.count = count_listens,
};

static void finish(struct config *c, void *obj)
{
	struct http_conf *h = obj;

	if (!h->tls_cert_file != !h->tls_key_file)
		conf_report(
			c, CONF_ERROR, h->head.file,
			conf_key_line(c, h, h->tls_cert_file ? "tls_cert_file" : "tls_key_file"),
			"tls_cert_file and tls_key_file need each other: '%s' is missing",
			h->tls_cert_file ? "tls_key_file" : "tls_cert_file");
	if (h->client_ca_file && !h->tls_cert_file && !h->tls_key_file)
		conf_report(c, CONF_ERROR, h->head.file, conf_key_line(c, h, "client_ca_file"),
			    "client_ca_file needs TLS: 'tls_cert_file' and 'tls_key_file' are "
			    "missing");
}

#define FIELD(f) .offset = offsetof(struct http_conf, f)

static const struct conf_key keys[] = {
	{ .name = "listen",
	  .type = &listen_type,
	  FIELD(listens),
	  .def = "127.0.0.1:10015\nunix:/run/ipvs-agent/agent.sock",
	  .flags = CONF_LIST,
	  .help = "Where HTTP is served: ADDRESS:PORT, :PORT (every address) or unix:PATH." },
	{ .name = "users_file",
	  .type = &conf_path,
	  FIELD(users_file),
	  .help = "Users and their bcrypt hashes, a NAME:HASH a line, for basic authentication." },
	{ .name = "token_file",
	  .type = &conf_path,
	  FIELD(token_file),
	  .help = "File with the bearer token." },
	{ .name = "tls_cert_file",
	  .type = &conf_path,
	  FIELD(tls_cert_file),
	  .help = "Certificate chain (PEM): serve HTTPS on the addresses." },
	{ .name = "tls_key_file",
	  .type = &conf_path,
	  FIELD(tls_key_file),
	  .help = "Private key (PEM) of the certificate." },
	{ .name = "client_ca_file",
	  .type = &conf_path,
	  FIELD(client_ca_file),
	  .help = "Authorities (PEM) whose client certificates authenticate." },
	{ .name = "loopback_writes",
	  .type = &conf_bool,
	  FIELD(loopback_writes),
	  .def = "off",
	  .help = "on lets anybody on this machine write over a loopback address." },
	{ .name = "max_connections",
	  .type = &conf_u32,
	  FIELD(max_connections),
	  .def = "256",
	  .min = 1,
	  .max = 65536,
	  .help = "How many connections a listener holds at once." },
};

const struct conf_section http_section = {
	.name = "http",
	.help = "The HTTP server.",
	.size = sizeof(struct http_conf),
	.keys = keys,
	.n_keys = countof(keys),
	.finish = finish,
};
