/* alert.h: PURE: what Alertmanager's webhook says (format version "4"), from anybody's
 * hands. Keys that are not known are ignored, keys that came later may be missing; what
 * is wrong with one alert is said of that alert, and the others count. */
#ifndef HOLDS_ALERT_H
#define HOLDS_ALERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"

/* Beyond these something else than an alert is sent. */
enum {
	ALERTS_BODY_MAX = 1024 * 1024,
	ALERTS_MAX = 1000,      /* in one request */
	ALERT_LABELS_MAX = 128, /* of one alert */
	ALERT_TEXT_MAX = 1024,  /* bytes of a label's name or value */
	ALERT_KEY_MAX = 64,     /* of a fingerprint: Alertmanager's have 16 */
	ALERT_SUMMARY_MAX = 200,
};

/* What came of an alert. */
enum alert_outcome {
	ALERT_RECORDED = 0,
	ALERT_RESOLVED,
	ALERT_IGNORED,
	ALERT_REFUSED,
	ALERT_FAILED, /* of a whole request: it could not be recorded, or read */
	ALERT_N_OUTCOMES,
};
extern const char *const alert_outcomes[ALERT_N_OUTCOMES]; /* "recorded", … */

struct alert {
	const char *fingerprint; /* [0-9A-Za-z_.-]; "" = it has none that can be used */
	const char *name;        /* label alertname; "" = none */
	const char *summary;     /* annotation summary or description, for people; "" = none */
	const char *wrong;       /* why it cannot be taken; NULL = nothing */
	bool resolved;
	int64_t starts_wall_ms; /* with the fingerprint, the name of an episode */
	int64_t ends_wall_ms;   /* 0 = it has not ended */
	const void *labels;     /* for alert_label() */
};

struct alerts {
	struct alert *list;
	uint32_t n;
	uint64_t truncated; /* so many more are not told of */
	void *root;         /* what all of it stands in, and … */
	char **made;        /* … the summaries, by alert */
};

/* -EINVAL: not such a message, `why` says what; -E2BIG: larger than the bounds above, the
 * same; -ENOMEM. Free by alerts_free(); `text` may go at once. */
int alerts_parse(const char *text, size_t len, struct buf *why, struct alerts **ret_alerts);
void alerts_free(struct alerts *a);

/* The value of a label; NULL where it has none, or an empty one, which is the same. */
const char *alert_label(const struct alert *a, const char *name);

/* "2026-03-04T05:06:07.891Z": RFC 3339 with any fraction and offset, whole. -EINVAL. */
int alert_time(const char *text, int64_t *ret_wall_ms);

#endif
