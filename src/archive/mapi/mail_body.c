/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_body.c - the text of a message ([MS-OXBBODY]). A body can stand in
 * the file three times, as text, HTML and RTF, and any of them may have been
 * made of another: HTML and text are taken where they are, and out of the
 * RTF where they aren't.
 */
#include <stdlib.h>
#include <string.h>

#include "archive/mapi/mail_int.h"
#include "archive/mapi/text.h"
#include "util/utf8.h"

#define NATIVE_TEXT 1
#define LZFU_HEAD 16
#define REST_LOST "The rest of this text could not be read.\r\n"
#define ALL_LOST "The text of this message could not be read.\r\n"

/* --- octets --------------------------------------------------------------- */

/* 0: what the octets of a body are is told by their charset. */
static unsigned text_page(const struct mapi *o, const struct mapi_value *v)
{
	if (v->type == MAPI_UNICODE)
		return CODEPAGE_UTF16;
	if (v->type == MAPI_STRING8)
		return o->codepage ? o->codepage : 1252;
	return mapi_number((struct mapi *)o, PID_CODEPAGE, 0) == CODEPAGE_UTF16
	               ? CODEPAGE_UTF16
	               : 0;
}

static int push_text(struct mail_value *x, unsigned page, struct mapi_out *out)
{
	struct text_in t;
	int r;

	if (text_begin(&t, &x->in, page))
		return -2;
	r = mail_copy(&t.in, out);
	text_end(&t);
	return r;
}

static int push_rtf(struct mail_all *a, struct mail_value *x,
                    enum rtf_kind kind, struct mapi_out *out)
{
	struct lzfu l;
	bool bad = false;
	int r;

	if (lzfu_begin(&l, &x->in))
		return -2;
	r = rtf_out(&l.in, kind, out, &bad);
	if (r == 0 && l.doubt)
		mail_note(a, "The checksum of its text is wrong.");
	lzfu_end(&l);
	return r && bad ? -2 : r;
}

/* As mail_copy(). */
static int push(struct mail_all *a, const struct mail_body *b,
                struct mapi_out *out)
{
	struct mail_value x;
	unsigned page;
	int r;

	if (mail_value_open(&x, b->o, b->id) < 1)
		return -2;
	page = text_page(b->o, &x.v);
	if (b->id == PID_RTF)
		r = push_rtf(a, &x, b->rtf, out);
	else if (page)
		r = push_text(&x, page, out);
	else
		r = mail_copy(&x.in, out);
	mail_value_shut(&x);
	return r;
}

/* --- which ---------------------------------------------------------------- */

static enum rtf_kind kind_of_rtf(struct mapi *o, bool *bad)
{
	enum rtf_kind kind = RTF_NONE;
	struct mail_value x;
	struct lzfu l;
	int r = mail_value_open(&x, o, PID_RTF);

	*bad = r < 0;
	if (r < 1)
		return RTF_NONE;
	if (x.in.size > LZFU_HEAD && lzfu_begin(&l, &x.in) == 0) {
		kind = rtf_kind(&l.in);
		lzfu_end(&l);
		*bad = kind == RTF_NONE;
	} else {
		*bad = x.in.size > LZFU_HEAD;
	}
	mail_value_shut(&x);
	return kind;
}

static bool is_text(const struct mapi_value *v)
{
	return v->type == MAPI_UNICODE || v->type == MAPI_STRING8;
}

/* Something is in it, and not only an end of text. */
static bool holds(const struct mapi_value *v)
{
	size_t i = 0;

	if (v->stream)
		return v->n > 0;
	while (i < v->n && v->p && !v->p[i])
		i++;
	return i < v->n;
}

static int direct(struct mapi *o, uint16_t id)
{
	struct mapi_value v;
	int r = mapi_get(o, id, &v);

	if (r == 1 && !holds(&v))
		r = 0;
	return r == 1 && !is_text(&v) && v.type != MAPI_BINARY ? 0 : r;
}

static void from_rtf(struct mail_msg *g, struct mapi *o)
{
	struct mail_body b = { BODY_TEXT, o, PID_RTF, RTF_NONE };
	bool bad;

	b.rtf = kind_of_rtf(o, &bad);
	g->unreadable |= bad && !g->text.kind;
	if (b.rtf == RTF_HTML) {
		b.kind = BODY_HTML;
		g->html = b;
	} else if (b.rtf != RTF_NONE && !g->text.kind) {
		g->text = b;
	}
	/* What is neither is what its writer saw. */
	g->rtf_file = b.rtf == RTF_PLAIN;
}

