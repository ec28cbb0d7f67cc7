/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - what became of everything that is in a source, as sums that
 * add up:
 *
 *   items = moved + already_there + left_out + problems + gone + waiting
 *
 * Reads the job store only, and works beside a run.
 */
#ifndef MAILHAUL_REPORT_H
#define MAILHAUL_REPORT_H

#include "mailhaul/store.h"

struct sums {
	/* Messages in the source: as its folders' own listings counted them
	 * if complete, else those that have been found so far. */
	uint64_t items;
	uint64_t moved;         /* copied by us */
	uint64_t already_there; /* recognised at the destination */
	uint64_t left_out;      /* by an option */
	uint64_t problems;      /* could not be moved, or not be read */
	uint64_t gone;          /* copied; a person deleted the copy since */
	uint64_t waiting;       /* to be moved, or on their way */
	uint64_t ignored;       /* those of problems that a person settled */
	uint64_t bytes;         /* of items, as far as sizes are known */
	/* Copied, and not in the source any more: none of items. */
	uint64_t departed;
	/* Folders that are left out as a whole: their messages are none of
	 * items, unless they were moved before. */
	uint64_t folders_left_out;
	/* The last pass saw the whole source and came to its end. */
	bool complete;
};

/* n messages in state that stand in the source. */
void sums_add(struct sums *s, enum msg_state state, uint64_t n);
/* The right side of the sum. */
uint64_t sums_accounted(const struct sums *s);
/* *into grows by s. */
void sums_join(struct sums *into, const struct sums *s);

/* Of a mailbox. */
int report_sums(struct store *s, const struct mailbox *m, struct sums *out,
                struct err *e);

struct folder_sums {
	const char *from;     /* path in the source */
	const char *to;       /* at the destination, NULL: not known */
	const char *left_out; /* why the whole folder is, or NULL */
	struct sums sums;
};
typedef int folder_sums_fn(const struct folder_sums *f, void *arg);
/* Of each folder, in the order of the source, those without messages too;
 * whole is their sum. Non-zero from each stops and is given back. */
int report_folders(struct store *s, const struct mailbox *m,
                   folder_sums_fn *each, void *arg, struct sums *whole,
                   struct err *e);

#endif
