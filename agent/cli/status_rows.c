/* status_rows.c: the API tells a service's addresses, each with its destinations, and
 * its realservers apart from them; people want one line a realserver. The two are put
 * together by name, through a map, for a service may have very many. */
#include "agent/cli/status_rows.h"

#include <stdint.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/cli/render.h"

/* What a realserver has at all its addresses together. */
static const char *const summed[] = {
	"active_connections", "inactive_connections", "persistent_connections",
	"connections_total",  "incoming_bytes_total", "outgoing_bytes_total",
};

static void add_up(json_t *row, const char *key, const json_t *dest, bool *ok)
{
	const json_t *n = json_object_get(dest, key);
	json_int_t sum = json_integer_value(json_object_get(row, key));

	if (json_is_integer(n) &&
	    json_object_set_new(row, key, json_integer(sum + json_integer_value(n))) != 0)
		*ok = false;
}

static void add_address(json_t *row, const json_t *dest, bool *ok)
{
	json_t *addresses = json_object_get(row, "addresses"), *known;
	const char *address = render_text(dest, "address");
	size_t i;

	if (!*address)
		return;
	json_array_foreach (addresses, i, known) {
		if (strcmp(json_string_value(known), address) == 0)
			return;
	}
	if (json_array_append_new(addresses, json_string(address)) != 0)
		*ok = false;
}

/* The kernel's weight, where it is not the one it should be. */
static void add_weight(json_t *row, const json_t *dest, bool *ok)
{
	const json_t *should = json_object_get(row, "effective_weight");
	json_t *has = json_object_get(dest, "weight");
	int r = 0;

	if (strcmp(render_text(row, "state"), "foreign") == 0) {
		if (has)
			r = json_object_set(row, "effective_weight", has);
	} else if (should && json_is_false(json_object_get(dest, "in_kernel"))) {
		if (!json_is_null(should))
			r = json_object_set_new(row, "kernel_weight", json_null());
	} else if (should && has && !json_equal(has, should)) {
		r = json_object_set(row, "kernel_weight", has);
	}
	if (r != 0)
		*ok = false;
}

/* A row for one that nobody configured. */
static json_t *foreign_row(const char *name)
{
	return json_pack("{s:s,s:s,s:[]}", "name", name, "state", "foreign", "addresses");
}

/* The row of a name: made where there is none yet. Borrowed. */
static json_t *row_of(json_t *map, json_t *rows, const char *name)
{
	json_t *row = json_object_get(map, name);

	if (row)
		return row;
	row = foreign_row(name);
	if (!row || json_array_append_new(rows, row) != 0 || json_object_set(map, name, row) != 0)
		return NULL;
	return row;
}

static bool add_configured(const json_t *service, const json_t *by_name, json_t *map, json_t *rows)
{
	const json_t *realservers = json_object_get(service, "realservers");
	const json_t *of_service = json_object_get(by_name, render_text(service, "name"));
	json_t *rs, *row, *holds;
	size_t i;

	json_array_foreach (realservers, i, rs) {
		row = json_is_object(rs) ? json_copy(rs) : json_object();
		if (!row || json_object_set_new(row, "addresses", json_array()) != 0) {
			json_decref(row);
			return false;
		}
		if (json_array_append_new(rows, row) != 0 ||
		    json_object_set(map, render_text(row, "name"), row) != 0)
			return false;
		holds = json_object_get(of_service, render_text(row, "name"));
		if (holds && json_object_set(row, "holds", holds) != 0)
			return false;
	}
	return true;
}

static bool add_dests(const json_t *address, json_t *map, json_t *rows)
{
	const json_t *dests = json_object_get(address, "destinations"), *dest;
	json_t *row;
	bool ok = true;
	size_t i;

	json_array_foreach (dests, i, dest) {
		row = row_of(map, rows, render_text(dest, "realserver"));
		if (!row)
			return false;
		add_address(row, dest, &ok);
		for (size_t n = 0; n < countof(summed); n++)
			add_up(row, summed[n], dest, &ok);
		add_weight(row, dest, &ok);
	}
	return ok;
}

/* The object or array under a key: made where there is none yet. Borrowed. */
static json_t *under(json_t *o, const char *key, json_t *(*make)(void))
{
	json_t *value = json_object_get(o, key);

	if (value)
		return value;
	value = make();
	return json_object_set_new(o, key, value) == 0 ? value : NULL;
}

json_t *status_holds(const json_t *holds)
{
	json_t *map = json_object(), *hold, *of_service, *list;
	size_t i;

	json_array_foreach (holds, i, hold) {
		of_service = under(map, render_text(hold, "service"), json_object);
		list = under(of_service, render_text(hold, "realserver"), json_array);
		if (json_array_append(list, hold) != 0) {
			json_decref(map);
			return NULL;
		}
	}
	return map;
}

json_t *status_rows(const json_t *service, const json_t *by_name)
{
	const json_t *addresses = json_object_get(service, "addresses"), *address;
	json_t *map = json_object(), *rows = json_array();
	bool ok = map && rows && add_configured(service, by_name, map, rows);
	size_t i;

	json_array_foreach (addresses, i, address)
		ok = ok && add_dests(address, map, rows);
	json_decref(map);
	if (ok)
		return rows;
	json_decref(rows);
	return NULL;
}
