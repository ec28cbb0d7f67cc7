/* SPDX-License-Identifier: Apache-2.0 */
/*
 * branch.h - what a walk through an archive has to know of each source
 * folder: which messages the store has, which of them wait, and what is
 * asked of the reader.
 */
#ifndef MAILHAUL_TRANSFER_BRANCH_H
#define MAILHAUL_TRANSFER_BRANCH_H

#include "transfer/move.h"

/* A row that waits to be sent. */
struct waiting {
	uint64_t uid;
	int64_t row;
	unsigned tries, batch_max;
	bool want_repair;
	bool met; /* in this walk */
};

enum branch_ask {
	ASK_NOTHING,
	ASK_LIST,   /* told again, without octets */
	ASK_WHOLE,  /* never listed: everything */
	ASK_RESUME, /* what stands behind the last known, and what waits */
	ASK_WAITING /* what waits */
};

struct branch {
	char *raw;
	size_t from; /* index in the move's froms */
	uint32_t uidvalidity;
	enum branch_ask ask;
	bool listed;     /* in this run, or unchanged */
	bool others;     /* there are rows of another uidvalidity */
	uint64_t *known; /* uids of the rows, ascending */
	size_t known_n;
	struct waiting *waiting; /* by uid, ascending */
	size_t waiting_n;
	uint64_t *want; /* their uids */
	uint64_t *now;  /* ASK_LIST: what was told, as it came */
	size_t now_n, now_cap;
	uint64_t told;      /* in this walk */
	uint64_t fresh;     /* of these, not known before */
	struct batch *open; /* being filled */
};

/* What the store knows of the folder froms[from]. */
int branch_load(struct branch *b, struct move *m, size_t from, struct err *e);
void branch_release(struct branch *b);
/* resume: an mbox may go on where it was. */
enum branch_ask branch_first_ask(const struct branch *b, const struct from *f,
                                 bool resume);
/* Before it is told again: what came in part only may be whole there now, and
 * does not count as known. *any: there is such. */
int branch_parts_again(struct branch *b, struct move *m, bool *any,
                       struct err *e);
bool branch_knows(const struct branch *b, uint64_t uid);
struct waiting *branch_waits(const struct branch *b, uint64_t uid);
int branch_now(struct branch *b, uint64_t uid); /* -1: memory */
void branch_sort_now(struct branch *b);
/* In the reader's terms; borrows from b. */
struct walk_folder branch_walk(const struct branch *b, bool bodies);

#endif
