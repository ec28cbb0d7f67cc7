/* SPDX-License-Identifier: Apache-2.0 */
/*
 * item_fields.c - what no form has a place for; see item_parts.h.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "archive/mapi/item_parts.h"
#include "util/buf.h"

#define NAMED 0x8000u

static char *amount(const struct mapi_value *v)
{
	struct buf s CLEANUP(buf_release_p) = BUF_INIT(64);
	int r;

	switch (v->type) {
	case MAPI_SHORT:
	case MAPI_LONG:
	case MAPI_I8:
		r = buf_fmt(&s, "%" PRId64, v->number);
		break;
	case MAPI_CURRENCY:
		r = buf_fmt(&s, "%.4f", (double)v->number / 10000);
		break;
	case MAPI_FLOAT:
	case MAPI_DOUBLE:
		r = buf_fmt(&s, "%.15g", v->real);
		break;
	case MAPI_BOOLEAN:
		r = buf_str(&s, v->number ? "yes" : "no");
		break;
	case MAPI_TIME:
		return item_when(mapi_filetime(v->number));
	default:
		return NULL;
	}
	return r ? NULL : buf_take(&s);
}

/* Programs keep something there, too: under addresses of the Web, or names
 * of headers. */
static bool is_own(const char *name)
{
	return strcmp(name, "Keywords") != 0 && !strpbrk(name, ":/");
}

struct fields {
	struct note *n;
	struct mapi *o;
};

static int field(const struct mapi_value *v, void *arg)
{
	struct fields *f = arg;
	char *name CLEANUP(free_p) = NULL, *number CLEANUP(free_p) = NULL;

	if (v->id < NAMED || f->n->l->failed)
		return f->n->l->failed;
	name = f->o->ops->called(f->o, v->id);
	if (!name || !is_own(name))
		return 0;
	number = amount(v);
	if (number)
		note_said(f->n, name, number);
	else
		item_each_said(f->n, name, f->o, v->id);
	return 0;
}

void item_fields(struct note *n, struct mapi *o)
{
	static const struct {
		uint32_t lid;
		const char *what;
	} known[] = { { 0x8530, "Flag" },
		      { 0x8534, "Mileage" },
		      { 0x8535, "Billing" },
		      { 0x8539, "Company" },
		      { 0x853a, "Contact" } };
	struct fields f = { n, o };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		item_each_said(n, known[i].what, o,
		               mapi_lid(o, MAPI_PS_COMMON, known[i].lid));
	if (o->ops->called && o->ops->each)
		(void)o->ops->each(o, field, &f);
}
