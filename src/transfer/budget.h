/* SPDX-License-Identifier: Apache-2.0 */
/*
 * budget.h - what is shared and scarce: memory for bodies in flight, octets
 * a second, and how long to wait before trying again. rate and backoff are
 * pure in time.
 */
#ifndef MAILHAUL_TRANSFER_BUDGET_H
#define MAILHAUL_TRANSFER_BUDGET_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Memory of all lanes together. */
struct memory_budget {
	pthread_mutex_t lock;
	uint64_t left;
};
void memory_init(struct memory_budget *m, uint64_t octets);
void memory_release(struct memory_budget *m);
bool memory_take(struct memory_budget *m, uint64_t octets);
void memory_give(struct memory_budget *m, uint64_t octets);

/* --rate: when may the next octets leave? */
struct rate {
	uint64_t per_second; /* 0: no limit */
	uint64_t free_at_ms; /* when what left so far has been paid for */
};
/* Books octets that leave now; the milliseconds to wait before they may. */
uint64_t rate_wait(struct rate *r, uint64_t now_ms, uint64_t octets);

/* 1, 2, 4 ... 60 s, plus up to half of it by chance (0..65535), so that
 * lanes do not come back all at once. base_ms is 1000 but in tests. */
uint64_t backoff_ms(unsigned failures, uint64_t base_ms, unsigned chance);

#endif
