/* api_config.c: GET /api/v1/config: the configuration in force, with the lines that it
 * comes from; as `ipvs-agent config` prints it, secrets redacted. A section at a time,
 * so that large ones are never whole in memory. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "agent/http/routes.h"
#include "agent/http/view_json.h"
#include "agent/http/wait.h"
#include "agent/model/view.h"
#include "conf/print.h"

struct walk {
	struct view *view; /* its configuration */
	struct config_cursor at;
	bool begun, any;
};

/* One section under way. */
struct section {
	const struct config *conf;
	const struct conf_head *head;
	json_t *keys;
	bool failed;
};

static void walk_free(void *state)
{
	struct walk *w = state;

	view_unref(w->view);
	free(w);
}

static void put_value(void *arg, const struct conf_key *key, const char *value)
{
	struct section *s = arg;
	const char *file = conf_key_file(s->conf, s->head, key->name);
	bool written = conf_key_written(s->conf, s->head, key->name);
	json_t *o = json_pack("{s:s,s:o,s:b}", "key", key->name, "value", view_json_text(value),
			      "default", !written);

	if (o && written)
		json_object_set_new(o, "line",
				    json_integer(conf_key_line(s->conf, s->head, key->name)));
	/* Where it stands elsewhere than its section: in [defaults]. */
	if (o && written && file && s->head->file && strcmp(file, s->head->file) != 0)
		json_object_set_new(o, "file", view_json_text(file));
	if (!o || json_array_append_new(s->keys, o) < 0)
		s->failed = true;
}

/* Appends an object of one section; false when memory is out. */
static bool put_section(const struct config *conf, const struct conf_section *type,
			const struct conf_head *head, struct buf *out)
{
	struct section s = { .conf = conf, .head = head, .keys = json_array() };
	json_t *o = NULL;
	char *text;

	if (s.keys && config_values(type, head, put_value, &s) && !s.failed)
		o = json_pack("{s:s,s:o,s:o,s:i,s:O}", "type", type->name, "name",
			      head->name ? view_json_text(head->name) : json_null(), "file",
			      head->file ? view_json_text(head->file) : json_null(), "line",
			      (int)head->line, "keys", s.keys);
	json_decref(s.keys);
	text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	if (text)
		buf_puts(out, text);
	free(text);
	return text != NULL;
}

static void put_files(const struct config *conf, struct buf *out)
{
	size_t n;
	const char *const *files = config_files(conf, &n);

	buf_puts(out, "{\"files\":[");
	for (size_t i = 0; i < n; i++) {
		json_t *name = view_json_text(files[i]);
		char *text = name ? json_dumps(name, JSON_ENCODE_ANY) : NULL;

		buf_printf(out, "%s%s", i > 0 ? "," : "", text ? text : "null");
		free(text);
		json_decref(name);
	}
	buf_puts(out, "],\"sections\":[");
}

static bool walk_next(void *state, struct buf *out, size_t enough)
{
	struct walk *w = state;
	const struct config *conf = w->view->conf;
	const struct conf_section *type;
	const struct conf_head *head;

	if (!w->begun)
		put_files(conf, out);
	w->begun = true;
	while (out->len < enough) {
		head = config_next(conf, &w->at, &type);
		if (!head) {
			buf_puts(out, "]}\n");
			return false;
		}
		buf_puts(out, w->any ? "," : "");
		w->any = true;
		out->failed |= !put_section(conf, type, head, out);
		if (!buf_ok(out))
			return false;
	}
	return true;
}

/* Takes the view over. */
static void answer(struct http_request *r, struct view *v)
{
	struct walk *w = v ? calloc(1, sizeof(*w)) : NULL;

	if (!w) {
		view_unref(v);
		http_error(r, v ? 500 : 503, v ? "out of memory" : "nothing has been read yet");
		return;
	}
	w->view = v;
	http_answer_stream(
		r, "application/json",
		&(struct http_stream){ .next = walk_next, .free = walk_free, .state = w });
}

void http_config(struct http_request *r)
{
	http_with_view(r, HTTP_ANY_AGE, answer);
}
