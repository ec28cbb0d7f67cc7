/* SPDX-License-Identifier: Apache-2.0 */
/* ndb_sub.c - see ndb_int.h. */
#include "archive/pst/ndb_int.h"

#define LEVELS 4u /* [MS-PST] 2.2.2.8.3.3 has two */

/* An SLBLOCK (level 0) or SIBLOCK. */
struct list {
	struct pst_block b;
	const unsigned char *e;
	uint32_t n, size, level;
};

static int list_get(struct pst *p, uint64_t bid, uint32_t above, struct list *l)
{
	const struct ndb_format *f = p->ndb->f;
	uint32_t head = f->ansi ? 4 : 8;

	if (pst_block_get(p, bid, &l->b))
		return -1;
	if (l->b.n >= head && l->b.p[0] == 2 && l->b.p[1] < above) {
		l->level = l->b.p[1];
		l->n = ndb_u16(l->b.p + 2);
		l->size = f->id * (l->level ? 2 : 3);
		l->e = l->b.p + head;
		if ((uint64_t)l->n * l->size <= l->b.n - head)
			return 0;
	}
	pst_block_put(p, &l->b);
	return ndb_fail(p, WHY_LIST);
}

static uint32_t list_nid(const struct list *l, uint32_t i)
{
	return ndb_u32(l->e + (size_t)i * l->size);
}

static uint64_t list_id(struct pst *p, const struct list *l, uint32_t i,
                        uint32_t field)
{
	const struct ndb_format *f = p->ndb->f;

	return ndb_id(f, l->e + (size_t)i * l->size + (size_t)field * f->id);
}

/* The last entry whose nid is not above nid, -1: none. */
static int list_search(const struct list *l, uint32_t nid)
{
	uint32_t lo = 0, hi = l->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (list_nid(l, mid) <= nid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (int)lo - 1;
}

static void list_node(struct pst *p, const struct list *l, uint32_t i,
                      struct pst_node *out)
{
	*out = (struct pst_node){ .nid = list_nid(l, i),
		                  .data = list_id(p, l, i, 1),
		                  .sub = list_id(p, l, i, 2) };
}

int pst_subnode(struct pst *p, uint64_t sub, uint32_t nid, struct pst_node *out)
{
	uint32_t level = LEVELS;
	struct list l;
	int i;

	while (sub) {
		if (list_get(p, sub, level, &l))
			return -1;
		level = l.level;
		i = list_search(&l, nid);
		sub = i >= 0 && level ? list_id(p, &l, (uint32_t)i, 1) : 0;
		if (i >= 0 && !level)
			list_node(p, &l, (uint32_t)i, out);
		pst_block_put(p, &l.b);
		if (!level)
			return i >= 0 && out->nid == nid;
	}
	return 0;
}

struct each {
	struct pst *p;
	int (*fn)(const struct pst_node *n, void *arg);
	void *arg;
	uint64_t next; /* the least nid that may come */
	bool broken;
};

static int each_node(struct each *w, const struct list *l)
{
	struct pst_node n;
	uint32_t i;
	int r = 0;

	if (pst_work(w->p, l->b.n))
		return -1;
	for (i = 0; i < l->n && !r; i++) {
		list_node(w->p, l, i, &n);
		if (n.nid < w->next) {
			w->broken = true;
			w->p->why = WHY_LIST;
			break;
		}
		w->next = (uint64_t)n.nid + 1;
		r = w->fn(&n, w->arg);
	}
	return r;
}

/* The depth is bounded by LEVELS. A list that can't be read costs no other:
 * what is broken is told at the end. */
static int each_list(struct each *w, uint64_t bid, uint32_t above)
{
	struct list l;
	uint32_t i;
	int r = 0;

	if (list_get(w->p, bid, above, &l)) {
		w->broken = true;
		return 0;
	}
	if (!l.level)
		r = each_node(w, &l);
	else if (pst_work(w->p, l.b.n))
		r = -1;
	for (i = 0; l.level && i < l.n && !r; i++)
		r = each_list(w, list_id(w->p, &l, i, 1), l.level);
	pst_block_put(w->p, &l.b);
	return r;
}

int pst_subnodes(struct pst *p, uint64_t sub,
                 int (*each)(const struct pst_node *n, void *arg), void *arg)
{
	struct each w = { p, each, arg, 0, false };
	int r = sub ? each_list(&w, sub, LEVELS) : 0;

	return r || !w.broken ? r : -1;
}
