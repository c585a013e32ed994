/* samples.h: PURE: the newest values and the windows of the signals that rules read.
 * All memory is counted and taken at once, when it is made: a put or a read never
 * allocates, and costs no more than its window is long.
 *
 * No data, told as NAN: nothing was put, NAN was put last, the last put is older than
 * three intervals, no rule needs the signal. What is not finite counts as NAN.
 *
 * A window holds the samples of now - window to now, both ends included; NANs are left
 * out. A sample sooner than half an interval behind the one before is not entered (it
 * is the newest value all the same), so a burst of puts cannot push out what is older.
 * No window has data when the last put is older than three intervals. */
#ifndef RULES_SAMPLES_H
#define RULES_SAMPLES_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/base/buf.h"
#include "agent/model/signal.h"

struct samples;

struct samples_shape {
	const uint32_t *service_of;              /* by realserver */
	const uint32_t *first_realserver, *n_of; /* by service: its own, side by side */
	uint32_t n_services, n_realservers;
};

struct samples_need {
	enum signal_id signal;
	int64_t window_ms; /* 0 = the newest value only */
	bool peers;
	const bool *services; /* by service: matched by such a rule; NULL = all */
};

enum { SAMPLES_STALE_INTERVALS = 3 };
#define SAMPLES_WINDOW_MAX_MS (INT64_C(24) * 3600 * 1000)

/* The shape and the needs are copied as far as they are used. -E2BIG when more than
 * memory_max bytes would be needed (`why` says how much, what for, and the key
 * window_memory), -EINVAL for a window above SAMPLES_WINDOW_MAX_MS or an interval below
 * 1 (why says so), -ENOMEM. */
int samples_new(const struct samples_shape *shape, const struct samples_need *needs, size_t n,
		int64_t interval_ms, uint64_t memory_max, struct buf *why,
		struct samples **ret_samples);
/* NULL is fine. */
void samples_free(struct samples *s);

/* Bytes, all of it. */
uint64_t samples_memory(const struct samples *s);

/* A value of a realserver, or of a service where that is the signal's scope. NAN = no
 * data. Without effect: unknown ids, signals that nobody needs, a time before the last
 * put's. */
void samples_put(struct samples *s, enum signal_id signal, uint32_t realserver_or_service,
		 int64_t now_ms, double value);

/* Whether peers_*() count it: up, enabled, no backup, weight above 0. Not until told. */
void samples_peer(struct samples *s, uint32_t realserver, bool takes_part);

/* After a reload: takes over values and windows, as far as both have them. By new id
 * the old one; UINT32_MAX = new. */
void samples_carry(struct samples *to, const struct samples *from, const uint32_t *old_realserver,
		   const uint32_t *old_service);

/* --- reading: of the realserver, or of its service where that is the scope --- */

double samples_newest(const struct samples *s, enum signal_id signal, uint32_t realserver,
		      int64_t now_ms);

enum samples_over {
	SAMPLES_RATE = 0, /* per second: the sum of all increases (a fall counts from 0)
			   * by the time from the first sample to the last, nothing
			   * extrapolated; needs two samples which are at least half
			   * the window apart */
	SAMPLES_AVG,      /* the mean of the samples; needs one */
	SAMPLES_MIN,
	SAMPLES_MAX,
	SAMPLES_CHANGES, /* samples that differ from the one before; needs two */
	N_SAMPLES_OVER
};
double samples_over(const struct samples *s, enum signal_id signal, uint32_t realserver,
		    enum samples_over what, int64_t window_ms, int64_t now_ms);

/* Over the other realservers of the service that take part and have data; NAN where
 * there is none. Of an even number the median is the mean of the two in the middle. */
double samples_peers_median(struct samples *s, enum signal_id signal, uint32_t realserver,
			    int64_t now_ms);
double samples_peers_avg(struct samples *s, enum signal_id signal, uint32_t realserver,
			 int64_t now_ms);

#endif
