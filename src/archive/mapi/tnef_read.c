/* SPDX-License-Identifier: Apache-2.0 */
/* tnef_read.c - the attributes of a winmail.dat; see tnef_int.h. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "archive/mapi/calendar_zone.h"
#include "archive/mapi/tnef_int.h"

#define SIGNATURE 0x223e9f78u
#define LEVEL_MESSAGE 1
#define LEVEL_ATTACHMENT 2

/* [MS-OXTNEF] 2.1.3.2 and 2.1.3.3. Their upper half is a type, which not
 * every writer gets right. */
#define ATT_OWNER 0x0000u
#define ATT_SENT_FOR 0x0001u
#define ATT_FROM 0x8000u
#define ATT_SUBJECT 0x8004u
#define ATT_SENT 0x8005u
#define ATT_RECEIVED 0x8006u
#define ATT_CLASS 0x8008u
#define ATT_BODY 0x800cu
#define ATT_PRIORITY 0x800du
#define ATT_DATA 0x800fu
#define ATT_TITLE 0x8010u
#define ATT_METAFILE 0x8011u
#define ATT_CREATED 0x8012u
#define ATT_CHANGED 0x8013u
#define ATT_MODIFIED 0x8020u
#define ATT_START 0x0006u
#define ATT_END 0x0007u
#define ATT_TRANSPORT_NAME 0x9001u
#define ATT_RENDDATA 0x9002u
#define ATT_PROPS 0x9003u
#define ATT_RECIPIENTS 0x9004u
#define ATT_ATTACHMENT 0x9005u
#define ATT_CODEPAGE 0x9007u

#define PID_CLASS 0x001a
#define PID_IMPORTANCE 0x0017
#define PID_SUBJECT 0x0037
#define PID_SUBMITTED 0x0039
#define PID_START 0x0060
#define PID_END 0x0061
#define PID_RECEIVED 0x0e06
#define PID_BODY 0x1000
#define PID_CREATED 0x3007
#define PID_CHANGED 0x3008
#define PID_DATA 0x3701
#define PID_METHOD 0x3705
#define PID_LONG_NAME 0x3707
#define PID_METAFILE 0x3709
#define PID_POSITION 0x370b
#define PID_TRANSPORT_NAME 0x370c

/* One who sent it: name, kind of address, address. */
struct triple_ids {
	uint16_t name, type, address;
};

/* --- attributes ---------------------------------------------------------- */

int tnef_attribute(struct tnef_rest *r, struct tnef_attribute *a)
{
	unsigned sum = 0;
	size_t n;

	if (r->n == 0 ||
	    (r->p[0] != LEVEL_MESSAGE && r->p[0] != LEVEL_ATTACHMENT))
		return 0;
	a->level = *tnef_take(r, 1);
	a->id = tnef_32(r) & 0xffff;
	n = tnef_32(r);
	a->value = (struct tnef_rest){ r->p, n, false };
	(void)tnef_take(r, n);
	if (r->ended)
		return -1;
	for (size_t i = 0; i < n; i++)
		sum += a->value.p[i];
	/* The very last may have lost its sum. */
	a->doubt = r->n < 2 || tnef_16(r) != (sum & 0xffff);
	return 1;
}

/* --- values of attributes ------------------------------------------------ */

/* A DTR: year, month, day, hour, minute, second, day of week. */
static int date(struct tnef_props *p, uint16_t id, struct tnef_rest r)
{
	unsigned year = tnef_16(&r), month = tnef_16(&r), day = tnef_16(&r);
	unsigned hour = tnef_16(&r), minute = tnef_16(&r);
	unsigned second = tnef_16(&r);
	int64_t sec;

	if (r.ended || year < 1601 || year > 4500 || month < 1 || month > 12 ||
	    day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59)
		return 0;
	sec = civil_seconds(year, month, day) + hour * 3600 + minute * 60 +
	      second + INT64_C(11644473600);
	return tnef_props_add_number(p, id, MAPI_TIME,
	                             (uint64_t)sec * 10000000);
}

static int text(struct tnef_props *p, uint16_t id, const struct tnef_rest *r)
{
	return tnef_props_add(p, id, MAPI_STRING8, r->p, r->n);
}

/* "SMTP:ann@example.com" as two. */
static int typed(struct tnef_props *p, const struct triple_ids *ids,
                 const unsigned char *s, size_t n)
{
	const unsigned char *colon = memchr(s, ':', n);
	size_t k = colon ? (size_t)(colon - s) : 0;

	if (!colon)
		return tnef_props_add(p, ids->address, MAPI_STRING8, s, n);
	return tnef_props_add(p, ids->type, MAPI_STRING8, s, k) ||
	                       tnef_props_add(p, ids->address, MAPI_STRING8,
	                                      colon + 1, n - k - 1)
	               ? -1
	               : 0;
}

/* A triple: its kind, three lengths, name, address ([MS-OXTNEF]
 * 2.1.3.3.5). */
