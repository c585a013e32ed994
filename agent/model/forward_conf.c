/* forward_conf.c: `forward` and `tunnel` as types of keys, for services and for a
 * realserver's line alike. */
#include <errno.h>
#include <string.h>

#include "agent/base/parse.h"
#include "agent/model/pool_conf.h"
#include "conf/setter.h"

static const struct conf_enum forward_names[] = {
	{ "route", IPVS_ROUTE }, { "dr", IPVS_ROUTE },    { "gate", IPVS_ROUTE },
	{ "masq", IPVS_MASQ },   { "nat", IPVS_MASQ },    { "tunnel", IPVS_TUNNEL },
	{ "tun", IPVS_TUNNEL },  { "ipip", IPVS_TUNNEL }, { NULL, 0 },
};

static int set_forward(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
		       struct conf_env *env)
{
	const struct conf_enum *e;

	for (e = forward_names; e->name; e++) {
		if (!strcmp(e->name, text)) {
			*(uint8_t *)field = (uint8_t)e->value;
			return 0;
		}
	}
	return conf_refuse(env, text, "is none of route, masq, tunnel");
}

const char *forward_word(unsigned int forward)
{
	const struct conf_enum *e;

	for (e = forward_names; e->name && e->value != (int)forward; e++)
		;
	return e->name ? e->name : "-";
}

static void get_forward(const void *field, const struct conf_key *key ATTR_UNUSED,
			size_t i ATTR_UNUSED, struct buf *out)
{
	buf_puts(out, forward_word(*(const uint8_t *)field));
}

const struct conf_type conf_forward = { .name = "route | masq | tunnel",
					.set = set_forward,
					.get = get_forward };

/* The kinds, and which checksum options each takes. */
static const struct {
	const char *name;
	uint8_t type;
	bool port;
	uint16_t flags;
} kinds[] = {
	{ "ipip", IPVS_TUN_IPIP, false, 0 },
	{ "gue", IPVS_TUN_GUE, true, IPVS_TUN_CSUM | IPVS_TUN_REMCSUM },
	{ "gre", IPVS_TUN_GRE, false, IPVS_TUN_CSUM },
};

static const struct {
	const char *name;
	uint16_t flag;
} options[] = {
	{ "nocsum", 0 },
	{ "csum", IPVS_TUN_CSUM },
	{ "remcsum", IPVS_TUN_REMCSUM },
};

static int set_option(struct tunnel_conf *t, size_t kind, const char *word, const char *text,
		      struct conf_env *env)
{
	size_t i;

	for (i = 0; i < countof(options) && strcmp(options[i].name, word); i++)
		;
	if (i == countof(options))
		return conf_refuse(env, word,
				   "is no option of a tunnel; there are csum, nocsum, remcsum");
	if (!kinds[kind].flags || (options[i].flag & ~kinds[kind].flags))
		return conf_refuse(env, text, "is not possible: %s takes no %s", kinds[kind].name,
				   word);
	t->flags |= options[i].flag;
	return 0;
}

static int set_tunnel_words(struct tunnel_conf *t, const struct conf_strings *words,
			    const char *text, struct conf_env *env)
{
	const char *first = words->items[0];
	const char *colon = strchrnul(first, ':');
	uint64_t port = 0;
	size_t k, i;
	int r = 0;

	for (k = 0; k < countof(kinds); k++)
		if (strlen(kinds[k].name) == (size_t)(colon - first) &&
		    !strncmp(kinds[k].name, first, (size_t)(colon - first)))
			break;
	if (k == countof(kinds))
		return conf_refuse(env, text,
				   "is not a tunnel (ipip, gue:PORT or gre; then csum, "
				   "nocsum, remcsum)");
	if (kinds[k].port && !*colon)
		return conf_refuse(env, text, "needs its port: gue:PORT");
	if (!kinds[k].port && *colon)
		return conf_refuse(env, text, "has a port, and %s takes none", kinds[k].name);
	if (*colon && (parse_u64(colon + 1, &port) || port < 1 || port > 65535))
		return conf_refuse(env, text, "has no port between 1 and 65535");
	t->type = kinds[k].type;
	t->port = (uint16_t)port;
	for (i = 1; i < words->n && !r; i++)
		r = set_option(t, k, words->items[i], text, env);
	if (!r && t->flags == (IPVS_TUN_CSUM | IPVS_TUN_REMCSUM))
		return conf_refuse(env, text, "has both csum and remcsum; one of them");
	return r;
}

static int set_tunnel(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
		      struct conf_env *env)
{
	struct tunnel_conf t = { 0 };
	struct arena scratch = ARENA_INIT;
	struct conf_strings words;
	int r = conf_split(&scratch, text, &words);

	if (!r && !words.n)
		r = conf_refuse(env, text, "names no tunnel");
	if (!r)
		r = set_tunnel_words(&t, &words, text, env);
	if (!r)
		*(struct tunnel_conf *)field = t;
	arena_fini(&scratch);
	return r;
}

static void get_tunnel(const void *field, const struct conf_key *key ATTR_UNUSED,
		       size_t i ATTR_UNUSED, struct buf *out)
{
	const struct tunnel_conf *t = field;
	size_t k;

	for (k = 0; k < countof(kinds); k++)
		if (kinds[k].type == t->type)
			buf_puts(out, kinds[k].name);
	if (t->port)
		buf_printf(out, ":%u", t->port);
	for (k = 0; k < countof(options); k++)
		if (options[k].flag & t->flags)
			buf_printf(out, ",%s", options[k].name);
}

const struct conf_type conf_tunnel = {
	.name = "ipip | gue:PORT | gre, then csum | nocsum | remcsum",
	.set = set_tunnel,
	.get = get_tunnel,
};
