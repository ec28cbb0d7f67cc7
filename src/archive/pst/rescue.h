/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rescue.h - the index of a PST whose trees are cut off or damaged, made
 * from what stands in the file: every page and block has a trailer that
 * tells what it is, with a CRC. The file is read once, from end to end.
 *
 * Outlook never changes a page in place: it writes a new one with a higher
 * bid, and old ones stay until their room is needed. So of several leaves
 * that tell of one key the newest is right, and a key that is missing there
 * was deleted.
 *
 *   rescue_find.c   looks through the file
 *   rescue_index.c  which leaf is right for which keys
 *   rescue_roots.c  blocks that nothing names (ndb.h)
 *   rescue.c        both together, and what a lost header would have told
 */
#ifndef MAILHAUL_ARCHIVE_PST_RESCUE_H
#define MAILHAUL_ARCHIVE_PST_RESCUE_H

#include "archive/pst/ndb_int.h"

/* Fills reach of both trees, and found; once only. -1: p->why. */
int rescue_scan(struct pst *p);
/* Which layout the file has, judged by its pages. NULL: none was found, or
 * p->why. */
const struct ndb_format *rescue_format(struct pst *p);
/* Sets p->crypt to what makes sense of the blocks, if any does. */
int rescue_crypt(struct pst *p);

/* A page that was found. */
struct rescue_page {
	uint64_t bid, ib;
	uint64_t lo, end;  /* its keys */
	uint64_t priority; /* of several for one key, the highest is right */
	uint8_t type, level;
	bool widened; /* lo and end are those of the newest page above it */
};
struct rescue_pages {
	struct rescue_page *v;
	size_t n, room;
};
/* One more at the end; NULL: p->why. */
struct rescue_page *rescue_pages_add(struct pst *p, struct rescue_pages *l);
/* All pages of both trees, and the blocks into found. -1: p->why. */
int rescue_find(struct pst *p, struct rescue_pages *out);
/* Sorts them by bid, and makes t->reach of those that are of its type. */
int rescue_index(struct pst *p, struct ndb_tree *t, struct rescue_pages *l);

#endif
