/* journal_line.c: the words of the journal. Frames and numbers are put by hand, since
 * jansson prints no shortest numbers and a line is written for every decision; strings
 * are jansson's, which knows what to escape. */
#include "agent/holds/journal_line.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/holds/text.h"

enum { TEXT_MAX_LEN = 8192 };

#define TEXT(n, h)                                                                                 \
	{                                                                                          \
		.name = (n), .type = JOURNAL_TEXT, .help = (h)                                     \
	}
#define INT(n, h)                                                                                  \
	{                                                                                          \
		.name = (n), .type = JOURNAL_INT, .help = (h)                                      \
	}
#define NUMBER(n, h)                                                                               \
	{                                                                                          \
		.name = (n), .type = JOURNAL_NUMBER, .help = (h)                                   \
	}
#define BOOL(n, h)                                                                                 \
	{                                                                                          \
		.name = (n), .type = JOURNAL_BOOL, .help = (h)                                     \
	}
#define VALUES(n, h)                                                                               \
	{                                                                                          \
		.name = (n), .type = JOURNAL_VALUES, .help = (h)                                   \
	}

#define OF_REALSERVER TEXT("service", "its name"), TEXT("realserver", "its name")
#define OF_HOLDER                                                                                  \
	TEXT("id", "of the hold"), TEXT("class", "rule, alert or operator"),                       \
		TEXT("holder", "the rule, the alert's fingerprint, the operator"), OF_REALSERVER
#define BEFORE_AFTER INT("from", "weight before; -1 = absent"), INT("to", "weight after")

static const struct journal_field start_fields[] = {
	TEXT("version", "of the program"),
};

static const struct journal_field stop_fields[] = {
	TEXT("reason", "why it ends"),
};

static const struct journal_field config_fields[] = {
	INT("generation", "counts the configurations taken over since the start"),
	TEXT("hash", "of the text of all files"),
};

static const struct journal_field hold_fields[] = {
	OF_HOLDER,
	INT("effect", "-1 = absent, 0, or percent of the weight; 102 = freeze, 103 = admit, 104 = "
		      "another weight, 105 = another percentage"),
	TEXT("reason", "in words"),
	INT("since", "wall time, ms"),
	INT("until", "wall time, ms; 0 = until its holder ends it"),
	TEXT("rule", "of an alert: the rule by which it acts"),
	INT("weight", "of one that replaces the weight"),
	INT("starts", "of an alert: its episode, wall time, ms"),
	INT("drain", "of an operator's 0: late so many ms after since"),
	BOOL("waiting", "no guard has let it act yet"),
};

static const struct journal_field kernel_fields[] = {
	BOOL("complete", "the table was read whole"),
	INT("services", "in it"),
	INT("realservers", "in it"),
};

static const struct journal_field verdict_fields[] = {
	OF_REALSERVER,
	TEXT("probe", "its name"),
	TEXT("address", "where it asked"),
	TEXT("verdict", "up, down, or none before the first"),
	BOOL("unknown", "the last attempt cannot tell: what went wrong is on our side"),
	TEXT("reason", "of the last attempt, its slug"),
	INT("status", "of HTTP; 0 = none"),
	TEXT("text", "what was said beside, where there was anything"),
	INT("failures", "in a row"),
	INT("passes", "in a row"),
};

static const struct journal_field sample_fields[] = {
	OF_REALSERVER,
	INT("at", "monotonic time of the kernel's figures in it, ms"),
	VALUES("values", "by signal; null = no data"),
};

static const struct journal_field ended_fields[] = {
	OF_HOLDER,
	INT("effect", "that it had"),
	TEXT("rule", "of an alert: the rule by which it acted"),
	TEXT("reason", "why: lifted, resolved, its time has passed"),
};

