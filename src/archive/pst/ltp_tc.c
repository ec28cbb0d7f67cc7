/* SPDX-License-Identifier: Apache-2.0 */
/* ltp_tc.c - table contexts ([MS-PST] 2.3.4); see ltp.h. */
#include <stdlib.h>
#include <string.h>

#include "archive/pst/ltp.h"
#include "archive/pst/ltp_int.h"

#define TABLE_SIGN 0x7c
#define HEAD 22 /* TCINFO without its columns */
#define COLUMN 8

struct column {
	uint16_t at;
	uint8_t size, bit;
};

struct table {
	struct ltp_heap heap;
	uint32_t *tags; /* ascending by id; behind them: */
	struct column *columns;
	size_t n;
	size_t row, bits; /* octets of a row, and where its bits begin */
	/* The rows: in the heap, or a sub-node's blocks. */
	uint32_t hid;
	bool apart;
	struct pst_data rows;
	size_t per; /* rows of a block */
	/* Which rows of those there are, ascending; NULL: all of them. */
	uint32_t *used;
};

static void spoil(struct pst_tc *t)
{
	t->spoilt++;
	t->why = t->p->why;
}

static int wrong(struct pst_tc *t)
{
	t->p->why = "a table in it is damaged";
	return -1;
}

static int no_memory(struct pst_tc *t)
{
	t->p->why = "there is not enough memory for it";
	return -1;
}

/* --- columns ------------------------------------------------------------- */

/* By id; there are few, and most files have them in order. */
static void insert(struct table *b, uint32_t tag, const struct column *c)
{
	size_t i = b->n++;

	for (; i > 0 && b->tags[i - 1] > tag; i--) {
		b->tags[i] = b->tags[i - 1];
		b->columns[i] = b->columns[i - 1];
	}
	b->tags[i] = tag;
	b->columns[i] = *c;
}

static int read_columns(struct pst_tc *t, const struct ltp_span *info)
{
	struct table *b = t->table;
	size_t n = info->p[1];

	if (n > (info->n - HEAD) / COLUMN)
		n = (info->n - HEAD) / COLUMN;
	b->tags = malloc((n + 1) * (sizeof(*b->tags) + sizeof(*b->columns)));
	if (!b->tags)
		return no_memory(t);
	b->columns = (struct column *)(b->tags + n + 1);
	for (size_t i = 0; i < n; i++) {
		const unsigned char *p = info->p + HEAD + i * COLUMN;
		struct column c = { ltp_16(p + 4), p[6], p[7] };

		if ((size_t)c.at + c.size > b->bits ||
		    c.bit / 8u >= b->row - b->bits) {
			wrong(t);
			spoil(t);
			continue;
		}
		insert(b, ltp_32(p), &c);
	}
	return 0;
}

/* --- rows ---------------------------------------------------------------- */

static int rows_apart(struct pst_tc *t, uint32_t nid, size_t *rows)
{
	struct table *b = t->table;
	struct pst_node n;
	struct pst_block block;
	size_t first, last;

	if (ltp_node(&b->heap, MAPI_BINARY, nid, &n) < 1 ||
	    pst_data_open(&b->rows, t->p, n.data))
		return -1;
	b->apart = true;
	if (b->rows.blocks == 0)
		return 0;
	/* All blocks but the last one are full ([MS-PST] 2.3.4.4); a first
	 * one that is lost is as long as others are. */
	first = t->p->four_k ? 65512 : t->p->ansi ? 8180 : 8176;
	last = (size_t)b->rows.size;
	if (b->rows.blocks > 1) {
		if (pst_data_block(&b->rows, 0, &block) == 0) {
			first = block.n;
			pst_block_put(t->p, &block);
		}
		last = last > first * (b->rows.blocks - 1)
		               ? last - first * (b->rows.blocks - 1)
		               : 0;
	}
	b->per = b->rows.blocks > 1 ? first / b->row : last / b->row;
	if (b->per)
		*rows = b->per * (b->rows.blocks - 1) + last / b->row;
	return 0;
}

static int find_rows(struct pst_tc *t, uint32_t hnid, size_t *rows)
{
	struct table *b = t->table;
	struct ltp_span s;

	*rows = 0;
	b->hid = hnid;
	if (NID_TYPE(hnid) != NID_HID)
		return rows_apart(t, hnid, rows);
	if (ltp_heap_item(&b->heap, hnid, &s))
		return -1;
	*rows = s.n / b->row;
	return 0;
}

