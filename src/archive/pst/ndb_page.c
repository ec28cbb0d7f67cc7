/* SPDX-License-Identifier: Apache-2.0 */
/* ndb_page.c - see ndb_int.h. */
#include <stdlib.h>

#include "archive/pst/ndb_int.h"

const struct ndb_format ndb_ansi = {
	.page = 512,
	.foot = 496,
	.covered = 500,
	.node = 16,
	.block = 12,
	.id = 4,
	.align = 64,
	.trailer = 12,
	.most = 8192 - 12,
	.ansi = true,
};
const struct ndb_format ndb_unicode = {
	.page = 512,
	.foot = 488,
	.covered = 496,
	.node = 32,
	.block = 24,
	.id = 8,
	.align = 64,
	.trailer = 16,
	.most = 8192 - 16,
};
const struct ndb_format ndb_4k = {
	.page = 4096,
	.foot = 4056,
	.covered = 4072,
	.node = 32,
	.block = 24,
	.id = 8,
	.align = 512,
	.trailer = 24,
	.most = 65536 - 24,
	.four_k = true,
};

/* Pages that were read, in sets of WAYS. */
#define WAYS 4u
#define SETS 256u
struct slot {
	uint64_t bid, ib, used;
	struct ndb_page page;
};
struct ndb_pages {
	struct slot slot[SETS * WAYS];
	unsigned char *octets;
	unsigned sets;
};

unsigned ndb_sig(uint64_t ib, uint64_t bid)
{
	uint32_t v = (uint32_t)(ib ^ bid);

	return (v ^ v >> 16) & 0xffff;
}

uint64_t ndb_key(const struct ndb_format *f, unsigned type,
                 const unsigned char *e)
{
	return type == NDB_NODES ? ndb_u32(e) : NDB_BID(ndb_id(f, e));
}

/* Entries fit, and their keys ascend. */
static bool plausible(const struct ndb_format *f, unsigned type,
                      const struct ndb_page *g)
{
	uint32_t least = type == NDB_NODES ? f->node : f->block;
	uint64_t last = 0, key;
	uint32_t i;

	if (g->level)
		least = 3 * f->id;
	if (g->size < least || g->level >= NDB_DEPTH ||
	    (uint64_t)g->n * g->size > f->foot)
		return false;
	for (i = 0; i < g->n; i++, last = key) {
		key = ndb_key(f, type, g->e + (size_t)i * g->size);
		if (i && key <= last)
			return false;
	}
	return true;
}

int ndb_page_parse(const struct ndb_format *f, unsigned type,
                   const unsigned char *raw, struct ndb_page *out,
                   uint64_t *bid, bool *sound)
{
	const unsigned char *foot = raw + f->foot, *t = raw + f->covered;

	if (t[0] != type || t[1] != type)
		return -1;
	out->e = raw;
	out->n = f->four_k ? ndb_u16(foot) : foot[0];
	out->size = foot[f->four_k ? 4 : 2];
	out->level = foot[f->four_k ? 5 : 3];
	if (!plausible(f, type, out))
		return -1;
	*bid = ndb_id(f, t + (f->ansi ? 4 : 8));
	*sound = ndb_crc(raw, f->covered) == ndb_u32(t + (f->ansi ? 8 : 4));
	return 0;
}

static int load(struct pst *p, unsigned type, struct slot *s, unsigned char *to)
{
	const struct ndb_format *f = p->ndb->f;
	const unsigned char *raw = ndb_view(p, s->ib, f->page);
	uint64_t bid;
	bool sound;

	if (!raw)
		return -1;
	memcpy(to, raw, f->page);
	if (ndb_page_parse(f, type, to, &s->page, &bid, &sound) ||
	    bid != s->bid)
		return ndb_fail(p, WHY_OVER);
	p->doubts += !sound;
	return 0;
}

int ndb_page(struct pst *p, unsigned type, uint64_t bid, uint64_t ib,
             struct ndb_page *out)
{
	struct ndb_pages *c = p->ndb->pages;
	uint64_t at = ib / 512 % c->sets * WAYS;
	struct slot *s = c->slot + at, *oldest = s;
	unsigned i;

	for (i = 0; i < WAYS; i++, s++) {
		if (s->used && s->ib == ib && s->bid == bid &&
		    s->page.e[p->ndb->f->covered] == type)
			break;
		if (s->used < oldest->used)
			oldest = s;
	}
	if (i == WAYS) {
		s = oldest;
		s->used = 0;
		s->bid = bid;
		s->ib = ib;
		at = (uint64_t)(s - c->slot);
		if (load(p, type, s, c->octets + at * p->ndb->f->page))
			return -1;
	}
	s->used = ++p->ndb->clock;
	*out = s->page;
	return 0;
}

int ndb_pages_open(struct ndb *n)
{
	struct ndb_pages *c = calloc(1, sizeof(*c));

	n->pages = c;
	if (!c)
		return -1;
	c->sets = SETS * 512 / n->f->page * (n->f->four_k ? 2 : 1);
	c->octets = malloc((size_t)c->sets * WAYS * n->f->page);
	return c->octets ? 0 : -1;
}

void ndb_pages_close(struct ndb *n)
{
	if (n->pages)
		free(n->pages->octets);
	free(n->pages);
	n->pages = NULL;
}