static const struct journal_field order_fields[] = {
	TEXT("order", "drain, weight, admit, lift, freeze or thaw"),
	TEXT("target", "as it was asked, or the id of a hold; * = all"),
	TEXT("by", "who ordered it"),
	TEXT("holder", "in whose name"),
	TEXT("reason", "in words"),
	INT("ttl_ms", "its end from then on"),
	TEXT("outcome", "done, or what refused it"),
	TEXT("overrode", "the guards that it overrode by force"),
};

static const struct journal_field rule_fields[] = {
	TEXT("rule", "its name"),
	OF_REALSERVER,
	TEXT("from", "state before"),
	TEXT("to", "state after"),
	BOOL("frozen", "no data: it stays as it is"),
	NUMBER("value", "the left side of the comparison that decided"),
	TEXT("evidence", "in words"),
};

static const struct journal_field placed_fields[] = {
	OF_HOLDER,
	INT("effect", "-1 = absent, 0, or percent of the weight"),
	TEXT("guard", "the verdict: admit"),
	TEXT("reason", "in words"),
	TEXT("evidence", "what was seen"),
	INT("until", "wall time, ms; 0 = until its holder ends it"),
	BEFORE_AFTER,
};

static const struct journal_field release_fields[] = {
	OF_HOLDER,
	TEXT("guard", "what delayed it; admit = nothing"),
	TEXT("reason", "why it ends"),
	TEXT("evidence", "what was seen"),
	INT("held_ms", "for how long it stood"),
	BEFORE_AFTER,
};

static const struct journal_field refused_fields[] = {
	TEXT("rule", "that asked"),
	OF_REALSERVER,
	INT("effect", "that it asked for"),
	TEXT("guard", "that refused; flapping and cooldown may delay a release instead"),
	TEXT("reason", "the guard's figures"),
	TEXT("evidence", "what was seen"),
	INT("from", "weight now"),
	INT("to", "weight that it would have had"),
};

static const struct journal_field panic_fields[] = {
	TEXT("service", "its name"),
	BOOL("on", "it begins, or ends"),
	TEXT("policy", "keep, backup or none"),
	INT("up", "realservers that are"),
	INT("realservers", "of the service"),
	TEXT("reason", "in words"),
};

static const struct journal_field weight_fields[] = {
	OF_REALSERVER,
	BEFORE_AFTER,
	TEXT("by", "the step that decided it"),
	TEXT("reason", "in words"),
};

static const struct journal_field freeze_fields[] = {
	BOOL("on", "it begins, or ends"),
	TEXT("brake", "which: operator, correlated"),
	TEXT("reason", "in words"),
	TEXT("evidence", "what was seen"),
	INT("until", "wall time, ms; 0 = open"),
};

static const struct journal_field ramp_fields[] = {
	OF_REALSERVER,
	BEFORE_AFTER,
	INT("target", "weight that it comes to"),
	INT("left_ms", "until then"),
};

static const struct journal_field drift_fields[] = {
	OF_REALSERVER,
	INT("found", "weight in the kernel; -1 = absent"),
	INT("expected", "weight that was written last"),
	TEXT("policy", "auto, repair, adopt or report"),
	TEXT("verdict", "repaired, adopted, reported or stopped"),
	TEXT("reason", "in words"),
};

static const struct journal_field drain_fields[] = {
	OF_HOLDER,
	TEXT("state", "draining (again), drained, stalled or late"),
	INT("active", "connections, as the kernel counts them"),
	INT("inactive", "… that are closing, or over and kept for a while; UDP"),
	INT("persistent", "clients that persistence sends there"),
	INT("elapsed_ms", "since it began"),
	TEXT("reason", "what it waits for, in words"),
};

#define KIND(k, n, in, f, h)                                                                       \
	[k] = { .name = (n), .help = (h), .input = (in), .fields = (f), .n_fields = countof(f) }

