/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts, tables, names and messages of a small Unicode file that is made
 * here ([MS-PST] 2.2, 2.3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "archive/pst/object.h"

/* --- a file -------------------------------------------------------------- */

struct file {
	unsigned char p[65536];
	size_t n;
	unsigned char blocks[20][24], nodes[15][32];
	unsigned blocks_n, nodes_n;
};

static void put(unsigned char *p, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)(v >> 8 * i);
}

static uint32_t sum(const unsigned char *p, size_t n)
{
	return (uint32_t)crc32(0xffffffff, p, (uInt)n) ^ 0xffffffff;
}

static unsigned sign(uint64_t ib, uint64_t bid)
{
	uint64_t v = ib ^ bid;

	return (unsigned)((v >> 16 ^ v) & 0xffff);
}

static uint64_t block(struct file *f, const void *p, size_t n, bool internal)
{
	uint64_t bid = 4 * (f->blocks_n + 1) | (internal ? 2 : 0);
	size_t ib = (f->n + 63) / 64 * 64;
	size_t end = (ib + n + 16 + 63) / 64 * 64;
	unsigned char *e = f->blocks[f->blocks_n++];

	assert_true(end < sizeof(f->p) && f->blocks_n <= 20);
	memcpy(f->p + ib, p, n);
	put(f->p + end - 16, n, 2);
	put(f->p + end - 14, sign(ib, bid), 2);
	put(f->p + end - 12, sum(p, n), 4);
	put(f->p + end - 8, bid, 8);
	put(e, bid, 8);
	put(e + 8, ib, 8);
	put(e + 16, n, 2);
	put(e + 18, 2, 2);
	f->n = end;
	return bid;
}

/* Sub-nodes {nid, data, sub}, ascending. */
static uint64_t subnodes(struct file *f, const uint64_t v[][3], size_t n)
{
	unsigned char p[512] = { 2, 0, (unsigned char)n };

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < 3; k++)
			put(p + 8 + i * 24 + k * 8, v[i][k], 8);
	return block(f, p, 8 + n * 24, true);
}

static void node(struct file *f, uint32_t nid, uint64_t data, uint64_t sub)
{
	unsigned char *e = f->nodes[f->nodes_n++];

	put(e, nid, 8);
	put(e + 8, data, 8);
	put(e + 16, sub, 8);
}

static size_t page(struct file *f, const void *e, size_t size, unsigned n,
                   unsigned type, uint64_t bid)
{
	size_t ib = (f->n + 511) / 512 * 512;
	unsigned char *p = f->p + ib;

	memcpy(p, e, size * n);
	p[488] = (unsigned char)n;
	p[489] = (unsigned char)(488 / size);
	p[490] = (unsigned char)size;
	p[496] = p[497] = (unsigned char)type;
	put(p + 498, sign(ib, bid), 2);
	put(p + 500, sum(p, 496), 4);
	put(p + 504, bid, 8);
	f->n = ib + 512;
	return ib;
}

static struct pst *finish(struct file *f)
{
	const char *why = NULL;
	struct pst *p = NULL;
	size_t nbt = page(f, f->nodes, 32, f->nodes_n, 0x81, 0x1001);
	size_t bbt = page(f, f->blocks, 24, f->blocks_n, 0x80, 0x1005);
	int fd = memfd_create("pst", MFD_CLOEXEC);

	put(f->p, 0x4e444221, 4);
	put(f->p + 8, 0x4d53, 2);
	put(f->p + 10, 23, 2);
	put(f->p + 184, f->n, 8);
	put(f->p + 216, 0x1001, 8);
	put(f->p + 224, nbt, 8);
	put(f->p + 232, 0x1005, 8);
	put(f->p + 240, bbt, 8);
	put(f->p + 4, sum(f->p + 8, 471), 4);
	put(f->p + 524, sum(f->p + 8, 516), 4);
	assert_int_equal(write(fd, f->p, f->n), f->n);
	assert_int_equal(pst_open(&p, fd, NULL, NULL, &why), PST_OPEN);
	assert_int_equal(p->doubts, 0);
	return p;
}

static void start(struct file *f)
{
	memset(f, 0, sizeof(*f));
	f->n = 1024;
}

static void done(struct pst *p)
{
	int fd = p->fd;

	pst_close(&p);
	close(fd);
}