static int from(struct tnef_props *p, struct tnef_rest r)
{
	static const struct triple_ids ids = { 0x0c1a, 0x0c1e, 0x0c1f };
	const unsigned char *name, *address;
	size_t name_n, address_n;

	(void)tnef_32(&r);
	name_n = tnef_16(&r);
	address_n = tnef_16(&r);
	name = tnef_take(&r, name_n);
	address = tnef_take(&r, address_n);
	if (r.ended)
		return 0;
	if (tnef_props_add(p, ids.name, MAPI_STRING8, name, name_n))
		return -1;
	return typed(p, &ids, address, address_n);
}

/* Two lengths, each before its text ([MS-OXTNEF] 2.1.3.3.3). */
static int pair(struct tnef_props *p, const struct triple_ids *ids,
                struct tnef_rest r)
{
	size_t name_n = tnef_16(&r), address_n;
	const unsigned char *name = tnef_take(&r, name_n), *address;

	address_n = tnef_16(&r);
	address = tnef_take(&r, address_n);
	if (r.ended)
		return 0;
	if (tnef_props_add(p, ids->name, MAPI_STRING8, name, name_n))
		return -1;
	return typed(p, ids, address, address_n);
}

/* Names that classes had in MS Mail ([MS-OXTNEF] 2.1.3.3.1). */
static int class(struct tnef_props *p, const struct tnef_rest *r)
{
	static const struct {
		const char *was, *is;
	} known[] = {
		{ "IPM.Microsoft Mail.Note", "IPM.Note" },
		{ "IPM.Microsoft Mail.Read Receipt", "REPORT.IPM.Note.IPNRN" },
		{ "IPM.Microsoft Mail.Non-Delivery", "REPORT.IPM.Note.NDR" },
		{ "IPM.Microsoft Schedule.MtgReq",
		  "IPM.Schedule.Meeting.Request" },
		{ "IPM.Microsoft Schedule.MtgCncl",
		  "IPM.Schedule.Meeting.Canceled" },
		{ "IPM.Microsoft Schedule.MtgRespP",
		  "IPM.Schedule.Meeting.Resp.Pos" },
		{ "IPM.Microsoft Schedule.MtgRespN",
		  "IPM.Schedule.Meeting.Resp.Neg" },
		{ "IPM.Microsoft Schedule.MtgRespA",
		  "IPM.Schedule.Meeting.Resp.Tent" },
	};
	size_t n = strnlen((const char *)r->p, r->n);

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strlen(known[i].was) == n &&
		    strncasecmp((const char *)r->p, known[i].was, n) == 0)
			return tnef_props_add(p, PID_CLASS, MAPI_STRING8,
			                      known[i].is, strlen(known[i].is));
	}
	return text(p, PID_CLASS, r);
}

/* High is 1 there, and 2 as an importance. */
static int priority(struct tnef_props *p, struct tnef_rest r)
{
	unsigned v = tnef_16(&r);

	if (r.ended || v < 1 || v > 3)
		return 0;
	return tnef_props_add_number(p, PID_IMPORTANCE, MAPI_LONG, 3 - v);
}

/* --- a message ----------------------------------------------------------- */

static int list_add(struct tnef_list *l, const unsigned char *p, size_t n)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 8;
		struct tnef_at *v = realloc(l->v, cap * sizeof(*v));

		if (!v)
			return -1;
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = (struct tnef_at){ p, n };
	return 0;
}

static int recipients(struct tnef *t, struct tnef_rest r)
{
	uint32_t n = tnef_32(&r);

	for (uint32_t i = 0; i < n && r.n; i++) {
		const unsigned char *p = r.p;

		tnef_props_skip(&r);
		if (r.ended) {
			t->o.spoilt++;
			t->o.why = "a recipient is damaged";
			return 0;
		}
		if (list_add(&t->recipients, p, (size_t)(r.p - p)))
			return -1;
	}
	return 0;
}

static int of_people(struct tnef *t, const struct tnef_attribute *a)
{
	static const struct triple_ids represented = { 0x0042, 0x0064, 0x0065 };
	static const struct triple_ids received = { 0x0044, 0x0077, 0x0078 };

	switch (a->id) {
	case ATT_FROM:
		return from(&t->props, a->value);
	case ATT_SENT_FOR:
		return pair(&t->props, &represented, a->value);
	case ATT_OWNER:
		return pair(&t->props, &received, a->value);
	default:
		return recipients(t, a->value);
	}
}

static void codepage(struct tnef *t, struct tnef_rest r)
{
	uint32_t page = tnef_32(&r);

	if (!r.ended && page)
		t->o.codepage = page;
}

