/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify.h - the proof: source, store and destination compared as sets.
 */
#ifndef MAILHAUL_VERIFY_H
#define MAILHAUL_VERIFY_H

#include "mailhaul/report.h"
#include "mailhaul/transfer.h"

enum difference {
	DIFF_NOT_COPIED,  /* at the source, not settled in the store */
	DIFF_MISSING,     /* the store says moved, the destination lacks it */
	DIFF_ALTERED,     /* the copy is not what was sent */
	DIFF_DOUBLED,     /* one more copy of ours than there should be */
	DIFF_PROBLEM,     /* listed in problems */
	DIFF_UNACCOUNTED, /* the sums do not add up */
	DIFF_COUNT
};
const char *difference_name(enum difference d);

struct verify_row {
	enum difference what;
	const char *folder;   /* path at the end where it was seen */
	int64_t row;          /* store row, 0: none */
	uint64_t uid;         /* at the source, or of the extra copy */
	const char *subject;  /* may be NULL */
	const char *text;     /* plain words */
};
typedef void verify_fn(const struct verify_row *r, void *arg);

struct verify_sum {
	bool source_asked;      /* false: the source could not be reached */
	struct err source_err;
	uint64_t source, settled, destination, others;
	uint64_t differences[DIFF_COUNT];
	uint64_t bytes_read;    /* whole copies that were read back */
	/* Copies with other octets than were sent that are the same message
	 * all the same: adopted, or rewritten by the destination. */
	uint64_t rewritten;
	uint64_t not_held; /* items that an archive only counts */
	/* What became of the messages that the source lists now, each by its
	 * own row; without an answer of the source as report_sums(). */
	struct sums sums;
};

/*
 * deep: every copy's octets are read back and hashed. Reports each
 * difference; copies that an owner deleted are MSG_GONE_DEST only after a
 * run has seen it, a verify calls them missing. Returns 0 (look at sum),
 * or -1 if the destination can't be asked.
 */
int verify_mailbox(struct store *s, struct job *job, bool deep,
                   const atomic_int *stop, verify_fn *each, void *arg,
                   struct verify_sum *sum, struct err *e);

#endif
