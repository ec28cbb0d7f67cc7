/* SPDX-License-Identifier: Apache-2.0 */
/* test_pst_ndb.c - nodes and blocks of small PST files that are made here:
 * three layouts, three encodings, and what is left of damaged ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "archive/pst/ndb_int.h"

enum kind { ANSI, UNICODE, FOUR_K };
static const struct lay {
	unsigned version, id, page, foot, sums, trailer, align, root, crypt;
} lays[] = {
	{ 14, 4, 512, 496, 500, 12, 64, 164, 461 },
	{ 23, 8, 512, 488, 496, 16, 64, 180, 513 },
	{ 36, 8, 4096, 4056, 4072, 24, 512, 180, 513 },
};

#define MOST ((size_t)256 << 10)
struct made {
	const struct lay *l;
	enum kind kind;
	unsigned crypt;
	unsigned char *img;
	size_t n;
	/* Entries of the leaves, and how many. */
	unsigned char blocks[4096], nodes[4096];
	unsigned blocks_n, nodes_n;
};

static void put(unsigned char *p, uint64_t v, unsigned n)
{
	for (; n; n--, v >>= 8)
		*p++ = (unsigned char)v;
}

/* [MS-PST] 5.3, bit by bit. */
static uint32_t crc(const unsigned char *p, size_t n)
{
	uint32_t c = 0;
	int i;

	while (n--)
		for (c ^= *p++, i = 0; i < 8; i++)
			c = c >> 1 ^ (c & 1 ? 0xedb88320u : 0);
	return c;
}

static unsigned sig(uint64_t ib, uint64_t bid)
{
	return (unsigned)((ib ^ bid) >> 16 ^ ib ^ bid) & 0xffff;
}

static void encode(struct made *m, uint64_t bid, unsigned char *p, size_t n)
{
	unsigned char all[256], back[256];
	unsigned i;

	if (m->crypt == 2)
		ndb_decode(2, bid, p, p, n);
	for (i = 0; i < 256; i++)
		all[i] = (unsigned char)i;
	ndb_decode(1, 0, back, all, 256);
	for (i = 0; i < 256; i++)
		all[back[i]] = (unsigned char)i;
	for (; m->crypt == 1 && n; n--, p++)
		*p = all[*p];
}

/* Blocks of a file with pages of 4 kB are packed if that makes them shorter:
 * before (permuted) or after (cyclic) they are encoded. */
static size_t octets(struct made *m, uint64_t bid, unsigned char *to,
                     const void *data, size_t n)
{
	unsigned char plain[8192];
	bool packed = m->kind == FOUR_K && n > 200;
	uLongf cb = compressBound(n);

	memcpy(plain, data, n);
	if (!(bid & 2) && !(packed && m->crypt == 2))
		encode(m, bid, plain, n);
	if (packed)
		assert_int_equal(compress(to, &cb, plain, n), Z_OK);
	else
		memcpy(to, plain, cb = n);
	if (packed && m->crypt == 2)
		encode(m, bid, to, cb);
	return cb;
}

static void add_block(struct made *m, uint64_t bid, const void *data, size_t n)
{
	const struct lay *l = m->l;
	unsigned char *p, *e = m->blocks + (size_t)m->blocks_n++ * 3 * l->id;
	size_t ib = (m->n + l->align - 1) / l->align * l->align, room, cb;

	p = m->img + ib;
	cb = octets(m, bid, p, data, n);
	room = (cb + l->trailer + l->align - 1) / l->align * l->align;
	assert_true(ib + room < MOST);
	m->n = ib + room;
	p += room - l->trailer;
	put(p, cb, 2);
	put(p + 2, sig(ib, bid), 2);
	put(p + (l->id == 4 ? 8 : 4), crc(m->img + ib, cb), 4);
	put(p + (l->id == 4 ? 4 : 8), bid, l->id);
	if (m->kind == FOUR_K)
		put(p + 18, n, 2);
	put(e, bid, l->id);
	put(e + l->id, ib, l->id);
	put(e + 2 * l->id, cb, 2);
	if (m->kind == FOUR_K)
		put(e + 18, n, 2);
}

static void add_node(struct made *m, uint32_t nid, uint64_t data, uint64_t sub)
{
	unsigned id = m->l->id;
	unsigned char *e = m->nodes + (size_t)m->nodes_n++ * 4 * id;

	put(e, nid, id);
	put(e + id, data, id);
	put(e + 2 * id, sub, id);
	put(e + 3 * id, 0x122, 4);
}

