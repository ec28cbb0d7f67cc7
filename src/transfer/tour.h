/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tour.h - archives: listed and read in one go, in the order of the file,
 * by the mailbox's own thread, while the lanes send what it has read.
 *
 *   tour_new(m, &e);        the source is an archive
 *   again: lanes_run(m, &e);  which calls tour_run()
 *   tour_again(m)           there is more: a folder that was not known
 *                             has to be made first, or rows wait again
 *   tour_free(m);
 */
#ifndef MAILHAUL_TRANSFER_TOUR_H
#define MAILHAUL_TRANSFER_TOUR_H

#include "transfer/move.h"

int tour_new(struct move *m, struct err *e);
void tour_free(struct move *m);
/* Before the lanes begin. */
void tour_begin(struct move *m);
/* Reads until the archive ends, a new folder comes, or the run stops. */
int tour_run(struct move *m, struct err *e);
/* A folder was met that the plan does not know yet: tour_remake() is due
 * before the walk goes on. */
bool tour_met_folder(const struct move *m);
/* folders_prepare() in the middle of a walk: what this run knows of either
 * end's folders is kept. */
int tour_remake(struct move *m, struct err *e);
/* Adds the folders that an earlier run met on the way: folders() tells only
 * what can be known soon. */
int tour_known_folders(struct move *m, struct folder_list *src, struct err *e);
/* True if another round is due: rows wait again, or the walk goes on. */
int tour_again(struct move *m, bool *again, struct err *e);
/* The next batch that has been read, for lane l; NULL: no more. */
struct batch *tour_next(struct move *m, struct lane *l);
/* What was read and taken by no lane waits for another time. */
void tour_put_back(struct move *m);

#endif