/* The index tells which rows of the matrix are in use. */
struct index {
	struct pst_tc *t;
	size_t record, rows, n, cap;
	uint32_t *v;
};

static int count_rows(const unsigned char *records, size_t n, void *arg)
{
	struct index *x = arg;

	(void)records;
	x->n += n / x->record;
	return 0;
}

static int note_rows(const unsigned char *records, size_t n, void *arg)
{
	struct index *x = arg;

	for (size_t i = 0; i + x->record <= n; i += x->record) {
		const unsigned char *p = records + i + 4;
		uint32_t row = x->record == 6 ? ltp_16(p) : ltp_32(p);

		if (row < x->rows && x->n < x->cap)
			x->v[x->n++] = row;
	}
	return 0;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void keep_rows(struct pst_tc *t, struct index *x)
{
	struct table *b = t->table;
	size_t n = 0;

	if (x->n)
		qsort(x->v, x->n, sizeof(*x->v), by_number);
	for (size_t i = 0; i < x->n; i++)
		if (n == 0 || x->v[i] != x->v[n - 1])
			x->v[n++] = x->v[i];
	b->used = x->v;
	x->v = NULL;
	t->rows = n;
}

/* Healthy tables use all of their rows. */
static int read_index(struct pst_tc *t, uint32_t hid, size_t rows)
{
	struct table *b = t->table;
	struct index x = { .t = t, .rows = rows };
	unsigned lost = 0;
	size_t value = t->p->ansi ? 2 : 4;
	int r;

	t->rows = rows;
	x.record = 4 + value;
	if (!hid)
		return 0;
	r = ltp_btree(&b->heap, hid, 4, value, count_rows, &x, &lost);
	if (r || lost || x.n > rows) {
		wrong(t);
		spoil(t);
		return 0;
	}
	if (x.n == rows)
		return 0;
	x.cap = x.n;
	x.n = 0;
	x.v = calloc(x.cap + 1, sizeof(*x.v));
	if (!x.v)
		return no_memory(t);
	r = ltp_btree(&b->heap, hid, 4, value, note_rows, &x, &lost);
	if (r == 0)
		keep_rows(t, &x);
	free(x.v);
	return r;
}

/* --- opening ------------------------------------------------------------- */

static int read_table(struct pst_tc *t)
{
	struct table *b = t->table;
	struct ltp_span info;
	uint32_t index, hnid;
	size_t rows;

	if (ltp_heap_item(&b->heap, b->heap.root, &info))
		return -1;
	if (info.n < HEAD || info.p[0] != TABLE_SIGN)
		return wrong(t);
	b->bits = ltp_16(info.p + 6);
	b->row = ltp_16(info.p + 8);
	index = ltp_32(info.p + 10);
	hnid = ltp_32(info.p + 14);
	if (b->row < 4 || b->bits < 4 || b->bits > b->row)
		return wrong(t);
	if (read_columns(t, &info) || find_rows(t, hnid, &rows))
		return -1;
	return read_index(t, index, rows);
}

int pst_tc_open(struct pst_tc *t, struct pst *p, uint64_t data, uint64_t sub)
{
	struct table *b = malloc(sizeof(*b));

	memset(t, 0, sizeof(*t));
	t->p = p;
	t->data = data;
	t->sub = sub;
	if (!b)
		return no_memory(t);
	*b = (struct table){ 0 };
	if (ltp_heap_open(&b->heap, p, data, sub)) {
		free(b);
		return -1;
	}
	t->table = b;
	if (read_table(t)) {
		pst_tc_close(t);
		return -1;
	}
	return 0;
}

void pst_tc_close(struct pst_tc *t)
{
	struct table *b = t->table;

	if (b) {
		ltp_heap_close(&b->heap);
		if (b->apart)
			pst_data_close(&b->rows);
		free(b->tags);
		free(b->used);
		free(b);
	}
	t->table = NULL;
	t->rows = 0;
}

/* --- cells --------------------------------------------------------------- */

void pst_tc_rest(struct pst_tc *t)
{
	struct table *b = t->table;

	if (!t->pinned)
		ltp_heap_rest(&b->heap);
}

static const unsigned char *row_octets(struct pst_tc *t, size_t row)
{
	struct table *b = t->table;
	struct ltp_span s;
	size_t block = 0;
	int r;

	if (row >= t->rows || pst_work(t->p, b->row))
		return NULL;
	pst_tc_rest(t);
	if (b->used)
		row = b->used[row];
	if (b->apart) {
		block = row / b->per;
		row %= b->per;
		r = ltp_heap_block(&b->heap, &b->rows, block,
		                   LTP_OF_ROWS(block), &s);
	} else {
		r = ltp_heap_item(&b->heap, b->hid, &s);
	}
	if (r)
		return NULL;
	if ((row + 1) * b->row <= s.n)
		return s.p + row * b->row;
	wrong(t);
	return NULL;
}

int pst_tc_id(struct pst_tc *t, size_t row, uint32_t *id)
{
	const unsigned char *p = row_octets(t, row);

	if (!p)
		return -1;
	*id = ltp_32(p);
	return 0;
}

/* 0: no such column. */
static size_t find_column(const struct table *b, uint16_t id)
{
	size_t from = 0, to = b->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (b->tags[mid] >> 16 < id)
			from = mid + 1;
		else
			to = mid;
	}
	return from < b->n && b->tags[from] >> 16 == id ? from + 1 : 0;
}

