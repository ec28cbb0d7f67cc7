/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt.h - the hidden test of the sandbox: with
 *
 *   mailhaul archive-child WHAT [landlock|seccomp]  3<ARCHIVE
 *
 * the child tries one forbidden thing once the door is shut. Exit 0: it was
 * refused; 3: it was done; 4: no such thing is known; 5: this kernel or
 * build lacks that part of the sandbox; a signal: it was killed for it.
 * With a part's name that part is there alone.
 */
#ifndef MAILHAUL_ARCHIVE_ATTEMPT_H
#define MAILHAUL_ARCHIVE_ATTEMPT_H

#include "archive/sandbox.h"

void attempt_parse(struct sandbox *b, int argc, char **argv);
int attempt(const struct sandbox *b, const char *what);

#endif
