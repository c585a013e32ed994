/* pool_conf.c: the lines `address`, `realserver` and `backup`. */
#include "agent/model/pool_conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/parse.h"
#include "agent/model/service_types.h"
#include "conf/setter.h"

/* Duplicates are looked for among them one by one. */
enum { ADDRESSES_MAX = 4096 };

/* --- address ---------------------------------------------------------------------- */

static const struct {
	const char *scheme;
	uint8_t proto, mark_family;
} schemes[] = {
	{ "tcp://", IPPROTO_TCP, 0 }, { "udp://", IPPROTO_UDP, 0 },  { "sctp://", IPPROTO_SCTP, 0 },
	{ "fwmark://", 0, AF_INET },  { "fwmark6://", 0, AF_INET6 },
};

/* ADDR:PORT, where port 0 stands for all of them. */
static int read_vip_addr(const char *rest, const char *text, struct addr *a, struct conf_env *env)
{
	size_t len = strlen(rest);
	bool all = len > 2 && !strcmp(rest + len - 2, ":0") &&
		   (rest[0] == '[' ? rest[len - 3] == ']' : strchr(rest, ':') == rest + len - 2);
	char *host = strndup(rest, all ? len - 2 : len);
	int r;

	if (!host)
		return -ENOMEM;
	r = addr_parse(host, a);
	if (r || (all && a->port))
		r = conf_refuse(env, text,
				"is not an address (such as tcp://10.1.2.15:80 or "
				"tcp://[2001:db8::15]:80)");
	else if (!a->port && !all)
		r = conf_refuse(env, text,
				rest[0] != '[' && a->family == AF_INET6
					? "needs brackets and a port, as in tcp://[2001:db8::15]:80"
					: "has no port");
	free(host);
	return r;
}

static int read_vip(const char *text, struct ipvs_key *key, struct conf_env *env)
{
	uint64_t mark;
	size_t i, len = 0;

	for (i = 0; i < countof(schemes); i++) {
		len = strlen(schemes[i].scheme);
		if (!strncmp(text, schemes[i].scheme, len))
			break;
	}
	if (i == countof(schemes))
		return conf_refuse(env, text,
				   "begins with none of tcp://, udp://, sctp://, "
				   "fwmark://, fwmark6://");
	key->proto = schemes[i].proto;
	if (key->proto)
		return read_vip_addr(text + len, text, &key->addr, env);
	if (parse_u64(text + len, &mark) || mark < 1 || mark > UINT32_MAX)
		return conf_refuse(env, text, "has no mark between 1 and 4294967295");
	key->fwmark = (uint32_t)mark;
	key->addr.family = schemes[i].mark_family;
	return 0;
}

static int set_vip(void *field, const char *text, const struct conf_key *key, struct conf_env *env)
{
	struct service_conf *s = container_of(field, struct service_conf, addresses);
	struct vip_conf vip = { .line = env->line };
	void *array = s->addresses;
	struct vip_conf *slot;
	uint32_t i;
	int r = read_vip(text, &vip.key, env);

	if (r)
		return r;
	for (i = 0; i < s->n_addresses; i++)
		if (!memcmp(&s->addresses[i].key, &vip.key, sizeof(vip.key)))
			return conf_refuse(env, text, "is there twice; first at %s:%u", env->file,
					   s->addresses[i].line);
	if (s->n_addresses >= ADDRESSES_MAX)
		return conf_refuse(env, text, "is one too many (%d at most)", ADDRESSES_MAX);
	vip.text = arena_strdup(env->arena, text);
	slot = conf_append(env, &array, s->n_addresses, sizeof(*slot), conf_lines(env, key->name));
	if (!slot || !vip.text)
		return -ENOMEM;
	*slot = vip;
	s->addresses = array;
	s->n_addresses++;
	return 0;
}

/* Getters have the field's place in a const struct. */
#define CONST_OF(field, member)                                                                    \
	((const struct service_conf *)container_of((void *)(uintptr_t)(field),                     \
						   struct service_conf, member))

static void get_vip(const void *field, const struct conf_key *key ATTR_UNUSED, size_t i,
		    struct buf *out)
{
	const struct service_conf *s = CONST_OF(field, addresses);

	if (i < s->n_addresses)
		buf_puts(out, s->addresses[i].text);
}

static size_t count_vips(const void *field, const struct conf_key *key ATTR_UNUSED)
{
	return CONST_OF(field, addresses)->n_addresses;
}