void mail_bodies(struct mail_msg *g, struct mapi *o)
{
	int text = direct(o, PID_BODY), html = direct(o, PID_HTML);

	if (text > 0)
		g->text =
		        (struct mail_body){ BODY_TEXT, o, PID_BODY, RTF_NONE };
	if (html > 0)
		g->html =
		        (struct mail_body){ BODY_HTML, o, PID_HTML, RTF_NONE };
	if (!g->html.kind &&
	    !(text > 0 && mapi_number(o, PID_NATIVE_BODY, 0) == NATIVE_TEXT))
		from_rtf(g, o);
	g->unreadable |= text < 0 || html < 0;
	if (!g->text.kind && !g->html.kind) {
		if (g->unreadable) /* a part that says so */
			g->text = (struct mail_body){ BODY_TEXT, o, PID_BODY,
				                      RTF_NONE };
		return;
	}
	if (g->unreadable)
		mail_note(g->a, "One of the forms of its text could not be "
		                "read; another is there.");
	g->unreadable = false;
}

/* --- as parts ------------------------------------------------------------- */

struct look {
	struct mapi_out in;
	struct buf *b;
	bool more;
};

static int look_data(struct mapi_out *in, const void *p, size_t n)
{
	struct look *l = in->arg;
	size_t room = LOOK_MOST - l->b->n;

	if (buf_add(l->b, p, n < room ? n : room))
		return -1;
	l->more = n > room;
	return l->more ? -1 : 0;
}

static bool look_valid(const struct buf *b, bool whole)
{
	size_t good = b->n ? utf8_good(b->p) : 0;

	/* The look may have ended within a character. */
	return good == b->n || (!whole && b->n - good < 4);
}

static const char *charset_of(const struct mail_body *b, const struct buf *look,
                              bool whole)
{
	struct mapi_value v;
	const char *name;

	if (b->id != PID_HTML || mapi_get(b->o, b->id, &v) != 1 ||
	    text_page(b->o, &v))
		return mime_ascii(look->p, look->n) && whole ? "us-ascii"
		                                             : "utf-8";
	name = text_charset((unsigned)mapi_number(b->o, PID_CODEPAGE, 0) &
	                    0xffff);
	if (name)
		return name;
	if (look_valid(look, whole))
		return "utf-8";
	name = text_charset(b->o->codepage);
	return name ? name : "windows-1252";
}

static void part_fields(struct mime_out *out, const char *type,
                        const char *charset, const char *params,
                        enum mime_coding coding)
{
	mime_str(out, "Content-Type: ");
	mime_str(out, type);
	mime_str(out, "; charset=");
	mime_str(out, charset);
	mime_str(out, params ? params : "");
	mime_str(out, "\r\nContent-Transfer-Encoding: ");
	mime_str(out, mime_coding_name(coding));
	mime_str(out, "\r\n\r\n");
}

/* Without the NULs that end a text. */
static void cut_nuls(struct buf *b)
{
	while (b->n && !b->p[b->n - 1])
		b->n--;
}

static void all_lost(struct mail_msg *g, struct buf *look)
{
	mail_in_part(g->a, "Its text could not be read.");
	if (g->depth == 0 && !g->parts)
		g->a->m->lost = "its text could not be read";
	buf_clear(look);
	if (buf_str(look, ALL_LOST))
		g->a->out.failed = true;
}

static void encode(struct mail_msg *g, const struct mail_body *b,
                   struct mime_code *c, bool again, bool bad)
{
	struct buf *look = &g->a->look;

	if (!again)
		c->in.data(&c->in, look->p, look->n);
	else
		bad = push(g->a, b, &c->in) == -2;
	if (bad) {
		mail_in_part(g->a, "A part of its text could not be read.");
		c->in.data(&c->in, "\r\n", 2);
		c->in.data(&c->in, REST_LOST, sizeof(REST_LOST) - 1);
	}
	mime_code_end(c);
}

void mail_body_part(struct mail_msg *g, const struct mail_body *b)
{
	struct buf *look = &g->a->look;
	struct look l = { .in = { look_data, &l }, .b = look };
	enum mime_coding coding;
	struct mime_code c;
	const char *charset;
	bool bad;

	buf_clear(look);
	bad = push(g->a, b, &l.in) == -2;
	if (!l.more)
		cut_nuls(look);
	charset = charset_of(b, look, !l.more);
	if (bad && !look->n) {
		all_lost(g, look);
		bad = false;
	}
	coding = mime_text_coding(look->n ? look->p : "", look->n,
	                          !l.more && !bad);
	part_fields(&g->a->out,
	            b->kind == BODY_HTML ? "text/html" : "text/plain", charset,
	            NULL, coding);
	mime_code_begin(&c, &g->a->out, coding, true);
	encode(g, b, &c, l.more, bad);
}

void mail_text_part(struct mail_msg *g, const char *type, const char *params,
                    const char *p, size_t n)
{
	enum mime_coding coding = mime_text_coding(p, n, true);
	struct mime_code c;

	part_fields(&g->a->out, type, mime_ascii(p, n) ? "us-ascii" : "utf-8",
	            params, coding);
	mime_code_begin(&c, &g->a->out, coding, true);
	c.in.data(&c.in, p, n);
	mime_code_end(&c);
}
