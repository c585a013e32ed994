/* top_rows.c: see top_rows.h. The counters are the kernel's, the time is that of its
 * reading: what the question took does not matter. */
#include "agent/cli/top_rows.h"

#include <stdlib.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/cli/render.h"
#include "agent/cli/render_row.h"
#include "agent/cli/status_rows.h"
#include "agent/cli/when.h"

static const char *const total_keys[TOP_N_RATES] = {
	[TOP_CONNECTIONS_RATE] = "connections_total",
	[TOP_BYTES_IN] = "incoming_bytes_total",
	[TOP_BYTES_OUT] = "outgoing_bytes_total",
};

const char *const top_key_names[TOP_N_KEYS] = {
	[TOP_CONNECTIONS] = "connections", [TOP_RATE] = "rate", [TOP_LATENCY] = "latency",
	[TOP_WEIGHT] = "weight",           [TOP_NAME] = "name", [TOP_STATE] = "state",
};

/* Of what answered: how quickly a refusal came says nothing. */
static double latency_of(const json_t *row)
{
	const json_t *probes = json_object_get(row, "probes"), *p;
	double longest = -1;
	size_t i;

	json_array_foreach (probes, i, p) {
		double seconds = json_number_value(json_object_get(p, "duration_seconds"));

		if (seconds > longest && json_is_true(json_object_get(p, "success")))
			longest = seconds;
	}
	return longest;
}

/* The more wrong, the more; a drain is at work on. */
static unsigned int badness_of(const json_t *row)
{
	static const char *const states[] = { "standby", "disabled", "foreign", "up",
					      "held",    "unknown",  "down" };
	const char *state = render_text(row, "state");

	for (unsigned int i = 0; i < countof(states); i++) {
		if (strcmp(states[i], state) == 0)
			return i;
	}
	return countof(states);
}

/* Takes nothing over but a reference on the row. False when memory is out. */
static bool fill(struct top_row *r, const char *service, json_t *row)
{
	const char *name = render_text(row, "name");
	struct buf text = BUF_INIT;

	*r = (struct top_row){ .row = json_incref(row),
			       .active = render_int(row, "active_connections", 0),
			       .inactive = render_int(row, "inactive_connections", 0),
			       .weight = render_int(row, "effective_weight", -1),
			       .latency = latency_of(row),
			       .badness = badness_of(row) };
	for (int i = 0; i < TOP_N_RATES; i++) {
		r->totals[i] = render_int(row, total_keys[i], -1);
		r->rates[i] = -1;
	}
	buf_printf(&text, "%s/%s", service, name);
	r->name = buf_take(&text);
	return r->name;
}

static bool add_service(struct top_reading *r, const json_t *service, const json_t *by_name)
{
	json_t *rows = status_rows(service, by_name), *row;
	struct top_row *more =
		realloc(r->rows, (r->n + json_array_size(rows) + 1) * sizeof(*r->rows));
	bool ok = rows && more;
	size_t i;

	if (more)
		r->rows = more;
	json_array_foreach (rows, i, row)
		ok = ok && fill(&r->rows[r->n++], render_text(service, "name"), row);
	json_decref(rows);
	r->services++;
	return ok;
}

static int by_name(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;

	return strcmp(x->name, y->name);
}

struct top_reading *top_reading_new(json_t *json)
{
	const json_t *services = json_object_get(json, "services"), *service;
	struct top_reading *r = calloc(1, sizeof(*r));
	json_t *holds = status_holds(json_object_get(json, "holds"));
	bool ok = r && holds;
	size_t i;

	if (ok) {
		r->json = json_incref(json);
		r->wall_ms = when_of(json_object_get(json, "time"));
		r->rates[0] = r->rates[1] = r->rates[2] = -1;
	}
	if (services) {
		json_array_foreach (services, i, service)
			ok = ok && add_service(r, service, holds);
	} else {
		ok = ok && json_object_get(json, "name") && add_service(r, json, holds);
	}
	json_decref(holds);
	if (!ok) {
		top_reading_free(r);
		return NULL;
	}
	if (r->n > 0)
		qsort(r->rows, r->n, sizeof(*r->rows), by_name);
	return r;
}

void top_reading_free(struct top_reading *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++) {
		free(r->rows[i].name);
		json_decref(r->rows[i].row);
	}
	free(r->rows);
	json_decref(r->json);
	free(r);
}

static void compare_row(struct top_row *r, const struct top_row *before, double seconds)
{
	for (int i = 0; i < TOP_N_RATES; i++) {
		int64_t more = r->totals[i] - before->totals[i];

		/* Counters that went back are those of another destination. */
		if (r->totals[i] >= 0 && before->totals[i] >= 0 && more >= 0)
			r->rates[i] = (double)more / seconds;
	}
}

static void sum_up(struct top_reading *r)
{
	for (size_t n = 0; n < r->n; n++) {
		for (int i = 0; i < TOP_N_RATES; i++) {
			if (r->rows[n].rates[i] >= 0)
				r->rates[i] =
					(r->rates[i] < 0 ? 0 : r->rates[i]) + r->rows[n].rates[i];
		}
	}
}

void top_reading_compare(struct top_reading *r, const struct top_reading *before)
{
	double seconds = before ? (double)(r->wall_ms - before->wall_ms) / 1000 : 0;

	if (!before || seconds < 0 || before->n == 0)
		return;
	for (size_t i = 0; i < r->n; i++) {
		const struct top_row *was = bsearch(&r->rows[i], before->rows, before->n,
						    sizeof(*before->rows), by_name);

		if (was && seconds == 0)
			memcpy(r->rows[i].rates, was->rates, sizeof(was->rates));
		else if (was)
			compare_row(&r->rows[i], was, seconds);
	}
	sum_up(r);
}

/* --- order ----------------------------------------------------------------------- */

struct order {
	enum top_key key;
	bool reverse;
};

static double value_of(const struct top_row *r, enum top_key key)
{
	switch (key) {
	case TOP_CONNECTIONS:
		return (double)r->active;
	case TOP_RATE:
		return r->rates[TOP_CONNECTIONS_RATE];
	case TOP_LATENCY:
		return r->latency;
	case TOP_WEIGHT:
		return (double)r->weight;
	case TOP_STATE:
		return r->badness;
	case TOP_NAME:
	case TOP_N_KEYS:
		break;
	}
	return 0;
}

static int in_order(const void *a, const void *b, void *arg)
{
	const struct top_row *x = *(const struct top_row *const *)a;
	const struct top_row *y = *(const struct top_row *const *)b;
	const struct order *order = arg;
	double m = value_of(x, order->key), n = value_of(y, order->key);
	int r = (n > m) - (n < m);

	if (r == 0)
		r = strcmp(x->name, y->name);
	return order->reverse ? -r : r;
}

static bool passes(const struct top_row *r, const char *filter)
{
	return !*filter || strcasestr(r->name, filter) ||
	       strcasestr(render_text(r->row, "state"), filter);
}

const struct top_row **top_sort(const struct top_reading *r, enum top_key key, bool reverse,
				const char *filter, size_t *ret_n)
{
	const struct top_row **rows = calloc(r->n + 1, sizeof(*rows));
	struct order order = { key, reverse };
	size_t n = 0;

	if (!rows)
		return NULL;
	for (size_t i = 0; i < r->n; i++) {
		if (passes(&r->rows[i], filter))
			rows[n++] = &r->rows[i];
	}
	qsort_r(rows, n, sizeof(*rows), in_order, &order);
	*ret_n = n;
	return rows;
}
