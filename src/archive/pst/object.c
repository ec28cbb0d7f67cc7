/* SPDX-License-Identifier: Apache-2.0 */
/* object.c - see object.h. */
#include "archive/pst/object.h"

#include <stdlib.h>
#include <string.h>

#include "archive/pst/object_int.h"
#include "util/buf.h"

#define PID_MESSAGE_CODEPAGE 0x3ffd
#define PID_ATTACH_DATA 0x3701
#define CODEPAGE_WESTERN 1252
/* Octets of a file that an object is worth: few forged ones may stand for
 * millions, in one another. */
#define WORTH 1024

/* --- values -------------------------------------------------------------- */

/* A context counts what can't be read of it itself. */
static void count(struct object *o)
{
	if (o->tc || !o->pc.spoilt)
		return;
	o->m.spoilt = o->pc.spoilt + (o->parts ? o->parts->lost : 0);
	o->m.why = o->pc.why;
}

static int told(struct object *o, int r)
{
	if (r >= 0)
		return r;
	if (o->tc) {
		o->m.spoilt++;
		o->m.why = o->f->p->why;
	}
	count(o);
	return r;
}

static int get(struct mapi *m, uint16_t id, struct mapi_value *v)
{
	struct object *o = (struct object *)m;

	return told(o, o->tc ? pst_tc_get(o->tc, o->row, id, v)
	                     : pst_pc_get(&o->pc, id, v));
}

static int one(struct mapi *m, uint16_t id, size_t i, struct mapi_value *v)
{
	struct object *o = (struct object *)m;

	return told(o, o->tc ? pst_tc_at(o->tc, o->row, id, i, v)
	                     : pst_pc_at(&o->pc, id, i, v));
}

static int each(struct mapi *m,
                int (*fn)(const struct mapi_value *v, void *arg), void *arg)
{
	struct object *o = (struct object *)m;
	size_t n = o->pc.n;
	const uint32_t *tags = o->tc ? pst_tc_columns(o->tc, &n) : NULL;
	struct mapi_value v;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		if (get(m, tags ? (uint16_t)(tags[i] >> 16) : o->pc.v[i].id,
		        &v) == 1)
			r = fn(&v, arg);
	return r;
}

static uint16_t named(struct mapi *m, const unsigned char set[16], uint32_t lid,
                      const char *name)
{
	const struct object *o = (const struct object *)m;

	return pst_names_find(o->f->names, set, lid, name);
}

static char *called(struct mapi *m, uint16_t id)
{
	const struct object *o = (const struct object *)m;

	return pst_names_public(o->f->names, id);
}

/* --- long values --------------------------------------------------------- */

struct stream {
	struct pst_data d;
	bool open;
	/* Or of a short one. */
	const unsigned char *p;
	uint64_t at, n;
};

static ssize_t stream_read(struct input *in, void *p, size_t n)
{
	struct stream *s = in->arg;
	ssize_t r;

	if (s->open) {
		r = pst_data_read(&s->d, s->at, p, n);
		if (r < 0)
			in->why = s->d.p->why;
	} else {
		r = (ssize_t)(n < s->n - s->at ? n : s->n - s->at);
		if (r)
			memcpy(p, s->p + s->at, (size_t)r);
	}
	if (r > 0)
		s->at += (uint64_t)r;
	return r;
}

static void shut(struct mapi *m, struct input *in)
{
	struct stream *s = in->arg;

	(void)m;
	if (s && s->open)
		pst_data_close(&s->d);
	free(s);
	in->arg = NULL;
}

static void begin(struct input *in, struct stream *s)
{
	memset(in, 0, sizeof(*in));
	in->fd = -1;
	in->read = stream_read;
	in->size = s->open ? s->d.size : s->n;
	in->arg = s;
}

/* v: what get() gave. */
static int open_value(struct object *o, const struct mapi_value *v,
                      struct input *in)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return -1;
	if (v->stream) {
		if (o->tc ? pst_tc_stream(o->tc, o->row, v->id, &s->d)
		          : pst_pc_stream(&o->pc, v->id, &s->d)) {
			free(s);
			return -1;
		}
		s->open = true;
	} else {
		s->p = v->p;
		s->n = v->p ? v->n : 0;
	}
	begin(in, s);
	return 0;
}

