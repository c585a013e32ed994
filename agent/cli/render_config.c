/* render_config.c: GET /api/v1/config as text: each line with where it comes from.
 *
 * {"files":[path…],"sections":[{"type","name","file","line",
 *   "keys":[{"key","value","line","default":bool}]}]} secrets are redacted.
 */
#include <errno.h>
#include <string.h>

#include "agent/cli/render.h"

/* "web.ini:12": the directories are the same for most of them, and stand on top. */
static void put_source(const char *file, int64_t line, struct buf *out)
{
	const char *slash = strrchr(file, '/');

	if (*file && line > 0)
		buf_printf(out, "%s:%lld", slash ? slash + 1 : file, (long long)line);
}

static void put_line(const char *source, size_t width, const char *text, enum text_colour colour,
		     const struct text_style *style, struct buf *out)
{
	text_put_colour(out, style, TEXT_DIM, source);
	buf_printf(out, "%*s  ", (int)(width - text_len(source)), "");
	text_put_colour(out, style, colour, text);
	while (out->len > 0 && out->data[out->len - 1] == ' ')
		out->len--;
	buf_putc(out, '\n');
}

/* One pass over a section: measures, or with `out` puts. */
static void walk_section(const json_t *s, size_t *width, const struct text_style *style,
			 struct buf *out)
{
	const json_t *keys = json_object_get(s, "keys"), *key;
	const char *file = render_text(s, "file"), *name = render_text(s, "name");
	struct buf source = BUF_INIT, text = BUF_INIT;
	size_t i;

	put_source(file, render_int(s, "line", 0), &source);
	buf_printf(&text, "[%s%s%s]", render_text(s, "type"), *name ? " " : "", name);
	*width = source.len > *width ? source.len : *width;
	if (out)
		put_line(buf_str(&source), *width, buf_str(&text), TEXT_BOLD, style, out);
	json_array_foreach (keys, i, key) {
		bool is_default = json_is_true(json_object_get(key, "default"));

		buf_reset(&source);
		buf_reset(&text);
		if (is_default)
			buf_puts(&source, "default");
		else
			put_source(*render_text(key, "file") ? render_text(key, "file") : file,
				   render_int(key, "line", 0), &source);
		buf_printf(&text, "%s = %s", render_text(key, "key"), render_text(key, "value"));
		*width = source.len > *width ? source.len : *width;
		if (out)
			put_line(buf_str(&source), *width, buf_str(&text),
				 is_default ? TEXT_DIM : TEXT_PLAIN, style, out);
	}
	if (out && (!buf_ok(&source) || !buf_ok(&text)))
		out->failed = true;
	buf_fini(&source);
	buf_fini(&text);
}

int render_config(const json_t *json, const struct text_style *style, struct buf *out)
{
	const json_t *sections = json_object_get(json, "sections"), *s;
	const json_t *files = json_object_get(json, "files"), *file;
	size_t width = 0, i;

	if (!json_is_array(sections))
		return -EBADMSG;
	json_array_foreach (files, i, file) {
		buf_puts(out, "; ");
		text_put(out, json_string_value(file) ? json_string_value(file) : "?");
		buf_putc(out, '\n');
	}
	json_array_foreach (sections, i, s)
		walk_section(s, &width, style, NULL);
	json_array_foreach (sections, i, s) {
		buf_putc(out, '\n');
		walk_section(s, &width, style, out);
	}
	return buf_ok(out) ? 0 : -ENOMEM;
}
