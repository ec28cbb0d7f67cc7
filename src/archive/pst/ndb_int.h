/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ndb_int.h - what the parts of the node database share (ndb.h):
 *
 *   ndb_file.c   octets of the file, through windows that read ahead
 *   ndb_page.c   pages of the two B-trees ([MS-PST] 2.2.2.7), and a cache
 *   ndb_tree.c   search and walk in them
 *   ndb_block.c  blocks (2.2.2.8), decoded, and a cache
 *   ndb_code.c   permutation and cyclic encoding (5.1, 5.2), zlib, CRC
 *   ndb_data.c   XBLOCK and XXBLOCK: the octets of a node
 *   ndb_sub.c    SLBLOCK and SIBLOCK: nodes below a node
 *   rescue.c     what to do without the trees
 */
#ifndef MAILHAUL_ARCHIVE_PST_NDB_INT_H
#define MAILHAUL_ARCHIVE_PST_NDB_INT_H

#include <endian.h>
#include <string.h>

#include "archive/pst/ndb.h"

#define NDB_ENDLESS UINT64_MAX /* the end of a range of keys */
#define NDB_DEPTH 12           /* levels that a B-tree may have */
#define NDB_BLOCKS 0x80        /* ptype of the tree of blocks (BBT) */
#define NDB_NODES 0x81         /* of nodes (NBT) */

#define WHY_CUT "a part of it lies behind the end of the file"
#define WHY_GONE "a part of it is not in the file"
#define WHY_OVER "a part of it has been overwritten"
#define WHY_DISK "its disk can't read it and may be failing"
#define WHY_MEMORY "there is not enough memory for it"
#define WHY_LIST "the list of its parts is damaged"
#define WHY_PACKED "its compressed octets are damaged"
#define WHY_AGAIN "the file names the same octets over and over"
#define WHY_EMPTY "no list of its contents is left in it"
#define WHY_STOPPED "the search in it was stopped"

/* How a version lays out its pages and blocks; octets. */
struct ndb_format {
	uint32_t page;        /* a page of a B-tree */
	uint32_t foot;        /* where in it cEnt stands */
	uint32_t covered;     /* before its trailer, all that its CRC covers */
	uint32_t node, block; /* least entries of a leaf of either tree */
	uint32_t id;          /* a bid, an offset */
	uint32_t align;       /* of blocks */
	uint32_t trailer;     /* behind a block */
	uint32_t most;        /* a block without it */
	bool ansi, four_k;
};

struct ndb_page {
	const unsigned char *e; /* the entries */
	uint32_t n, size, level;
};

/* From here on all keys up to the next one's are in this leaf, ib 0: in
 * none. */
struct ndb_reach {
	uint64_t lo, bid, ib;
};

struct ndb_tree {
	unsigned type;
	uint64_t bid, ib; /* of the root */
	/* What a rescue puts in its place, NULL: nothing. */
	struct ndb_reach *reach;
	size_t reaches;
	/* The leaf that the last search ended in. */
	uint64_t lo, end, leaf_bid, leaf_ib;
};

struct ndb_window {
	unsigned char *p;
	uint64_t at, used;
	size_t n, room;
};
#define NDB_WINDOWS 8

/* A block that was found by its own trailer. */
struct ndb_found {
	uint64_t bid, ib;
	uint32_t cb, size;
};

/* Where a block stands: cb octets at ib, size when they are decoded. */
struct ndb_place {
	uint64_t ib;
	uint32_t cb, size;
};

struct ndb {
	const struct ndb_format *f;
	int (*working)(void *arg, uint64_t octets);
	void *arg;
	struct ndb_window window[NDB_WINDOWS];
	uint64_t clock;          /* counts uses, for what was used last */
	struct ndb_pages *pages; /* ndb_page.c's */
	struct ndb_cache *cache; /* ndb_block.c's */
	struct ndb_tree nodes, blocks;
	bool scanned;            /* a rescue was tried */
	struct ndb_found *found; /* ascending by bid */
	size_t founds;
	struct pst_node *added; /* ascending by nid (pst_nodes_add()) */
	size_t added_n;
	uint64_t work; /* octets given out (pst_work()) */
};

