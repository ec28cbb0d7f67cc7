/* SPDX-License-Identifier: Apache-2.0 */
/* mapi.c - see mapi.h. */
#include "archive/mapi/mapi.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "archive/mapi/text.h"
#include "util/buf.h"
#include "util/utf8.h"

#define TEXT_MOST (UINT32_C(64) << 10)

#define PID_MESSAGE_CLASS 0x001a

void mapi_close(struct mapi **o)
{
	if (*o)
		(*o)->ops->close(*o);
	*o = NULL;
}

/* --- numbers and dates --------------------------------------------------- */

int mapi_get(struct mapi *o, uint16_t id, struct mapi_value *v)
{
	memset(v, 0, sizeof(*v));
	return id ? o->ops->get(o, id, v) : 0;
}

bool mapi_has(struct mapi *o, uint16_t id)
{
	struct mapi_value v;

	return mapi_get(o, id, &v) == 1;
}

int64_t mapi_number(struct mapi *o, uint16_t id, int64_t fallback)
{
	struct mapi_value v;

	if (mapi_get(o, id, &v) != 1)
		return fallback;
	switch (v.type) {
	case MAPI_SHORT:
	case MAPI_LONG:
	case MAPI_CURRENCY:
	case MAPI_BOOLEAN:
	case MAPI_I8:
	case MAPI_TIME:
		return v.number;
	default:
		return fallback;
	}
}

bool mapi_bool(struct mapi *o, uint16_t id)
{
	return mapi_number(o, id, 0) != 0;
}

/* "No date" is the first of January 4501 ([MS-OXCDATA] 2.11.1): what comes
 * then or later is none either. */
#define TICKS INT64_C(10000000)
#define FROM_1601 INT64_C(11644473600)
#define NO_DATE INT64_C(79870665600)

struct mail_date mapi_filetime(int64_t v)
{
	struct mail_date d = { 0 };

	if (v <= 0 || v / TICKS - FROM_1601 >= NO_DATE)
		return d;
	d.sec = v / TICKS - FROM_1601;
	d.known = true;
	return d;
}

struct mail_date mapi_date(struct mapi *o, uint16_t id)
{
	struct mapi_value v;

	if (mapi_get(o, id, &v) != 1 || v.type != MAPI_TIME)
		return mapi_filetime(0);
	return mapi_filetime(v.number);
}

/* --- texts --------------------------------------------------------------- */

/* 0: no text. */
static unsigned codepage_of(const struct mapi *o, uint16_t type)
{
	type &= (uint16_t)~MAPI_MULTIPLE;
	if (type == MAPI_UNICODE)
		return CODEPAGE_UTF16;
	if (type != MAPI_STRING8)
		return 0;
	/* UTF-16 as the code page of 8-bit texts says that there should be
	 * none. */
	return o->codepage == CODEPAGE_UTF16 ? 0xffff : o->codepage;
}

/* At most max octets of out, whole characters; NULL: none. */
static char *at_most(struct buf *out, size_t max, bool cut)
{
	static const char replaced[] = "\xef\xbf\xbd";
	size_t n = out->n;

	if (n == 0)
		return NULL;
	if (n > max) {
		n = utf8_cut(out->p, max);
	} else if (cut && n >= 3 && memcmp(out->p + n - 3, replaced, 3) == 0) {
		/* The character that the cut went through. */
		n -= 3;
	}
	out->n = n;
	return n ? buf_take(out) : NULL;
}

char *mapi_text_of(const struct mapi *o, const struct mapi_value *v, size_t max)
{
	struct buf out CLEANUP(buf_release_p) = BUF_INIT(0);
	unsigned page = codepage_of(o, v->type);
	size_t n = v->n;

	if (page == 0 || !v->p)
		return NULL;
	max = max ? max : TEXT_MOST;
	if (n / 2 > max)
		n = max * 2;
	if (text_add(&out, page, v->p, n))
		return NULL;
	return at_most(&out, max, n < v->n);
}

static int read_some(struct buf *out, struct input *in, size_t max)
{
	char piece[2048];
	ssize_t r = 1;

	while (out->n < max && r > 0) {
		r = in->read(in, piece, sizeof(piece));
		if (r > 0 && buf_add(out, piece, (size_t)r))
			return -1;
	}
	return 0;
}

/* The start of a long text. */
static char *begin_of(struct mapi *o, const struct mapi_value *v, size_t max)
{
	struct buf out CLEANUP(buf_release_p) = BUF_INIT(0);
	unsigned page = codepage_of(o, v->type);
	struct text_in t;
	struct input in;
	int r;

	if (page == 0 || !o->ops->open || o->ops->open(o, v->id, &in))
		return NULL;
	r = text_begin(&t, &in, page);
	if (r == 0) {
		r = read_some(&out, &t.in, max);
		text_end(&t);
	}
	o->ops->shut(o, &in);
	return r ? NULL : at_most(&out, max, false);
}

