/* SPDX-License-Identifier: Apache-2.0 */
/* Keywords as destinations take them, and labels as keywords. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mime/keywords.h"
#include "writer/words.h"

static void test_atoms(void **state)
{
	static const char *const v[][2] = {
		{ "$Forwarded", "$Forwarded" },
		{ "gr&APYA3w-e", "gr&APYA3w-e" }, /* encoded already */
		{ "work/urgent", "work/urgent" },
		{ "gr\xc3\xb6\xc3\x9f"
		  "e",
		  "gr&APYA3w-e" },
		{ "Red\xc2\xa0"
		  "Category",
		  "Red_Category" },
		{ "(a]*%{\"\\", "_a______" },
		{ "\xff\xfe", NULL },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		char *atom;

		assert_int_equal(
		        words_atom(v[i][0], strlen(v[i][0]), &atom, &e), 0);
		if (v[i][1])
			assert_string_equal(atom, v[i][1]);
		else
			assert_null(atom);
		free(atom);
	}
}

static void test_labels(void **state)
{
	char *word = keywords_word("\\a b\tc"), *label;

	(void)state;
	assert_string_equal(word, "_a\xc2\xa0"
	                          "b_c");
	label = keywords_label(word, strlen(word));
	assert_string_equal(label, "_a b_c");
	free(label);
	label = keywords_label("one two", 3);
	assert_string_equal(label, "one");
	free(label);
	free(word);
	word = keywords_word("");
	assert_string_equal(word, "");
	free(word);
}

static void test_note(void **state)
{
	struct buf lost CLEANUP(buf_release_p) = BUF_INIT(0);
	struct message m = { .note = strdup("of before") };
	struct err e;

	(void)state;
	assert_int_equal(words_note(&m, &lost, "here", &e), 0);
	assert_null(m.note);
	assert_int_equal(words_lose(&lost, "a\xc2\xa0z", 4, &e), 0);
	assert_int_equal(words_note(&m, &lost, "here", &e), 0);
	assert_string_equal(m.note, "the label a z can't be kept here");
	assert_int_equal(words_lose(&lost, "c", 1, &e), 0);
	assert_int_equal(words_note(&m, &lost, "here", &e), 0);
	assert_string_equal(m.note, "the labels a z, c can't be kept here");
	for (int i = 0; i < 1000; i++)
		assert_int_equal(words_lose(&lost, "abcdefgh", 8, &e), 0);
	assert_true(lost.n < 1200);
	free(m.note);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_atoms),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_note),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