static size_t add_page(struct made *m, unsigned type, uint64_t bid,
                       const unsigned char *e, unsigned n, unsigned size,
                       unsigned level)
{
	const struct lay *l = m->l;
	size_t ib = (m->n + l->page - 1) / l->page * l->page;
	unsigned char *p = m->img + ib, *foot = p + l->foot, *t = p + l->sums;
	unsigned wide = m->kind == FOUR_K ? 2 : 1;

	assert_true(ib + l->page < MOST);
	m->n = ib + l->page;
	memcpy(p, e, (size_t)n * size);
	put(foot, n, wide);
	put(foot + 2 * wide, size, 1);
	put(foot + 2 * wide + 1, level, 1);
	t[0] = t[1] = (unsigned char)type;
	put(t + 2, sig(ib, bid), 2);
	put(t + (l->id == 4 ? 8 : 4), crc(p, l->sums), 4);
	put(t + (l->id == 4 ? 4 : 8), bid, l->id);
	return ib;
}

static size_t add_leaf(struct made *m, unsigned type, uint64_t bid)
{
	unsigned id = m->l->id;

	if (type == NDB_NODES)
		return add_page(m, type, bid, m->nodes, m->nodes_n, 4 * id, 0);
	return add_page(m, type, bid, m->blocks, m->blocks_n, 3 * id, 0);
}

/* Two leaves and a root. */
static size_t add_tree(struct made *m, unsigned type, uint64_t bid)
{
	unsigned id = m->l->id, size = (type == NDB_NODES ? 4 : 3) * id, i, n;
	unsigned all = type == NDB_NODES ? m->nodes_n : m->blocks_n;
	const unsigned char *e = type == NDB_NODES ? m->nodes : m->blocks;
	unsigned char root[48] = { 0 }, *r = root;
	size_t ib;

	for (i = 0; i < 2; i++, e += (size_t)n * size, r += 3 * id) {
		n = i ? all - all / 2 : all / 2;
		ib = add_page(m, type, bid - i - 1, e, n, size, 0);
		memcpy(r, e, id);
		put(r + id, bid - i - 1, id);
		put(r + 2 * id, ib, id);
	}
	return add_page(m, type, bid, root, 2, 3 * id, 1);
}

static void header(struct made *m, uint64_t nodes_bid, size_t nodes,
                   uint64_t blocks_bid, size_t blocks)
{
	unsigned char *h = m->img, *r = h + m->l->root + 4;
	unsigned id = m->l->id;

	put(h, 0x4e444221, 4); /* !BDN */
	put(h + 8, 0x4d53, 2); /* SM */
	put(h + 10, m->l->version, 2);
	put(r, m->n, id);
	put(r + 4 * id, nodes_bid, id);
	put(r + 5 * id, nodes, id);
	put(r + 6 * id, blocks_bid, id);
	put(r + 7 * id, blocks, id);
	h[m->l->crypt] = (unsigned char)m->crypt;
	put(h + 4, crc(h + 8, 471), 4);
	if (id == 8)
		put(h + 524, crc(h + 8, 516), 4);
}

#define NID 0x200024u
#define SL 0x16u
#define XX 0x2au /* the octets of NID once more, in an XXBLOCK */
static const char store[] = "\0\0\xec\xbcthe octets of the store";
static unsigned char text[8150];

/* The bids of blocks 8, 12, 16 in an XBLOCK, then in an XXBLOCK. */
static void add_lists(struct made *m)
{
	unsigned id = m->l->id, i;
	unsigned char x[64] = { 1, 1, 3 };

	put(x + 4, sizeof(text), 4);
	for (i = 0; i < 3; i++)
		put(x + 8 + i * id, 8 + 4 * i, id);
	add_block(m, 0x1a, x, 8 + (size_t)3 * id);
	x[2] = 2;
	put(x + 4, 8100, 4);
	add_block(m, 0x22, x, 8 + (size_t)2 * id);
	x[2] = 1;
	put(x + 4, 50, 4);
	put(x + 8, 16, id);
	add_block(m, 0x26, x, 8 + (size_t)id);
	x[1] = x[2] = 2;
	put(x + 4, sizeof(text), 4);
	put(x + 8, 0x22, id);
	put(x + 8 + id, 0x26, id);
	add_block(m, XX, x, 8 + (size_t)2 * id);
}