/* --- heaps --------------------------------------------------------------- */

struct heap {
	unsigned char p[4096];
	size_t n, ends[64];
	unsigned items;
};

static uint32_t item(struct heap *h, const void *p, size_t n)
{
	if (h->items == 0)
		h->n = 12;
	if (n)
		memcpy(h->p + h->n, p, n);
	h->ends[h->items++] = h->n += n;
	return h->items << 5;
}

static uint64_t heap(struct file *f, struct heap *h, unsigned client,
                     uint32_t root)
{
	size_t map = (h->n + 1) / 2 * 2;

	put(h->p, map, 2);
	h->p[2] = 0xec;
	h->p[3] = (unsigned char)client;
	put(h->p + 4, root, 4);
	put(h->p + map, h->items, 2);
	put(h->p + map + 4, 12, 2);
	for (unsigned i = 0; i < h->items; i++)
		put(h->p + map + 6 + 2 * (size_t)i, h->ends[i], 2);
	return block(f, h->p, map + 6 + 2 * (size_t)h->items, false);
}

static uint32_t tree(struct heap *h, const void *records, size_t n,
                     unsigned key, unsigned value)
{
	unsigned char head[8] = { 0xb5, (unsigned char)key,
		                  (unsigned char)value };

	put(head + 4, n ? item(h, records, n) : 0, 4);
	return item(h, head, sizeof(head));
}

struct prop {
	uint16_t id, type;
	uint32_t value;
};

static uint64_t context(struct file *f, struct heap *h, const struct prop *v,
                        size_t n)
{
	unsigned char records[256];

	for (size_t i = 0; i < n; i++) {
		put(records + i * 8, v[i].id, 2);
		put(records + i * 8 + 2, v[i].type, 2);
		put(records + i * 8 + 4, v[i].value, 4);
	}
	return heap(f, h, 0xbc, tree(h, records, n * 8, 2, 6));
}

/* Two columns besides id and version: 0x0c15, a number, and 0x3001, a text.
 * index: the rows that there are. */
#define ROW 17
static uint64_t table(struct file *f, struct heap *h, const void *rows,
                      size_t n, const uint32_t index[][2], size_t indexed)
{
	static const unsigned char columns[][8] = {
		{ 0x03, 0, 0x15, 0x0c, 8, 0, 4, 2 },
		{ 0x1f, 0, 0x01, 0x30, 12, 0, 4, 3 },
		{ 0x03, 0, 0xf2, 0x67, 0, 0, 4, 0 },
		{ 0x03, 0, 0xf3, 0x67, 4, 0, 4, 1 },
		/* One that no row has room for. */
		{ 0x03, 0, 0xf4, 0x67, 15, 0, 4, 4 },
	};
	unsigned char info[22 + sizeof(columns)] = { 0x7c, 5,  16, 0,  16,
		                                     0,    16, 0,  ROW };

	put(info + 10, tree(h, index, indexed * 8, 4, 4), 4);
	put(info + 14, item(h, rows, n * ROW), 4);
	memcpy(info + 22, columns, sizeof(columns));
	return heap(f, h, 0x7c, item(h, info, sizeof(info)));
}

/* --- tests --------------------------------------------------------------- */

#define TEXT u"Grüße"
#define TEXT_N (sizeof(TEXT) - 2)

static void values_of(struct pst_pc *c)
{
	struct mapi_value v;
	unsigned char got[16];
	struct pst_data d;

	assert_int_equal(pst_pc_get(c, 0x0001, &v), 1);
	assert_int_equal(v.number, -2);
	assert_int_equal(pst_pc_get(c, 0x0002, &v), 1);
	assert_int_equal(v.number, 1);
	assert_int_equal(pst_pc_get(c, 0x0003, &v), 1);
	assert_int_equal(v.number, 0x0102030405060708);
	assert_int_equal(pst_pc_get(c, 0x0037, &v), 1);
	assert_int_equal(v.n, TEXT_N);
	assert_memory_equal(v.p, TEXT, TEXT_N);
	assert_int_equal(pst_pc_get(c, 0x003d, &v), 1);
	assert_true(v.n == 0 && !v.stream);
	assert_int_equal(pst_pc_get(c, 0x1000, &v), 1);
	assert_true(v.p && v.n == 3000 && !v.stream);
	assert_int_equal(pst_pc_get(c, 0x1013, &v), 1);
	assert_true(!v.p && v.n == 5000 && v.stream);
	assert_int_equal(pst_pc_stream(c, 0x1013, &d), 0);
	assert_int_equal(pst_data_read(&d, 4990, got, sizeof(got)), 10);
	assert_memory_equal(got, "zzzzzzzzzz", 10);
	pst_data_close(&d);
	assert_int_equal(pst_pc_get(c, 0x7777, &v), 0);
}