const struct conf_type conf_vip = {
	.name = "tcp:// | udp:// | sctp:// ADDRESS:PORT, fwmark://N, fwmark6://N",
	.set = set_vip,
	.get = get_vip,
	.count = count_vips,
};

/* --- realserver ------------------------------------------------------------------- */

/* A line while it is read, and when it is written: one field for each key. */
struct line {
	struct realserver_conf r;
	struct addr addr[3]; /* with room for probe_addr behind the others */
	struct addr probe_addr;
	uint32_t weight;
	bool enabled;
	struct realserver_terms terms;
	uint32_t given; /* rows of rs_keys, a bit each */
};

static int set_name(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
		    struct conf_env *env)
{
	if (!conf_name_ok(text))
		return conf_refuse(env, text, "is not a name (1 to 40 of A-Z a-z 0-9 _ . -)");
	return conf_string.set(field, text, key, env);
}

static void get_name(const void *field, const struct conf_key *key, size_t i, struct buf *out)
{
	conf_string.get(field, key, i, out);
}

static const struct conf_type name_type = { .name = "name", .set = set_name, .get = get_name };

#define FIELD(f) .offset = offsetof(struct line, f)

/* What a realserver's line may say behind its addresses. */
enum {
	RS_WEIGHT = 0,
	RS_DOMAIN,
	RS_FORWARD,
	RS_TUNNEL,
	RS_UPPER,
	RS_LOWER,
	RS_PROBE,
	RS_PROBE_ADDRESS,
	RS_ENABLED
};
static const struct conf_key rs_keys[] = {
	[RS_WEIGHT] = { .name = "weight", .type = &conf_u32, FIELD(weight), .max = 65535 },
	[RS_DOMAIN] = { .name = "domain", .type = &name_type, FIELD(terms.domain) },
	[RS_FORWARD] = { .name = "forward", .type = &conf_forward, FIELD(terms.forward) },
	[RS_TUNNEL] = { .name = "tunnel", .type = &conf_tunnel, FIELD(terms.tunnel) },
	[RS_UPPER] = { .name = "upper", .type = &conf_u32, FIELD(terms.upper), .max = INT32_MAX },
	[RS_LOWER] = { .name = "lower", .type = &conf_u32, FIELD(terms.lower), .max = INT32_MAX },
	[RS_PROBE] = { .name = "probe", .type = &conf_words, FIELD(terms.probes) },
	[RS_PROBE_ADDRESS] = { .name = "probe_address",
			       .type = &conf_realserver_addr,
			       FIELD(probe_addr) },
	[RS_ENABLED] = { .name = "enabled", .type = &conf_bool, FIELD(enabled), .def = "yes" },
};
enum { SHARES_AMONG = 8 }; /* so many lines back the same terms are looked for */

const char *realserver_word(const struct realserver_conf *r)
{
	return r->backup ? "backup" : "realserver";
}

static int add_address(struct line *l, const char *word, struct conf_env *env)
{
	struct addr a = { 0 };
	uint32_t i;
	int r = conf_realserver_addr.set(&a, word, NULL, env);

	if (r)
		return r;
	for (i = 0; i < l->r.n_addr; i++)
		if (l->addr[i].family == a.family)
			return conf_refuse(env, word,
					   "is a second %s address (at most one of a "
					   "family)",
					   a.family == AF_INET ? "IPv4" : "IPv6");
	l->addr[l->r.n_addr++] = a;
	return 0;
}

static int set_pair(struct line *l, char *word, struct conf_env *env)
{
	char *value = strchr(word, '=');
	const struct conf_key *key;
	const char *near;
	size_t row;

	*value++ = '\0';
	key = conf_find(word, rs_keys, countof(rs_keys), &near);
	if (!key) {
		buf_puts(env->why, "unknown key ");
		conf_quote(env->why, word);
		if (near)
			buf_printf(env->why, "; did you mean '%s'?", near);
		return -EINVAL;
	}
	row = (size_t)(key - rs_keys);
	if (l->given & (1u << row)) {
		buf_printf(env->why, "key '%s' given twice", word);
		return -EINVAL;
	}
	l->given |= 1u << row;
	buf_printf(env->why, "%s: ", word);
	if (!*value) {
		buf_puts(env->why, "no value");
		return -EINVAL;
	}
	return key->type->set((char *)l + key->offset, value, key, env);
}

