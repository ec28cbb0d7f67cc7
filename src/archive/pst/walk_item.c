/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk_item.c - tells one item of a PST: mail as mail, what is none by its
 * kind, and what can't be read as a hole with a sentence.
 */
#include <stdio.h>
#include <string.h>

#include "archive/mapi/item.h"
#include "archive/pst/walk.h"
#include "mime/mix.h"
#include "util/utf8.h"

#define PID_SUBJECT 0x0037
#define PID_DELIVERED 0x0e06
#define PID_FLAGS 0x0e07
#define UNSENT 8
#define PID_MESSAGE_ID 0x1035
#define PID_CREATED 0x3007
#define PID_MODIFIED 0x3008
#define PID_SEARCH_KEY 0x300b

#define CODEPAGE 1252 /* of a file that names none */
#define ID_PART 128   /* octets of one property that go into a uid */
/* More made of a file than this is a bomb: blocks that are used again and
 * again. */
#define BOMB_FACTOR 500
#define BOMB_FREE (UINT64_C(1) << 30)
#define BEAT_ITEMS 64
#define NOTE_ROOM 1900

/* --- identity ------------------------------------------------------------ */

uint32_t pst_item_nid(uint64_t uid)
{
	uint32_t nid = (uint32_t)(uid >> PST_TAG_BITS);

	return NID_TYPE(nid) == NID_ATTACHMENT ? NID_OF(nid, NID_MESSAGE) : nid;
}

static size_t add_part(unsigned char *to, struct mapi *o, uint16_t id)
{
	struct mapi_value v;
	size_t n;

	if (mapi_get(o, id, &v) != 1)
		return 0;
	if (v.type == MAPI_TIME) {
		memcpy(to, &v.number, sizeof(v.number));
		return sizeof(v.number);
	}
	n = v.n < ID_PART ? v.n : ID_PART;
	if (!v.p)
		return 0;
	memcpy(to, v.p, n);
	return n;
}

/* Reading and flagging a message leave these alone. A draft that is written
 * on is another message, as at a server. */
static uint64_t uid_of(struct mapi *o, uint32_t nid)
{
	unsigned char text[4 * ID_PART];
	size_t n = add_part(text, o, PID_CREATED);
	uint64_t tag;

	n += add_part(text + n, o, PID_SEARCH_KEY);
	n += add_part(text + n, o, PID_MESSAGE_ID);
	/* Written by another program than Outlook. */
	if (n <= sizeof(int64_t)) {
		n += add_part(text + n, o, PID_DELIVERED);
		n += add_part(text + n, o, PID_SUBJECT);
	}
	if (mapi_number(o, PID_FLAGS, 0) & UNSENT)
		n += add_part(text + n, o, PID_MODIFIED);
	tag = mix_of(text, n) & PST_TAG;
	return PST_UID(nid) | (tag ? tag : 1);
}

/* --- holes --------------------------------------------------------------- */

static int tell_hole(struct pst_walk *w, uint32_t nid, const char *subject,
                     struct mail_date date, const char *sentence)
{
	struct buf key CLEANUP(buf_release_p) = BUF_INIT(0);
	struct item it = { .uid = PST_UID(nid), .date = date, .wire = true };

	/* Most likely a contact or an appointment. */
	if (w->f->foreign || w->s->items) {
		w->unread++;
		return 0;
	}
	if (pst_key(subject, "", &key) || pst_enter(w))
		return -1;
	it.key = key.p;
	return w->s->begin(w->s, &it) < 0 || w->s->end(w->s, 0, sentence) ? -1
	                                                                  : 0;
}

/* Without what tells how long its "Re: " is ([MS-PST] 2.5.3.1.1.1). */
static const char *bare(const char *subject)
{
	uint32_t cp;

	return subject && *subject == 1
	               ? subject + 1 + utf8_next(subject + 1, &cp)
	               : subject;
}

/* What the folder's table knows of an item: its subject, malloc'd, or NULL. */
static char *of_row(struct pst_walk *w, size_t row, struct mail_date *date)
{
	struct pst_tc *t = w->m.have_table ? &w->m.table : NULL;
	struct mapi page = { .codepage = w->file.codepage ? w->file.codepage
		                                          : CODEPAGE };
	struct mapi_value v = { 0 };
	char *subject = NULL;

	if (t && pst_tc_get(t, row, PID_SUBJECT, &v) == 1)
		subject = mapi_text_of(&page, &v, 0);
	if (t && pst_tc_get(t, row, PID_DELIVERED, &v) == 1 &&
	    v.type == MAPI_TIME)
		*date = mapi_filetime(v.number);
	return subject;
}