static inline uint32_t ndb_u16(const unsigned char *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}
static inline uint32_t ndb_u32(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}
static inline uint64_t ndb_u64(const unsigned char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}
/* A bid, an offset or a nid in its place: ANSI has 4 octets for them. */
static inline uint64_t ndb_id(const struct ndb_format *f,
                              const unsigned char *p)
{
	return f->ansi ? ndb_u32(p) : ndb_u64(p);
}
/* Bit 0 of a bid means nothing. */
#define NDB_BID(bid) ((bid) & ~(uint64_t)1)
#define NDB_INTERNAL(bid) (((bid)&2) != 0)

/* -1 with p->why, for return. */
static inline int ndb_fail(struct pst *p, const char *why)
{
	p->why = why;
	return -1;
}

extern const struct ndb_format ndb_ansi, ndb_unicode, ndb_4k;

/* ndb_file.c. n octets at an offset, until the next call; NULL: p->why. */
const unsigned char *ndb_view(struct pst *p, uint64_t at, size_t n);
/* All n octets, past the windows. -1: errno, or 0 for the end. */
int ndb_pread(int fd, void *to, size_t n, uint64_t at);
void ndb_file_close(struct ndb *n);

/* ndb_page.c. raw is a whole page. -1: it is none of this type; its bid and
 * whether its CRC fits otherwise. */
int ndb_page_parse(const struct ndb_format *f, unsigned type,
                   const unsigned char *raw, struct ndb_page *out,
                   uint64_t *bid, bool *sound);
/* The page that bid and ib tell of, until the next call; -1: p->why. */
int ndb_page(struct pst *p, unsigned type, uint64_t bid, uint64_t ib,
             struct ndb_page *out);
/* An entry's key, of any level. */
uint64_t ndb_key(const struct ndb_format *f, unsigned type,
                 const unsigned char *e);
int ndb_pages_open(struct ndb *n);
void ndb_pages_close(struct ndb *n);
/* wSig ([MS-PST] 5.5). */
unsigned ndb_sig(uint64_t ib, uint64_t bid);

/* ndb_tree.c. The leaf's entry with this key, until the next page: 1, 0,
 * -1. */
int ndb_find(struct pst *p, struct ndb_tree *t, uint64_t key,
             const unsigned char **e);
struct ndb_leaf {
	struct ndb_page page;
	uint64_t bid, ib;
	uint64_t lo, end; /* keys that belong here: lo <= key < end */
};
/* Every leaf in order; each's leaf stays during its call only. What each
 * gives back; *broken: a page is missing. lenient goes on behind it. */
int ndb_walk(struct pst *p, struct ndb_tree *t, bool lenient,
             int (*each)(const struct ndb_leaf *l, void *arg), void *arg,
             bool *broken);

/* ndb_block.c. Of those that were found the first of a bid; -1: none. */
int64_t ndb_found_at(const struct ndb *n, uint64_t bid);
int ndb_cache_open(struct ndb *n);
void ndb_cache_close(struct ndb *n);
/* Forgets what nobody holds: the encoding has changed. */
void ndb_cache_flush(struct ndb *n);
/* 1, 0: there is no such block, -1. */
int ndb_block_place(struct pst *p, uint64_t bid, struct ndb_place *out);
void ndb_block_hold(struct pst_block *b);
/* Octets of a block with its trailer. */
uint64_t ndb_block_room(const struct ndb_format *f, uint64_t cb);

/* ndb_code.c */
uint32_t ndb_crc(const unsigned char *p, size_t n);
void ndb_decode(unsigned crypt, uint64_t bid, unsigned char *to,
                const unsigned char *p, size_t n);
/* -1: they are not size octets, packed. */
int ndb_unpack(unsigned char *to, size_t size, const unsigned char *p,
               size_t n);

#endif
