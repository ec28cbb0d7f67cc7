/* SPDX-License-Identifier: Apache-2.0 */
/* text_pages.c - see text_pages.h. */
#include "archive/mapi/text_pages.h"

#include <string.h>

/* windows-1252 is what remains when nothing else can be had. */
#define X REPLACEMENT
static const uint16_t latin[128] = {
	0x20ac, X,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6,
	0x2030, 0x0160, 0x2039, 0x0152, X,      0x017d, X,      X,      0x2018,
	0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161,
	0x203a, 0x0153, X,      0x017e, 0x0178, 0xa0,   0xa1,   0xa2,   0xa3,
	0xa4,   0xa5,   0xa6,   0xa7,   0xa8,   0xa9,   0xaa,   0xab,   0xac,
	0xad,   0xae,   0xaf,   0xb0,   0xb1,   0xb2,   0xb3,   0xb4,   0xb5,
	0xb6,   0xb7,   0xb8,   0xb9,   0xba,   0xbb,   0xbc,   0xbd,   0xbe,
	0xbf,   0xc0,   0xc1,   0xc2,   0xc3,   0xc4,   0xc5,   0xc6,   0xc7,
	0xc8,   0xc9,   0xca,   0xcb,   0xcc,   0xcd,   0xce,   0xcf,   0xd0,
	0xd1,   0xd2,   0xd3,   0xd4,   0xd5,   0xd6,   0xd7,   0xd8,   0xd9,
	0xda,   0xdb,   0xdc,   0xdd,   0xde,   0xdf,   0xe0,   0xe1,   0xe2,
	0xe3,   0xe4,   0xe5,   0xe6,   0xe7,   0xe8,   0xe9,   0xea,   0xeb,
	0xec,   0xed,   0xee,   0xef,   0xf0,   0xf1,   0xf2,   0xf3,   0xf4,
	0xf5,   0xf6,   0xf7,   0xf8,   0xf9,   0xfa,   0xfb,   0xfc,   0xfd,
	0xfe,   0xff,
};
#undef X

#define TABLE(codepage, mime, iconv)                  \
	{                                             \
		codepage, PAGE_TABLE, mime, iconv, 0, \
		{                                     \
			NULL                          \
		}                                     \
	}
#define ICONV(codepage, mime, iconv)                  \
	{                                             \
		codepage, PAGE_ICONV, mime, iconv, 0, \
		{                                     \
			NULL                          \
		}                                     \
	}
/* Ascending. 1252, UTF-16 and UTF-8 need nothing to be loaded. */
static struct page pages[] = {
	TABLE(437, "ibm437", "IBM437"),
	TABLE(737, NULL, "CP737"),
	TABLE(775, "ibm775", "CP775"),
	TABLE(850, "ibm850", "IBM850"),
	TABLE(852, "ibm852", "IBM852"),
	TABLE(855, "ibm855", "IBM855"),
	TABLE(857, "ibm857", "IBM857"),
	TABLE(862, "ibm862", "IBM862"),
	TABLE(866, "ibm866", "IBM866"),
	TABLE(874, "windows-874", "WINDOWS-874"),
	ICONV(932, "shift_jis", "CP932"),
	ICONV(936, "gbk", "CP936"),
	ICONV(949, "euc-kr", "CP949"),
	ICONV(950, "big5", "CP950"),
	{ CODEPAGE_UTF16, PAGE_UTF16, "utf-16le", NULL, true, { NULL } },
	TABLE(1250, "windows-1250", "CP1250"),
	TABLE(1251, "windows-1251", "CP1251"),
	{ 1252, PAGE_TABLE, "windows-1252", NULL, true, { latin } },
	TABLE(1253, "windows-1253", "CP1253"),
	TABLE(1254, "windows-1254", "CP1254"),
	TABLE(1255, "windows-1255", "CP1255"),
	TABLE(1256, "windows-1256", "CP1256"),
	TABLE(1257, "windows-1257", "CP1257"),
	TABLE(1258, "windows-1258", "CP1258"),
	ICONV(1361, NULL, "JOHAB"),
	TABLE(10000, "macintosh", "MACINTOSH"),
	TABLE(10007, NULL, "MAC-CYRILLIC"),
	TABLE(20127, "us-ascii", "ANSI_X3.4-1968"),
	TABLE(20866, "koi8-r", "KOI8-R"),
	ICONV(20932, "euc-jp", "EUC-JP"),
	ICONV(20936, "gb2312", "EUC-CN"),
	TABLE(21866, "koi8-u", "KOI8-U"),
	TABLE(28591, "iso-8859-1", "ISO-8859-1"),
	TABLE(28592, "iso-8859-2", "ISO-8859-2"),
	TABLE(28593, "iso-8859-3", "ISO-8859-3"),
	TABLE(28594, "iso-8859-4", "ISO-8859-4"),
	TABLE(28595, "iso-8859-5", "ISO-8859-5"),
	TABLE(28596, "iso-8859-6", "ISO-8859-6"),
	TABLE(28597, "iso-8859-7", "ISO-8859-7"),
	TABLE(28598, "iso-8859-8", "ISO-8859-8"),
	TABLE(28599, "iso-8859-9", "ISO-8859-9"),
	TABLE(28600, "iso-8859-10", "ISO-8859-10"),
	TABLE(28601, "tis-620", "ISO-8859-11"),
	TABLE(28603, "iso-8859-13", "ISO-8859-13"),
	TABLE(28604, "iso-8859-14", "ISO-8859-14"),
	TABLE(28605, "iso-8859-15", "ISO-8859-15"),
	TABLE(38598, "iso-8859-8-i", "ISO-8859-8"),
	ICONV(50220, "iso-2022-jp", "ISO-2022-JP"),
	ICONV(50221, "iso-2022-jp", "ISO-2022-JP"),
	ICONV(50222, "iso-2022-jp", "ISO-2022-JP"),
	ICONV(50225, "iso-2022-kr", "ISO-2022-KR"),
	ICONV(51932, "euc-jp", "EUC-JP"),
	ICONV(51936, "gb2312", "EUC-CN"),
	ICONV(51949, "euc-kr", "EUC-KR"),
	ICONV(54936, "gb18030", "GB18030"),
	ICONV(65000, "utf-7", "UTF-7"),
	{ CODEPAGE_UTF8, PAGE_UTF8, "utf-8", NULL, true, { NULL } },
};
#undef TABLE
#undef ICONV
#define PAGES (sizeof(pages) / sizeof(pages[0]))