static int open_one(struct mapi *m, uint16_t id, struct input *in)
{
	struct object *o = (struct object *)m;
	struct mapi_value v;
	int r = get(m, id, &v);

	if (r == 1)
		r = open_value(o, &v, in) ? -1 : 1;
	if (r < 0)
		count(o);
	return r == 1 ? 0 : -1;
}

/* --- objects ------------------------------------------------------------- */

static void close_object(struct mapi *m)
{
	struct object *o = (struct object *)m;

	if (o->tc)
		o->tc->pinned--;
	object_parts_close(&o->parts);
	pst_pc_close(&o->pc);
	free(o);
}

static struct mapi *embedded(struct mapi *m);

static const struct mapi_ops ops = {
	.get = get,
	.each = each,
	.open = open_one,
	.shut = shut,
	.one = one,
	.named = named,
	.recipients = object_recipients,
	.recipient = object_recipient,
	.attachments = object_attachments,
	.attachment = object_attachment,
	.embedded = embedded,
	.close = close_object,
	.called = called,
};

struct object *object_of(const struct pst_file *f, const struct pst_node *n,
                         enum object_kind kind, unsigned codepage)
{
	struct object *o = malloc(sizeof(*o));

	if (!o) {
		f->p->why = "there is not enough memory for it";
		return NULL;
	}
	*o = (struct object){ .f = f, .kind = kind };
	if (pst_work(f->p, WORTH) ||
	    pst_pc_open(&o->pc, f->p, n->data, n->sub)) {
		free(o);
		return NULL;
	}
	o->m.ops = &ops;
	o->m.codepage = codepage;
	count(o);
	return o;
}

struct object *object_row(const struct pst_file *f, struct pst_tc *t,
                          size_t row, unsigned codepage)
{
	struct object *o = malloc(sizeof(*o));

	if (!o)
		return NULL;
	pst_tc_rest(t);
	t->pinned++;
	*o = (struct object){ .f = f, .tc = t, .row = row };
	o->m.ops = &ops;
	o->m.codepage = codepage;
	return o;
}

static struct mapi *message_of(const struct pst_file *f,
                               const struct pst_node *n, unsigned codepage,
                               enum object_kind kind)
{
	struct object *o = object_of(f, n, kind, codepage);
	struct mapi_value v;

	if (!o)
		return NULL;
	if (get(&o->m, PID_MESSAGE_CODEPAGE, &v) == 1 && v.number > 0 &&
	    v.number <= 0xffff)
		o->m.codepage = (unsigned)v.number;
	return &o->m;
}

static unsigned codepage_of(const struct pst_file *f)
{
	return f->codepage ? f->codepage : CODEPAGE_WESTERN;
}

struct mapi *pst_message(const struct pst_file *f, const struct pst_node *n)
{
	return message_of(f, n, codepage_of(f), OBJECT_MESSAGE);
}

struct mapi *pst_properties(const struct pst_file *f, const struct pst_node *n)
{
	return message_of(f, n, codepage_of(f), OBJECT_PROPERTIES);
}

static int first_message(const struct pst_node *n, void *arg)
{
	if (NID_TYPE(n->nid) != NID_MESSAGE)
		return 0;
	*(struct pst_node *)arg = *n;
	return 1;
}

/* The message stands among the attachment's own sub-nodes, and only there:
 * another of the same nid is another message. Where the property is damaged,
 * the one that is there is it. */
static struct mapi *embedded(struct mapi *m)
{
	struct object *o = (struct object *)m;
	struct mapi *in = NULL;
	struct pst_node n;
	int r;

	if (o->kind != OBJECT_ATTACHMENT)
		return NULL;
	r = pst_pc_object(&o->pc, PID_ATTACH_DATA, &n);
	count(o);
	if (r != 1 && o->pc.sub)
		r = pst_subnodes(o->f->p, o->pc.sub, first_message, &n);
	if (r == 1)
		in = message_of(o->f, &n, m->codepage, OBJECT_MESSAGE);
	if (!in)
		m->why = r ? o->f->p->why : "the message in it is not there";
	return in;
}
