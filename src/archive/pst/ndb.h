/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ndb.h - the node database of a PST or OST file ([MS-PST] 2.2): nodes are
 * found by number (nid), blocks by theirs (bid), and a node's octets are one
 * block or a tree of them. ANSI (version 14, 15), Unicode (23) and Unicode
 * with pages of 4 kB (36, 37) look the same from here; blocks come decoded
 * (permutation, cyclic, zlib).
 *
 * Everything in the file is a stranger's: each offset, count and length is
 * checked; loops in trees end. What is wrong is told as -1 with p->why; a
 * checksum alone that does not fit is counted in p->doubts, and the octets
 * are used.
 *
 * A file whose header or trees can't be read (cut, damaged) is looked through
 * once for the pages and blocks that are still whole (rescue.h), and what was
 * found there is used where the trees fail.
 *
 *   struct pst *p;
 *   if (pst_open(&p, fd, &why)) ...
 *   pst_nodes(p, each, arg);
 *   if (pst_node(p, nid, &node) > 0 && !pst_data_open(&d, p, node.data)) {
 *           n = pst_data_read(&d, at, buf, sizeof(buf));
 *           pst_data_close(&d);
 *   }
 *   pst_close(&p);
 */
#ifndef MAILHAUL_ARCHIVE_PST_NDB_H
#define MAILHAUL_ARCHIVE_PST_NDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Types of nodes: the low five bits of a nid ([MS-PST] 2.2.2.1). */
enum nid_type {
	NID_HID = 0x00,
	NID_INTERNAL = 0x01,
	NID_FOLDER = 0x02,
	NID_SEARCH_FOLDER = 0x03,
	NID_MESSAGE = 0x04,
	NID_ATTACHMENT = 0x05,
	NID_ASSOC_MESSAGE = 0x08, /* hidden: settings of programs */
	NID_HIERARCHY = 0x0d,
	NID_CONTENTS = 0x0e,
	NID_ASSOC_CONTENTS = 0x0f,
	NID_ATTACHMENTS = 0x11,
	NID_RECIPIENTS = 0x12,
	NID_LTP = 0x1f
};
#define NID_TYPE(nid) ((nid)&0x1fu)
/* The node of another type that belongs to nid. */
#define NID_OF(nid, type) (((nid) & ~0x1fu) | (type))
#define NID_STORE 0x21u
#define NID_NAMES 0x61u
#define NID_ROOT 0x122u
#define NID_RECEIVE_FOLDERS 0x62bu
#define NID_ATTACHMENT_TABLE 0x671u /* among a message's sub-nodes */
#define NID_RECIPIENT_TABLE 0x692u

/* Where a node is known from: the file's own index, or blocks that were put
 * together (orphans.h), perhaps without all that is below it. */
enum pst_origin { PST_TOLD, PST_LOOSE, PST_LOOSE_PART };

struct pst_node {
	uint32_t nid, parent;
	uint64_t data, sub; /* bids, 0: none */
	enum pst_origin origin;
};

struct pst {
	int fd;
	uint64_t size;    /* of the file */
	unsigned version; /* wVer */
	bool ansi, four_k;
	unsigned crypt; /* bCryptMethod: 0, 1, 2 */
	/* Checksums that did not fit since the caller set it to 0. */
	unsigned doubts;
	/* Why the last call failed: part of a sentence ("a part of it lies
	 * behind the end of the file"). Static. */
	const char *why;
	/* The trees could not be trusted: what is given was searched for. */
	bool rescued;
	uint64_t declared; /* the file's size as its header tells it, 0 */
	struct ndb *ndb;   /* ndb.c's */
};

/* WIP: encrypted for one Windows account (bCryptMethod 0x10). */
enum pst_open {
	PST_OPEN = 0,
	PST_FAILED = -1, /* memory, or nothing in it can be read */
	PST_LOCKED = -2, /* Windows Information Protection */
	PST_UNKNOWN = -3 /* a version that nobody has described */
};
/* fd is borrowed, read by pread() only. working is called now and then in
 * long searches, here or where damage is met later; non-zero ends them (-1).
 * May be NULL. *why: part of a sentence. */
enum pst_open pst_open(struct pst **out, int fd,
                       int (*working)(void *arg, uint64_t octets), void *arg,
                       const char **why);
void pst_close(struct pst **p);

/* All nodes of the file, ascending; non-zero from each stops, and is given
 * back. What can't be read is searched for (rescued); perhaps there is none.
 * -1: memory. */
int pst_nodes(struct pst *p, int (*each)(const struct pst_node *n, void *arg),
              void *arg);
/* 1, 0: there is none, -1. */
int pst_node(struct pst *p, uint32_t nid, struct pst_node *out);
/* From now on these are nodes as well, for pst_node(); ascending, malloc'd,
 * taken over. Once only. */
void pst_nodes_add(struct pst *p, struct pst_node *v, size_t n);
/* After a rescue: each block that was found and that no node, no list of
 * blocks and no list of sub-nodes names, ascending. Non-zero from each stops,
 * and is given back. -1: memory, or p->why. */
int pst_roots(struct pst *p, int (*each)(uint64_t bid, void *arg), void *arg);
/* After a rescue: a and b were written one soon after the other, and no block
 * in between is lost. */
bool pst_close_by(const struct pst *p, uint64_t a, uint64_t b);
/* The sub-node nid in the tree sub ([MS-PST] 2.2.2.8.3.3); only there. */
int pst_subnode(struct pst *p, uint64_t sub, uint32_t nid,
                struct pst_node *out);
int pst_subnodes(struct pst *p, uint64_t sub,
                 int (*each)(const struct pst_node *n, void *arg), void *arg);

/* A block, decoded; kept in memory until it is put back. Any number can be
 * held, but blocks are 8 or 64 kB: hold few. */
struct pst_block {
	const unsigned char *p;
	size_t n;
	void *held; /* ndb_block.c's */
};
int pst_block_get(struct pst *p, uint64_t bid, struct pst_block *out);
void pst_block_put(struct pst *p, struct pst_block *b);

/* The octets of a node: its blocks one after the other. */
struct pst_data {
	struct pst *p;
	uint64_t size;
	size_t blocks;
	struct pst_block one; /* all of it, without a tree */
	void *tree;           /* ndb_data.c's */
};
/* bid 0: no octets. */
int pst_data_open(struct pst_data *d, struct pst *p, uint64_t bid);
/* Up to n octets at an offset, fewer only at the end; 0 at the end. Cheapest
 * in order. */
ssize_t pst_data_read(struct pst_data *d, uint64_t at, void *p, size_t n);
/* The i-th block: heaps and rows don't cross blocks ([MS-PST] 2.3.1.2,
 * 2.3.4.4). */
int pst_data_block(struct pst_data *d, size_t i, struct pst_block *out);
void pst_data_close(struct pst_data *d);

/* Counts octets of the file that were given out or gone through. -1: they are
 * so many more than the file has that it must name the same ones over and
 * over, to keep its reader busy. Blocks that are read, pst_data_read() and
 * pst_subnodes() count by themselves. */
int pst_work(struct pst *p, uint64_t octets);

#endif
