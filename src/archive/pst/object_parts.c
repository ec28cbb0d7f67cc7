/* SPDX-License-Identifier: Apache-2.0 */
/* object_parts.c - recipients and attachments ([MS-PST] 2.4.5, 2.4.6). */
#include <stdlib.h>

#include "archive/pst/object_int.h"

/* What stands in memory for each is small, but a forged file has millions. */
#define ATTACHMENTS_MOST (UINT32_C(1) << 16)

void object_parts_close(struct parts **parts)
{
	struct parts *s = *parts;

	if (s) {
		if (s->asked_recipients && s->has_recipients)
			pst_tc_close(&s->recipients);
		if (s->asked_table && s->has_table)
			pst_tc_close(&s->table);
		free(s->v);
		free(s);
	}
	*parts = NULL;
}

static void lose(struct object *o, const char *why)
{
	o->parts->lost++;
	o->m.spoilt++;
	o->m.why = why;
}

/* --- the sub-nodes of a message ------------------------------------------ */

static int add_part(struct parts *s, const struct pst_node *n, size_t row)
{
	struct part *v;

	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 8;
		v = realloc(s->v, s->cap * sizeof(*v));
		if (!v)
			return -1;
		s->v = v;
	}
	s->v[s->n].node = *n;
	s->v[s->n].there = row == NO_ROW;
	s->v[s->n].row = row;
	s->n++;
	return 0;
}

static int note_node(const struct pst_node *n, void *arg)
{
	struct parts *s = arg;

	if (n->nid == NID_RECIPIENT_TABLE) {
		s->recipients_node = *n;
		s->has_recipients = true;
	} else if (n->nid == NID_ATTACHMENT_TABLE) {
		s->table_node = *n;
		s->has_table = true;
	} else if (NID_TYPE(n->nid) == NID_ATTACHMENT &&
	           s->n < ATTACHMENTS_MOST) {
		return add_part(s, n, NO_ROW);
	}
	return 0;
}

/* NULL: it can have none, or memory. */
static struct parts *parts_of(struct object *o)
{
	struct pst *p = o->f->p;

	if (o->parts || o->kind != OBJECT_MESSAGE)
		return o->parts;
	o->parts = malloc(sizeof(*o->parts));
	if (!o->parts)
		return NULL;
	*o->parts = (struct parts){ 0 };
	if (o->pc.sub && pst_subnodes(p, o->pc.sub, note_node, o->parts))
		lose(o, p->why);
	return o->parts;
}

/* --- recipients ---------------------------------------------------------- */

size_t object_recipients(struct mapi *m)
{
	struct object *o = (struct object *)m;
	struct parts *s = parts_of(o);

	if (!s)
		return 0;
	if (!s->asked_recipients && s->has_recipients &&
	    pst_tc_open(&s->recipients, o->f->p, s->recipients_node.data,
	                s->recipients_node.sub)) {
		s->has_recipients = false;
		lose(o, o->f->p->why);
	}
	s->asked_recipients = true;
	return s->has_recipients ? s->recipients.rows : 0;
}

struct mapi *object_recipient(struct mapi *m, size_t i)
{
	struct object *o = (struct object *)m;
	struct object *row;

	if (i >= object_recipients(m))
		return NULL;
	row = object_row(o->f, &o->parts->recipients, i, m->codepage);
	return row ? &row->m : NULL;
}

/* --- attachments --------------------------------------------------------- */

static int by_nid(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return (x->node.nid > y->node.nid) - (x->node.nid < y->node.nid);
}

static struct part *find_part(struct part *v, size_t n, uint32_t nid)
{
	const struct part key = { .node = { .nid = nid } };

	return n ? bsearch(&key, v, n, sizeof(*v), by_nid) : NULL;
}

/* First those of the table in its order, then those that only stand among
 * the sub-nodes. */
static int by_row(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	if (x->row != y->row)
		return x->row > y->row ? 1 : -1;
	return by_nid(a, b);
}

static void join_table(struct object *o, struct parts *s)
{
	size_t nodes = s->n;
	size_t rows = s->table.rows;

	for (size_t i = 0; i < rows && i < ATTACHMENTS_MOST; i++) {
		struct pst_node n = { 0 };
		struct part *part;

		if (pst_tc_id(&s->table, i, &n.nid)) {
			lose(o, o->f->p->why);
			continue;
		}
		part = find_part(s->v, nodes, n.nid);
		if (part && part->row == NO_ROW)
			part->row = i;
		else if (!part && add_part(s, &n, i))
			lose(o, "there is not enough memory for it");
	}
}

size_t object_attachments(struct mapi *m)
{
	struct object *o = (struct object *)m;
	struct parts *s = parts_of(o);

	if (!s)
		return 0;
	if (s->asked_table)
		return s->n;
	s->asked_table = true;
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), by_nid);
	if (s->has_table && pst_tc_open(&s->table, o->f->p, s->table_node.data,
	                                s->table_node.sub)) {
		s->has_table = false;
		lose(o, o->f->p->why);
	}
	if (s->has_table)
		join_table(o, s);
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), by_row);
	return s->n;
}

/* What the table says of one that can't be read. */
static struct object *of_table(struct object *o, const struct part *part)
{
	const char *why = o->f->p->why;
	struct object *row;

	lose(o, why);
	if (part->row == NO_ROW)
		return NULL;
	row = object_row(o->f, &o->parts->table, part->row, o->m.codepage);
	if (row) {
		row->m.spoilt++;
		row->m.why = why;
	}
	return row;
}

struct mapi *object_attachment(struct mapi *m, size_t i)
{
	struct object *o = (struct object *)m;
	const struct part *part;
	struct object *a = NULL;

	if (i >= object_attachments(m))
		return NULL;
	part = &o->parts->v[i];
	if (part->there)
		a = object_of(o->f, &part->node, OBJECT_ATTACHMENT,
		              m->codepage);
	else
		o->f->p->why = "an attachment of it is not in the file";
	if (!a)
		a = of_table(o, part);
	return a ? &a->m : NULL;
}