/* A store, and a message of three blocks with a sub-node. */
static void contents(struct made *m, enum kind kind, unsigned crypt)
{
	unsigned char sl[64] = { 2, 0, 1 }, *e;
	unsigned id = lays[kind].id;
	size_t i;

	memset(m, 0, sizeof(*m));
	m->l = &lays[kind];
	m->kind = kind;
	m->crypt = crypt;
	m->n = 4096;
	m->img = calloc(1, MOST);
	assert_non_null(m->img);
	for (i = 0; i < sizeof(text); i++)
		text[i] = (unsigned char)(i / 7 + i % 5);
	add_block(m, 4, store, sizeof(store));
	add_block(m, 8, text, 8000);
	add_block(m, 12, text + 8000, 100);
	add_block(m, 16, text + 8100, 50);
	add_block(m, 20, "rows", 4);
	e = sl + (id == 4 ? 4 : 8);
	put(e, NID_RECIPIENT_TABLE, id);
	put(e + id, 20, id);
	add_block(m, SL, sl, (size_t)(e - sl) + (size_t)3 * id);
	add_lists(m);
	add_node(m, NID_STORE, 4, 0);
	add_node(m, NID, 0x1a, SL);
}

static void make(struct made *m, enum kind kind, unsigned crypt)
{
	size_t nodes, blocks;

	contents(m, kind, crypt);
	nodes = add_tree(m, NDB_NODES, 100);
	blocks = add_tree(m, NDB_BLOCKS, 104);
	header(m, 100, nodes, 104, blocks);
}

static struct pst *opened(const struct made *m, enum pst_open want)
{
	FILE *f = tmpfile();
	struct pst *p = NULL;
	const char *why;

	assert_non_null(f);
	assert_int_equal(write(fileno(f), m->img, m->n), (ssize_t)m->n);
	assert_int_equal(pst_open(&p, dup(fileno(f)), NULL, NULL, &why), want);
	fclose(f);
	return p;
}

static void shut(struct pst *p, struct made *m)
{
	if (p)
		close(p->fd);
	pst_close(&p);
	free(m->img);
}

static int note(const struct pst_node *n, void *arg)
{
	uint32_t *seen = arg;

	seen[++seen[0]] = n->nid;
	return seen[0] > 8;
}

static void nodes_are(struct pst *p, uint32_t a, uint32_t b)
{
	uint32_t seen[16] = { 0 };

	assert_int_equal(pst_nodes(p, note, seen), 0);
	assert_int_equal(seen[0], 2);
	assert_int_equal(seen[1], a);
	assert_int_equal(seen[2], b);
}

/* At every offset that is odd for blocks. */
static void octets_are(struct pst *p, uint64_t bid)
{
	static const size_t at[] = { 0, 7999, 8000, 8120, 3, 8149 };
	unsigned char got[sizeof(text)];
	struct pst_block b;
	struct pst_data d;
	size_t i, left;

	assert_int_equal(pst_data_open(&d, p, bid), 0);
	assert_int_equal(d.size, sizeof(text));
	assert_int_equal(d.blocks, 3);
	for (i = 0; i < 6; i++) {
		left = sizeof(text) - at[i];
		assert_int_equal(pst_data_read(&d, at[i], got, sizeof(got)),
		                 (ssize_t)left);
		assert_memory_equal(got, text + at[i], left);
	}
	assert_int_equal(pst_data_read(&d, sizeof(text), got, 1), 0);
	assert_int_equal(pst_data_block(&d, 1, &b), 0);
	assert_int_equal(b.n, 100);
	assert_memory_equal(b.p, text + 8000, 100);
	pst_block_put(p, &b);
	assert_int_equal(pst_data_block(&d, 3, &b), -1);
	pst_data_close(&d);
}

static void all_is_there(struct pst *p)
{
	struct pst_node n, row;
	struct pst_data d;
	char got[64];

	nodes_are(p, NID_STORE, NID);
	assert_int_equal(pst_node(p, NID_STORE + 1, &n), 0);
	assert_int_equal(pst_node(p, NID_STORE, &n), 1);
	assert_int_equal(pst_data_open(&d, p, n.data), 0);
	assert_int_equal(pst_data_read(&d, 0, got, sizeof(got)), sizeof(store));
	assert_memory_equal(got, store, sizeof(store));
	pst_data_close(&d);
	assert_int_equal(pst_node(p, NID, &n), 1);
	assert_int_equal(n.parent, 0x122);
	octets_are(p, n.data);
	octets_are(p, XX);
	assert_int_equal(pst_subnode(p, n.sub, NID_ATTACHMENT_TABLE, &row), 0);
	assert_int_equal(pst_subnode(p, n.sub, NID_RECIPIENT_TABLE, &row), 1);
	assert_int_equal(row.data, 20);
	assert_int_equal(pst_data_open(&d, p, row.data), 0);
	assert_int_equal(pst_data_read(&d, 1, got, 9), 3);
	assert_memory_equal(got, "ows", 3);
	pst_data_close(&d);
}

