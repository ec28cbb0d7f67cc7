/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - the two clocks. Logic takes the time as an argument; only the
 * outermost callers ask here.
 */
#ifndef MAILHAUL_UTIL_CLOCK_H
#define MAILHAUL_UTIL_CLOCK_H

#include <stdint.h>

uint64_t clock_ms(void);      /* CLOCK_MONOTONIC */
uint64_t clock_wall_ms(void); /* CLOCK_REALTIME */

#endif