static int of_message(struct tnef *t, const struct tnef_attribute *a)
{
	struct tnef_rest r = a->value;

	switch (a->id) {
	case ATT_CODEPAGE:
		codepage(t, r);
		return 0;
	case ATT_CLASS:
		return class(&t->props, &r);
	case ATT_SUBJECT:
		return text(&t->props, PID_SUBJECT, &r);
	case ATT_BODY:
		return text(&t->props, PID_BODY, &r);
	case ATT_PRIORITY:
		return priority(&t->props, r);
	case ATT_SENT:
		return date(&t->props, PID_SUBMITTED, r);
	case ATT_RECEIVED:
		return date(&t->props, PID_RECEIVED, r);
	case ATT_MODIFIED:
		return date(&t->props, PID_CHANGED, r);
	case ATT_START:
		return date(&t->props, PID_START, r);
	case ATT_END:
		return date(&t->props, PID_END, r);
	case ATT_PROPS:
		return tnef_props(&t->props, &r);
	case ATT_FROM:
	case ATT_SENT_FOR:
	case ATT_OWNER:
	case ATT_RECIPIENTS:
		return of_people(t, a);
	default:
		return 0;
	}
}

/* --- attachments --------------------------------------------------------- */

/* Kind of file, position, size of its icon, flags. */
static int renddata(struct tnef_props *p, struct tnef_rest r)
{
	unsigned kind = tnef_16(&r);
	uint32_t position = tnef_32(&r);

	if (r.ended)
		return 0;
	if (tnef_props_add_number(p, PID_POSITION, MAPI_LONG, position))
		return -1;
	/* 2: an OLE object. */
	return tnef_props_add_number(p, PID_METHOD, MAPI_LONG,
	                             kind == 2 ? 6 : 1);
}

static int of_attachment(struct tnef_props *p, const struct tnef_attribute *a)
{
	struct tnef_rest r = a->value;

	switch (a->id) {
	case ATT_RENDDATA:
		return renddata(p, r);
	case ATT_TITLE:
		return text(p, PID_LONG_NAME, &r);
	case ATT_TRANSPORT_NAME:
		return text(p, PID_TRANSPORT_NAME, &r);
	case ATT_DATA:
		return tnef_props_add(p, PID_DATA, MAPI_BINARY, r.p, r.n);
	case ATT_METAFILE:
		return tnef_props_add(p, PID_METAFILE, MAPI_BINARY, r.p, r.n);
	case ATT_CREATED:
		return date(p, PID_CREATED, r);
	case ATT_CHANGED:
		return date(p, PID_CHANGED, r);
	case ATT_ATTACHMENT:
		return tnef_props(p, &r);
	default:
		return 0;
	}
}

int tnef_attachment(struct tnef *t, const struct tnef_at *at)
{
	struct tnef_rest r = { at->p, at->n, false };
	struct tnef_attribute a;

	while (tnef_attribute(&r, &a) == 1) {
		if (a.level != LEVEL_ATTACHMENT)
			continue;
		if (a.doubt) {
			t->o.spoilt++;
			t->o.why = "a checksum in it is wrong";
		}
		if (of_attachment(&t->props, &a))
			return -1;
	}
	t->o.spoilt += t->props.spoilt;
	tnef_props_sort(&t->props);
	return 0;
}

/* A new one begins with its rendering data; a file without any has one. */
static int attachment_part(struct tnef *t, const struct tnef_attribute *a,
                           const unsigned char *start, const unsigned char *end)
{
	struct tnef_list *l = &t->attachments;

	if (l->n == 0 || a->id == ATT_RENDDATA)
		return list_add(l, start, (size_t)(end - start));
	/* Attributes of the message between two of it are none of its. */
	l->v[l->n - 1].n = (size_t)(end - l->v[l->n - 1].p);
	return 0;
}

/* --- the whole ----------------------------------------------------------- */

static int attributes(struct tnef *t, struct tnef_rest *r)
{
	struct tnef_attribute a;
	const unsigned char *start = r->p;
	size_t n = 0;
	int got;

	for (; (got = tnef_attribute(r, &a)) == 1; start = r->p, n++) {
		if (a.level == LEVEL_ATTACHMENT) {
			if (attachment_part(t, &a, start, r->p))
				return -1;
			continue;
		}
		if (a.doubt) {
			t->o.spoilt++;
			t->o.why = "a checksum in it is wrong";
		}
		if (of_message(t, &a))
			return -1;
	}
	if (r->n) {
		t->o.spoilt++;
		t->o.why = "something that is none of it stands at its end";
	}
	return got < 0 || n == 0 ? -1 : 0;
}

struct tnef *tnef_message(const unsigned char *p, size_t n, unsigned depth)
{
	struct tnef_rest r = { p, n, false };
	struct tnef *t = NULL;
	struct mapi *o;

	if (tnef_32(&r) != SIGNATURE)
		return NULL;
	(void)tnef_16(&r);
	t = r.ended ? NULL : tnef_new(1252, depth);
	if (!t)
		return NULL;
	if (attributes(t, &r)) {
		o = &t->o;
		mapi_close(&o);
		return NULL;
	}
	t->o.spoilt += t->props.spoilt;
	tnef_props_sort(&t->props);
	return t;
}
