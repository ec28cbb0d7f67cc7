/* SPDX-License-Identifier: Apache-2.0 */
/* ndb_tree.c - see ndb_int.h. */
#include <stdlib.h>

#include "archive/pst/rescue.h"
#include "util/buf.h"

/* The last entry whose key is not above key, -1: none. */
static int search(const struct pst *p, unsigned type, const struct ndb_page *g,
                  uint64_t key)
{
	uint32_t lo = 0, hi = g->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (ndb_key(p->ndb->f, type, g->e + (size_t)mid * g->size) <=
		    key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (int)lo - 1;
}

/* The range and the leaf for key among those that a rescue found. */
static void reach(struct ndb_tree *t, uint64_t key)
{
	size_t lo = 0, hi = t->reaches, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (t->reach[mid].lo <= key)
			lo = mid + 1;
		else
			hi = mid;
	}
	t->lo = lo ? t->reach[lo - 1].lo : 0;
	t->end = lo < t->reaches ? t->reach[lo].lo : NDB_ENDLESS;
	t->leaf_ib = lo ? t->reach[lo - 1].ib : 0;
	t->leaf_bid = lo ? t->reach[lo - 1].bid : 0;
}

/* From the root to the leaf for key. */
static int descend(struct pst *p, struct ndb_tree *t, uint64_t key)
{
	const struct ndb_format *f = p->ndb->f;
	uint64_t bid = t->bid, ib = t->ib, lo = 0, end = NDB_ENDLESS;
	uint32_t level = NDB_DEPTH;
	const unsigned char *e;
	struct ndb_page g;
	int i;

	for (;;) {
		if (ndb_page(p, t->type, bid, ib, &g))
			return -1;
		if (g.level >= level)
			return ndb_fail(p, WHY_LIST);
		level = g.level;
		if (!level)
			break;
		i = search(p, t->type, &g, key);
		if (i < 0) {
			t->end = t->lo = 0;
			t->leaf_ib = 0;
			return 0;
		}
		e = g.e + (size_t)i * g.size;
		lo = ndb_key(f, t->type, e);
		if ((uint32_t)i + 1 < g.n)
			end = ndb_key(f, t->type, e + g.size);
		bid = ndb_id(f, e + f->id);
		ib = ndb_id(f, e + 2 * (size_t)f->id);
	}
	t->lo = lo;
	t->end = end;
	t->leaf_bid = bid;
	t->leaf_ib = ib;
	return 0;
}

static int find(struct pst *p, struct ndb_tree *t, uint64_t key,
                const unsigned char **e)
{
	struct ndb_page g;
	int i;

	if (key < t->lo || key >= t->end) {
		if (t->reach)
			reach(t, key);
		else if (descend(p, t, key))
			return -1;
	}
	if (!t->leaf_ib)
		return 0;
	if (ndb_page(p, t->type, t->leaf_bid, t->leaf_ib, &g))
		return -1;
	i = search(p, t->type, &g, key);
	if (i < 0)
		return 0;
	*e = g.e + (size_t)i * g.size;
	return ndb_key(p->ndb->f, t->type, *e) == key;
}

int ndb_find(struct pst *p, struct ndb_tree *t, uint64_t key,
             const unsigned char **e)
{
	int r = find(p, t, key, e);

	if (r >= 0 || p->ndb->scanned)
		return r;
	return rescue_scan(p) ? -1 : find(p, t, key, e);
}

struct walk {
	struct pst *p;
	struct ndb_tree *t;
	bool lenient, broken;
	int (*each)(const struct ndb_leaf *l, void *arg);
	void *arg;
	uint64_t left;         /* pages that may still be looked at */
	unsigned char *copies; /* one page a level */
};

static bool in_range(const struct walk *w, const struct ndb_page *g,
                     uint64_t lo, uint64_t end)
{
	const struct ndb_format *f = w->p->ndb->f;
	unsigned type = w->t->type;

	return !g->n ||
	       (ndb_key(f, type, g->e) >= lo &&
	        ndb_key(f, type, g->e + (size_t)(g->n - 1) * g->size) < end);
}

static int walk_page(struct walk *w, struct ndb_leaf *l, uint32_t above);

static int walk_inner(struct walk *w, const struct ndb_leaf *l)
{
	const struct ndb_format *f = w->p->ndb->f;
	const unsigned char *e = l->page.e;
	struct ndb_leaf child;
	uint32_t i;
	int r;

	for (i = 0; i < l->page.n; i++, e += l->page.size) {
		child.lo = ndb_key(f, w->t->type, e);
		child.end = i + 1 < l->page.n
		                    ? ndb_key(f, w->t->type, e + l->page.size)
		                    : l->end;
		child.bid = ndb_id(f, e + f->id);
		child.ib = ndb_id(f, e + 2 * (size_t)f->id);
		r = walk_page(w, &child, l->page.level);
		if (r || (w->broken && !w->lenient))
			return r;
	}
	return 0;
}

/* The depth is bounded: levels fall. */
static int walk_page(struct walk *w, struct ndb_leaf *l, uint32_t above)
{
	uint32_t size = w->p->ndb->f->page;
	unsigned char *copy;

	if (!w->left || ndb_page(w->p, w->t->type, l->bid, l->ib, &l->page) ||
	    l->page.level >= above || !in_range(w, &l->page, l->lo, l->end)) {
		w->broken = true;
		return 0;
	}
	w->left--;
	copy = w->copies + (size_t)l->page.level * size;
	memcpy(copy, l->page.e, size);
	l->page.e = copy;
	return l->page.level ? walk_inner(w, l) : w->each(l, w->arg);
}

int ndb_walk(struct pst *p, struct ndb_tree *t, bool lenient,
             int (*each)(const struct ndb_leaf *l, void *arg), void *arg,
             bool *broken)
{
	CLEANUP(free_p)
	unsigned char *copies = malloc((size_t)NDB_DEPTH * p->ndb->f->page);
	struct walk w = { p, t, lenient, false, each, arg, 0, copies };
	struct ndb_leaf root = { .bid = t->bid, .ib = t->ib, .lo = 0 };
	int r;

	if (!copies)
		return ndb_fail(p, WHY_MEMORY);
	w.left = p->size / p->ndb->f->page + 1;
	root.end = NDB_ENDLESS;
	r = walk_page(&w, &root, NDB_DEPTH);
	*broken = w.broken;
	return r;
}
