/* SPDX-License-Identifier: Apache-2.0 */
/*
 * joins.h - rows that have no copy of their own, because the message came
 * by another source of the same destination: that one's copy is their
 * proof. Sorted by the row whose copy it is; 40 octets a message.
 */
#ifndef MAILHAUL_VERIFY_JOINS_H
#define MAILHAUL_VERIFY_JOINS_H

#include "verify/check.h"

struct join {
	int64_t of, row;
	uint64_t uid;        /* at this mailbox's source */
	int64_t dest_folder; /* of the copy */
	bool seen;           /* the row that it is joined to was looked at */
};
struct joins {
	struct join *v;
	size_t n, cap;
};
/* The joined rows of the check's mailbox; their folders become ours. */
int joins_load(struct check *c, struct joins *out, struct err *e);
struct join *joins_find(const struct joins *j, int64_t of);
/* All whose copy is in this folder count as seen: how many. */
uint64_t joins_see(struct joins *j, int64_t dest_folder);
/* Reports those that were not seen: their copy is known no longer. */
void joins_report(struct check *c, const struct joins *j);
void joins_release(struct joins *j);

#endif
