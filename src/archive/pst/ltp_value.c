/* SPDX-License-Identifier: Apache-2.0 */
/* ltp_value.c - see ltp_int.h. Types: [MS-PST] 2.1.3, 2.3.3.4. */
#include "archive/pst/ltp_int.h"

#include <stdlib.h>
#include <string.h>

#define TYPE_NULL 0x01
#define TYPE_SERVER_ID 0xfb
#define TYPE_RESTRICTION 0xfd
#define TYPE_RULE 0xfe
/* A value that must be in memory as a whole. */
#define WHOLE_MOST (UINT32_C(1) << 20)

const unsigned char ltp_forms[LTP_TYPES] = {
	[TYPE_NULL] = LTP_NONE,          [MAPI_SHORT] = LTP_INLINE,
	[MAPI_LONG] = LTP_INLINE,        [MAPI_FLOAT] = LTP_INLINE,
	[MAPI_ERROR] = LTP_INLINE,       [MAPI_BOOLEAN] = LTP_INLINE,
	[MAPI_DOUBLE] = LTP_EIGHT,       [MAPI_CURRENCY] = LTP_EIGHT,
	[MAPI_APPTIME] = LTP_EIGHT,      [MAPI_I8] = LTP_EIGHT,
	[MAPI_TIME] = LTP_EIGHT,         [MAPI_GUID] = LTP_GUID,
	[MAPI_STRING8] = LTP_OCTETS,     [MAPI_UNICODE] = LTP_OCTETS,
	[MAPI_BINARY] = LTP_OCTETS,      [TYPE_SERVER_ID] = LTP_OCTETS,
	[TYPE_RESTRICTION] = LTP_OCTETS, [TYPE_RULE] = LTP_OCTETS,
	[LTP_BYTES] = LTP_OCTETS,        [MAPI_OBJECT] = LTP_OBJECT,
};

enum ltp_form ltp_form_of_many(uint16_t type)
{
	enum ltp_form f = ltp_form(type & (uint16_t)~MAPI_MULTIPLE);

	if (f == LTP_INLINE || f == LTP_EIGHT || f == LTP_GUID)
		return LTP_FIXED_MANY;
	return f == LTP_OCTETS ? LTP_OCTETS_MANY : LTP_BAD;
}

static int wrong(struct pst *p)
{
	p->why = "a property of it is damaged";
	return -1;
}

/* Of LTP_INLINE and LTP_EIGHT. */
static size_t width(uint16_t type)
{
	if (ltp_form(type) == LTP_EIGHT)
		return 8;
	return type == MAPI_BOOLEAN ? 1 : type == MAPI_SHORT ? 2 : 4;
}

static double real8(const unsigned char *p)
{
	uint64_t bits = ltp_64(p);
	double d;

	memcpy(&d, &bits, sizeof(d));
	return d;
}

static double real4(const unsigned char *p)
{
	uint32_t bits = ltp_32(p);
	float f;

	memcpy(&f, &bits, sizeof(f));
	return (double)f;
}

int ltp_number(struct mapi_value *v, const unsigned char *p, size_t n)
{
	if (n < width(v->type))
		return -1;
	switch (v->type) {
	case MAPI_BOOLEAN:
		v->number = p[0] != 0;
		break;
	case MAPI_SHORT:
		v->number = (int16_t)ltp_16(p);
		break;
	case MAPI_FLOAT:
		v->real = real4(p);
		break;
	case MAPI_DOUBLE:
	case MAPI_APPTIME:
		v->real = real8(p);
		break;
	case MAPI_ERROR:
		v->number = ltp_32(p);
		break;
	case MAPI_LONG:
		v->number = (int32_t)ltp_32(p);
		break;
	default:
		v->number = (int64_t)ltp_64(p);
		break;
	}
	return 1;
}

/* --- octets -------------------------------------------------------------- */

int ltp_node(struct ltp_heap *h, uint16_t type, uint32_t hnid,
             struct pst_node *out)
{
	struct ltp_span place;
	int r;

