/* log.h: logfmt on stderr: ts=… level=info msg="…" key=value. Transitions at
 * info, repetition at debug. Leaves do not log; who knows the subject does. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/base/attr.h"

enum log_level { LOG_ERROR = 0, LOG_WARN, LOG_INFO, LOG_DEBUG };

enum log_kind { LOG_KIND_NONE = 0, LOG_KIND_STR, LOG_KIND_INT, LOG_KIND_MS, LOG_KIND_ERRNO };

/* One fact of a line; made by the LOG_… macros only. */
struct log_fact {
	const char *key;
	enum log_kind kind;
	const char *str;
	int64_t num;
};

#define LOG_STR(k, v) ((struct log_fact){ .key = (k), .kind = LOG_KIND_STR, .str = (v) })
#define LOG_INT(k, v) ((struct log_fact){ .key = (k), .kind = LOG_KIND_INT, .num = (int64_t)(v) })
/* A duration in milliseconds, written 1.204s. */
#define LOG_MS(k, v)  ((struct log_fact){ .key = (k), .kind = LOG_KIND_MS, .num = (int64_t)(v) })
/* An errno (positive or negative), written err="No such file or directory". */
#define LOG_ERR(v)    ((struct log_fact){ .key = "err", .kind = LOG_KIND_ERRNO, .num = (v) })

/* Messages under `level` are dropped. Default LOG_INFO. May be called anew by a
 * reload, from the loop thread. */
void log_set_level(enum log_level level);

/* Whether messages of that level are written: for those that cost to put together. */
bool log_enabled(enum log_level level);

/* "error", "warn", "info", "debug"; NULL-terminated, in the order of the enum. */
extern const char *const log_level_names[];

/* Writes one line with one write(2); callable from every thread. The same
 * (level, msg) is written at most 100 times in 10 s; what was left out is told
 * by the next line that is written. errno is kept. */
void log_facts(enum log_level level, const char *msg, const struct log_fact *facts, int n);

/* log_event(LOG_INFO, "realserver down", LOG_STR("service", name), …) */
#define log_event(level, msg, ...)                                                                 \
	log_facts(level, msg, (const struct log_fact[]){ { 0 }, ##__VA_ARGS__ } + 1,               \
		  (int)(countof(((const struct log_fact[]){ { 0 }, ##__VA_ARGS__ })) - 1))

#endif
