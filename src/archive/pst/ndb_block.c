/* SPDX-License-Identifier: Apache-2.0 */
/* ndb_block.c - see ndb_int.h. */
#include <stdlib.h>

#include "archive/pst/ndb_int.h"
#include "util/buf.h"

#define SLOTS 1024u
#define KEPT ((size_t)256 << 10) /* octets of blocks that nobody holds */
/* Room for small blocks goes round: by size, in kB. */
#define SIZES 9u
#define SPARE 8u /* of one size */

struct held {
	struct held *next;          /* of the same slot */
	struct held *older, *newer; /* among those that nobody holds */
	uint64_t bid;
	size_t n;
	unsigned refs, size; /* kB of octets; SIZES: more */
	bool doubt;
	unsigned char octets[];
};
struct ndb_cache {
	struct held *slot[SLOTS];
	struct held *oldest, *newest;
	size_t kept;
	struct held *spare[SIZES];
	unsigned spares[SIZES];
};

uint64_t ndb_block_room(const struct ndb_format *f, uint64_t cb)
{
	return (cb + f->trailer + f->align - 1) / f->align * f->align;
}

int pst_work(struct pst *p, uint64_t octets)
{
	/* Outlook may share a block among copies of a message, callers may
	 * read a thing twice, and octets may be packed. */
	uint64_t most = p->size / 512 * 512 * (p->four_k ? 512 : 64);

	p->ndb->work += octets;
	if (p->ndb->work > most + ((uint64_t)64 << 20))
		return ndb_fail(p, WHY_AGAIN);
	return 0;
}

