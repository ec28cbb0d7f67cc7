/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signals.h - Ctrl-C. A thread of its own waits for SIGINT, SIGTERM and
 * SIGHUP: the first sets stop and says so, the second ends the process at
 * once with exit code 2. SIGPIPE is ignored.
 *
 * Call before any other thread is made: they inherit the blocked signals.
 */
#ifndef MAILHAUL_CLI_SIGNALS_H
#define MAILHAUL_CLI_SIGNALS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "cli/talk.h"

/* message: said at the first signal, NULL: nothing. A second call only
 * changes it. 0, or -1. */
int signals_start(struct talk *t, const char *message);
const atomic_int *signals_stop(void);
/* True, and e says so, if a signal came. */
bool signals_stopped(struct err *e);
/* The terminal to be put right before the process ends at once: a file
 * descriptor whose echo is off, or -1. */
void signals_echo_off(int tty);

#endif
