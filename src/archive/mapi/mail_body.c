/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_body.c - the text of a message ([MS-OXBBODY]). A body can stand in
 * the file three times, as text, HTML and RTF, and any of them may have been
 * made of another: HTML and text are taken where they are, and out of the
 * RTF where they aren't.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "archive/mapi/mail_int.h"
#include "archive/mapi/text.h"
#include "util/utf8.h"

#define NATIVE_TEXT 1
#define LZFU_HEAD 16
#define SEARCHED_MOST (16u << 20) /* octets, in one mail */
#define CODEPAGE_ASCII 20127u
#define CODEPAGE_UTF7 65000u
#define CHARSET_MOST 40
#define REST_LOST "The rest of this text could not be read.\r\n"
#define ALL_LOST "The text of this message could not be read.\r\n"

/* --- octets --------------------------------------------------------------- */

static unsigned told_page(struct mapi *o)
{
	return (unsigned)mapi_number(o, PID_CODEPAGE, 0) & 0xffff;
}

/* Some tell it of what is none, or don't tell it of what is. */
static bool is_utf16(const unsigned char *p, size_t n, bool told)
{
	while (n && !p[n - 1])
		n--;
	if (n < 2)
		return false;
	if (p[0] == 0xff && p[1] == 0xfe)
		return true;
	return memchr(p, 0, n) && (told || !p[1]);
}

/* 0: what the octets of a body are is told by their charset. */
static unsigned text_page(struct mapi *o, struct mail_value *x)
{
	unsigned page;
	size_t n;
	const unsigned char *p;

	if (x->v.type == MAPI_UNICODE)
		return CODEPAGE_UTF16;
	if (x->v.type == MAPI_STRING8)
		return o->codepage ? o->codepage : 1252;
	page = told_page(o);
	p = mail_value_head(x, &n);
	if (is_utf16(p, n, page == CODEPAGE_UTF16))
		return CODEPAGE_UTF16;
	return page == CODEPAGE_UTF7 ? page : 0;
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

/* As mail_copy(). raw: what comes out is not UTF-8. */
static int push(struct mail_all *a, const struct mail_body *b,
                struct mapi_out *out, bool *raw)
{
	struct mail_value x;
	unsigned page;
	int r;

	*raw = false;
	if (mail_value_open(&x, b->o, b->id) < 1)
		return -2;
	if (b->id == PID_RTF) {
		r = push_rtf(a, &x, b->rtf, out);
	} else if ((page = text_page(b->o, &x))) {
		r = push_text(&x, page, out);
	} else {
		*raw = true;
		r = mail_copy(&x.in, out);
	}
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
	if (b.rtf == RTF_PLAIN)
		g->rtf = o;
}

/* Where there is no HTML ([MS-OXBBODY] 2.1.3.1): an RTF that is not in sync
 * is older than the text. */
static bool is_text_best(struct mapi *o)
{
	int64_t native = mapi_number(o, PID_NATIVE_BODY, 0);

	return native == NATIVE_TEXT ||
	       (!native && !mapi_number(o, PID_RTF_IN_SYNC, 1));
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
	if (!g->html.kind && !(text > 0 && is_text_best(o)))
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

/* --- what the HTML tells of ---------------------------------------------- */

struct search {
	struct mapi_out in;
	struct mail_all *a;
	const char *text;
	bool found;
};

static int search_data(struct mapi_out *in, const void *p, size_t n)
{
	struct search *s = in->arg;
	struct buf *b = &s->a->look; /* may end within what is sought */
	size_t len = strlen(s->text);

	if (buf_add(b, p, n))
		return -1;
	s->found = memmem(b->p, b->n, s->text, len) != NULL;
	s->a->searched += n;
	if (b->n >= len)
		buf_cut(b, b->n - len + 1);
	return s->found || s->a->searched > SEARCHED_MOST ? -1 : 0;
}

bool mail_html_has(struct mail_msg *g, const char *text)
{
	struct search s = { .in = { search_data, &s },
		            .a = g->a,
		            .text = text };
	bool raw;

	buf_clear(&g->a->look);
	if (g->html.kind && g->a->searched <= SEARCHED_MOST)
		(void)push(g->a, &g->html, &s.in, &raw);
	return s.found;
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

/* Its first character that is not ASCII is one of UTF-8. */
static bool begins_valid(const struct buf *b, bool whole)
{
	uint32_t cp;
	size_t n = 0;

	while ((signed char)b->p[n] > 0)
		n++;
	return !b->p[n] || utf8_next(b->p + n, &cp) || (!whole && b->n - n < 4);
}

/* What HTML says of itself; "": nothing that could be a name. */
static void charset_said(const struct buf *b, char name[CHARSET_MOST])
{
	const char *p = b->n ? strcasestr(b->p, "charset=") : NULL;
	size_t n = 0;

	if (p) {
		p += 8 + strspn(p + 8, "\"' ");
		n = strspn(p, "abcdefghijklmnopqrstuvwxyz"
		              "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:");
	}
	n = n < CHARSET_MOST ? n : 0;
	if (n)
		memcpy(name, p, n);
	name[n] = '\0';
}

/* Of octets that are not as they are told, or of which nothing is. */
static const char *charset_else(const struct mapi *o, const char *said)
{
	const char *name;

	if (*said && strncasecmp(said, "utf", 3) != 0 &&
	    strcasecmp(said, "us-ascii") != 0)
		return said;
	name = o->codepage == CODEPAGE_UTF8 || o->codepage == CODEPAGE_UTF16
	               ? NULL
	               : text_charset(o->codepage);

	return name ? name : "windows-1252";
}

/* What is told of HTML is not always so; UTF-8 is hardly met by chance. */
static const char *charset_of_html(struct mapi *o, const struct buf *look,
                                   bool whole, char said[CHARSET_MOST])
{
	unsigned told = told_page(o);
	const char *name = told == CODEPAGE_UTF16 ? NULL : text_charset(told);

	if (name && mime_ascii(look->p, look->n) &&
	    (whole || told != CODEPAGE_ASCII))
		return name;
	if (told == CODEPAGE_UTF8 && begins_valid(look, whole))
		return name;
	charset_said(look, said);
	if (look_valid(look, whole) &&
	    (!name || told == CODEPAGE_ASCII || strcasecmp(said, "utf-8") == 0))
		return "utf-8";
	return name && told != CODEPAGE_ASCII && told != CODEPAGE_UTF8
	               ? name
	               : charset_else(o, said);
}

static const char *charset_of(const struct mail_body *b, const struct buf *look,
                              bool whole, bool raw, char said[CHARSET_MOST])
{
	if (raw && b->id == PID_HTML)
		return charset_of_html(b->o, look, whole, said);
	return mime_ascii(look->p, look->n) && whole ? "us-ascii" : "utf-8";
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
	bool raw;

	if (!again)
		c->in.data(&c->in, look->p, look->n);
	else
		bad = push(g->a, b, &c->in, &raw) == -2;
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
	char said[CHARSET_MOST];
	bool bad, raw;

	buf_clear(look);
	bad = push(g->a, b, &l.in, &raw) == -2;
	if (!l.more)
		cut_nuls(look);
	charset = charset_of(b, look, !l.more, raw, said);
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
