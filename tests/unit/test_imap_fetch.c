/* SPDX-License-Identifier: Apache-2.0 */
/* FETCH: what is understood, what is skipped, what is refused. */
#include "imap_fake.h"

#include <stdlib.h>

#include "net/imap_int.h"

static void test_items(void **state)
{
	struct imap_reply r = fake_reply(
	        "7 FETCH (UID 4294967295 FLAGS (\\Seen \\Recent \\flagged Z $A "
	        "\\XOdd a Z) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" "
	        "RFC822.SIZE 18446744073709551615 MODSEQ (624140003))");
	struct imap_fetch f;

	(void)state;
	assert_int_equal(imap_parse_fetch(&r, &f), 0);
	assert_int_equal(f.seq, 7);
	assert_true(f.uid == UINT32_MAX);
	assert_true(f.have_flags && f.have_date && f.have_size);
	assert_false(f.have_body);
	assert_int_equal(f.flags, MAIL_SEEN | MAIL_FLAGGED);
	assert_string_equal(f.keywords, "$A Z a");
	assert_true(f.size == UINT64_MAX);
	assert_true(f.modseq == 624140003);
	assert_true(f.date.known);
	assert_int_equal(f.date.sec, 837596665);
	assert_int_equal(f.date.zone_min, -420);
	imap_fetch_release(&f);
	assert_null(f.keywords);
}

static void test_tolerates(void **state)
{
	static const char *const lines[] = {
		"1 FETCH (UID 5)",
		"1 fetch (uid 5)",
		"1 FETCH ( UID  5  )",
		"1 FETCH (UID 5 FLAGS NIL)",
		"1 FETCH (FLAGS (\\Seen (\\Nested (x))) UID 5)",
		"1 FETCH (INTERNALDATE NIL UID 5)",
		"1 FETCH (INTERNALDATE \"yesterday\" UID 5)",
		"1 FETCH (INTERNALDATE {3}\r\nabc UID 5)",
		"1 FETCH (X-GM-MSGID 1278455344230334865 UID 5)",
		"1 FETCH (X-GM-LABELS (\\Inbox \"a b\" {3}\r\n) ( x) UID 5)",
		"1 FETCH (PREVIEW \"he said \\\"UID 9\\\"\" UID 5)",
		"1 FETCH (PREVIEW NIL SAVEDATE NIL EMAILID (M6) UID 5)",
		"1 FETCH (ENVELOPE (NIL \"s\" ((NIL NIL \"a\" \"b\")  (NIL NIL "
		"NIL NIL)) NIL) UID 5)",
		"1 FETCH (BODYSTRUCTURE ((\"TEXT\" \"PLAIN\" NIL NIL NIL NIL 1 "
		"1)(\"a\" \"b\") \"MIXED\") UID 5)",
		"1 FETCH (BODY (\"TEXT\" \"PLAIN\" NIL) UID 5)",
		"1 FETCH (RFC822.SIZE NIL UID 5)",
		"1 FETCH (MODSEQ () UID 5)",
		"1 FETCH (UID 5) trailing",
	};

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct imap_reply r = fake_reply(lines[i]);
		struct imap_fetch f;

		if (imap_parse_fetch(&r, &f))
			fail_msg("refused: %s", lines[i]);
		assert_int_equal(f.uid, 5);
		assert_false(f.have_date || f.have_size || f.have_body);
		imap_fetch_release(&f);
	}
}

static void test_refuses(void **state)
{
	static const char *const lines[] = {
		"",
		"1",
		"1 FETCH",
		"1 FETCH ",
		"1 FETCH (",
		"1 FETCH (UID 5",
		"0 FETCH (UID 5)",
		"4294967296 FETCH (UID 5)",
		"1 FETCHED (UID 5)",
		"1 EXISTS",
		"1 FETCH (UID 0)",
		"1 FETCH (UID -1)",
		"1 FETCH (UID 4294967296)",
		"1 FETCH (UID 99999999999)",
		"1 FETCH (UID 5 UID 6)",
		"1 FETCH (UID 5 RFC822.SIZE 18446744073709551616)",
		"1 FETCH (UID 5 MODSEQ (99999999999999999999))",
		"1 FETCH (UID 5 FLAGS (\\Seen)",
		"1 FETCH (UID 5 FLAGS (\\Seen",
		"1 FETCH (UID 5 X \"open)",
		"1 FETCH (UID 5 X \"back\\",
		"1 FETCH (UID 5 X {9}\r\nabc)",
		"1 FETCH (UID 5 X {99999999999999999999}\r\nabc)",
		"1 FETCH (UID 5 BODY[ {1}\r\na)",
		"1 FETCH (UID 5 BODY[] (a))",
		"1 FETCH (UID 5 X)",
	};

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct imap_reply r = fake_reply(lines[i]);
		struct imap_fetch f;

		if (imap_parse_fetch(&r, &f) == 0)
			fail_msg("taken: %s", lines[i]);
		imap_fetch_release(&f);
	}
}

