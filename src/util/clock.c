/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c - see clock.h. */
#include "util/clock.h"

#include <time.h>

static uint64_t now(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t clock_ms(void)
{
	return now(CLOCK_MONOTONIC);
}

uint64_t clock_wall_ms(void)
{
	return now(CLOCK_REALTIME);
}
