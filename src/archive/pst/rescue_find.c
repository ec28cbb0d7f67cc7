/* SPDX-License-Identifier: Apache-2.0 */
/* rescue_find.c - see rescue.h. */
#include <stdlib.h>

#include "archive/pst/rescue.h"
#include "util/buf.h"

#define CHUNK ((size_t)1 << 20)
#define LAP ((size_t)65536) /* the longest block, with its trailer */
#define PIECE ((size_t)4096)
/* Above what files of 100 GB have. */
#define PAGES_MOST ((size_t)1 << 20)
#define BLOCKS_MOST ((size_t)6 << 20)

struct scan {
	struct pst *p;
	unsigned char *buf; /* LAP + CHUNK octets */
	uint64_t at;        /* what of the file stands in it */
	size_t n;
	size_t seen; /* of them were looked at in the last round */
	struct rescue_pages *pages;
	size_t room;
};

struct rescue_page *rescue_pages_add(struct pst *p, struct rescue_pages *l)
{
	struct rescue_page *grown;
	size_t room = l->room ? 2 * l->room : 64;

	if (l->n == l->room) {
		grown = realloc(l->v, room * sizeof(*l->v));
		if (!grown) {
			p->why = WHY_MEMORY;
			return NULL;
		}
		l->v = grown;
		l->room = room;
	}
	memset(&l->v[l->n], 0, sizeof(*l->v));
	return &l->v[l->n++];
}

/* A page of a tree that stands where it says, in front of end: 1, 0, -1. */
static int look_page(struct scan *s, const unsigned char *end, uint64_t at)
{
	const struct ndb_format *f = s->p->ndb->f;
	const unsigned char *raw = end - f->page, *t = raw + f->covered;
	struct rescue_page *page;
	struct ndb_page g;
	uint64_t bid, ib;
	bool sound;

	if ((t[0] != NDB_NODES && t[0] != NDB_BLOCKS) || at < f->page)
		return 0;
	ib = at - f->page;
	if (ndb_page_parse(f, t[0], raw, &g, &bid, &sound) || !g.n ||
	    ndb_u16(t + 2) != ndb_sig(ib, bid))
		return 0;
	if (!s->pages || s->pages->n == PAGES_MOST)
		return 1;
	page = rescue_pages_add(s->p, s->pages);
	if (!page)
		return -1;
	page->bid = bid;
	page->ib = ib;
	page->type = t[0];
	page->level = (uint8_t)g.level;
	page->lo = ndb_key(f, t[0], g.e);
	page->end = ndb_key(f, t[0], g.e + (size_t)(g.n - 1) * g.size) + 1;
	page->priority = sound ? bid : 0;
	return 1;
}

static int keep(struct scan *s, const struct ndb_found *b)
{
	struct ndb *n = s->p->ndb;
	size_t room = s->room ? 2 * s->room : 1024;
	struct ndb_found *grown;

	if (n->founds == BLOCKS_MOST)
		return 0;
	if (n->founds == s->room) {
		grown = realloc(n->found, room * sizeof(*grown));
		if (!grown)
			return ndb_fail(s->p, WHY_MEMORY);
		n->found = grown;
		s->room = room;
	}
	n->found[n->founds++] = *b;
	return 0;
}

/* A block whose trailer ends at end. Its wSig depends on where it begins,
 * so hardly any other octets get as far as the CRC. */
static int look_block(struct scan *s, const unsigned char *end, uint64_t at)
{
	const struct ndb_format *f = s->p->ndb->f;
	const unsigned char *t = end - f->trailer;
	struct ndb_found b = { .cb = ndb_u16(t) };
	uint64_t room = ndb_block_room(f, b.cb);

	if (!b.cb || b.cb > f->most || room > at ||
	    room > (size_t)(end - s->buf))
		return 0;
	b.ib = at - room;
	b.bid = ndb_id(f, t + (f->ansi ? 4 : 8));
	if (!b.bid || ndb_u16(t + 2) != ndb_sig(b.ib, b.bid) ||
	    ndb_u32(t + (f->ansi ? 8 : 4)) != ndb_crc(end - room, b.cb))
		return 0;
	b.size = f->four_k && ndb_u16(t + 18) ? ndb_u16(t + 18) : b.cb;
	b.bid = NDB_BID(b.bid);
	return keep(s, &b);
}

