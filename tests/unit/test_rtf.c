/* SPDX-License-Identifier: Apache-2.0 */
/* HTML and text out of RTF by [MS-OXRTFEX], and text of plain RTF. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "archive/input.h"
#include "archive/mapi/rtf.h"
#include "archive/mapi/text.h"
#include "util/buf.h"

#define BAD "\xef\xbf\xbd"

/* At most this many octets are given at once. */
static size_t piece;

static ssize_t drip(struct input *in, void *p, size_t n)
{
	struct in_memory *m = in->arg;

	return m->in.read(&m->in, p, n < piece ? n : piece);
}

static int keep(struct mapi_out *o, const void *p, size_t n)
{
	return buf_add(o->arg, p, n);
}

static void check(const char *rtf, size_t n, enum rtf_kind want_kind,
                  const char *want)
{
	for (piece = 1; piece < 10000; piece += 9998) {
		struct buf got CLEANUP(buf_release_p) = BUF_INIT(0);
		struct mapi_out out = { .data = keep, .arg = &got };
		struct input in = { .read = drip };
		struct in_memory m;
		enum rtf_kind kind;
		bool bad;

		in.arg = &m;
		input_memory(&m, rtf, n);
		kind = rtf_kind(&in);
		assert_int_equal(kind, want_kind);
		input_memory(&m, rtf, n);
		assert_int_equal(rtf_out(&in, kind, &out, &bad), 0);
		assert_false(bad);
		assert_string_equal(got.p ? got.p : "", want);
		assert_int_equal(m.n, 0);
	}
}
#define CHECK(in, kind, want) check(in, sizeof(in) - 1, kind, want)
#define FONTS                                                        \
	"{\\fonttbl{\\f0\\fswiss\\fcharset0 Arial;}"                 \
	"{\\f1\\fnil\\fcharset2 Symbol;}"                            \
	"{\\f2\\fcharset128{\\*\\falt f9}MS PGothic;}"               \
	"{\\f3\\cpg1251\\fcharset238 x;}}"                           \
	"{\\colortbl;\\red0\\green0\\blue0;}{\\*\\generator x;}\r\n" \
	"\\uc1\\pard\\plain\\f0\\fs24 "
/* What stands behind the end is not read. */
#define HTML(in, want)                                                 \
	CHECK("{\\rtf1\\ansi\\ansicpg1252\\fromhtml1 \\deff0" FONTS in \
	      "}\r\nno\0",                                             \
	      RTF_HTML, want)
#define TEXT(in, want) \
	CHECK("{\\rtf1\\ansi\\fromtext \\deff0" FONTS in "}", RTF_TEXT, want)
#define PLAIN(in, want) \
	CHECK("{\\rtf1\\ansi\\deff0" FONTS in "}", RTF_PLAIN, want)

