/* SPDX-License-Identifier: Apache-2.0 */
/*
 * join.h - a mailbox whose destination has other sources, too: what came by
 * them is not sent again.
 *
 *   join_begin()  when both ends' folders are known and what the owner
 *                 deleted there has been seen
 *   join_batch()  for every batch that has been read, before it is adopted
 *                 or sent
 *   join_follow() when doubt about messages of the others has ended
 */
#ifndef MAILHAUL_TRANSFER_JOIN_H
#define MAILHAUL_TRANSFER_JOIN_H

#include "transfer/move.h"

int join_begin(struct move *m, struct err *e);
/* Settles the messages of b that came by another source, in one commit, and
 * removes them from b. One that may have come is noted, and stays. */
int join_batch(struct move *m, struct batch *b, struct err *e);
/* *again: rows that were joined to what has never arrived wait again. */
int join_follow(struct move *m, bool *again, struct err *e);

#endif
