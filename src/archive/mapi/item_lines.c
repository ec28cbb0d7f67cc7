/* SPDX-License-Identifier: Apache-2.0 */
/* item_lines.c - see item_lines.h. */
#include "archive/mapi/item_lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/buf.h"

#define FOLD 75

void lines_begin(struct lines *l, struct mapi_out *out, bool content)
{
	l->out = out;
	l->content = content;
	l->failed = false;
	l->cr = false;
	l->column = 0;
	l->total = 0;
	l->n = 0;
}

static void flush(struct lines *l)
{
	if (l->n && !l->failed && l->out->data(l->out, l->piece, l->n))
		l->failed = true;
	l->n = 0;
}

int lines_done(struct lines *l)
{
	flush(l);
	return l->failed ? -1 : 0;
}

static void octet(struct lines *l, char c)
{
	if (l->n == sizeof(l->piece))
		flush(l);
	l->piece[l->n++] = c;
	l->total++;
}

/* Octets of the character that begins so; those within one count as none:
 * the line is never broken before them. */
static size_t width(unsigned char c)
{
	if (c < 0x80)
		return 1;
	if (c < 0xc0)
		return 0;
	return c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

static void put(struct lines *l, char c)
{
	size_t w = width((unsigned char)c);

	if (l->content && w && l->column + w > FOLD) {
		octet(l, '\r');
		octet(l, '\n');
		octet(l, ' ');
		l->column = 1;
	}
	octet(l, c);
	l->column++;
}

void lines_raw(struct lines *l, const char *s)
{
	for (; *s; s++)
		put(l, *s);
}

void lines_fmt(struct lines *l, const char *fmt, ...)
{
	char s[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(s, sizeof(s), fmt, ap);
	va_end(ap);
	lines_raw(l, s);
}

void lines_end(struct lines *l)
{
	octet(l, '\r');
	octet(l, '\n');
	l->column = 0;
	l->cr = false;
}

static void newline(struct lines *l)
{
	if (l->content)
		lines_raw(l, "\\n");
	else
		lines_end(l);
}

static void text_octet(struct lines *l, char c)
{
	/* What Outlook has for "a new line, the same paragraph". */
	if (c == '\n' || c == '\r' || c == '\v') {
		if (c != '\n' || !l->cr)
			newline(l);
		l->cr = c == '\r';
		return;
	}
	l->cr = false;
	if (l->content && (c == '\\' || c == ';' || c == ','))
		put(l, '\\');
	put(l, ((unsigned char)c < ' ' && c != '\t') || c == 0x7f ? ' ' : c);
}

void lines_text(struct lines *l, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		text_octet(l, s[i]);
}

/* In quotes where RFC 5545 3.2 wants them: not every program reads those. A
 * quote itself has no escape. */
void lines_param(struct lines *l, const char *s)
{
	bool quoted = !s || !*s || s[strcspn(s, ":;,")];

	if (quoted)
		put(l, '"');
	for (; s && *s; s++) {
		if (*s == '"')
			put(l, '\'');
		else if ((unsigned char)*s < ' ' || *s == 0x7f)
			put(l, ' ');
		else
			put(l, *s);
	}
	if (quoted)
		put(l, '"');
}

void lines_base64(struct lines *l, const void *p, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                             "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *u = p;

	for (size_t i = 0; i < n; i += 3) {
		size_t have = n - i < 3 ? n - i : 3;
		unsigned b1 = have > 1 ? u[i + 1] : 0;
		unsigned b2 = have > 2 ? u[i + 2] : 0;
		unsigned v = (unsigned)u[i] << 16 | b1 << 8 | b2;

		put(l, digits[v >> 18]);
		put(l, digits[v >> 12 & 63]);
		put(l, have > 1 ? digits[v >> 6 & 63] : '=');
		put(l, have > 2 ? digits[v & 63] : '=');
	}
}

void lines_copy(struct lines *l, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		octet(l, p[i]);
}

void lines_whole(struct lines *l, const char *s)
{
	lines_raw(l, s);
	lines_end(l);
}

void lines_field(struct lines *l, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	lines_raw(l, name);
	lines_raw(l, l->content ? ":" : ": ");
	lines_text(l, text, strlen(text));
	lines_end(l);
}

void lines_uri(struct lines *l, const char *name, const char *uri)
{
	if (!uri || !*uri)
		return;
	lines_raw(l, name);
	lines_raw(l, ":");
	for (; *uri; uri++) {
		if ((unsigned char)*uri <= ' ' || *uri == 0x7f)
			lines_fmt(l, "%%%02X", (unsigned char)*uri);
		else
			put(l, *uri);
	}
	lines_end(l);
}

void lines_prop(struct lines *l, const char *name, struct mapi *o, uint16_t id)
{
	char *text CLEANUP(free_p) = mapi_text(o, id, 0);

	lines_field(l, name, text);
}
