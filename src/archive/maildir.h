/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maildir.h - Maildirs (https://cr.yp.to/proto/maildir.html, Maildir++), on
 * the disk and in packed archives.
 *
 * A message is known by its base name, what stands before ":2,". Its date
 * is the file's time of change, as with every IMAP server over Maildirs. A
 * folder is told with the newest message first.
 */
#ifndef MAILHAUL_ARCHIVE_MAILDIR_H
#define MAILHAUL_ARCHIVE_MAILDIR_H

#include "archive/source.h"
#include "mailhaul/maildir.h"

/* True if the directory has a cur/. */
bool maildir_here(int dir);
/* The folder dir with the messages of its cur/ and new/; what is not mail
 * in these and in tmp/ is told. Its sub-folders are tree.c's. raw: of the
 * folder, "" for the root. */
int maildir_walk(int dir, const char *raw, struct sink *s);

/* One message that in streams; name: its file's. Its folder is told. */
int maildir_item(struct input *in, const char *name, uint64_t uid,
                 const struct maildir_keywords *k, struct sink *s);

#endif
