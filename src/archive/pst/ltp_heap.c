/* SPDX-License-Identifier: Apache-2.0 */
/* ltp_heap.c - see ltp_int.h. */
#include "archive/pst/ltp_int.h"

#include <stdlib.h>
#include <string.h>

#define HEAP_SIGN 0xec
#define BTREE_SIGN 0xb5
/* What may be held at a time; only a forged heap needs more. */
#define HELD_MOST (UINT32_C(8) << 20)
#define REST_FROM (UINT32_C(256) << 10)
#define LEVELS_MOST 8u

static int no_memory(struct pst *p)
{
	p->why = "there is not enough memory for it";
	return -1;
}

/* --- blocks in use ------------------------------------------------------- */

static void let_go(struct ltp_heap *h)
{
	struct ltp_copy *c;

	for (size_t i = 0; i < h->n; i++)
		pst_block_put(h->p, &h->held[i].b);
	while ((c = h->copies)) {
		h->copies = c->next;
		free(c);
	}
	h->n = 0;
	h->octets = 0;
}

void ltp_heap_rest(struct ltp_heap *h)
{
	if (h->octets >= REST_FROM)
		let_go(h);
}

static int more_held(struct ltp_heap *h)
{
	size_t cap = h->cap * 4 + LTP_FEW;
	struct ltp_held *v =
	        realloc(h->held == h->few ? NULL : h->held, cap * sizeof(*v));

	if (!v)
		return no_memory(h->p);
	if (h->held == h->few)
		memcpy(v, h->few, h->n * sizeof(*v));
	h->held = v;
	h->cap = cap;
	return 0;
}

/* NULL: it is not held. */
static const struct ltp_held *find_held(const struct ltp_heap *h, uint64_t what)
{
	for (size_t i = h->n; i > 0; i--)
		if (h->held[i - 1].what == what)
			return &h->held[i - 1];
	return NULL;
}

int ltp_heap_block(struct ltp_heap *h, struct pst_data *d, size_t i,
                   uint64_t what, struct ltp_span *out)
{
	const struct ltp_held *had = find_held(h, what);
	struct ltp_held *got;

	if (!had) {
		if (h->octets > HELD_MOST) {
			h->p->why = "its properties are too long";
			return -1;
		}
		if (h->n == h->cap && more_held(h))
			return -1;
		got = &h->held[h->n];
		if (pst_data_block(d, i, &got->b))
			return -1;
		got->what = what;
		h->octets += got->b.n;
		h->n++;
		had = got;
	}
	out->p = had->b.p;
	out->n = had->b.n;
	return 0;
}

/* --- the heap ------------------------------------------------------------ */

static int no_heap(struct pst *p)
{
	p->why = "a table of its properties is damaged";
	return -1;
}

int ltp_heap_open(struct ltp_heap *h, struct pst *p, uint64_t data,
                  uint64_t sub)
{
	struct ltp_span head;

	h->p = p;
	h->sub = sub;
	h->held = h->few;
	h->n = 0;
	h->cap = LTP_FEW;
	h->octets = 0;
	h->copies = NULL;
	if (pst_data_open(&h->d, p, data))
		return -1;
	if (h->d.blocks == 0) {
		no_heap(p);
	} else if (ltp_heap_block(h, &h->d, 0, LTP_OF_HEAP(0), &head) == 0) {
		if (head.n >= 12 && head.p[2] == HEAP_SIGN) {
			h->root = ltp_32(head.p + 4);
			return 0;
		}
		no_heap(p);
	}
	ltp_heap_close(h);
	return -1;
}

void ltp_heap_close(struct ltp_heap *h)
{
	let_go(h);
	if (h->held != h->few)
		free(h->held);
	h->held = h->few;
	pst_data_close(&h->d);
}

int ltp_heap_item(struct ltp_heap *h, uint32_t hid, struct ltp_span *out)
{
	unsigned bits = h->p->four_k ? 19 : 16;
	size_t block = hid >> bits;
	size_t index = (hid & ((1u << bits) - 1)) >> 5;
	struct ltp_span b;
	size_t map, from, to;

	out->p = NULL;
	out->n = 0;
	if (hid == 0)
		return 0;
	if (NID_TYPE(hid) != NID_HID || index == 0 || block >= h->d.blocks)
		return no_heap(h->p);
	if (h->n && h->held[0].what == LTP_OF_HEAP(block)) {
		b.p = h->held[0].b.p;
		b.n = h->held[0].b.n;
	} else if (ltp_heap_block(h, &h->d, block, LTP_OF_HEAP(block), &b)) {
		return -1;
	}
	if (b.n < 2)
		return no_heap(h->p);
	map = ltp_16(b.p);
	if (map + 4 > b.n || index > ltp_16(b.p + map) ||
	    map + 4 + (index + 1) * 2 > b.n)
		return no_heap(h->p);
	from = ltp_16(b.p + map + 4 + (index - 1) * 2);
	to = ltp_16(b.p + map + 4 + index * 2);
	if (from > to || to > map)
		return no_heap(h->p);
	out->p = b.p + from;
	out->n = to - from;
	return 0;
}

