/* SPDX-License-Identifier: Apache-2.0 */
/* mail_part.c - attachments as parts ([MS-OXCMAIL] 2.4): see mail_int.h. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "archive/mapi/item.h"
#include "archive/mapi/mail_int.h"
#include "archive/mapi/mail_type.h"
#include "archive/mapi/tnef.h"

/* [MS-OXCMSG] 2.2.2.9 */
enum method {
	BY_NOTHING = 0,
	BY_VALUE = 1,
	BY_REFERENCE = 2,
	BY_REFERENCE_RESOLVE = 3,
	BY_REFERENCE_ONLY = 4,
	BY_MESSAGE = 5,
	BY_STORAGE = 6,
	BY_WEB_REFERENCE = 7
};
#define IN_HTML 4 /* of PID_ATTACH_FLAGS */
#define ID_MOST 400u
#define TNEF_MANY 8 /* taken apart in one mail: each is in memory */

/* --- listing -------------------------------------------------------------- */

/* The HTML names it; of an identifier, what is never written otherwise. */
static bool is_named(struct mail_msg *g, struct mapi *at)
{
	char *cid CLEANUP(free_p) = mapi_text(at, PID_CONTENT_ID, ID_MOST);
	char *where CLEANUP(free_p) =
	        mapi_text(at, PID_CONTENT_LOCATION, ID_MOST);
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);

	if (cid && *cid) {
		const char *p = cid + (*cid == '<');

		if (buf_str(&b, "cid:") || buf_add(&b, p, strcspn(p, "@%$>")))
			return false;
		if (mail_html_has(g, b.p))
			return true;
	}
	return where && *where && mail_html_has(g, where);
}

/* Shown within the HTML: marked so, or an image that the HTML names. Some
 * programs give each attachment an identifier. */
static bool is_inside(struct mail_msg *g, struct mapi *at)
{
	char *name CLEANUP(free_p) = NULL, *type CLEANUP(free_p) = NULL;
	int64_t method;

	if (!mapi_has(at, PID_CONTENT_ID) &&
	    !mapi_has(at, PID_CONTENT_LOCATION))
		return false;
	method = mapi_number(at, PID_ATTACH_METHOD, BY_VALUE);
	if (method == BY_MESSAGE || method == BY_STORAGE)
		return false;
	if (mapi_number(at, PID_ATTACH_FLAGS, 0) & IN_HTML ||
	    mapi_bool(at, PID_HIDDEN))
		return true;
	name = mail_file_name(at);
	type = mail_type_of(at, name);
	return type && strncasecmp(type, "image/", 6) == 0 && is_named(g, at);
}

static int part_add(struct mail_msg *g, struct mapi *o, size_t i, bool inside)
{
	struct mail_part *v;

	if (g->parts == g->parts_cap) {
		size_t cap = g->parts_cap ? g->parts_cap * 2 : 8;

		v = realloc(g->part, cap * sizeof(*v));
		if (!v)
			return -1;
		g->part = v;
		g->parts_cap = cap;
	}
	g->part[g->parts++] = (struct mail_part){ o, i, inside };
	g->inside += inside;
	return 0;
}

/* Those that the message itself has not: mostly it has the text alone. */
static void packed_bodies(struct mail_msg *g, struct mapi *t)
{
	struct mail_body text = g->text, html = g->html;

	mail_bodies(g, t);
	if (text.kind)
		g->text = text;
	if (html.kind)
		g->html = html;
}

/* 1: at was one, and all that is in it is listed. */
static int unpack(struct mail_msg *g, struct mapi *at)
{
	struct mapi **v, *t;
	struct mail_value x;

	if (mapi_number(at, PID_ATTACH_METHOD, BY_VALUE) != BY_VALUE ||
	    !mail_is_tnef(at) || mail_value_open(&x, at, PID_ATTACH_DATA) < 1)
		return 0;
	t = g->a->tnefs < TNEF_MANY ? tnef_open(&x.in) : NULL;
	mail_value_shut(&x);
	if (!t) {
		mail_note(g->a, "A winmail.dat in it could not be taken "
		                "apart and is left as it is.");
		return 0;
	}
	v = realloc(g->tnef, (g->tnefs + 1) * sizeof(struct mapi *));
	if (!v) {
		mapi_close(&t);
		return -1;
	}
	g->tnef = v;
	g->tnef[g->tnefs++] = t;
	g->a->tnefs++;
	if (!g->unreadable)
		packed_bodies(g, t);
	if (mail_parts(g, t))
		return -1;
	if (!t->spoilt)
		return mapi_kind(t) == MAPI_MAIL;
	mail_note(g->a, "A winmail.dat in it is damaged: what could be read "
	                "was taken out, and it is attached as well.");
	return 0;
}

