/* SPDX-License-Identifier: Apache-2.0 */
/* rtf_words.c - see rtf_int.h. Words that aren't here change what a text
 * looks like, not what it says. */
#include <string.h>

#include "archive/mapi/rtf_int.h"

enum act {
	DO_NOTHING,
	/* Destinations. */
	DO_AWAY,
	DO_FONTS,
	DO_NUMBER, /* of a list; HTML has its own */
	DO_TAG,
	/* Characters. */
	DO_CELL,
	DO_CHAR,
	DO_LINE,
	DO_LINE_PLAIN, /* where HTML doesn't say it */
	DO_UNICODE,
	/* States. */
	DO_ANSICPG,
	DO_BIN,
	DO_CHARSET,
	DO_CPG,
	DO_DEFF,
	DO_FONT,
	DO_HIDDEN,
	DO_HTMLRTF,
	DO_PAGE,
	DO_PLAIN,
	DO_SKIP
};

/* Ascending. */
static const struct known {
	const char *word;
	enum act act;
	uint16_t value;
} known[] = {
	{ "aftncn", DO_AWAY, 0 },
	{ "aftnsep", DO_AWAY, 0 },
	{ "aftnsepc", DO_AWAY, 0 },
	{ "ansicpg", DO_ANSICPG, 0 },
	{ "bin", DO_BIN, 0 },
	{ "bullet", DO_CHAR, 0x2022 },
	{ "cell", DO_CELL, 0 },
	{ "colortbl", DO_AWAY, 0 },
	{ "column", DO_LINE_PLAIN, 0 },
	{ "cpg", DO_CPG, 0 },
	{ "deff", DO_DEFF, 0 },
	{ "emdash", DO_CHAR, 0x2014 },
	{ "emspace", DO_CHAR, 0x2003 },
	{ "endash", DO_CHAR, 0x2013 },
	{ "enspace", DO_CHAR, 0x2002 },
	{ "f", DO_FONT, 0 },
	{ "fcharset", DO_CHARSET, 0 },
	{ "filetbl", DO_AWAY, 0 },
	{ "fldinst", DO_AWAY, 0 },
	{ "fonttbl", DO_FONTS, 0 },
	{ "footer", DO_AWAY, 0 },
	{ "footerf", DO_AWAY, 0 },
	{ "footerl", DO_AWAY, 0 },
	{ "footerr", DO_AWAY, 0 },
	{ "ftncn", DO_AWAY, 0 },
	{ "ftnsep", DO_AWAY, 0 },
	{ "ftnsepc", DO_AWAY, 0 },
	{ "header", DO_AWAY, 0 },
	{ "headerf", DO_AWAY, 0 },
	{ "headerl", DO_AWAY, 0 },
	{ "headerr", DO_AWAY, 0 },
	{ "htmlrtf", DO_HTMLRTF, 0 },
	{ "htmltag", DO_TAG, 0 },
	{ "info", DO_AWAY, 0 },
	{ "ldblquote", DO_CHAR, 0x201c },
	{ "line", DO_LINE, 0 },
	{ "lquote", DO_CHAR, 0x2018 },
	{ "ltrmark", DO_CHAR, 0x200e },
	{ "mac", DO_PAGE, 10000 },
	{ "mhtmltag", DO_AWAY, 0 },
	{ "nestcell", DO_CELL, 0 },
	{ "nestrow", DO_LINE_PLAIN, 0 },
	{ "nonesttables", DO_AWAY, 0 },
	{ "object", DO_AWAY, 0 },
	{ "page", DO_LINE_PLAIN, 0 },
	{ "par", DO_LINE, 0 },
	{ "pc", DO_PAGE, 437 },
	{ "pca", DO_PAGE, 850 },
	{ "pict", DO_AWAY, 0 },
	{ "plain", DO_PLAIN, 0 },
	{ "pntext", DO_NUMBER, 0 },
	{ "qmspace", DO_CHAR, 0x2005 },
	{ "rdblquote", DO_CHAR, 0x201d },
	{ "row", DO_LINE_PLAIN, 0 },
	{ "rquote", DO_CHAR, 0x2019 },
	{ "rtlmark", DO_CHAR, 0x200f },
	{ "sect", DO_LINE_PLAIN, 0 },
	{ "stylesheet", DO_AWAY, 0 },
	{ "tab", DO_CHAR, 9 },
	{ "tc", DO_AWAY, 0 },
	{ "template", DO_AWAY, 0 },
	{ "u", DO_UNICODE, 0 },
	{ "uc", DO_SKIP, 0 },
	{ "v", DO_HIDDEN, 0 },
	{ "xe", DO_AWAY, 0 },
	{ "zwj", DO_CHAR, 0x200d },
	{ "zwnj", DO_CHAR, 0x200c },
};

static int compare(const char *word, size_t n, const char *with)
{
	int c = strncmp(word, with, n);

	return c ? c : with[n] ? -1 : 0;
}

