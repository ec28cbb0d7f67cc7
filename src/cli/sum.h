/* SPDX-License-Identifier: Apache-2.0 */
/* sum.h - what became of everything in a source, as a sum in words. Pure. */
#ifndef MAILHAUL_CLI_SUM_H
#define MAILHAUL_CLI_SUM_H

#include "mailhaul/report.h"
#include "util/buf.h"

/* "362 messages in the source: 300 moved + 60 already there + 2 problems =
 * 362", and what is none of them; whole sentences but for the last stop. */
int sum_words(struct buf *b, const struct sums *s);

#endif
