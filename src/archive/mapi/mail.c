/* SPDX-License-Identifier: Apache-2.0 */
/* mail.c - see mail.h. */
#include "archive/mapi/mail.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "archive/mapi/mail_int.h"
#include "mime/keywords.h"
#include "mime/mix.h"
#include "util/utf8.h"

#define NOTE_MOST 2000
#define MISSING_MOST 4000
#define KEYWORDS_MOST 4096
#define CATEGORIES_MOST 100
#define SUBJECT_MOST (16u << 10)

/* PidTagMessageFlags, [MS-OXCMSG] 2.2.1.6 */
#define READ 0x01
#define UNSENT 0x08
#define HAS_ATTACHMENTS 0x10

/* PidTagLastVerbExecuted, [MS-OXOMSG] 2.2.1.44, and PidTagIconIndex. */
enum verb {
	VERB_REPLY = 102,
	VERB_REPLY_ALL = 103,
	VERB_FORWARD = 104,
	ICON_REPLIED = 0x105,
	ICON_FORWARDED = 0x106
};
#define FLAGGED 2         /* PidTagFlagStatus */
#define LID_HEADER 0x8578 /* PidLidHeaderItem */
#define BIG (64u << 10)   /* for a header */
#define ROW 512           /* of a recipient */

/* --- before its octets ---------------------------------------------------- */

static int keyword(struct mapi_mail *m, const char *category)
{
	char *word CLEANUP(free_p) = keywords_word(category);

	if (!word)
		return -1;
	return *word ? keywords_add(&m->keywords, word, strlen(word),
	                            KEYWORDS_MOST)
	             : 0;
}

static int categories(struct mapi_mail *m)
{
	uint16_t id = mapi_name(m->o, MAPI_PS_PUBLIC_STRINGS, "Keywords");
	struct mapi_value v = { 0 };

	for (size_t i = 0;
	     id && i < CATEGORIES_MOST && m->o->ops->one(m->o, id, i, &v) == 1;
	     i++) {
		char *category CLEANUP(free_p) = mapi_text_of(m->o, &v, 0);

		if (category && keyword(m, category))
			return -1;
	}
	return 0;
}

static int flags(struct mapi_mail *m)
{
	int64_t f = mapi_number(m->o, PID_FLAGS, 0),
	        verb = mapi_number(m->o, PID_LAST_VERB, 0),
	        icon = verb ? 0 : mapi_number(m->o, PID_ICON, 0);

	m->flags = (f & READ ? MAIL_SEEN : 0) | (f & UNSENT ? MAIL_DRAFT : 0);
	if (verb == VERB_REPLY || verb == VERB_REPLY_ALL ||
	    icon == ICON_REPLIED)
		m->flags |= MAIL_ANSWERED;
	if (mapi_number(m->o, PID_FLAG_STATUS, 0) == FLAGGED)
		m->flags |= MAIL_FLAGGED;
	if ((verb == VERB_FORWARD || icon == ICON_FORWARDED) &&
	    keywords_add(&m->keywords, "$Forwarded", 10, KEYWORDS_MOST))
		return -1;
	return categories(m);
}

char *mail_subject(struct mapi *o)
{
	char *s = mapi_text(o, PID_SUBJECT, SUBJECT_MOST), *prefix;
	uint32_t cp;
	size_t n;

	if (s && s[0] == 1) {
		n = 1 + utf8_next(s + 1, &cp);
		memmove(s, s + n, strlen(s + n) + 1);
	}
	if (s && *s)
		return s;
	free(s);
	s = mapi_text(o, PID_NORMALIZED_SUBJECT, SUBJECT_MOST);
	prefix = s ? mapi_text(o, PID_SUBJECT_PREFIX, 100) : NULL;
	if (prefix) {
		struct buf b = BUF_INIT(0);

		if (!buf_str(&b, prefix) && !buf_str(&b, s)) {
			free(s);
			s = buf_take(&b);
		}
		buf_release(&b);
		free(prefix);
	}
	return s;
}

static bool has_preview(struct mapi *o)
{
	char *text CLEANUP(free_p) = mapi_text(o, PID_PREVIEW, 400);

	return text && text[strspn(text, " \t\r\n")] != '\0';
}

/*
 * A cache may hold headers alone, and says so (PidLidHeaderItem). Where it
 * doesn't: with no text in any form and nothing attached there is still a
 * beginning of the text to show in a list, or a form that it has, or
 * attachments that are not there, or much more than a header needs. Mail
 * without a text has none of these.
 */
static bool header_only(struct mapi *o)
{
	int64_t native;
	struct mapi_value v;

	if (mapi_get(o, PID_BODY, &v) || mapi_get(o, PID_HTML, &v) ||
	    mapi_get(o, PID_RTF, &v) || o->ops->attachments(o))
		return false;
	native = mapi_number(o, PID_NATIVE_BODY, 0);
	return mapi_number(o, mapi_lid(o, MAPI_PS_COMMON, LID_HEADER), 0) ||
	       has_preview(o) || native == 2 || native == 3 ||
	       mapi_number(o, PID_FLAGS, 0) & HAS_ATTACHMENTS ||
	       mapi_number(o, PID_SIZE, 0) >
	               (int64_t)(BIG + ROW * o->ops->recipients(o));
}

