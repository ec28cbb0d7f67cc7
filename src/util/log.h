/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - detail for those who look for a fault: --verbose writes it to
 * stderr by way of cli/. Never holds a secret; everything a server said is
 * cut and cleaned of control characters.
 */
#ifndef MAILHAUL_UTIL_LOG_H
#define MAILHAUL_UTIL_LOG_H

#include <stdbool.h>

typedef void log_fn(const char *line, void *arg);
/* Before threads start. NULL: off. */
void log_to(log_fn *fn, void *arg);
bool log_on(void);
void log_msg(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