/* Nothing of it can be read. */
static int tell_unreadable(struct pst_walk *w, uint32_t nid)
{
	const char *why = w->file.p->why;
	char *subject CLEANUP(free_p) = NULL;
	struct mail_date date = { 0 };
	char text[PST_SENTENCE];
	uint32_t row = pst_members_row(w, nid);

	if (row)
		subject = of_row(w, row - 1, &date);
	snprintf(text, sizeof(text),
	         "A message in %.*s can't be read: %.120s. If there is another "
	         "copy or a backup of the file, move that as well: nothing "
	         "arrives twice.",
	         PST_SHOWN(w->path, 120), why ? why : "it is damaged");
	return tell_hole(w, nid,
	                 subject ? bare(subject)
	                         : "a message that can't be read",
	                 date, text);
}

/* The folder's table is all that knows of it. */
static int tell_row(struct pst_walk *w, uint32_t nid, size_t row)
{
	char *subject CLEANUP(free_p) = NULL;
	struct mail_date date = { 0 };
	char text[PST_SENTENCE];

	if (w->s->is_poison(w->s, w->raw, PST_UID(nid)))
		return 0;
	subject = of_row(w, row, &date);
	snprintf(text, sizeof(text),
	         "Only the line of \"%.*s\" in the list of its folder is left: "
	         "the message itself is not in the file any more. If there is "
	         "another copy or a backup of the file, move that as well: "
	         "nothing arrives twice.",
	         PST_SHOWN(pst_subject(bare(subject)), 100));
	return tell_hole(w, nid, bare(subject), date, text);
}

/* --- octets -------------------------------------------------------------- */

struct flow {
	struct mapi_out out;
	struct pst_walk *w;
	uint64_t n;
	bool unheard; /* only looked at */
	bool over;    /* the sink wants no more */
};

static int flow_data(struct mapi_out *out, const void *p, size_t n)
{
	struct flow *f = out->arg;
	struct pst_walk *w = f->w;

	f->n += n;
	w->octets += n;
	w->bomb |= w->octets > BOMB_FREE &&
	           w->octets / BOMB_FACTOR > w->file.p->size;
	if (w->bomb)
		return -1;
	f->over = !f->unheard && w->s->data(w->s, p, n) != 0;
	return f->over ? -1 : 0;
}

static struct mapi_out *flow_begin(struct flow *f, struct pst_walk *w)
{
	*f = (struct flow){ .w = w, .out = { .data = flow_data, .arg = f } };
	return &f->out;
}

/* --- mail ---------------------------------------------------------------- */

static int end_header_only(struct pst_walk *w, const struct mapi_mail *m)
{
	char text[PST_SENTENCE];

	snprintf(text, sizeof(text),
	         "Of \"%.*s\" Outlook had only fetched the header: its text is "
	         "not in this file. If the server still runs, let Outlook "
	         "download the whole message, copy the file and run again; or "
	         "look for another PC's copy of the mailbox.",
	         PST_SHOWN(pst_subject(m->subject), 100));
	return w->s->end(w->s, 0, text);
}

static int end_lost(struct pst_walk *w, const struct mapi_mail *m)
{
	char text[PST_SENTENCE];
	const char *why = m->lost   ? m->lost
	                  : w->bomb ? "the file is made to have no end"
	                            : "there is not enough memory for it";

	snprintf(text, sizeof(text),
	         "\"%.*s\" can't be read whole: %.140s. It was not moved. If "
	         "there is another copy or a backup of the file, move that as "
	         "well: nothing arrives twice.",
	         PST_SHOWN(pst_subject(m->subject), 100), why);
	return w->s->end(w->s, 0, text);
}

/* One more sentence. No room: what stands there says enough. */
static void add_note(struct mapi_mail *m, const char *text)
{
	if (m->note.n + strlen(text) < NOTE_ROOM) {
		(void)buf_str(&m->note, m->note.n ? " " : "");
		(void)buf_str(&m->note, text);
	}
}