static int list_one(struct mail_msg *g, struct mapi *o, size_t i)
{
	bool look = g->html.kind != BODY_NONE,
	     packed = g->a->m->origin.unpack && o == g->o;
	struct mapi *at = look || packed ? o->ops->attachment(o, i) : NULL;
	int r = at && packed ? unpack(g, at) : 0;

	if (r == 0)
		r = part_add(g, o, i, at && look && is_inside(g, at));
	if (at)
		mapi_close(&at);
	return r < 0 ? -1 : 0;
}

int mail_parts(struct mail_msg *g, struct mapi *o)
{
	size_t n = o->ops->attachments(o);

	for (size_t i = 0; i < n; i++) {
		if (g->a->parts++ >= PARTS_MOST) {
			mail_in_part(g->a, "It has more attachments than can "
			                   "be written.");
			break;
		}
		if (list_one(g, o, i))
			return -1;
	}
	return 0;
}

/* --- fields --------------------------------------------------------------- */

/* An identifier without <>; false if it is none. */
static bool is_id(char **s)
{
	char *p = *s;
	size_t n;

	while (*p == '<' || *p == ' ')
		p++;
	n = strlen(p);
	while (n && (p[n - 1] == '>' || p[n - 1] == ' '))
		n--;
	p[n] = '\0';
	*s = p;
	for (size_t i = 0; i < n; i++)
		if (p[i] <= ' ' || p[i] >= 0x7f || p[i] == '<' || p[i] == '>')
			return false;
	return n > 0;
}

static void ids(struct mail_msg *g, struct mapi *at)
{
	char *cid CLEANUP(free_p) = mapi_text(at, PID_CONTENT_ID, ID_MOST);
	char *where CLEANUP(free_p) =
	        mapi_text(at, PID_CONTENT_LOCATION, ID_MOST);
	char *p = cid;

	if (cid && is_id(&p)) {
		mime_str(&g->a->out, "Content-ID: <");
		mime_str(&g->a->out, p);
		mime_str(&g->a->out, ">\r\n");
	}
	p = where;
	if (where && is_id(&p)) {
		mime_str(&g->a->out, "Content-Location: ");
		mime_str(&g->a->out, p);
		mime_str(&g->a->out, "\r\n");
	}
}

/* Of a file, and the empty line behind them. */
static void fields(struct mail_msg *g, struct mapi *at, const char *type,
                   const char *name, bool inside, const char *coding)
{
	struct field *f = &g->a->field;
	struct mime_out *out = &g->a->out;

	field_begin(f, "Content-Type");
	field_atom(f, type, strlen(type), true);
	if (name)
		field_param(f, "name", name);
	field_end(f, out);
	if (coding) {
		mime_str(out, "Content-Transfer-Encoding: ");
		mime_str(out, coding);
		mime_str(out, "\r\n");
	}
	field_begin(f, "Content-Disposition");
	field_atom(f, inside ? "inline" : "attachment", inside ? 6 : 10, true);
	if (name)
		field_param(f, "filename", name);
	field_end(f, out);
	if (at)
		ids(g, at);
	mime_str(out, "\r\n");
}

/* --- what is not there ---------------------------------------------------- */

static void size_words(struct buf *b, uint64_t size)
{
	if (size >= 10u << 20)
		(void)buf_fmt(b, "%llu MB", (unsigned long long)size >> 20);
	else if (size >= 10u << 10)
		(void)buf_fmt(b, "%llu KB", (unsigned long long)size >> 10);
	else
		(void)buf_fmt(b, "%llu octets", (unsigned long long)size);
}