static const struct known *find(const char *word, size_t n)
{
	static const struct known none = { "", DO_NOTHING, 0 };
	size_t from = 0, to = sizeof(known) / sizeof(known[0]);

	while (from < to) {
		size_t mid = from + (to - from) / 2;
		int c = compare(word, n, known[mid].word);

		if (c == 0)
			return &known[mid];
		if (c > 0)
			from = mid + 1;
		else
			to = mid;
	}
	return &none;
}

/* --- destinations ----------------------------------------------------- */

static enum rtf_dest dest_of(const struct rtf *r, enum act act)
{
	switch (act) {
	case DO_FONTS:
		return DEST_FONTS;
	case DO_TAG:
		return r->kind == RTF_HTML ? DEST_TAG : DEST_AWAY;
	case DO_NUMBER:
		return r->kind == RTF_PLAIN && !r->star ? DEST_TEXT : DEST_AWAY;
	default:
		return DEST_AWAY;
	}
}

/* True: the word begins one, or stands where only one may. */
static bool destination(struct rtf *r, enum act act)
{
	bool is_one = act == DO_AWAY || act == DO_FONTS || act == DO_NUMBER ||
	              act == DO_TAG;

	if (!r->first || !(is_one || r->star))
		return is_one;
	if (r->g.dest != DEST_AWAY)
		r->g.dest = (unsigned char)dest_of(r, act);
	return true;
}

/* --- states ----------------------------------------------------------- */

static uint16_t as_page(int32_t number)
{
	return number > 0 && number <= UINT16_MAX ? (uint16_t)number : 1252;
}

static void font(struct rtf *r, int32_t number)
{
	unsigned page;

	if (r->g.dest == DEST_FONTS) {
		if (rtf_font_begin(&r->fonts, number))
			r->stop = true;
		return;
	}
	page = rtf_font_page(&r->fonts, number);
	r->g.page = (uint16_t)(page ? page : r->ansi);
}

static void state(struct rtf *r, const struct known *k, bool has,
                  int32_t number)
{
	switch (k->act) {
	case DO_ANSICPG:
		r->ansi = as_page(number);
		break;
	case DO_PAGE:
		r->ansi = k->value;
		break;
	case DO_CHARSET:
		rtf_font_charset(&r->fonts, number);
		break;
	case DO_CPG:
		rtf_font_cpg(&r->fonts, number);
		break;
	case DO_DEFF:
		r->deff = number;
		break;
	case DO_FONT:
		font(r, number);
		break;
	case DO_HIDDEN:
		r->g.hidden = r->kind == RTF_PLAIN && (!has || number);
		break;
	case DO_HTMLRTF:
		r->g.htmlrtf = r->kind != RTF_PLAIN && (!has || number);
		break;
	case DO_PLAIN:
		r->g.page = 0;
		r->g.hidden = false;
		break;
	case DO_SKIP:
		r->g.skip = number < 0            ? 0
		            : number > UINT16_MAX ? UINT16_MAX
		                                  : (uint16_t)number;
		break;
	default:
		break;
	}
}

/* --- characters ------------------------------------------------------- */

static void unicode(struct rtf *r, bool has, int32_t number)
{
	if (!has)
		return;
	if (number < 0)
		number += 0x10000;
	r->skip = r->g.skip;
	rtf_unit(r, number > 0 ? (uint32_t)number : UINT32_MAX);
}

void rtf_word(struct rtf *r, const char *word, size_t n, bool has,
              int32_t number)
{
	const struct known *k;

	if (r->g.dest == DEST_AWAY && !(n == 3 && !memcmp(word, "bin", 3)))
		return;
	k = find(word, n);
	/* Between the halves of a pair. */
	if (k->act != DO_UNICODE && k->act != DO_SKIP)
		rtf_run_end(r);
	if (destination(r, k->act))
		return;
	switch (k->act) {
	case DO_BIN:
		rtf_skip_octets(r, number > 0 ? (uint32_t)number : 0);
		break;
	case DO_CHAR:
		rtf_char(r, k->value);
		break;
	case DO_CELL:
		if (r->kind == RTF_PLAIN)
			rtf_char(r, '\t');
		break;
	case DO_LINE:
		rtf_char(r, '\n');
		break;
	case DO_LINE_PLAIN:
		if (r->kind == RTF_PLAIN)
			rtf_char(r, '\n');
		break;
	case DO_UNICODE:
		unicode(r, has, number);
		break;
	default:
		state(r, k, has, number);
		break;
	}
}

void rtf_symbol(struct rtf *r, int c)
{
	switch (c) {
	case '{':
	case '}':
	case '\\':
		rtf_char(r, (uint32_t)c);
		break;
	case '\r':
	case '\n':
		rtf_char(r, '\n');
		break;
	case '~':
		rtf_char(r, 0xa0);
		break;
	case '_':
		/* [MS-OXRTFEX] makes a soft hyphen of it. */
		rtf_char(r, r->kind == RTF_HTML ? 0xad : 0x2011);
		break;
	default:
		break;
	}
}