/* What is to be said of a message that is moved. */
static int tell_about(struct pst_walk *w, struct mapi_mail *m)
{
	static const char doubt[] =
	        "A checksum in the Outlook file does not fit where this "
	        "message stands: look whether it is as it should be.";
	static const char loose[] =
	        "The index of the Outlook file had lost this message; it was "
	        "put together again from its parts: look whether it is as it "
	        "should be.";
	static const char part[] =
	        "Not all of its parts were found: recipients, attachments or "
	        "text may be missing.";

	if (pst_missing_all(m->o))
		m->made = MADE_IN_PART;
	if (w->origin != PST_TOLD)
		add_note(m, loose);
	if (w->origin == PST_LOOSE_PART) {
		m->made = MADE_IN_PART;
		add_note(m, part);
	}
	/* Nor is it taken for the same as one that came another way. */
	if (w->file.p->doubts) {
		m->made = MADE_IN_PART;
		add_note(m, doubt);
	}
	return w->s->about(w->s, m->made, m->note.n ? m->note.p : NULL);
}

static int octets(struct pst_walk *w, struct mapi_mail *m, uint64_t uid)
{
	struct flow f;
	int r = mapi_mail_write(m, flow_begin(&f, w));

	if (f.over)
		return -1;
	if (r)
		return end_lost(w, m);
	if (tell_about(w, m) || w->s->end(w->s, f.n, NULL))
		return -1;
	return pst_missing_tell(w, m, uid);
}

/* Of a message that is there already, whether its attachments are missing
 * still: that only a look at all of them tells. */
static int look_again(struct pst_walk *w, struct mapi_mail *m, uint64_t uid)
{
	struct flow f;
	struct mapi_out *out = flow_begin(&f, w);

	f.unheard = true;
	return mapi_mail_write(m, out) ? 0 : pst_missing_tell(w, m, uid);
}

static int mail(struct pst_walk *w, struct mapi_mail *m, uint64_t uid)
{
	struct buf key CLEANUP(buf_release_p) = BUF_INIT(0);
	struct item it = { .uid = uid,
		           .size = m->size,
		           .flags = m->flags,
		           .keywords = m->keywords,
		           .date = m->date,
		           .wire = true };
	int wanted;

	if (w->f->outbox)
		it.flags |= MAIL_DRAFT;
	if (pst_key(m->subject, "", &key) || pst_enter(w))
		return -1;
	it.key = key.p;
	wanted = w->s->begin(w->s, &it);
	if (wanted < 0)
		return -1;
	if (m->header_only)
		return end_header_only(w, m);
	if (wanted)
		return octets(w, m, uid);
	if (w->s->end(w->s, 0, NULL))
		return -1;
	return pst_missing_asked(w, uid) ? look_again(w, m, uid)
	                                 : pst_missing_look(w, m, uid);
}

static int tell_mail(struct pst_walk *w, struct mapi *o, uint64_t uid)
{
	struct mapi_origin origin = { .nid = pst_item_nid(uid),
		                      .unpack = w->s->unpack };
	struct mapi_mail m;
	int r;

	memcpy(origin.store, w->l.key, sizeof(origin.store));
	if (mapi_mail_open(&m, o, &origin))
		return tell_unreadable(w, origin.nid);
	r = mail(w, &m, uid);
	mapi_mail_close(&m);
	return r;
}

/* --- what is no mail ----------------------------------------------------- */

static int tell_other(struct pst_walk *w, struct mapi *o, enum mapi_kind k)
{
	struct buf path CLEANUP(buf_release_p) = BUF_INIT(0);
	char *name CLEANUP(free_p) = NULL;

	if (k == MAPI_SETTINGS)
		return w->s->other(w->s, w->path, "a hidden item");
	name = item_name(o, k);
	if (!name || buf_fmt(&path, "%s/%s", w->path, name))
		return -1;
	return w->s->other(w->s, path.p, mapi_kind_words(k));
}

/* An item, or what is attached to one. */
struct file {
	struct mapi *o;
	enum mapi_kind kind;
	uint64_t uid;
	size_t beside; /* which attachment, or WHOLE */
};
#define WHOLE SIZE_MAX

