/* SPDX-License-Identifier: Apache-2.0 */
/* Sets, codes, dates, names. */
#include "imap_fake.h"

#include <stdlib.h>

static void test_appenduid(void **state)
{
	static const struct {
		const char *code;
		size_t n; /* 0: unusable */
		uint32_t first, last;
	} rows[] = {
		{ "APPENDUID 38505 3955", 1, 3955, 3955 },
		{ "appenduid 1 5:7,9", 4, 5, 9 },
		{ "APPENDUID 1 7:5", 3, 5, 7 },
		{ "APPENDUID 4294967295 4294967295", 1, UINT32_MAX,
		  UINT32_MAX },
		{ "APPENDUID 0 0", 0, 0, 0 },
		{ "APPENDUID 0 5", 0, 0, 0 },
		{ "APPENDUID 5 0", 0, 0, 0 },
		{ "APPENDUID 5 *", 0, 0, 0 },
		{ "APPENDUID 5 1:*", 0, 0, 0 },
		{ "APPENDUID 5 1,", 0, 0, 0 },
		{ "APPENDUID 5 1 2", 0, 0, 0 },
		{ "APPENDUID 5 1:4294967295", 0, 0, 0 },
		{ "APPENDUID 4294967296 1", 0, 0, 0 },
		{ "APPENDUID 1 4294967297", 0, 0, 0 },
		{ "APPENDUID 1", 0, 0, 0 },
		{ "APPENDUID", 0, 0, 0 },
		{ "APPENDUIDS 1 1", 0, 0, 0 },
		{ "COPYUID 1 1 1", 0, 0, 0 },
		{ "", 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint32_t v = 0, *uids;
		size_t n;
		int rc = imap_parse_appenduid(rows[i].code, &v, &uids, &n);

		if (rc != (rows[i].n ? 0 : 1) || n != rows[i].n)
			fail_msg("%s: %d, %zu", rows[i].code, rc, n);
		if (!rows[i].n) {
			assert_null(uids);
			continue;
		}
		assert_int_equal(uids[0], rows[i].first);
		assert_int_equal(uids[n - 1], rows[i].last);
		free(uids);
	}
}

static void test_search(void **state)
{
	static const struct {
		const char *line;
		int rc;
		size_t n;
	} rows[] = {
		{ "SEARCH", 0, 0 },
		{ "SEARCH ", 0, 0 },
		{ "SEARCH 1 2 3", 0, 3 },
		{ "search 5  9 ", 0, 2 },
		{ "SEARCH 2 5 (MODSEQ 917162500)", 0, 2 },
		{ "ESEARCH (TAG \"A1\") UID ALL 1:3,7", 0, 4 },
		{ "ESEARCH (TAG \"A1\") UID COUNT 3 ALL 1:3 MODSEQ 5", 0, 3 },
		{ "ESEARCH (TAG \"A1\") UID", 0, 0 },
		{ "ESEARCH UID X-NEW (a (b)) ALL 4", 0, 1 },
		{ "ESEARCH", 0, 0 },
		{ "SEARCH 0", -1, 0 },
		{ "SEARCH 1 4294967296", -1, 0 },
		{ "SEARCH x", -1, 0 },
		{ "ESEARCH UID ALL 1:4294967295", -1, 0 },
		{ "ESEARCH UID ALL 1:*", -1, 0 },
		{ "ESEARCH UID ALL", -1, 0 },
		{ "ESEARCH (TAG \"A1\" UID ALL 1", -1, 0 },
		{ "SORT 1", -1, 0 },
		{ "", -1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct imap_reply r = fake_reply(rows[i].line);
		uint32_t *uids = NULL;
		size_t n = 0, cap = 0;
		int rc = imap_parse_search(&r, &uids, &n, &cap);

		if (rc != rows[i].rc || (rc == 0 && n != rows[i].n))
			fail_msg("%s: %d, %zu", rows[i].line, rc, n);
		free(uids);
	}
}

static void test_search_grows(void **state)
{
	struct imap_reply a = fake_reply("SEARCH 3 1");
	struct imap_reply b = fake_reply("ESEARCH ALL 1000:200999");
	uint32_t *uids = NULL;
	size_t n = 0, cap = 0;

	(void)state;
	assert_int_equal(imap_parse_search(&a, &uids, &n, &cap), 0);
	assert_int_equal(imap_parse_search(&b, &uids, &n, &cap), 0);
	assert_int_equal(n, 200002);
	assert_int_equal(uids[0], 3);
	assert_int_equal(uids[2], 1000);
	assert_int_equal(uids[n - 1], 200999);
	free(uids);
}

static void test_vanished(void **state)
{
	static const struct {
		const char *line;
		int rc;
		size_t n;
	} rows[] = {
		{ "VANISHED 1", 0, 2 },
		{ "VANISHED (EARLIER) 300:310,405,411", 0, 6 },
		{ "VANISHED (EARLIER) 1:4294967295", 0, 2 },
		{ "VANISHED", -1, 0 },
		{ "VANISHED (EARLIER)", -1, 0 },
		{ "VANISHED (EARLIER 1", -1, 0 },
		{ "VANISHED 1:x", -1, 0 },
		{ "VANISHED 99999999999", -1, 0 },
		{ "EXPUNGE 1", -1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct imap_reply r = fake_reply(rows[i].line);
		uint32_t *ranges;
		size_t n;
		int rc = imap_parse_vanished(&r, &ranges, &n);

		if (rc != rows[i].rc || n != rows[i].n)
			fail_msg("%s: %d, %zu", rows[i].line, rc, n);
		if (n > 2)
			assert_int_equal(ranges[1], 310);
		free(ranges);
	}
}

static void test_uid_set(void **state)
{
	static const uint32_t a[] = { 1, 2, 3, 7, 9, 10, UINT32_MAX };
	char *set = imap_uid_set(a, 7);

	(void)state;
	assert_string_equal(set, "1:3,7,9:10,4294967295");
	free(set);
	set = imap_uid_set(a, 1);
	assert_string_equal(set, "1");
	free(set);
	set = imap_uid_set(a, 0);
	assert_string_equal(set, "");
	free(set);
}

static void test_codes(void **state)
{
	struct imap_permanent p;
	uint64_t n;

	(void)state;
	assert_true(imap_code_number("UIDNEXT 4294967296", "UIDNEXT", &n));
	assert_true(n == 4294967296);
	assert_true(imap_code_number("uidnext 7", "UIDNEXT", &n));
	assert_false(imap_code_number("UIDNEXT", "UIDNEXT", &n));
	assert_false(imap_code_number("UIDNEXT x", "UIDNEXT", &n));
	assert_false(imap_code_number("UIDNEXT 7x", "UIDNEXT", &n));
	assert_false(imap_code_number("UIDNEXTS 7", "UIDNEXT", &n));
	assert_false(imap_code_number("UIDVALIDITY 7", "UIDNEXT", &n));
	assert_false(imap_code_number("UIDNEXT 99999999999999999999", "UIDNEXT",
	                              &n));
	assert_true(imap_parse_permanent(
	        "PERMANENTFLAGS (\\Seen \\Draft b \\* $Junk)", &p));
	assert_true(p.told && p.any);
	assert_int_equal(p.flags, MAIL_SEEN | MAIL_DRAFT);
	assert_string_equal(p.keywords, "$Junk b");
	free(p.keywords);
	assert_true(imap_parse_permanent("PERMANENTFLAGS ()", &p));
	assert_true(p.told && !p.any && !p.flags && !p.keywords);
	assert_false(imap_parse_permanent("PERMANENTFLAGS", &p));
	assert_false(imap_parse_permanent("PERMANENTFLAGS (a", &p));
	assert_false(imap_parse_permanent("UIDNEXT 5", &p));
	assert_false(p.told);
}

static void test_date(void **state)
{
	static const struct {
		struct mail_date d;
		const char *text; /* NULL: refused */
	} rows[] = {
		{ { 837596665, -420, true }, "17-Jul-1996 02:44:25 -0700" },
		{ { 0, 0, true }, "01-Jan-1970 00:00:00 +0000" },
		{ { -1, 330, true }, "01-Jan-1970 05:29:59 +0530" },
		{ { 253402300799, 0, true }, "31-Dec-9999 23:59:59 +0000" },
		{ { 253402300800, 0, true }, NULL },
		{ { -2208988800, 0, true }, "01-Jan-1900 00:00:00 +0000" },
		{ { -2208988801, 0, true }, NULL },
		{ { INT64_MAX, 0, true }, NULL },
		{ { INT64_MIN, 0, true }, NULL },
		{ { 0, 1440, true }, NULL },
		{ { 0, INT32_MIN, true }, NULL },
		{ { 0, 0, false }, NULL },
	};
	char out[27];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bool ok = imap_date(&rows[i].d, out);

		assert_int_equal(ok, rows[i].text != NULL);
		if (ok)
			assert_string_equal(out, rows[i].text);
	}
}

static void test_keyword(void **state)
{
	static const char *const bad[] = { "",     "a b",  "a(b", "\\Seen",
		                           "a\"b", "a{1}", "a\r", "\xc3\xa4",
		                           "a]",   "a*",   "a%" };
	char long_one[66];

	(void)state;
	assert_true(imap_keyword_ok("$Forwarded", 10));
	assert_true(imap_keyword_ok("a_b.c-9", 7));
	assert_true(imap_keyword_ok("gr&APYA3w-e", 11));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(imap_keyword_ok(bad[i], strlen(bad[i])));
	assert_false(imap_keyword_ok("a\0b", 3));
	memset(long_one, 'a', sizeof long_one);
	assert_true(imap_keyword_ok(long_one, 50));
	assert_false(imap_keyword_ok(long_one, 51));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_appenduid),
		cmocka_unit_test(test_search),
		cmocka_unit_test(test_search_grows),
		cmocka_unit_test(test_vanished),
		cmocka_unit_test(test_uid_set),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_date),
		cmocka_unit_test(test_keyword),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
