/* SPDX-License-Identifier: Apache-2.0 */
/* item_note.c - see item_note.h. */
#include "archive/mapi/item_note.h"

#include <string.h>

#include "archive/mapi/item_html.h"
#include "archive/mapi/rtf.h"
#include "archive/mapi/text.h"
#include "util/buf.h"

#define PID_BODY 0x1000
#define PID_RTF 0x1009
#define PID_HTML 0x1013
#define PID_CODEPAGE 0x3fde /* of HTML's octets */

/* Line ends that are kept between two texts. */
#define EMPTY_MOST 100

void note_begin(struct note *n, struct lines *l, const char *begin)
{
	n->l = l;
	n->begin = begin;
	n->open = false;
	n->empty = 0;
	n->most = 0;
	n->taken = 0;
}

static void note_some(struct note *n, const char *s, size_t len)
{
	if (!n->open && n->begin)
		lines_raw(n->l, n->begin);
	for (; n->open && n->empty; n->empty--)
		lines_text(n->l, "\n", 1);
	n->open = true;
	n->empty = 0;
	lines_text(n->l, s, len);
}

static bool is_end(char c)
{
	return c == '\n' || c == '\r';
}

void note_text(struct note *n, const char *s, size_t len)
{
	size_t i = 0;

	while (i < len) {
		size_t from;

		for (; i < len && is_end(s[i]); i++) {
			if (s[i] == '\n' && n->empty < EMPTY_MOST)
				n->empty++;
		}
		from = i;
		while (i < len && !is_end(s[i]))
			i++;
		if (i > from)
			note_some(n, s + from, i - from);
	}
}

static void own_line(struct note *n)
{
	if (n->open && n->empty == 0)
		n->empty = 1;
}

void note_said(struct note *n, const char *what, const char *text)
{
	if (!text || !*text)
		return;
	own_line(n);
	note_text(n, what, strlen(what));
	note_text(n, ": ", 2);
	note_text(n, text, strlen(text));
}

void note_prop(struct note *n, const char *what, struct mapi *o, uint16_t id)
{
	char *text CLEANUP(free_p) = mapi_text(o, id, 0);

	note_said(n, what, text);
}

void note_line(struct note *n, const char *s)
{
	own_line(n);
	note_text(n, s, strlen(s));
}

void note_end(struct note *n)
{
	if (n->open)
		lines_end(n->l);
}

/* --- bodies -------------------------------------------------------------- */

static bool enough(const struct note *n)
{
	return n->l->failed || (n->most && n->taken >= n->most);
}

static void take(void *arg, const char *s, size_t n)
{
	struct note *note = arg;

	note->taken += n;
	note_text(note, s, n);
}

static unsigned page_of(struct mapi *o, const struct mapi_value *v)
{
	if (v->type == MAPI_UNICODE)
		return CODEPAGE_UTF16;
	if (v->type == MAPI_STRING8)
		return o->codepage;
	return (unsigned)mapi_number(o, PID_CODEPAGE, o->codepage);
}

/* Reads all of a text. html NULL: it is none. */
static void read_all(struct note *n, struct input *in, struct html *html)
{
	char p[4096];
	ssize_t r = 1;

	while (!enough(n) && (r = in->read(in, p, sizeof(p))) > 0) {
		if (html)
			html_data(html, p, (size_t)r);
		else
			take(n, p, (size_t)r);
	}
	if (html)
		html_end(html);
	if (r < 0)
		note_line(n, "(The rest of this text can't be read.)");
}

static void text_of(struct note *n, struct mapi *o, const struct mapi_value *v,
                    struct html *html)
{
	struct text_in t;
	struct input in;

	if (!o->ops->open || o->ops->open(o, v->id, &in))
		return;
	if (text_begin(&t, &in, page_of(o, v)) == 0) {
		read_all(n, &t.in, html);
		text_end(&t);
	}
	o->ops->shut(o, &in);
}

static int of_rtf(struct mapi_out *out, const void *p, size_t n)
{
	take(out->arg, p, n);
	return enough(out->arg) ? -1 : 0;
}

static int of_rtf_html(struct mapi_out *out, const void *p, size_t n)
{
	struct html *html = out->arg;

	html_data(html, p, n);
	return enough(html->arg) ? -1 : 0;
}

static enum rtf_kind kind_of(struct mapi *o)
{
	enum rtf_kind k = RTF_NONE;
	struct input in;
	struct lzfu z;

	if (!o->ops->open || o->ops->open(o, PID_RTF, &in))
		return k;
	if (lzfu_begin(&z, &in) == 0) {
		k = rtf_kind(&z.in);
		lzfu_end(&z);
	}
	o->ops->shut(o, &in);
	return k;
}

static void rtf_of(struct note *n, struct mapi *o)
{
	enum rtf_kind k = kind_of(o);
	struct mapi_out out = { of_rtf, n };
	struct html html;
	struct input in;
	struct lzfu z;
	bool bad = false;

	if (k == RTF_NONE || o->ops->open(o, PID_RTF, &in))
		return;
	html_begin(&html, take, n);
	if (k == RTF_HTML)
		out = (struct mapi_out){ of_rtf_html, &html };
	if (lzfu_begin(&z, &in) == 0) {
		(void)rtf_out(&z.in, k, &out, &bad);
		html_end(&html);
		lzfu_end(&z);
	}
	o->ops->shut(o, &in);
	if (bad)
		note_line(n, "(The rest of this text can't be read.)");
}

void note_body(struct note *n, struct mapi *o)
{
	struct mapi_value v;
	struct html html;

	if (mapi_get(o, PID_BODY, &v) == 1 && v.n > 0) {
		v.id = PID_BODY;
		text_of(n, o, &v, NULL);
	}
	if (!n->open && mapi_has(o, PID_RTF))
		rtf_of(n, o);
	if (!n->open && mapi_get(o, PID_HTML, &v) == 1) {
		v.id = PID_HTML;
		html_begin(&html, take, n);
		text_of(n, o, &v, &html);
	}
	if (n->most && n->taken >= n->most)
		note_line(n, "(The whole text stands in the message.)");
}
