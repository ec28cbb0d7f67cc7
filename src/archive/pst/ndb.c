/* SPDX-License-Identifier: Apache-2.0 */
/* ndb.c - see ndb.h. */
#include <stdlib.h>
#include <sys/stat.h>

#include "archive/pst/rescue.h"
#include "util/buf.h"

#define WIP 0x10u /* bCryptMethod */
#define HEADER 564u

/* [MS-PST] 2.2.2.6, 2.2.2.5 */
struct header {
	const struct ndb_format *f; /* NULL: no version that is known */
	bool magic, sound;
};

static const struct ndb_format *format_of(unsigned version)
{
	switch (version) {
	case 14:
	case 15:
		return &ndb_ansi;
	case 21:
	case 23:
		return &ndb_unicode;
	case 36:
	case 37:
		return &ndb_4k;
	default:
		return NULL;
	}
}

static unsigned version_of(const struct ndb_format *f)
{
	if (f == &ndb_4k)
		return 36;
	return f == &ndb_ansi ? 14 : 23;
}

static void roots(struct pst *p, const unsigned char *h)
{
	struct ndb *n = p->ndb;
	const struct ndb_format *f = n->f;
	const unsigned char *root = h + (f->ansi ? 164 : 180) + 4;
	const unsigned char *brefs = root + 4 * (size_t)f->id;

	p->crypt = h[f->ansi ? 461 : 513];
	p->declared = ndb_id(f, root);
	n->nodes.bid = ndb_id(f, brefs);
	n->nodes.ib = ndb_id(f, brefs + f->id);
	n->blocks.bid = ndb_id(f, brefs + 2 * (size_t)f->id);
	n->blocks.ib = ndb_id(f, brefs + 3 * (size_t)f->id);
}

/* The header's fields; f stays NULL where they make no sense. */
static void read_header(struct pst *p, const unsigned char *h,
                        struct header *out)
{
	out->magic = !memcmp(h, "!BDN", 4);
	if (!out->magic)
		return;
	p->version = ndb_u16(h + 10);
	out->f = p->ndb->f = format_of(p->version);
	out->sound = ndb_crc(h + 8, 471) == ndb_u32(h + 4);
	if (!out->f)
		return;
	roots(p, h);
	if (!out->f->ansi && ndb_crc(h + 8, 516) != ndb_u32(h + 524))
		out->sound = false;
}

static int caches(struct pst *p)
{
	struct ndb *n = p->ndb;

	n->nodes.type = NDB_NODES;
	n->blocks.type = NDB_BLOCKS;
	p->ansi = n->f->ansi;
	p->four_k = n->f->four_k;
	if (ndb_pages_open(n) || ndb_cache_open(n))
		return ndb_fail(p, WHY_MEMORY);
	return 0;
}

/* Both roots, else what can be found. */
static int trees(struct pst *p, bool trusted)
{
	struct ndb *n = p->ndb;
	struct ndb_page g;

	if (trusted && !ndb_page(p, NDB_NODES, n->nodes.bid, n->nodes.ib, &g) &&
	    !ndb_page(p, NDB_BLOCKS, n->blocks.bid, n->blocks.ib, &g))
		return 0;
	if (rescue_scan(p))
		return -1;
	if (!n->nodes.reaches)
		return ndb_fail(p, WHY_EMPTY);
	return 0;
}

static enum pst_open start(struct pst *p)
{
	unsigned char h[HEADER] = { 0 };
	struct header head = { 0 };

	if (ndb_pread(p->fd, h, p->size < HEADER ? p->size : HEADER, 0))
		memset(h, 0, sizeof(h));
	read_header(p, h, &head);
	if (head.f && head.sound && p->crypt == WIP)
		return PST_LOCKED;
	if (head.magic && !head.f && head.sound)
		return PST_UNKNOWN;
	p->doubts += head.magic && !head.sound;
	p->why = NULL;
	if (!head.f) {
		p->ndb->f = rescue_format(p);
		p->version = version_of(p->ndb->f);
	}
	if (!p->ndb->f) {
		p->why = p->why ? p->why : "nothing in it is as in a PST file";
		return PST_FAILED;
	}
	if (caches(p) || trees(p, head.f != NULL))
		return PST_FAILED;
	if ((!head.sound || p->crypt > 2) && rescue_crypt(p))
		return PST_FAILED;
	return p->crypt == WIP ? PST_LOCKED : PST_OPEN;
}

