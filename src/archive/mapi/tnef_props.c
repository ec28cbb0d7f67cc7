/* SPDX-License-Identifier: Apache-2.0 */
/* tnef_props.c - lists of properties in a winmail.dat; see tnef_int.h. */
#include "archive/mapi/tnef_int.h"

#include <stdlib.h>
#include <string.h>

/* --- octets -------------------------------------------------------------- */

const unsigned char *tnef_take(struct tnef_rest *r, size_t n)
{
	const unsigned char *p = r->p;

	if (n > r->n) {
		r->ended = true;
		r->n = 0;
		return NULL;
	}
	r->p += n;
	r->n -= n;
	return p;
}

static uint32_t at16(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t at32(const unsigned char *p)
{
	return at16(p) | at16(p + 2) << 16;
}

uint16_t tnef_16(struct tnef_rest *r)
{
	const unsigned char *p = tnef_take(r, 2);

	return p ? (uint16_t)at16(p) : 0;
}

uint32_t tnef_32(struct tnef_rest *r)
{
	const unsigned char *p = tnef_take(r, 4);

	return p ? at32(p) : 0;
}

/* What follows a value, to a multiple of four; the last may lack it. */
static void pad(struct tnef_rest *r, size_t n)
{
	size_t more = (4 - n % 4) % 4;

	(void)tnef_take(r, more < r->n ? more : r->n);
}

/* --- one property -------------------------------------------------------- */

#define BASE(type) ((type) & (uint16_t)~MAPI_MULTIPLE)

/* Octets of one value; 0: it is told with it; SIZE_MAX: no such type. */
static size_t width(uint16_t type)
{
	switch (BASE(type)) {
	case 0x01: /* nothing at all */
	case MAPI_SHORT:
	case MAPI_LONG:
	case MAPI_FLOAT:
	case MAPI_ERROR:
	case MAPI_BOOLEAN:
		return 4;
	case MAPI_DOUBLE:
	case MAPI_CURRENCY:
	case MAPI_APPTIME:
	case MAPI_I8:
	case MAPI_TIME:
		return 8;
	case MAPI_GUID:
		return 16;
	case MAPI_STRING8:
	case MAPI_UNICODE:
	case MAPI_BINARY:
	case MAPI_OBJECT:
		return 0;
	default:
		return SIZE_MAX;
	}
}

/* Shorts stand in four octets, several of them too. */
static bool values(struct tnef_prop *p, struct tnef_rest *r)
{
	size_t w = width(p->type);

	if (w == SIZE_MAX)
		return false;
	p->n = 1;
	if (w == 0 || p->type & MAPI_MULTIPLE)
		p->n = tnef_32(r);
	p->p = r->p;
	if (w) {
		if (p->n > r->n / w)
			return false;
		p->octets = w * p->n;
		return tnef_take(r, p->octets) != NULL;
	}
	if (p->n > r->n / 4)
		return false;
	for (uint32_t i = 0; i < p->n && !r->ended; i++) {
		size_t n = tnef_32(r);

		(void)tnef_take(r, n);
		if (!r->ended)
			pad(r, n);
	}
	p->octets = r->ended ? 0 : (size_t)(r->p - p->p);
	return !r->ended;
}

#define NAME_IS_TEXT 1u

static void name(struct tnef_prop *p, struct tnef_rest *r)
{
	p->set = tnef_take(r, 16);
	if (tnef_32(r) != NAME_IS_TEXT) {
		p->lid = tnef_32(r);
		return;
	}
	p->name_n = tnef_32(r);
	p->name = tnef_take(r, p->name_n);
	if (p->name)
		pad(r, p->name_n);
	while (p->name && p->name_n >= 2 && p->name[p->name_n - 1] == 0 &&
	       p->name[p->name_n - 2] == 0)
		p->name_n -= 2;
}

/* False: what follows can't be found. */
static bool property(struct tnef_prop *p, struct tnef_rest *r)
{
	memset(p, 0, sizeof(*p));
	p->type = tnef_16(r);
	p->id = tnef_16(r);
	if (p->id >= 0x8000 && !r->ended)
		name(p, r);
	return !r->ended && values(p, r);
}

/* --- lists --------------------------------------------------------------- */

/* There are no more ids than these; each may come twice, as an attribute and
 * as a property. */
#define PROPS_MOST 131072u

static struct tnef_prop *add(struct tnef_props *to)
{
	if (to->n == PROPS_MOST)
		return NULL;
	if (to->n == to->cap) {
		size_t cap = to->cap ? to->cap * 2 : 16;
		struct tnef_prop *v = realloc(to->v, cap * sizeof(*v));

		if (!v)
			return NULL;
		to->v = v;
		to->cap = cap;
	}
	to->v[to->n].order = to->n;
	return &to->v[to->n++];
}

int tnef_props(struct tnef_props *to, struct tnef_rest *r)
{
	uint32_t n = tnef_32(r);

	for (uint32_t i = 0; i < n; i++) {
		struct tnef_prop p, *new;

		if (!property(&p, r)) {
			to->spoilt++;
			break;
		}
		new = add(to);
		if (!new)
			return -1;
		p.order = new->order;
		*new = p;
	}
	return 0;
}

void tnef_props_skip(struct tnef_rest *r)
{
	uint32_t n = tnef_32(r);
	struct tnef_prop p;

	for (uint32_t i = 0; i < n; i++) {
		if (!property(&p, r)) {
			r->ended = true;
			return;
		}
	}
}

int tnef_props_add(struct tnef_props *p, uint16_t id, uint16_t type,
                   const void *octets, size_t n)
{
	struct tnef_prop *new = add(p);
	size_t order;

	if (!new)
		return -1;
	order = new->order;
	*new = (struct tnef_prop){ .id = id,
		                   .type = type,
		                   .bare = true,
		                   .n = 1,
		                   .p = octets,
		                   .octets = n,
		                   .order = order };
	return 0;
}

int tnef_props_add_number(struct tnef_props *p, uint16_t id, uint16_t type,
                          uint64_t number)
{
	if (tnef_props_add(p, id, type, NULL, 8))
		return -1;
	for (size_t i = 0; i < 8; i++)
		p->v[p->n - 1].own[i] = (unsigned char)(number >> 8 * i);
	return 0;
}

/* Of one id: properties before attributes, and the one that came last. */
static int by_id(const void *a, const void *b)
{
	const struct tnef_prop *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	if (x->bare != y->bare)
		return x->bare - y->bare;
	return (x->order < y->order) - (x->order > y->order);
}

void tnef_props_sort(struct tnef_props *p)
{
	size_t kept = 0;

	if (p->n == 0)
		return;
	qsort(p->v, p->n, sizeof(*p->v), by_id);
	for (size_t i = 0; i < p->n; i++) {
		if (kept == 0 || p->v[kept - 1].id != p->v[i].id)
			p->v[kept++] = p->v[i];
	}
	p->n = kept;
}

static int id_of(const void *key, const void *prop)
{
	uint16_t id = *(const uint16_t *)key;
	const struct tnef_prop *p = prop;

	return id < p->id ? -1 : id > p->id;
}

struct tnef_prop *tnef_prop_find(const struct tnef_props *p, uint16_t id)
{
	if (p->n == 0)
		return NULL;
	return bsearch(&id, p->v, p->n, sizeof(*p->v), id_of);
}

static bool is_name(const struct tnef_prop *p, const char *s)
{
	size_t n = strlen(s);

	if (!p->name || p->name_n != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (p->name[2 * i] != (unsigned char)s[i] || p->name[2 * i + 1])
			return false;
	}
	return true;
}

uint16_t tnef_prop_named(const struct tnef_props *p,
                         const unsigned char set[16], uint32_t lid,
                         const char *wanted)
{
	for (size_t i = p->n; i-- > 0 && p->v[i].id >= 0x8000;) {
		const struct tnef_prop *at = &p->v[i];

		if (!at->set || memcmp(at->set, set, 16) != 0)
			continue;
		if (wanted ? is_name(at, wanted) : !at->name && at->lid == lid)
			return at->id;
	}
	return 0;
}

/* --- values -------------------------------------------------------------- */

static void fixed(struct mapi_value *v, const unsigned char *p, uint16_t base)
{
	uint64_t wide = 0;
	uint32_t low = at32(p);
	float f;

	if (width(base) == 8)
		wide = low | (uint64_t)at32(p + 4) << 32;
	switch (base) {
	case MAPI_SHORT:
		v->number = (int16_t)low;
		break;
	case MAPI_BOOLEAN:
		v->number = (low & 0xffff) != 0;
		break;
	case MAPI_LONG:
	case MAPI_ERROR:
		v->number = (int32_t)low;
		break;
	case MAPI_FLOAT:
		memcpy(&f, &low, sizeof(f));
		v->real = f;
		break;
	case MAPI_DOUBLE:
	case MAPI_APPTIME:
		memcpy(&v->real, &wide, sizeof(v->real));
		break;
	case MAPI_GUID:
		v->p = p;
		v->n = 16;
		break;
	default:
		v->number = (int64_t)wide;
	}
}

/* Texts end at their NUL; an object has its interface's name before it. */
static void trim(struct mapi_value *v)
{
	if (v->type == MAPI_STRING8) {
		while (v->n && v->p[v->n - 1] == 0)
			v->n--;
	} else if (v->type == MAPI_UNICODE) {
		v->n -= v->n % 2;
		while (v->n && v->p[v->n - 1] == 0 && v->p[v->n - 2] == 0)
			v->n -= 2;
	} else if (v->type == MAPI_OBJECT) {
		size_t skip = v->n < 16 ? v->n : 16;

		v->p += skip;
		v->n -= skip;
	}
}

/* The octets of value i. */
static bool find(struct tnef_prop *p, size_t i, struct mapi_value *v)
{
	size_t from = p->seen <= i ? p->seen : 0;
	size_t at = from ? p->seen_at : 0;
	struct tnef_rest r = { p->p + at, p->octets - at, false };

	for (;; from++) {
		p->seen = from;
		p->seen_at = (size_t)(r.p - p->p);
		v->n = tnef_32(&r);
		v->p = tnef_take(&r, v->n);
		if (r.ended)
			return false;
		if (from == i)
			return true;
		pad(&r, v->n);
	}
}

bool tnef_prop_value(struct tnef_prop *p, size_t i, struct mapi_value *v)
{
	size_t w = width(p->type);

	if (i >= p->n)
		return false;
	v->id = p->id;
	v->type = BASE(p->type);
	if (w) {
		fixed(v, (p->p ? p->p : p->own) + i * w, v->type);
		return true;
	}
	if (p->bare) {
		v->p = p->p;
		v->n = p->octets;
	} else if (!find(p, i, v)) {
		return false;
	}
	trim(v);
	return true;
}
