/* SPDX-License-Identifier: Apache-2.0 */
/* test_utf8.c - UTF-8 is checked strictly; letters fold without a locale. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "util/utf8.h"

static void refuses(const char *s)
{
	uint32_t cp;

	assert_int_equal(utf8_next(s, &cp), 0);
	assert_false(utf8_valid(s));
}

static void strict(void **state)
{
	refuses("\x80");     /* a lone second octet */
	refuses("\xc0\x80"); /* overlong */
	refuses("\xc1\xbf");
	refuses("\xe0\x9f\xbf");
	refuses("\xf0\x8f\xbf\xbf");
	refuses("\xed\xa0\x80");     /* a surrogate */
	refuses("\xf4\x90\x80\x80"); /* beyond U+10FFFF */
	refuses("\xe2\x82");         /* cut off */
	refuses("\xff");
	assert_true(utf8_valid("a\u00e9\u20ac\U0001f600"));
	assert_int_equal(utf8_good("ab\xff"), 2);
}

static void round_trip(void **state)
{
	for (uint32_t cp = 1; cp < 0x110000; cp++) {
		char s[5] = "";
		uint32_t back = 0;
		size_t n = utf8_put(s, cp);

		if (cp >= 0xd800 && cp <= 0xdfff) {
			assert_int_equal(n, 0);
			continue;
		}
		assert_int_equal(utf8_next(s, &back), n);
		assert_int_equal(back, cp);
	}
}

static void folds(void **state)
{
	char *s = utf8_folded("GEL\u00d6SCHT \u0104 \u0391\u03a3 "
	                      "\u0414\u0401 \u0130\u0178 \xff");

	assert_string_equal(s, "gel\u00f6scht \u0105 \u03b1\u03c3 "
	                       "\u0434\u0451 i\u00ff \xff");
	free(s);
	for (uint32_t cp = 1; cp < 0x110000; cp++)
		assert_int_equal(utf8_fold(utf8_fold(cp)), utf8_fold(cp));
}

static void cuts_between_letters(void **state)
{
	assert_int_equal(utf8_cut("a\u20acb", 3), 1);
	assert_int_equal(utf8_cut("a\u20acb", 4), 4);
	assert_int_equal(utf8_cut("a\u20acb", 99), 5);
}

static void finds_controls(void **state)
{
	assert_true(utf8_has_control("a\nb"));
	assert_true(utf8_has_control("a\x7f"));
	assert_true(utf8_has_control("a\xc2\x85"));
	assert_false(utf8_has_control("a\u00e9 b"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strict),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(folds),
		cmocka_unit_test(cuts_between_letters),
		cmocka_unit_test(finds_controls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
