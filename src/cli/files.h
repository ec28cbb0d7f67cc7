/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files.h - messages and items as files of a folder that a person named:
 * nothing that stands there is touched, no link is followed, and no file is
 * half of one.
 */
#ifndef MAILHAUL_CLI_FILES_H
#define MAILHAUL_CLI_FILES_H

#include <stdbool.h>

#include "mailhaul/body.h"
#include "mailhaul/err.h"

/* True if dir/name is a file that holds exactly this body. */
bool files_same(int dir, const char *name, const struct body *body);
/*
 * Writes dir/name, mode 0600. 1: something of that name is there already.
 * -1: e, a sentence that names option ("--export"). sync: before the call
 * returns, else the caller calls syncfs() in the end.
 */
int files_write(int dir, const char *name, const struct body *body, bool sync,
                const char *option, struct err *e);
/* What errno means for a folder that option names: always -1. */
int files_error(struct err *e, const char *option, const char *name);

#endif
