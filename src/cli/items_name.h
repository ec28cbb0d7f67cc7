/* SPDX-License-Identifier: Apache-2.0 */
/*
 * items_name.h - where the file of an item goes: from a path that a
 * stranger's archive gives to one below DIR. Pure.
 */
#ifndef MAILHAUL_CLI_ITEMS_NAME_H
#define MAILHAUL_CLI_ITEMS_NAME_H

#include <stddef.h>

#include "util/buf.h"

/* Where the suffix of a name begins: letters and digits behind a dot. */
size_t items_suffix(const char *name);
/* The name of the file, always with such a suffix and never hidden; number
 * > 1 tells the same name apart. */
int items_file_name(struct buf *b, const char *name, unsigned number);
/* The folders of key, made fit, each with a '/' behind it; *name: what
 * stands behind them in key. */
int items_folder(struct buf *b, const char *key, const char **name);
/* DIR/name, malloc'd; name made fit for a file. NULL: memory. */
char *items_below(const char *dir, const char *name);

#endif
