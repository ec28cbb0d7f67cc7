/* SPDX-License-Identifier: Apache-2.0 */
/* ltp.c - property contexts ([MS-PST] 2.3.3); see ltp.h. */
#include "archive/pst/ltp.h"

#include <stdlib.h>
#include <string.h>

#include "archive/pst/ltp_int.h"

#define RECORD 8 /* id, type, value */
#define IDS (UINT32_C(1) << 16)
#define WAYS 256u
#define WAY(id) ((id)*40503u >> 8 & (WAYS - 1))

/* Behind c->heap. */
struct context {
	struct ltp_heap heap; /* first */
	/* The first property of each hash of an id, + 1. */
	uint16_t at[WAYS];
};

static void spoil(struct pst_pc *c)
{
	c->spoilt++;
	c->why = c->p->why;
}

/* --- opening ------------------------------------------------------------- */

struct reading {
	struct pst_pc *c;
	size_t cap, most;
	bool sorted;
};

static int room(struct reading *r, size_t n)
{
	struct pst_prop *v;

	if (r->c->n + n <= r->cap)
		return 0;
	r->cap = r->c->n + n;
	v = realloc(r->c->v, r->cap * sizeof(*v));
	if (!v) {
		r->c->p->why = "there is not enough memory for it";
		return -1;
	}
	r->c->v = v;
	return 0;
}

/* Forged pages may lie over each other: there are no more records than the
 * heap has room for. */
static int read_props(const unsigned char *records, size_t n, void *arg)
{
	struct reading *r = arg;
	struct pst_pc *c = r->c;

	n /= RECORD;
	if (n > r->most - c->n)
		n = r->most - c->n;
	if (room(r, n))
		return -1;
	for (; n > 0; n--, records += RECORD) {
		struct pst_prop *p = &c->v[c->n];

		p->id = ltp_16(records);
		p->type = ltp_16(records + 2);
		p->value = ltp_32(records + 4);
		if (c->n > 0 && p[-1].id >= p->id)
			r->sorted = false;
		c->n++;
	}
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const struct pst_prop *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static void sort_props(struct pst_pc *c)
{
	size_t n = 0;

	qsort(c->v, c->n, sizeof(*c->v), by_id);
	for (size_t i = 0; i < c->n; i++)
		if (i == 0 || c->v[i].id != c->v[n - 1].id)
			c->v[n++] = c->v[i];
	c->n = n;
}

static void check_props(struct pst_pc *c, uint16_t at[WAYS])
{
	for (size_t i = 0; i < c->n; i++) {
		uint16_t *way = &at[WAY(c->v[i].id)];

		if (!*way)
			*way = (uint16_t)(i + 1);
		if (ltp_form(c->v[i].type) == LTP_BAD) {
			c->v[i].type = 0;
			c->p->why = "a property of it has no known type";
			spoil(c);
		}
	}
}

static int read_heap(struct pst_pc *c, struct context *x)
{
	struct reading r = { .c = c, .sorted = true };
	struct ltp_heap *h = &x->heap;
	unsigned lost = 0;

	r.most =
	        h->d.size / RECORD < IDS ? (size_t)h->d.size / RECORD : IDS - 1;
	if (ltp_btree(h, h->root, 2, RECORD - 2, read_props, &r, &lost))
		return -1;
	if (!r.sorted)
		sort_props(c);
	memset(x->at, 0, sizeof(x->at));
	check_props(c, x->at);
	for (; lost > 0; lost--)
		spoil(c);
	return 0;
}

int pst_pc_open(struct pst_pc *c, struct pst *p, uint64_t data, uint64_t sub)
{
	struct context *x = malloc(sizeof(*x));

	memset(c, 0, sizeof(*c));
	c->p = p;
	c->data = data;
	c->sub = sub;
	if (!x) {
		p->why = "there is not enough memory for it";
		return -1;
	}
	if (ltp_heap_open(&x->heap, p, data, sub)) {
		free(x);
		return -1;
	}
	c->heap = x;
	if (read_heap(c, x)) {
		pst_pc_close(c);
		return -1;
	}
	return 0;
}

void pst_pc_close(struct pst_pc *c)
{
	if (c->heap) {
		ltp_heap_close(c->heap);
		free(c->heap);
	}
	free(c->v);
	c->heap = NULL;
	c->v = NULL;
	c->n = 0;
}

/* --- values -------------------------------------------------------------- */

static const struct pst_prop *look_up(const struct pst_pc *c, uint16_t id)
{
	const struct context *x = c->heap;
	size_t from = x->at[WAY(id)], to = c->n;

	/* Most are asked for in vain. */
	if (!from--)
		return NULL;
	if (c->v[from].id == id)
		return &c->v[from];
	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (c->v[mid].id < id)
			from = mid + 1;
		else
			to = mid;
	}
	return from < c->n && c->v[from].id == id ? &c->v[from] : NULL;
}

/* One that could not be read is marked by a type that there isn't: it is
 * counted once, and stays so. */
static int told(struct pst_pc *c, const struct pst_prop *p, int r)
{
	if (r < 0) {
		c->v[p - c->v].type = 0;
		spoil(c);
	}
	return r;
}

/* 1, 0: there is none, -1: it can't be read. */
static int find(struct pst_pc *c, uint16_t id, const struct pst_prop **out)
{
	*out = look_up(c, id);
	if (!*out)
		return 0;
	if ((*out)->type)
		return 1;
	c->p->why = c->why;
	return -1;
}

int pst_pc_get(struct pst_pc *c, uint16_t id, struct mapi_value *v)
{
	const struct pst_prop *p;
	int r = find(c, id, &p);

	if (r < 1)
		return r;
	memset(v, 0, sizeof(*v));
	v->id = id;
	v->type = p->type;
	return told(c, p, ltp_value(c->heap, p->value, v));
}

int pst_pc_at(struct pst_pc *c, uint16_t id, size_t i, struct mapi_value *v)
{
	const struct pst_prop *p;
	int r = find(c, id, &p);

	if (r < 1)
		return r;
	memset(v, 0, sizeof(*v));
	v->id = id;
	v->type = p->type;
	return told(c, p, ltp_value_at(c->heap, p->value, i, v));
}

int pst_pc_object(struct pst_pc *c, uint16_t id, struct pst_node *out)
{
	const struct pst_prop *p;
	int r = find(c, id, &p);

	if (r < 1)
		return r;
	return told(c, p, ltp_node(c->heap, p->type, p->value, out));
}

int pst_pc_stream(struct pst_pc *c, uint16_t id, struct pst_data *out)
{
	const struct pst_prop *p;
	struct pst_node n;
	int r = find(c, id, &p);

	if (r == 1) {
		r = ltp_node(c->heap, p->type, p->value, &n);
		if (r == 1 && pst_data_open(out, c->p, n.data))
			r = -1;
		r = told(c, p, r);
	}
	return r == 1 ? 0 : -1;
}
