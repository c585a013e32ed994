/* render.c: what the renderers share. */
#include "agent/cli/render.h"

const char *render_text(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

int64_t render_int(const json_t *o, const char *key, int64_t none)
{
	const json_t *value = json_object_get(o, key);

	return json_is_integer(value) ? json_integer_value(value) : none;
}

void render_join(const json_t *o, const char *key, const char *between, struct buf *out)
{
	const json_t *array = json_object_get(o, key), *value;
	size_t i;

	json_array_foreach (array, i, value) {
		if (i > 0)
			buf_puts(out, between);
		buf_puts(out, json_string_value(value) ? json_string_value(value) : "?");
	}
}
