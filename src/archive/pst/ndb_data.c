/* SPDX-License-Identifier: Apache-2.0 */
/* ndb_data.c - see ndb_int.h. */
#include <limits.h>
#include <stdlib.h>

#include "archive/pst/ndb_int.h"

/* A list of bids: an XBLOCK (level 1) or XXBLOCK (level 2). */
#define HEAD 8u
struct list {
	struct pst_block b;
	uint32_t n, level;
	uint64_t octets; /* lcbTotal */
};

/* What is behind d->tree where the octets are more than one block. */
struct tree {
	struct list top;
	/* Of an XXBLOCK: blocks and octets before each of its XBLOCKs. */
	struct before {
		uint64_t octets;
		size_t blocks;
	} * before;
	struct list x; /* the XBLOCK at hand */
	uint32_t x_i;
	/* The block in x that was read last, and where it begins. */
	uint32_t i;
	uint64_t start;
};

static int list_get(struct pst *p, uint64_t bid, uint32_t above, struct list *l)
{
	if (!NDB_INTERNAL(bid))
		return ndb_fail(p, WHY_LIST);
	if (pst_block_get(p, bid, &l->b))
		return -1;
	if (l->b.n >= HEAD && l->b.p[0] == 1 && l->b.p[1] &&
	    l->b.p[1] < above) {
		l->level = l->b.p[1];
		l->n = ndb_u16(l->b.p + 2);
		l->octets = ndb_u32(l->b.p + 4);
		if ((uint64_t)l->n * p->ndb->f->id <= l->b.n - HEAD)
			return 0;
	}
	pst_block_put(p, &l->b);
	return ndb_fail(p, WHY_LIST);
}

static uint64_t list_bid(const struct pst *p, const struct list *l, uint32_t i)
{
	const struct ndb_format *f = p->ndb->f;

	return ndb_id(f, l->b.p + HEAD + (size_t)i * f->id);
}

/* Blocks are not packed but with pages of 4 kB, so octets that are more than
 * the file is long can't all be there. */
static int believable(struct pst *p, const struct list *l, uint64_t *octets)
{
	uint64_t most = (uint64_t)l->n * p->ndb->f->most;

	if (p->four_k)
		most = (uint64_t)l->n * 65536;
	*octets += l->octets < most ? l->octets : most;
	if (*octets / (p->four_k ? 128 : 1) <= p->size)
		return 0;
	return ndb_fail(p, p->declared > p->size ? WHY_CUT : WHY_LIST);
}

/* Counts what each XBLOCK has. */
static int count(struct pst_data *d, struct tree *t)
{
	struct pst *p = d->p;
	struct list x;
	uint32_t i;
	int r;

	t->before = calloc((size_t)t->top.n + 1, sizeof(*t->before));
	if (!t->before)
		return ndb_fail(p, WHY_MEMORY);
	for (i = 0; i < t->top.n; i++) {
		t->before[i].blocks = d->blocks;
		t->before[i].octets = d->size;
		if (list_get(p, list_bid(p, &t->top, i), 2, &x))
			return -1;
		d->blocks += x.n;
		r = believable(p, &x, &d->size);
		pst_block_put(p, &x.b);
		if (r || pst_work(p, HEAD + (uint64_t)x.n * 8))
			return -1;
	}
	t->before[i].blocks = d->blocks;
	t->before[i].octets = d->size;
	return 0;
}

static int open_tree(struct pst_data *d, uint64_t bid)
{
	struct tree *t = calloc(1, sizeof(*t));

	d->tree = t;
	if (!t)
		return ndb_fail(d->p, WHY_MEMORY);
	if (list_get(d->p, bid, 3, &t->top))
		return -1;
	if (t->top.level == 2)
		return count(d, t);
	d->blocks = t->top.n;
	t->x = t->top;
	ndb_block_hold(&t->x.b);
	return believable(d->p, &t->top, &d->size);
}

int pst_data_open(struct pst_data *d, struct pst *p, uint64_t bid)
{
	memset(d, 0, sizeof(*d));
	d->p = p;
	if (!NDB_BID(bid))
		return 0;
	if (NDB_INTERNAL(bid)) {
		if (!open_tree(d, bid))
			return 0;
		pst_data_close(d);
		return -1;
	}
	if (pst_block_get(p, bid, &d->one))
		return -1;
	d->size = d->one.n;
	d->blocks = 1;
	return 0;
}