int64_t ndb_found_at(const struct ndb *n, uint64_t bid)
{
	size_t lo = 0, hi = n->founds, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (n->found[mid].bid < bid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n->founds && n->found[lo].bid == bid ? (int64_t)lo : -1;
}

static int found_place(const struct ndb *n, uint64_t bid, struct ndb_place *out)
{
	int64_t i = ndb_found_at(n, bid);

	if (i < 0)
		return 0;
	out->ib = n->found[i].ib;
	out->cb = n->found[i].cb;
	out->size = n->found[i].size;
	return 1;
}

static int tree_place(struct pst *p, uint64_t bid, struct ndb_place *out)
{
	const struct ndb_format *f = p->ndb->f;
	const unsigned char *e;
	int r = ndb_find(p, &p->ndb->blocks, bid, &e);

	if (r <= 0)
		return r;
	out->ib = ndb_id(f, e + f->id);
	out->cb = out->size = ndb_u16(e + 2 * (size_t)f->id);
	if (f->four_k && ndb_u16(e + 18))
		out->size = ndb_u16(e + 18);
	return 1;
}

int ndb_block_place(struct pst *p, uint64_t bid, struct ndb_place *out)
{
	int r = tree_place(p, NDB_BID(bid), out);

	return r ? r : found_place(p->ndb, NDB_BID(bid), out);
}

/* The trailer behind a block. */
struct trailer {
	uint32_t cb, sig, crc, size;
	uint64_t bid;
};
static struct trailer trailer(const struct ndb_format *f,
                              const unsigned char *t)
{
	struct trailer out = { .cb = ndb_u16(t), .sig = ndb_u16(t + 2) };

	out.crc = ndb_u32(t + (f->ansi ? 8 : 4));
	out.bid = ndb_id(f, t + (f->ansi ? 4 : 8));
	out.size = f->four_k ? ndb_u16(t + 18) : out.cb;
	return out;
}

/* The block's octets as they stand in the file. */
static const unsigned char *raw_block(struct pst *p, uint64_t bid,
                                      struct ndb_place *at, bool *doubt)
{
	const struct ndb_format *f = p->ndb->f;
	uint64_t room = ndb_block_room(f, at->cb);
	const unsigned char *raw;
	struct trailer t;

	if (!at->cb || at->cb > f->most) {
		p->why = WHY_LIST;
		return NULL;
	}
	raw = ndb_view(p, at->ib, room);
	if (!raw)
		return NULL;
	t = trailer(f, raw + room - f->trailer);
	if (NDB_BID(t.bid) != NDB_BID(bid)) {
		p->why = WHY_OVER;
		return NULL;
	}
	*doubt = t.cb != at->cb || t.crc != ndb_crc(raw, at->cb);
	if (f->four_k && t.size)
		at->size = t.size;
	return raw;
}

/* Where the tree has it, unless a rescue found a better one. */
static const unsigned char *find_raw(struct pst *p, uint64_t bid,
                                     struct ndb_place *at, bool *doubt)
{
	struct ndb_place told = { 0 }, other;
	int r = tree_place(p, NDB_BID(bid), &told);
	const unsigned char *raw = NULL;

	*at = told;
	if (r > 0)
		raw = raw_block(p, bid, at, doubt);
	else if (!r)
		p->why = p->declared > p->size ? WHY_CUT : WHY_GONE;
	if ((raw && !*doubt) || r < 0)
		return raw;
	if (!found_place(p->ndb, NDB_BID(bid), &other) ||
	    (r && other.ib == told.ib))
		return raw;
	*at = other;
	raw = raw_block(p, bid, at, doubt);
	if (raw || !r)
		return raw;
	*at = told;
	return raw_block(p, bid, at, doubt);
}

/* Encoded and then packed, or the other way round: what unpacks is right. */
static int unpack(unsigned crypt, struct held *h, const unsigned char *raw,
                  uint32_t cb)
{
	CLEANUP(free_p) unsigned char *plain = NULL;

	if (!ndb_unpack(h->octets, h->n, raw, cb)) {
		ndb_decode(crypt, h->bid, h->octets, h->octets, h->n);
		return 0;
	}
	plain = crypt ? malloc(cb) : NULL;
	if (!plain)
		return -1;
	ndb_decode(crypt, h->bid, plain, raw, cb);
	return ndb_unpack(h->octets, h->n, plain, cb);
}

static int decode(struct pst *p, struct held *h, const unsigned char *raw,
                  uint32_t cb)
{
	unsigned crypt = NDB_INTERNAL(h->bid) ? 0 : p->crypt;

	if (cb != h->n)
		return unpack(crypt, h, raw, cb) ? ndb_fail(p, WHY_PACKED) : 0;
	ndb_decode(crypt, h->bid, h->octets, raw, cb);
	return 0;
}

static struct held *take(struct ndb_cache *c, size_t n)
{
	unsigned size = n < SIZES << 10 ? (unsigned)(n >> 10) : SIZES;
	struct held *h = size < SIZES ? c->spare[size] : NULL;

	if (h) {
		c->spare[size] = h->next;
		c->spares[size]--;
	} else {
		h = malloc(sizeof(*h) +
		           (size < SIZES ? (size_t)(size + 1) << 10 : n));
	}
	if (h)
		*h = (struct held){ .n = n, .size = size };
	return h;
}

static void give(struct ndb_cache *c, struct held *h)
{
	if (h->size == SIZES || c->spares[h->size] == SPARE) {
		free(h);
		return;
	}
	h->next = c->spare[h->size];
	c->spare[h->size] = h;
	c->spares[h->size]++;
}

static struct held *load(struct pst *p, uint64_t bid)
{
	struct ndb_cache *c = p->ndb->cache;
	struct ndb_place at = { 0 };
	const unsigned char *raw;
	bool doubt = false;
	struct held *h;

	raw = find_raw(p, bid, &at, &doubt);
	if (!raw || pst_work(p, at.size))
		return NULL;
	h = take(c, at.size);
	if (!h) {
		p->why = WHY_MEMORY;
		return NULL;
	}
	h->bid = bid;
	h->doubt = doubt;
	if (!decode(p, h, raw, at.cb))
		return h;
	give(c, h);
	return NULL;
}

static struct held **slot_of(struct ndb_cache *c, uint64_t bid)
{
	return &c->slot[(bid >> 1) % SLOTS];
}

/* Takes h out of the list of those that nobody holds. */
static void unlist(struct ndb_cache *c, struct held *h)
{
	if (h->older)
		h->older->newer = h->newer;
	else
		c->oldest = h->newer;
	if (h->newer)
		h->newer->older = h->older;
	else
		c->newest = h->older;
	h->older = h->newer = NULL;
	c->kept -= h->n;
}

static void forget(struct ndb_cache *c, struct held *h)
{
	struct held **at = slot_of(c, h->bid);

	unlist(c, h);
	while (*at != h)
		at = &(*at)->next;
	*at = h->next;
	give(c, h);
}

int pst_block_get(struct pst *p, uint64_t bid, struct pst_block *out)
{
	struct ndb_cache *c = p->ndb->cache;
	struct held **slot, *h;

	bid = NDB_BID(bid);
	slot = slot_of(c, bid);
	for (h = *slot; h && h->bid != bid; h = h->next)
		;
	if (h && !h->refs)
		unlist(c, h);
	if (!h) {
		h = load(p, bid);
		if (!h)
			return -1;
		h->next = *slot;
		*slot = h;
	}
	h->refs++;
	p->doubts += h->doubt;
	out->p = h->octets;
	out->n = h->n;
	out->held = h;
	return 0;
}

void ndb_block_hold(struct pst_block *b)
{
	struct held *h = b->held;

	h->refs++;
}

void pst_block_put(struct pst *p, struct pst_block *b)
{
	struct ndb_cache *c = p->ndb->cache;
	struct held *h = b->held;

	memset(b, 0, sizeof(*b));
	if (!h || --h->refs)
		return;
	h->older = c->newest;
	if (c->newest)
		c->newest->newer = h;
	else
		c->oldest = h;
	c->newest = h;
	c->kept += h->n;
	while (c->kept > KEPT)
		forget(c, c->oldest);
}

int ndb_cache_open(struct ndb *n)
{
	n->cache = calloc(1, sizeof(*n->cache));
	return n->cache ? 0 : -1;
}

void ndb_cache_flush(struct ndb *n)
{
	while (n->cache->oldest)
		forget(n->cache, n->cache->oldest);
}

static void free_all(struct held *h)
{
	struct held *next;

	for (; h; h = next) {
		next = h->next;
		free(h);
	}
}

/* Also what somebody still holds. */
void ndb_cache_close(struct ndb *n)
{
	unsigned i;

	for (i = 0; n->cache && i < SLOTS; i++)
		free_all(n->cache->slot[i]);
	for (i = 0; n->cache && i < SIZES; i++)
		free_all(n->cache->spare[i]);
	free(n->cache);
	n->cache = NULL;
}
