/* SPDX-License-Identifier: Apache-2.0 */
/*
 * orphans.h - messages whose node is lost with a page of the index, though
 * their blocks are there.
 *
 * A row of the folder's table ([MS-PST] 2.4.4.5) repeats properties of its
 * message as they are: the one context of properties that no node names and
 * that agrees with the row is that message. The nids of its long values tell
 * which list of sub-nodes is its own, for Outlook uses a nid only once in a
 * file. Else it is the list that was written right before or after it, as
 * most lists of the file were, unless a block in between is lost.
 *
 * Nothing that no row tells of is brought back: it was deleted. Where two
 * could be meant, none is taken.
 *
 *   orphans_find.c  contexts and lists of sub-nodes that nothing names
 *   orphans.c       which of them belong to the rows
 */
#ifndef MAILHAUL_ARCHIVE_PST_ORPHANS_H
#define MAILHAUL_ARCHIVE_PST_ORPHANS_H

#include "archive/pst/folders.h"

/* Adds what it finds to the nodes of the file and to l->mail, once all nodes
 * are gathered. */
void pst_orphans_adopt(struct pst_folders *l);

/* --- orphans_find.c ------------------------------------------------------- */

struct pst_orphan {
	uint64_t key, bid;
	uint64_t before, after; /* a context: the bids of its neighbours */
};
struct pst_orphan_list {
	struct pst_orphan *v; /* by key, then bid */
	size_t n, cap;
};
struct pst_orphans {
	struct pst_orphan_list messages, subs;
	bool unique; /* nids of long values are used once only */
};
int pst_orphans_find(struct pst_orphans *o, struct pst *p);
void pst_orphans_release(struct pst_orphans *o);
/* The index of the first one not below these. */
size_t pst_orphans_from(const struct pst_orphan_list *l, uint64_t key,
                        uint64_t bid);

/* Properties of a message, by its context or by a row. */
struct pst_side {
	struct pst_pc *pc; /* or */
	struct pst_tc *tc;
	size_t row;
};
/* False: it has none, or a long one. */
bool pst_side_get(const struct pst_side *s, uint16_t id, struct mapi_value *v);
/* By what each row has: its subject and when it came. */
uint64_t pst_side_key(const struct pst_side *s);
/* Of the list of sub-nodes that belongs to a context. */
struct pst_sub_key {
	uint64_t key; /* by the nids of long values, 0: there are none */
	bool sure;    /* it names long values */
	bool needed;  /* there must be one */
};
struct pst_sub_key pst_sub_key(struct pst_pc *pc);

#endif
