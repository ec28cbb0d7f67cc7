/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adopt.h - what stands at the destination and belongs to no row: the parts
 * of adopt.c that the plan uses as well, which changes nothing.
 */
#ifndef MAILHAUL_TRANSFER_ADOPT_H
#define MAILHAUL_TRANSFER_ADOPT_H

#include "transfer/move.h"

/* Some copies of t: those that are fetched have a fingerprint of their
 * headers, size, and dest_uid or key. */
typedef int adopt_keep(struct move *m, const struct to *t,
                       const struct batch *part, void *arg, struct err *e);
/* Lists t and reads the headers of what no row claims. Of m only the
 * store, the writer, its operations and traits are used. */
int adopt_look(struct move *m, const struct to *t, adopt_keep *keep, void *arg,
               struct err *e);

/* A copy that was begun and never completed, alone in a batch. */
typedef int adopt_half(struct move *m, struct writer *w, const struct folder *f,
                       struct batch *half, const struct message *msg,
                       struct err *e);
/* Reads the copy c of t: has it the octets, or else the fingerprint, of
 * msg? half may be NULL. */
int adopt_is_same(struct move *m, struct writer *w, const struct to *t,
                  const struct dest_copy *c, const struct message *msg,
                  adopt_half *half, bool *same, struct err *e);

#endif
