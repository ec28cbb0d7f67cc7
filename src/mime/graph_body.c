/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_body.c - the one text that Exchange keeps of a message, and which
 * files it shows within itself (RFC 2392).
 */
#include <stdlib.h>
#include <string.h>

#include "mime/graph_charset.h"
#include "mime/graph_int.h"
#include "mime/graph_words.h"

#define CID_MOST 998

static int as_is(const char *p, size_t n, void *arg, struct err *e)
{
	struct graph_out *o = arg;

	graph_out_text(o, p, n);
	return o->failed ? -1 : 0;
}

static int as_html(const char *p, size_t n, void *arg, struct err *e)
{
	struct graph_out *o = arg;

	graph_out_html(o, p, n);
	return o->failed ? -1 : 0;
}

static void body_part(struct graph_mail *g, size_t i, struct graph_out *o)
{
	const struct graph_part *p = &g->parts.v[i];
	bool wrap =
	        g->html && p->end > p->text && !graph_part_is(p, "text/html");

	/* A footer starts on a line of its own. */
	if (!g->html && o->last && o->last != '\n')
		graph_out_raw(o, "\\r\\n");
	if (wrap)
		graph_out_raw(o, "<pre style=\\\"white-space:pre-wrap\\\">");
	if (graph_charset_part(g->b, p, wrap ? as_html : as_is, o, o->e))
		o->failed = true;
	if (wrap)
		graph_out_raw(o, "</pre>");
}

void graph_body(struct graph_mail *g, struct graph_out *o)
{
	o->last = '\0';
	for (size_t i = 0; i < g->text_n && !o->failed; i++)
		body_part(g, g->text[i], o);
}

struct cids {
	struct graph_mail *g;
	size_t match; /* octets of "cid:" seen */
	struct buf id;
};

/* RFC 2392: %hh stands for an octet. */
static void undo_percent(char *s)
{
	char *to = s;

	for (; *s; s++) {
		int octet = *s == '%' ? graph_hex(s + 1) : -1;

		*to++ = octet < 0 ? *s : (char)octet;
		if (octet >= 0)
			s += 2;
	}
	*to = '\0';
}

static void shows(struct graph_mail *g, const char *id)
{
	for (size_t i = 0; i < g->file_n; i++) {
		const struct graph_part *p = &g->parts.v[g->file[i].part];

		if (p->cid && strcmp(p->cid, id) == 0 &&
		    (strncmp(p->type, "image/", 6) == 0 ||
		     p->shown != SHOWN_ATTACHED))
			g->file[i].is_inline = true;
	}
}

static void cid_end(struct cids *c)
{
	char plain[CID_MOST + 1];

	if (c->id.n) {
		memcpy(plain, c->id.p, c->id.n + 1);
		shows(c->g, plain);
		undo_percent(plain);
		shows(c->g, plain);
	}
	buf_clear(&c->id);
	c->match = 0;
}

static int cid_piece(const char *p, size_t n, void *arg, struct err *e)
{
	static const char scheme[] = "cid:";
	struct cids *c = arg;

	for (size_t i = 0; i < n; i++) {
		if (c->match < 4) {
			char low = p[i] == ':' ? ':' : (char)(p[i] | 0x20);

			c->match = low == scheme[c->match] ? c->match + 1
			                                   : low == 'c';
			continue;
		}
		if (strchr("\"'<>() \t\r\n", p[i]))
			cid_end(c);
		else if (c->id.n == CID_MOST)
			c->match = 0;
		else if (buf_chr(&c->id, p[i]))
			return err_memory(e);
		if (!c->match)
			buf_clear(&c->id);
	}
	return 0;
}

int graph_cids(struct graph_mail *g, struct err *e)
{
	struct cids c = { .g = g, .id = BUF_INIT(CID_MOST + 1) };
	bool any = false;
	int r = 0;

	for (size_t i = 0; i < g->file_n; i++)
		any |= g->parts.v[g->file[i].part].cid != NULL;
	for (size_t i = 0; i < g->text_n && any && r == 0; i++) {
		const struct graph_part *p = &g->parts.v[g->text[i]];

		if (graph_part_is(p, "text/html"))
			r = graph_charset_part(g->b, p, cid_piece, &c, e);
		if (r == 0)
			cid_end(&c);
	}
	buf_release(&c.id);
	return r;
}
