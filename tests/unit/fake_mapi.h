/* SPDX-License-Identifier: Apache-2.0 */
/* fake_mapi.h - a MAPI object out of tables, for tests. Texts are UTF-8. */
#ifndef TESTS_FAKE_MAPI_H
#define TESTS_FAKE_MAPI_H

#include <string.h>

#include "archive/mapi/mapi.h"

#define FAKE_KEYWORDS 0x8001
#define FAKE_HEADER_ITEM 0x8002

struct fake_prop {
	uint16_t id, type;
	const char *p;
	int64_t number; /* or octets of p, 0: strlen */
	size_t fails;   /* reading stops there, 0: never */
};
#define TEXT(id, s)                       \
	{                                 \
		id, MAPI_STRING8, s, 0, 0 \
	}
#define NUMBER(id, v)                     \
	{                                 \
		id, MAPI_LONG, NULL, v, 0 \
	}
#define TIME(id, v)                       \
	{                                 \
		id, MAPI_TIME, NULL, v, 0 \
	}
#define OCTETS(id, s, n)                 \
	{                                \
		id, MAPI_BINARY, s, n, 0 \
	}

struct fake {
	struct mapi m;
	const struct fake_prop *v; /* ends with id 0 */
	struct fake *rows, *attached, *inside;
	size_t rows_n, attached_n;
	size_t at, all; /* of the value that is read */
	const struct fake_prop *reading;
};

static size_t fake_length(const struct fake_prop *p)
{
	return p->number ? (size_t)p->number : p->p ? strlen(p->p) : 0;
}

static const struct fake_prop *fake_find(struct mapi *o, uint16_t id)
{
	const struct fake_prop *p = ((struct fake *)o)->v;

	while (p && p->id && p->id != id)
		p++;
	return p && p->id ? p : NULL;
}

static int fake_get(struct mapi *o, uint16_t id, struct mapi_value *v)
{
	const struct fake_prop *p = fake_find(o, id);

	if (!p)
		return 0;
	if (p->type == MAPI_ERROR)
		return -1;
	v->id = id;
	v->type = p->type;
	v->number = p->number;
	if (p->type == MAPI_LONG || p->type == MAPI_TIME)
		return 1;
	v->n = fake_length(p);
	v->stream = v->n > MAPI_SHORT_MOST || p->fails;
	v->p = v->stream ? NULL : (const unsigned char *)p->p;
	return 1;
}

static int fake_each(struct mapi *o,
                     int (*fn)(const struct mapi_value *v, void *arg),
                     void *arg)
{
	const struct fake_prop *p = ((struct fake *)o)->v;

	for (; p && p->id; p++) {
		struct mapi_value v = { 0 };

		if (fake_get(o, p->id, &v) == 1 && fn(&v, arg))
			return -1;
	}
	return 0;
}

/* In small pieces, so that nothing relies on large ones. */
static ssize_t fake_read(struct input *in, void *p, size_t n)
{
	struct fake *f = in->arg;
	size_t left = f->all - f->at;

	if (f->reading->fails && f->at >= f->reading->fails) {
		in->why = "it ends there";
		return -1;
	}
	n = n < left ? n : left;
	n = n < 1000 ? n : 1000;
	memcpy(p, f->reading->p + f->at, n);
	f->at += n;
	return (ssize_t)n;
}

static int fake_open(struct mapi *o, uint16_t id, struct input *in)
{
	struct fake *f = (struct fake *)o;

	f->reading = fake_find(o, id);
	f->at = 0;
	if (!f->reading)
		return -1;
	f->all = fake_length(f->reading);
	*in = (struct input){
		.read = fake_read, .fd = -1, .size = f->all, .arg = f
	};
	return 0;
}

static void fake_shut(struct mapi *o, struct input *in)
{
	(void)o;
	(void)in;
}

/* Multiple texts stand in a table as one, with '|' between. */
static int fake_one(struct mapi *o, uint16_t id, size_t i, struct mapi_value *v)
{
	const struct fake_prop *p = fake_find(o, id);
	const char *at = p ? p->p : NULL;

	while (at && i--) {
		at = strchr(at, '|');
		at = at ? at + 1 : NULL;
	}
	if (!at)
		return 0;
	memset(v, 0, sizeof(*v));
	v->type = MAPI_STRING8;
	v->p = (const unsigned char *)at;
	v->n = strcspn(at, "|");
	return 1;
}

static uint16_t fake_named(struct mapi *o, const unsigned char set[16],
                           uint32_t lid, const char *name)
{
	(void)o;
	(void)set;
	if (name)
		return strcmp(name, "Keywords") == 0 ? FAKE_KEYWORDS : 0;
	return lid == 0x8578 ? FAKE_HEADER_ITEM : 0;
}

static size_t fake_recipients(struct mapi *o)
{
	return ((struct fake *)o)->rows_n;
}

static struct mapi *fake_recipient(struct mapi *o, size_t i)
{
	return &((struct fake *)o)->rows[i].m;
}

static size_t fake_attachments(struct mapi *o)
{
	return ((struct fake *)o)->attached_n;
}

static struct mapi *fake_attachment(struct mapi *o, size_t i)
{
	return &((struct fake *)o)->attached[i].m;
}

static struct mapi *fake_embedded(struct mapi *o)
{
	struct fake *in = ((struct fake *)o)->inside;

	return in ? &in->m : NULL;
}

static void fake_close(struct mapi *o)
{
	(void)o;
}

static const struct mapi_ops fake_ops = {
	fake_get,         fake_each,       fake_open,       fake_shut,
	fake_one,         fake_named,      fake_recipients, fake_recipient,
	fake_attachments, fake_attachment, fake_embedded,   fake_close
};
#define FAKE(table)                                              \
	{                                                        \
		.m = { &fake_ops, 65001, 0, NULL }, .v = (table) \
	}

#endif
