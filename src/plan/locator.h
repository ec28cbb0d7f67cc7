/* SPDX-License-Identifier: Apache-2.0 */
/* locator.h - for src/plan/ only: what the CSV needs of locators. */
#ifndef MAILHAUL_PLAN_LOCATOR_H
#define MAILHAUL_PLAN_LOCATOR_H

#include "util/buf.h"

/* Appends user as a locator that begins like template needs it: percent-
 * encoded for IMAP, as it is elsewhere. -1: memory. */
int locator_encode(const char *template, struct buf *out, const char *user);

#endif