static int read_name(struct realserver_conf *r, const char *word, struct conf_env *env)
{
	struct addr a;

	if (!conf_name_ok(word)) {
		buf_printf(env->why, "%s: ", realserver_word(r));
		if (!addr_parse(word, &a))
			return conf_refuse(env, word,
					   "is an address where the name belongs (the "
					   "form is NAME ADDRESS[:PORT] key=value …)");
		return conf_refuse(env, word, "is not a name (1 to 40 of A-Z a-z 0-9 _ . -)");
	}
	r->name = arena_strdup(env->arena, word);
	return r->name ? 0 : -ENOMEM;
}

/* The words of a line, which it cuts up. */
static int read_words(struct line *l, char *text, struct conf_env *env)
{
	char *save, *word = strtok_r(text, " \t", &save);
	int e = read_name(&l->r, word ? word : "", env);

	while (!e && (word = strtok_r(NULL, " \t", &save))) {
		if (strchr(word, '=')) {
			e = set_pair(l, word, env);
		} else if (l->given) {
			e = conf_refuse(env, word,
					"has no '=' (addresses stand before the "
					"first key=value)");
		} else {
			e = add_address(l, word, env);
		}
		if (!e && env->why->len)
			buf_reset(env->why);
	}
	if (!e && !l->r.n_addr) {
		buf_puts(env->why, "no address (the form is NAME ADDRESS[:PORT] key=value …)");
		e = -EINVAL;
	}
	return e;
}

/* What is wrong, told with the realserver's name; only then, for 100,000 are right. */
static void name_first(const struct line *l, struct conf_env *env)
{
	struct buf text = BUF_INIT;

	buf_printf(&text, "%s %s: %s", realserver_word(&l->r), l->r.name, buf_str(env->why));
	buf_reset(env->why);
	buf_puts(env->why, buf_str(&text));
	env->why->failed |= text.failed;
	buf_fini(&text);
}

/* Both have the same keys, and say the same. */
static bool same_words(const struct conf_strings *a, const struct conf_strings *b)
{
	size_t i;

	for (i = 0; i < a->n && i < b->n && !strcmp(a->items[i], b->items[i]); i++)
		;
	return i == a->n && i == b->n;
}

static bool same_terms(const struct realserver_terms *a, const struct realserver_terms *b)
{
	return a->has_probes == b->has_probes && a->has_upper == b->has_upper &&
	       a->has_lower == b->has_lower && a->has_tunnel == b->has_tunnel &&
	       a->has_forward == b->has_forward && a->upper == b->upper && a->lower == b->lower &&
	       a->forward == b->forward && a->tunnel.type == b->tunnel.type &&
	       a->tunnel.flags == b->tunnel.flags && a->tunnel.port == b->tunnel.port &&
	       !a->domain == !b->domain && (!a->domain || !strcmp(a->domain, b->domain)) &&
	       same_words(&a->probes, &b->probes);
}

/* The service's, those of a line before, or its own. NULL when memory is out. */
static struct realserver_terms *find_terms(struct service_conf *s, const struct line *l,
					   struct conf_env *env)
{
	struct realserver_terms *own;
	uint32_t i;

	if (!(l->given & ~(1u << RS_WEIGHT | 1u << RS_PROBE_ADDRESS | 1u << RS_ENABLED)))
		return &s->terms;
	for (i = s->n_realservers; i-- > 0 && s->n_realservers - i <= SHARES_AMONG;) {
		own = s->realservers[i].terms;
		if (own != &s->terms && same_terms(own, &l->terms))
			return own;
	}
	own = arena_alloc(env->arena, sizeof(*own));
	if (own)
		*own = l->terms;
	return own;
}

/* What was read, as it is kept. */
static int pack(struct service_conf *s, struct line *l, struct conf_env *env)
{
	size_t n = l->r.n_addr;
	struct addr *addr;

	if (l->given & 1u << RS_PROBE_ADDRESS) {
		l->addr[n++] = l->probe_addr;
		l->r.has_probe_addr = true;
	}
	addr = arena_alloc(env->arena, n * sizeof(*addr));
	l->terms.has_forward = l->given & 1u << RS_FORWARD;
	l->terms.has_tunnel = l->given & 1u << RS_TUNNEL;
	l->terms.has_upper = l->given & 1u << RS_UPPER;
	l->terms.has_lower = l->given & 1u << RS_LOWER;
	l->terms.has_probes = l->given & 1u << RS_PROBE;
	l->r.has_weight = l->given & 1u << RS_WEIGHT;
	l->r.weight = (uint16_t)l->weight;
	l->r.enabled = l->enabled;
	l->r.terms = find_terms(s, l, env);
	if (!addr || !l->r.terms)
		return -ENOMEM;
	memcpy(addr, l->addr, n * sizeof(*addr));
	l->r.addr = addr;
	return 0;
}