static void test_layouts(void **state)
{
	struct made m;
	struct pst *p;
	unsigned i;

	(void)state;
	for (i = 0; i < 9; i++) {
		make(&m, (enum kind)(i / 3), i % 3);
		p = opened(&m, PST_OPEN);
		all_is_there(p);
		assert_int_equal(p->doubts, 0);
		assert_false(p->rescued);
		shut(p, &m);
	}
}

/* What another implementation of [MS-PST] 5.1 and 5.2 gives. */
static void test_encodings(void **state)
{
	static const unsigned char permuted[] = { 0x41, 0x36, 0x13, 0x62,
		                                  0xa8, 0x21, 0x6e, 0xbb };
	static const unsigned char cyclic[] = { 0xe4, 0xc6, 0x57, 0x99,
		                                0x49, 0x59, 0x45, 0x36,
		                                0x9a, 0x0b, 0x08, 0x76,
		                                0x35, 0x0f, 0x0c, 0x27 };
	unsigned char got[16], i;

	(void)state;
	ndb_decode(1, 0, got, permuted, 8);
	for (i = 0; i < 8; i++)
		assert_int_equal(got[i], i);
	ndb_decode(2, 0x12345678, got, cyclic, 16);
	for (i = 0; i < 16; i++)
		assert_int_equal(got[i], i);
}

static void test_lost_header(void **state)
{
	struct made m;
	struct pst *p;
	unsigned i;

	(void)state;
	for (i = 0; i < 9; i++) {
		make(&m, (enum kind)(i / 3), i % 3);
		memset(m.img, 0, 4096);
		p = opened(&m, PST_OPEN);
		assert_true(p->rescued);
		all_is_there(p);
		shut(p, &m);
	}
}

/* The leaf of blocks is behind the cut: the blocks are found nevertheless,
 * but for the last one. */
static void test_cut(void **state)
{
	struct pst_data d;
	struct pst_node n;
	struct made m;
	struct pst *p;
	size_t leaf;

	(void)state;
	contents(&m, UNICODE, 1);
	leaf = add_leaf(&m, NDB_NODES, 100);
	add_block(&m, 0x40, "lost", 4);
	header(&m, 100, leaf, 104, add_leaf(&m, NDB_BLOCKS, 104));
	m.n = leaf + 512;
	p = opened(&m, PST_OPEN);
	assert_true(p->declared > p->size);
	all_is_there(p);
	assert_int_equal(pst_data_open(&d, p, 0x40), -1);
	assert_string_equal(p->why, WHY_CUT);
	assert_int_equal(pst_node(p, NID, &n), 1);
	shut(p, &m);
}

static void test_checksum(void **state)
{
	struct pst_data d;
	struct made m;
	struct pst *p;
	char got[8];

	(void)state;
	make(&m, UNICODE, 0);
	m.img[4096 + 4] = 'T';
	p = opened(&m, PST_OPEN);
	assert_int_equal(pst_data_open(&d, p, 4), 0);
	assert_int_equal(p->doubts, 1);
	assert_int_equal(pst_data_read(&d, 4, got, 3), 3);
	assert_memory_equal(got, "The", 3);
	pst_data_close(&d);
	shut(p, &m);
}

/* Another block's octets are not given out for those that were asked for. */
static void test_overwritten(void **state)
{
	struct pst_data d;
	struct made m;
	struct pst *p;

	(void)state;
	make(&m, UNICODE, 0);
	put(m.img + 4096 + 64 - 8, 999, 8);
	p = opened(&m, PST_OPEN);
	assert_int_equal(pst_data_open(&d, p, 4), -1);
	assert_string_equal(p->why, WHY_OVER);
	shut(p, &m);
}

/* Without a tree the newer one of two leaves is right, also in what it does
 * not have any more. */
static void test_newest_leaf(void **state)
{
	struct pst_node n;
	struct made m;
	struct pst *p;
	int newer;

	(void)state;
	for (newer = 0; newer < 2; newer++) {
		contents(&m, UNICODE, 1);
		add_node(&m, NID + 0x40, 4, 0);
		add_leaf(&m, NDB_NODES, 160);
		memcpy(m.nodes + 32, m.nodes + 64, 32);
		m.nodes_n = 2;
		add_leaf(&m, NDB_NODES, newer ? 200 : 120);
		add_leaf(&m, NDB_BLOCKS, 104);
		p = opened(&m, PST_OPEN);
		assert_int_equal(pst_node(p, NID, &n), !newer);
		assert_int_equal(pst_node(p, NID + 0x40, &n), 1);
		if (newer)
			nodes_are(p, NID_STORE, NID + 0x40);
		shut(p, &m);
	}
}