static void many_of(struct pst_pc *c)
{
	struct mapi_value v;

	assert_int_equal(pst_pc_get(c, 0x0004, &v), 1);
	assert_true(v.type == (MAPI_LONG | MAPI_MULTIPLE) && v.n == 2);
	assert_int_equal(pst_pc_at(c, 0x0004, 1, &v), 1);
	assert_true(v.type == MAPI_LONG && v.number == 7);
	assert_int_equal(pst_pc_at(c, 0x0004, 2, &v), 0);
	assert_int_equal(pst_pc_get(c, 0x0005, &v), 1);
	assert_int_equal(v.n, 2);
	assert_int_equal(pst_pc_at(c, 0x0005, 0, &v), 1);
	assert_true(v.n == 1 && *v.p == 'a');
	assert_int_equal(pst_pc_at(c, 0x0005, 1, &v), 1);
	assert_true(v.n == 2 && memcmp(v.p, "bc", 2) == 0);
	/* Its second offset leads nowhere. */
	assert_int_equal(pst_pc_at(c, 0x0006, 0, &v), -1);
}

/* What can't be read is counted once each, and nothing else is lost. */
static void spoilt_of(struct pst_pc *c)
{
	struct mapi_value v;

	assert_int_equal(c->spoilt, 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pst_pc_get(c, 0x0e00, &v), -1);
		assert_int_equal(pst_pc_get(c, 0x0e01, &v), -1);
		assert_int_equal(pst_pc_get(c, 0x0e02, &v), -1);
	}
	assert_int_equal(c->spoilt, 3);
	assert_non_null(c->why);
}

static void contexts(void **state)
{
	static const unsigned char when[] = { 8, 7, 6, 5, 4, 3, 2, 1 };
	static const unsigned char longs[] = { 5, 0, 0, 0, 7, 0, 0, 0 };
	static const unsigned char texts[] = { 2,  0, 0, 0, 12,  0,   0,  0,
		                               13, 0, 0, 0, 'a', 'b', 'c' };
	static const unsigned char wild[] = { 2, 0, 0, 0,    12,   0,  0,
		                              0, 9, 9, 0xff, 0xff, 'a' };
	static unsigned char octets[5000];
	struct file *f = test_malloc(sizeof(*f));
	struct heap h = { .n = 12 };
	struct pst_pc c;
	struct pst *p;
	uint64_t subs[2][3] = { { 0x401 << 5 | NID_LTP },
		                { 0x402 << 5 | NID_LTP } };
	uint64_t data, sub;

	(void)state;
	start(f);
	memset(octets, 'z', sizeof(octets));
	subs[0][1] = block(f, octets, 3000, false);
	subs[1][1] = block(f, octets, 5000, false);
	data = context(
	        f, &h,
	        (struct prop[]){
	                { 0x0001, MAPI_LONG, 0xfffffffe },
	                { 0x0002, MAPI_BOOLEAN, 1 },
	                { 0x0003, MAPI_TIME, item(&h, when, sizeof(when)) },
	                { 0x0004, MAPI_MULTIPLE | MAPI_LONG,
	                  item(&h, longs, sizeof(longs)) },
	                { 0x0005, MAPI_MULTIPLE | MAPI_STRING8,
	                  item(&h, texts, sizeof(texts)) },
	                { 0x0006, MAPI_MULTIPLE | MAPI_STRING8,
	                  item(&h, wild, sizeof(wild)) },
	                { 0x0037, MAPI_UNICODE, item(&h, TEXT, TEXT_N) },
	                { 0x003d, MAPI_UNICODE, 0 },
	                { 0x0e00, 0, 0 },
	                { 0x0e01, MAPI_UNICODE, 60 << 5 },
	                { 0x0e02, MAPI_BINARY, 0x999 << 5 | NID_LTP },
	                { 0x1000, MAPI_STRING8, 0x401 << 5 | NID_LTP },
	                { 0x1013, MAPI_BINARY, 0x402 << 5 | NID_LTP } },
	        13);
	sub = subnodes(f, subs, 2);
	node(f, NID_STORE, data, sub);
	p = finish(f);
	assert_int_equal(pst_pc_open(&c, p, data, sub), 0);
	assert_int_equal(c.n, 13);
	values_of(&c);
	spoilt_of(&c);
	many_of(&c);
	pst_pc_close(&c);
	done(p);
	test_free(f);
}