/* --- B-trees in it ------------------------------------------------------- */

/* HIDs of the pages of a level. */
struct level {
	uint32_t *v;
	size_t n, cap, most;
};

static int add_pages(struct level *l, const struct ltp_span *page, size_t key)
{
	size_t each = key + 4, n = page->n / each;

	if (n > l->most - l->n)
		n = l->most - l->n;
	if (l->n + n > l->cap) {
		size_t cap = (l->n + n) * 2;
		uint32_t *v = realloc(l->v, cap * sizeof(*v));

		if (!v)
			return -1;
		l->v = v;
		l->cap = cap;
	}
	for (size_t i = 0; i < n; i++)
		l->v[l->n++] = ltp_32(page->p + i * each + key);
	return 0;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Each page once, in the order of the file: that a forged tree comes back
 * to the same pages costs nothing. */
static void each_once(struct level *l)
{
	size_t n = 0;

	qsort(l->v, l->n, sizeof(*l->v), by_number);
	for (size_t i = 0; i < l->n; i++)
		if (i == 0 || l->v[i] != l->v[n - 1])
			l->v[n++] = l->v[i];
	l->n = n;
}

static int next_level(struct ltp_heap *h, struct level *l, size_t key,
                      unsigned *lost)
{
	struct level below = { .most = l->most };
	struct ltp_span page;
	int r = 0;

	for (size_t i = 0; i < l->n && r == 0; i++) {
		ltp_heap_rest(h);
		if (ltp_heap_item(h, l->v[i], &page))
			++*lost;
		else
			r = add_pages(&below, &page, key);
	}
	free(l->v);
	*l = below;
	if (l->n)
		each_once(l);
	return r;
}

static int leaf(struct ltp_heap *h, const struct ltp_span *page, size_t record,
                int (*each)(const unsigned char *, size_t, void *), void *arg)
{
	size_t n = page->n - page->n % record;

	if (pst_work(h->p, page->n))
		return -1;
	return n ? each(page->p, n, arg) : 0;
}

static int leaves(struct ltp_heap *h, const struct level *l, size_t record,
                  int (*each)(const unsigned char *, size_t, void *), void *arg,
                  unsigned *lost)
{
	struct ltp_span page;

	for (size_t i = 0; i < l->n; i++) {
		ltp_heap_rest(h);
		if (ltp_heap_item(h, l->v[i], &page)) {
			++*lost;
			continue;
		}
		if (leaf(h, &page, record, each, arg))
			return -1;
	}
	return 0;
}

static int deep_tree(struct ltp_heap *h, uint32_t root, unsigned levels,
                     size_t key, size_t value,
                     int (*each)(const unsigned char *, size_t, void *),
                     void *arg, unsigned *lost)
{
	struct level l = { .v = malloc(sizeof(*l.v)), .n = 1, .cap = 1 };
	int r = 0;

	if (!l.v)
		return no_memory(h->p);
	l.v[0] = root;
	/* Pages stand in this heap, and have a record each. */
	l.most = h->d.size / (key + 4) + 1;
	for (; levels > 0 && r == 0; levels--)
		r = next_level(h, &l, key, lost);
	if (r == 0)
		r = leaves(h, &l, key + value, each, arg, lost);
	else
		no_memory(h->p);
	free(l.v);
	return r;
}

int ltp_btree(struct ltp_heap *h, uint32_t hid, size_t key, size_t value,
              int (*each)(const unsigned char *records, size_t n, void *arg),
              void *arg, unsigned *lost)
{
	struct ltp_span head, page;
	unsigned levels;
	uint32_t root;

	if (ltp_heap_item(h, hid, &head))
		return -1;
	if (head.n < 8 || head.p[0] != BTREE_SIGN || head.p[1] != key ||
	    head.p[2] != value || head.p[3] > LEVELS_MOST)
		return no_heap(h->p);
	levels = head.p[3];
	root = ltp_32(head.p + 4);
	if (root == 0)
		return 0;
	if (levels)
		return deep_tree(h, root, levels, key, value, each, arg, lost);
	if (ltp_heap_item(h, root, &page))
		return -1;
	return leaf(h, &page, key + value, each, arg);
}
