/* describe.c: the metric tables as Markdown, so that the README cannot say anything
 * else than the program does. */
#include "agent/metrics/describe.h"

#include "agent/metrics/format.h"
#include "agent/metrics/self.h"

static void put_names(struct buf *out, const char *names, bool *first)
{
	if (!names)
		return;
	buf_puts(out, *first ? "`" : ", `");
	for (; *names; names++) {
		if (*names == ',')
			buf_puts(out, "`, `");
		else
			buf_putc(out, *names);
	}
	buf_putc(out, '`');
	*first = false;
}

/* A bar would end the cell. */
static void put_cell(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			buf_putc(out, '\\');
		buf_putc(out, *text);
	}
}

static void put_family(struct buf *out, const struct metric *m)
{
	bool first = true;

	buf_puts(out, "| `");
	buf_puts(out, m->name);
	buf_puts(out, "` | ");
	buf_puts(out, metric_type_name(m->type));
	buf_puts(out, " | ");
	put_names(out, m->rows->names, &first);
	put_names(out, m->label, &first);
	put_names(out, m->info_names, &first);
	buf_puts(out, " | ");
	put_cell(out, m->help);
	buf_puts(out, " |\n");
}

static void put_collector(struct buf *out, const struct collector *c)
{
	size_t i;

	buf_puts(out, "### ");
	buf_puts(out, c->help);
	buf_puts(out, " (`");
	buf_puts(out, c->name);
	buf_puts(out, "`)\n\n| metric | type | labels | what |\n|---|---|---|---|\n");
	for (i = 0; i < c->n_metrics; i++)
		put_family(out, &c->metrics[i]);
	buf_putc(out, '\n');
}

void metrics_describe(const struct collector *const *collectors, struct buf *out)
{
	for (; *collectors; collectors++)
		put_collector(out, *collectors);
	put_collector(out, &metric_self);
}
