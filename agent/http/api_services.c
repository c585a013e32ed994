/* api_services.c: GET /api/v1/services, …/SERVICE, …/SERVICE/realservers/NAME, from
 * the snapshot. An answer is walked a row at a time: no list is ever whole in
 * memory. SERVICE is the INI's name, or the address of a foreign service
 * (tcp://10.0.0.1:80), whose slashes may be escaped or not. ?max_age=DURATION asks for a
 * reading of the kernel no older than that; else it is the latest that there is, and
 * "time" says of when. */
#include <stdlib.h>
#include <string.h>

#include "agent/base/clock.h"
#include "agent/base/parse.h"
#include "agent/http/internal.h"
#include "agent/http/routes.h"
#include "agent/http/view_json.h"
#include "agent/http/wait.h"

enum step { AT_UNIT = 0, AT_VIP, AT_DEST, AT_REALSERVER };

/* A unit is a configured service, or a foreign kernel service behind those. */
struct walk {
	struct view *view;
	bool list;
	uint32_t unit, end;
	enum step step;
	uint32_t vip, at; /* the rows under way */
	bool first_unit, first_vip, opened;
	/* VIPs by owner: the first of a service, the next of the same one. */
	uint32_t *first_of, *next_of;
};

static void walk_free(void *state)
{
	struct walk *w = state;

	if (!w)
		return;
	view_unref(w->view);
	free(w->first_of);
	free(w->next_of);
	free(w);
}

/* Takes the view over. */
static struct walk *walk_new(struct view *v)
{
	struct walk *w = calloc(1, sizeof(*w));

	if (!w) {
		view_unref(v);
		return NULL;
	}
	w->view = v;
	w->first_unit = true;
	w->first_of = calloc((size_t)v->n_services + 1, sizeof(uint32_t));
	w->next_of = calloc((size_t)v->n_vips + 1, sizeof(uint32_t));
	if (!w->first_of || !w->next_of) {
		walk_free(w);
		return NULL;
	}
	for (uint32_t i = 0; i < v->n_services; i++)
		w->first_of[i] = VIEW_NONE;
	for (uint32_t i = v->n_vips; i-- > 0;) {
		uint32_t owner = v->vips[i].owner;

		if (owner < v->n_services) {
			w->next_of[i] = w->first_of[owner];
			w->first_of[owner] = i;
		} else {
			w->next_of[i] = VIEW_NONE;
		}
	}
	return w;
}

/* Takes the object; leaves it open for more members where `open`. */
static void put_object(struct buf *out, json_t *o, bool open)
{
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0;

	json_decref(o);
	if (len < 2)
		out->failed = true;
	else
		buf_put(out, text, open ? len - 1 : len);
	free(text);
}

static void step_unit(struct walk *w, struct buf *out)
{
	const struct view *v = w->view;

	buf_puts(out, w->first_unit ? "" : ",\n");
	w->first_unit = false;
	if (w->unit < v->n_services) {
		put_object(out, view_json_service(v, w->unit), true);
		w->vip = w->first_of[w->unit];
	} else {
		w->vip = w->unit - v->n_services;
		put_object(out, view_json_foreign(v, w->vip), true);
	}
	buf_puts(out, ",\"addresses\":[");
	w->first_vip = true;
	w->step = AT_VIP;
}

static void step_vip(struct walk *w, struct buf *out)
{
	if (w->vip == VIEW_NONE) {
		buf_puts(out, "],\"realservers\":[");
		w->at = 0;
		w->step = AT_REALSERVER;
		return;
	}
	buf_puts(out, w->first_vip ? "" : ",");
	w->first_vip = false;
	put_object(out, view_json_vip(w->view, w->vip), true);
	buf_puts(out, ",\"destinations\":[");
	w->at = 0;
	w->step = AT_DEST;
}

static void step_dest(struct walk *w, struct buf *out)
{
	const struct view_vip *row = &w->view->vips[w->vip];

	if (w->at < row->n_dests) {
		buf_puts(out, w->at > 0 ? "," : "");
		put_object(out, view_json_dest(w->view, row->first_dest + w->at++), false);
		return;
	}
	buf_puts(out, "]}");
	w->vip = w->next_of[w->vip];
	w->step = AT_VIP;
}

/* When the kernel was read. */
static void put_time(const struct view *v, struct buf *out)
{
	buf_puts(out, ",\"time\":\"");
	clock_format_wall(out, v->made_wall_ms);
	buf_puts(out, "\"");
}

