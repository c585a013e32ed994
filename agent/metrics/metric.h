/* metric.h: metric families as rows of tables: name, type, help, which rows they
 * have, and where a row's value is found. Exposition walks them over a view. */
#ifndef METRICS_METRIC_H
#define METRICS_METRIC_H
#include <stdbool.h>
#include <stdint.h>

#include "agent/base/buf.h"

struct view;

enum metric_type { METRIC_GAUGE = 0, METRIC_COUNTER, METRIC_INFO, METRIC_HISTOGRAM };

/* METRIC_US and _MS are durations or times in those units, written in seconds, exactly. */
enum metric_kind { METRIC_U64 = 0, METRIC_I64, METRIC_F64, METRIC_US, METRIC_MS };
struct metric_value {
	enum metric_kind kind;
	union {
		uint64_t u;
		int64_t i;
		double f;
	};
};
static inline struct metric_value metric_u64(uint64_t u)
{
	return (struct metric_value){ .kind = METRIC_U64, .u = u };
}
static inline struct metric_value metric_i64(int64_t i)
{
	return (struct metric_value){ .kind = METRIC_I64, .i = i };
}
static inline struct metric_value metric_f64(double f)
{
	return (struct metric_value){ .kind = METRIC_F64, .f = f };
}
static inline struct metric_value metric_us(int64_t us)
{
	return (struct metric_value){ .kind = METRIC_US, .i = us };
}
static inline struct metric_value metric_ms(int64_t ms)
{
	return (struct metric_value){ .kind = METRIC_MS, .i = ms };
}

/* A set of rows and their labels: every service, every realserver, … */
struct metric_rows {
	uint32_t (*count)(const struct view *v, const void *values);
	/* Rows whose labels begin alike, side by side: appends what those of the group have
	 * in common that begins with a row, and returns the row behind it. *at, 0 before the
	 * first of them, is its own, to find the next by. NULL = no two are alike. */
	uint32_t (*group)(const struct view *v, uint32_t row, uint32_t *at, struct buf *out);
	/* Appends a="b",c="d" of a row, behind its group's, by metric_label(); NULL = no
	 * labels. */
	void (*labels)(const struct view *v, const void *values, uint32_t row, struct buf *out);
	const char *names;   /* of those labels: "a,c"; NULL = none */
	bool per_realserver; /* left out by [metrics] realserver_series = off */
};

/* The rows that many families share (metrics/rows.c). */
extern const struct metric_rows metric_one, /* {} */
	metric_vips,                        /* {ipvs_service,address} that are in the kernel */
	metric_dests,       /* {ipvs_service,address,realserver}, in the kernel or configured */
	metric_services,    /* {ipvs_service} of the configuration */
	metric_realservers, /* {ipvs_service,realserver} */
	metric_probes;      /* {ipvs_service,realserver,probe} */

/* One family. `sub` further label values a row where `label` is set:
 * {…,state="up"}. */
struct metric {
	const char *name; /* whole, with _total or _info */
	enum metric_type type;
	const char *help; /* one sentence */
	const struct metric_rows *rows;
	/* False = this row has no sample. `values` are the collector's. */
	bool (*get)(const struct view *v, const void *values, uint32_t row, uint32_t sub,
		    struct metric_value *ret_value);
	/* False = none of the row's sub values has a sample: a short cut; NULL = maybe. */
	bool (*any)(const struct view *v, uint32_t row);
	const char *label;       /* NULL = none */
	const char *const *subs; /* its values; count n_subs */
	uint32_t n_subs;
	/* The same by a function; a histogram's last two are NULL: _sum, _count. */
	const char *(*sub)(uint32_t sub);
	/* An info family's further labels, appended: ,scheduler="wlc"; NULL = none. */
	void (*info)(const struct view *v, const void *values, uint32_t row, struct buf *out);
	const char *info_names; /* "scheduler,flags" */
};

/* Appends ,name="value" with the value escaped, bytes that are no UTF-8 replaced by
 * U+FFFD. No comma at the start of `out`, or behind its "{". */
void metric_label_named(struct buf *out, const char *name, size_t name_len, const char *value);
#define metric_label(out, name, value) metric_label_named(out, name, __builtin_strlen(name), value)
/* The same in two, for where many values follow one text: that is ,name=" and this is
 * the value, escaped, and its quote. */
void metric_label_value(struct buf *out, const char *value);
/* What metric_label_value() wrote, again; METRIC_COPY_MIN bytes more may be read there. */
enum { METRIC_COPY_MIN = 16 };
void metric_label_copy(struct buf *out, const char *text, size_t len);

#endif
