/* SPDX-License-Identifier: Apache-2.0 */
/* labels_names.h - Gmail's own labels, in the languages of its accounts. */
#ifndef MAILHAUL_ARCHIVE_LABELS_NAMES_H
#define MAILHAUL_ARCHIVE_LABELS_NAMES_H

enum label_role {
	LABEL_OWN, /* one that a person made */
	LABEL_INBOX,
	LABEL_SENT,
	LABEL_DRAFTS,
	LABEL_TRASH,
	LABEL_SPAM,
	LABEL_UNREAD,
	LABEL_STARRED,
	LABEL_IMPORTANT,
	LABEL_KEYWORD, /* "IMAP_" and a keyword of IMAP */
	LABEL_SORTING  /* Opened, Archived, Muted, categories */
};
#define LABEL_KEYWORD_PREFIX 5

/* label: UTF-8, trimmed, blanks for non-breaking ones. */
enum label_role label_role(const char *label);

#endif
