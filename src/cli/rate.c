/* SPDX-License-Identifier: Apache-2.0 */
/* rate.c - octets a second over a sliding window. */
#include "cli/rate.h"

static size_t nth_newest(const struct rate *r, size_t i)
{
	return (r->next + RATE_SAMPLES - 1 - i) % RATE_SAMPLES;
}

void rate_add(struct rate *r, uint64_t now_ms, uint64_t total)
{
	/* A smaller total or an earlier time: another run, or the clock was
	 * set. What was measured before says nothing then. */
	if (r->n > 0 &&
	    (total < r->total || now_ms < r->v[nth_newest(r, 0)].ms))
		r->n = 0;
	r->total = total;
	if (r->n > 0 && now_ms - r->v[nth_newest(r, 0)].ms < RATE_SAMPLE_MS)
		return;
	r->v[r->next].ms = now_ms;
	r->v[r->next].total = total;
	r->next = (r->next + 1) % RATE_SAMPLES;
	if (r->n < RATE_SAMPLES)
		r->n++;
}

uint64_t rate_get(const struct rate *r, uint64_t now_ms)
{
	size_t oldest = 0;
	uint64_t ms, span;

	if (r->n == 0 || now_ms < r->v[nth_newest(r, 0)].ms)
		return 0;
	for (size_t i = 0; i < r->n; i++) {
		if (now_ms - r->v[nth_newest(r, i)].ms > RATE_WINDOW_MS)
			break;
		oldest = i;
	}
	ms = r->v[nth_newest(r, oldest)].ms;
	span = now_ms - ms;
	if (span > RATE_WINDOW_MS || span < 1000)
		return 0;
	return (r->total - r->v[nth_newest(r, oldest)].total) * 1000 / span;
}

uint64_t rate_left(uint64_t left, uint64_t per_second)
{
	if (left == 0)
		return 0;
	if (per_second == 0)
		return UINT64_MAX;
	return left / per_second + (left % per_second != 0);
}
