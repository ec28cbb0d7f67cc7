/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree_name.h - from where a file is to the folder of its messages.
 *
 * Of a path for people these are left away: .mbox, .mbx, .sbd, .pst, .ost
 * and the suffixes of packed archives; the file "mbox" in a directory X.mbox
 * (Apple Mail, old); and below X.mbox all that Apple Mail puts between it and
 * its messages: a UUID, Data, directories of one digit, Messages.
 */
#ifndef MAILHAUL_ARCHIVE_TREE_NAME_H
#define MAILHAUL_ARCHIVE_TREE_NAME_H

#include "archive/source.h"

enum naming {
	NAME_FILE,    /* raw is the folder: an mbox */
	NAME_MESSAGE, /* raw is a message: its directory is the folder */
	NAME_MAILDIR  /* raw is the directory that has a cur/ */
};
struct spot {
	char *raw, *path;
};
/* The folder for raw; strings are malloc'd. At the root it is "." for a
 * Maildir, "./" for messages and "" for the mbox that is the archive. -1:
 * memory. */
int spot_of(struct spot *o, const char *raw, enum naming how);
void spot_release(struct spot *o);
/* Tells it to the sink. */
int spot_tell(const struct spot *o, uint64_t state, struct sink *s);

/* A name of the disk as UTF-8, malloc'd: octets that are not UTF-8 become
 * U+F780 to U+F7FF, so that two names stay two. NULL: memory. */
char *raw_name(const char *name);
/* The last part of raw. */
const char *raw_base(const char *raw);
/* dir + '/' + name, malloc'd; only name if dir is "". NULL: memory. */
char *raw_join(const char *dir, const char *name);

#endif