static void test_nesting(void **state)
{
	char line[600] = "1 FETCH (X ";

	(void)state;
	for (unsigned depth = 100; depth <= 101; depth++) {
		char *p = line + strlen("1 FETCH (X ");

		memset(p, '(', depth);
		memset(p + depth, ')', depth);
		memcpy(p + 2 * depth, " UID 5)", 8);
		struct imap_reply r = fake_reply(line);
		struct imap_fetch f;

		assert_int_equal(imap_parse_fetch(&r, &f),
		                 depth <= 100 ? 0 : -1);
	}
}

static void test_bodies(void **state)
{
	struct imap_fetch f;
	struct imap_reply r =
	        fake_reply("1 FETCH (BODY[] {3}\r\n UID 5 FLAGS ())");

	(void)state;
	r.sunk = true;
	assert_int_equal(imap_parse_fetch(&r, &f), 0);
	assert_true(f.have_body && f.have_flags && !f.body_nil);
	assert_null(f.inline_body);
	assert_int_equal(f.uid, 5);
	r = fake_reply("1 FETCH (BODY[] {3}\r\n)\r\n UID 5)");
	assert_int_equal(imap_parse_fetch(&r, &f), 0);
	assert_string_equal(f.inline_body, ")\r\n");
	assert_int_equal(f.inline_len, 3);
	imap_fetch_release(&f);
	r = fake_reply("1 FETCH (BODY[] \"a\\\"b\\\\\" UID 5)");
	r.sunk = true;
	assert_int_equal(imap_parse_fetch(&r, &f), 0);
	assert_string_equal(f.inline_body, "a\"b\\");
	imap_fetch_release(&f);
	r = fake_reply(
	        "1 FETCH (BODY[HEADER.FIELDS (\"a]b\" C)]<0> NIL UID 5)");
	assert_int_equal(imap_parse_fetch(&r, &f), 0);
	assert_true(f.have_body && f.body_nil);
	assert_int_equal(f.uid, 5);
	imap_fetch_release(&f);
}

static void test_dates(void **state)
{
	static const struct {
		const char *text;
		int64_t sec;
		int zone;
	} good[] = {
		{ "01-Jan-1970 00:00:00 +0000", 0, 0 },
		{ " 1-jan-1970 00:00:00 +0100", -3600, 60 },
		{ "1-JAN-1970 00:00:00 -0330", 12600, -210 },
		{ "29-Feb-2024 23:59:59 +0000", 1709251199, 0 },
		{ "31-Dec-1969 23:59:59 +0000", -1, 0 },
		{ "19-Jan-2038 03:14:08 +0000", 2147483648, 0 },
		{ "31-Dec-9999 23:59:59 +0000", 253402300799, 0 },
	};
	static const char *const bad[] = {
		"",
		"29-Feb-2023 00:00:00 +0000",
		"00-Jan-2023 00:00:00 +0000",
		"32-Jan-2023 00:00:00 +0000",
		"01-Foo-2023 00:00:00 +0000",
		"01-Jan-2023 24:00:00 +0000",
		"01-Jan-2023 00:60:00 +0000",
		"01-Jan-2023 00:00:00 0000",
		"01-Jan-2023 00:00:00 +00",
		"01-Jan-0000 00:00:00 +0000",
		"01 Jan 2023 00:00:00 +0000",
		"01-Jan-2023 00:00:00 +0000x",
		"aa-Jan-2023 00:00:00 +0000",
	};
	struct mail_date d;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_true(imap_parse_date(good[i].text, strlen(good[i].text),
		                            &d));
		assert_true(d.known);
		assert_true(d.sec == good[i].sec);
		assert_int_equal(d.zone_min, good[i].zone);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (imap_parse_date(bad[i], strlen(bad[i]), &d))
			fail_msg("taken: %s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_items),
		cmocka_unit_test(test_tolerates),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_dates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
