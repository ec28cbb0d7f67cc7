/* SPDX-License-Identifier: Apache-2.0 */
/* orphans.c - see orphans.h. */
#include "archive/pst/orphans.h"

#include <stdlib.h>
#include <string.h>

#define SAME_MOST 16 /* messages that look the same at first sight */

/* A row of a folder's table, and the message that it agrees with. */
struct claim {
	uint32_t nid, folder;
	size_t message;
};
struct adopting {
	struct pst_folders *l;
	struct pst *p;
	struct pst_orphans o;
	bool found; /* o is filled */
	/* Contexts that may be looked at: a forged file has all rows agree
	 * with the same few. */
	uint64_t left;
	struct claim *v;
	size_t n, cap;
};

/* --- rows and messages ---------------------------------------------------- */

static bool is_same(const struct mapi_value *a, const struct mapi_value *b)
{
	return a->type == b->type && a->n == b->n && a->number == b->number &&
	       (!a->p || !b->p || memcmp(a->p, b->p, a->n) == 0);
}

/* What agrees: nothing, something, or what only this message has. */
enum agreed { AGREE_NOT, AGREE_LIKELY, AGREE_SURELY };

static enum agreed agree(const struct pst_side *row, const struct pst_side *m)
{
	static const struct {
		uint16_t id;
		enum agreed tells;
	} ids[] = {
		{ 0x300b, AGREE_SURELY }, /* search key */
		{ 0x1035, AGREE_SURELY }, /* Message-ID */
		{ 0x67f4, AGREE_SURELY }, /* number at the server */
		{ 0x0e06, AGREE_LIKELY }, /* delivered */
		{ 0x0039, AGREE_LIKELY }, /* sent */
		{ 0x3007, AGREE_LIKELY }, /* created */
		{ 0x3008, AGREE_LIKELY }, /* changed */
		{ 0x0071, AGREE_LIKELY }, /* place in the conversation */
		{ 0x001a, AGREE_NOT },    /* class */
		{ 0x0e07, AGREE_NOT },    /* flags */
	};
	enum agreed sum = AGREE_NOT;
	struct mapi_value a, b;

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		if (!pst_side_get(row, ids[i].id, &a) ||
		    !pst_side_get(m, ids[i].id, &b))
			continue;
		if (!is_same(&a, &b))
			return AGREE_NOT;
		if (ids[i].tells > sum)
			sum = ids[i].tells;
	}
	return sum;
}

static enum agreed agree_with(struct adopting *a, const struct pst_side *row,
                              uint64_t bid)
{
	struct pst_side m = { 0 };
	struct pst_pc pc;
	enum agreed r;

	if (pst_pc_open(&pc, a->p, bid, 0))
		return AGREE_NOT;
	m.pc = &pc;
	r = agree(row, &m);
	pst_pc_close(&pc);
	return r;
}

/* The message of a row: its index, SIZE_MAX: none, or it can't be told
 * which. Of a message that was changed the newest is right. */
static size_t message_of(struct adopting *a, const struct pst_side *row)
{
	const struct pst_orphan_list *l = &a->o.messages;
	uint64_t key = pst_side_key(row);
	size_t first = pst_orphans_from(l, key, 0), i, best = SIZE_MAX;
	enum agreed r, most = AGREE_NOT;
	bool several = false;

	for (i = first; i < l->n && l->v[i].key == key; i++) {
		if (i - first == SAME_MOST || a->left == 0)
			return SIZE_MAX;
		a->left--;
		r = agree_with(a, row, l->v[i].bid);
		if (r == AGREE_NOT || r < most)
			continue;
		several = r == most;
		most = r;
		best = i;
	}
	return several && most != AGREE_SURELY ? SIZE_MAX : best;
}

/* --- all rows without a node ---------------------------------------------- */

static int claim(struct adopting *a, uint32_t nid, uint32_t folder,
                 size_t message)
{
	size_t cap = a->cap ? 2 * a->cap : 64;
	struct claim *v;

	if (a->n == a->cap) {
		v = reallocarray(a->v, cap, sizeof(*v));
		if (!v)
			return -1;
		a->v = v;
		a->cap = cap;
	}
	a->v[a->n++] = (struct claim){ nid, folder, message };
	return 0;
}

/* Nothing is searched for as long as nothing is missed. */
static int look_at_row(struct adopting *a, struct pst_tc *t, size_t row,
                       uint32_t folder)
{
	const struct pst_side s = { .tc = t, .row = row };
	struct pst_node n;
	uint32_t nid;
	size_t m;

	if (pst_tc_id(t, row, &nid) || NID_TYPE(nid) != NID_MESSAGE ||
	    pst_node(a->p, nid, &n) > 0)
		return 0;
	if (!a->found) {
		if (pst_orphans_find(&a->o, a->p))
			return -1;
		a->left = SAME_MOST * (uint64_t)a->o.messages.n;
	}
	a->found = true;
	m = message_of(a, &s);
	return m == SIZE_MAX ? 0 : claim(a, nid, folder, m);
}