/* Room for one more: at the first line of a pool for all of them. */
static int make_room(struct service_conf *s, struct conf_env *env)
{
	size_t room = conf_lines(env, "realserver") + conf_lines(env, "backup");
	struct realserver_conf *larger;

	if (room <= s->n_realservers)
		room = s->n_realservers + 1ul;
	larger = arena_alloc(env->arena, room * sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	if (s->n_realservers)
		memcpy(larger, s->realservers, s->n_realservers * sizeof(*larger));
	s->realservers = larger;
	s->room_realservers = (uint32_t)room;
	return 0;
}

static int set_realserver(void *field, const char *text, const struct conf_key *key,
			  struct conf_env *env)
{
	struct service_conf *s = container_of(field, struct service_conf, realservers);
	struct line l = { .r = { .backup = key->extra != NULL, .line = env->line },
			  .enabled = true };
	char *words = strdup(text);
	int e = words ? read_words(&l, words, env) : -ENOMEM;

	free(words);
	if (e == -EINVAL && l.r.name)
		name_first(&l, env);
	if (!e)
		e = pack(s, &l, env);
	if (!e && s->n_realservers == s->room_realservers)
		e = make_room(s, env);
	if (e)
		return e;
	s->realservers[s->n_realservers++] = l.r;
	return 0;
}

/* Element i among those of this key: both keys share the array. */
static const struct realserver_conf *nth_of(const void *field, const struct conf_key *key, size_t i)
{
	const struct service_conf *s = CONST_OF(field, realservers);
	uint32_t j;

	for (j = 0; j < s->n_realservers; j++)
		if (s->realservers[j].backup == (key->extra != NULL) && i-- == 0)
			return &s->realservers[j];
	return NULL;
}

/* Its line, as it was read. */
static void unpack(const struct service_conf *s, const struct realserver_conf *r, struct line *l)
{
	const struct realserver_terms *t = r->terms;

	*l = (struct line){ .r = *r, .weight = r->weight, .enabled = r->enabled, .terms = *t };
	l->given = (uint32_t)(r->has_weight << RS_WEIGHT | !r->enabled << RS_ENABLED |
			      r->has_probe_addr << RS_PROBE_ADDRESS);
	if (r->has_probe_addr)
		l->probe_addr = r->addr[r->n_addr];
	if (t != &s->terms)
		l->given |=
			(uint32_t)((t->domain != NULL) << RS_DOMAIN | t->has_forward << RS_FORWARD |
				   t->has_tunnel << RS_TUNNEL | t->has_upper << RS_UPPER |
				   t->has_lower << RS_LOWER | t->has_probes << RS_PROBE);
}

static void get_realserver(const void *field, const struct conf_key *key, size_t i, struct buf *out)
{
	const struct realserver_conf *r = nth_of(field, key, i);
	struct buf value = BUF_INIT;
	struct line l;
	size_t k;

	if (!r)
		return;
	unpack(CONST_OF(field, realservers), r, &l);
	buf_puts(out, r->name);
	for (k = 0; k < r->n_addr; k++) {
		buf_putc(out, ' ');
		addr_format(out, &r->addr[k]);
	}
	for (k = 0; k < countof(rs_keys); k++) {
		char *blank;

		if (!(l.given & 1u << k))
			continue;
		buf_reset(&value);
		rs_keys[k].type->get((const char *)&l + rs_keys[k].offset, &rs_keys[k], 0, &value);
		/* a list within the line: commas, for blanks part its words */
		blank = value.data;
		while (blank && (blank = strchr(blank, ' ')) != NULL)
			*blank = ',';
		buf_printf(out, " %s=%s", rs_keys[k].name, buf_str(&value));
	}
	out->failed |= value.failed;
	buf_fini(&value);
}

static size_t count_realservers(const void *field, const struct conf_key *key)
{
	const struct service_conf *s = CONST_OF(field, realservers);
	size_t n = 0;
	uint32_t i;

	for (i = 0; i < s->n_realservers; i++)
		n += s->realservers[i].backup == (key->extra != NULL);
	return n;
}

const struct conf_type conf_realserver = {
	.name = "NAME ADDRESS[:PORT] [ADDRESS[:PORT]] key=value …",
	.set = set_realserver,
	.get = get_realserver,
	.count = count_realservers,
};
