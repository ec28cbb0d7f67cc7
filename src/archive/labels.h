/* SPDX-License-Identifier: Apache-2.0 */
/*
 * labels.h - X-Gmail-Labels, with which Google Takeout says where a message
 * was in Gmail: names between commas, those with a comma in quotes, all of
 * it in encoded words of RFC 2047 where it is not ASCII, and Gmail's own
 * names in the language of the account.
 *
 * A message of Gmail is in many places at once, and goes to one folder: the
 * first of these that it has: Trash, Spam (Junk), Drafts, Sent, Inbox, its
 * first label in the order of the field; without any, Archive. The other
 * labels become keywords (mime/keywords.h). Starred is \Flagged, Important
 * $Important; without Unread a message has been seen. What Gmail sorts by
 * itself (Opened, Archived, Muted, its categories) says nothing more.
 */
#ifndef MAILHAUL_ARCHIVE_LABELS_H
#define MAILHAUL_ARCHIVE_LABELS_H

#include "mailhaul/mail.h"

struct labels {
	char *folder;      /* '/' between its levels; "INBOX", "Sent", ... */
	enum mail_use use; /* of folder */
	unsigned flags;    /* enum mail_flag */
	char *keywords;    /* sorted, or NULL */
};

/* value: of the field with its folds, "" or NULL: none. Zeroes out first.
 * -1: memory. */
int labels_read(const char *value, struct labels *out);
void labels_release(struct labels *l);

#endif
