/* rule_alert.c: `alert` and `target` of a rule. Alerts are named as Prometheus lets them
 * be named: any text; only its length and what a terminal would take for commands are
 * refused. */
#include "agent/rules/rule_alert.h"

#include <errno.h>
#include <string.h>

#include "agent/base/buf.h"
#include "agent/holds/alert.h"
#include "agent/rules/alert_target.h"
#include "agent/rules/rule_conf.h"
#include "conf/setter.h"

static int set_alert(void *field, const char *text, const struct conf_key *key,
		     struct conf_env *env)
{
	struct rule_conf *rule = container_of(field, struct rule_conf, alert);
	struct buf says = BUF_INIT;
	const char *c;
	int e;

	if (strlen(text) > ALERT_TEXT_MAX)
		return conf_refuse(env, text, "is too long (1024 bytes at most)");
	for (c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return conf_refuse(env, text, "has a control character");
	e = conf_string.set(field, text, key, env);
	if (e)
		return e;
	buf_printf(&says, "alert %s", text);
	rule->says = arena_strdup(env->arena, buf_str(&says));
	buf_fini(&says);
	return rule->says ? 0 : -ENOMEM;
}

static int set_target(void *field, const char *text, const struct conf_key *key,
		      struct conf_env *env)
{
	const char *wrong = alert_target_wrong(text);

	return wrong ? conf_refuse(env, text, "%s", wrong) : conf_string.set(field, text, key, env);
}

static void get_text(const void *field, const struct conf_key *key, size_t i, struct buf *out)
{
	conf_string.get(field, key, i, out);
}

const struct conf_type rule_alert_type = { .name = "text", .set = set_alert, .get = get_text };
const struct conf_type rule_target_type = { .name = "target", .set = set_target, .get = get_text };

int rule_conf_lease_effect(const struct rule_conf *r)
{
	const struct rule_action *a = rule_conf_hold(r);

	return a ? a->effect : 100;
}
