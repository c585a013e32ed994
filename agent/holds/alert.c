/* alert.c: the webhook's JSON, read with suspicion: it is the one text from outside that
 * takes servers out. Who decides, decides alert by alert: the status of the group and the
 * labels that all of a group share say nothing about any one of them. */
#include "agent/holds/alert.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "agent/holds/text.h"

const char *const alert_outcomes[ALERT_N_OUTCOMES] = {
	[ALERT_RECORDED] = "recorded", [ALERT_RESOLVED] = "resolved", [ALERT_IGNORED] = "ignored",
	[ALERT_REFUSED] = "refused",   [ALERT_FAILED] = "failed",
};

static const char version[] = "4";

/* --- times ------------------------------------------------------------------------ */

/* So many digits; -1 = something else. */
static int digits(const char **at, unsigned int n)
{
	int value = 0;

	for (; n; n--, (*at)++) {
		if (!isdigit((unsigned char)**at))
			return -1;
		value = value * 10 + (**at - '0');
	}
	return value;
}

static bool skip(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

/* Days since 1970-01-01 in the Gregorian calendar, which began with 0000-03-01. */
static int64_t days_of(int64_t year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int days_in(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

/* The day, in days; its text is passed. */
static int read_day(const char **at, int64_t *ret_days)
{
	int year, month, day;

	year = digits(at, 4);
	if (year < 0 || !skip(at, '-'))
		return -EINVAL;
	month = digits(at, 2);
	if (month < 1 || month > 12 || !skip(at, '-'))
		return -EINVAL;
	day = digits(at, 2);
	if (day < 1 || day > days_in(year, month))
		return -EINVAL;
	*ret_days = days_of(year, month, day);
	return 0;
}

/* Milliseconds of the day; a leap second is the last of its minute. */
static int read_clock(const char **at, int64_t *ret_ms)
{
	int hour, minute, second, ms = 0, scale = 100;

	hour = digits(at, 2);
	if (hour < 0 || hour > 23 || !skip(at, ':'))
		return -EINVAL;
	minute = digits(at, 2);
	if (minute < 0 || minute > 59 || !skip(at, ':'))
		return -EINVAL;
	second = digits(at, 2);
	if (second < 0 || second > 60)
		return -EINVAL;
	if (skip(at, '.')) {
		if (!isdigit((unsigned char)**at))
			return -EINVAL;
		for (; isdigit((unsigned char)**at); (*at)++, scale /= 10)
			ms += (**at - '0') * scale;
	}
	*ret_ms = ((hour * 60 + minute) * 60 + (second < 60 ? second : 59)) * INT64_C(1000) + ms;
	return 0;
}

/* What the clock there is ahead of UTC. */
static int read_offset(const char **at, int64_t *ret_ms)
{
	int hour, minute, sign;

	*ret_ms = 0;
	if (skip(at, 'Z') || skip(at, 'z'))
		return 0;
	sign = **at == '-' ? -1 : 1;
	if (!skip(at, '+') && !skip(at, '-'))
		return -EINVAL;
	hour = digits(at, 2);
	if (hour < 0 || hour > 23 || !skip(at, ':'))
		return -EINVAL;
	minute = digits(at, 2);
	if (minute < 0 || minute > 59)
		return -EINVAL;
	*ret_ms = sign * (hour * 60 + minute) * INT64_C(60000);
	return 0;
}

int alert_time(const char *text, int64_t *ret_wall_ms)
{
	int64_t days, ms, offset;

	if (read_day(&text, &days) || (!skip(&text, 'T') && !skip(&text, 't')) ||
	    read_clock(&text, &ms) || read_offset(&text, &offset) || *text)
		return -EINVAL;
	*ret_wall_ms = days * INT64_C(86400000) + ms - offset;
	return 0;
}

/* --- one alert -------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

const char *alert_label(const struct alert *a, const char *name)
{
	const char *value = text_of(a->labels, name);

	return *value ? value : NULL;
}

/* It becomes the name of a holder: in logs, metrics and the ledger. */
static bool good_key(const char *key)
{
	static const char fine[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ_.-";
	size_t len = strlen(key);

	return len && len <= ALERT_KEY_MAX && strspn(key, fine) == len;
}

static const char *wrong_labels(const json_t *labels)
{
	const char *name;
	json_t *value;

	if (!json_is_object(labels))
		return "it has no labels";
	if (json_object_size(labels) > ALERT_LABELS_MAX)
		return "it has too many labels (128 at most)";
	json_object_foreach ((json_t *)(uintptr_t)labels, name, value) {
		if (!json_is_string(value))
			return "a label is no string";
		if (strlen(name) > ALERT_TEXT_MAX || json_string_length(value) > ALERT_TEXT_MAX)
			return "a label is too long (1024 bytes at most)";
	}
	return NULL;
}

/* Zeroed while it fires: Go's first moment. */
static const char *wrong_times(const json_t *object, struct alert *a)
{
	const char *ends = text_of(object, "endsAt");

	if (alert_time(text_of(object, "startsAt"), &a->starts_wall_ms))
		return "its startsAt is no time (RFC 3339)";
	if (a->starts_wall_ms <= 0)
		return "its startsAt is before 1970";
	if (*ends && alert_time(ends, &a->ends_wall_ms))
		return "its endsAt is no time (RFC 3339)";
	if (!a->resolved || a->ends_wall_ms < 0)
		a->ends_wall_ms = 0;
	return NULL;
}

/* What people wrote goes to terminals too: no control characters, those of UTF-8's second
 * block included, and not too much of it. NULL = memory is out. */
static char *summary_of(const json_t *object)
{
	const json_t *annotations = json_object_get(object, "annotations");
	const char *text = text_of(annotations, "summary");
	json_t *cut;
	char *copy, *c;

	if (!*text)
		text = text_of(annotations, "description");
	cut = text_value(text, ALERT_SUMMARY_MAX);
	copy = cut ? strdup(json_string_value(cut)) : NULL;
	json_decref(cut);
	for (c = copy; c && *c; c++) {
		bool second = (unsigned char)*c == 0xc2 && (unsigned char)c[1] >= 0x80 &&
			      (unsigned char)c[1] < 0xa0;

		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
		else if (second)
			c[0] = c[1] = ' ';
	}
	return copy;
}

static void read_alert(const json_t *object, const char *summary, struct alert *a)
{
	const char *status = text_of(object, "status"), *key = text_of(object, "fingerprint");

	*a = (struct alert){ .fingerprint = "", .summary = summary };
	a->labels = json_object_get(object, "labels");
	a->name = text_of(a->labels, "alertname");
	a->resolved = !strcmp(status, "resolved");
	a->wrong = wrong_labels(a->labels);
	if (good_key(key))
		a->fingerprint = key;
	else
		a->wrong = "it has no fingerprint that can be used";
	if (!a->resolved && strcmp(status, "firing") != 0)
		a->wrong = "its status is neither firing nor resolved";
	if (!a->wrong)
		a->wrong = wrong_times(object, a);
}

/* --- the message ------------------------------------------------------------------- */

static int take_list(const json_t *list, struct buf *why, struct alerts *a)
{
	json_t *object;
	size_t i;

	a->list = calloc(json_array_size(list) + 1, sizeof(*a->list));
	a->made = calloc(json_array_size(list) + 1, sizeof(*a->made));
	if (!a->list || !a->made)
		return -ENOMEM;
	json_array_foreach (list, i, object) {
		if (!json_is_object(object)) {
			buf_printf(why, "alert %zu is no object", i + 1);
			return -EINVAL;
		}
		a->made[i] = summary_of(object);
		if (!a->made[i])
			return -ENOMEM;
		read_alert(object, a->made[i], &a->list[i]);
		a->n++;
	}
	return 0;
}

static int take_root(const json_t *root, struct buf *why, struct alerts *a)
{
	const json_t *list = json_object_get(root, "alerts");
	const json_t *truncated = json_object_get(root, "truncatedAlerts");
	const char *is = text_of(root, "version");

	if (!json_is_object(root) || strcmp(is, version) != 0) {
		buf_puts(why, "not a message of Alertmanager's webhook, version \"4\"");
		return -EINVAL;
	}
	if (!json_is_array(list)) {
		buf_puts(why, "it has no list of alerts");
		return -EINVAL;
	}
	if (json_array_size(list) > ALERTS_MAX) {
		buf_printf(why,
			   "%zu alerts in one request, %d at most: group them, or set max_alerts",
			   json_array_size(list), ALERTS_MAX);
		return -E2BIG;
	}
	if (json_is_integer(truncated) && json_integer_value(truncated) > 0)
		a->truncated = (uint64_t)json_integer_value(truncated);
	return take_list(list, why, a);
}

int alerts_parse(const char *text, size_t len, struct buf *why, struct alerts **ret_alerts)
{
	struct alerts *a;
	json_error_t error;
	int e;

	if (len > ALERTS_BODY_MAX) {
		buf_puts(why, "larger than 1 MiB");
		return -E2BIG;
	}
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!a->root && json_error_code(&error) == json_error_out_of_memory) {
		e = -ENOMEM;
	} else if (!a->root) {
		buf_printf(why, "no JSON: %s, at byte %d", error.text, error.position);
		e = -EINVAL;
	} else {
		e = take_root(a->root, why, a);
	}
	if (e) {
		alerts_free(a);
		return e;
	}
	*ret_alerts = a;
	return 0;
}

void alerts_free(struct alerts *a)
{
	uint32_t i;

	if (!a)
		return;
	for (i = 0; a->made && a->made[i]; i++)
		free(a->made[i]);
	free(a->made);
	free(a->list);
	json_decref(a->root);
	free(a);
}