enum pst_open pst_open(struct pst **out, int fd,
                       int (*working)(void *arg, uint64_t octets), void *arg,
                       const char **why)
{
	struct pst *p = calloc(1, sizeof(*p));
	struct ndb *n = calloc(1, sizeof(*n));
	enum pst_open r = PST_FAILED;
	struct stat st;

	*out = NULL;
	*why = WHY_MEMORY;
	if (!p || !n) {
		free(p);
		free(n);
		return r;
	}
	p->fd = fd;
	p->ndb = n;
	n->working = working;
	n->arg = arg;
	p->why = WHY_DISK;
	if (!fstat(fd, &st) && st.st_size >= 0) {
		p->size = (uint64_t)st.st_size;
		r = start(p);
	}
	if (r == PST_OPEN) {
		*out = p;
		return r;
	}
	*why = p->why;
	pst_close(&p);
	return r;
}

void pst_close(struct pst **pp)
{
	struct pst *p = *pp;

	*pp = NULL;
	if (!p)
		return;
	ndb_file_close(p->ndb);
	ndb_pages_close(p->ndb);
	ndb_cache_close(p->ndb);
	free(p->ndb->nodes.reach);
	free(p->ndb->blocks.reach);
	free(p->ndb->found);
	free(p->ndb->added);
	free(p->ndb);
	free(p);
}

/* An NBTENTRY ([MS-PST] 2.2.2.7.7.4). */
static struct pst_node node_of(const struct ndb_format *f,
                               const unsigned char *e)
{
	struct pst_node n = { .nid = ndb_u32(e) };

	n.data = ndb_id(f, e + f->id);
	n.sub = ndb_id(f, e + 2 * (size_t)f->id);
	n.parent = ndb_u32(e + 3 * (size_t)f->id);
	return n;
}

static int by_nid(const void *a, const void *b)
{
	const struct pst_node *x = a, *y = b;

	return (x->nid > y->nid) - (x->nid < y->nid);
}

int pst_node(struct pst *p, uint32_t nid, struct pst_node *out)
{
	const struct pst_node want = { .nid = nid }, *added = NULL;
	const unsigned char *e;
	int r = ndb_find(p, &p->ndb->nodes, nid, &e);

	if (r > 0)
		*out = node_of(p->ndb->f, e);
	else if (p->ndb->added)
		added = bsearch(&want, p->ndb->added, p->ndb->added_n,
		                sizeof(want), by_nid);
	if (!added)
		return r;
	*out = *added;
	return 1;
}

void pst_nodes_add(struct pst *p, struct pst_node *v, size_t n)
{
	p->ndb->added = v;
	p->ndb->added_n = n;
}

struct each {
	struct pst *p;
	int (*fn)(const struct pst_node *n, void *arg);
	void *arg;
	uint64_t next; /* the least nid that was not told yet */
};

static int each_leaf(const struct ndb_leaf *l, void *arg)
{
	const unsigned char *at = l->page.e;
	struct each *w = arg;
	struct pst_node n;
	uint32_t i;
	int r = 0;

	for (i = 0; i < l->page.n && !r; i++, at += l->page.size) {
		n = node_of(w->p->ndb->f, at);
		if (n.nid < w->next || n.nid < l->lo || n.nid >= l->end)
			continue;
		w->next = (uint64_t)n.nid + 1;
		r = w->fn(&n, w->arg);
	}
	return r;
}

/* The leaves that a rescue found, from w->next on. */
static int each_found(struct pst *p, struct each *w)
{
	struct ndb_tree *t = &p->ndb->nodes;
	CLEANUP(free_p) unsigned char *copy = malloc(p->ndb->f->page);
	struct ndb_leaf l = { 0 };
	size_t i;
	int r = 0;

	if (!copy)
		return ndb_fail(p, WHY_MEMORY);
	for (i = 0; i < t->reaches && !r; i++) {
		l.lo = t->reach[i].lo;
		l.end = i + 1 < t->reaches ? t->reach[i + 1].lo : NDB_ENDLESS;
		if (!t->reach[i].ib || l.end <= w->next ||
		    ndb_page(p, NDB_NODES, t->reach[i].bid, t->reach[i].ib,
		             &l.page))
			continue;
		memcpy(copy, l.page.e, p->ndb->f->page);
		l.page.e = copy;
		r = each_leaf(&l, w);
	}
	return r;
}

int pst_nodes(struct pst *p, int (*each)(const struct pst_node *n, void *arg),
              void *arg)
{
	struct each w = { p, each, arg, 0 };
	bool broken = false;
	int r;

	if (!p->ndb->nodes.reach) {
		r = ndb_walk(p, &p->ndb->nodes, false, each_leaf, &w, &broken);
		if (r || !broken)
			return r;
		if (!p->ndb->scanned)
			(void)rescue_scan(p);
		if (!p->ndb->nodes.reach)
			return -1;
	}
	return each_found(p, &w);
}
