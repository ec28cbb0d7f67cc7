/* SPDX-License-Identifier: Apache-2.0 */
/* item_beside.c - what is attached to an item, as files; see item.h. */
#include <stdlib.h>
#include <string.h>

#include "archive/mapi/item.h"
#include "archive/mapi/item_parts.h"
#include "util/buf.h"
#include "util/utf8.h"

#define PID_METHOD 0x3705
#define METHOD_OLE 6
#define SUFFIX_MOST 10
#define NAME_MOST 80

static bool is_mail(enum mapi_kind k)
{
	return k == MAPI_MAIL || k == MAPI_SETTINGS;
}

/* Letters and digits behind the last dot; else NULL. */
static const char *suffix_of(const char *name)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz"
	                           "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	const char *dot = strrchr(name, '.');
	size_t n = dot ? strlen(dot + 1) : 0;

	return n > 0 && n <= SUFFIX_MOST && strspn(dot + 1, good) == n ? dot + 1
	                                                               : NULL;
}

/* -1: memory. */
static int of_file(struct mapi *a, struct item_beside *b)
{
	char *name CLEANUP(free_p) = item_attach_name(a);
	struct buf clean CLEANUP(buf_release_p) = BUF_INIT(0);
	const char *suffix = name ? suffix_of(name) : NULL;
	bool ole = mapi_number(a, PID_METHOD, 0) == METHOD_OLE;

	b->suffix = strdup(suffix ? suffix : ole ? "ole" : "bin");
	if (suffix)
		name[suffix - name - 1] = '\0';
	if (!b->suffix || (name && item_clean(&clean, name)))
		return -1;
	b->name = clean.n ? strndup(clean.p, utf8_cut(clean.p, NAME_MOST))
	                  : strdup("attachment");
	return b->name ? 0 : -1;
}

int item_beside(struct mapi *o, enum mapi_kind k, size_t i,
                struct item_beside *b)
{
	struct mapi *a CLEANUP(mapi_close) = o->ops->attachment(o, i);
	enum item_place at = a ? item_place(a) : ITEM_NOWHERE;
	bool text = strcmp(item_suffix(k), "txt") == 0;

	*b = (struct item_beside){ NULL, NULL };
	if (at == ITEM_MESSAGE) {
		struct mapi *in CLEANUP(mapi_close) = a->ops->embedded(a);
		enum mapi_kind kind = in ? mapi_kind(in) : MAPI_MAIL;

		if (!in)
			return 0;
		b->name = item_name(in, kind);
		b->suffix = strdup(is_mail(kind) ? "eml" : item_suffix(kind));
		return b->name && b->suffix ? 1 : -1;
	}
	if (at != ITEM_BESIDE && !(at == ITEM_WITHIN && text))
		return 0;
	return of_file(a, b) ? -1 : 1;
}

void item_beside_release(struct item_beside *b)
{
	free(b->name);
	free(b->suffix);
}

static int message(struct mapi *in, const struct mapi_origin *origin,
                   struct mapi_out *out)
{
	enum mapi_kind k = mapi_kind(in);
	struct mapi_mail m;
	int r;

	if (!is_mail(k))
		return item_write(in, k, out);
	if (mapi_mail_open(&m, in, origin))
		return -1;
	r = mapi_mail_write(&m, out);
	mapi_mail_close(&m);
	return r;
}

static int octets(struct mapi *a, struct mapi_out *out)
{
	unsigned char p[16384];
	struct input in;
	ssize_t r;

	if (a->ops->open(a, ITEM_PID_DATA, &in))
		return -1;
	while ((r = in.read(&in, p, sizeof(p))) > 0)
		if (out->data(out, p, (size_t)r))
			break;
	a->ops->shut(a, &in);
	return r ? -1 : 0;
}

int item_beside_write(struct mapi *o, size_t i,
                      const struct mapi_origin *origin, struct mapi_out *out)
{
	struct mapi *a CLEANUP(mapi_close) = o->ops->attachment(o, i);
	struct mapi *in CLEANUP(mapi_close) = NULL;

	if (!a)
		return -1;
	if (item_place(a) != ITEM_MESSAGE)
		return octets(a, out);
	in = a->ops->embedded(a);
	return in ? message(in, origin, out) : -1;
}
