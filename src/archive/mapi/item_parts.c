/* SPDX-License-Identifier: Apache-2.0 */
/* item_parts.c - see item_parts.h. */
#include "archive/mapi/item_parts.h"

#include <stdlib.h>
#include <string.h>

#include "archive/mapi/calendar_zone.h"
#include "mime/sha256.h"
#include "util/buf.h"
#include "util/utf8.h"

#define PID_SUBJECT 0x0037
#define PID_BODY 0x1000
#define PID_CREATED 0x3007
#define PID_NAME 0x3001
#define PID_SEARCH_KEY 0x300b

/* More categories than these are a mistake or worse. */
#define CATEGORIES_MOST 1000u

char *item_subject(struct mapi *o)
{
	char *s = mapi_text(o, PID_SUBJECT, 0);
	uint32_t cp;
	size_t n;

	if (!s || s[0] != 0x01)
		return s;
	/* The mark and a character whose number is a length. */
	n = 1 + utf8_next(s + 1, &cp);
	memmove(s, s + n, strlen(s + n) + 1);
	return s;
}

int64_t item_number(struct mapi *o, const unsigned char set[16], uint32_t lid,
                    int64_t fallback)
{
	return mapi_number(o, mapi_lid(o, set, lid), fallback);
}

struct mail_date item_date(struct mapi *o, const unsigned char set[16],
                           uint32_t lid)
{
	return mapi_date(o, mapi_lid(o, set, lid));
}

char *item_text(struct mapi *o, const unsigned char set[16], uint32_t lid)
{
	return mapi_text(o, mapi_lid(o, set, lid), 0);
}

char *item_when(struct mail_date d)
{
	struct buf out CLEANUP(buf_release_p) = BUF_INIT(0);
	struct civil c = civil_of(d.sec);

	if (!d.known ||
	    buf_fmt(&out, "%04lld-%02u-%02u %02u:%02u UTC", (long long)c.year,
	            c.month, c.day, c.hour, c.minute))
		return NULL;
	return buf_take(&out);
}

static size_t values(struct mapi *o, uint16_t id)
{
	struct mapi_value v;

	if (mapi_get(o, id, &v) != 1 || !(v.type & MAPI_MULTIPLE))
		return 0;
	return v.n < CATEGORIES_MOST ? v.n : CATEGORIES_MOST;
}

void item_categories(struct lines *l, const char *name, struct mapi *o)
{
	uint16_t id = mapi_name(o, MAPI_PS_PUBLIC_STRINGS, "Keywords");
	size_t n = values(o, id);
	bool begun = false;

	for (size_t i = 0; i < n; i++) {
		char *word CLEANUP(free_p) = mapi_text_at(o, id, i);

		if (!word)
			continue;
		lines_raw(l, begun ? "," : name);
		if (!begun)
			lines_raw(l, l->content ? ":" : ": ");
		lines_text(l, word, strlen(word));
		begun = true;
	}
	if (begun)
		lines_end(l);
}

void item_each_said(struct note *n, const char *what, struct mapi *o,
                    uint16_t id)
{
	size_t count = values(o, id);

	if (count == 0)
		note_prop(n, what, o, id);
	for (size_t i = 0; i < count; i++) {
		char *s CLEANUP(free_p) = mapi_text_at(o, id, i);

		note_said(n, what, s);
	}
}

static unsigned char *read_octets(struct mapi *o, uint16_t id, size_t max,
                                  size_t *n)
{
	unsigned char *p = malloc(max ? max : 1);
	struct input in;
	ssize_t r = 1;

	*n = 0;
	if (!p || !o->ops->open || o->ops->open(o, id, &in)) {
		free(p);
		return NULL;
	}
	while (*n < max && (r = in.read(&in, p + *n, max - *n)) > 0)
		*n += (size_t)r;
	o->ops->shut(o, &in);
	if (r < 0) {
		free(p);
		return NULL;
	}
	return p;
}

unsigned char *item_octets(struct mapi *o, uint16_t id, size_t max, size_t *n)
{
	struct mapi_value v;
	unsigned char *p;

	if (mapi_get(o, id, &v) != 1 || v.n > max || v.n == 0 ||
	    (v.type != MAPI_BINARY && v.type != MAPI_GUID))
		return NULL;
	if (!v.p)
		return read_octets(o, id, v.n, n);
	p = malloc(v.n);
	if (p)
		memcpy(p, v.p, v.n);
	*n = v.n;
	return p;
}

static char *hex(const unsigned char *p, size_t n)
{
	struct buf out CLEANUP(buf_release_p) = BUF_INIT(0);

	for (size_t i = 0; i < n; i++) {
		if (buf_fmt(&out, "%02x", p[i]))
			return NULL;
	}
	return buf_take(&out);
}

char *item_key(struct mapi *o)
{
	static const uint16_t texts[] = { PID_SUBJECT, PID_NAME, PID_BODY };
	struct buf all CLEANUP(buf_release_p) = BUF_INIT(0);
	unsigned char *key CLEANUP(free_p) = NULL;
	unsigned char digest[SHA256_OCTETS];
	size_t n;

	key = item_octets(o, PID_SEARCH_KEY, 64, &n);
	if (key)
		return hex(key, n);
	if (buf_fmt(&all, "%lld", (long long)mapi_number(o, PID_CREATED, 0)))
		return NULL;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char *s CLEANUP(free_p) = mapi_text(o, texts[i], 0);

		if (buf_add(&all, "", 1) || (s && buf_str(&all, s)))
			return NULL;
	}
	sha256_of(all.p, all.n, digest);
	return hex(digest, 16);
}
