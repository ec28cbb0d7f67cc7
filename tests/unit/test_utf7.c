/* SPDX-License-Identifier: Apache-2.0 */
/* test_utf7.c - modified UTF-7: RFC 3501 5.1.3, strictly, and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "util/utf7.h"
#include "util/utf8.h"

static const struct {
	const char *raw, *text;
} pairs[] = {
	{ "", "" },
	{ "INBOX", "INBOX" },
	{ "A&-B", "A&B" },
	{ "&-", "&" },
	{ "&AOk-t&AOk-", "\u00e9t\u00e9" },
	{ "&AOkA6Q-", "\u00e9\u00e9" },
	{ "&AOk-&-", "\u00e9&" },
	{ "~peter/mail/&ZeVnLIqe-/&U,BTFw-",
	  "~peter/mail/\u65e5\u672c\u8a9e/\u53f0\u5317" },
	{ "&2D3eAA-", "\U0001f600" },
	{ "&AAk-", "\t" },
	{ "&AH8-", "\x7f" },
};

static void both_ways(void **state)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char *text = utf7_to_utf8(pairs[i].raw);
		char *raw = utf8_to_utf7(pairs[i].text);

		assert_non_null(text);
		assert_string_equal(text, pairs[i].text);
		assert_non_null(raw);
		assert_string_equal(raw, pairs[i].raw);
		free(text);
		free(raw);
	}
}

static void refuses_what_is_not(void **state)
{
	static const char *const bad[] = {
		"\xc3\xa9",             /* 8-bit */
		"a\x01",                /* a control character */
		"&AOk",                 /* never closed */
		"&",          "&AOk*-", /* not base64 */
		"&AOl-",                /* bits left over that are not zero */
		"&AOkA-",               /* a half unit */
		"&A-",        "&AGE-",  /* printable: 'a' */
		"&ACY-",                /* printable: '&' */
		"&AAA-",                /* NUL */
		"&2D0-",                /* a lone high surrogate */
		"&3gA-",                /* a lone low one */
		"&2D0A6Q-",             /* high, then no low */
		"&AOk-&AOk-",           /* a superfluous shift */
		"&U/BTFw-",             /* '/' of ordinary base64 */
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_null(utf7_to_utf8(bad[i]));
	assert_null(utf8_to_utf7("\xff"));
	assert_null(utf8_to_utf7("a\xed\xa0\x80"));
}

static void every_letter(void **state)
{
	for (uint32_t cp = 1; cp < 0x110000; cp += cp < 0x3000 ? 1 : 37) {
		char s[6] = "";
		size_t n = utf8_put(s, cp);

		if (!n)
			continue;
		s[n] = 'x';
		char *raw = utf8_to_utf7(s);
		char *back = raw ? utf7_to_utf8(raw) : NULL;
		assert_non_null(back);
		assert_string_equal(back, s);
		free(raw);
		free(back);
	}
}

/* Whatever decodes has this one form only. */
static void one_form(void **state)
{
	static const char letters[] = "&-AGk,2D/a";
	char raw[8] = "";

	for (unsigned i = 0; i < 1000000; i++) {
		unsigned rest = i;

		for (int k = 0; k < 6; k++, rest /= 10)
			raw[k] = letters[rest % 10];
		char *text = utf7_to_utf8(raw);
		if (!text)
			continue;
		char *back = utf8_to_utf7(text);
		assert_string_equal(back, raw);
		free(text);
		free(back);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways),
		cmocka_unit_test(refuses_what_is_not),
		cmocka_unit_test(every_letter),
		cmocka_unit_test(one_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
