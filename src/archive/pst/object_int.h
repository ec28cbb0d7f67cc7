/* SPDX-License-Identifier: Apache-2.0 */
/* object_int.h - what object.c and object_parts.c share. */
#ifndef MAILHAUL_ARCHIVE_PST_OBJECT_INT_H
#define MAILHAUL_ARCHIVE_PST_OBJECT_INT_H

#include "archive/pst/object.h"

/* An attachment: a sub-node, a row of the table, or both. */
#define NO_ROW SIZE_MAX
struct part {
	struct pst_node node;
	bool there; /* node is */
	size_t row;
};

/* The tables of a message: opened when somebody asks for them. */
struct parts {
	struct pst_tc recipients, table;
	struct part *v;
	size_t n, cap;
	struct pst_node recipients_node, table_node;
	bool has_recipients, has_table;
	bool asked_recipients, asked_table;
	unsigned lost; /* what could not be read of all that */
};

enum object_kind { OBJECT_PROPERTIES, OBJECT_MESSAGE, OBJECT_ATTACHMENT };

/* One of a context, or of a row of a table. */
struct object {
	struct mapi m;
	const struct pst_file *f;
	enum object_kind kind;
	struct pst_pc pc;
	struct parts *parts; /* of messages, NULL until asked for */
	struct pst_tc *tc;   /* of rows: the message's */
	size_t row;
};

/* The context of a node. NULL: f->p->why. */
struct object *object_of(const struct pst_file *f, const struct pst_node *n,
                         enum object_kind kind, unsigned codepage);
/* A row, pinned in its table. NULL: memory. */
struct object *object_row(const struct pst_file *f, struct pst_tc *t,
                          size_t row, unsigned codepage);

size_t object_recipients(struct mapi *m);
struct mapi *object_recipient(struct mapi *m, size_t i);
size_t object_attachments(struct mapi *m);
struct mapi *object_attachment(struct mapi *m, size_t i);
void object_parts_close(struct parts **parts);

#endif