const struct journal_kind_row journal_kinds[JOURNAL_N_KINDS] = {
	KIND(JOURNAL_START, "start", true, start_fields, "The agent began; seq is 1."),
	KIND(JOURNAL_STOP, "stop", true, stop_fields, "It ended in order."),
	KIND(JOURNAL_CONFIG, "config", true, config_fields, "A configuration came into force."),
	KIND(JOURNAL_RESTORED, "restored", true, hold_fields,
	     "A hold of the ledger, at the start."),
	KIND(JOURNAL_KERNEL, "kernel", true, kernel_fields, "The kernel's table was read whole."),
	KIND(JOURNAL_VERDICT, "verdict", true, verdict_fields, "What probes say has changed."),
	KIND(JOURNAL_SAMPLE, "sample", true, sample_fields, "What rules look at, each interval."),
	KIND(JOURNAL_ASKED, "asked", true, hold_fields,
	     "An operator's or an alert's hold, or one that a realserver asks for itself."),
	KIND(JOURNAL_ENDED, "ended", true, ended_fields, "The end of such a hold."),
	KIND(JOURNAL_ORDER, "order", true, order_fields, "What else an operator ordered."),
	KIND(JOURNAL_RULE, "rule", false, rule_fields, "A rule's state changed."),
	KIND(JOURNAL_HOLD, "hold", false, placed_fields, "A rule's hold was admitted."),
	KIND(JOURNAL_RELEASE, "release", false, release_fields, "A rule's hold ended."),
	KIND(JOURNAL_REFUSED, "refused", false, refused_fields, "A guard refused a rule's hold."),
	KIND(JOURNAL_PANIC, "panic", false, panic_fields, "No realserver of a service is up."),
	KIND(JOURNAL_WEIGHT, "weight", false, weight_fields, "The weight that is wanted changed."),
	KIND(JOURNAL_FREEZE, "freeze", false, freeze_fields, "A brake stops all decisions."),
	KIND(JOURNAL_RAMP, "ramp", false, ramp_fields, "A step of the slow start."),
	KIND(JOURNAL_DRIFT, "drift", false, drift_fields, "Somebody else changed what is ours."),
	KIND(JOURNAL_DRAIN, "drain", false, drain_fields, "How far a drain is has changed."),
};

bool journal_kind_find(const char *name, enum journal_kind *ret_kind)
{
	for (int i = 0; i < JOURNAL_N_KINDS; i++) {
		if (strcmp(journal_kinds[i].name, name) == 0) {
			*ret_kind = (enum journal_kind)i;
			return true;
		}
	}
	return false;
}

/* --- values ------------------------------------------------------------------- */

void journal_put_number(struct buf *out, double value)
{
	char text[32];
	int precision;

	if (!isfinite(value)) {
		buf_puts(out, "null");
		return;
	}
	/* Integers as such, so that a counter does not become 1e+15; no minus zero. */
	if (value == floor(value) && fabs(value) < 9007199254740992.0) {
		buf_put_i64(out, (int64_t)value);
		return;
	}
	/* 17 digits always read back the same, most values need fewer. */
	for (precision = 15; precision <= 17; precision++) {
		snprintf(text, sizeof(text), "%.*g", precision, value);
		if (strtod(text, NULL) == value)
			break;
	}
	/* Whatever a locale makes of the point. */
	for (char *c = text; *c; c++)
		buf_putc(out, strchr("0123456789+-e", *c) ? *c : '.');
}

static int put_bytes(const char *bytes, size_t len, void *arg)
{
	struct buf *out = arg;

	buf_put(out, bytes, len);
	return buf_ok(out) ? 0 : -1;
}

/* How long it is, if JSON takes it as it stands; else 0. */
static size_t plain_len(const char *text)
{
	size_t len;

	for (len = 0; text[len]; len++)
		if (text[len] < ' ' || text[len] > '~' || text[len] == '"' || text[len] == '\\')
			return 0;
	return len <= TEXT_MAX_LEN ? len : 0;
}

