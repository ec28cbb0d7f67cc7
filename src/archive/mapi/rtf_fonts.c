/* SPDX-License-Identifier: Apache-2.0 */
/* rtf_fonts.c - see rtf_int.h: the font table, RTF 1.9.1 "Font Table". */
#include <stdlib.h>
#include <string.h>

#include "archive/mapi/rtf_int.h"

#define FONTS_MOST 4096

unsigned rtf_charset_page(int32_t charset)
{
	static const struct {
		uint16_t charset, page;
	} pages[] = {
		{ 0, 1252 },   { 2, PAGE_SYMBOL }, { 77, 10000 }, { 78, 932 },
		{ 79, 949 },   { 80, 936 },        { 81, 950 },   { 89, 10007 },
		{ 128, 932 },  { 129, 949 },       { 130, 1361 }, { 134, 936 },
		{ 136, 950 },  { 161, 1253 },      { 162, 1254 }, { 163, 1258 },
		{ 177, 1255 }, { 178, 1256 },      { 186, 1257 }, { 204, 1251 },
		{ 222, 874 },  { 238, 1250 },      { 254, 437 },  { 255, 850 },
	};

	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (pages[i].charset == charset)
			return pages[i].page;
	return 0;
}

/* Where number stands, or would stand. */
static size_t place_of(const struct rtf_fonts *f, int32_t number)
{
	size_t from = 0, to = f->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (f->v[mid].number < number)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

unsigned rtf_font_page(const struct rtf_fonts *f, int32_t number)
{
	size_t i = place_of(f, number);

	if (i == f->n || f->v[i].number != number)
		return 0;
	return f->v[i].page ? f->v[i].page : f->v[i].charset;
}

static int room(struct rtf_fonts *f)
{
	size_t cap = f->cap ? f->cap * 2 : 16;
	struct rtf_font *v;

	if (f->n < f->cap)
		return 0;
	v = realloc(f->v, cap * sizeof(*v));
	if (!v)
		return -1;
	f->v = v;
	f->cap = cap;
	return 0;
}

int rtf_font_begin(struct rtf_fonts *f, int32_t number)
{
	size_t i = place_of(f, number);

	f->now = i + 1;
	if (i < f->n && f->v[i].number == number)
		return 0;
	f->now = 0;
	if (f->n == FONTS_MOST)
		return 0;
	if (room(f))
		return -1;
	memmove(f->v + i + 1, f->v + i, (f->n - i) * sizeof(*f->v));
	f->v[i] = (struct rtf_font){ .number = number };
	f->n++;
	f->now = i + 1;
	return 0;
}

void rtf_font_charset(struct rtf_fonts *f, int32_t charset)
{
	if (f->now)
		f->v[f->now - 1].charset = (uint16_t)rtf_charset_page(charset);
}

void rtf_font_cpg(struct rtf_fonts *f, int32_t page)
{
	if (f->now && page > 0 && page <= UINT16_MAX)
		f->v[f->now - 1].page = (uint16_t)page;
}
