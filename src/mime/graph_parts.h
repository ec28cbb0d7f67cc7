/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_parts.h - where the parts of a message are, without reading more
 * of them than their headers into memory.
 *
 *   struct graph_parts parts = { 0 };
 *   graph_parts_scan(&parts, body, &err);
 *   graph_shape_release(&parts);
 *
 * The first part is the message itself. An attached message is a leaf: its
 * octets travel as they are. Memory is bounded by GRAPH_PARTS_MOST and
 * GRAPH_FIELDS_MOST; a message beyond them is too_much, and then has no
 * parts but the fields of its header.
 */
#ifndef MAILHAUL_MIME_GRAPH_PARTS_H
#define MAILHAUL_MIME_GRAPH_PARTS_H

#include "mailhaul/body.h"
#include "util/buf.h"

#define GRAPH_PARTS_MOST 2000
#define GRAPH_NEST_MOST 100
#define GRAPH_FIELD_MOST (512u << 10) /* one field of the message */
#define GRAPH_PARAM_MOST (16u << 10)  /* one field of a part */
#define GRAPH_FIELDS_MOST (2u << 20)  /* all that is kept of parts */

/* Fields of the message's own header, unfolded; of those that stand there
 * more than once the first, of recipients all, with commas. */
enum graph_field {
	FIELD_SUBJECT,
	FIELD_FROM,
	FIELD_SENDER,
	FIELD_TO,
	FIELD_CC,
	FIELD_BCC,
	FIELD_REPLY_TO,
	FIELD_DATE,
	FIELD_MESSAGE_ID,
	FIELD_IN_REPLY_TO,
	FIELD_REFERENCES,
	FIELD_IMPORTANCE,
	FIELD_X_PRIORITY,
	FIELD_MS_PRIORITY,
	FIELD_PRIORITY,
	FIELD_RECEIVED,
	FIELD_COUNT
};

enum graph_disposition { SHOWN_UNSAID, SHOWN_INLINE, SHOWN_ATTACHED };

struct graph_part {
	uint64_t head, text, end; /* header from head, content [text, end) */
	size_t parent;            /* of the first: itself */
	size_t kid, next;         /* first child, next sibling; 0: none */
	unsigned depth;
	bool multipart, closed;
	int encoding; /* GMimeContentEncoding */
	enum graph_disposition shown;
	char *type; /* "text/plain", lower case; never NULL */
	char *boundary, *charset, *start; /* parameters, or NULL */
	char *name;                       /* UTF-8, or NULL */
	char *cid;                        /* without angle brackets, or NULL */
};

struct graph_parts {
	struct graph_part *v;
	size_t n, cap;
	char *field[FIELD_COUNT]; /* or NULL */
	bool too_much;
};

int graph_parts_scan(struct graph_parts *parts, const struct body *b,
                     struct err *e);
void graph_shape_release(struct graph_parts *parts);
bool graph_part_is(const struct graph_part *p, const char *type);

#endif