char *mapi_text(struct mapi *o, uint16_t id, size_t max)
{
	struct mapi_value v;

	if (mapi_get(o, id, &v) != 1 || v.type & MAPI_MULTIPLE)
		return NULL;
	if (v.p || !v.stream)
		return mapi_text_of(o, &v, max);
	v.id = id;
	return begin_of(o, &v, max ? max : TEXT_MOST);
}

char *mapi_text_at(struct mapi *o, uint16_t id, size_t i)
{
	struct mapi_value v = { 0 };

	if (!id || !o->ops->one || o->ops->one(o, id, i, &v) != 1)
		return NULL;
	return mapi_text_of(o, &v, 0);
}

/* --- named properties ---------------------------------------------------- */

/* As they stand in files: the first three numbers little-endian. */
#define SET(a, b)                                                              \
	{                                                                      \
		a, b, 0x06, 0x00, 0x00, 0x00, 0x00, 0x00, 0xc0, 0, 0, 0, 0, 0, \
		        0, 0x46                                                \
	}
const unsigned char MAPI_PS_PUBLIC_STRINGS[16] = { 0x29, 0x03, 0x02, 0,   0, 0,
	                                           0,    0,    0xc0, 0,   0, 0,
	                                           0,    0,    0,    0x46 };
const unsigned char MAPI_PS_INTERNET_HEADERS[16] = {
	0x86, 0x03, 0x02, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46
};
const unsigned char MAPI_PS_COMMON[16] = SET(0x08, 0x20);
const unsigned char MAPI_PS_ADDRESS[16] = SET(0x04, 0x20);
const unsigned char MAPI_PS_APPOINTMENT[16] = SET(0x02, 0x20);
const unsigned char MAPI_PS_TASK[16] = SET(0x03, 0x20);
const unsigned char MAPI_PS_NOTE[16] = SET(0x0e, 0x20);
const unsigned char MAPI_PS_LOG[16] = SET(0x0a, 0x20);
const unsigned char MAPI_PS_MEETING[16] = { 0x90, 0xda, 0xd8, 0x6e, 0x0b, 0x45,
	                                    0x1b, 0x10, 0x98, 0xda, 0x00, 0xaa,
	                                    0x00, 0x3f, 0x13, 0x05 };

uint16_t mapi_lid(struct mapi *o, const unsigned char set[16], uint32_t lid)
{
	return o->ops->named ? o->ops->named(o, set, lid, NULL) : 0;
}

uint16_t mapi_name(struct mapi *o, const unsigned char set[16],
                   const char *name)
{
	return o->ops->named ? o->ops->named(o, set, 0, name) : 0;
}

/* --- kinds --------------------------------------------------------------- */

static const struct {
	const char *class;
	enum mapi_kind kind;
} kinds[] = {
	{ "IPM.Note", MAPI_MAIL },
	{ "IPM.Contact", MAPI_CONTACT },
	{ "IPM.AbchPerson", MAPI_CONTACT },
	{ "IPM.Appointment", MAPI_APPOINTMENT },
	/* An exception of a recurrence. */
	{ "IPM.OLE.CLASS", MAPI_APPOINTMENT },
	{ "IPM.Task", MAPI_TASK },
	{ "IPM.StickyNote", MAPI_STICKY },
	{ "IPM.Activity", MAPI_JOURNAL },
	{ "IPM.DistList", MAPI_DISTLIST },
	{ "IPM.Configuration", MAPI_SETTINGS },
	{ "IPM.Microsoft", MAPI_SETTINGS },
	{ "IPM.WunderBar", MAPI_SETTINGS },
	{ "IPM.FolderDesign", MAPI_SETTINGS },
	{ "IPM.Rule", MAPI_SETTINGS },
	{ "IPM.ExtendedRule", MAPI_SETTINGS },
	{ "IPM.RuleOrganizer", MAPI_SETTINGS },
	{ "IPM.ConversationAction", MAPI_SETTINGS },
	{ "IPM.Sharing.Index", MAPI_SETTINGS },
	{ "IPM.Network", MAPI_SETTINGS },
	{ "IPC", MAPI_SETTINGS },
};

enum mapi_kind mapi_kind_of(const char *message_class)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t n = strlen(kinds[i].class);

		if (strncasecmp(message_class, kinds[i].class, n) == 0 &&
		    (message_class[n] == '\0' || message_class[n] == '.' ||
		     message_class[n] == '{'))
			return kinds[i].kind;
	}
	return MAPI_MAIL;
}

enum mapi_kind mapi_kind(struct mapi *o)
{
	char *class CLEANUP(free_p) = mapi_text(o, PID_MESSAGE_CLASS, 256);

	return class ? mapi_kind_of(class) : MAPI_MAIL;
}

const char *mapi_kind_words(enum mapi_kind k)
{
	static const char *const words[] = {
		[MAPI_CONTACT] = "a contact",
		[MAPI_APPOINTMENT] = "an appointment",
		[MAPI_TASK] = "a task",
		[MAPI_STICKY] = "a note",
		[MAPI_JOURNAL] = "a journal entry",
		[MAPI_DISTLIST] = "a distribution list",
		[MAPI_SETTINGS] = "a setting of Outlook",
	};

	return words[k];
}
