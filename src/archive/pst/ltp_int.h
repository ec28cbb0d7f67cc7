/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ltp_int.h - what ltp_*.c share: a heap on a node ([MS-PST] 2.3.1), the
 * B-tree in it (2.3.2), and values by HID or nid.
 *
 * Octets that are given out stand in blocks that the heap holds on to until
 * ltp_heap_rest() or its close.
 */
#ifndef MAILHAUL_ARCHIVE_PST_LTP_INT_H
#define MAILHAUL_ARCHIVE_PST_LTP_INT_H

#include "archive/mapi/mapi.h"
#include "archive/pst/ndb.h"

static inline uint16_t ltp_16(const unsigned char *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t ltp_32(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static inline uint64_t ltp_64(const unsigned char *p)
{
	return ltp_32(p) | (uint64_t)ltp_32(p + 4) << 32;
}

struct ltp_span {
	const unsigned char *p;
	size_t n;
};

/* A block in use. What: the i-th of the heap, of the rows, or the only one
 * of a sub-node's. */
#define LTP_OF_HEAP(i) ((uint64_t)(i))
#define LTP_OF_ROWS(i) (UINT64_C(1) << 40 | (uint64_t)(i))
#define LTP_OF_NODE(nid) (UINT64_C(2) << 40 | (uint64_t)(nid))
struct ltp_held {
	uint64_t what;
	struct pst_block b;
};
#define LTP_FEW 4

/* A value of several blocks, copied. */
struct ltp_copy {
	struct ltp_copy *next;
	uint32_t nid;
	size_t n;
	unsigned char p[];
};

struct ltp_heap {
	struct pst *p;
	uint64_t sub;
	struct pst_data d;
	uint32_t root;
	struct ltp_held few[LTP_FEW], *held;
	size_t n, cap;
	size_t octets; /* of what is held, and of copies */
	struct ltp_copy *copies;
};

/* -1: h->p->why. */
int ltp_heap_open(struct ltp_heap *h, struct pst *p, uint64_t data,
                  uint64_t sub);
void ltp_heap_close(struct ltp_heap *h);
/* What was given out is not needed any more; does nothing as long as that is
 * little. */
void ltp_heap_rest(struct ltp_heap *h);
/* An allocation. HID 0: no octets. */
int ltp_heap_item(struct ltp_heap *h, uint32_t hid, struct ltp_span *out);
/* Block i of d, held. */
int ltp_heap_block(struct ltp_heap *h, struct pst_data *d, size_t i,
                   uint64_t what, struct ltp_span *out);

/* Leaf by leaf, the records of a B-tree: n octets, whole records. Leaves
 * that can't be read are counted in *lost. -1: there is no tree, memory, or
 * each wanted no more. */
int ltp_btree(struct ltp_heap *h, uint32_t hid, size_t key, size_t value,
              int (*each)(const unsigned char *records, size_t n, void *arg),
              void *arg, unsigned *lost);

#define LTP_BYTES 0x2102 /* BINARY, as some caches mark it: the last type */
#define LTP_TYPES (LTP_BYTES + 1u)
/* How values of a type stand in the file. */
enum ltp_form {
	LTP_BAD,
	LTP_NONE,   /* Null: no value */
	LTP_INLINE, /* at most 4 octets */
	LTP_EIGHT,  /* 8 octets: in a context by HID, in a row inline */
	LTP_GUID,
	LTP_OCTETS, /* texts, BINARY: by HID or nid */
	LTP_OBJECT,
	LTP_FIXED_MANY, /* values one behind the other */
	LTP_OCTETS_MANY /* count, offsets, octets */
};
extern const unsigned char ltp_forms[LTP_TYPES];
enum ltp_form ltp_form_of_many(uint16_t type);
static inline enum ltp_form ltp_form(uint16_t type)
{
	if (type & MAPI_MULTIPLE)
		return ltp_form_of_many(type);
	return type < LTP_TYPES ? ltp_forms[type] : LTP_BAD;
}

/* v->type is given. 1, 0, -1 with h->p->why. */
int ltp_number(struct mapi_value *v, const unsigned char *p, size_t n);
int ltp_value(struct ltp_heap *h, uint32_t hnid, struct mapi_value *v);
/* Value i of many; the same. */
int ltp_value_at(struct ltp_heap *h, uint32_t hnid, size_t i,
                 struct mapi_value *v);
/* The node of a long value, or of a PtypObject. 1, 0, -1. */
int ltp_node(struct ltp_heap *h, uint16_t type, uint32_t hnid,
             struct pst_node *out);

#endif