/* Trees that lead in a circle, and a list that has itself. */
static void test_circles(void **state)
{
	unsigned char e[48] = { 0 }, x[24] = { 1, 2, 2 }, s[40] = { 2, 1, 2 };
	uint32_t seen[16] = { 0 };
	struct pst_data d;
	struct made m;
	struct pst *p;
	size_t at;

	(void)state;
	contents(&m, UNICODE, 0);
	put(x + 8, 0x32, 8);
	put(x + 16, 0x1a, 8);
	add_block(&m, 0x32, x, sizeof(x));
	put(s + 16, 0x36, 8);
	put(s + 24, 7, 8);
	put(s + 32, 0x36, 8);
	add_block(&m, 0x36, s, sizeof(s));
	at = (m.n + 511) / 512 * 512;
	put(e + 8, 100, 8);
	put(e + 16, at, 8);
	put(e + 24, NID, 8);
	put(e + 32, 100, 8);
	put(e + 40, at, 8);
	assert_int_equal(add_page(&m, NDB_NODES, 100, e, 2, 24, 1), at);
	header(&m, 100, at, 104, add_leaf(&m, NDB_BLOCKS, 104));
	p = opened(&m, PST_OPEN);
	assert_int_equal(pst_nodes(p, note, seen), 0);
	assert_int_equal(seen[0], 0);
	close(p->fd);
	pst_close(&p);
	add_leaf(&m, NDB_NODES, 96);
	p = opened(&m, PST_OPEN);
	all_is_there(p);
	assert_true(p->rescued);
	assert_int_equal(pst_data_open(&d, p, 0x32), -1);
	assert_int_equal(pst_subnodes(p, 0x36, note, seen), -1);
	assert_int_equal(seen[0], 0);
	shut(p, &m);
}

static int note_bid(uint64_t bid, void *arg)
{
	uint64_t *seen = arg;

	seen[++seen[0]] = bid;
	return seen[0] > 8;
}

/* Blocks of a message without a node, with a sub-node: those that nothing
 * names, and what is made a node of them. */
static void test_roots(void **state)
{
	unsigned char sl[64];
	uint64_t seen[16];
	struct pst_node *v, n;
	struct made m;
	struct pst *p;
	unsigned i, id;

	(void)state;
	for (i = 0; i < 3; i++) {
		contents(&m, (enum kind)i, 1);
		id = m.l->id;
		memset(sl, 0, sizeof(sl));
		memset(seen, 0, sizeof(seen));
		put(sl, 0x10002, 4);
		put(sl + (id == 4 ? 4 : 8) + id, 0x44, id);
		add_block(&m, 0x40, store, sizeof(store));
		add_block(&m, 0x44, "below", 5);
		add_block(&m, 0x4a, sl, (id == 4 ? 4 : 8) + (size_t)3 * id);
		add_leaf(&m, NDB_NODES, 100);
		p = opened(&m, PST_OPEN);
		assert_true(p->rescued);
		assert_int_equal(pst_roots(p, note_bid, seen), 0);
		assert_int_equal(seen[0], 3);
		assert_int_equal(seen[1], XX);
		assert_int_equal(seen[2], 0x40);
		assert_int_equal(seen[3], 0x4a);
		v = calloc(1, sizeof(*v));
		assert_non_null(v);
		v->nid = NID + 0x20;
		v->data = 0x40;
		pst_nodes_add(p, v, 1);
		assert_int_equal(pst_node(p, NID + 0x20, &n), 1);
		assert_int_equal(n.data, 0x40);
		assert_int_equal(pst_node(p, NID + 0x40, &n), 0);
		all_is_there(p);
		shut(p, &m);
	}
}

static void test_refused(void **state)
{
	struct made m;

	(void)state;
	make(&m, FOUR_K, 0x10);
	assert_null(opened(&m, PST_LOCKED));
	free(m.img);
	make(&m, UNICODE, 0);
	put(m.img + 10, 77, 2);
	put(m.img + 4, crc(m.img + 8, 471), 4);
	assert_null(opened(&m, PST_UNKNOWN));
	memset(m.img, 0, m.n);
	assert_null(opened(&m, PST_FAILED));
	m.n = 0;
	assert_null(opened(&m, PST_FAILED));
	free(m.img);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layouts),
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_lost_header),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_overwritten),
		cmocka_unit_test(test_newest_leaf),
		cmocka_unit_test(test_circles),
		cmocka_unit_test(test_roots),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
