/* when.c: times for people. The API speaks of UTC to the millisecond; who looks at a
 * director at night compares with the clock on the wall. */
#include "agent/cli/when.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/base/parse.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

/* "2026-03-04T05:06:07.891Z" at the beginning of a text; 0 = there is none. */
static int64_t read_time(const char *text, size_t *ret_len)
{
	struct tm tm = { 0 };
	int ms = 0, len = 0;

	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ms, &len) != 7 ||
	    len == 0)
		return 0;
	*ret_len = (size_t)len;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return (int64_t)timegm(&tm) * 1000 + ms;
}

int64_t when_of(const json_t *value)
{
	const char *text = json_string_value(value);
	size_t len;

	return text ? read_time(text, &len) : 0;
}

void when_put_text(struct buf *out, const struct text_style *style, const char *text)
{
	while (*text) {
		size_t len = 1;
		int64_t wall_ms = *text >= '0' && *text <= '9' ? read_time(text, &len) : 0;

		if (wall_ms)
			when_put(out, style, wall_ms);
		else
			buf_putc(out, *text);
		text += len;
	}
}

void when_put(struct buf *out, const struct text_style *style, int64_t wall_ms)
{
	time_t t = (time_t)(wall_ms / 1000), now = (time_t)(style->now_wall_ms / 1000);
	struct tm tm, today;
	char text[32];

	if (wall_ms == 0 || !localtime_r(&t, &tm))
		return;
	if (localtime_r(&now, &today) && today.tm_year == tm.tm_year && today.tm_yday == tm.tm_yday)
		strftime(text, sizeof(text), "%H:%M:%S", &tm);
	else
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	buf_puts(out, text);
}

void when_put_from_now(struct buf *out, const struct text_style *style, int64_t wall_ms)
{
	int64_t left = wall_ms - style->now_wall_ms;

	when_put(out, style, wall_ms);
	if (wall_ms == 0 || style->now_wall_ms == 0)
		return;
	if (left > 0) {
		buf_puts(out, " (in ");
		/* An hour that was asked for a moment ago is an hour. */
		when_put_span(out, left + SECOND - 1);
		buf_putc(out, ')');
	} else if (left > -SECOND) {
		buf_puts(out, " (now)");
	} else {
		buf_puts(out, " (");
		when_put_span(out, -left);
		buf_puts(out, " ago)");
	}
}

void when_put_span(struct buf *out, int64_t ms)
{
	/* Seconds do not matter to days. */
	int64_t unit = ms >= DAY ? HOUR : ms >= HOUR ? MINUTE : SECOND;

	format_duration(out, ms / unit * unit);
}