/* One octet at a time, each anew: combining characters are not held back. */
static uint16_t upper_one(iconv_t cd, unsigned octet)
{
	char in[1] = { (char)octet }, *p = in;
	unsigned char out[8] = { 0 };
	char *q = (char *)out;
	size_t n = 1, room = sizeof(out);

	iconv(cd, NULL, NULL, NULL, NULL);
	if (iconv(cd, &p, &n, &q, &room) == (size_t)-1)
		return REPLACEMENT;
	iconv(cd, NULL, NULL, &q, &room);
	if (room != sizeof(out) - 2)
		return REPLACEMENT;
	return (uint16_t)(out[0] | out[1] << 8);
}

static void load_table(struct page *p)
{
	static uint16_t tables[PAGES][128];
	uint16_t *t = tables[p - pages];
	iconv_t cd = iconv_open("UTF-16LE", p->iconv);

	if (cd == (iconv_t)-1)
		return;
	for (unsigned i = 0; i < 128; i++)
		t[i] = upper_one(cd, 128 + i);
	iconv_close(cd);
	p->is.upper = t;
	p->loaded = true;
}

static void load_iconv(struct page *p)
{
	iconv_t cd = iconv_open("UTF-8", p->iconv);

	if (cd == (iconv_t)-1)
		return;
	p->is.shared = cd;
	p->loaded = true;
}

void text_load(void)
{
	for (size_t i = 0; i < PAGES; i++) {
		struct page *p = &pages[i];

		if (p->loaded)
			continue;
		if (p->way == PAGE_TABLE)
			load_table(p);
		else
			load_iconv(p);
	}
}

static struct page *find(unsigned codepage)
{
	size_t from = 0, to = PAGES;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (pages[mid].codepage == codepage)
			return &pages[mid];
		if (pages[mid].codepage < codepage)
			from = mid + 1;
		else
			to = mid;
	}
	return NULL;
}

const char *text_charset(unsigned codepage)
{
	const struct page *p = find(codepage);

	return p ? p->mime : NULL;
}

const struct page *page_of(unsigned codepage)
{
	static const struct page fallback = { 1252, PAGE_TABLE, "windows-1252",
		                              NULL, true,       { latin } };
	static const struct page most = { CODEPAGE_UTF16, PAGE_UTF16,
		                          "utf-16le",     NULL,
		                          true,           { NULL } };
	const struct page *p;

	if (codepage == CODEPAGE_UTF16)
		return &most;
	p = find(codepage);
	return p && p->loaded ? p : &fallback;
}
