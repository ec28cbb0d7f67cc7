/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rate.h - how fast, over the last ten seconds. Pure: time is an argument.
 *
 *   struct rate r = { 0 };
 *   rate_add(&r, now_ms, octets so far);       as often as one likes
 *   rate_get(&r, now_ms)                       octets a second
 */
#ifndef MAILHAUL_CLI_RATE_H
#define MAILHAUL_CLI_RATE_H

#include <stddef.h>
#include <stdint.h>

#define RATE_WINDOW_MS 10000
#define RATE_SAMPLE_MS 250
#define RATE_SAMPLES (RATE_WINDOW_MS / RATE_SAMPLE_MS + 2)

struct rate {
	struct {
		uint64_t ms, total;
	} v[RATE_SAMPLES]; /* a ring: the n newest end before next */
	size_t n, next;
	uint64_t total; /* as of the newest call */
};

void rate_add(struct rate *r, uint64_t now_ms, uint64_t total);
/* 0 while it is not known yet (under a second of samples). */
uint64_t rate_get(const struct rate *r, uint64_t now_ms);
/* Seconds until left octets are through, UINT64_MAX: nobody knows. */
uint64_t rate_left(uint64_t left, uint64_t per_second);

#endif