static void step_realserver(struct walk *w, struct buf *out)
{
	const struct view *v = w->view;
	const struct view_service *s = w->unit < v->n_services ? &v->services[w->unit] : NULL;

	if (s && w->at < s->n_realservers) {
		buf_puts(out, w->at > 0 ? "," : "");
		put_object(out, view_json_realserver(v, s->first_realserver + w->at++), false);
		return;
	}
	buf_puts(out, "]");
	if (!w->list)
		put_time(v, out);
	buf_puts(out, "}");
	w->step = AT_UNIT;
	w->unit++;
}

/* The next unit that there is: VIPs of configured services are none. */
static bool find_unit(struct walk *w)
{
	const struct view *v = w->view;

	while (w->unit < w->end && w->unit >= v->n_services &&
	       v->vips[w->unit - v->n_services].owner < v->n_services)
		w->unit++;
	return w->unit < w->end;
}

/* The list's end: what is wrong with the agent itself, a sentence each. */
static void put_troubles(const struct view *v, struct buf *out)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < VIEW_N_TROUBLES; i++) {
		struct buf text = BUF_INIT;

		if (view_trouble(v, i, &text) &&
		    json_array_append_new(list, json_string(buf_str(&text))))
			out->failed = true;
		buf_fini(&text);
	}
	buf_puts(out, "]");
	put_time(v, out);
	buf_puts(out, ",\"troubles\":");
	put_object(out, list, false);
	buf_puts(out, "}\n");
}

static bool walk_next(void *state, struct buf *out, size_t enough)
{
	static void (*const steps[])(struct walk * w, struct buf * out) = {
		[AT_UNIT] = step_unit,
		[AT_VIP] = step_vip,
		[AT_DEST] = step_dest,
		[AT_REALSERVER] = step_realserver,
	};
	struct walk *w = state;

	if (!w->opened)
		buf_puts(out, w->list ? "{\"services\":[" : "");
	w->opened = true;
	while (out->len < enough && buf_ok(out)) {
		if (w->step == AT_UNIT && !find_unit(w)) {
			if (w->list)
				put_troubles(w->view, out);
			else
				buf_putc(out, '\n');
			return false;
		}
		steps[w->step](w, out);
	}
	return true;
}

static void answer_walk(struct http_request *r, struct walk *w)
{
	http_add_header(r, "Cache-Control", "no-store");
	http_answer_stream(
		r, "application/json",
		&(struct http_stream){ .next = walk_next, .free = walk_free, .state = w });
}

/* Takes the view over. */
static struct walk *begin(struct http_request *r, struct view *v)
{
	struct walk *w;

	if (!v) {
		http_add_header(r, "Retry-After", "1");
		http_error(r, 503, "there is no reading yet");
		return NULL;
	}
	w = walk_new(v);
	if (!w)
		http_error(r, 500, "out of memory");
	return w;
}

/* Goes on with `then` as soon as there is a reading as young as ?max_age asks for. */
static void with_reading(struct http_request *r, http_view_handler *then)
{
	const char *text = http_query(r, "max_age");
	int64_t max_age_ms = HTTP_ANY_AGE;

	if (text && parse_duration(text, &max_age_ms) != 0)
		http_error(r, 400, "max_age: a duration, as 0 or 1s");
	else
		http_with_view(r, max_age_ms, then);
}

static void list_services(struct http_request *r, struct view *v)
{
	struct walk *w = begin(r, v);

	if (!w)
		return;
	w->list = true;
	w->end = w->view->n_services + w->view->n_vips;
	answer_walk(r, w);
}

void http_services(struct http_request *r)
{
	with_reading(r, list_services);
}

/* --- one of them ------------------------------------------------------------------- */

static bool named(const char *name, const char *text, size_t len)
{
	return strlen(name) == len && memcmp(name, text, len) == 0;
}

static bool find_service(struct walk *w, const char *text, size_t len)
{
	const struct view *v = w->view;

	for (uint32_t i = 0; i < v->n_services; i++) {
		if (named(v->services[i].name, text, len)) {
			w->unit = i;
			return true;
		}
	}
	for (uint32_t i = 0; i < v->n_vips; i++) {
		if (v->vips[i].owner >= v->n_services && named(v->vips[i].service, text, len)) {
			w->unit = v->n_services + i;
			return true;
		}
	}
	return false;
}

/* Where a realserver stands in the kernel, one object an address; false when it
 * stands nowhere. */
