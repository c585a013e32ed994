/* hold_json.c: see hold_json.h. */
#include "agent/holds/hold_json.h"

#include "agent/base/clock.h"
#include "agent/holds/text.h"

enum { TEXT_MAX = 8192 };

static json_t *replaced_json(int effect, uint32_t weight)
{
	if (effect == HOLD_REPLACE)
		return json_pack("{s:I}", "replace", (json_int_t)weight);
	return json_pack("{s:o}", "replace", json_sprintf("%u%%", (unsigned int)weight));
}

json_t *hold_effect_json(int effect, uint32_t weight)
{
	switch (effect) {
	case HOLD_ABSENT:
		return json_string("absent");
	case HOLD_ZERO:
		return json_integer(0);
	case HOLD_FALLBACK:
		return json_string("fallback");
	case HOLD_FREEZE:
		return json_string("freeze");
	case HOLD_ADMIT:
		return json_string("admit");
	case HOLD_REPLACE:
	case HOLD_REPLACE_SHARE:
		return replaced_json(effect, weight);
	default:
		return json_sprintf("%d%%", effect);
	}
}

static json_t *wall(int64_t wall_ms)
{
	struct buf text = BUF_INIT;
	json_t *o;

	if (!wall_ms)
		return json_null();
	clock_format_wall(&text, wall_ms);
	o = json_string(buf_str(&text));
	buf_fini(&text);
	return o;
}

json_t *hold_json(const struct hold *h)
{
	json_t *o = json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "id",
			      text_value(h->id, TEXT_MAX), "class", hold_class_names[h->hold_class],
			      "service", text_value(h->service, TEXT_MAX), "realserver",
			      text_value(h->realserver, TEXT_MAX), "holder",
			      text_value(h->holder, TEXT_MAX), "effect",
			      hold_effect_json(h->effect, h->weight), "reason",
			      text_value(h->reason, TEXT_MAX), "since", wall(h->since_wall_ms),
			      "until", wall(h->until_wall_ms), "waiting", (int)h->waiting);

	if (o && *h->rule && json_object_set_new(o, "rule", text_value(h->rule, TEXT_MAX)) != 0) {
		json_decref(o);
		return NULL;
	}
	return o;
}
