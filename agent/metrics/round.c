/* round.c: one look of all collectors. Each is on its own: what one fails at, the
 * others still show. */
#include "agent/metrics/round.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/base/clock.h"

struct round {
	const struct collector *const *collectors;
	size_t n;
	struct round_result results[];
};

static void discard(const struct collector *c, struct round_result *r)
{
	if (r->values && c->fini)
		c->fini(r->values);
	free(r->values);
	r->values = NULL;
}

static void run(const struct collector *c, const struct collect_env *env, struct round_result *r)
{
	int64_t start = clock_mono_us();

	if (c->values_size) {
		r->values = calloc(1, c->values_size);
		r->error = r->values ? c->collect(env, r->values) : -ENOMEM;
	} else {
		r->error = c->collect(env, NULL);
	}
	if (r->error)
		discard(c, r);
	r->success = !r->error;
	r->nodata = r->error == -ENODATA;
	r->duration_us = clock_mono_us() - start;
}

struct round *round_run(const struct collector *const *collectors, const struct collect_env *env)
{
	struct round *round;
	size_t i, n = 0;

	while (collectors[n])
		n++;
	round = calloc(1, sizeof(*round) + n * sizeof(round->results[0]));
	if (!round)
		return NULL;
	round->collectors = collectors;
	round->n = n;
	for (i = 0; i < n; i++) {
		if (collectors[i]->collect)
			run(collectors[i], env, &round->results[i]);
		else
			round->results[i].success = true;
	}
	return round;
}

const struct round_result *round_result(const struct round *r, size_t i)
{
	return &r->results[i];
}

size_t round_count(const struct round *r)
{
	return r->n;
}

void round_free(void *round)
{
	struct round *r = round;
	size_t i;

	if (!r)
		return;
	for (i = 0; i < r->n; i++)
		discard(r->collectors[i], &r->results[i]);
	free(r);
}
