/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mbox_tree.h - which files of an archive are folders, and their names.
 *
 * A single file is one folder. In a directory each mbox file is one, named
 * after it; "X.sbd" (Thunderbird) and plain directories hold sub-folders
 * of X; "X.mbox" as a directory with a file "mbox" in it (Apple Mail) is X.
 * Hidden files, indexes and links are passed over.
 */
#ifndef MAILHAUL_READER_MBOX_TREE_H
#define MAILHAUL_READER_MBOX_TREE_H

#include "mailhaul/mail.h"

/* raw: the file's path below root ("" for root itself). */
int mbox_tree(const char *root, struct folder_list *out, struct err *e);

#endif
