/* SPDX-License-Identifier: Apache-2.0 */
/* budget.c - see budget.h. */
#include "transfer/budget.h"

#define BACKOFF_DOUBLINGS 6
#define BACKOFF_MOST_BASES 60

void memory_init(struct memory_budget *m, uint64_t octets)
{
	pthread_mutex_init(&m->lock, NULL);
	m->left = octets;
}

void memory_release(struct memory_budget *m)
{
	pthread_mutex_destroy(&m->lock);
}

bool memory_take(struct memory_budget *m, uint64_t octets)
{
	bool enough;

	pthread_mutex_lock(&m->lock);
	enough = m->left >= octets;
	if (enough)
		m->left -= octets;
	pthread_mutex_unlock(&m->lock);
	return enough;
}

void memory_give(struct memory_budget *m, uint64_t octets)
{
	pthread_mutex_lock(&m->lock);
	m->left += octets;
	pthread_mutex_unlock(&m->lock);
}

uint64_t rate_wait(struct rate *r, uint64_t now_ms, uint64_t octets)
{
	uint64_t start;

	if (!r->per_second)
		return 0;
	start = r->free_at_ms > now_ms ? r->free_at_ms : now_ms;
	r->free_at_ms = start + octets * 1000 / r->per_second;
	return start - now_ms;
}

uint64_t backoff_ms(unsigned failures, uint64_t base_ms, unsigned chance)
{
	unsigned doublings = failures > 0 ? failures - 1 : 0;
	uint64_t wait;

	if (doublings > BACKOFF_DOUBLINGS)
		doublings = BACKOFF_DOUBLINGS;
	wait = base_ms << doublings;
	if (wait > base_ms * BACKOFF_MOST_BASES)
		wait = base_ms * BACKOFF_MOST_BASES;
	return wait + wait / 2 * (chance & 0xffff) / 0xffff;
}