void mail_missing(struct mail_all *a, const char *name, uint64_t size)
{
	struct mapi_mail *m = a->m;
	size_t had = m->missing.n;

	m->missing_n++;
	m->made = MADE_IN_PART;
	if (had && buf_str(&m->missing, "; "))
		return; /* as many as the list has room for */
	if (buf_str(&m->missing, name ? name : "without a name")) {
		m->missing.n = had;
		m->missing.p[had] = '\0';
		return;
	}
	if (!size)
		return;
	(void)buf_str(&m->missing, " (");
	size_words(&m->missing, size);
	(void)buf_str(&m->missing, ")");
}

/* A text in the place of a file. */
static void sentence(struct mail_msg *g, struct mail_nest *n, const char *what,
                     const char *name, const char *rest)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);

	mail_nest_next(g, n);
	if (buf_fmt(&b, "%s \"%s\" %s\r\n", what, name ? name : "", rest))
		g->a->out.failed = true;
	else
		mail_text_part(g, "text/plain", NULL, b.p, b.n);
}

static void missing(struct mail_msg *g, struct mail_nest *n, struct mapi *at,
                    const char *name)
{
	int64_t size = at ? mapi_number(at, PID_ATTACH_SIZE, 0) : 0;

	mail_missing(g->a, name, size > 0 ? (uint64_t)size : 0);
	sentence(g, n, "The attached file", name,
	         "is not in the Outlook file that this message comes from, "
	         "or can't be read there.");
}

/* --- kinds of attachments ------------------------------------------------- */

/* 0; -1: nothing was written; 1: in the middle it could not be read. */
static int file_part(struct mail_msg *g, struct mail_nest *n, struct mapi *at,
                     uint16_t id, const char *type, const char *name,
                     bool inside)
{
	struct mail_value x;
	struct mime_code c;
	int r;

	if (g->a->out.total > OCTETS_MOST || mail_value_open(&x, at, id) < 1)
		return -1;
	mail_nest_next(g, n);
	fields(g, at, type, name, inside, "base64");
	mime_code_begin(&c, &g->a->out, MIME_BASE64, false);
	if (id == PID_ATTACH_DATA && mail_is_mac(at) && mail_value_mac(&x))
		mail_note(g->a, "The Macintosh resources of an attached file "
		                "are left out.");
	r = mail_copy(&x.in, &c.in);
	mime_code_end(&c);
	mail_value_shut(&x);
	return r == -2;
}

static void data(struct mail_msg *g, struct mail_nest *n, struct mapi *at,
                 const char *name, bool inside)
{
	char *type CLEANUP(free_p) = mail_type_of(at, name);

	if (!type)
		g->a->out.failed = true;
	else if (file_part(g, n, at, PID_ATTACH_DATA, type, name, inside))
		missing(g, n, at, name);
}

/* An OLE object: its storage, and the picture of it that was shown. */
static void storage(struct mail_msg *g, struct mail_nest *n, struct mapi *at,
                    const char *name)
{
	char *file CLEANUP(free_p) = mail_name_for(name, "object", ".ole");
	char *picture CLEANUP(free_p) = mail_name_for(name, "object", ".wmf");
	struct mapi_value v;

	if (file_part(g, n, at, PID_ATTACH_DATA, "application/octet-stream",
	              file, false))
		missing(g, n, at, name);
	if (mapi_get(at, PID_ATTACH_RENDERING, &v) == 1 && v.n)
		(void)file_part(g, n, at, PID_ATTACH_RENDERING, "image/wmf",
		                picture, false);
}

static void reference(struct mail_msg *g, struct mail_nest *n, struct mapi *at,
                      const char *name)
{
	char *path = mapi_text(at, PID_ATTACH_LONG_PATH, 4000);
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);

	if (!path)
		path = mapi_text(at, PID_ATTACH_PATH, 4000);
	if (buf_fmt(&b, "was never in the message, only where it stood: %s",
	            path ? path : "(it is not told)"))
		g->a->out.failed = true;
	else
		sentence(g, n, "The attached file", name, b.p);
	free(path);
}

