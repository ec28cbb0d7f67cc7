/* SPDX-License-Identifier: Apache-2.0 */
/* test_others.c - what is no mail: counted, and said in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "mailhaul/others.h"
#include "util/buf.h"

static void add(struct others *o, const char *what, unsigned times)
{
	while (times-- > 0)
		assert_int_equal(others_add(o, "A/b", what), 0);
}

static void says(const struct others *o, enum others_part part,
                 const char *want)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);

	assert_int_equal(others_sentence(o, part, &b), 0);
	assert_string_equal(b.n ? b.p : "", want);
}

static void test_items(void **state)
{
	struct others o = { 0 };

	(void)state;
	add(&o, "a contact", 1200);
	add(&o, "a journal entry", 2);
	add(&o, "a task", 1);
	says(&o, OTHERS_ITEMS,
	     "1,200 contacts, 2 journal entries and 1 task are no mail and "
	     "stay in the file; --items DIR writes them as files (.vcf, "
	     ".ics, .txt).");
	says(&o, OTHERS_OWN, "");
	says(&o, OTHERS_LOST, "");
	says(&o, OTHERS_FILES, "");
	assert_int_equal(others_count(&o, 1u << OTHERS_ITEMS), 1203);
	others_release(&o);
	add(&o, "a note", 1);
	says(&o, OTHERS_ITEMS,
	     "1 note is no mail and stays in the file; --items DIR writes it "
	     "as files (.vcf, .ics, .txt).");
	others_release(&o);
}

static void test_folders(void **state)
{
	struct others o = { 0 };

	(void)state;
	add(&o, "a folder of Outlook's own, 12 items", 2);
	add(&o, "a folder of Outlook's own, 1 item", 1);
	add(&o, "a search folder", 1);
	add(&o, "a hidden item", 1);
	assert_int_equal(o.n, 3);
	assert_string_equal(o.v[0].what, "a folder of Outlook's own");
	assert_int_equal(o.v[0].count, 3);
	assert_int_equal(o.v[0].items, 25);
	says(&o, OTHERS_OWN,
	     "Left out, as they hold no mail of their own: 3 folders of "
	     "Outlook's own (25 items) and 1 search folder.");
	says(&o, OTHERS_HIDDEN,
	     "1 hidden item (Outlook's views, rules and settings) is left "
	     "out.");
	others_release(&o);
}

static void test_lost(void **state)
{
	struct others o = { 0 };

	(void)state;
	add(&o, "3 items that the file counts and does not hold", 2);
	add(&o, "1 item that the file counts and does not hold", 1);
	add(&o, "1 item that can't be read", 1);
	add(&o, "99999999999999999999999 items", 1);
	says(&o, OTHERS_LOST,
	     "7 items that the file counts and does not hold and 1 item "
	     "that can't be read. Another copy or a backup of the file may "
	     "have more.");
	assert_int_equal(o.files, 1);
	others_release(&o);
}

static void test_files(void **state)
{
	struct others o = { 0 };
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);

	(void)state;
	assert_int_equal(others_add(&o, "x.jpg", "a picture"), 0);
	says(&o, OTHERS_FILES,
	     "1 file in the archive is no mail and was left there: x.jpg (a "
	     "picture)");
	assert_int_equal(others_add(&o, "D/n", "not mail"), 0);
	assert_int_equal(others_add(&o, "y.jpg", "a picture"), 0);
	assert_int_equal(others_add(&o, "z.jpg", "a picture"), 0);
	says(&o, OTHERS_FILES,
	     "4 files in the archive are no mail and were left there: x.jpg "
	     "(a picture), D/n (not mail), y.jpg (a picture), ...");
	assert_int_equal(others_list(&o, OTHERS_ALL, &b), 0);
	assert_string_equal(b.p, "a picture (3) and not mail");
	others_release(&o);
}

/* Whoever has taken over the child that reads may say anything. */
static void test_no_end_of_kinds(void **state)
{
	struct others o = { 0 };

	(void)state;
	for (int i = 0; i < 10000; i++) {
		struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);

		assert_int_equal(buf_fmt(&b, "kind %d, ", i), 0);
		assert_int_equal(others_add(&o, "", b.p), 0);
	}
	assert_true(o.n < 100);
	assert_int_equal(others_count(&o, 1u << OTHERS_FILES), 10000);
	others_release(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_items),
		cmocka_unit_test(test_folders),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_no_end_of_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
