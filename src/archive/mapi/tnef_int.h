/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tnef_int.h - what the parts of the winmail.dat reader share. All octets
 * are one piece of memory that the outermost message owns; the rest points
 * into it.
 */
#ifndef MAILHAUL_ARCHIVE_MAPI_TNEF_INT_H
#define MAILHAUL_ARCHIVE_MAPI_TNEF_INT_H

#include "archive/mapi/mapi.h"
#include "util/buf.h"

/* Octets that are left to read; all that is taken from short ones is 0. */
struct tnef_rest {
	const unsigned char *p;
	size_t n;
	bool ended;
};
const unsigned char *tnef_take(struct tnef_rest *r, size_t n);
uint16_t tnef_16(struct tnef_rest *r);
uint32_t tnef_32(struct tnef_rest *r);

/* A property as it stands. Fixed values: p at their octets; others: p at
 * the size of the first of n values. */
struct tnef_prop {
	uint16_t id, type;
	bool bare;  /* told by an attribute: the octets without a size */
	uint32_t n; /* values */
	const unsigned char *p;
	size_t octets;        /* of all values together */
	size_t order;         /* of the same id the last one counts */
	unsigned char own[8]; /* a number that an attribute told; p is NULL */
	/* Value seen stands at seen_at: the next is not far. */
	size_t seen, seen_at;
	/* A named one. */
	const unsigned char *set; /* NULL: it has no name */
	uint32_t lid;
	const unsigned char *name; /* UTF-16 of name_n octets, or NULL */
	size_t name_n;
};
struct tnef_props {
	struct tnef_prop *v;
	size_t n, cap;
	unsigned spoilt;
};
/* A list of properties ([MS-OXTNEF] 2.1.3.4): what can be read of it is
 * added; what can't is counted. -1: memory. */
int tnef_props(struct tnef_props *to, struct tnef_rest *r);
/* Behind all that were added: sorted, each id once. */
void tnef_props_sort(struct tnef_props *p);
/* One that an attribute tells: what a property tells as well counts more. */
int tnef_props_add(struct tnef_props *p, uint16_t id, uint16_t type,
                   const void *octets, size_t n);
int tnef_props_add_number(struct tnef_props *p, uint16_t id, uint16_t type,
                          uint64_t number);
/* Passes over a list. */
void tnef_props_skip(struct tnef_rest *r);
struct tnef_prop *tnef_prop_find(const struct tnef_props *p, uint16_t id);
uint16_t tnef_prop_named(const struct tnef_props *p,
                         const unsigned char set[16], uint32_t lid,
                         const char *name);
/* Value i: true if there is one. */
bool tnef_prop_value(struct tnef_prop *p, size_t i, struct mapi_value *v);

/* One object: a message, a recipient, an attachment. */
struct tnef_at {
	const unsigned char *p;
	size_t n;
};
struct tnef_list {
	struct tnef_at *v;
	size_t n, cap;
};
struct tnef {
	struct mapi o;
	struct tnef_props props;
	struct tnef_list recipients;  /* lists of properties */
	struct tnef_list attachments; /* runs of attributes */
	unsigned depth;
	unsigned char *owned; /* the outermost's octets */
};
struct tnef *tnef_new(unsigned codepage, unsigned depth);
/* A message of octets that stay. NULL: it is none, or damaged, or memory. */
struct tnef *tnef_message(const unsigned char *p, size_t n, unsigned depth);
/* The attributes of an attachment ([MS-OXTNEF] 2.1.3.3) as properties of
 * t. -1: memory. */
int tnef_attachment(struct tnef *t, const struct tnef_at *at);

/* An attribute: 1, 0: the end or what is none, -1: it ends behind r. */
struct tnef_attribute {
	unsigned level;
	uint32_t id;
	struct tnef_rest value;
	bool doubt; /* the checksum is another */
};
int tnef_attribute(struct tnef_rest *r, struct tnef_attribute *a);

#endif
