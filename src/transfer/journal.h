/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal.h - one thread that writes the store for all lanes: everything
 * that waits becomes one commit, so that nobody waits for an fsync of his
 * own.
 *
 * A batch handed over belongs to the journal until done() is called for
 * it, from the journal's thread, after the commit (ok) or its failure. A
 * failed commit ends the journal: everything later fails at once.
 */
#ifndef MAILHAUL_TRANSFER_JOURNAL_H
#define MAILHAUL_TRANSFER_JOURNAL_H

#include "mailhaul/store.h"

struct journal;

typedef void journal_done(struct batch *b, bool ok, void *arg);

int journal_start(struct journal **out, struct store *s, struct err *e);
/* Writes what is queued, ends the thread. */
void journal_stop(struct journal **j);

/* The intent of b, with its folder's mark. */
void journal_intend(struct journal *j, struct batch *b,
                    uint32_t mark_uidvalidity, uint32_t mark_uidnext,
                    journal_done *done, void *arg);
/* What became of b's messages, by their state: MSG_MOVED and MSG_ADOPTED,
 * MSG_PENDING (again), MSG_PROBLEM, MSG_HOLE, MSG_LEFT_OUT; MSG_SENDING is
 * left as it is (in doubt). */
void journal_settle(struct journal *j, struct batch *b, journal_done *done,
                    void *arg);
/* Waits until all that was queued before is on disk. */
int journal_sync(struct journal *j, struct err *e);
/* True, and *e filled, after a commit failed. */
bool journal_failed(struct journal *j, struct err *e);

/* The same for one batch at once, by the calling thread. */
int journal_settle_now(struct store *s, struct batch *b, struct err *e);
/* Only those of b that are MSG_MOVED; b is settled as a whole later. */
int journal_moved_now(struct store *s, struct batch *b, struct err *e);

#endif
