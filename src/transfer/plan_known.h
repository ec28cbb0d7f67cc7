/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_known.h - for the plan: what the store has of a source folder, and
 * what of it is still to be read. 24 octets for each of both.
 */
#ifndef MAILHAUL_TRANSFER_PLAN_KNOWN_H
#define MAILHAUL_TRANSFER_PLAN_KNOWN_H

#include "mailhaul/reader.h"
#include "mailhaul/store.h"

struct plan_row_known {
	uint64_t id; /* of uid and key */
	int64_t row;
	uint32_t uidvalidity;
	bool settled;
};

struct plan_want {
	uint64_t uid, size;
	int64_t row;
	char *key;
};

struct plan_known {
	void *owner; /* the plan's, with the folder's place in it */
	size_t at;
	const struct window *w; /* while it is listed */
	struct plan_row_known *v;
	size_t n, cap;
	struct plan_want *want;
	size_t want_n, want_cap;
	bool failed; /* memory */
};

int plan_known_load(struct plan_known *k, struct store *s,
                    int64_t source_folder, struct err *e);
/* True if a run leaves msg alone; sets its row. */
bool plan_known_settled(const struct plan_known *k, struct message *msg,
                        uint32_t uidvalidity);
/* -1: memory (failed is set). Takes msg's key. */
int plan_known_want(struct plan_known *k, struct message *msg);
/* Moves what is wanted from *at on into b, as much as may be read at once. */
int plan_known_batch(struct plan_known *k, size_t *at, size_t messages,
                     uint64_t octets, struct batch *b, struct err *e);
void plan_known_release(struct plan_known *k);

#endif