static void kinds(void **state)
{
	static const struct {
		const char *rtf;
		enum rtf_kind kind;
	} all[] = {
		{ "{\\rtf1\\ansi\\fromhtml1 x}", RTF_HTML },
		{ "{\\rtf1\\ansi\\fromhtml0 x}", RTF_PLAIN },
		{ "{\\rtf1\\ansi\r\n\\fbidis \\ansicpg1252\\fromtext{x}}",
		  RTF_TEXT },
		{ "{\\rtf1 text \\fromhtml1}", RTF_PLAIN },
		{ "{\\rtf1{\\x}\\fromhtml1}", RTF_PLAIN },
		{ "{\\rtf", RTF_PLAIN },
		{ "<html>\\rtf", RTF_NONE },
		{ "", RTF_NONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct in_memory m;

		input_memory(&m, all[i].rtf, strlen(all[i].rtf));
		assert_int_equal(rtf_kind(&m.in), all[i].kind);
	}
}

/* After the example of [MS-OXRTFEX] 3.1. */
static void html(void **state)
{
	(void)state;
	HTML("{\\*\\htmltag64 <p class=\"x\\{y\\}\">}\\htmlrtf {\\htmlrtf0 "
	     "Note the line break inside a P tag. {\\*\\htmltag84 <b>}"
	     "\\htmlrtf {\\b \\htmlrtf0 This is bold text\\htmlrtf }"
	     "\\htmlrtf0 {\\*\\htmltag92 </b>}\\htmlrtf \\par\\htmlrtf0\r\n"
	     "{\\*\\htmltag72 </p>}{\\*\\mhtmltag72 <img>}"
	     "{\\*\\htmltag0 \\par }",
	     "<p class=\"x{y}\">Note the line break inside a P tag. <b>This "
	     "is bold text</b></p>\n");
	HTML("a<b>\\'3c\\u62? &{\\*\\htmltag <i>}", "a&lt;b&gt;&lt;&gt; &<i>");
	HTML("{\\*\\foo a}{\\*\\bkmkstart b}{\\pntext 1.\\tab}"
	     "{\\pict 0102{\\*\\htmltag <x>}}c",
	     "c");
	HTML("\\lquote\\rquote\\ldblquote\\rdblquote\\bullet\\endash\\emdash"
	     "\\~\\_\\tab\\line",
	     "\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u00a0\u00ad\t\n");
	/* Suppression ends with its group. */
	HTML("a{\\htmlrtf b{c}}d\\htmlrtf\\par e\\htmlrtf0 f", "adf");
	/* Symbols stay the characters that the HTML names a font for. */
	HTML("\\f1\\'b7J\\u-3913?", "\u00b7J\u00b7");
}

static void code_pages(void **state)
{
	(void)state;
	TEXT("caf\\'e9 \\'80", "caf\u00e9 \u20ac");
	TEXT("\\f2\\'83\\'65\\'83e\\f0\\'e9", "\u30c6\u30c6\u00e9");
	TEXT("\\f2\\'83}", BAD);
	TEXT("{\\f3\\'cf}\\'cf\\f3 \\'cf\\f9\\'cf", "\u041f\u00cf\u041f\u00cf");
	TEXT("\\f3\\plain\\'cf", "\u00cf");
	/* A tag is of the document's code page. */
	HTML("\\f3\\'cf{\\*\\htmltag \\'cf}", "\u041f\u00cf");
	CHECK("{\\rtf1\\mac\\fromtext \\'8e}", RTF_TEXT, "\u00e9");
	CHECK("{\\rtf1\\ansicpg932\\fromtext \\'82\\'a0}", RTF_TEXT, "\u3042");
	CHECK("{\\rtf1\\ansicpg65001\\fromtext \\'c3\\'a9}", RTF_TEXT,
	      "\u00e9");
}

static void unicode(void **state)
{
	(void)state;
	TEXT("\\u8364?x", "\u20acx");
	TEXT("\\u8364 ?x", "\u20acx");
	TEXT("\\u-10179?\\u-8704?", "\U0001f600");
	TEXT("\\u-10179?\\uc0\\u-8704x", "\U0001f600x");
	TEXT("\\u-10179?x\\u-8704?", BAD "x" BAD);
	TEXT("\\u-10179?", BAD);
	TEXT("{\\uc2\\u8364\\'80\\'81}\\u8364\\'80x", "\u20ac\u20acx");
	TEXT("\\uc0\\u8364\\u8364 x", "\u20ac\u20acx");
	TEXT("\\uc3\\u8364 a\r\n\\b bx", "\u20acx");
	TEXT("\\uc9\\u8364 a{b}c", "\u20acbc");
	TEXT("\\u99999999?\\u?x", BAD "?x");
}

static void plain(void **state)
{
	(void)state;
	PLAIN("{\\info{\\title no}}{\\stylesheet{\\s0 no;}}One\\par\r\n"
	      "{\\pntext\\f1\\'b7\\tab}{\\*\\pn\\pnlvlblt}Two\\par ",
	      "One\n\u2022\tTwo\n");
	PLAIN("\\trowd a\\cell b\\cell\\row c\\cell d\\cell\\row",
	      "a\tb\t\nc\td\t\n");
	PLAIN("{\\field{\\*\\fldinst HYPERLINK \"x\"}{\\fldrslt here}}",
	      "here");
	PLAIN("{\\object\\objemb{\\*\\objdata 01}{\\result no}}"
	      "{\\*\\shppict{\\pict 01}}{\\nonshppict{\\pict 01}}x",
	      "x");
	PLAIN("a\\v b\\v0 c\\v d\\plain e{\\v f}g", "aceg");
	PLAIN("a\\_b\\-c\\\nd", "a\u2011bc\nd");
	PLAIN("{\\pict\\bin4 }}{{x}a\\bin3 {}\\b", "ab");
	PLAIN("}{\\rtf1 b", "");
}

/* Whatever the nesting, memory and time stay small. */
static void deep(void **state)
{
	const size_t depth = 100000;
	char *rtf CLEANUP(free_p) = malloc(depth * 2 + 20);
	char *p = rtf;

	(void)state;
	assert_non_null(rtf);
	p = stpcpy(p, "{\\rtf1 a");
	memset(p, '{', depth);
	p += depth;
	*p++ = 'b';
	memset(p, '}', depth);
	p += depth;
	p = stpcpy(p, "c}");
	check(rtf, (size_t)(p - rtf), RTF_PLAIN, "abc");
	check(rtf, 8 + depth, RTF_PLAIN, "a");
}

static void no_more(void **state)
{
	static const char rtf[] = "{\\rtf1 some text}";
	struct buf got CLEANUP(buf_release_p) = BUF_INIT(4);
	struct mapi_out out = { .data = keep, .arg = &got };
	struct in_memory m;
	bool bad;

	(void)state;
	input_memory(&m, rtf, sizeof(rtf) - 1);
	assert_int_equal(rtf_out(&m.in, RTF_PLAIN, &out, &bad), -1);
	assert_false(bad);
}

static ssize_t broken(struct input *in, void *p, size_t n)
{
	ssize_t r = drip(in, p, n);

	return r ? r : -1;
}

static void damaged(void **state)
{
	struct buf got CLEANUP(buf_release_p) = BUF_INIT(0);
	struct mapi_out out = { .data = keep, .arg = &got };
	struct input in = { .read = broken };
	struct in_memory m;
	bool bad;

	(void)state;
	piece = 3;
	input_memory(&m, "{\\rtf1 some te", 14);
	in.arg = &m;
	assert_int_equal(rtf_out(&in, RTF_PLAIN, &out, &bad), -1);
	assert_true(bad);
	assert_string_equal(got.p, "some te");
}

static int load(void **state)
{
	(void)state;
	text_load();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),      cmocka_unit_test(html),
		cmocka_unit_test(code_pages), cmocka_unit_test(unicode),
		cmocka_unit_test(plain),      cmocka_unit_test(deep),
		cmocka_unit_test(no_more),    cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, load, NULL);
}