void pst_data_close(struct pst_data *d)
{
	struct tree *t = d->tree;

	if (!d->p)
		return;
	pst_block_put(d->p, &d->one);
	if (t) {
		pst_block_put(d->p, &t->top.b);
		pst_block_put(d->p, &t->x.b);
		free(t->before);
	}
	free(t);
	memset(d, 0, sizeof(*d));
}

/* Makes the i-th XBLOCK the one at hand. */
static int turn_to(struct pst_data *d, uint32_t i)
{
	struct tree *t = d->tree;
	struct list x;

	if (t->x.b.held && t->x_i == i)
		return 0;
	if (list_get(d->p, list_bid(d->p, &t->top, i), 2, &x))
		return -1;
	pst_block_put(d->p, &t->x.b);
	t->x = x;
	t->x_i = i;
	t->i = 0;
	t->start = t->before[i].octets;
	return 0;
}

/* The last XBLOCK that begins at or before this block or octet. */
static uint32_t x_of(const struct tree *t, size_t block, uint64_t at)
{
	uint32_t lo = 0, hi = t->top.n, mid;

	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		if (t->before[mid].blocks <= block &&
		    t->before[mid].octets <= at)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

int pst_data_block(struct pst_data *d, size_t i, struct pst_block *out)
{
	struct tree *t = d->tree;

	if (i >= d->blocks)
		return ndb_fail(d->p, WHY_LIST);
	if (!t) {
		*out = d->one;
		ndb_block_hold(out);
		return 0;
	}
	if (t->before) {
		if (turn_to(d, x_of(t, i, NDB_ENDLESS)))
			return -1;
		i -= t->before[t->x_i].blocks;
		if (i >= t->x.n)
			return ndb_fail(d->p, WHY_LIST);
	}
	return pst_block_get(d->p, list_bid(d->p, &t->x, (uint32_t)i), out);
}

static int size_of(struct pst_data *d, uint32_t i, uint64_t *size)
{
	struct tree *t = d->tree;
	struct ndb_place at;
	int r = ndb_block_place(d->p, list_bid(d->p, &t->x, i), &at);

	if (r > 0)
		*size = at.size;
	else if (!r)
		d->p->why = d->p->declared > d->p->size ? WHY_CUT : WHY_GONE;
	return r > 0 ? 0 : -1;
}

/* Goes to the block in which the octet at stands: 1, 0: the XBLOCK ends
 * before it, -1. */
static int seek(struct pst_data *d, uint64_t at)
{
	struct tree *t = d->tree;
	uint64_t size;

	if (at < t->start) {
		t->start = t->before ? t->before[t->x_i].octets : 0;
		t->i = 0;
	}
	for (; t->i < t->x.n; t->i++, t->start += size) {
		if (size_of(d, t->i, &size))
			return -1;
		if (at - t->start < size)
			return 1;
	}
	return 0;
}

/* Octets at an offset out of one block. */
static ssize_t read_some(struct pst_data *d, uint64_t at, void *to, size_t n)
{
	struct tree *t = d->tree;
	struct pst_block b;
	uint64_t off;
	int r;

	if (t->before && turn_to(d, x_of(t, SIZE_MAX, at)))
		return -1;
	r = seek(d, at);
	if (r <= 0)
		return r < 0 ? -1 : ndb_fail(d->p, WHY_LIST);
	if (pst_block_get(d->p, list_bid(d->p, &t->x, t->i), &b))
		return -1;
	off = at - t->start;
	if (off < b.n) {
		n = n < b.n - off ? n : (size_t)(b.n - off);
		memcpy(to, b.p + off, n);
	} else {
		n = 0;
	}
	pst_block_put(d->p, &b);
	return n ? (ssize_t)n : ndb_fail(d->p, WHY_LIST);
}

ssize_t pst_data_read(struct pst_data *d, uint64_t at, void *p, size_t n)
{
	unsigned char *to = p;
	size_t got = 0;
	ssize_t r;

	if (at >= d->size)
		return 0;
	if (n > d->size - at)
		n = (size_t)(d->size - at);
	if (n > SSIZE_MAX || pst_work(d->p, n))
		return -1;
	if (!d->tree) {
		memcpy(to, d->one.p + at, n);
		return (ssize_t)n;
	}
	for (; got < n; got += (size_t)r) {
		r = read_some(d, at + got, to + got, n - got);
		if (r < 0)
			return -1;
	}
	return (ssize_t)got;
}
