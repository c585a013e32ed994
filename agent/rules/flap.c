/* flap.c: exponential decay without floating point: 2^-t as halvings, and for the
 * rest a product of 2^-(1/2), 2^-(1/4) … by the bits of the fraction. The whole
 * factor is made first, in 32 fractional bits, where what truncation loses (16
 * units) is far below one step of the fraction (45,000): so it never grows. */
#include "agent/rules/flap.h"

enum { BITS = 16, MILLI_MASK = (1 << 26) - 1 };

/* 2^32 * 2^-(1/2^(i+1)), rounded. */
static const uint64_t roots[BITS] = {
	3037000500, 3611622603, 3938502376, 4112874773, 4202935003, 4248701965,
	4271771996, 4283353945, 4289156690, 4292061010, 4293513907, 4294240540,
	4294603903, 4294785595, 4294876445, 4294921870,
};

static uint32_t decayed(const struct flap *f, int64_t now_ms)
{
	uint64_t factor = UINT64_C(1) << 32, passed, fraction;
	unsigned int i;

	if (now_ms <= f->at_ms)
		return (uint32_t)f->milli;
	passed = (uint64_t)now_ms - (uint64_t)f->at_ms;
	if (passed / FLAP_HALF_LIFE_MS >= 32)
		return 0;
	fraction = ((passed % FLAP_HALF_LIFE_MS) << BITS) / FLAP_HALF_LIFE_MS;
	for (i = 0; i < BITS; i++)
		if (fraction & (1u << (BITS - 1 - i)))
			factor = factor * roots[i] >> 32;
	return (uint32_t)(((uint64_t)f->milli * factor >> 32) >> (passed / FLAP_HALF_LIFE_MS));
}

void flap_add(struct flap *f, int64_t now_ms)
{
	uint32_t milli = decayed(f, now_ms) + FLAP_HOLD * 1000u;

	f->milli = (milli < FLAP_MOST * 1000u ? milli : FLAP_MOST * 1000u) & MILLI_MASK;
	/* A clock that goes back starts no second decay. */
	if (now_ms > f->at_ms)
		f->at_ms = now_ms;
}

uint32_t flap_at(const struct flap *f, int64_t now_ms)
{
	return (decayed(f, now_ms) + 999) / 1000;
}

int64_t flap_release_at(const struct flap *f, int64_t resolved_ms, int64_t flap_max_ms)
{
	int64_t low = resolved_ms, high;

	if (flap_max_ms <= 0 || flap_at(f, low) <= FLAP_REUSE)
		return resolved_ms;
	high = low > INT64_MAX - flap_max_ms ? INT64_MAX : low + flap_max_ms;
	/* The first moment at or under FLAP_REUSE; it only ever falls. */
	while (high - low > 1) {
		int64_t middle = low + (high - low) / 2;

		if (flap_at(f, middle) <= FLAP_REUSE)
			high = middle;
		else
			low = middle;
	}
	return high;
}

void flap_released(struct flap *f, int64_t resolved_ms, int64_t now_ms)
{
	uint32_t milli = decayed(f, resolved_ms);

	if (now_ms <= resolved_ms || now_ms <= f->at_ms)
		return;
	f->milli = milli & MILLI_MASK;
	f->at_ms = now_ms;
}
