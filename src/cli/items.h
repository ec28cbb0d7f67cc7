/* SPDX-License-Identifier: Apache-2.0 */
/*
 * items.h - --items DIR: what an archive holds besides mail (contacts,
 * appointments, tasks, notes) as files that other programs read.
 */
#ifndef MAILHAUL_CLI_ITEMS_H
#define MAILHAUL_CLI_ITEMS_H

#include "cli/cli.h"
#include "cli/json.h"
#include "mailhaul/others.h"

struct items {
	const char *dir; /* as given, or a folder in it */
	struct others kinds;
	uint64_t written, already, unwritten;
	json_t *failures; /* the first of the unwritten */
	struct err err;   /* why it ended early, or code 0 */
};

extern const struct opt opts_items[];

/* True if --items is given. */
bool items_asked(const struct cli *c);
/* Writes what is no mail in from below dir, which is made if it is not there.
 * who is for sentences about single items. An exit code. */
int items_write(struct cli *c, const struct account *from, const char *who,
                const char *dir, struct items *out);
/* "Wrote 12 contacts and 1 task to DIR." */
int items_words(const struct items *x, struct buf *b);
/* The fields of docs/json.md, into o. */
void items_json(const struct items *x, int code, json_t *o);
void items_release(struct items *x);

/* Before anything is moved: 0, or the exit code if --items can't be done. */
int items_ready(struct cli *c, const struct jobs *j);
/* For each archive of the jobs: into DIR, or if there are several into
 * DIR/MAILBOX; told as an answer, or as events. An exit code. */
int items_of_jobs(struct cli *c, const struct jobs *j);

#endif
