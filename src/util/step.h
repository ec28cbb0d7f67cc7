/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step.h - the hidden test switch: stop dead after step n of the journal.
 *
 * MAILHAUL_TEST_STOP=n in the environment: the n-th call of step() in the
 * process ends it by _exit(86), with no clean-up, as kill -9 would. Unset:
 * step() does nothing. MAILHAUL_TEST_STEPS=FILE: each step's name is
 * appended to FILE.
 */
#ifndef MAILHAUL_UTIL_STEP_H
#define MAILHAUL_UTIL_STEP_H

void step(const char *name);
/* A number from a test variable, else fallback (late-commit waits ...). */
long step_number(const char *variable, long fallback);

#endif
