/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_int.h - what the files of graph_mail share.
 */
#ifndef MAILHAUL_MIME_GRAPH_INT_H
#define MAILHAUL_MIME_GRAPH_INT_H

#include "mime/graph_mail.h"
#include "mime/graph_out.h"
#include "mime/graph_parts.h"

#define GRAPH_SUBJECT_MOST 255      /* characters that Exchange keeps */
#define GRAPH_HEADER_MOST 60000u    /* octets of the header block */
#define GRAPH_VALUE_MOST 30000u     /* octets of a property's string */
#define GRAPH_NAME_MOST 200u        /* octets of an attachment's name */
#define GRAPH_FACTS_ROOM 20000u     /* of the JSON, for struct graph_facts */
#define GRAPH_CATEGORIES_MOST 8000u /* of that, before escaping */

/* What a reader will not find exactly as it was. */
enum graph_loss {
	LOSS_SIGNED = 1 << 0,
	LOSS_SMIME = 1 << 1, /* signed or encrypted: opaque */
	LOSS_ENCRYPTED = 1 << 2,
	LOSS_SUBJECT = 1 << 3,
	LOSS_HEADER = 1 << 4,
	LOSS_WHOLE = 1 << 5,
	LOSS_JOINED = 1 << 6, /* several HTML texts */
};

struct graph_file {
	size_t part;
	char *name; /* UTF-8 */
	bool is_inline, apart;
	uint64_t size; /* decoded */
};

struct graph_mail {
	const struct body *b;
	struct graph_parts parts;
	size_t *text; /* parts that are the body, in order */
	size_t text_n;
	bool html;
	struct graph_file *file;
	size_t file_n;
	struct graph_file **order; /* by size */
	size_t apart_n;
	bool smime;      /* message class IPM.Note.SMIME */
	unsigned losses; /* enum graph_loss */
	size_t nameless; /* recipients without an address */
	char *subject, *message_id;
	char *note;
};

/* Finds text[] and file[], without sizes and is_inline. */
int graph_roles(struct graph_mail *g, struct err *e);
/* The name for part i, which is the n-th file. NULL: memory. */
char *graph_file_name(struct graph_mail *g, size_t i, size_t n, struct err *e);

/* The message's JSON without its attachments and the closing brace; f
 * NULL: without what comes from facts, to count. */
void graph_message(struct graph_mail *g, const struct graph_facts *f,
                   struct graph_out *o);
/* The body's text as a JSON string without quotes. */
void graph_body(struct graph_mail *g, struct graph_out *o);
/* Which files the HTML shows within itself: is_inline. */
int graph_cids(struct graph_mail *g, struct err *e);

#endif
