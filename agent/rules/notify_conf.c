/* notify_conf.c: the keys of [notify NAME]. */
#include "agent/rules/notify_conf.h"

#include <errno.h>
#include <string.h>

#include "agent/base/parse.h"
#include "conf/setter.h"

/* --- url ---------------------------------------------------------------------------- */

/* Behind the host: "" or ":80". */
static int check_port(const char *part, size_t len, const char *url, struct conf_env *env)
{
	char digits[6] = "";
	uint64_t port;

	if (!len)
		return 0;
	if (part[0] == ':' && len - 1 < sizeof(digits))
		memcpy(digits, part + 1, len - 1);
	if (parse_u64(digits, &port) || port < 1 || port > 65535)
		return conf_refuse(env, url, "has no port between 1 and 65535");
	return 0;
}

/* host[:port], the host in brackets where it is an IPv6 address. */
static int check_authority(const char *part, size_t len, const char *url, struct conf_env *env)
{
	size_t host;

	if (memchr(part, '@', len))
		return conf_refuse(env, url,
				   "has a user in it; secrets come from files only "
				   "(bearer_token_file)");
	if (len && part[0] == '[') {
		const char *end = memchr(part, ']', len);

		if (!end)
			return conf_refuse(env, url, "has a '[' without its ']'");
		host = (size_t)(end - part) + 1;
		if (host < 4)
			return conf_refuse(env, url, "has no host");
	} else {
		const char *colon = memchr(part, ':', len);

		host = colon ? (size_t)(colon - part) : len;
		if (!host)
			return conf_refuse(env, url, "has no host");
	}
	return check_port(part + host, len - host, url, env);
}

static int set_url(void *field, const char *text, const struct conf_key *key, struct conf_env *env)
{
	const char *rest, *p;
	size_t len;
	int r;

	if (strncmp(text, "http://", 7) && strncmp(text, "https://", 8))
		return conf_refuse(env, text, "is neither an http:// nor an https:// URL");
	rest = strstr(text, "://") + 3;
	for (p = rest; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return conf_refuse(env, text, "has a blank in it (write %%20)");
	if (strchr(rest, '#'))
		return conf_refuse(env, text, "has a '#': a fragment is never sent");
	len = strcspn(rest, "/?");
	r = check_authority(rest, len, text, env);
	return r ? r : conf_string.set(field, text, key, env);
}

static void get_url(const void *field, const struct conf_key *key, size_t i, struct buf *out)
{
	conf_string.get(field, key, i, out);
}

const struct conf_type notify_url_type = { .name = "URL", .set = set_url, .get = get_url };

/* --- events ------------------------------------------------------------------------- */

static const struct {
	const char *name;
	uint32_t event;
} event_names[] = {
	{ "hold", NOTIFY_HOLD },   { "release", NOTIFY_RELEASE }, { "refused", NOTIFY_REFUSED },
	{ "panic", NOTIFY_PANIC }, { "freeze", NOTIFY_FREEZE },   { "drain", NOTIFY_DRAIN },
};

static int refuse_event(const char *word, struct conf_env *env)
{
	const char *names[countof(event_names)], *near;
	size_t i;

	for (i = 0; i < countof(event_names); i++)
		names[i] = event_names[i].name;
	near = nearest_name(word, names, countof(names));
	if (near)
		return conf_refuse(env, word, "is no event; did you mean '%s'?", near);
	return conf_refuse(env, word, "is none of hold, release, refused, panic, freeze, drain");
}

static int set_events(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
		      struct conf_env *env)
{
	struct conf_strings words;
	uint32_t events = 0;
	size_t i, k;
	int r = conf_split(env->arena, text, &words);

	if (r)
		return r;
	if (!words.n)
		return conf_refuse(env, text, "holds no word");
	for (i = 0; i < words.n; i++) {
		for (k = 0; k < countof(event_names); k++)
			if (!strcmp(event_names[k].name, words.items[i]))
				break;
		if (k == countof(event_names))
			return refuse_event(words.items[i], env);
		if (events & event_names[k].event)
			return conf_refuse(env, words.items[i], "stands there twice");
		events |= event_names[k].event;
	}
	*(uint32_t *)field = events;
	return 0;
}

static void get_events(const void *field, const struct conf_key *key ATTR_UNUSED,
		       size_t i ATTR_UNUSED, struct buf *out)
{
	uint32_t events = *(const uint32_t *)field;
	const char *sep = "";
	size_t k;

	for (k = 0; k < countof(event_names); k++) {
		if (!(events & event_names[k].event))
			continue;
		buf_printf(out, "%s%s", sep, event_names[k].name);
		sep = " ";
	}
}

static const struct conf_type events_type = { .name = "words",
					      .set = set_events,
					      .get = get_events };

/* --- the table ---------------------------------------------------------------------- */

#define FIELD(f) .offset = offsetof(struct notify_conf, f)

static const struct conf_key keys[] = {
	{ .name = "url",
	  .type = &notify_url_type,
	  FIELD(url),
	  .max = 2000,
	  .flags = CONF_REQUIRED,
	  .help = "Where the JSON is posted: http:// or https://." },
	{ .name = "timeout",
	  .type = &conf_duration,
	  FIELD(timeout),
	  .def = "5s",
	  .min = 100,
	  .max = 5 * 60 * 1000,
	  .help = "An attempt's deadline." },
	{ .name = "retries",
	  .type = &conf_u32,
	  FIELD(retries),
	  .def = "5",
	  .max = 100,
	  .help = "So many times more it is tried, with growing pauses; then it is dropped and "
		  "counted." },
	{ .name = "events",
	  .type = &events_type,
	  FIELD(events),
	  .def = "hold release refused panic freeze drain",
	  .help = "What is told: any of hold release refused, of the rules that name it, and of "
		  "panic freeze drain." },
	{ .name = "bearer_token_file",
	  .type = &conf_path,
	  FIELD(bearer_token_file),
	  .help = "File with the bearer token that is sent." },
	{ .name = "ca_file",
	  .type = &conf_path,
	  FIELD(ca_file),
	  .help = "Authorities (PEM) that the receiver's certificate is checked against; the "
		  "system's without it." },
	{ .name = "max_queue",
	  .type = &conf_u32,
	  FIELD(max_queue),
	  .def = "1000",
	  .min = 1,
	  .max = 100000,
	  .help = "So many notifications wait at most; more are dropped and counted." },
};

const struct conf_section notify_section = {
	.name = "notify",
	.help = "A receiver of webhooks. Rules tell it by action = notify NAME; of panic and "
		"freeze it "
		"hears by itself.",
	.named = true,
	.size = sizeof(struct notify_conf),
	.keys = keys,
	.n_keys = countof(keys),
};
