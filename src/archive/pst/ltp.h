/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ltp.h - lists, tables and properties ([MS-PST] 2.3): a heap on a node, the
 * property context (PC) of a message, folder or attachment, the table
 * context (TC) of recipients, attachments or a folder's contents, and the
 * names of named properties (2.4.7).
 *
 * One property that can't be read never spoils the others: it is left away,
 * and counted in spoilt.
 */
#ifndef MAILHAUL_ARCHIVE_PST_LTP_H
#define MAILHAUL_ARCHIVE_PST_LTP_H

#include "archive/mapi/mapi.h"
#include "archive/pst/ndb.h"

/* Where a value stands. */
struct pst_prop {
	uint16_t id, type;
	uint32_t value; /* itself, a HID or the nid of a sub-node */
};

/* A property context. */
struct pst_pc {
	struct pst *p;
	uint64_t data, sub; /* of its node */
	unsigned spoilt;
	const char *why;    /* of the last one */
	struct pst_prop *v; /* ascending by id */
	size_t n;
	void *heap; /* ltp.c's */
};
/* -1: p->why; nothing of it can be read. */
int pst_pc_open(struct pst_pc *c, struct pst *p, uint64_t data, uint64_t sub);
void pst_pc_close(struct pst_pc *c);
/* 1: v filled; its octets stay until pst_pc_close(). Values in sub-nodes
 * come with v->stream. 0: the file has no such property. -1: it has, and it
 * can't be read (counted). */
int pst_pc_get(struct pst_pc *c, uint16_t id, struct mapi_value *v);
/* Value i of a MAPI_MULTIPLE, as one of the type without it. The same; 0 also
 * behind the last one, or if the property has no multiple values. */
int pst_pc_at(struct pst_pc *c, uint16_t id, size_t i, struct mapi_value *v);
/* The octets of a value that came with v->stream; for PtypObject those of its
 * node. */
int pst_pc_stream(struct pst_pc *c, uint16_t id, struct pst_data *out);
/* The node of a PtypObject: 1, 0, -1. */
int pst_pc_object(struct pst_pc *c, uint16_t id, struct pst_node *out);

/* A table context. Rows may be many: they are read as they are asked for.
 * spoilt counts cells each time they are asked for. */
struct pst_tc {
	struct pst *p;
	uint64_t data, sub;
	size_t rows;
	unsigned spoilt;
	const char *why;
	/* Not 0: octets of all rows stay until pst_tc_close(). */
	unsigned pinned;
	void *table; /* ltp_tc.c's */
};
int pst_tc_open(struct pst_tc *t, struct pst *p, uint64_t data, uint64_t sub);
void pst_tc_close(struct pst_tc *t);
/* The row's own number: a nid in tables of folders and attachments. -1. */
int pst_tc_id(struct pst_tc *t, size_t row, uint32_t *id);
/* Octets of rows that were asked for before may go. */
void pst_tc_rest(struct pst_tc *t);
/* As pst_pc_get(); octets stay until another row is asked for. */
int pst_tc_get(struct pst_tc *t, size_t row, uint16_t id, struct mapi_value *v);
int pst_tc_at(struct pst_tc *t, size_t row, uint16_t id, size_t i,
              struct mapi_value *v);
int pst_tc_stream(struct pst_tc *t, size_t row, uint16_t id,
                  struct pst_data *out);
/* The columns' tags (id << 16 | type), ascending; n of them. */
const uint32_t *pst_tc_columns(const struct pst_tc *t, size_t *n);

/* Named properties: id of the property that (set, lid) or (set, name) has in
 * this file, 0: none. NULL from open: memory; a damaged map is an empty
 * one. */
struct pst_names;
struct pst_names *pst_names_open(struct pst *p);
uint16_t pst_names_find(const struct pst_names *n, const unsigned char set[16],
                        uint32_t lid, const char *name);
/* The name of an id in PS_PUBLIC_STRINGS, UTF-8, malloc'd; NULL: it has none
 * there. */
char *pst_names_public(const struct pst_names *n, uint16_t id);
void pst_names_close(struct pst_names **n);

#endif
