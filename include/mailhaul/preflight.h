/* SPDX-License-Identifier: Apache-2.0 */
/*
 * preflight.h - what can be known before a byte moves: sign-in, rights,
 * licence, mailbox, size, limits, and how long it will take. Nothing is
 * changed at either end.
 */
#ifndef MAILHAUL_PREFLIGHT_H
#define MAILHAUL_PREFLIGHT_H

#include "mailhaul/transfer.h"

enum verdict {
	VERDICT_OK,
	VERDICT_NOTE,    /* worth knowing */
	VERDICT_UNKNOWN, /* can't be asked; the text says what would help */
	VERDICT_FAIL     /* a person must act before a run can succeed */
};
const char *verdict_name(enum verdict v); /* ok note unknown fail */

struct preflight_row {
	const char *what;      /* stable name: "licence" */
	enum verdict verdict;
	const char *text;      /* plain words */
	const struct err *err; /* with VERDICT_FAIL and VERDICT_UNKNOWN */
};
typedef void preflight_fn(const struct preflight_row *r, void *arg);

/* Sums over what was found. */
struct preflight_sum {
	int exit_code;            /* 0, 3, or what an error means */
	uint64_t folders, messages;
	uint64_t bytes;           /* announced, or estimated: */
	bool bytes_guessed;       /* messages of 75 kB, as planners do */
	uint64_t left;            /* messages that are not settled yet */
	uint64_t least_s, most_s; /* estimate for them; 0: none */
	const char *limited_by;   /* static words, or NULL */
};

int preflight_mailbox(struct store *s, struct job *job, preflight_fn *each,
                      void *arg, struct preflight_sum *sum, struct err *e);

/*
 * Seconds that messages and octets need at the least through the limits of
 * m365.md I: Graph 10,000 requests in 10 minutes and 150 MB in 5, a
 * message being one request and 4/3 of its octets; IMAP 4 messages a
 * second as long-proven pace. Pure.
 */
uint64_t preflight_seconds(bool graph, uint64_t messages, uint64_t bytes,
                           const char **limited_by);

#endif