static int look(struct scan *s)
{
	const struct ndb_format *f = s->p->ndb->f;
	uint64_t at = (s->at + s->seen) / f->align * f->align + f->align;
	const unsigned char *end;
	int r = 0;

	for (; at <= s->at + s->n && !r; at += f->align) {
		end = s->buf + (at - s->at);
		if (at % 512 == 0 && (size_t)(end - s->buf) >= f->page)
			r = look_page(s, end, at);
		if (!r)
			r = look_block(s, end, at);
		if (r > 0)
			r = 0;
	}
	return r;
}

/* Octets that the disk can't read are taken for zeros. */
static void read_damaged(struct pst *p, unsigned char *to, size_t n,
                         uint64_t at)
{
	size_t part;

	for (; n; n -= part, to += part, at += part) {
		part = n < PIECE ? n : PIECE;
		if (ndb_pread(p->fd, to, part, at))
			memset(to, 0, part);
	}
}

/* 1, 0: the file ends, -1. */
static int more(struct scan *s)
{
	struct pst *p = s->p;
	size_t keep_n = s->n < LAP ? s->n : LAP, n = CHUNK;
	uint64_t next = s->at + s->n;

	if (next >= p->size)
		return 0;
	if (p->ndb->working && p->ndb->working(p->ndb->arg, next))
		return ndb_fail(p, WHY_STOPPED);
	if (n > p->size - next)
		n = (size_t)(p->size - next);
	memmove(s->buf, s->buf + s->n - keep_n, keep_n);
	if (ndb_pread(p->fd, s->buf + keep_n, n, next))
		read_damaged(p, s->buf + keep_n, n, next);
	s->at = next - keep_n;
	s->n = keep_n + n;
	s->seen = keep_n;
	return 1;
}

static int by_bid(const void *a, const void *b)
{
	const struct ndb_found *x = a, *y = b;

	if (x->bid != y->bid)
		return x->bid < y->bid ? -1 : 1;
	return x->ib < y->ib ? -1 : x->ib > y->ib;
}

int rescue_find(struct pst *p, struct rescue_pages *out)
{
	CLEANUP(free_p) unsigned char *buf = malloc(LAP + CHUNK);
	struct scan s = { .p = p, .buf = buf, .pages = out };
	int r = 1;

	if (!buf)
		return ndb_fail(p, WHY_MEMORY);
	while (r > 0) {
		r = more(&s);
		if (r > 0 && look(&s))
			return -1;
	}
	if (p->ndb->founds)
		qsort(p->ndb->found, p->ndb->founds, sizeof(*p->ndb->found),
		      by_bid);
	return r;
}

/* Does a page of this layout stand anywhere in what was read? */
static bool has_page(struct scan *s, const struct ndb_format *f)
{
	uint64_t at = (s->at + s->seen) / 512 * 512 + 512;
	const unsigned char *end;

	s->p->ndb->f = f;
	for (; at <= s->at + s->n; at += 512) {
		end = s->buf + (at - s->at);
		if ((size_t)(end - s->buf) >= f->page &&
		    look_page(s, end, at) > 0)
			return true;
	}
	return false;
}

const struct ndb_format *rescue_format(struct pst *p)
{
	static const struct ndb_format *const all[] = { &ndb_unicode, &ndb_4k,
		                                        &ndb_ansi };
	CLEANUP(free_p) unsigned char *buf = malloc(LAP + CHUNK);
	struct scan s = { .p = p, .buf = buf };
	size_t i;

	if (!buf) {
		p->why = WHY_MEMORY;
		return NULL;
	}
	while (more(&s) > 0)
		for (i = 0; i < 3; i++)
			if (has_page(&s, all[i]))
				return all[i];
	return NULL;
}
