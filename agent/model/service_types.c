/* service_types.c: the types of keys that only a service has: persistence, netmasks,
 * the floor that rules must leave, a realserver's address. */
#include "agent/model/service_types.h"

#include <arpa/inet.h>
#include <string.h>

#include "agent/base/parse.h"
#include "agent/model/service_conf.h"
#include "conf/setter.h"

/* --- persistence ------------------------------------------------------------------ */

static int set_persistence(void *field, const char *text, const struct conf_key *key,
			   struct conf_env *env)
{
	int64_t ms;
	int r = conf_duration.set(&ms, text, key, env);

	if (r)
		return r;
	if (ms % 1000)
		return conf_refuse(env, text, "is not whole seconds");
	*(int64_t *)field = ms;
	return 0;
}

static void get_persistence(const void *field, const struct conf_key *key, size_t i,
			    struct buf *out)
{
	conf_duration.get(field, key, i, out);
}

const struct conf_type conf_persistence = { .name = "duration",
					    .set = set_persistence,
					    .get = get_persistence };

/* "24", "/24"; for IPv4 (key->max 32) "255.255.255.0" as well. */
static int set_netmask(void *field, const char *text, const struct conf_key *key,
		       struct conf_env *env)
{
	const char *digits = text[0] == '/' ? text + 1 : text;
	struct in_addr mask;
	uint64_t n;

	if (key->max == 32 && inet_pton(AF_INET, text, &mask) == 1) {
		uint32_t bits = ntohl(mask.s_addr);

		n = bits ? (uint64_t)__builtin_popcount(bits) : 0;
		if (!n || bits != UINT32_MAX << (32 - n))
			return conf_refuse(env, text, "is not a netmask (ones, then zeroes)");
	} else if (parse_u64(digits, &n) || n < 1 || n > (uint64_t)key->max) {
		return conf_refuse(env, text,
				   key->max == 32 ? "is not a netmask (such as "
						    "255.255.255.0 or 24; 1 to 32)"
						  : "is not a prefix length (1 to 128)");
	}
	*(uint32_t *)field = (uint32_t)n;
	return 0;
}

static void get_netmask(const void *field, const struct conf_key *key ATTR_UNUSED,
			size_t i ATTR_UNUSED, struct buf *out)
{
	buf_put_u64(out, *(const uint32_t *)field);
}

const struct conf_type conf_netmask = { .name = "netmask", .set = set_netmask, .get = get_netmask };

/* --- min_available ---------------------------------------------------------------- */

static int set_min(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
		   struct conf_env *env)
{
	struct min_available m = { 0 };
	const char *share = strchr(text, '%');
	char percent[8] = "";
	uint64_t n;
	unsigned int p;

	if (!share) {
		if (parse_u64(text, &n) || n > UINT32_MAX)
			goto bad;
		m = (struct min_available){ .kind = MIN_COUNT, .n = (uint32_t)n };
		*(struct min_available *)field = m;
		return 0;
	}
	if ((size_t)(share + 1 - text) >= sizeof(percent))
		goto bad;
	memcpy(percent, text, (size_t)(share + 1 - text));
	if (parse_share(percent, &p))
		goto bad;
	share += 1 + strspn(share + 1, " \t");
	if (*share && strcmp(share, "weight"))
		goto bad;
	m = (struct min_available){ .kind = *share ? MIN_WEIGHT : MIN_SHARE, .n = p };
	*(struct min_available *)field = m;
	return 0;
bad:
	return conf_refuse(env, text,
			   "is neither a count (2), nor a share (50%%), nor a share of "
			   "the weight (40%% weight)");
}

static void get_min(const void *field, const struct conf_key *key ATTR_UNUSED, size_t i ATTR_UNUSED,
		    struct buf *out)
{
	static const char *const suffix[] = { "", "%", "% weight" };
	const struct min_available *m = field;

	buf_printf(out, "%u%s", m->n, suffix[m->kind]);
}

const struct conf_type conf_min_available = { .name = "count | share | share weight",
					      .set = set_min,
					      .get = get_min };

/* --- a realserver's address ------------------------------------------------------- */

static int set_realserver_addr(void *field, const char *text,
			       const struct conf_key *key ATTR_UNUSED, struct conf_env *env)
{
	struct addr a;

	if (addr_parse(text, &a))
		return conf_refuse(env, text, "is not an address");
	if (!addr_can_serve(&a))
		return conf_refuse(env, text, "cannot be a realserver's address");
	*(struct addr *)field = a;
	return 0;
}

static void get_realserver_addr(const void *field, const struct conf_key *key ATTR_UNUSED,
				size_t i ATTR_UNUSED, struct buf *out)
{
	addr_format(out, field);
}

const struct conf_type conf_realserver_addr = { .name = "address",
						.set = set_realserver_addr,
						.get = get_realserver_addr };
