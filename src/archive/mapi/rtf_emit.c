/* SPDX-License-Identifier: Apache-2.0 */
/* rtf_emit.c - see rtf_int.h. */
#include <string.h>

#include "archive/mapi/rtf_int.h"
#include "archive/mapi/text_step.h"
#include "util/utf8.h"

void rtf_flush(struct rtf *r)
{
	if (r->out_n && !r->stop && r->to->data(r->to, r->out, r->out_n))
		r->stop = true;
	r->out_n = 0;
}

static bool seen(const struct rtf *r)
{
	if (r->stop || r->g.htmlrtf)
		return false;
	if (r->g.dest == DEST_TAG)
		return true;
	return r->g.dest == DEST_TEXT && !r->g.hidden;
}

static void raw(struct rtf *r, const char *p, size_t n)
{
	if (n > sizeof(r->out) - r->out_n)
		rtf_flush(r);
	memcpy(r->out + r->out_n, p, n);
	r->out_n += n;
}

/* UTF-8, at most some hundred octets. In HTML, what stands outside of the
 * tags is text. */
static void out(struct rtf *r, const char *p, size_t n)
{
	const char *end = p + n;

	if (r->kind != RTF_HTML || r->g.dest == DEST_TAG) {
		raw(r, p, n);
		return;
	}
	while (p < end) {
		const char *q = p;

		while (q < end && *q != '<' && *q != '>')
			q++;
		raw(r, p, (size_t)(q - p));
		if (q < end) {
			raw(r, *q == '<' ? "&lt;" : "&gt;", 4);
			q++;
		}
		p = q;
	}
}

static void put(struct rtf *r, uint32_t cp)
{
	char s[4];
	size_t n = utf8_put(s, cp);

	if (n == 0)
		n = utf8_put(s, REPLACEMENT);
	out(r, s, n);
}

/* --- octets ----------------------------------------------------------- */

static unsigned page_now(const struct rtf *r)
{
	unsigned page = r->g.page ? r->g.page : r->deff_page;

	/* [MS-OXRTFEX] 2.1.3.1.4: a tag has no font. */
	if (r->g.dest == DEST_TAG || page == 0)
		page = r->ansi;
	/* As others read it: UTF-8 has ASCII in it. */
	return page == 20127 ? CODEPAGE_UTF8 : page;
}

/* The bullets that lists are made of; else as it stands. */
static uint32_t symbol(const struct rtf *r, uint32_t c)
{
	if (r->kind == RTF_HTML)
		return c;
	return c == 0xb7 ? 0x2022 : c == 0xa7 ? 0x25aa : c;
}

/* Decodes the run; more: its end may be within a character. */
static void decode(struct rtf *r, bool more)
{
	struct text_step s = { .page = page_of(page_now(r)), .last = !more };
	char piece[1024];
	bool done;

	s.p = r->run;
	s.end = r->run + r->run_n;
	if (s.page->way == PAGE_ICONV) {
		s.cd = s.page->is.shared;
		iconv(s.cd, NULL, NULL, NULL, NULL);
	}
	do {
		s.out = piece;
		s.out_end = piece + sizeof(piece);
		done = text_step(&s);
		out(r, piece, (size_t)(s.out - piece));
	} while (!done && !r->stop);
	r->run_n = (size_t)(s.end - s.p);
	memmove(r->run, s.p, r->run_n);
}

static void symbols(struct rtf *r)
{
	for (size_t i = 0; i < r->run_n; i++)
		put(r, symbol(r, r->run[i]));
	r->run_n = 0;
}

static void run_out(struct rtf *r, bool more)
{
	if (page_now(r) == PAGE_SYMBOL)
		symbols(r);
	else
		decode(r, more);
}

static void half_pair(struct rtf *r)
{
	if (r->high) {
		r->high = 0;
		put(r, REPLACEMENT);
	}
}

void rtf_run_end(struct rtf *r)
{
	half_pair(r);
	if (r->run_n)
		run_out(r, false);
	r->run_n = 0;
}

void rtf_bytes(struct rtf *r, const unsigned char *p, size_t n)
{
	if (!seen(r) || n == 0)
		return;
	half_pair(r);
	while (n > 0 && !r->stop) {
		size_t k = sizeof(r->run) - r->run_n;

		k = k < n ? k : n;
		memcpy(r->run + r->run_n, p, k);
		r->run_n += k;
		p += k;
		n -= k;
		if (r->run_n == sizeof(r->run))
			run_out(r, true);
	}
}

/* --- characters ------------------------------------------------------- */

void rtf_char(struct rtf *r, uint32_t cp)
{
	if (!seen(r))
		return;
	rtf_run_end(r);
	put(r, cp);
}

void rtf_unit(struct rtf *r, uint32_t u)
{
	uint32_t high = r->high;

	if (!seen(r))
		return;
	if (high && u >= 0xdc00 && u < 0xe000) {
		r->high = 0;
		put(r, 0x10000 + ((high - 0xd800) << 10) + (u - 0xdc00));
		return;
	}
	rtf_run_end(r);
	if (u >= 0xd800 && u < 0xdc00)
		r->high = u;
	else if (page_now(r) == PAGE_SYMBOL && u >= 0xf000 && u <= 0xf0ff)
		put(r, symbol(r, u - 0xf000));
	else
		put(r, u);
}
