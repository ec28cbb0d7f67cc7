/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare.h - which messages a run would not send because they are at the
 * destination already: for the plan, so nothing is changed anywhere.
 *
 *   compare_open(&c, s, job, ops, w, &there, &e);
 *   compare_message(c, &m, dest_folder, &how, &e);   for each, with octets
 *   compare_close(&c);
 *
 * Every copy is given to one message. What stands at the destination and
 * was never looked at by a run is listed now; memory: about 80 octets for
 * each of those, 16 for each message found.
 */
#ifndef MAILHAUL_TRANSFER_COMPARE_H
#define MAILHAUL_TRANSFER_COMPARE_H

#include "mailhaul/transfer.h"
#include "mailhaul/writer.h"

enum compared {
	COMPARED_NEW,
	COMPARED_THERE,  /* or was, and its owner deleted it there */
	COMPARED_UNSURE, /* may be: it is sent all the same */
	COMPARED_KNOWN,  /* settled before, under another place */
	COMPARED_TWICE   /* of a view of everything: in another folder */
};

struct compare;
/* Borrows all that is handed in. */
int compare_open(struct compare **out, struct store *s, struct job *job,
                 const struct writer_ops *ops, struct writer *w,
                 const struct folder_list *there, struct err *e);
/* m: fetched; its row, or 0. dest_folder: the store's row, 0: none. view:
 * its folder is a view of everything. */
int compare_message(struct compare *c, const struct message *m,
                    int64_t dest_folder, bool view, enum compared *out,
                    struct err *e);
void compare_close(struct compare **c);

#endif