static int cell(struct pst_tc *t, const unsigned char *p, size_t size,
                struct mapi_value *v)
{
	struct table *b = t->table;
	enum ltp_form form = ltp_form(v->type);

	if (form == LTP_INLINE || form == LTP_EIGHT)
		return ltp_number(v, p, size) == 1 ? 1 : wrong(t);
	if (form == LTP_GUID && size == 16) {
		v->p = p;
		v->n = 16;
		return 1;
	}
	if (size != 4)
		return wrong(t);
	return ltp_value(&b->heap, ltp_32(p), v);
}

/* 1, 0, -1 */
static int find_cell(struct pst_tc *t, size_t row, uint16_t id,
                     const unsigned char **out, const struct column **column)
{
	const struct table *b = t->table;
	size_t i = find_column(b, id);
	const unsigned char *p;
	const struct column *c;

	if (i == 0)
		return 0;
	p = row_octets(t, row);
	if (!p)
		return -1;
	c = &b->columns[i - 1];
	if (!(p[b->bits + c->bit / 8u] & 0x80u >> c->bit % 8u))
		return 0;
	*out = p + c->at;
	*column = c;
	return 1;
}

int pst_tc_get(struct pst_tc *t, size_t row, uint16_t id, struct mapi_value *v)
{
	const struct table *b = t->table;
	const struct column *c = NULL;
	const unsigned char *p = NULL;
	int r = find_cell(t, row, id, &p, &c);

	memset(v, 0, sizeof(*v));
	v->id = id;
	if (r == 1) {
		v->type = b->tags[c - b->columns] & 0xffff;
		r = cell(t, p, c->size, v);
	}
	if (r < 0)
		spoil(t);
	return r;
}

int pst_tc_at(struct pst_tc *t, size_t row, uint16_t id, size_t i,
              struct mapi_value *v)
{
	struct table *b = t->table;
	const struct column *c = NULL;
	const unsigned char *p = NULL;
	int r = find_cell(t, row, id, &p, &c);

	memset(v, 0, sizeof(*v));
	v->id = id;
	if (r == 1) {
		v->type = b->tags[c - b->columns] & 0xffff;
		r = c->size == 4 ? ltp_value_at(&b->heap, ltp_32(p), i, v)
		                 : wrong(t);
	}
	if (r < 0)
		spoil(t);
	return r;
}

int pst_tc_stream(struct pst_tc *t, size_t row, uint16_t id,
                  struct pst_data *out)
{
	struct table *b = t->table;
	const struct column *c = NULL;
	const unsigned char *p = NULL;
	struct pst_node n;
	int r = find_cell(t, row, id, &p, &c);

	if (r == 1)
		r = c->size == 4 ? ltp_node(&b->heap,
		                            b->tags[c - b->columns] & 0xffff,
		                            ltp_32(p), &n)
		                 : wrong(t);
	if (r == 1)
		r = pst_data_open(out, t->p, n.data) ? -1 : 1;
	if (r < 0)
		spoil(t);
	return r == 1 ? 0 : -1;
}

const uint32_t *pst_tc_columns(const struct pst_tc *t, size_t *n)
{
	const struct table *b = t->table;

	*n = b->n;
	return b->tags;
}
