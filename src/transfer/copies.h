/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copies.h - what stands in a destination folder and belongs to no row of
 * ours: listed, filtered by header, read and hashed.
 */
#ifndef MAILHAUL_TRANSFER_COPIES_H
#define MAILHAUL_TRANSFER_COPIES_H

#include "transfer/move.h"

/*
 * Fills out (to be freed by the caller) with the copies in tos[to] from
 * uid since on (from the first one, if the folder was renumbered since the
 * mark) that no row claims and whose header may be that of one of
 * want[]: fetched, sha256, fp, flags, keywords, date, dest_uid,
 * dest_uidvalidity, or key for destinations that name files. No bodies.
 */
int copies_find(struct move *m, struct writer *w, size_t to, uint32_t since,
                const struct message *want, size_t want_n, struct batch *out,
                struct err *e);

#endif
