/* SPDX-License-Identifier: Apache-2.0 */
/* kind.h - what a file is, by its content and never by its name. */
#ifndef MAILHAUL_ARCHIVE_KIND_H
#define MAILHAUL_ARCHIVE_KIND_H

#include "archive/source.h"

enum file_kind {
	FILE_EMPTY, /* nothing, or blank lines only */
	FILE_MBOX,
	FILE_EML,    /* begins with RFC 5322 header fields */
	FILE_EMLX,   /* Apple Mail: a count, a message, a property list */
	FILE_PACKED, /* what packed.h opens: zip, tar, gz, bz2, xz, zstd, 7z */
	FILE_PST,
	FILE_PST_LOCKED, /* encrypted by Windows for one account */
	FILE_MSG,        /* a message of Outlook; told by its name, too */
	FILE_OTHER
};
/* What is to be said of FILE_PST_LOCKED, after the file's name. */
#define KIND_PST_LOCKED                                                    \
	"is encrypted by Windows Information Protection for one Windows "  \
	"account: no other program can read it. Open it in Outlook under " \
	"that account and export it from there (File, Open & Export)."
/* name is for "a calendar" and the like, and where the content leaves it
 * open whether a header without any usual field is mail, and whether what
 * has no From_ line in front is an mbox with a damaged one; may be NULL.
 * *what: words for sink.other ("a calendar", "not mail"); never NULL. */
enum file_kind kind_of(const unsigned char *head, size_t n, const char *name,
                       const char **what);

/* Octets in front of a message that are not its own: a byte-order mark and
 * blank lines. */
void kind_pass_front(const char *p, size_t n, size_t *at);
/* True if name is longer than suffix and ends with it, in any case. */
bool name_ends(const char *name, const char *suffix);

#endif
