/* SPDX-License-Identifier: Apache-2.0 */
/* rtf.c - see rtf.h. */
#include "archive/mapi/rtf.h"

#include <stdlib.h>
#include <string.h>

#include "archive/mapi/rtf_int.h"
#include "util/buf.h"

/* Deeper groups share what the deepest one sets. */
#define DEPTH_MOST 4096
#define HEAD 4096

/* --- octets ----------------------------------------------------------- */

static bool refill(struct rtf *r)
{
	ssize_t n;

	if (r->failed || r->stop)
		return false;
	n = r->in->read(r->in, r->buf, sizeof(r->buf));
	r->at = 0;
	r->n = n > 0 ? (size_t)n : 0;
	r->failed = n < 0;
	return n > 0;
}

/* -1: the end. */
static int next(struct rtf *r)
{
	return r->at < r->n || refill(r) ? r->buf[r->at++] : -1;
}

static int peek(struct rtf *r)
{
	return r->at < r->n || refill(r) ? r->buf[r->at] : -1;
}

void rtf_skip_octets(struct rtf *r, uint32_t n)
{
	while (n > 0 && (r->at < r->n || refill(r))) {
		size_t k = r->n - r->at;

		k = k < n ? k : n;
		r->at += k;
		n -= (uint32_t)k;
	}
}

/* --- groups ----------------------------------------------------------- */

static int deeper(struct rtf *r)
{
	size_t cap = r->cap ? r->cap * 2 : 32;
	struct rtf_group *v;

	if (r->depth < r->cap)
		return 0;
	v = realloc(r->outer, cap * sizeof(*v));
	if (!v)
		return -1;
	r->outer = v;
	r->cap = cap;
	return 0;
}

static void group_begin(struct rtf *r)
{
	rtf_run_end(r);
	r->skip = 0;
	r->first = true;
	r->star = false;
	if (r->depth == DEPTH_MOST) {
		r->beyond++;
		return;
	}
	if (deeper(r)) {
		r->stop = true;
		return;
	}
	r->outer[r->depth++] = r->g;
}

static void fonts_end(struct rtf *r)
{
	r->fonts.now = 0;
	r->deff_page = rtf_font_page(&r->fonts, r->deff);
}

static void group_end(struct rtf *r)
{
	bool fonts = r->g.dest == DEST_FONTS;

	rtf_run_end(r);
	r->skip = 0;
	r->first = r->star = false;
	if (r->beyond) {
		r->beyond--;
		return;
	}
	if (r->depth > 0)
		r->g = r->outer[--r->depth];
	if (fonts && r->g.dest != DEST_FONTS)
		fonts_end(r);
	r->over = r->depth == 0;
}

/* --- control words ---------------------------------------------------- */

