/* SPDX-License-Identifier: Apache-2.0 */
/*
 * item.h - what is no mail, as files that other programs read: contacts and
 * distribution lists as vCard (RFC 6350's predecessor 3.0, RFC 2426), what
 * has a date as iCalendar (RFC 5545), notes and journal as text. All UTF-8
 * with CRLF.
 */
#ifndef MAILHAUL_ARCHIVE_MAPI_ITEM_H
#define MAILHAUL_ARCHIVE_MAPI_ITEM_H

#include "archive/mapi/mail.h"
#include "util/buf.h"

/* "vcf", "ics", "txt". */
const char *item_suffix(enum mapi_kind k);
/* A name for its file without suffix: from name or subject, no character
 * that a disk forbids, at most 80 octets; malloc'd, never empty. */
char *item_name(struct mapi *o, enum mapi_kind k);
/* -1: out wants no more, or memory. What can't be told in the form stands in
 * a comment or description; nothing is dropped silently. */
int item_write(struct mapi *o, enum mapi_kind k, struct mapi_out *out);

/*
 * An attachment that the file of an item can't hold: a message or another
 * item, an embedded object, a large file, any file of a text. It becomes a
 * file beside that of the item.
 */
struct item_beside {
	char *name, *suffix; /* "plan", "pdf"; malloc'd, never empty */
};
/* Of attachment i. 1, 0: it is none, -1: memory. */
int item_beside(struct mapi *o, enum mapi_kind k, size_t i,
                struct item_beside *b);
void item_beside_release(struct item_beside *b);
/* -1: out wants no more, memory, or it can't be read whole. */
int item_beside_write(struct mapi *o, size_t i,
                      const struct mapi_origin *origin, struct mapi_out *out);

/* A VCALENDAR of an appointment or meeting message; method: "REQUEST",
 * "REPLY", "CANCEL", "COUNTER", or NULL (a file). uid from the global object
 * id. -1: memory; 1: it has no times, nothing is written. */
int calendar_write(struct mapi *o, const char *method, struct buf *out);
/* The method for a message class IPM.Schedule.Meeting.*; NULL: none. */
const char *calendar_method(const char *message_class);

#endif