static bool put_dests(const struct walk *w, uint32_t vip, const char *name, struct buf *out)
{
	const struct view *v = w->view;
	bool any = false;

	buf_puts(out, ",\"destinations\":[");
	for (; vip != VIEW_NONE; vip = w->next_of[vip]) {
		const struct view_vip *row = &v->vips[vip];

		for (uint32_t i = row->first_dest; i < row->first_dest + row->n_dests; i++) {
			json_t *o;

			if (strcmp(v->dests[i].name, name) != 0)
				continue;
			o = view_json_dest(v, i);
			if (o && json_object_set_new(o, "service_address",
						     view_json_text(row->address)) < 0)
				out->failed = true;
			buf_puts(out, any ? "," : "");
			put_object(out, o, false);
			any = true;
		}
	}
	buf_puts(out, "]");
	return any;
}

static void put_holds(const struct view *v, const char *service, const char *name, struct buf *out)
{
	bool any = false;

	buf_puts(out, ",\"holds\":[");
	for (uint32_t i = 0; i < v->n_holds; i++) {
		if (strcmp(v->holds[i].service, service) != 0 ||
		    strcmp(v->holds[i].realserver, name) != 0)
			continue;
		buf_puts(out, any ? "," : "");
		put_object(out, view_json_hold(&v->holds[i]), false);
		any = true;
	}
	buf_puts(out, "]");
}

static bool put_realserver(const struct walk *w, const char *name, struct buf *out)
{
	const struct view *v = w->view;
	json_t *o;
	bool found;

	if (w->unit < v->n_services) {
		const struct view_service *s = &v->services[w->unit];
		uint32_t i = s->first_realserver, end = i + s->n_realservers;

		while (i < end && strcmp(view_conf(v, i)->name, name) != 0)
			i++;
		if (i < end) {
			put_object(out, view_json_realserver(v, i), true);
			(void)put_dests(w, w->first_of[w->unit], name, out);
			put_holds(v, s->name, name, out);
			buf_puts(out, "}\n");
			return true;
		}
	}
	/* Nobody configured it: it may be in the kernel all the same. */
	o = json_object();
	if (o && json_object_set_new(o, "name", view_json_text(name)) < 0)
		out->failed = true;
	put_object(out, o, true);
	found = put_dests(w,
			  w->unit < v->n_services ? w->first_of[w->unit] : w->unit - v->n_services,
			  name, out);
	buf_puts(out, "}\n");
	return found;
}

static void answer_realserver(struct http_request *r, const struct walk *w, const char *name)
{
	struct buf body = BUF_INIT, clean = BUF_INIT;

	if (put_realserver(w, name, &body)) {
		http_add_header(r, "Cache-Control", "no-store");
		http_answer(r, 200, "application/json", &body);
		return;
	}
	buf_fini(&body);
	http_put_clean(&clean, name);
	http_error(r, 404, "that service has no realserver '%s'", buf_str(&clean));
	buf_fini(&clean);
}

/* 404 with the configured service that was probably meant, if one is near. */
static void no_service(struct http_request *r, const struct view *v, const char *text, size_t len)
{
	const char **names = calloc((size_t)v->n_services + 1, sizeof(*names));
	struct buf clean = BUF_INIT, name = BUF_INIT;
	const char *near = NULL;

	http_put_clean(&clean, text);
	buf_put(&name, buf_str(&clean), len < clean.len ? len : clean.len);
	for (uint32_t i = 0; names && i < v->n_services; i++)
		names[i] = v->services[i].name;
	if (names)
		near = nearest_name(buf_str(&name), names, v->n_services);
	http_error(r, 404, "there is no service '%s'%s%s%s", buf_str(&name),
		   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	free(names);
	buf_fini(&clean);
	buf_fini(&name);
}

static void show_service(struct http_request *r, struct view *v)
{
	static const char below[] = "/realservers/";
	const char *service = r->path + strlen(r->route->path), *sub = strstr(service, below);
	size_t len = sub ? (size_t)(sub - service) : strlen(service);
	struct walk *w = begin(r, v);

	if (!w)
		return;
	if (!find_service(w, service, len)) {
		no_service(r, w->view, service, len);
		walk_free(w);
	} else if (sub) {
		answer_realserver(r, w, sub + strlen(below));
		walk_free(w);
	} else {
		w->end = w->unit + 1;
		answer_walk(r, w);
	}
}

void http_service(struct http_request *r)
{
	with_reading(r, show_service);
}
