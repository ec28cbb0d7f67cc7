/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fp_text.h - one number for all that a message says below its header,
 * however it is wrapped up (RFC 2045 and 2046).
 *
 *   fp_text_begin(&t);
 *   fp_text_field(&t, field, n);   the message's own header, as header.h
 *   fp_text_body(&t);              ... which has ended
 *   fp_text_data(&t, p, n);        the rest, in any pieces
 *   hash = fp_text_end(&t);
 *   fp_text_release(&t);
 *
 * It is mix.h's hash of the content of all parts in their order, base64 and
 * quoted-printable undone, as mix_text() takes it. Not in it: the headers
 * of parts, boundaries, what stands before the first and behind the last of
 * them, and a text/plain that another alternative follows. A message within
 * counts its fp_field.h values and its parts. Where it is nested more than
 * FP_NEST_MAX deep, or a boundary is longer than FP_MARK_MAX, the part is
 * taken as it stands. Memory: this, and a field of HEADER_FIELD_MAX.
 */
#ifndef MAILHAUL_MIME_FP_TEXT_H
#define MAILHAUL_MIME_FP_TEXT_H

#include "mime/base64.h"
#include "mime/fp_field.h"
#include "mime/header.h"
#include "mime/mix.h"

#define FP_NEST_MAX 16
#define FP_MARK_MAX 128 /* RFC 2046 allows 70 */

enum fp_type { FP_LEAF, FP_PLAIN, FP_MULTI, FP_MESSAGE };
enum fp_code { FP_AS_IS, FP_QP, FP_BASE64 };

/* What a header says of the part that it heads. */
struct fp_part {
	enum fp_type type;
	enum fp_code code;
	bool typed, coded;
	bool file; /* attached, or nothing that is shown as text */
	bool rtf;  /* what was HTML elsewhere: none of the files */
	bool alternative, digest; /* with FP_MULTI */
	bool message;             /* it is the header of a message within */
	char mark[FP_MARK_MAX];
	size_t mark_n;
};

struct fp_level {
	bool alternative, digest;
	size_t mark_n;
	char mark[FP_MARK_MAX];
};

struct fp_text {
	struct mix mix;
	uint64_t files; /* octets of such parts, encoded */
	enum { FP_IN_HEADER, FP_IN_CONTENT, FP_IN_NOTHING } state;
	struct header_split split; /* of headers within */
	struct fp_heads heads;     /* with part.message */
	struct fp_part part;
	struct fp_level level[FP_NEST_MAX];
	size_t depth;
	/* A line that may be a boundary. */
	bool line_begins;
	size_t held_n;
	char held[FP_MARK_MAX + 8];
	/* What the next boundary of that level may show to be no content. */
	struct mix_then then;
	size_t then_depth; /* 0: nothing */
	bool preamble;
	/* Transfer encodings that a piece has cut. */
	struct base64 base64;
	size_t qp_n;
	char qp[2];
};

void fp_text_begin(struct fp_text *t);
int fp_text_field(struct fp_text *t, const char *field, size_t n);
void fp_text_body(struct fp_text *t);
int fp_text_data(struct fp_text *t, const char *p, size_t n);
/* -1: memory. */
int fp_text_end(struct fp_text *t, uint64_t *hash);
void fp_text_release(struct fp_text *t);

#endif
