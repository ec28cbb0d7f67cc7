/* SPDX-License-Identifier: Apache-2.0 */
/* rescue_roots.c - see ndb.h: blocks that nothing names. */
#include <stdlib.h>

#include "archive/pst/rescue.h"
#include "util/buf.h"

/* A block is named a few times only, also by lists that are out of date. */
#define NAMED_MOST 16
#define BEAT 4096
#define CLOSE_BY 64 /* blocks */

struct roots {
	struct pst *p;
	unsigned char *named; /* of each that was found */
	uint64_t left;        /* names that are looked up yet */
};

static int name(struct roots *r, uint64_t bid)
{
	int64_t i;

	if (r->left == 0)
		return ndb_fail(r->p, WHY_AGAIN);
	r->left--;
	i = ndb_found_at(r->p->ndb, NDB_BID(bid));
	if (i >= 0)
		r->named[i] = 1;
	return 0;
}

static int name_node(const struct pst_node *n, void *arg)
{
	return name(arg, n->data) || name(arg, n->sub) ? -1 : 0;
}

/* [MS-PST] 2.2.2.8.3: an XBLOCK has bids, an SLBLOCK a nid and two bids
 * each, an SIBLOCK a nid and one. */
static int name_list(struct roots *r, const struct pst_block *b)
{
	const struct ndb_format *f = r->p->ndb->f;
	bool of_data = b->p[0] == 1;
	size_t words = of_data ? 1 : b->p[1] ? 2 : 3;
	size_t at = of_data || !f->ansi ? 8 : 4, k;
	unsigned n = ndb_u16(b->p + 2);

	for (; n && at + words * f->id <= b->n; n--, at += words * f->id)
		for (k = of_data ? 0 : 1; k < words; k++)
			if (name(r, ndb_id(f, b->p + at + k * f->id)))
				return -1;
	return 0;
}

static int name_inner(struct roots *r, uint64_t bid)
{
	struct pst_block b;
	int bad = 0;

	if (pst_block_get(r->p, bid, &b))
		return 0;
	if (b.n >= 8 && (b.p[0] == 1 || b.p[0] == 2))
		bad = name_list(r, &b);
	pst_block_put(r->p, &b);
	return bad;
}

/* A sign of life now and then. */
static int beat(struct pst *p, size_t i)
{
	struct ndb *n = p->ndb;

	if (i % BEAT == 0 && n->working && n->working(n->arg, p->size))
		return ndb_fail(p, WHY_STOPPED);
	return 0;
}

static int name_all(struct roots *r)
{
	struct ndb *n = r->p->ndb;
	size_t i;

	if (pst_nodes(r->p, name_node, r))
		return -1;
	for (i = 0; i < n->founds; i++)
		if (beat(r->p, i) || (NDB_INTERNAL(n->found[i].bid) &&
		                      name_inner(r, n->found[i].bid)))
			return -1;
	return 0;
}

int pst_roots(struct pst *p, int (*each)(uint64_t bid, void *arg), void *arg)
{
	struct ndb *n = p->ndb;
	CLEANUP(free_p) unsigned char *named = calloc(n->founds + 1, 1);
	struct roots r = { .p = p, .named = named };
	size_t i;
	int stop = 0;

	if (!named)
		return ndb_fail(p, WHY_MEMORY);
	r.left = NAMED_MOST * ((uint64_t)n->founds + p->size / 512);
	if (name_all(&r))
		return -1;
	for (i = 0; i < n->founds && !stop; i++) {
		if (beat(p, i))
			return -1;
		if (!named[i] && (!i || n->found[i - 1].bid != n->found[i].bid))
			stop = each(n->found[i].bid, arg);
	}
	return stop;
}

bool pst_close_by(const struct pst *p, uint64_t a, uint64_t b)
{
	uint64_t from = (a < b ? a : b) >> 2, to = (a < b ? b : a) >> 2;

	if (to - from > CLOSE_BY)
		return false;
	while (++from < to)
		if (ndb_found_at(p->ndb, from << 2) < 0 &&
		    ndb_found_at(p->ndb, from << 2 | 2) < 0)
			return false;
	return true;
}
