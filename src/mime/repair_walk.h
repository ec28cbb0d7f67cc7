/* SPDX-License-Identifier: Apache-2.0 */
/*
 * repair_walk.h - a message as lines that could go anywhere, and where in
 * it they stand: header field, part boundary, body of which kind of part.
 *
 *   struct repair_walk w = REPAIR_WALK_INIT(&sink, arg);
 *   repair_walk_body(&w, body, &err);
 *   repair_walk_release(&w);
 *
 * NULs are gone, and CR, LF and CRLF are all one line end in what the sink
 * sees. Memory: one header field (HEADER_FIELD_MAX), some boundaries.
 */
#ifndef MAILHAUL_MIME_REPAIR_WALK_H
#define MAILHAUL_MIME_REPAIR_WALK_H

#include "mime/header.h"
#include "mime/repair.h"

#define REPAIR_LINE_MAX 998 /* RFC 5322 2.1.1, without the CRLF */
#define REPAIR_NEST_MAX 32
#define REPAIR_HEAD 256

enum repair_kind {
	PART_LEAF, /* not of parts, neither base64 nor quoted-printable */
	PART_QP,
	PART_OTHER
};

struct repair_walk;
struct repair_sink {
	/* A field with its folds, without its last line end. cut: more of
	 * it comes; goes_on: the beginning came before. */
	int (*field)(struct repair_walk *w, const char *p, size_t n, bool cut,
	             bool goes_on, struct err *e);
	int (*header_end)(struct repair_walk *w, struct err *e);
	/* A boundary line. */
	int (*boundary)(struct repair_walk *w, const char *p, size_t n,
	                struct err *e);
	int (*text)(struct repair_walk *w, const char *p, size_t n,
	            struct err *e);
	int (*line_end)(struct repair_walk *w, struct err *e);
};

struct repair_walk {
	const struct repair_sink *sink;
	void *arg;
	struct repair_look look;
	/* Where it is, for the sink. */
	uint32_t part; /* counts headers and epilogues from 0 */
	bool message;  /* the header is a message's, not a part's */
	enum repair_kind kind;
	uint64_t line; /* octets of the line so far */
	/* Its own. */
	bool in_header, cr, boundary_line;
	bool field_cut, has_type, digest, rfc822, raw;
	struct buf field, head;
	char *boundary[REPAIR_NEST_MAX];
	bool digests[REPAIR_NEST_MAX];
	size_t depth;
	char *pending; /* boundary of the header being read */
};
#define REPAIR_WALK_INIT(ops, argument)                                 \
	{                                                               \
		.sink = (ops), .arg = (argument), .message = true,      \
		.in_header = true, .field = BUF_INIT(HEADER_FIELD_MAX), \
		.head = BUF_INIT(REPAIR_HEAD)                           \
	}

int repair_walk_body(struct repair_walk *w, const struct body *b,
                     struct err *e);
void repair_walk_release(struct repair_walk *w);

/* Appends a field, with 8-bit octets encoded if encode, and lines folded
 * that are too long. What was done is counted. -1: memory. */
struct repair_fields {
	uint64_t encoded, folded;
};
int repair_field(struct buf *out, const char *p, size_t n, bool encode,
                 struct repair_fields *count);
/* The same for a piece of a field beyond all measure. */
int repair_field_piece(struct buf *out, const char *p, size_t n, bool encode,
                       bool goes_on, struct repair_fields *count);
/* The field's 8-bit octets as encoded words of RFC 2047. */
int repair_encode(struct buf *out, const char *p, size_t n);

#endif
