/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.h - an archive on the disk: a file, or a directory and all below it,
 * Maildirs among it. Where each file goes is decided here, for packed
 * archives too.
 */
#ifndef MAILHAUL_ARCHIVE_TREE_H
#define MAILHAUL_ARCHIVE_TREE_H

#include "archive/source.h"

/* root: descriptor of the file or directory; name: its last part. Links are
 * not followed. 0, or -1 when the sink ends it. */
int tree_walk(int root, const char *name, enum want_kind want, struct sink *s);
/*
 * One file of whatever kind: told to s, or s->other. For an entry of a
 * packed archive:
 *   raw     at->raw of the archive, '/', the entry's name (safe, UTF-8, '/'
 *           between its parts); only the name if the archive's raw is ""
 *   path    tree_folder_path() of that; an mbox becomes the folder of this
 *           name. Messages (eml, Maildir) find their folder by raw alone.
 *   nested  one more than the archive's
 *   notes   the archive's. An entry called dovecot-keywords is remembered
 *           for the messages of its directory that come after it.
 * The root, if it is a file, has raw "" and as path its own name without
 * suffixes, for an archive that names nothing (Inbox.mbox.gz).
 */
int tree_file(struct input *in, const struct where *at, enum want_kind want,
              struct sink *s);
/* raw for people ("Mail.sbd/Inbox.mbox" -> "Mail/Inbox"), malloc'd; NULL:
 * memory. */
char *tree_folder_path(const char *raw);

/* What is remembered over the files of one walk; starts as all zero. */
struct tree_notes {
	const char *root; /* what the root is called; borrowed */
	struct tree_keywords *first;
	size_t n;
};
void tree_notes_release(struct tree_notes *t);

#endif
