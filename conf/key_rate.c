/* key_rate.c: the type of keys that say how often: 10/m. */
#include <string.h>

#include "agent/base/parse.h"
#include "conf/key.h"
#include "conf/setter.h"

enum { RATE_MAX = 1000000, DIGITS_MAX = 8 };

static const struct {
	const char *name;
	int64_t ms;
} units[] = { { "s", 1000 }, { "m", 60 * 1000 }, { "h", 3600 * 1000 } };

/* The length that a unit's name stands for; 0 = there is none of that name. */
static int64_t unit_ms(const char *name)
{
	size_t i;

	for (i = 0; i < countof(units); i++)
		if (!strcmp(units[i].name, name))
			return units[i].ms;
	return 0;
}

static int set_rate(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
		    struct conf_env *env)
{
	size_t len = strcspn(text, "/");
	char digits[DIGITS_MAX] = "";
	struct conf_rate rate = { 0 };
	uint64_t n;

	if (len < sizeof(digits))
		memcpy(digits, text, len);
	if (!strcmp(text, "0")) {
		*(struct conf_rate *)field = rate;
		return 0;
	}
	if (!text[len] && len && strspn(text, "0123456789") == len)
		return conf_refuse(env, text, "has no unit: write %s/s, %s/m or %s/h", text, text,
				   text);
	rate.per_ms = text[len] ? unit_ms(text + len + 1) : 0;
	if (!rate.per_ms || len != strspn(text, "0123456789") || !len)
		return conf_refuse(env, text,
				   "is not a rate (such as 10/m; units s, m, h; 0 is "
				   "no limit)");
	if (parse_u64(digits, &n) || n > RATE_MAX)
		return conf_refuse(env, text, "is too large a rate (%d at most)", RATE_MAX);
	rate.n = (uint32_t)n;
	*(struct conf_rate *)field = rate;
	return 0;
}

static void get_rate(const void *field, const struct conf_key *key ATTR_UNUSED,
		     size_t i ATTR_UNUSED, struct buf *out)
{
	const struct conf_rate *rate = field;
	size_t u;

	buf_put_u64(out, rate->n);
	for (u = 0; rate->n && u < countof(units); u++)
		if (units[u].ms == rate->per_ms)
			buf_printf(out, "/%s", units[u].name);
}

const struct conf_type conf_rate_type = { .name = "rate", .set = set_rate, .get = get_rate };
