/* durations.c: see durations.h. The bounds are those that most exporters have, from the
 * time that a switch takes to the longest timeout that is of use. */
#include "agent/model/durations.h"

const struct duration_bucket duration_buckets[DURATION_N_BUCKETS] = {
	{ 1000, "0.001" },    { 2500, "0.0025" }, { 5000, "0.005" },  { 10000, "0.01" },
	{ 25000, "0.025" },   { 50000, "0.05" },  { 100000, "0.1" },  { 250000, "0.25" },
	{ 500000, "0.5" },    { 1000000, "1.0" }, { 2500000, "2.5" }, { 5000000, "5.0" },
	{ 10000000, "10.0" },
};

void durations_note(struct durations *d, uint32_t us)
{
	uint32_t i = 0;

	while (i < DURATION_N_BUCKETS && us > duration_buckets[i].us)
		i++;
	d->counts[i]++;
	d->sum_us += us;
}

void durations_add(struct durations *d, const struct durations *more)
{
	uint32_t i;

	for (i = 0; i <= DURATION_N_BUCKETS; i++)
		d->counts[i] += more->counts[i];
	d->sum_us += more->sum_us;
}