static bool letter(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool digit(int c)
{
	return c >= '0' && c <= '9';
}

static int32_t number(struct rtf *r, bool *has)
{
	bool minus = peek(r) == '-';
	int32_t v = 0;
	int c;

	if (minus)
		next(r);
	*has = false;
	while (digit(c = peek(r))) {
		next(r);
		*has = true;
		if (v < 100000000)
			v = v * 10 + (c - '0');
	}
	return minus ? -v : v;
}

static void word(struct rtf *r)
{
	char name[RTF_WORD];
	size_t n = 0;
	int32_t v;
	bool has;

	while (letter(peek(r))) {
		int c = next(r);

		if (n < sizeof(name))
			name[n++] = (char)c;
	}
	v = number(r, &has);
	if (peek(r) == ' ')
		next(r);
	if (r->skip > 0 && !(n == 3 && memcmp(name, "bin", 3) == 0)) {
		r->skip--;
		return;
	}
	rtf_word(r, name, n, has, v);
	r->first = r->star = false;
}

static int hex(int c)
{
	if (digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* \'xx: an octet; what is no hexadecimal digit counts as 0. */
static void escape(struct rtf *r)
{
	int a = next(r);
	int b = next(r);
	unsigned char c;

	if (b < 0)
		return;
	a = hex(a);
	b = hex(b);
	c = (unsigned char)((a < 0 ? 0 : a) << 4 | (b < 0 ? 0 : b));
	if (r->skip > 0)
		r->skip--;
	else
		rtf_bytes(r, &c, 1);
	r->first = r->star = false;
}

static void symbol(struct rtf *r, int c)
{
	if (r->skip > 0) {
		r->skip--;
		return;
	}
	rtf_run_end(r);
	r->star = c == '*' && r->first;
	r->first = r->star;
	if (!r->star)
		rtf_symbol(r, c);
}

static void control(struct rtf *r)
{
	int c = peek(r);

	if (letter(c)) {
		word(r);
		return;
	}
	c = next(r);
	if (c == '\'')
		escape(r);
	else if (c >= 0)
		symbol(r, c);
}

/* --- text ------------------------------------------------------------- */

static bool special(unsigned char c)
{
	return c == '\\' || c == '{' || c == '}' || c == '\r' || c == '\n';
}

/* As much of it as is in the buffer. */
static void text(struct rtf *r)
{
	const unsigned char *p = r->buf + r->at, *end = r->buf + r->n;
	const unsigned char *q = p;
	size_t n, skip;

	while (q < end && !special(*q))
		q++;
	n = (size_t)(q - p);
	r->at += n;
	skip = r->skip < n ? r->skip : n;
	r->skip -= skip;
	r->first = r->star = false;
	rtf_bytes(r, p + skip, n - skip);
}

static void read_all(struct rtf *r)
{
	int c;

	while (!r->over && !r->stop && (c = peek(r)) >= 0) {
		if (!special((unsigned char)c)) {
			text(r);
			continue;
		}
		r->at++;
		if (c == '\\')
			control(r);
		else if (c == '{')
			group_begin(r);
		else if (c == '}')
			group_end(r);
	}
	rtf_run_end(r);
	/* Whoever unpacks it knows only at its end whether it was whole. */
	while (refill(r))
		;
	rtf_flush(r);
}

static void rtf_free(struct rtf **r)
{
	if (!*r)
		return;
	free((*r)->outer);
	free((*r)->fonts.v);
	free(*r);
}

int rtf_out(struct input *in, enum rtf_kind kind, struct mapi_out *out,
            bool *bad)
{
	struct rtf *r CLEANUP(rtf_free) = calloc(1, sizeof(*r));

	*bad = false;
	if (!r)
		return -1;
	r->in = in;
	r->kind = kind;
	r->to = out;
	r->ansi = 1252;
	r->g.skip = 1;
	read_all(r);
	*bad = r->failed;
	return r->stop || r->failed ? -1 : 0;
}

/* --- its kind --------------------------------------------------------- */

static bool begins(const char *p, const char *word)
{
	return strncmp(p, word, strlen(word)) == 0;
}

/* [MS-OXRTFEX] 2.1.1: among the first control words, before any group and
 * any text. */
static enum rtf_kind kind_of_head(const char *p)
{
	if (!begins(p, "{\\rtf"))
		return RTF_NONE;
	p++;
	while (*p == '\\' && letter(p[1])) {
		if (begins(p, "\\fromhtml"))
			return p[9] == '0' ? RTF_PLAIN : RTF_HTML;
		if (begins(p, "\\fromtext"))
			return RTF_TEXT;
		p++;
		while (letter(*p) || digit(*p) || *p == '-')
			p++;
		while (*p == ' ' || *p == '\r' || *p == '\n')
			p++;
	}
	return RTF_PLAIN;
}

enum rtf_kind rtf_kind(struct input *in)
{
	char head[HEAD + 1];
	size_t n = 0;
	ssize_t got = 1;

	while (n < HEAD && got > 0) {
		got = in->read(in, head + n, HEAD - n);
		n += got > 0 ? (size_t)got : 0;
	}
	head[n] = '\0';
	return kind_of_head(head);
}