/* Three rows; the second is in use no more. The first has no number. */
static const unsigned char rows[3 * ROW] = {
	0x25, 0x80, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 0x20, 0, 0, 0, 0xd0, /**/
	0x45, 0x80, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 0x20, 0, 0, 0, 0xf0, /**/
	0x65, 0x80, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 0,    0, 0, 0, 0xe0,
};
static const uint32_t in_use[][2] = { { 0x8025, 0 }, { 0x8065, 2 } };

static void tables(void **state)
{
	struct file *f = test_malloc(sizeof(*f));
	struct heap h = { .n = 12 };
	struct mapi_value v;
	struct pst_tc t;
	struct pst *p;
	uint64_t data;
	uint32_t id;
	size_t n;

	(void)state;
	start(f);
	assert_int_equal(item(&h, TEXT, TEXT_N), 0x20);
	data = table(f, &h, rows, 3, in_use, 2);
	node(f, NID_STORE, data, 0);
	p = finish(f);
	assert_int_equal(pst_tc_open(&t, p, data, 0), 0);
	assert_int_equal(t.spoilt, 1);
	assert_int_equal(pst_tc_columns(&t, &n)[0], 0x0c150003);
	assert_int_equal(n, 4);
	assert_int_equal(t.rows, 2);
	assert_int_equal(pst_tc_id(&t, 1, &id), 0);
	assert_int_equal(id, 0x8065);
	assert_int_equal(pst_tc_get(&t, 0, 0x0c15, &v), 0);
	assert_int_equal(pst_tc_get(&t, 0, 0x3001, &v), 1);
	assert_true(v.n == TEXT_N && memcmp(v.p, TEXT, TEXT_N) == 0);
	assert_int_equal(pst_tc_get(&t, 1, 0x0c15, &v), 1);
	assert_int_equal(v.number, 7);
	assert_int_equal(pst_tc_get(&t, 1, 0x3001, &v), 0);
	assert_int_equal(pst_tc_get(&t, 2, 0x0c15, &v), -1);
	pst_tc_close(&t);
	done(p);
	test_free(f);
}

static void names(void **state)
{
	/* Of the first set of the file; by name in PS_PUBLIC_STRINGS and in
	 * PS_INTERNET_HEADERS; one whose name is not there. */
	static const unsigned char entries[] = {
		0x03, 0x85, 0, 0, 6, 0, 0, 0, 4,  0, 0, 0, 5, 0, 1, 0, /**/
		0,    0,    0, 0, 9, 0, 2, 0, 99, 0, 0, 0, 5, 0, 3, 0,
	};
	static const unsigned char texts[] = { 4, 0, 0, 0, 'X', 0, 'a', 0,
		                               4, 0, 0, 0, 'a', 0, 'B', 0 };
	unsigned char sets[32];
	unsigned char wrong[sizeof(entries)];
	struct file *f = test_malloc(sizeof(*f));
	struct heap h = { .n = 12 };
	struct pst_names *n;
	struct pst *p;

	(void)state;
	start(f);
	memcpy(wrong, entries, sizeof(wrong));
	wrong[8] = 8;
	memcpy(sets, MAPI_PS_COMMON, 16);
	memcpy(sets + 16, MAPI_PS_INTERNET_HEADERS, 16);
	node(f, NID_NAMES,
	     context(f, &h,
	             (struct prop[]){
	                     { 2, MAPI_BINARY, item(&h, sets, 32) },
	                     { 3, MAPI_BINARY, item(&h, wrong, sizeof(wrong)) },
	                     { 4, MAPI_BINARY,
	                       item(&h, texts, sizeof(texts)) } },
	             3),
	     0);
	p = finish(f);
	n = pst_names_open(p);
	assert_non_null(n);
	assert_int_equal(pst_names_find(n, MAPI_PS_COMMON, 0x8503, NULL),
	                 0x8000);
	assert_int_equal(pst_names_find(n, MAPI_PS_COMMON, 0x8504, NULL), 0);
	assert_int_equal(pst_names_find(n, MAPI_PS_TASK, 0x8503, NULL), 0);
	assert_int_equal(pst_names_find(n, MAPI_PS_PUBLIC_STRINGS, 0, "aB"),
	                 0x8001);
	assert_int_equal(pst_names_find(n, MAPI_PS_PUBLIC_STRINGS, 0, "ab"), 0);
	assert_int_equal(pst_names_find(n, MAPI_PS_INTERNET_HEADERS, 0, "xA"),
	                 0x8002);
	pst_names_close(&n);
	done(p);
	test_free(f);
}

