/* SPDX-License-Identifier: Apache-2.0 */
/* test_filter.c - sizes, days, and which messages are left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "plan/options.h"

static void sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t size;
	} good[] = {
		{ "0", 0 },
		{ "1", 1 },
		{ "10k", 10240 },
		{ "10M", 10 << 20 },
		{ "2GB", (uint64_t)2 << 30 },
		{ "1TiB", (uint64_t)1 << 40 },
		{ "9223372036854775807", INT64_MAX },
	};
	static const char *const bad[] = {
		"",
		"M",
		"-1",
		"+1",
		" 1",
		"1 ",
		"1.5M",
		"10X",
		"10MM",
		"0x10",
		"9223372036854775808",
		"18446744073709551616",
		"99999999999999999999999",
		"9007199254740992K",
	};
	uint64_t size;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(plan_size(good[i].text, &size), 0);
		assert_int_equal(size, good[i].size);
		assert_int_equal(plan_size(plan_size_text(size), &size), 0);
		assert_int_equal(size, good[i].size);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(plan_size(bad[i], &size), -1);
	assert_string_equal(plan_size_text(10 << 20), "10M");
	assert_string_equal(plan_size_text(1000), "1000");
}

static void zone(const char *tz)
{
	setenv("TZ", tz, 1);
	tzset();
}

static void dates(void **state)
{
	static const char *const bad[] = {
		"",           "2024",        "2024-13-01", "2024-00-01",
		"2024-02-30", "2024-04-31",  "2024-01-00", "24-01-01",
		"2024/01/01", "2024-01-011", "2024-1-1",   "abcd-ef-gh",
		"1899-12-31", " 2024-01-1",
	};
	int64_t t;

	zone("UTC");
	assert_int_equal(plan_date("1970-01-01", &t), 0);
	assert_int_equal(t, 0);
	assert_int_equal(plan_date("1969-12-31", &t), 0);
	assert_int_equal(t, -86400);
	assert_int_equal(plan_date("2024-02-29", &t), 0);
	assert_int_equal(t, 1709164800);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(plan_date(bad[i], &t), -1);
	zone("XST-5");
	assert_int_equal(plan_date("2024-02-29", &t), 0);
	assert_int_equal(t, 1709164800 - 5 * 3600);
	/* A day that begins at one: clocks go forward at midnight. */
	zone("XST3XDT,M10.3.0/0,M2.3.0/0");
	assert_int_equal(plan_date("2024-10-20", &t), 0);
	assert_int_equal(t, 1729393200);
	zone("UTC");
}

static void messages(void **state)
{
	struct options o;
	struct message m = { .size = 100, .date = { 1000, 0, true } };

	zone("UTC");
	options_init(&o);
	assert_null(plan_message(&o, &m));
	options_set(&o, "max-size", "1K", NULL);
	m.size = 1024;
	assert_null(plan_message(&o, &m));
	m.size = 1025;
	assert_string_equal(plan_message(&o, &m), "larger than --max-size 1K");
	m.size = 1;
	options_set(&o, "since", "1970-01-02", NULL);
	options_set(&o, "before", "1970-01-03", NULL);
	assert_string_equal(plan_message(&o, &m),
	                    "older than --since 1970-01-02");
	m.date.sec = 86400;
	assert_null(plan_message(&o, &m));
	m.date.sec = 2 * 86400 - 1;
	assert_null(plan_message(&o, &m));
	m.date.sec = 2 * 86400;
	assert_string_equal(plan_message(&o, &m),
	                    "not older than --before 1970-01-03");
	m.date.known = false;
	assert_null(plan_message(&o, &m));
	options_release(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(dates),
		cmocka_unit_test(messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