/* A host that is gone is 1,000 lines of eight strings, nearly all of them plain. */
static void put_string(struct buf *out, const char *text)
{
	size_t len = plain_len(text);
	json_t *value;

	if (len) {
		buf_putc(out, '"');
		buf_put(out, text, len);
		buf_putc(out, '"');
		return;
	}
	value = text_value(text, TEXT_MAX_LEN);
	if (json_dump_callback(value, put_bytes, out, JSON_ENCODE_ANY) != 0)
		out->failed = true;
	json_decref(value);
}

/* --- the line ----------------------------------------------------------------- */

void journal_line_fini(struct journal_line *l)
{
	buf_fini(&l->text);
	*l = (struct journal_line){ 0 };
}

void journal_line_begin(struct journal_line *l, enum journal_kind kind, int64_t wall_ms,
			int64_t mono_ms, uint64_t seq)
{
	buf_reset(&l->text);
	l->kind = kind;
	l->next = 0;
	l->in_values = false;
	l->error = 0;
	buf_puts(&l->text, "{\"t\":");
	buf_put_i64(&l->text, wall_ms);
	buf_puts(&l->text, ",\"m\":");
	buf_put_i64(&l->text, mono_ms);
	buf_puts(&l->text, ",\"seq\":");
	buf_put_u64(&l->text, seq);
	buf_puts(&l->text, ",\"what\":\"");
	buf_puts(&l->text, journal_kinds[kind].name);
	buf_putc(&l->text, '"');
}

static void close_values(struct journal_line *l)
{
	if (l->in_values)
		buf_putc(&l->text, '}');
	l->in_values = false;
}

/* Puts the member's name where it may stand; false where not. */
static bool put_name(struct journal_line *l, const char *name, enum journal_type type)
{
	const struct journal_kind_row *k = &journal_kinds[l->kind];

	close_values(l);
	while (l->next < k->n_fields && strcmp(k->fields[l->next].name, name) != 0)
		l->next++;
	if (l->next == k->n_fields || k->fields[l->next].type != type) {
		l->error = -EINVAL;
		return false;
	}
	l->next++;
	buf_puts(&l->text, ",\"");
	buf_puts(&l->text, name);
	buf_puts(&l->text, "\":");
	return true;
}

void journal_line_text(struct journal_line *l, const char *name, const char *value)
{
	if (l && value && put_name(l, name, JOURNAL_TEXT))
		put_string(&l->text, value);
}

void journal_line_int(struct journal_line *l, const char *name, int64_t value)
{
	if (l && put_name(l, name, JOURNAL_INT))
		buf_put_i64(&l->text, value);
}

void journal_line_number(struct journal_line *l, const char *name, double value)
{
	if (l && put_name(l, name, JOURNAL_NUMBER))
		journal_put_number(&l->text, value);
}

void journal_line_bool(struct journal_line *l, const char *name, bool value)
{
	if (l && put_name(l, name, JOURNAL_BOOL))
		buf_puts(&l->text, value ? "true" : "false");
}

void journal_line_values(struct journal_line *l, const char *name)
{
	if (!l || !put_name(l, name, JOURNAL_VALUES))
		return;
	buf_putc(&l->text, '{');
	l->in_values = l->first = true;
}

void journal_line_value(struct journal_line *l, const char *name, double value)
{
	if (!l)
		return;
	if (!l->in_values) {
		l->error = -EINVAL;
		return;
	}
	if (!l->first)
		buf_putc(&l->text, ',');
	l->first = false;
	put_string(&l->text, name);
	buf_putc(&l->text, ':');
	journal_put_number(&l->text, value);
}

int journal_line_end(struct journal_line *l)
{
	close_values(l);
	buf_puts(&l->text, "}\n");
	if (!buf_ok(&l->text))
		return -ENOMEM;
	if (l->error == 0 && l->text.len > JOURNAL_LINE_MAX)
		l->error = -EMSGSIZE;
	return l->error;
}
