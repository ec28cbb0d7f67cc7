/* SPDX-License-Identifier: Apache-2.0 */
/* LIST, STATUS, NAMESPACE, CAPABILITY, and the walk over all folders. */
#include "imap_fake.h"

#include <stdlib.h>

static void test_list(void **state)
{
	static const struct {
		const char *line;
		const char *raw; /* NULL: refused */
		char delim;
		enum mail_use use;
		bool noselect;
	} rows[] = {
		{ "LIST () \"/\" a", "a", '/', USE_NONE, false },
		{ "LIST (\\HasNoChildren \\Sent) \".\" \"INBOX.Sent\"",
		  "INBOX.Sent", '.', USE_SENT, false },
		{ "list (\\noselect) NIL \"x y\"", "x y", 0, USE_NONE, true },
		{ "LIST (\\Unmarked \\Noselect) \"/\" a", "a", '/', USE_NONE,
		  true },
		{ "LIST (\\NonExistent) \"/\" a", "a", '/', USE_NONE, true },
		{ "LIST (\\Trash \\Junk) \"\\\\\" \"a\\\"b\\\\c\"", "a\"b\\c",
		  '\\', USE_TRASH, false },
		{ "LIST () \"/\" inbox", "INBOX", '/', USE_INBOX, false },
		{ "LIST (\\Archive) \"/\" {3}\r\na\"b", "a\"b", '/',
		  USE_ARCHIVE, false },
		{ "LIST () \"/\" \"caf\xc3\xa9\"", "caf\xc3\xa9", '/', USE_NONE,
		  false },
		{ "LIST () \"/\" foo (\"CHILDINFO\" (\"SUBSCRIBED\"))", "foo",
		  '/', USE_NONE, false },
		{ "LIST () \"/\" foo (\"OLDNAME\" (\"a\") X {1}\r\n))", "foo",
		  '/', USE_NONE, false },
		{ "LIST (\\a(b) \\c \"q\" \\Drafts NIL) \"/\" d", "d", '/',
		  USE_DRAFTS, false },
		{ "LIST ( \\All  ) \"/\"  d", "d", '/', USE_ALL, false },
		{ "LIST () \"//\" d", "d", 0, USE_NONE, false },
		{ "LIST () \"\" d", "d", 0, USE_NONE, false },
		{ "LIST () \"/\" \"\"", "", '/', USE_NONE, false },
		/* Told, so that it is reported; imap_quoted() refuses it. */
		{ "LIST () \"/\" {3}\r\na\r\n", "a\r\n", '/', USE_NONE, false },
		{ "LIST", NULL, 0, USE_NONE, false },
		{ "LIST ", NULL, 0, USE_NONE, false },
		{ "LIST ()", NULL, 0, USE_NONE, false },
		{ "LIST () \"/\"", NULL, 0, USE_NONE, false },
		{ "LIST () \"/\" \"a", NULL, 0, USE_NONE, false },
		{ "LIST () \"/\" {5}\r\nab", NULL, 0, USE_NONE, false },
		{ "LIST (\\a \"/\" a", NULL, 0, USE_NONE, false },
		{ "LIST NIL \"/\" a", NULL, 0, USE_NONE, false },
		{ "LIST () (\"/\") a", NULL, 0, USE_NONE, false },
		{ "LSUB () \"/\" a", NULL, 0, USE_NONE, false },
		{ "", NULL, 0, USE_NONE, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct imap_reply r = fake_reply(rows[i].line);
		struct folder f;
		struct err e;
		int rc = imap_parse_list(&r, &f, &e);

		if (rc != (rows[i].raw ? 0 : -1))
			fail_msg("%d for %s", rc, rows[i].line);
		if (rc)
			continue;
		assert_string_equal(f.raw, rows[i].raw);
		assert_int_equal(f.delim, rows[i].delim);
		assert_int_equal(f.use, rows[i].use);
		assert_int_equal(f.noselect, rows[i].noselect);
		folder_release(&f);
	}
}

static void test_nul_in_name(void **state)
{
	static const char line[] = "LIST () \"/\" {3}\r\na\0b";
	struct imap_reply r = fake_reply(line);
	struct folder f;
	struct err e;

	(void)state;
	r.len = sizeof line - 1;
	assert_int_equal(imap_parse_list(&r, &f, &e), -1);
}

static void test_status(void **state)
{
	static const struct {
		const char *line;
		const char *raw; /* NULL: refused */
		uint64_t messages, modseq, bytes;
		bool have;
	} rows[] = {
		{ "STATUS \"a b\" (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 7)", "a b",
		  3, 0, 0, true },
		{ "status inbox (UIDVALIDITY 7 UIDNEXT 9 HIGHESTMODSEQ "
		  "9223372036854775807 MESSAGES 4294967295)",
		  "INBOX", 4294967295, INT64_MAX, 0, true },
		{ "STATUS a (SIZE 5000000000 MESSAGES 1 UIDNEXT 2 UIDVALIDITY "
		  "3 DELETED 4 MAILBOXID (F1) APPENDLIMIT NIL)",
		  "a", 1, 0, 5000000000, true },
		{ "STATUS {1}\r\na ( MESSAGES 1  UIDNEXT 2 UIDVALIDITY 3 )",
		  "a", 1, 0, 0, true },
		{ "STATUS a (MESSAGES 1)", "a", 1, 0, 0, false },
		{ "STATUS a (MESSAGES 1 UIDNEXT 4294967296 UIDVALIDITY 3)", "a",
		  1, 0, 0, false },
		{ "STATUS a ()", NULL, 0, 0, 0, false },
		{ "STATUS a", NULL, 0, 0, 0, false },
		{ "STATUS", NULL, 0, 0, 0, false },
		{ "STATUS a (MESSAGES", NULL, 0, 0, 0, false },
		{ "STATUS a (MESSAGES 1", NULL, 0, 0, 0, false },
		{ "STATUS a (X-UNKNOWN 5)", NULL, 0, 0, 0, false },
		{ "STATUS \"a (MESSAGES 1)", NULL, 0, 0, 0, false },
		{ "", NULL, 0, 0, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct imap_reply r = fake_reply(rows[i].line);
		struct folder f = { 0 };
		char *raw;
		int rc = imap_parse_status(&r, &raw, &f);

		if (rc != (rows[i].raw ? 0 : -1))
			fail_msg("%d for %s", rc, rows[i].line);
		if (rc) {
			assert_null(raw);
			continue;
		}
		assert_string_equal(raw, rows[i].raw);
		assert_true(f.messages == rows[i].messages);
		assert_true(f.modseq == rows[i].modseq);
		assert_true(f.bytes == rows[i].bytes);
		assert_int_equal(f.have_status, rows[i].have);
		free(raw);
	}
}

static void test_namespace(void **state)
{
	static const struct {
		const char *line;
		const char *prefix; /* NULL: refused */
		char delim;
		size_t others;
	} rows[] = {
		{ "NAMESPACE ((\"\" \"/\")) NIL NIL", "", '/', 0 },
		{ "NAMESPACE ((\"INBOX.\" \".\")) ((\"user.\" \".\")) "
		  "((\"a.\" \".\")(\"b.\" \".\"))",
		  "INBOX.", '.', 3 },
		{ "NAMESPACE ((\"\" \"/\" \"X-PARAM\" (\"F\" \"G\"))(\"#mh/\" "
		  "\"/\")) NIL ()",
		  "", '/', 0 },
		{ "namespace (({2}\r\nx/ \"/\")) nil nil", "x/", '/', 0 },
		{ "NAMESPACE ((\"\" NIL)) NIL NIL", "", 0, 0 },
		{ "NAMESPACE NIL NIL NIL", "", 0, 0 },
		{ "NAMESPACE", NULL, 0, 0 },
		{ "NAMESPACE NIL", NULL, 0, 0 },
		{ "NAMESPACE ((\"\" \"/\") NIL NIL", NULL, 0, 0 },
		{ "NAMESPACE ((\"\")) NIL NIL", NULL, 0, 0 },
		{ "NAMESPACE (\"\" \"/\") NIL NIL", NULL, 0, 0 },
		{ "", NULL, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct imap_reply r = fake_reply(rows[i].line);
		struct imap_namespace ns;
		int rc = imap_parse_namespace(&r, &ns);

		if (rc != (rows[i].prefix ? 0 : -1))
			fail_msg("%d for %s", rc, rows[i].line);
		if (rc)
			continue;
		assert_string_equal(ns.prefix, rows[i].prefix);
		assert_int_equal(ns.delim, rows[i].delim);
		assert_int_equal(ns.other_n, rows[i].others);
		imap_namespace_release(&ns);
	}
}

static void test_caps(void **state)
{
	static const struct {
		const char *words;
		int rc;
		unsigned caps;
		uint64_t limit;
	} rows[] = {
		{ "IMAP4rev1 literal+ AUTH=PLAIN auth=xoauth2 SASL-IR", 0,
		  CAP_LITERAL_PLUS | CAP_AUTH_PLAIN | CAP_AUTH_XOAUTH2 |
		          CAP_SASL_IR,
		  0 },
		{ "QRESYNC APPENDLIMIT=35651584", 0,
		  CAP_QRESYNC | CAP_CONDSTORE | CAP_APPENDLIMIT, 35651584 },
		{ "APPENDLIMIT", 0, CAP_APPENDLIMIT, 0 },
		{ "APPENDLIMIT=99999999999999999999", 0, CAP_APPENDLIMIT, 0 },
		{ "  ID  \"odd\" {1}\r\nx I18NLEVEL=1 ", 0, CAP_ID, 0 },
		{ "COMPRESS=DEFLATE LITERAL- STATUS=SIZE", 0,
		  CAP_COMPRESS | CAP_LITERAL_MINUS | CAP_STATUS_SIZE, 0 },
		{ "", -1, 0, 0 },
		{ "   ", -1, 0, 0 },
		{ "\"a\"", -1, 0, 0 },
		{ "ID (x", -1, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		unsigned caps;
		uint64_t limit;
		int rc = imap_parse_caps(rows[i].words, strlen(rows[i].words),
		                         &caps, &limit);

		if (rc != rows[i].rc || caps != rows[i].caps ||
		    limit != rows[i].limit)
			fail_msg("%d %x for %s", rc, caps, rows[i].words);
	}
}

/* --- All folders -------------------------------------------------------- */

static void check_tree(struct imap *im, bool each)
{
	struct imap_namespace ns;
	struct folder_list l = { 0 };
	struct err e;

	assert_int_equal(imap_folders(im, true, &ns, &l, &e), 0);
	assert_string_equal(ns.prefix, "INBOX.");
	assert_int_equal(l.n, 6);
	assert_string_equal(l.v[0].path, "INBOX");
	assert_true(l.v[0].have_status);
	assert_int_equal(l.v[0].messages, 2);
	assert_string_equal(l.v[1].path, "A");
	assert_true(l.v[1].noselect);
	assert_false(l.v[1].have_status);
	assert_string_equal(l.v[2].path, "A/b");
	assert_int_equal(l.v[2].have_status, !each);
	assert_string_equal(l.v[3].path, "Gel\xc3\xb6scht");
	assert_int_equal(l.v[3].use, USE_TRASH);
	assert_string_equal(l.v[4].path, "INBOX/INBOX");
	assert_string_equal(l.v[4].raw, "INBOX.INBOX");
	assert_string_equal(l.v[5].raw, "user.bob");
	assert_true(l.v[5].shared);
	imap_namespace_release(&ns);
	folder_list_release(&l);
}

#define TREE(each)                                                             \
	"* NAMESPACE ((\"INBOX.\" \".\")) ((\"user.\" \".\")) NIL\r\n"         \
	"T1 OK\r\n"                                                            \
	"* LIST () \".\" user.bob\r\n"                                         \
	"* LIST () \".\" INBOX.A.b\r\n" each "* LIST () \".\" INBOX.INBOX\r\n" \
	"* LIST (\\Trash) \".\" INBOX.Gel&APY-scht\r\n"                        \
	"* LIST () \".\" {99\r\n"                                              \
	"* LIST (\\Noselect) \".\" INBOX.A\r\n"                                \
	"* LIST () \".\" inbox\r\n"                                            \
	"* LIST () \".\" INBOX\r\n"
#define STATE(name, n) \
	"* STATUS " name " (MESSAGES " n " UIDNEXT 9 UIDVALIDITY 5)\r\n"

static void test_folders_with_status(void **state)
{
	struct imap *im = fake(TREE(STATE("INBOX.A.b", "4"))
	                               STATE("INBOX", "2") "T2 OK\r\n");

	(void)state;
	im->caps = CAP_NAMESPACE | CAP_LIST_STATUS | CAP_LIST_EXTENDED;
	check_tree(im, false);
	imap_close(&im);
}

static void test_folders_status_each(void **state)
{
	struct imap *im = fake(TREE("") "T2 OK\r\n" STATE(
	        "INBOX", "2") "T3 OK\r\nT4 NO no\r\nT5 NO no\r\nT6 OK\r\n"
	                      "T7 OK\r\n");

	(void)state;
	im->caps = CAP_NAMESPACE;
	check_tree(im, true);
	imap_close(&im);
}

static void test_folders_plain_again(void **state)
{
	struct imap *im = fake("T1 BAD unknown RETURN\r\n"
	                       "* LIST () \"/\" x\r\nT2 OK\r\n");
	struct imap_namespace ns;
	struct folder_list l = { 0 };
	struct err e;

	(void)state;
	im->caps = CAP_SPECIAL_USE | CAP_LIST_EXTENDED;
	assert_int_equal(imap_folders(im, false, &ns, &l, &e), 0);
	assert_int_equal(l.n, 1);
	assert_int_equal(ns.delim, '/');
	assert_string_equal(ns.prefix, "");
	imap_namespace_release(&ns);
	folder_list_release(&l);
	imap_close(&im);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_nul_in_name),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_namespace),
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_folders_with_status),
		cmocka_unit_test(test_folders_status_each),
		cmocka_unit_test(test_folders_plain_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
