/* simulate_series.c: promtool's notation, so that a series can be taken over from a
 * test of Prometheus' rules with its meaning. Numbers are scanned here: strtod() alone
 * takes "0x6" (0, and 6 more) for a hexadecimal number. */
#include "agent/simulate_series.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "conf/setter.h"

static const char blanks[] = " \t";
static const char digits[] = "0123456789";

/* How many characters of `p` are an unsigned number; 0 = it is none. */
static size_t number_len(const char *p)
{
	size_t whole = strspn(p, digits), len = whole, part, sign;

	if (p[len] == '.') {
		part = strspn(p + len + 1, digits);
		if (!whole && !part)
			return 0;
		len += 1 + part;
	}
	if (!len || (p[len] != 'e' && p[len] != 'E'))
		return len;
	sign = p[len + 1] == '+' || p[len + 1] == '-';
	part = strspn(p + len + 1 + sign, digits);
	return part ? len + 1 + sign + part : len;
}

/* Takes a number, with its sign, off *p. False where there is none. */
static bool take_number(const char **p, double *ret_number)
{
	size_t sign = **p == '+' || **p == '-', len = number_len(*p + sign);
	char text[64];

	if (!len || sign + len >= sizeof(text))
		return false;
	memcpy(text, *p, sign + len);
	text[sign + len] = '\0';
	*ret_number = strtod(text, NULL);
	*p += sign + len;
	return true;
}

/* Takes "xN" off *p; N stays where there is none. */
static bool take_times(const char **p, uint32_t *n)
{
	size_t len;

	if (**p != 'x')
		return true;
	len = strspn(*p + 1, digits);
	if (!len || len > 7)
		return false;
	*n = (uint32_t)strtoul(*p + 1, NULL, 10);
	*p += 1 + len;
	return *n <= SIM_VALUES_MAX;
}

static bool read_word(const char *p, struct sim_span *s)
{
	uint32_t more = 0;

	s->step = 0;
	s->n = 1;
	if (*p == '_') {
		s->first = NAN;
		p++;
		return take_times(&p, &s->n) && !*p;
	}
	if (!take_number(&p, &s->first))
		return false;
	if ((*p == '+' || *p == '-') && (!take_number(&p, &s->step) || *p != 'x'))
		return false;
	if (!take_times(&p, &more))
		return false;
	s->n = more + 1;
	return !*p && isfinite(s->first) && isfinite(s->first + s->step * more);
}

static int refuse(struct buf *why, const char *word)
{
	conf_quote(why, word);
	buf_printf(why,
		   " is no value: a number, a+bxN, a-bxN or axN (a and N more), _ or _xN (N "
		   "times no data), with N up to %d",
		   SIM_VALUES_MAX);
	return -EINVAL;
}

static int append(struct sim_values *v, const struct sim_span *s, struct arena *arena,
		  struct buf *why)
{
	struct sim_span *grown;

	if (s->n > SIM_VALUES_MAX - v->n) {
		buf_printf(why, "a series has %d values at most", SIM_VALUES_MAX);
		return -EINVAL;
	}
	grown = arena_grow(arena, v->spans, v->n_spans, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	v->spans = grown;
	v->spans[v->n_spans] = *s;
	v->spans[v->n_spans++].start = v->n;
	v->n += s->n;
	return 0;
}

int sim_values_parse(const char *text, struct arena *arena, struct buf *why,
		     struct sim_values *ret_values)
{
	struct sim_values v = { 0 };
	char *copy = strdup(text), *rest = copy, *word;
	int e = copy ? 0 : -ENOMEM;

	while (!e && (word = strtok_r(rest, blanks, &rest))) {
		struct sim_span s;

		e = read_word(word, &s) ? append(&v, &s, arena, why) : refuse(why, word);
	}
	if (!e && !v.n) {
		buf_puts(why, "there are no values");
		e = -EINVAL;
	}
	if (!e)
		*ret_values = v;
	free(copy);
	return e;
}

double sim_values_at(const struct sim_values *v, uint64_t place)
{
	size_t low = 0, high = v->n_spans;
	const struct sim_span *s;

	if (place >= v->n)
		return NAN;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (v->spans[middle].start <= place)
			low = middle;
		else
			high = middle;
	}
	s = &v->spans[low];
	return s->first + s->step * (double)(place - s->start);
}
