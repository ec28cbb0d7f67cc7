/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - what the forms of a report share. */
#ifndef MAILHAUL_CLI_REPORT_H
#define MAILHAUL_CLI_REPORT_H

#include <stdio.h>

#include "cli/cli.h"

/*
 * A file that is there whole or not at all: written beside its place, then
 * renamed. "-" is stdout; what is no regular file (a pipe, a device) is
 * written to as it is.
 */
struct report_file {
	FILE *f;
	char *path, *beside; /* beside NULL: no rename */
};
/* Both: EC_INPUT (no such place), EC_DISK_FULL or EC_SPOOL, with a sentence
 * that names the file. */
int report_file_open(struct report_file *r, const char *path, struct err *e);
/* well: what was written is complete; else it is thrown away, and e is left
 * as it is. Releases r. */
int report_file_close(struct report_file *r, bool well, struct err *e);

/* The mailboxes as CSV (docs/json.md) into f. */
int report_csv(FILE *f, struct store *s, const struct mailbox *v, size_t n,
               struct err *e);

#endif
