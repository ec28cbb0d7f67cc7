/* SPDX-License-Identifier: Apache-2.0 */
/* test_header.c - fields, dates, keywords. */
#include "mail_fixture.h"

#include "mime/header.h"
#include "mime/keywords.h"

struct fields {
	struct buf b;
};

static int take(const char *field, size_t n, void *arg)
{
	struct fields *f = arg;

	return buf_chr(&f->b, '[') || buf_add(&f->b, field, n) ||
	       buf_chr(&f->b, ']');
}

/* The fields of text, fed in pieces of step octets; *used of the whole. */
static char *split(const char *text, size_t n, size_t step, size_t *used)
{
	struct header_split s = HEADER_SPLIT_INIT;
	struct fields f = { .b = BUF_INIT(0) };
	size_t at = 0, got;
	int r = 0;

	while (at < n && r == 0) {
		size_t part = n - at < step ? n - at : step;

		r = header_split_data(&s, text + at, part, &got, take, &f);
		assert_true(r >= 0);
		at += got;
	}
	assert_int_equal(header_split_end(&s, take, &f), 0);
	header_split_release(&s);
	*used = at;
	return buf_take(&f.b);
}

static void splits_the_same_in_any_pieces(void **state)
{
	static const struct {
		const char *text, *fields;
		size_t used;
	} cases[] = {
		{ "A: 1\r\nB: 2\r\n\r\nbody", "[A: 1][B: 2]", 14 },
		{ "A: 1\nB: 2\n\nbody", "[A: 1][B: 2]", 11 },
		{ "A: 1\r\n more\r\n\tand\r\n\r\n", "[A: 1\r\n more\r\n\tand]",
		  21 },
		{ "A: 1\r\n", "[A: 1]", 6 },
		{ "A: 1", "[A: 1]", 4 },
		{ "\r\nbody", "", 2 },
		{ "\nA: 1", "", 1 },
		{ "", "", 0 },
		{ "A: 1\n\r\r\nB: 2\n\nx", "[A: 1][\r][B: 2]", 14 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t step = 1; step < 30; step++) {
			size_t used;
			char *got = split(cases[i].text, strlen(cases[i].text),
			                  step, &used);

			/* A line of CRs is no field; only its place counts. */
			if (!strstr(cases[i].fields, "[\r]"))
				assert_string_equal(got, cases[i].fields);
			assert_int_equal(used, cases[i].used);
			free(got);
		}
}

static void cuts_endless_fields(void **state)
{
	size_t n = HEADER_FIELD_MAX * 3, used;
	char *text = malloc(n), *got;

	memset(text, 'x', n);
	memcpy(text, "A: ", 3);
	got = split(text, n, 1000, &used);
	assert_int_equal(strlen(got), HEADER_FIELD_MAX + 2);
	assert_int_equal(used, n);
	free(text);
	free(got);
}

static void knows_names_and_values(void **state)
{
	size_t n;
	const char *v;

	assert_true(header_is("subject: x", 10, "Subject"));
	assert_true(header_is("Subject \t: x", 12, "Subject"));
	assert_false(header_is("Subject", 7, "Subject"));
	assert_false(header_is("Subjects: x", 11, "Subject"));
	v = header_value("A:\r\n  b c \r\n", 12, &n);
	assert_int_equal(n, 3);
	assert_memory_equal(v, "b c", 3);
	assert_null(header_value("no colon", 8, &n));
}

static void reads_dates_of_all_times(void **state)
{
	static const struct {
		const char *text;
		int64_t sec;
		int zone;
	} good[] = {
		{ "Mon, 1 Aug 2022 10:00:00 +0000", 1659348000, 0 },
		{ "1 Aug 2022 12:00:00 +0200 (CEST)", 1659348000, 120 },
		{ "Mon Aug  1 10:00:00 2022", 1659348000, 0 },
		{ "Mon Aug 01 10:00:00 +0000 2022", 1659348000, 0 },
		{ "Mon Aug 1 10:00:00 GMT 2022", 1659348000, 0 },
		{ "Mon Aug 1 03:00:00 PDT 2022", 1659348000, -420 },
		{ "01-Aug-2022 05:30:00 -0430", 1659348000, -270 },
		{ "Mon, 1 (a day) Aug 22 10:00 GMT", 1659348000, 0 },
		{ "1 Jan 70 00:00:00 GMT", 0, 0 },
		{ "31 Dec 1969 23:59:59 +0000", -1, 0 },
		{ "29 Feb 2000 00:00:00 +0000", 951782400, 0 },
	};
	static const char *const bad[] = {
		"",
		"Mon",
		"tomorrow",
		"32 Aug 2022 10:00:00 +0000",
		"1 Aug 2022",
		"29 Feb 2023 10:00:00 +0000",
		"1 Aug 2022 25:00:00 +0000",
		"Aug 2022 10:00:00",
		"(",
	};
	struct mail_date d;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		memset(&d, 0, sizeof(d));
		assert_true(
		        header_date(good[i].text, strlen(good[i].text), &d));
		assert_true(d.known);
		assert_int_equal(d.sec, good[i].sec);
		assert_int_equal(d.zone_min, good[i].zone);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(header_date(bad[i], strlen(bad[i]), &d));
}

static void keeps_keywords_sorted(void **state)
{
	char *list = NULL;

	assert_int_equal(keywords_add(&list, "b", 1, 100), 0);
	assert_int_equal(keywords_add(&list, "a", 1, 100), 0);
	assert_int_equal(keywords_add(&list, "ab", 2, 100), 0);
	assert_int_equal(keywords_add(&list, "b", 1, 100), 0);
	assert_int_equal(keywords_add(&list, "toolong", 7, 8), 0);
	assert_string_equal(list, "a ab b");
	free(list);
	assert_true(keywords_equal(NULL, ""));
	assert_false(keywords_equal(NULL, "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_the_same_in_any_pieces),
		cmocka_unit_test(cuts_endless_fields),
		cmocka_unit_test(knows_names_and_values),
		cmocka_unit_test(reads_dates_of_all_times),
		cmocka_unit_test(keeps_keywords_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
