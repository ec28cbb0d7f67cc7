/* SPDX-License-Identifier: Apache-2.0 */
/* orphans_find.c - see orphans.h. */
#include <stdlib.h>
#include <string.h>

#include "archive/pst/ltp_int.h"
#include "archive/pst/orphans.h"
#include "mime/mix.h"

#define PID_CLASS 0x001a
#define PID_SUBJECT 0x0037
#define PID_DELIVERED 0x0e06
#define PID_CC 0x0e03
#define PID_TO 0x0e04
#define PID_FLAGS 0x0e07
#define HAS_ATTACHMENTS 0x10
#define SUBJECT_PART 128 /* octets of it in a key */

bool pst_side_get(const struct pst_side *s, uint16_t id, struct mapi_value *v)
{
	int r = s->pc ? pst_pc_get(s->pc, id, v)
	              : pst_tc_get(s->tc, s->row, id, v);

	return r == 1 && !v->stream;
}

/* Octets of what tells how long its "Re: " is ([MS-PST] 2.5.3.1.1.1): not
 * every program repeats it in the row. */
static size_t width_of(const struct mapi_value *subject)
{
	return subject->type == MAPI_UNICODE ? 4 : 2;
}

uint64_t pst_side_key(const struct pst_side *s)
{
	unsigned char text[SUBJECT_PART + 8] = { 0 };
	struct mapi_value v;
	size_t skip;

	if (pst_side_get(s, PID_DELIVERED, &v) && v.type == MAPI_TIME)
		memcpy(text, &v.number, sizeof(v.number));
	if (pst_side_get(s, PID_SUBJECT, &v) && v.p) {
		skip = v.n >= 4 && v.p[0] == 1 ? width_of(&v) : 0;
		v.n -= skip;
		memcpy(text + 8, v.p + skip,
		       v.n < SUBJECT_PART ? v.n : SUBJECT_PART);
	}
	return mix_of(text, sizeof(text));
}

/* --- keys of sub-nodes ---------------------------------------------------- */

static uint64_t key_of_nid(uint32_t nid)
{
	return mix_of(&nid, sizeof(nid));
}

static bool is_apart(const struct pst_prop *p)
{
	enum ltp_form f = ltp_form(p->type);

	return f >= LTP_EIGHT && f != LTP_OBJECT && p->value &&
	       NID_TYPE(p->value) != NID_HID;
}

static bool is_empty(struct pst_pc *pc, uint16_t id)
{
	struct mapi_value v;

	return pst_pc_get(pc, id, &v) != 1 || v.n <= 2;
}

struct pst_sub_key pst_sub_key(struct pst_pc *pc)
{
	struct mapi_value flags = { 0 };
	struct pst_sub_key k = { 0 };

	for (size_t i = 0; i < pc->n; i++)
		if (is_apart(&pc->v[i]))
			k.key += key_of_nid(pc->v[i].value);
	k.sure = k.key != 0;
	(void)pst_pc_get(pc, PID_FLAGS, &flags);
	k.needed = k.sure || flags.number & HAS_ATTACHMENTS ||
	           !is_empty(pc, PID_TO) || !is_empty(pc, PID_CC);
	return k;
}

static int add_nid(const struct pst_node *n, void *arg)
{
	uint64_t *key = arg;

	*key += NID_TYPE(n->nid) == NID_LTP ? key_of_nid(n->nid) : 0;
	return 0;
}

/* --- the lists ------------------------------------------------------------ */

struct finding {
	struct pst_orphans *o;
	struct pst *p;
};

static int add(struct pst_orphan_list *l, const struct pst_orphan *one)
{
	size_t cap = l->cap ? 2 * l->cap : 64;
	struct pst_orphan *v;

	if (l->n == l->cap) {
		v = reallocarray(l->v, cap, sizeof(*v));
		if (!v)
			return -1;
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = *one;
	return 0;
}

static int look_sub(struct finding *f, uint64_t bid)
{
	struct pst_orphan one = { .bid = bid };

	if (pst_subnodes(f->p, bid, add_nid, &one.key))
		return 0;
	return add(&f->o->subs, &one);
}

static int look_context(struct finding *f, uint64_t bid)
{
	struct pst_orphan one = { .bid = bid, .after = UINT64_MAX };
	struct pst_orphan_list *l = &f->o->messages;
	struct mapi_value v;
	struct pst_side s = { 0 };
	struct pst_pc pc;
	int r = 0;

	if (pst_pc_open(&pc, f->p, bid, 0))
		return 0;
	s.pc = &pc;
	if (pst_side_get(&s, PID_CLASS, &v)) {
		one.key = pst_side_key(&s);
		if (l->n) {
			one.before = l->v[l->n - 1].bid;
			l->v[l->n - 1].after = bid;
		}
		r = add(l, &one);
	}
	pst_pc_close(&pc);
	return r;
}

/* What a block is, by its first octets: [MS-PST] 2.2.2.8.3, 2.3.1.2. */
static int look(uint64_t bid, void *arg)
{
	struct finding *f = arg;
	unsigned char head[4] = { 0 };
	struct pst_block b;
	struct pst_data d;

	if (bid & 2) {
		if (pst_block_get(f->p, bid, &b))
			return 0;
		memcpy(head, b.p, b.n < 4 ? b.n : 4);
		pst_block_put(f->p, &b);
		if (head[0] == 2)
			return look_sub(f, bid);
	}
	if (pst_data_open(&d, f->p, bid))
		return 0;
	if (d.blocks && !pst_data_block(&d, 0, &b)) {
		memcpy(head, b.p, b.n < 4 ? b.n : 4);
		pst_block_put(f->p, &b);
	}
	pst_data_close(&d);
	return head[2] == 0xec && head[3] == 0xbc ? look_context(f, bid) : 0;
}

static int by_key(const void *a, const void *b)
{
	const struct pst_orphan *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->bid > y->bid) - (x->bid < y->bid);
}

/* A list that is out of date repeats them as well. */
static bool is_unique(const struct pst_orphan_list *l)
{
	size_t same = 0;

	for (size_t i = 1; i < l->n; i++)
		same += l->v[i].key == l->v[i - 1].key && l->v[i].key;
	return same <= l->n / 2;
}

int pst_orphans_find(struct pst_orphans *o, struct pst *p)
{
	struct finding f = { .o = o, .p = p };

	memset(o, 0, sizeof(*o));
	if (pst_roots(p, look, &f))
		return -1;
	if (o->messages.n)
		qsort(o->messages.v, o->messages.n, sizeof(*o->messages.v),
		      by_key);
	if (o->subs.n)
		qsort(o->subs.v, o->subs.n, sizeof(*o->subs.v), by_key);
	o->unique = is_unique(&o->subs);
	return 0;
}

void pst_orphans_release(struct pst_orphans *o)
{
	free(o->messages.v);
	free(o->subs.v);
	memset(o, 0, sizeof(*o));
}

size_t pst_orphans_from(const struct pst_orphan_list *l, uint64_t key,
                        uint64_t bid)
{
	const struct pst_orphan want = { .key = key, .bid = bid };
	size_t lo = 0, hi = l->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (by_key(&l->v[mid], &want) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}