static void message(struct mail_msg *g, struct mail_nest *n, struct mapi *in,
                    const struct mail_part *p)
{
	char *subject CLEANUP(free_p) = mail_subject(in);
	char *name CLEANUP(free_p) = mail_name_for(subject, "message", ".eml");

	if (g->depth >= DEPTH_MOST || g->a->out.total > OCTETS_MOST) {
		mail_missing(g->a, name, 0);
		sentence(g, n, "The attached message", subject,
		         "stands too deep in others to be written.");
		return;
	}
	mail_nest_next(g, n);
	fields(g, NULL, "message/rfc822", name, false, NULL);
	if (mail_msg_write(g->a, in, g->depth + 1, mail_hash(g, p->i + 1)))
		g->a->out.failed = true;
}

/* A contact, an appointment: as the file that other programs read. */
static void item(struct mail_msg *g, struct mail_nest *n, struct mapi *in,
                 enum mapi_kind kind)
{
	const char *suffix = item_suffix(kind);
	bool card = strcmp(suffix, "vcf") == 0,
	     cal = strcmp(suffix, "ics") == 0;
	char *base CLEANUP(free_p) = item_name(in, kind), *name = NULL;
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	struct mime_code c;

	if (!base || buf_fmt(&b, "%s.%s", base, suffix) ||
	    !(name = buf_take(&b))) {
		g->a->out.failed = true;
		return;
	}
	mail_nest_next(g, n);
	fields(g, NULL,
	       card  ? "text/vcard; charset=utf-8"
	       : cal ? "text/calendar; charset=utf-8"
	             : "text/plain; charset=utf-8",
	       name, false, "base64");
	mime_code_begin(&c, &g->a->out, MIME_BASE64, false);
	if (item_write(in, kind, &c.in))
		mail_missing(g->a, name, 0);
	mime_code_end(&c);
	free(name);
}

static void embedded(struct mail_msg *g, struct mail_nest *n, struct mapi *at,
                     const char *name, const struct mail_part *p)
{
	struct mapi *in = at->ops->embedded(at);
	enum mapi_kind kind;

	if (!in) {
		missing(g, n, at, name);
		return;
	}
	kind = mapi_kind(in);
	if (kind == MAPI_MAIL || kind == MAPI_SETTINGS)
		message(g, n, in, p);
	else
		item(g, n, in, kind);
	mapi_close(&in);
}

void mail_attachment(struct mail_msg *g, struct mail_nest *n,
                     const struct mail_part *p)
{
	struct mapi *at = p->o->ops->attachment(p->o, p->i);
	char *name CLEANUP(free_p) = at ? mail_file_name(at) : NULL;
	int64_t method;

	if (!at) {
		missing(g, n, NULL, NULL);
		return;
	}
	method = mapi_number(at, PID_ATTACH_METHOD, BY_VALUE);
	if (method == BY_MESSAGE)
		embedded(g, n, at, name, p);
	else if (method == BY_STORAGE)
		storage(g, n, at, name);
	else if (method >= BY_REFERENCE && method <= BY_WEB_REFERENCE &&
	         !mapi_has(at, PID_ATTACH_DATA))
		reference(g, n, at, name);
	else
		data(g, n, at, name, p->inside);
	mapi_close(&at);
}

/* Text that never was anything but RTF has looks that only RTF can keep. */
void mail_rtf_file(struct mail_msg *g, struct mail_nest *n)
{
	struct mail_value x;
	struct mime_code c;
	struct lzfu l;

	if (mail_value_open(&x, g->rtf, PID_RTF) < 1)
		return;
	if (lzfu_begin(&l, &x.in) == 0) {
		mail_note(g->a, "Its text is RTF: it is written as plain text, "
		                "and the RTF is attached as message.rtf.");
		mail_nest_next(g, n);
		fields(g, NULL, "application/rtf", "message.rtf", false,
		       "base64");
		mime_code_begin(&c, &g->a->out, MIME_BASE64, false);
		if (mail_copy(&l.in, &c.in) == -2)
			mail_in_part(g->a, "The RTF of its text could not be "
			                   "read to the end.");
		mime_code_end(&c);
		lzfu_end(&l);
	}
	mail_value_shut(&x);
}
