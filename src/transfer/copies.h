/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copies.h - what stands in a destination folder and belongs to no row of
 * ours: listed, filtered by header, read and hashed.
 */
#ifndef MAILHAUL_TRANSFER_COPIES_H
#define MAILHAUL_TRANSFER_COPIES_H

#include "transfer/move.h"

/*
 * Half-made copies of ours of want[] are taken back first: proven by what
 * the destination tells of them and by a row that was never settled.
 * want[i].attempt becomes that of its own copy where it has one.
 *
 * Fills out (to be freed by the caller) with the copies in tos[to] from
 * uid since on (from the first one, if the folder was renumbered since the
 * mark) that no row claims and whose header may be that of one of
 * want[]: fetched, sha256, fp, flags, keywords, date, dest_uid,
 * dest_uidvalidity, or key for destinations that name files. No bodies.
 */
int copies_find(struct move *m, struct writer *w, size_t to, uint32_t since,
                struct message *want, size_t want_n, struct batch *out,
                struct err *e);

/* Reads b in parts that the memory can hold, without keeping bodies; with
 * headers, only those of which the listing has not told enough. */
int copies_read(struct move *m, struct writer *w, const struct folder *f,
                struct batch *b, bool headers, struct err *e);

#endif