	if (hnid == 0)
		return 0;
	if (NID_TYPE(hnid) == NID_HID) {
		/* A PtypObject's nid and size ([MS-PST] 2.3.3.5). */
		if (type != MAPI_OBJECT)
			return 0;
		if (ltp_heap_item(h, hnid, &place))
			return -1;
		if (place.n < 4)
			return wrong(h->p);
		hnid = ltp_32(place.p);
	}
	if (hnid == 0)
		return 0;
	r = h->sub ? pst_subnode(h->p, h->sub, hnid, out) : 0;
	if (r == 0) {
		h->p->why = "a part of it is not in the file";
		return -1;
	}
	return r;
}

static const struct ltp_copy *copied(const struct ltp_heap *h, uint32_t nid)
{
	const struct ltp_copy *c = h->copies;

	while (c && c->nid != nid)
		c = c->next;
	return c;
}

static int copy(struct ltp_heap *h, struct pst_data *d, uint32_t nid,
                struct ltp_span *out)
{
	size_t n = (size_t)d->size;
	struct ltp_copy *c = malloc(sizeof(*c) + n);
	ssize_t r;

	if (!c) {
		h->p->why = "there is not enough memory for it";
		return -1;
	}
	r = pst_data_read(d, 0, c->p, n);
	if (r < 0 || (size_t)r < n) {
		free(c);
		return r < 0 ? -1 : wrong(h->p);
	}
	c->nid = nid;
	c->n = n;
	c->next = h->copies;
	h->copies = c;
	h->octets += n;
	out->p = c->p;
	out->n = n;
	return 0;
}

/* A sub-node's octets if there are at most most of them; else out->p is NULL
 * and out->n tells how many. */
static int from_node(struct ltp_heap *h, uint32_t nid, size_t most,
                     struct ltp_span *out)
{
	struct pst_node node;
	struct pst_data d;
	int r;

	if (ltp_node(h, MAPI_BINARY, nid, &node) < 1)
		return -1;
	if (pst_data_open(&d, h->p, node.data))
		return -1;
	out->p = NULL;
	out->n = (size_t)d.size;
	if (d.size == 0 || d.size > most)
		r = 0;
	else if (d.blocks == 1)
		r = ltp_heap_block(h, &d, 0, LTP_OF_NODE(nid), out);
	else
		r = copy(h, &d, nid, out);
	pst_data_close(&d);
	return r;
}

static const struct ltp_held *held(const struct ltp_heap *h, uint32_t nid)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->held[i].what == LTP_OF_NODE(nid))
			return &h->held[i];
	return NULL;
}

static int octets(struct ltp_heap *h, uint32_t hnid, size_t most,
                  struct ltp_span *out)
{
	const struct ltp_copy *c;
	const struct ltp_held *b;

	if (NID_TYPE(hnid) == NID_HID)
		return ltp_heap_item(h, hnid, out);
	b = held(h, hnid);
	if (b) {
		out->p = b->b.p;
		out->n = b->b.n;
		return 0;
	}
	c = copied(h, hnid);
	if (c) {
		out->p = c->p;
		out->n = c->n;
		return 0;
	}
	return from_node(h, hnid, most, out);
}

/* --- values -------------------------------------------------------------- */

static int texts(struct ltp_heap *h, uint32_t hnid, struct mapi_value *v)
{
	struct ltp_span s;

	if (octets(h, hnid, MAPI_SHORT_MOST, &s))
		return -1;
	v->p = s.p;
	v->n = s.n;
	v->stream = !s.p && s.n > 0;
	return 1;
}

static int eight(struct ltp_heap *h, uint32_t hid, struct mapi_value *v)
{
	struct ltp_span s;

	if (hid == 0 || ltp_heap_item(h, hid, &s))
		return wrong(h->p);
	return ltp_number(v, s.p, s.n) == 1 ? 1 : wrong(h->p);
}

static int guid(struct ltp_heap *h, uint32_t hnid, struct mapi_value *v)
{
	struct ltp_span s;

	if (octets(h, hnid, MAPI_SHORT_MOST, &s) || s.n < 16 || !s.p)
		return wrong(h->p);
	v->p = s.p;
	v->n = 16;
	return 1;
}

