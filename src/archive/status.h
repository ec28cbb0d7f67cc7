/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status.h - flags and keywords from the header fields in which mail
 * programs keep them: Status and X-Status (mutt, Dovecot's mbox),
 * X-Mozilla-Status and X-Mozilla-Keys (Thunderbird), X-Keywords, X-Unsent
 * (drafts that Outlook saved as .eml).
 */
#ifndef MAILHAUL_ARCHIVE_STATUS_H
#define MAILHAUL_ARCHIVE_STATUS_H

#include <stdbool.h>
#include <stddef.h>

struct status {
	bool told;      /* a field said whether it was read */
	unsigned flags; /* enum mail_flag */
	char *keywords; /* sorted, or NULL */
};
/* 1: the field was one of them, 0: it was not, -1: memory. */
int status_field(struct status *s, const char *field, size_t n);
void status_release(struct status *s);

#endif