int mapi_mail_open(struct mapi_mail *m, struct mapi *o,
                   const struct mapi_origin *origin)
{
	static const uint16_t dates[] = { PID_DELIVERY_TIME, PID_SUBMIT_TIME,
		                          PID_CREATED };
	int64_t size = mapi_number(o, PID_SIZE, 0);

	*m = (struct mapi_mail){ .o = o,
		                 .origin = *origin,
		                 .note = BUF_INIT(NOTE_MOST),
		                 .missing = BUF_INIT(MISSING_MOST) };
	if (flags(m)) {
		mapi_mail_close(m);
		return -1;
	}
	for (size_t i = 0; i < 3 && !m->date.known; i++)
		m->date = mapi_date(o, dates[i]);
	m->subject = mail_subject(o);
	m->size = size > 0 ? (uint64_t)size : 0;
	m->header_only = header_only(o);
	return 0;
}

void mapi_mail_close(struct mapi_mail *m)
{
	free(m->keywords);
	free(m->subject);
	m->keywords = m->subject = NULL;
	buf_release(&m->note);
	buf_release(&m->missing);
}

/* --- its octets ----------------------------------------------------------- */

void mail_note(struct mail_all *a, const char *text)
{
	struct buf *b = &a->m->note;

	if (b->n && strstr(b->p, text))
		return;
	/* No room: what stands there says enough. */
	if (b->n + strlen(text) + 1 <= NOTE_MOST) {
		(void)buf_str(b, b->n ? " " : "");
		(void)buf_str(b, text);
	}
}

void mail_in_part(struct mail_all *a, const char *text)
{
	a->m->made = MADE_IN_PART;
	mail_note(a, text);
}

uint64_t mail_hash(const struct mail_msg *g, uint64_t salt)
{
	struct mix m;

	mix_init(&m);
	mix_data(&m, g->a->m->origin.store, 16);
	mix_data(&m, &g->a->m->origin.nid, sizeof(uint32_t));
	mix_data(&m, &g->path, sizeof(g->path));
	mix_data(&m, &salt, sizeof(salt));
	return mix_end(&m);
}

bool mail_class_is(const struct mail_msg *g, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncasecmp(g->class, prefix, n) == 0 &&
	       (g->class[n] == '.' || g->class[n] == '\0');
}

static void msg_release(struct mail_msg *g)
{
	free(g->class);
	free(g->type);
	free(g->part);
	g->a->tnefs -= (unsigned)g->tnefs;
	for (size_t i = 0; i < g->tnefs; i++)
		mapi_close(&g->tnef[i]);
	free(g->tnef);
	buf_release(&g->calendar);
}

int mail_msg_write(struct mail_all *a, struct mapi *o, unsigned depth,
                   uint64_t path)
{
	struct mail_msg g = { .a = a,
		              .o = o,
		              .depth = depth,
		              .path = path,
		              .class = mapi_text(o, PID_CLASS, 255),
		              .calendar = BUF_INIT(4u << 20) };
	int r = 0;

	if (!g.class)
		g.class = strdup("IPM.Note");
	if (g.class) {
		mail_bodies(&g, o);
		r = mail_parts(&g, o);
	}
	if (g.class && r == 0) {
		mail_head(&g);
		mail_tree(&g);
	}
	if (o->spoilt)
		mail_note(a, "A part of it could not be read: look whether it "
		             "is as it "
		             "should be.");
	r = g.class && r == 0 && !a->out.failed ? 0 : -1;
	msg_release(&g);
	return r;
}

/* It is large, and one mail comes after another: the last one is kept for
 * the next, with the memory of its buffers. */
static struct mail_all *kept;

static struct mail_all *all_take(void)
{
	struct mail_all *a = kept ? kept : malloc(sizeof(*a));
	struct field field = FIELD_INIT;
	struct buf look = BUF_INIT(LOOK_MOST + 64);

	if (!a)
		return NULL;
	if (kept) {
		field = a->field;
		look = a->look;
	}
	kept = NULL;
	memset(a, 0, offsetof(struct mail_all, out));
	a->field = field;
	a->look = look;
	return a;
}

static void all_keep(struct mail_all *a)
{
	if (!kept && a->field.b.cap <= LOOK_MOST) {
		kept = a;
		return;
	}
	field_release(&a->field);
	buf_release(&a->look);
	free(a);
}

int mapi_mail_write(struct mapi_mail *m, struct mapi_out *out)
{
	struct mail_all *a = all_take();
	int r;

	if (!a)
		return -1;
	a->m = m;
	mime_out_begin(&a->out, out);
	m->made = MADE_ANEW;
	r = mail_msg_write(a, m->o, 0, 0);
	if (r == 0 && a->out.last != '\n')
		mime_str(&a->out, "\r\n");
	r = mime_out_end(&a->out) || r || m->lost ? -1 : 0;
	all_keep(a);
	return r;
}
