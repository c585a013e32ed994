/* expose.c: walks families over a view and writes them, a line at a time, into
 * whatever the caller can send next. Where it stands is four numbers; the text is
 * never whole in memory. A family without a sample is not mentioned. */
#include "agent/metrics/expose.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/metrics/format.h"
#include "agent/metrics/round.h"
#include "agent/metrics/self.h"
#include "agent/model/view.h"

/* Families of the same rows follow one another, and their groups have the same labels:
 * those of the first 16,384 groups are kept from one family to the next. A group is known
 * by the row at which it was come to; rows without a sample may stand before that. */
enum { KEPT_GROUPS = 16384, KEPT_BYTES = 1024 * 1024 };

struct kept {
	uint32_t from, end, at;
	uint32_t text, len; /* in the texts */
};

struct expose {
	const struct view *view;
	enum expose_format format;
	struct metric_self_values self;
	/* where it stands */
	uint32_t collector; /* self.n = metric_self; beyond: the end mark, the end */
	uint32_t family, row, n_rows;
	bool entered, headed;
	/* of the family */
	const struct metric *metric;
	const void *values;
	size_t name_len, family_len;
	/* What every line of the group begins with, up to its last label; of the rows
	 * before group_end. */
	struct buf start;
	uint32_t group_end, group_at;
	/* What is kept, and of which rows; where it is looked for next. */
	const struct metric_rows *kept_of;
	struct kept *kept; /* KEPT_GROUPS of them; NULL = nothing is kept */
	uint32_t n_kept, next_kept;
	struct buf texts;
};

int expose_new(const struct view *v, const struct expose_request *req, struct expose **ret_expose)
{
	struct expose *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->view = v;
	e->format = req->format;
	e->self.collectors = req->collectors;
	e->self.chosen = req->chosen;
	while (req->collectors[e->self.n])
		e->self.n++;
	*ret_expose = e;
	return 0;
}

void expose_free(struct expose *e)
{
	if (!e)
		return;
	buf_fini(&e->start);
	buf_fini(&e->texts);
	free(e->kept);
	free(e);
}

/* The collector where it stands; NULL = to be passed over: not chosen, or it has
 * nothing to show. */
static const struct collector *current(const struct expose *e, const void **ret_values)
{
	const struct collector *c;

	if (e->collector == e->self.n) {
		*ret_values = &e->self;
		return &metric_self;
	}
	c = e->self.collectors[e->collector];
	if (e->self.chosen && !e->self.chosen[e->collector])
		return NULL;
	*ret_values = NULL;
	if (!c->values_size)
		return c;
	if (e->view->rounds && e->collector < round_count(e->view->rounds))
		*ret_values = round_result(e->view->rounds, e->collector)->values;
	return *ret_values ? c : NULL;
}

/* What was kept of the family before is of use where its rows are the same. */
static void look_at_kept(struct expose *e)
{
	const struct metric_rows *rows = e->metric->rows;

	e->next_kept = 0;
	if (rows == e->kept_of || !rows->group)
		return;
	e->kept_of = rows;
	e->n_kept = 0;
	buf_reset(&e->texts);
	if (!e->kept)
		e->kept = malloc(KEPT_GROUPS * sizeof(*e->kept));
}

/* Steps into the next family that has rows; false at the end of all. */
static bool enter(struct expose *e)
{
	const struct collector *c;
	const void *values;

	for (; e->collector <= e->self.n; e->collector++, e->family = 0) {
		c = current(e, &values);
		for (; c && e->family < c->n_metrics; e->family++) {
			const struct metric *m = &c->metrics[e->family];

			if (m->rows->per_realserver && !e->view->realserver_series)
				continue;
			e->n_rows = m->rows->count(e->view, values);
			if (!e->n_rows)
				continue;
			e->metric = m;
			e->values = values;
			e->name_len = strlen(m->name);
			e->family_len = metric_family_len(m);
			e->row = 0;
			e->group_end = e->group_at = 0;
			look_at_kept(e);
			e->entered = true;
			e->headed = false;
			return true;
		}
	}
	return false;
}

/* "# TYPE name" and the like; the name is OpenMetrics' own there. */
static void put_meta(const struct expose *e, struct buf *out, const char *what)
{
	buf_puts(out, "# ");
	buf_puts(out, what);
	buf_putc(out, ' ');
	buf_put(out, e->metric->name,
		e->format == EXPOSE_OPENMETRICS ? e->family_len : e->name_len);
	buf_putc(out, ' ');
}

/* The unit a family's name ends in, "" = none. */
static const char *unit_of(const struct expose *e)
{
	static const char *const units[] = { "seconds", "bytes", "ratio" };
	size_t i, len;

	for (i = 0; i < countof(units); i++) {
		len = strlen(units[i]);
		if (e->metric->type != METRIC_INFO && e->family_len > len + 1 &&
		    e->metric->name[e->family_len - len - 1] == '_' &&
		    !memcmp(e->metric->name + e->family_len - len, units[i], len))
			return units[i];
	}
	return "";
}

