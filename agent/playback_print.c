/* playback_print.c: what came of a replay: when who did what, where the replay parts
 * from the record, and the figures. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "agent/base/clock.h"
#include "agent/playback.h"

/* --- one order of time ------------------------------------------------------------------ */

/* Two lists that are in order each, as one; NULL = the end. */
struct merge {
	const struct playback_events *lists[2];
	size_t at[2];
	unsigned int from; /* which one the last was of */
};

static bool before(const struct playback_event *a, const struct playback_event *b)
{
	return a->run != b->run ? a->run < b->run : a->wall_ms <= b->wall_ms;
}

static const struct playback_event *next(struct merge *m)
{
	const struct playback_event *e[2];
	unsigned int i;

	for (i = 0; i < 2; i++)
		e[i] = m->at[i] < m->lists[i]->n ? &m->lists[i]->items[m->at[i]] : NULL;
	if (!e[0] && !e[1])
		return NULL;
	m->from = !e[0] || (e[1] && !before(e[0], e[1]));
	m->at[m->from]++;
	return e[m->from];
}

/* --- words -------------------------------------------------------------------------------- */

static const char *text_of(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text ? text : "";
}

static json_int_t int_of(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

static void put_effect(struct buf *out, json_int_t effect)
{
	if (effect < 0)
		buf_puts(out, "absent");
	else if (effect > 100)
		buf_puts(out, "fallback");
	else
		buf_printf(out, "%d%%", (int)effect);
}

static void put_hold(struct buf *out, const json_t *o)
{
	buf_printf(out, "%s %s holds it: ", text_of(o, "class"), text_of(o, "holder"));
	put_effect(out, int_of(o, "effect"));
	buf_printf(out, " (%s)", text_of(o, "reason"));
}

static void put_end(struct buf *out, const json_t *o)
{
	buf_printf(out, "%s %s lets it go", text_of(o, "class"), text_of(o, "holder"));
	if (*text_of(o, "reason"))
		buf_printf(out, " (%s)", text_of(o, "reason"));
}

static void put_rule(struct buf *out, const json_t *o)
{
	buf_printf(out, "%s: %s → %s%s", text_of(o, "rule"), text_of(o, "from"), text_of(o, "to"),
		   json_is_true(json_object_get(o, "frozen")) ? ", no data" : "");
}

static void put_refused(struct buf *out, const json_t *o)
{
	buf_printf(out, "%s is refused by %s: %s", text_of(o, "rule"), text_of(o, "guard"),
		   text_of(o, "reason"));
}

static void put_panic(struct buf *out, const json_t *o)
{
	buf_puts(out, json_is_true(json_object_get(o, "on")) ? "panic: " : "panic is over: ");
	buf_puts(out, text_of(o, "reason"));
}

static void put_weight(struct buf *out, const json_t *o)
{
	buf_printf(out, "weight %lld → %lld", (long long)int_of(o, "from"),
		   (long long)int_of(o, "to"));
}

static void put_freeze(struct buf *out, const json_t *o)
{
	buf_printf(out, "%s: %s", text_of(o, "brake"),
		   json_is_true(json_object_get(o, "on")) ? "nothing is held" : "it is over");
}

static void put_verdict(struct buf *out, const json_t *o)
{
	buf_printf(out, "probe %s: %s%s (%s)", text_of(o, "probe"), text_of(o, "verdict"),
		   json_is_true(json_object_get(o, "unknown")) ? ", cannot tell" : "",
		   text_of(o, "reason"));
}

static void put_config(struct buf *out, const json_t *o)
{
	buf_printf(out, "configuration %s", text_of(o, "hash"));
}

static void put_start(struct buf *out, const json_t *o)
{
	buf_printf(out, "the agent %s starts", text_of(o, "version"));
}

static void put_stop(struct buf *out, const json_t *o)
{
	(void)o;
	buf_puts(out, "the agent stops");
}

static void put_kernel(struct buf *out, const json_t *o)
{
	(void)o;
	buf_puts(out, "the kernel's table is read");
}

/* What of it stands in the timeline; the rest with --verbose. */
static const struct {
	void (*put)(struct buf *out, const json_t *o);
	bool verbose;
} words[JOURNAL_N_KINDS] = {
	[JOURNAL_START] = { put_start, false },   [JOURNAL_STOP] = { put_stop, false },
	[JOURNAL_CONFIG] = { put_config, false }, [JOURNAL_RESTORED] = { put_hold, false },
	[JOURNAL_KERNEL] = { put_kernel, true },  [JOURNAL_VERDICT] = { put_verdict, true },
	[JOURNAL_ASKED] = { put_hold, false },    [JOURNAL_ENDED] = { put_end, false },
	[JOURNAL_RULE] = { put_rule, true },      [JOURNAL_HOLD] = { put_hold, false },
	[JOURNAL_RELEASE] = { put_end, false },   [JOURNAL_REFUSED] = { put_refused, false },
	[JOURNAL_PANIC] = { put_panic, false },   [JOURNAL_WEIGHT] = { put_weight, false },
	[JOURNAL_FREEZE] = { put_freeze, false },
};

/* The body as an object again; NULL = out of memory, or no such thing. */
static json_t *object_of(const struct playback_event *e)
{
	struct buf text = BUF_INIT;
	json_t *o = NULL;

	buf_putc(&text, '{');
	buf_put(&text, e->body, e->len);
	if (buf_ok(&text))
		o = json_loadb(text.data, text.len, 0, NULL);
	buf_fini(&text);
	return o;
}

/* --- text ----------------------------------------------------------------------------------- */

static void put_head(struct buf *out, const struct playback_event *e)
{
	struct buf who = BUF_INIT;

	clock_format_wall(out, e->wall_ms);
	buf_printf(&who, "%s%s%s", e->service, *e->realserver ? "/" : "", e->realserver);
	buf_printf(out, "  %-16s  ", who.len ? buf_str(&who) : "-");
	buf_fini(&who);
}

/* A line is one line, whatever stands in it, and no terminal's command. */
static void put_clean(struct buf *out, const struct buf *text)
{
	size_t i;

	for (i = 0; i < text->len; i++) {
		unsigned char c = (unsigned char)text->data[i];

		buf_putc(out, c < 0x20 || c == 0x7f ? '?' : (char)c);
	}
	buf_putc(out, '\n');
}

static void put_timeline(const struct playback *r, bool verbose, struct buf *out)
{
	struct merge m = { .lists = { &r->inputs, &r->replayed } };
	const struct playback_event *e;

	while ((e = next(&m))) {
		struct buf line = BUF_INIT;
		json_t *o = NULL;

		if (words[e->kind].put && (verbose || !words[e->kind].verbose))
			o = object_of(e);
		if (o) {
			put_head(&line, e);
			words[e->kind].put(&line, o);
			put_clean(out, &line);
		}
		json_decref(o);
		buf_fini(&line);
	}
}

static void put_differences(const struct playback *r, struct buf *out)
{
	struct merge m = { .lists = { &r->recorded, &r->replayed } };
	const struct playback_event *e;

	if (!r->figures.differing)
		return;
	buf_puts(out, "\n- recorded\n+ replayed\n");
	while ((e = next(&m))) {
		struct buf line = BUF_INIT;

		if (!e->lost)
			continue;
		buf_puts(&line, m.from ? "+ " : "- ");
		put_head(&line, e);
		buf_putc(&line, '{');
		buf_put(&line, e->body, e->len);
		put_clean(out, &line);
		buf_fini(&line);
	}
}

static void put_note(struct buf *out, uint64_t n, const char *what)
{
	if (n)
		buf_printf(out, "%llu %s\n", (unsigned long long)n, what);
}

static void put_notes(const struct playback *r, struct buf *out)
{
	const struct playback_figures *f = &r->figures;

	put_note(out, f->changed,
		 "of the recorded starts and reloads had another configuration than this one");
	if (f->middle)
		buf_puts(out, "the journal begins in the middle of a run: what was before is "
			      "not known\n");
	put_note(out, f->missing, "lines were never written (gaps in seq)");
	put_note(out, f->bad, "lines are none of a journal, and left out");
	put_note(out, f->wild, "lines make no sense in part or in whole");
	put_note(out, f->strange, "lines are about what this configuration does not name");
	put_note(out, f->other, "lines are of kinds that a replay does not follow");
	put_note(out, f->cut, "decisions came after the last line of an agent that was cut off");
	if (f->torn)
		buf_puts(out, "the last line is cut off\n");
	if (f->tired)
		buf_puts(out, "so much time passes that not all of it was stepped through\n");
	if (r->unknown.len)
		buf_printf(out, "rules read what the journal has no samples of: %s\n",
			   buf_str(&r->unknown));
}

void playback_print(const struct playback *r, bool verbose, struct buf *out)
{
	const struct playback_figures *f = &r->figures;

	put_timeline(r, verbose, out);
	put_differences(r, out);
	buf_printf(out,
		   "\n%llu lines, %u starts; decisions: %llu recorded, %llu replayed, "
		   "%llu equal, %llu differ\n",
		   (unsigned long long)f->lines, f->runs, (unsigned long long)f->recorded,
		   (unsigned long long)f->replayed, (unsigned long long)f->equal,
		   (unsigned long long)f->differing);
	put_notes(r, out);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *event_json(const struct playback_event *e, const char *side)
{
	json_t *o = json_object(), *body = object_of(e);

	/* Somebody's line, of which no object can be made. */
	if (!body)
		body = json_pack("{s:s%}", "line", e->body, e->len);
	if (!o || !body || json_object_set_new(o, "t", json_integer(e->wall_ms)) ||
	    (side && json_object_set_new(o, "side", json_string(side))) ||
	    json_object_update(o, body)) {
		json_decref(o);
		o = NULL;
	}
	json_decref(body);
	return o;
}

/* Of two lists, all or those without a match. */
static json_t *list_json(const struct playback_events *a, const struct playback_events *b,
			 bool lost)
{
	struct merge m = { .lists = { a, b } };
	const struct playback_event *e;
	json_t *list = json_array();

	while (list && (e = next(&m))) {
		if (lost && !e->lost)
			continue;
		if (json_array_append_new(list, event_json(e, !lost    ? NULL
							      : m.from ? "replayed"
								       : "recorded"))) {
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}

static json_t *summary_json(const struct playback *r)
{
	const struct playback_figures *f = &r->figures;
	const struct {
		const char *name;
		uint64_t n;
	} numbers[] = {
		{ "lines", f->lines },
		{ "starts", f->runs },
		{ "recorded", f->recorded },
		{ "replayed", f->replayed },
		{ "equal", f->equal },
		{ "differing", f->differing },
		{ "cut_off", f->cut },
		{ "missing_lines", f->missing },
		{ "bad_lines", f->bad },
		{ "senseless_lines", f->wild },
		{ "unnamed_lines", f->strange },
		{ "other_lines", f->other },
		{ "configurations", f->configs },
		{ "other_configurations", f->changed },
	};
	json_t *o = json_object();
	bool ok = o != NULL;
	size_t i;

	for (i = 0; ok && i < countof(numbers); i++)
		ok = !json_object_set_new(o, numbers[i].name,
					  json_integer((json_int_t)numbers[i].n));
	ok = ok && !json_object_set_new(o, "begins_in_the_middle", json_boolean(f->middle)) &&
	     !json_object_set_new(o, "torn", json_boolean(f->torn)) &&
	     !json_object_set_new(o, "not_stepped_through", json_boolean(f->tired)) &&
	     !json_object_set_new(o, "signals_without_samples", json_string(buf_str(&r->unknown)));
	if (!ok) {
		json_decref(o);
		o = NULL;
	}
	return o;
}

static int put_bytes(const char *bytes, size_t len, void *arg)
{
	struct buf *out = arg;

	buf_put(out, bytes, len);
	return buf_ok(out) ? 0 : -1;
}

int playback_print_json(const struct playback *r, struct buf *out)
{
	json_t *all = json_object();
	int e = -ENOMEM;

	if (all && !json_object_set_new(all, "summary", summary_json(r)) &&
	    !json_object_set_new(all, "differences", list_json(&r->recorded, &r->replayed, true)) &&
	    !json_object_set_new(all, "timeline", list_json(&r->inputs, &r->replayed, false)) &&
	    !json_dump_callback(all, put_bytes, out, JSON_COMPACT)) {
		buf_putc(out, '\n');
		e = buf_ok(out) ? 0 : -ENOMEM;
	}
	json_decref(all);
	return e;
}
