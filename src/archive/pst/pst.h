/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pst.h - walks through an Outlook file (PST, OST): the parser that tree.h
 * calls for FILE_PST.
 *
 * Folders are those below the IPM subtree, and, as shared, those beside it
 * with mail in them, parents first; raw is FILE#NID (hex), path their names;
 * FILE#0 "Recovered" has messages whose folder is gone. Folders made for what
 * is no mail, hidden ones and the outbox are told only if there is mail in
 * them. Messages of a folder come by ascending nid; uid is nid << 31 | 31
 * bits of what never changes of a message (creation time, search key,
 * Message-ID), so that another file in its place is seen. uidvalidity is 1:
 * a message that is moved or deleted leaves the numbers of the others alone,
 * so where one stands says nothing of those before it, and a walk is not gone
 * on with behind it.
 *
 * Holes: a message that can't be read, of which only a row of its folder's
 * table is left, or whose text was never fetched. Problems beside the
 * messages: attachments that are not in the file, one each, right behind the
 * message; and before all items, in the inbox or the first folder, that the
 * file is cut or damaged (MAIL_WHOLE).
 *
 * Told by sink.other: items that are no mail (one each: "a contact", "an
 * appointment", "a task", "a note", "a journal entry", "a distribution
 * list"); hidden ones (one each: "a hidden item"); folders that are left out
 * ("a search folder", "a folder of Outlook's own, 12 items"); and of a
 * folder "3 items that the file counts and does not hold", "3 items that
 * can't be read" (those of a folder that is not for mail). With sink.items
 * it is the other way round: each item that is no mail is begun, with the
 * path of a file as its key ("Contacts/Ann Example.vcf"), and nothing else.
 */
#ifndef MAILHAUL_ARCHIVE_PST_PST_H
#define MAILHAUL_ARCHIVE_PST_PST_H

#include "archive/source.h"

/* in->fd must be one. -1: the sink wants no more. */
int pst_walk(struct input *in, const struct where *at, struct sink *s);

#endif