static int write_file(struct pst_walk *w, const struct file *t, struct flow *f)
{
	struct mapi_origin origin = { .nid = pst_item_nid(t->uid),
		                      .unpack = w->s->unpack };

	if (t->beside == WHOLE)
		return item_write(t->o, t->kind, flow_begin(f, w));
	memcpy(origin.store, w->l.key, sizeof(origin.store));
	return item_beside_write(t->o, t->beside, &origin, flow_begin(f, w));
}

static int tell_file(struct pst_walk *w, const struct file *t, const char *name,
                     const char *suffix, const char *words)
{
	char *path CLEANUP(free_p) =
	        pst_file_path(w, name, suffix, pst_item_nid(t->uid));
	struct item it = {
		.uid = t->uid, .key = path, .keywords = words, .wire = true
	};
	struct flow f;
	int wanted;

	if (!path || pst_enter(w))
		return -1;
	wanted = w->s->begin(w->s, &it);
	if (wanted <= 0)
		return wanted < 0 ? -1 : w->s->end(w->s, 0, NULL);
	if (write_file(w, t, &f) == 0)
		return w->s->end(w->s, f.n, NULL);
	if (f.over)
		return -1;
	return w->s->end(w->s, 0,
	                 "This item can't be read whole: the file is damaged, "
	                 "or there is not enough memory for it.");
}

/* Of attachment i: "Lunch - plan.pdf" beside "Lunch.ics". */
static int tell_beside(struct pst_walk *w, const struct file *t, const char *of)
{
	struct item_beside b CLEANUP(item_beside_release) = { NULL, NULL };
	struct buf name CLEANUP(buf_release_p) = BUF_INIT(0);
	int is = w->s->is_poison(w->s, w->raw, t->uid)
	                 ? 0
	                 : item_beside(t->o, t->kind, t->beside, &b);

	if (is <= 0)
		return is;
	return buf_fmt(&name, "%s - %s", of, b.name) ||
	                       tell_file(w, t, name.p, b.suffix,
	                                 "an attachment")
	               ? -1
	               : 0;
}

static int tell_files(struct pst_walk *w, struct mapi *o, enum mapi_kind k,
                      uint64_t uid)
{
	char *name CLEANUP(free_p) = item_name(o, k);
	struct file t = { o, k, uid, WHOLE };
	size_t n;

	if (!name || tell_file(w, &t, name, item_suffix(k), mapi_kind_words(k)))
		return -1;
	n = o->ops->attachments(o);
	for (t.beside = 0; t.beside < n; t.beside++) {
		t.uid = PST_UID(NID_OF(pst_item_nid(uid), NID_ATTACHMENT)) |
		        ((uid + 1 + t.beside) & PST_TAG);
		if (tell_beside(w, &t, name))
			return -1;
	}
	return 0;
}

/* --- one item ------------------------------------------------------------ */

static int tell(struct pst_walk *w, struct mapi *o, uint32_t nid)
{
	uint64_t uid = uid_of(o, nid);
	enum mapi_kind k = mapi_kind(o);

	if (w->s->is_poison(w->s, w->raw, uid))
		return 0;
	if (!w->s->items)
		return k == MAPI_MAIL ? tell_mail(w, o, uid)
		                      : tell_other(w, o, k);
	return k == MAPI_MAIL || k == MAPI_SETTINGS ? 0
	                                            : tell_files(w, o, k, uid);
}

static struct mapi *open_node(struct pst_walk *w, uint32_t nid)
{
	struct pst_node n;

	if (pst_node(w->file.p, nid, &n) <= 0)
		return NULL;
	w->origin = n.origin;
	return pst_message(&w->file, &n);
}

int pst_item_tell(struct pst_walk *w, size_t i)
{
	uint32_t nid = (uint32_t)(w->m.v[i] >> 32);
	uint32_t row = (uint32_t)w->m.v[i];
	struct mapi *o;
	int r;

	if (++w->looked % BEAT_ITEMS == 0 && w->s->working(w->s))
		return -1;
	if (row)
		return tell_row(w, nid, row - 1);
	/* What breaks down before its uid is known goes by its nid. */
	if (w->s->is_poison(w->s, w->raw, PST_UID(nid)))
		return 0;
	w->file.p->doubts = 0;
	o = open_node(w, nid);
	if (!o)
		return tell_unreadable(w, nid);
	r = tell(w, o, nid);
	mapi_close(&o);
	return r;
}