static void put_help(const struct expose *e, struct buf *out)
{
	put_meta(e, out, "HELP");
	metric_put_help(out, e->metric->help, e->format == EXPOSE_OPENMETRICS);
	buf_putc(out, '\n');
}

static void put_head(struct expose *e, struct buf *out)
{
	bool om = e->format == EXPOSE_OPENMETRICS;
	/* Text 0.0.4 knows no info: Prometheus' parser fails on it. */
	enum metric_type type =
		e->metric->type == METRIC_INFO && !om ? METRIC_GAUGE : e->metric->type;

	if (!om)
		put_help(e, out);
	put_meta(e, out, "TYPE");
	buf_puts(out, metric_type_name(type));
	buf_putc(out, '\n');
	if (om && *unit_of(e)) {
		put_meta(e, out, "UNIT");
		buf_puts(out, unit_of(e));
		buf_putc(out, '\n');
	}
	if (om)
		put_help(e, out);
	e->headed = true;
}

/* Ends the labels, of which there may be none. */
static void put_end(struct buf *out, const struct metric_value *value)
{
	char *to;

	if (!buf_reserve(out, METRIC_VALUE_MAX + 4))
		return;
	to = out->data + out->len;
	if (to[-1] == '{')
		to--;
	else
		*to++ = '}';
	*to++ = ' ';
	to += metric_format_value(to, value);
	*to++ = '\n';
	*to = '\0';
	out->len = (size_t)(to - out->data);
}

/* The labels of the row's group, if they were kept. */
static bool put_kept(struct expose *e)
{
	const struct kept *k;

	while (e->next_kept < e->n_kept && e->kept[e->next_kept].end <= e->row)
		e->next_kept++;
	if (e->next_kept == e->n_kept)
		return false;
	k = &e->kept[e->next_kept];
	if (e->row < k->from)
		return false;
	buf_put(&e->start, e->texts.data + k->text, k->len);
	e->group_end = k->end;
	e->group_at = k->at;
	return true;
}

/* In order, so only behind what is kept already. */
static void keep(struct expose *e, size_t from)
{
	size_t len = e->start.len - from;

	if (!e->kept || e->next_kept < e->n_kept || e->n_kept == KEPT_GROUPS ||
	    len > KEPT_BYTES - e->texts.len || !buf_ok(&e->start))
		return;
	buf_put(&e->texts, e->start.data + from, len);
	if (!buf_ok(&e->texts))
		return;
	e->kept[e->n_kept++] = (struct kept){ e->row, e->group_end, e->group_at,
					      (uint32_t)(e->texts.len - len), (uint32_t)len };
}

/* The labels of a group are written once, not once a line. */
static void next_group(struct expose *e)
{
	const struct metric_rows *rows = e->metric->rows;
	size_t from;

	buf_reset(&e->start);
	buf_put(&e->start, e->metric->name, e->name_len);
	buf_putc(&e->start, '{');
	from = e->start.len;
	if (!rows->group) {
		e->group_end = e->n_rows;
		return;
	}
	if (put_kept(e))
		return;
	e->group_end = rows->group(e->view, e->row, &e->group_at, &e->start);
	keep(e, from);
}

static void put_sample(struct expose *e, struct buf *out, uint32_t sub,
		       const struct metric_value *value)
{
	const struct metric *m = e->metric;
	const char *suffix = metric_suffix(m, sub);
	const char *word = !m->label ? NULL : m->subs ? m->subs[sub] : m->sub(sub);
	size_t name_len = *suffix ? e->name_len : 0;

	if (!e->headed)
		put_head(e, out);
	if (e->row >= e->group_end)
		next_group(e);
	out->failed |= e->start.failed;
	if (*suffix) {
		buf_put(out, e->metric->name, name_len);
		buf_puts(out, suffix);
	}
	if (buf_ok(&e->start))
		buf_put(out, e->start.data + name_len, e->start.len - name_len);
	if (m->rows->labels)
		m->rows->labels(e->view, e->values, e->row, out);
	if (word)
		metric_label(out, m->label, word);
	if (m->info)
		m->info(e->view, e->values, e->row, out);
	put_end(out, value);
}

static void put_row(struct expose *e, struct buf *out)
{
	const struct metric *m = e->metric;
	uint32_t sub, n = m->label ? m->n_subs : 1;
	struct metric_value value;

	if (m->any && !m->any(e->view, e->row))
		return;
	for (sub = 0; sub < n; sub++) {
		if (m->get(e->view, e->values, e->row, sub, &value))
			put_sample(e, out, sub, &value);
	}
}

bool expose_next(struct expose *e, struct buf *out, size_t enough)
{
	while (buf_ok(out) && out->len < enough) {
		if (e->collector > e->self.n)
			return false;
		if (!e->entered && !enter(e)) {
			if (e->format == EXPOSE_OPENMETRICS)
				buf_puts(out, "# EOF\n");
			return false;
		}
		put_row(e, out);
		if (++e->row == e->n_rows) {
			e->entered = false;
			e->family++;
		}
	}
	return buf_ok(out);
}

const char *expose_content_type(enum expose_format format)
{
	return format == EXPOSE_OPENMETRICS
		       ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
		       : "text/plain; version=0.0.4; charset=utf-8";
}
