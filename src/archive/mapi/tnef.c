/* SPDX-License-Identifier: Apache-2.0 */
/* tnef.c - a winmail.dat as MAPI objects; see tnef.h. */
#include "archive/mapi/tnef.h"

#include <stdlib.h>
#include <string.h>

#include "archive/input.h"
#include "archive/mapi/text.h"
#include "archive/mapi/tnef_int.h"
#include "util/buf.h"

/* Messages in messages. */
#define DEPTH_MOST 16u

#define PID_DATA 0x3701
#define PID_METHOD 0x3705
#define METHOD_MESSAGE 5

static struct tnef *of(struct mapi *o)
{
	return (struct tnef *)o;
}

/* --- properties ---------------------------------------------------------- */

static int get(struct mapi *o, uint16_t id, struct mapi_value *v)
{
	struct tnef_prop *p = tnef_prop_find(&of(o)->props, id);

	if (!p)
		return 0;
	memset(v, 0, sizeof(*v));
	if (p->type & MAPI_MULTIPLE) {
		v->id = id;
		v->type = p->type;
		v->n = p->n;
		return 1;
	}
	if (p->n == 0 || tnef_prop_value(p, 0, v))
		return p->n ? 1 : 0;
	o->spoilt++;
	return -1;
}

static int one(struct mapi *o, uint16_t id, size_t i, struct mapi_value *v)
{
	struct tnef_prop *p = tnef_prop_find(&of(o)->props, id);

	if (!p || !(p->type & MAPI_MULTIPLE))
		return 0;
	memset(v, 0, sizeof(*v));
	return tnef_prop_value(p, i, v);
}

static int each(struct mapi *o, int (*fn)(const struct mapi_value *, void *),
                void *arg)
{
	struct tnef_props *p = &of(o)->props;

	for (size_t i = 0; i < p->n; i++) {
		struct mapi_value v;
		int r;

		if (get(o, p->v[i].id, &v) != 1)
			continue;
		r = fn(&v, arg);
		if (r)
			return r;
	}
	return 0;
}

static uint16_t named(struct mapi *o, const unsigned char set[16], uint32_t lid,
                      const char *name)
{
	return tnef_prop_named(&of(o)->props, set, lid, name);
}

static char *called(struct mapi *o, uint16_t id)
{
	struct tnef_prop *p = tnef_prop_find(&of(o)->props, id);
	struct buf out CLEANUP(buf_release_p) = BUF_INIT(0);

	if (!p || !p->name || !p->set ||
	    memcmp(p->set, MAPI_PS_PUBLIC_STRINGS, 16) != 0 ||
	    text_add(&out, CODEPAGE_UTF16, p->name, p->name_n) || out.n == 0)
		return NULL;
	return buf_take(&out);
}

/* --- values as octets ---------------------------------------------------- */

static int open_value(struct mapi *o, uint16_t id, struct input *in)
{
	struct in_memory *m;
	struct mapi_value v;

	if (get(o, id, &v) != 1 || !v.p)
		return -1;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -1;
	input_memory(m, v.p, v.n);
	*in = m->in;
	return 0;
}

static void shut(struct mapi *o, struct input *in)
{
	(void)o;
	free(in->arg);
	in->arg = NULL;
}

/* --- objects in it ------------------------------------------------------- */

static size_t recipients(struct mapi *o)
{
	return of(o)->recipients.n;
}

static struct mapi *recipient(struct mapi *o, size_t i)
{
	struct tnef *t = of(o), *child;
	struct mapi *made;
	struct tnef_rest r;

	if (i >= t->recipients.n)
		return NULL;
	r = (struct tnef_rest){ t->recipients.v[i].p, t->recipients.v[i].n,
		                false };
	child = tnef_new(o->codepage, t->depth);
	if (!child)
		return NULL;
	made = &child->o;
	if (tnef_props(&child->props, &r))
		mapi_close(&made);
	else
		tnef_props_sort(&child->props);
	return made;
}

static size_t attachments(struct mapi *o)
{
	return of(o)->attachments.n;
}

static struct mapi *attachment(struct mapi *o, size_t i)
{
	struct tnef *t = of(o), *child;
	struct mapi *made;

	if (i >= t->attachments.n)
		return NULL;
	child = tnef_new(o->codepage, t->depth);
	if (!child)
		return NULL;
	made = &child->o;
	if (tnef_attachment(child, &t->attachments.v[i]))
		mapi_close(&made);
	return made;
}

/* The message in an attachment is a winmail.dat of its own ([MS-OXTNEF]
 * 2.1.3.3.15). */
static struct mapi *embedded(struct mapi *o)
{
	struct tnef *t = of(o), *child;
	struct mapi_value v;

	if (t->depth >= DEPTH_MOST) {
		o->why = "messages are packed in messages too deep";
		return NULL;
	}
	if (get(o, PID_DATA, &v) != 1 || v.type != MAPI_OBJECT || !v.p)
		return NULL;
	child = tnef_message(v.p, v.n, t->depth + 1);
	if (!child)
		o->why = "the message in it is damaged";
	return child ? &child->o : NULL;
}

static void closes(struct mapi *o)
{
	struct tnef *t = of(o);

	free(t->props.v);
	free(t->recipients.v);
	free(t->attachments.v);
	free(t->owned);
	free(t);
}

static const struct mapi_ops ops = {
	.get = get,
	.each = each,
	.open = open_value,
	.shut = shut,
	.one = one,
	.named = named,
	.recipients = recipients,
	.recipient = recipient,
	.attachments = attachments,
	.attachment = attachment,
	.embedded = embedded,
	.close = closes,
	.called = called,
};

struct tnef *tnef_new(unsigned codepage, unsigned depth)
{
	struct tnef *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->o.ops = &ops;
	t->o.codepage = codepage;
	t->depth = depth;
	return t;
}

/* --- the whole ----------------------------------------------------------- */

static int read_all(struct input *in, struct buf *all)
{
	ssize_t r = 1;

	/* All at once: no second copy while it grows. */
	if (in->size && !buf_room(all, (size_t)in->size + 65536))
		return -1;
	while (r > 0) {
		char *p = buf_room(all, 65536);

		if (!p)
			return -1;
		r = in->read(in, p, 65536);
		if (r > 0)
			all->n += (size_t)r;
	}
	return r < 0 || all->n > TNEF_MOST ? -1 : 0;
}

struct mapi *tnef_open(struct input *in)
{
	struct buf all CLEANUP(buf_release_p) = BUF_INIT(TNEF_MOST + 131072);
	struct tnef *t;

	if (in->size > TNEF_MOST || read_all(in, &all))
		return NULL;
	t = tnef_message((const unsigned char *)all.p, all.n, 0);
	if (!t)
		return NULL;
	t->owned = (unsigned char *)buf_take(&all);
	return &t->o;
}
