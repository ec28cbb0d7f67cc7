/* SPDX-License-Identifier: Apache-2.0 */
/* item_attach.c - the attachments of what is no mail; see item_parts.h. */
#include "archive/mapi/item_parts.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/buf.h"

#define PID_DATA ITEM_PID_DATA
#define PID_NAME 0x3001
#define PID_SHORT_NAME 0x3704
#define PID_METHOD 0x3705
#define PID_LONG_NAME 0x3707
#define PID_PATH 0x370d
#define PID_TYPE 0x370e
#define PID_FLAGS 0x7ffd
#define PID_IS_PHOTO 0x7fff

#define METHOD_DATA 1
#define METHOD_MESSAGE 5
/* The changed one of a recurrence: told as that ([MS-OXOCAL] 2.2.10.1). */
#define FLAG_EXCEPTION 2

#define PHOTO_NAME "ContactPicture.jpg"

char *item_attach_name(struct mapi *a)
{
	static const uint16_t ids[] = { PID_LONG_NAME, PID_SHORT_NAME, PID_NAME,
		                        PID_PATH };
	char *s = NULL;

	for (size_t i = 0; !s && i < sizeof(ids) / sizeof(ids[0]); i++)
		s = mapi_text(a, ids[i], 1024);
	return s;
}

static bool is_photo(struct mapi *a)
{
	char *name CLEANUP(free_p) = item_attach_name(a);

	return mapi_bool(a, PID_IS_PHOTO) ||
	       (name && strcasecmp(name, PHOTO_NAME) == 0);
}

enum item_place item_place(struct mapi *a)
{
	int64_t method = mapi_number(a, PID_METHOD, METHOD_DATA);
	struct mapi_value v;

	if (method == METHOD_MESSAGE)
		return mapi_number(a, PID_FLAGS, 0) & FLAG_EXCEPTION
		               ? ITEM_CHANGED
		               : ITEM_MESSAGE;
	if (mapi_get(a, PID_DATA, &v) != 1)
		return ITEM_NOWHERE;
	return method == METHOD_DATA && v.type == MAPI_BINARY &&
	                       v.n <= ITEM_ATTACH_MOST
	               ? ITEM_WITHIN
	               : ITEM_BESIDE;
}

/* --- named --------------------------------------------------------------- */

static void named(struct note *n, struct mapi *a)
{
	char *name CLEANUP(free_p) = a ? item_attach_name(a) : NULL;
	char *path CLEANUP(free_p) = NULL;
	struct buf s CLEANUP(buf_release_p) = BUF_INIT(0);
	struct mapi_value v;

	if (a && item_place(a) == ITEM_NOWHERE)
		path = mapi_text(a, PID_PATH, 4000);
	if (buf_fmt(&s, "(Attachment that is not in this file: %s%s%s",
	            name ? name : "without a name",
	            path ? ", only where it stood: " : "", path ? path : ""))
		return;
	if (a && mapi_get(a, PID_DATA, &v) == 1 && v.type == MAPI_BINARY &&
	    buf_fmt(&s, ", %zu octets", v.n))
		return;
	if (buf_str(&s, ".)") == 0)
		note_line(n, s.p);
}

void item_attached(struct note *n, struct mapi *o, bool all, size_t skip)
{
	size_t count = o->ops->attachments ? o->ops->attachments(o) : 0;

	for (size_t i = 0; i < count && !n->l->failed; i++) {
		struct mapi *a CLEANUP(mapi_close) = NULL;
		enum item_place at;

		if (i == skip)
			continue;
		a = o->ops->attachment(o, i);
		at = a ? item_place(a) : ITEM_NOWHERE;
		if (at != ITEM_CHANGED && (all || at != ITEM_WITHIN))
			named(n, a);
	}
}

/* --- as octets ----------------------------------------------------------- */

/* Full but at the end: groups of base64 must not be torn apart. */
static ssize_t fill(struct input *in, unsigned char *p, size_t n)
{
	size_t have = 0;

	while (have < n) {
		ssize_t r = in->read(in, p + have, n - have);

		if (r < 0)
			return -1;
		if (r == 0)
			break;
		have += (size_t)r;
	}
	return (ssize_t)have;
}

static void octets(struct lines *l, struct mapi *a)
{
	unsigned char p[3 * 1024];
	struct input in;
	ssize_t r;

	if (!a->ops->open || a->ops->open(a, PID_DATA, &in))
		return;
	while (!l->failed && (r = fill(&in, p, sizeof(p))) > 0)
		lines_base64(l, p, (size_t)r);
	a->ops->shut(a, &in);
}

static void attach(struct lines *l, struct mapi *a, const char *put)
{
	char *name CLEANUP(free_p) = item_attach_name(a);
	char *type CLEANUP(free_p) = mapi_text(a, PID_TYPE, 100);

	lines_raw(l, put);
	if (type) {
		lines_raw(l, ";FMTTYPE=");
		lines_param(l, type);
	}
	if (name) {
		lines_raw(l, ";X-FILENAME=");
		lines_param(l, name);
	}
	lines_raw(l, ":");
	octets(l, a);
	lines_end(l);
}

void item_attach(struct lines *l, struct mapi *o, const char *put, size_t skip)
{
	size_t count = o->ops->attachments ? o->ops->attachments(o) : 0;

	for (size_t i = 0; i < count && !l->failed; i++) {
		struct mapi *a CLEANUP(mapi_close) = NULL;

		if (i == skip)
			continue;
		a = o->ops->attachment(o, i);
		if (a && item_place(a) == ITEM_WITHIN)
			attach(l, a, put);
	}
}

/* --- the picture --------------------------------------------------------- */

static const char *picture_type(struct mapi *a)
{
	unsigned char p[4] = { 0 };
	struct input in;

	if (!a->ops->open || a->ops->open(a, PID_DATA, &in))
		return "JPEG";
	(void)fill(&in, p, sizeof(p));
	a->ops->shut(a, &in);
	if (memcmp(p, "\x89PNG", 4) == 0)
		return "PNG";
	if (memcmp(p, "GIF8", 4) == 0)
		return "GIF";
	return memcmp(p, "BM", 2) == 0 ? "BMP" : "JPEG";
}

size_t item_photo(struct mapi *o)
{
	size_t count = o->ops->attachments ? o->ops->attachments(o) : 0;

	for (size_t i = 0; i < count; i++) {
		struct mapi *a CLEANUP(mapi_close) = o->ops->attachment(o, i);

		if (a && is_photo(a) && item_place(a) == ITEM_WITHIN)
			return i;
	}
	return ITEM_NONE;
}

void item_photo_write(struct lines *l, struct mapi *o, size_t photo)
{
	struct mapi *a CLEANUP(mapi_close) = NULL;

	if (photo == ITEM_NONE)
		return;
	a = o->ops->attachment(o, photo);
	if (!a)
		return;
	lines_fmt(l, "PHOTO;ENCODING=b;TYPE=%s:", picture_type(a));
	octets(l, a);
	lines_end(l);
}