/* A context of one property. */
static uint64_t one(struct file *f, uint16_t id, uint16_t type, const void *p,
                    size_t n)
{
	struct heap h = { .n = 12 };
	uint32_t value = item(&h, p, n);

	return context(f, &h, &(struct prop){ id, type, value }, 1);
}

/* Attachments: two of three stand in the table, and one of those is not in
 * the file. The message in one has the number of another message. */
static uint64_t parts(struct file *f)
{
	static const unsigned char object[] = { 0x24, 0, 0x20, 0, 9, 0, 0, 0 };
	struct heap h = { .n = 12 };
	uint64_t in[1][3] = { { 0x200024 } };
	uint64_t v[4][3] = { { NID_ATTACHMENT_TABLE },
		             { NID_RECIPIENT_TABLE },
		             { 0x8005 },
		             { 0x8025 } };

	item(&h, TEXT, TEXT_N);
	v[0][1] = v[1][1] = table(f, &h, rows, 3, in_use, 2);
	v[2][1] = one(f, 0x3707, MAPI_UNICODE, TEXT, TEXT_N);
	in[0][1] = one(f, 0x0037, MAPI_UNICODE, u"inner", 10);
	v[3][1] = one(f, 0x3701, MAPI_OBJECT, object, sizeof(object));
	v[3][2] = subnodes(f, in, 1);
	return subnodes(f, v, 4);
}

static void check_attachments(struct mapi *o)
{
	struct mapi *a, *m;
	char *s;

	assert_int_equal(o->ops->attachments(o), 3);
	a = o->ops->attachment(o, 0);
	assert_non_null(a);
	m = a->ops->embedded(a);
	assert_non_null(m);
	s = mapi_text(m, 0x0037, 0);
	assert_string_equal(s, "inner");
	free(s);
	mapi_close(&m);
	mapi_close(&a);
	/* Only its row is left. */
	a = o->ops->attachment(o, 1);
	assert_non_null(a);
	assert_non_null(a->why);
	assert_int_equal(mapi_number(a, 0x0c15, 0), 7);
	mapi_close(&a);
	a = o->ops->attachment(o, 2);
	assert_non_null(a);
	assert_true(mapi_has(a, 0x3707));
	assert_null(a->ops->embedded(a));
	mapi_close(&a);
	assert_null(o->ops->attachment(o, 3));
}

static void messages(void **state)
{
	struct file *f = test_malloc(sizeof(*f));
	struct pst_file of = { 0 };
	struct mapi *o, *a, *b;
	struct pst_node n;
	uint64_t data;
	char *s;

	(void)state;
	start(f);
	data = one(f, 0x0037, MAPI_STRING8, "outer \x80", 7);
	node(f, 0x200024, data, parts(f));
	of.p = finish(f);
	assert_int_equal(pst_node(of.p, 0x200024, &n), 1);
	o = pst_message(&of, &n);
	assert_non_null(o);
	s = mapi_text(o, 0x0037, 0);
	assert_string_equal(s, "outer \u20ac");
	free(s);
	assert_int_equal(o->ops->recipients(o), 2);
	a = o->ops->recipient(o, 0);
	b = o->ops->recipient(o, 1);
	assert_int_equal(mapi_number(a, 0x0c15, -1), -1);
	assert_int_equal(mapi_number(b, 0x0c15, -1), 7);
	mapi_close(&a);
	mapi_close(&b);
	check_attachments(o);
	mapi_close(&o);
	done(of.p);
	test_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contexts),
		cmocka_unit_test(tables),
		cmocka_unit_test(names),
		cmocka_unit_test(messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
