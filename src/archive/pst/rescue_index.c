/* SPDX-License-Identifier: Apache-2.0 */
/* rescue_index.c - see rescue.h. */
#include <stdlib.h>

#include "archive/pst/rescue.h"
#include "util/buf.h"

static int by_bid(const void *a, const void *b)
{
	const struct rescue_page *x = a, *y = b;

	if (x->bid != y->bid)
		return x->bid < y->bid ? -1 : 1;
	return x->ib < y->ib ? -1 : x->ib > y->ib;
}

static int by_lo(const void *a, const void *b)
{
	const struct rescue_page *x = a, *y = b;

	if (x->lo != y->lo)
		return x->lo < y->lo ? -1 : 1;
	return x->priority < y->priority ? -1 : x->priority > y->priority;
}

static struct rescue_page *find(const struct rescue_pages *l, uint64_t bid,
                                uint64_t ib)
{
	struct rescue_page want = { .bid = bid, .ib = ib };

	return bsearch(&want, l->v, l->n, sizeof(*l->v), by_bid);
}

/* The pages below this one answer for all keys up to the next one's: what
 * was deleted at a leaf's edge is so known to be. */
static void widen(struct pst *p, const struct rescue_pages *l,
                  const struct rescue_page *above)
{
	const struct ndb_format *f = p->ndb->f;
	struct rescue_page *below;
	const unsigned char *e;
	struct ndb_page g;
	uint64_t lo, end;
	uint32_t i;

	if (ndb_page(p, above->type, above->bid, above->ib, &g))
		return;
	for (i = 0, e = g.e; i < g.n; i++, e += g.size) {
		below = find(l, ndb_id(f, e + f->id),
		             ndb_id(f, e + 2 * (size_t)f->id));
		if (!below || below->type != above->type ||
		    below->level + 1 != above->level || below->widened)
			continue;
		lo = ndb_key(f, above->type, e);
		end = i + 1 < g.n ? ndb_key(f, above->type, e + g.size)
		                  : above->end;
		below->lo = lo < below->lo ? lo : below->lo;
		below->end = end > below->end ? end : below->end;
		below->widened = true;
	}
}

/* From the top down, and of each level the newest first. */
static void widen_all(struct pst *p, struct ndb_tree *t,
                      const struct rescue_pages *l)
{
	unsigned level;
	size_t i;

	for (level = NDB_DEPTH - 1; level; level--)
		for (i = l->n; i-- > 0;)
			if (l->v[i].level == level && l->v[i].type == t->type &&
			    l->v[i].priority)
				widen(p, l, &l->v[i]);
}

struct reached {
	struct pst *p;
	struct rescue_pages *l;
};
static int add_reached(const struct ndb_leaf *leaf, void *arg)
{
	struct reached *r = arg;
	struct rescue_page *page = rescue_pages_add(r->p, r->l);

	if (!page)
		return -1;
	page->bid = leaf->bid;
	page->ib = leaf->ib;
	page->lo = leaf->lo;
	page->end = leaf->end;
	page->priority = UINT64_MAX;
	return 0;
}

/* A heap, the highest priority on top. */
struct heap {
	const struct rescue_page **v;
	size_t n;
};
static void swap(struct heap *h, size_t a, size_t b)
{
	const struct rescue_page *x = h->v[a];

	h->v[a] = h->v[b];
	h->v[b] = x;
}

static void heap_push(struct heap *h, const struct rescue_page *x)
{
	size_t i = h->n++;

	h->v[i] = x;
	for (; i && h->v[(i - 1) / 2]->priority < h->v[i]->priority;
	     i = (i - 1) / 2)
		swap(h, i, (i - 1) / 2);
}

static void heap_pop(struct heap *h)
{
	size_t i = 0, big;

	h->v[0] = h->v[--h->n];
	for (;;) {
		big = 2 * i + 1;
		if (big >= h->n)
			return;
		if (big + 1 < h->n &&
		    h->v[big + 1]->priority > h->v[big]->priority)
			big++;
		if (h->v[big]->priority <= h->v[i]->priority)
			return;
		swap(h, i, big);
		i = big;
	}
}

static void emit(struct ndb_tree *t, uint64_t lo,
                 const struct rescue_page *page)
{
	struct ndb_reach *r = t->reach + t->reaches;
	uint64_t ib = page ? page->ib : 0;

	if (t->reaches ? r[-1].ib == ib : !ib)
		return;
	r->lo = lo;
	r->bid = page ? page->bid : 0;
	r->ib = ib;
	t->reaches++;
}

/* Goes up through the keys; for each the page with the highest priority
 * that has them. Leaves are sorted by lo. */
static void merge(struct ndb_tree *t, const struct rescue_pages *leaves,
                  struct heap *h)
{
	uint64_t x = 0, next;
	size_t i = 0;

	do {
		for (; i < leaves->n && leaves->v[i].lo <= x; i++)
			heap_push(h, &leaves->v[i]);
		while (h->n && h->v[0]->end <= x)
			heap_pop(h);
		emit(t, x, h->n ? h->v[0] : NULL);
		next = i < leaves->n ? leaves->v[i].lo : NDB_ENDLESS;
		if (h->n && h->v[0]->end < next)
			next = h->v[0]->end;
		x = next;
	} while (x != NDB_ENDLESS);
}

static int reach_of(struct pst *p, struct ndb_tree *t,
                    struct rescue_pages *leaves)
{
	struct ndb_reach *reach = calloc(2 * leaves->n + 2, sizeof(*reach));
	CLEANUP(free_p)
	const struct rescue_page **v = calloc(leaves->n + 1, sizeof(*v));
	struct heap h = { v, 0 };

	if (!reach || !v) {
		free(reach);
		return ndb_fail(p, WHY_MEMORY);
	}
	if (leaves->n)
		qsort(leaves->v, leaves->n, sizeof(*leaves->v), by_lo);
	t->reach = reach;
	t->reaches = 0;
	t->lo = t->end = 0;
	merge(t, leaves, &h);
	return 0;
}

static int leaves_of(struct pst *p, struct ndb_tree *t,
                     const struct rescue_pages *l, struct rescue_pages *out)
{
	struct reached r = { p, out };
	struct rescue_page *page;
	bool broken;
	size_t i;

	if (ndb_walk(p, t, true, add_reached, &r, &broken))
		return -1;
	for (i = 0; i < l->n; i++) {
		if (l->v[i].type != t->type || l->v[i].level)
			continue;
		page = rescue_pages_add(p, out);
		if (!page)
			return -1;
		*page = l->v[i];
	}
	return 0;
}

int rescue_index(struct pst *p, struct ndb_tree *t, struct rescue_pages *l)
{
	struct rescue_pages leaves = { 0 };
	int r;

	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), by_bid);
	widen_all(p, t, l);
	r = leaves_of(p, t, l, &leaves) || reach_of(p, t, &leaves);
	free(leaves.v);
	return r ? -1 : 0;
}
