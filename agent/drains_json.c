/* drains_json.c: how far a drain is, for whoever asks over HTTP. */
#include <jansson.h>
#include <math.h>

#include "agent/base/clock.h"
#include "agent/drains.h"

static json_t *seconds(int64_t ms)
{
	return json_real((double)ms / 1000);
}

static json_t *wall(int64_t wall_ms)
{
	struct buf text = BUF_INIT;
	json_t *value;

	if (!wall_ms)
		return json_null();
	clock_format_wall(&text, wall_ms);
	value = json_string(buf_str(&text));
	buf_fini(&text);
	return value;
}

json_t *drains_json(const struct drains *d, const struct hold *hold)
{
	const struct drain *drain = drains_find(d, hold);
	struct buf why = BUF_INIT;
	double rate;
	int64_t now_ms = clock_mono_ms(), eta_ms;
	json_t *o;

	if (!drain)
		return NULL;
	rate = drain_rate(drain);
	eta_ms = drain_eta_ms(drain, now_ms);
	drain_why(drain, now_ms, &why);
	o = json_pack("{s:s, s:o, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:s}", "state",
		      drain_state_names[drain->state], "deadline", wall(drain->deadline_wall_ms),
		      "active", (json_int_t)drain->look.active, "inactive",
		      (json_int_t)drain->look.inactive, "persistent",
		      (json_int_t)drain->look.persistent, "begun_with",
		      (json_int_t)drain->begun_with, "elapsed_seconds",
		      seconds(drain_elapsed_ms(drain, clock_wall_ms())), "rate",
		      isnan(rate) ? json_null() : json_real(rate), "eta_seconds",
		      eta_ms < 0 ? json_null() : seconds(eta_ms), "why", buf_str(&why));
	buf_fini(&why);
	return o;
}