/* How many octets it has is read where it is opened: the file's own word
 * for it counts other things too. */
static int object(struct ltp_heap *h, uint32_t hnid, struct mapi_value *v)
{
	struct pst_node node;
	struct pst_data d;
	int r = ltp_node(h, MAPI_OBJECT, hnid, &node);

	if (r < 1)
		return r;
	v->stream = true;
	if (pst_data_open(&d, h->p, node.data))
		return -1;
	v->n = (size_t)d.size;
	pst_data_close(&d);
	return 1;
}

static size_t width_of_many(uint16_t type)
{
	type &= (uint16_t)~MAPI_MULTIPLE;
	return type == MAPI_GUID ? 16 : width(type);
}

static int many(struct ltp_heap *h, uint32_t hnid, struct mapi_value *v)
{
	struct ltp_span s;

	if (octets(h, hnid, WHOLE_MOST, &s))
		return -1;
	if (!s.p && s.n > 0) {
		h->p->why = "a property of it is too long";
		return -1;
	}
	if (ltp_form(v->type) == LTP_FIXED_MANY)
		v->n = s.n / width_of_many(v->type);
	else if (s.n >= 4)
		v->n = ltp_32(s.p);
	if (v->n > s.n)
		return wrong(h->p);
	return 1;
}

int ltp_value(struct ltp_heap *h, uint32_t hnid, struct mapi_value *v)
{
	unsigned char here[] = { hnid & 0xff, hnid >> 8 & 0xff,
		                 hnid >> 16 & 0xff, hnid >> 24 };

	if (v->type == LTP_BYTES)
		v->type = MAPI_BINARY;
	switch (ltp_form(v->type)) {
	case LTP_INLINE:
		return ltp_number(v, here, sizeof(here));
	case LTP_EIGHT:
		return eight(h, hnid, v);
	case LTP_GUID:
		return guid(h, hnid, v);
	case LTP_OCTETS:
		return texts(h, hnid, v);
	case LTP_OBJECT:
		return object(h, hnid, v);
	case LTP_FIXED_MANY:
	case LTP_OCTETS_MANY:
		return many(h, hnid, v);
	case LTP_NONE:
		return 0;
	case LTP_BAD:
		break;
	}
	h->p->why = "a property of it has a type that there isn't";
	return -1;
}

static int fixed_at(struct pst *p, const struct ltp_span *s, size_t i,
                    struct mapi_value *v)
{
	size_t each = width_of_many(v->type);

	if (i >= s->n / each)
		return 0;
	v->type &= (uint16_t)~MAPI_MULTIPLE;
	if (v->type != MAPI_GUID)
		return ltp_number(v, s->p + i * each, each) ? 1 : wrong(p);
	v->p = s->p + i * each;
	v->n = each;
	return 1;
}

/* [MS-PST] 2.3.3.4.2 */
static int octets_at(struct pst *p, const struct ltp_span *s, size_t i,
                     struct mapi_value *v)
{
	size_t n = s->n < 4 ? 0 : ltp_32(s->p);
	size_t from, to;

	if (i >= n)
		return 0;
	if (n > (s->n - 4) / 4)
		return wrong(p);
	from = ltp_32(s->p + 4 + i * 4);
	to = i + 1 < n ? ltp_32(s->p + 4 + (i + 1) * 4) : s->n;
	if (from > to || to > s->n)
		return wrong(p);
	v->type &= (uint16_t)~MAPI_MULTIPLE;
	v->p = s->p + from;
	v->n = to - from;
	return 1;
}

int ltp_value_at(struct ltp_heap *h, uint32_t hnid, size_t i,
                 struct mapi_value *v)
{
	enum ltp_form form = ltp_form(v->type);
	struct ltp_span s;

	if (form != LTP_FIXED_MANY && form != LTP_OCTETS_MANY)
		return 0;
	if (octets(h, hnid, WHOLE_MOST, &s))
		return -1;
	if (!s.p)
		return s.n ? wrong(h->p) : 0;
	return form == LTP_FIXED_MANY ? fixed_at(h->p, &s, i, v)
	                              : octets_at(h->p, &s, i, v);
}
