/* SPDX-License-Identifier: Apache-2.0 */
/* test_text.c - numbers, sizes, words and columns for people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cli/text.h"

static void counts(void **state)
{
	assert_string_equal(text_count(0).s, "0");
	assert_string_equal(text_count(999).s, "999");
	assert_string_equal(text_count(1000).s, "1,000");
	assert_string_equal(text_count(1234567).s, "1,234,567");
	assert_string_equal(text_count(UINT64_MAX).s,
	                    "18,446,744,073,709,551,615");
}

static void sizes(void **state)
{
	assert_string_equal(text_size(0).s, "0 B");
	assert_string_equal(text_size(1023).s, "1023 B");
	assert_string_equal(text_size(1024).s, "1.0 KB");
	assert_string_equal(text_size(10 * 1024).s, "10 KB");
	assert_string_equal(text_size(1536 * 1024).s, "1.5 MB");
	/* Rounded up, it is the next unit's business. */
	assert_string_equal(text_size(1023 * 1024).s, "1.0 MB");
	assert_string_equal(text_size(UINT64_MAX).s, "16 EB");
}

static void durations(void **state)
{
	assert_string_equal(text_duration(0).s, "0 s");
	assert_string_equal(text_duration(59).s, "59 s");
	assert_string_equal(text_duration(200).s, "3 min 20 s");
	assert_string_equal(text_duration(3599).s, "59 min");
	assert_string_equal(text_duration(7800).s, "2 h 10 min");
	assert_string_equal(text_duration(90000).s, "1 d 1 h");
}

static void times(void **state)
{
	setenv("TZ", "UTC0", 1);
	tzset();
	assert_string_equal(text_time(1714572300, 1714580000).s, "14:05");
	assert_string_equal(text_time(1714572300, 0).s, "2024-05-01 14:05");
}

static void widths(void **state)
{
	assert_int_equal(text_width("Entwürfe"), 8);
	assert_int_equal(text_width("日本"), 4);
	assert_int_equal(text_width("e\xcc\x81"), 1);
	assert_int_equal(text_width("\xff\xfe"), 2);
	assert_int_equal(text_width("\xc3"), 1);
}

static char *cut(const char *s, size_t width)
{
	struct buf b = BUF_INIT(1 << 16);

	assert_int_equal(text_cut(&b, s, width), 0);
	return buf_take(&b);
}

static void assert_cut(const char *s, size_t width, const char *expect)
{
	char *got = cut(s, width);

	assert_string_equal(got, expect);
	free(got);
}

static void cuts(void **state)
{
	assert_cut("INBOX", 5, "INBOX");
	assert_cut("INBOX", 4, "INB…");
	assert_cut("Entwürfe", 6, "Entwü…");
	assert_cut("日本語", 5, "日本…");
	assert_cut("日本語", 4, "日…");
	assert_cut("abc", 0, "");
	assert_cut("a\033[2Jb", 20, "a?[2Jb");
	assert_cut("a\xc2\x9b"
	           "b",
	           20, "a?b");
	assert_cut("a\xe2\x80\xae"
	           "b",
	           20, "a?b");
	assert_cut("a\xff"
	           "b",
	           20, "a?b");
}

static void wraps(void **state)
{
	struct buf b = BUF_INIT(1 << 16);

	assert_int_equal(text_wrap(&b, "one two  three", 2, 9), 0);
	assert_string_equal(b.p, "one two\n  three");
	buf_clear(&b);
	assert_int_equal(text_wrap(&b, "unbreakable", 2, 4), 0);
	assert_string_equal(b.p, "unbreakable");
	buf_release(&b);
}

static void shells(void **state)
{
	struct buf b = BUF_INIT(1 << 16);

	assert_int_equal(text_shell(&b, "ann@example.com"), 0);
	assert_int_equal(buf_chr(&b, ' '), 0);
	assert_int_equal(text_shell(&b, "it's"), 0);
	assert_int_equal(buf_chr(&b, ' '), 0);
	assert_int_equal(text_shell(&b, ""), 0);
	assert_string_equal(b.p, "ann@example.com 'it'\\''s' ''");
	buf_release(&b);
}

static void tables(void **state)
{
	static const char *const cell[] = { "FOLDER",   "N",     "",
		                            "INBOX",    "1,200", "new",
		                            "Entwürfe", "7",     "" };
	struct buf b = BUF_INIT(1 << 16);
	struct table t;

	table_init(&t, 3, 1 << 1);
	for (size_t i = 0; i < 9; i++)
		table_add(&t, cell[i]);
	assert_int_equal(table_print(&b, &t, 0), 0);
	assert_string_equal(b.p, "FOLDER        N\n"
	                         "INBOX     1,200  new\n"
	                         "Entwürfe      7\n");
	table_release(&t);
	buf_release(&b);
}

static void narrow_table(void **state)
{
	struct buf b = BUF_INIT(1 << 16);
	struct table t;

	table_init(&t, 2, 0);
	table_add(&t, "A/folder/far/too/long/for/the/screen");
	table_add(&t, "12");
	assert_int_equal(table_print(&b, &t, 20), 0);
	assert_string_equal(b.p, "A/folder/far/to…  12\n");
	table_release(&t);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts),    cmocka_unit_test(sizes),
		cmocka_unit_test(durations), cmocka_unit_test(times),
		cmocka_unit_test(widths),    cmocka_unit_test(cuts),
		cmocka_unit_test(wraps),     cmocka_unit_test(shells),
		cmocka_unit_test(tables),    cmocka_unit_test(narrow_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