static int look_at_table(struct adopting *a, uint32_t folder)
{
	struct pst_node n;
	struct pst_tc t;
	int r = 0;

	if (pst_node(a->p, NID_OF(folder, NID_CONTENTS), &n) <= 0 ||
	    pst_tc_open(&t, a->p, n.data, n.sub))
		return 0;
	for (size_t i = 0; i < t.rows && a->l->rows_left && !r; i++) {
		a->l->rows_left--;
		r = look_at_row(a, &t, i, folder);
	}
	pst_tc_close(&t);
	return r;
}

static int by_message(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;

	return (x->message > y->message) - (x->message < y->message);
}

/* What two rows agree with is left: nobody knows whose it is. */
static void drop_doubtful(struct adopting *a)
{
	size_t n = 0, i, k;

	if (a->n)
		qsort(a->v, a->n, sizeof(*a->v), by_message);
	for (i = 0; i < a->n; i = k) {
		for (k = i + 1; k < a->n && a->v[k].message == a->v[i].message;)
			k++;
		if (k == i + 1)
			a->v[n++] = a->v[i];
	}
	a->n = n;
}

/* --- sub-nodes ------------------------------------------------------------ */

/* Where lists stand in most cases: before their context or behind it. */
struct habit {
	size_t before, after;
};
static int note_habit(const struct pst_node *n, void *arg)
{
	struct habit *h = arg;

	if (NID_TYPE(n->nid) != NID_MESSAGE || !n->sub)
		return 0;
	h->before += n->sub < n->data;
	h->after += n->sub > n->data;
	return 0;
}

/* With a block in between lost, it may be that of another message. */
static uint64_t near(const struct adopting *a, const struct pst_orphan *sub,
                     const struct pst_orphan *m, uint64_t key)
{
	return sub->key == key && sub->bid > m->before && sub->bid < m->after &&
	                       pst_close_by(a->p, sub->bid, m->bid)
	               ? sub->bid
	               : 0;
}

static uint64_t sub_of(const struct adopting *a, const struct pst_orphan *m,
                       const struct pst_sub_key *k, const struct habit *h)
{
	const struct pst_orphan_list *l = &a->o.subs;
	uint64_t key = k->key;
	size_t i = pst_orphans_from(l, key, 0);

	if (k->sure && a->o.unique && i < l->n && l->v[i].key == key &&
	    (i + 1 == l->n || l->v[i + 1].key != key))
		return l->v[i].bid;
	i = pst_orphans_from(l, key, m->bid);
	if (h->before > 4 * h->after)
		return i ? near(a, &l->v[i - 1], m, key) : 0;
	if (h->after > 4 * h->before)
		return i < l->n ? near(a, &l->v[i], m, key) : 0;
	return 0;
}

static struct pst_node node_of(struct adopting *a, const struct claim *c,
                               const struct habit *h)
{
	const struct pst_orphan *m = &a->o.messages.v[c->message];
	struct pst_node n = { .nid = c->nid,
		              .parent = c->folder,
		              .data = m->bid,
		              .origin = PST_LOOSE };
	struct pst_sub_key k;
	struct pst_pc pc;

	if (pst_pc_open(&pc, a->p, m->bid, 0))
		return n;
	k = pst_sub_key(&pc);
	pst_pc_close(&pc);
	n.sub = sub_of(a, m, &k, h);
	if (k.needed && !n.sub)
		n.origin = PST_LOOSE_PART;
	return n;
}

/* --- all of it ------------------------------------------------------------ */

static int by_nid(const void *a, const void *b)
{
	const struct pst_node *x = a, *y = b;

	return (x->nid > y->nid) - (x->nid < y->nid);
}

static void add(struct adopting *a)
{
	struct pst_node *v = calloc(a->n, sizeof(*v));
	struct pst_folders *l = a->l;
	uint64_t *mail = reallocarray(l->mail, l->mail_n + a->n, sizeof(*mail));
	struct habit h = { 0 };
	size_t n = 0, i;

	l->mail = mail ? mail : l->mail;
	if (!v || !mail) {
		free(v);
		return;
	}
	(void)pst_nodes(a->p, note_habit, &h);
	for (i = 0; i < a->n; i++)
		v[i] = node_of(a, &a->v[i], &h);
	qsort(v, a->n, sizeof(*v), by_nid);
	for (i = 0; i < a->n; i++)
		if (!n || v[n - 1].nid != v[i].nid) {
			mail[l->mail_n++] =
			        (uint64_t)v[i].parent << 32 | v[i].nid;
			v[n++] = v[i];
		}
	pst_nodes_add(a->p, v, n);
}

void pst_orphans_adopt(struct pst_folders *l)
{
	struct adopting a = { .l = l, .p = l->file->p };
	int r = 0;

	if (!a.p->rescued)
		return;
	for (size_t i = 1; i < l->n && !r; i++)
		if (NID_TYPE(l->v[i].nid) == NID_FOLDER)
			r = look_at_table(&a, l->v[i].nid);
	drop_doubtful(&a);
	if (a.n)
		add(&a);
	pst_orphans_release(&a.o);
	free(a.v);
}
